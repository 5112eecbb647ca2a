"""Every chapter keeps the rules, and every rule catches what it forbids."""

import subprocess
import sys

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from _tools import notebook_guards as guards
from _tools import suite, twin
from _tools.chapters import ROOT, arguments, chapters, twin_path
from _tools.execute import execute
from _tools.surroundings import environment

CHAPTERS = chapters(ROOT)
OF_ONE_TWIN = (guards.executed_in_order, guards.nothing_hidden, guards.figures_described)


def test_there_are_chapters_and_each_was_executed():
    assert CHAPTERS
    assert guards.twins_present(ROOT) == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_twin_agrees_with_its_text(name):
    assert guards.twin_agrees(ROOT, name) == []


@pytest.mark.parametrize("name", arguments(ROOT))
def test_chapter_has_its_sections(name):
    assert guards.sections_in_order(twin.load(twin_path(ROOT, name))) == []


def test_chapters_that_argue_are_chapters():
    assert arguments(ROOT) and set(arguments(ROOT)) <= set(chapters(ROOT))


@pytest.mark.parametrize("guard", OF_ONE_TWIN, ids=lambda guard: guard.__name__)
@pytest.mark.parametrize("name", CHAPTERS)
def test_chapter_keeps_the_rule(name, guard):
    assert guard(twin.load(twin_path(ROOT, name))) == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_twin_says_how_it_was_executed(name):
    record = twin.load(twin_path(ROOT, name)).metadata[twin.RECORD]
    assert record["device"] == "cpu"
    assert {"inputs", "seconds", "date", "processor", "python", "versions"} <= set(record)


# Planted defects.


def figure_cell(alt="A line.", name="fig-line", caption="A line.", text="digest: 1\n", count=1):
    picture = new_output("display_data", data={"image/svg+xml": "<svg/>"})
    return new_code_cell(
        "draw()",
        execution_count=1,
        outputs=[picture] * count + [new_output("stream", name="stdout", text=text)],
        metadata={"mystnb": {"image": {"alt": alt}, "figure": {"name": name, "caption": caption}}},
    )


def notebook(*cells):
    return new_notebook(cells=list(cells))


def test_missing_and_orphaned_twins_are_caught(tiny):
    twin.write(twin_path(tiny, "lost"), notebook())
    assert guards.twins_present(tiny) == [
        "tiny: never executed, no twin",
        "lost: a twin without a text",
    ]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda cells: cells.pop(),
        lambda cells: cells.reverse(),
        lambda cells: cells[0].update(source="# Other"),
        lambda cells: cells[1].metadata.update(tags=["x"]),
    ],
    ids=["missing cell", "order", "source", "metadata"],
)
def test_twin_that_differs_is_caught(tiny, spoil):
    faithful = twin.from_text(tiny, "tiny")
    twin.write(twin_path(tiny, "tiny"), faithful)
    assert guards.twin_agrees(tiny, "tiny") == []
    spoil(faithful.cells)
    twin.write(twin_path(tiny, "tiny"), faithful)
    assert guards.twin_agrees(tiny, "tiny")


@pytest.mark.parametrize(
    "cell",
    [
        new_code_cell("1"),
        new_code_cell("1", execution_count=7),
        new_code_cell("1", execution_count=1, outputs=[new_output("error", ename="E", evalue="")]),
        new_code_cell(
            "1", execution_count=1, outputs=[new_output("stream", name="stderr", text="warning")]
        ),
        new_markdown_cell("no code at all"),
    ],
    ids=["never executed", "out of order", "error", "stderr", "no code"],
)
def test_bad_execution_is_caught(cell):
    assert guards.executed_in_order(notebook(cell))


@pytest.mark.parametrize(
    "tag",
    [
        "nbval-skip",
        "nbval-ignore-output",
        "raises-exception",
        "skip-execution",
        "remove-cell",
        "remove-output",
        "NBVAL_IGNORE_OUTPUT",
    ],
)
def test_hiding_tag_is_caught(tag):
    assert guards.nothing_hidden(notebook(new_code_cell("1", metadata={"tags": [tag]})))


