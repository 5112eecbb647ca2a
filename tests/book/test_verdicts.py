"""The closing page: what is gathered for it, what is refused, and what the site shows."""

import json
from types import SimpleNamespace

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from _ext import program_data, verdicts
from _tools.chapters import ROOT, arguments
from _tools.inputs import chapter_inputs
from featlearn.experiments.verdicts import MIME, VERDICTS, Verdict, VerdictTable

TABLE = VerdictTable(
    [
        Verdict("first", "1", "1.0", "d = 3", "agrees", figure="fig-one", results=("law",)),
        Verdict("second", "2", "1.0", "d = 3", "disagrees", results=("law", "other-law")),
        Verdict("third", "3", "not measured", "–", "not decided"),
        Verdict("fourth", "4", "4.0", "d = 4", "agrees", figure="fig-one"),
    ]
)
TEXT = "(one)=\n# The one\n\n(one-verdict)=\n## Verdict"


def twin(folder, name="one", tables=(TABLE,), text=TEXT, figure="fig-one"):
    """Write a made twin: a figure, then verdict tables as a kernel would store them."""
    drawing = new_code_cell(
        "# Not a title\n\n(no-label)=\n## Verdict",
        metadata={"mystnb": {"figure": {"name": figure}}},
    )
    cells = [new_markdown_cell(text), drawing]
    for table in tables:
        data = table._repr_mimebundle_() | {"text/markdown": table._repr_markdown_()}
        cells.append(new_code_cell(outputs=[new_output("execute_result", data=data)]))
    path = folder / f"{name}.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return path


def test_rows_without_a_name_of_their_own_are_refused(tmp_path):
    twice = verdicts.read(twin(tmp_path, tables=(TABLE, TABLE)))
    with pytest.raises(verdicts.VerdictError, match="one: two verdicts .*'first'"):
        verdicts.check([twice], {"law", "other-law"})


def test_rows_are_gathered(tmp_path):
    chapter = verdicts.read(twin(tmp_path))
    assert (chapter.name, chapter.title, chapter.section) == ("one", "The one", "one-verdict")
    assert chapter.figures == {"fig-one"}
    assert [row["claim"] for row in chapter.rows] == ["first", "second", "third", "fourth"]
    assert chapter.rows[1]["results"] == ["law", "other-law"]
    verdicts.check([chapter], {"law", "other-law"})


def test_all_tables_of_a_chapter_are_gathered(tmp_path):
    assert len(verdicts.read(twin(tmp_path, tables=(TABLE, TABLE))).rows) == 8


def test_verdicts_are_counted(tmp_path):
    one = verdicts.read(twin(tmp_path))
    other = verdicts.read(twin(tmp_path, "two", (VerdictTable(TABLE.rows[1:]),)))
    assert verdicts.counts(one.rows) == [2, 1, 1]
    assert verdicts.summary([one, other]).splitlines() == [
        "| chapter | agrees | disagrees | not decided | claims |",
        "|---|---|---|---|---|",
        "| {ref}`The one <verdicts-one>` | 2 | 1 | 1 | 4 |",
        "| {ref}`The one <verdicts-two>` | 1 | 1 | 1 | 3 |",
        "| **all** | 3 | 2 | 2 | 7 |",
    ]


def test_each_row_leads_to_its_figure_and_results(tmp_path):
    written = verdicts.detail(verdicts.read(twin(tmp_path)))
    assert "{ref}`its verdict <one-verdict>`" in written
    first, second, third, _ = written.splitlines()[-4:]
    assert first == (
        "| first | 1 | 1.0 | d = 3 | **agrees** | {numref}`fig-one` | {ref}`law.nc <result-law>` |"
    )
    assert second.endswith(
        "| – | {ref}`law.nc <result-law>`, {ref}`other-law.nc <result-other-law>` |"
    )
    assert third.endswith("| **not decided** | – | – |")


def test_a_twin_without_rows_is_named(tmp_path):
    """As an earlier version of the library left it: with a table, but no rows for programs."""
    path = twin(tmp_path, "early")
    notebook = nbformat.read(path, as_version=4)
    del notebook.cells[-1].outputs[0].data[MIME]
    nbformat.write(notebook, path)
    with pytest.raises(verdicts.VerdictError, match="early: no verdicts .*make chapter C=early"):
        verdicts.read(path)


@pytest.mark.parametrize(
    "text", ["# The one\n\n## Verdict", "(one-verdict)=\n## Verdict", "(one-setting)=\n# The one"]
)
def test_a_missing_title_or_label_is_named(tmp_path, text):
    with pytest.raises(verdicts.VerdictError, match="one: a title and a label"):
        verdicts.read(twin(tmp_path, text=text))


def test_a_figure_of_another_chapter_may_be_named(tmp_path):
    one = verdicts.read(twin(tmp_path, figure="fig-other"))
    with pytest.raises(verdicts.VerdictError, match="one: .*'first' names the figure 'fig-one'"):
        verdicts.check([one], {"law", "other-law"})
    verdicts.check([one, verdicts.read(twin(tmp_path, "two"))], {"law", "other-law"})


