"""The PDF says what the site says, under the same numbers, on pages without flaws."""

import re
import shutil
import subprocess
from html import unescape
from types import SimpleNamespace

import pytest
import yaml
from sphinx_external_toc.parsing import parse_toc_yaml

from _ext import book_latex
from _tools import pdf, site_guards
from _tools.chapters import ROOT, chapters, twin_path
from _tools.twin import load

ABSENT = pdf.missing() + ([] if shutil.which("pdftotext") else ["poppler-utils"])
needs_tex = pytest.mark.skipif(
    bool(ABSENT), reason=f"needs TeX: Debian packages {', '.join(ABSENT)} are missing"
)
LABEL = re.compile(r"^\\newlabel\{(?:equation:)?[^}]*?:([^:}]+)\}\{\{([^}]*)\}", re.M)


def tool(*command):
    """Return what a program of poppler-utils prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def paper(html):
    """What can be read off the PDF of the real book."""
    try:
        path = pdf.build(ROOT)
    except SystemExit as stop:
        pytest.fail(str(stop))
    outline = tool("pdftohtml", "-xml", "-i", "-stdout", "-f", "1", "-l", "1", str(path))
    return SimpleNamespace(
        text=tool("pdftotext", "-layout", str(path), "-"),
        words=" ".join(tool("pdftotext", str(path), "-").split()),
        info=tool("pdfinfo", str(path)),
        outline=[unescape(item) for item in re.findall(r"<item [^>]*>(.*?)</item>", outline)],
        log=path.with_suffix(".log").read_text("utf8", "replace"),
        # The number of each label, as TeX wrote it.
        numbers=dict(LABEL.findall(path.with_suffix(".aux").read_text("utf8"))),
    )


@pytest.fixture(scope="module")
def pages(html):
    """The pages of the site that the PDF holds too."""
    left_out = {f"{page}.html" for page in left_out_of_paper()}
    shown = site_guards.read_site(html / "book").items()
    return {path: page for path, page in shown if path.relative_to(html).as_posix() not in left_out}


def left_out_of_paper():
    return yaml.safe_load((ROOT / "_config.yml").read_text())["sphinx"]["config"][
        "paper_leaves_out"
    ]


def titles(pages):
    """The heading of each page, with its number."""
    return [page.select_one("main h1").get_text().removesuffix("#") for page in pages.values()]


@needs_tex
def test_pages_have_no_flaws(paper):
    assert pdf.flaws(paper.log) == []
    assert "??" not in paper.text


@needs_tex
def test_every_page_of_the_book_is_in_the_outline(paper, pages):
    wanted = [re.sub(r"^(\d+)\. ", r"\1 ", title) for title in titles(pages)]
    assert len(wanted) > 8
    assert [title for title in wanted if title not in paper.outline] == []


@needs_tex
def test_pages_left_out_are_not_there(paper):
    assert "Status" not in paper.outline and "The library" not in paper.outline


@needs_tex
def test_equations_have_the_numbers_of_the_site(paper, pages):
    site = {
        block["id"].removeprefix("equation-"): block.select_one(".eqno").get_text().strip("()#¶ \n")
        for page in pages.values()
        for block in page.select("div.math[id^=equation-]")
    }
    assert len(site) > 40
    assert {name: paper.numbers.get(name) for name in site} == site
    assert [number for number in site.values() if f"({number})" not in paper.text] == []


@needs_tex
def test_figures_have_the_numbers_of_the_site(paper, pages):
    captions = {
        figure["id"]: figure.select_one(".caption-number").get_text().removeprefix("Fig. ").strip()
        for page in pages.values()
        for figure in page.select("figure[id]")
    }
    assert len(captions) > 25
    assert {name: paper.numbers.get(name) for name in captions} == captions
    assert [n for n in captions.values() if f"Fig. {n}" not in paper.words] == []


@needs_tex
def test_sections_have_the_numbers_of_the_site(paper, pages):
    site = {}
    for page in pages.values():
        for heading in page.select("main section > h2"):
            number = re.match(r"(\d+\.\d+)\. ", heading.get_text())
            if number:
                site[heading.find_parent("section")["id"]] = number[1]
    assert len(site) > 30
    assert {name: paper.numbers.get(name) for name in site} == site


@needs_tex
def test_exercises_come_with_solutions(paper, pages):
    names = [
        mark.get_text().strip()
        for page in pages.values()
        for mark in page.select(".exercise .caption-number")
    ]
    assert len(names) > 15
    for name in names:
        assert re.search(rf"^ *{name}$", paper.text, re.M), name
        assert re.search(rf"^ *Solution to {name}$", paper.text, re.M), name


@needs_tex
def test_figures_are_drawn(paper):
    """A vector drawing is no image of the PDF: count the files that TeX included."""
    figures = sum(
        "name" in cell.metadata.get("mystnb", {}).get("figure", {})
        for name in chapters(ROOT)
        for cell in load(twin_path(ROOT, name)).cells
    )
    included = set(re.findall(r"^File: ([0-9a-f]{64}\.(?:png|pdf))", paper.log, re.M))
    assert len(included) == figures


@needs_tex
def test_folded_code_and_digests_are_left_out(paper):
    assert "use_book_style" not in paper.text
    assert "digest of " not in paper.text


@needs_tex
def test_metadata_name_the_book_and_no_date_of_building(paper):
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    executed = max(load(twin_path(ROOT, name)).metadata.featlearn.date for name in chapters(ROOT))
    known = dict(re.findall(r"^(\w+): +(.*)$", paper.info, re.M))
    assert known["Title"] == yaml.safe_load((ROOT / "_config.yml").read_text())["title"]
    assert known["Author"] == citation["authors"][0]["name"]
    assert known["Keywords"] == ", ".join(citation["keywords"])
    assert citation["version"] in known["Subject"] and executed in known["Subject"]
    day = subprocess.run(
        ("date", "-u", "-d", executed, "+%b %-d"), capture_output=True, text=True, check=True
    ).stdout.strip()
    assert day in " ".join(known["CreationDate"].split())


# Planted defects.


def test_missing_packages_are_named_in_one_sentence(monkeypatch):
    monkeypatch.setattr(pdf.shutil, "which", lambda program: None)
    with pytest.raises(SystemExit) as stop:
        pdf.build(ROOT)
    assert "apt-get install --no-install-recommends texlive-xetex latexmk " in str(stop.value)
    assert "\n" not in str(stop.value)


@pytest.mark.parametrize(
    "line",
    [
        "Overfull \\hbox (57.0pt too wide) detected at line 12",
        "Missing character: There is no κ (U+03BA) in font mono!",
        "LaTeX Warning: Reference `eq-lost' on page 3 undefined on input line 8.",
        "LaTeX Warning: Label `eq-twice' multiply defined.",
        "LaTeX Warning: Label(s) may have changed. Rerun to get cross-references right.",
    ],
)
def test_flaw_is_caught(line):
    assert len(pdf.flaws(f"before\n{line}\nafter")) == 1


def test_narrow_overrun_passes():
    assert pdf.flaws("Overfull \\hbox (9.9pt too wide) detected at line 12") == []


def document(folder, body):
    source = folder / "small.tex"
    source.write_text(rf"\documentclass{{article}}\begin{{document}}{body}\end{{document}}")
    return source


@needs_tex
def test_failure_of_tex_is_shown(tmp_path):
    with pytest.raises(SystemExit, match=r"(?s)XeLaTeX failed.*\\planted"):
        pdf.typeset(document(tmp_path, r"\planted"))


@needs_tex
def test_flaws_of_a_document_are_seen(tmp_path):
    source = document(tmp_path, r"See \ref{lost}. ξ \noindent\rule{500pt}{1pt}")
    pdf.typeset(source)
    found = "\n".join(pdf.flaws(source.with_suffix(".log").read_text("utf8")))
    assert "lost" in found and "Missing character" in found and "too wide" in found


def test_unknown_page_to_leave_out_is_refused():
    site_map = parse_toc_yaml(ROOT / "_toc.yml")
    front, main, back = book_latex.divisions(site_map, ["book/api"])
    assert front[:2] == ["book/preface", "book/notation"] and len(main) == 6
    assert "book/bibliography" in back and "book/api" not in back
    with pytest.raises(ValueError, match="paper_leaves_out must name pages .* got 'book/lost'"):
        book_latex.divisions(site_map, ["book/lost"])