@pytest.mark.parametrize(
    "comment",
    [
        "# NBVAL_SKIP",
        "#NBVAL_IGNORE_OUTPUT",
        "x = 1  # NBVAL_RAISES_EXCEPTION",
        "# PYTEST_VALIDATE_IGNORE_OUTPUT",
    ],
)
def test_hiding_comment_is_caught(comment):
    assert guards.nothing_hidden(notebook(new_code_cell(comment)))


def test_folding_a_cell_is_allowed():
    assert (
        guards.nothing_hidden(notebook(new_code_cell("1", metadata={"tags": ["hide-input"]}))) == []
    )


def test_a_described_figure_passes():
    assert guards.figures_described(notebook(figure_cell())) == []


@pytest.mark.parametrize(
    "lack",
    [{"alt": " "}, {"name": ""}, {"caption": ""}, {"text": "no digest\n"}, {"count": 2}],
    ids=str,
)
def test_figure_without_description_is_caught(lack):
    assert len(guards.figures_described(notebook(figure_cell(**lack)))) == 1


@pytest.mark.parametrize(
    "headings",
    [
        ["Derivation", "Prediction", "Experiment", "Verdict"],
        ["Prediction", "Derivation", "Experiment", "Verdict", "Exercises"],
    ],
    ids=["missing", "order"],
)
def test_wrong_sections_are_caught(headings):
    text = new_markdown_cell("\n\n".join(f"## {heading}" for heading in headings))
    assert guards.sections_in_order(notebook(text))


def validate(root):
    """Validate the tiny twin as the suite validates the book's; return pytest's exit code."""
    command = [sys.executable, "-m", "pytest", "-q", "book/notebooks", *suite.NBVAL]
    return subprocess.run(command, cwd=root, env=environment(root)).returncode


@pytest.mark.parametrize(
    "spoil, code",
    [
        (lambda text: text, 0),
        (lambda text: text.replace("digest: 1", "digest: 2"), 1),
    ],
    ids=["faithful", "another digest"],
)
def test_changed_output_fails_validation(executed, spoil, code):
    path = twin_path(executed, "tiny")
    path.write_text(spoil(path.read_text()))
    assert validate(executed) == code


ROWS = """\
class Rows:
    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"application/vnd.featlearn.verdicts+json": {"rows": [{"figure": "fig-one"}]}}

    def __repr__(self):
        return "a table"

Rows()"""


@pytest.mark.parametrize("figure, code", [("fig-one", 0), ("fig-two", 1)])
def test_rows_for_programs_are_compared(tiny, figure, code):
    """What the closing page shows is validated like any output, not only as it is printed."""
    text = tiny / "book" / "tiny.md"
    text.write_text(text.read_text().replace("ONE + 1", ROWS))
    execute(tiny, "tiny")
    path = twin_path(tiny, "tiny")
    notebook = twin.load(path)
    (stored,) = notebook.cells[-2].outputs[0].data["application/vnd.featlearn.verdicts+json"].rows
    stored.figure = figure
    twin.write(path, notebook)
    assert validate(tiny) == code


DRAWN = """\
from IPython.display import display
display({"image/svg+xml": "<svg>here</svg>", "application/pdf": "JVBERi0xLjQKhere",
         "application/vnd.featlearn.figure+csv": "# panel 1: here\\npanel,kind,series,colour"},
        raw=True)"""


def test_pictures_and_their_numbers_are_not_compared(tiny):
    """Another machine draws with other fonts, and samples other points: only the digest counts."""
    text = tiny / "book" / "tiny.md"
    text.write_text(text.read_text().replace("ONE + 1", DRAWN))
    execute(tiny, "tiny")
    path = twin_path(tiny, "tiny")
    drawn = path.read_text()
    assert drawn.count("here") > 3
    _, _, output = drawn.rpartition('"outputs"')
    path.write_text(drawn.replace(output, output.replace("here", "there")))
    assert path.read_text() != drawn
    assert validate(tiny) == 0