def test_an_unknown_result_is_named(tmp_path):
    one = verdicts.read(twin(tmp_path))
    with pytest.raises(verdicts.VerdictError, match="one: .*'second' names .*'other-law'"):
        verdicts.check([one], {"law"})


def test_pages_are_rendered_without_the_rows_for_programs(tmp_path):
    path = twin(tmp_path)
    app = SimpleNamespace(env=SimpleNamespace(doc2path=lambda docname: f"{docname}.ipynb"))
    source = [path.read_text("utf8")]
    assert MIME in source[0]
    program_data.leave_out(app, "one", source)
    assert MIME not in source[0]
    expected = json.loads(path.read_text("utf8"))
    del expected["cells"][-1]["outputs"][0]["data"][MIME]
    assert json.loads(source[0]) == expected


def test_texts_that_name_the_rows_for_programs_are_left_as_they_are():
    """A page on the format is no notebook, and a notebook without rows is not written anew."""
    app = SimpleNamespace(env=SimpleNamespace(doc2path=lambda docname: docname))
    for docname, text in (("page.md", f"The type `{MIME}`."), ("one.ipynb", '{"cells":  []}')):
        source = [text]
        program_data.leave_out(app, docname, source)
        assert source == [text]


def test_only_chapters_that_argue_are_asked():
    def part(caption, *pages):
        return SimpleNamespace(caption=caption, files=lambda: pages)

    parts = [part(None, "preface"), part("Chapters", "one", "two"), part("Reference", "api")]
    contents = SimpleNamespace(root=SimpleNamespace(subtrees=parts))
    assert verdicts.argued(SimpleNamespace(external_site_map=contents)) == ["one", "two"]


# The real page.


def rows_of(table):
    """Texts of the body of a rendered table."""
    return [
        [cell.get_text(" ", strip=True) for cell in line.find_all("td")]
        for line in table.find("tbody").find_all("tr")
    ]


def page(html, name):
    return BeautifulSoup((html / "book" / f"{name}.html").read_text("utf8"), "html.parser")


@pytest.fixture(scope="module")
def closing(html):
    """The closing page's tables: the summary, then one a chapter."""
    summary, *tables = page(html, "verdicts").select("main table")
    return rows_of(summary), dict(zip(arguments(ROOT), map(rows_of, tables), strict=True))


@pytest.mark.parametrize("name", arguments(ROOT))
def test_closing_page_repeats_the_chapter(html, closing, name):
    """Row for row, the first columns are what the chapter itself shows from its Markdown."""
    wanted = list(VerdictTable.columns)
    shown = [
        rows_of(table)
        for table in page(html, f"notebooks/{name}").select("main table")
        if [cell.get_text() for cell in table.find_all("th")] == wanted
    ]
    expected = [row for table in shown for row in table]
    gathered = closing[1][name]
    assert expected
    assert [row[: len(wanted)] for row in gathered] == expected


def test_counts_are_those_of_the_tables(closing):
    summary, tables = closing
    place = VerdictTable.columns.index("verdict")
    by_chapter = [[row[place] for row in rows] for rows in tables.values()]
    by_chapter.append([verdict for found in by_chapter for verdict in found])
    assert set(by_chapter[-1]) <= set(VERDICTS)
    assert len(summary) == len(by_chapter) == len(arguments(ROOT)) + 1
    for line, found in zip(summary, by_chapter, strict=True):
        assert [int(number) for number in line[1:]] == [
            *(found.count(verdict) for verdict in VERDICTS),
            len(found),
        ]


def test_measured_rows_lead_to_figures_and_to_stored_results(html):
    """There are such links, and each leads to a figure or to a line of the status page."""
    links = page(html, "verdicts").select("main table.verdict-table a[href]:not(.headerlink)")
    figures = [link for link in links if link["href"].startswith("notebooks/")]
    results = [link for link in links if link["href"].startswith("status.html#result-")]
    assert figures and results and len(figures) + len(results) == len(links)
    status = {
        row[0].removesuffix(" #") for row in rows_of(page(html, "status").select("main table")[-1])
    }
    assert {link.get_text().removesuffix(".nc") for link in results} <= status
    for link in figures:
        target, _, label = link["href"].partition("#")
        place = page(html, target.removesuffix(".html")).find(id=label)
        assert place.name == "figure", label


@pytest.mark.parametrize("name", arguments(ROOT))
def test_a_chapter_is_executed_again_when_a_result_of_its_verdicts_changes(name):
    executed = ROOT / "book" / "notebooks" / f"{name}.ipynb"
    named = {result for row in verdicts.read(executed).rows for result in row["results"]}
    depends_on = {path.stem for path in chapter_inputs(ROOT, name) if path.suffix == ".nc"}
    assert named <= depends_on
