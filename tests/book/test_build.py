"""What is executed again and when; what a run leaves behind; how it fails."""

import subprocess

import pytest

from _tools import twin
from _tools.chapters import ROOT, chapters, twin_path
from _tools.execute import execute, is_fresh
from _tools.inputs import digest, site_inputs
from _tools.surroundings import environment


def append(path, text="\n"):
    path.write_text(path.read_text() + text if path.exists() else text)


def test_only_pages_with_a_jupytext_header_are_chapters(tiny):
    assert chapters(tiny) == ["tiny"]


def test_fresh_clone_executes_everything(tiny):
    twin.write(twin_path(tiny, "tiny"), twin.from_text(tiny, "tiny"))
    assert not is_fresh(tiny, "tiny")


def test_execution_fills_the_twin_and_is_not_repeated(executed):
    notebook = twin.load(twin_path(executed, "tiny"))
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [1, 2]
    assert code[0].outputs[0].text == "digest: 1\n"
    assert is_fresh(executed, "tiny")


@pytest.mark.parametrize(
    "touched",
    [
        "book/tiny.md",
        "lib/featlearn/one.py",
        "lib/featlearn/new.py",
        "requirements.lock",
        "book/notebooks/tiny.ipynb",
    ],
)
def test_changed_input_makes_a_chapter_stale(executed, touched):
    append(executed / touched)
    assert not is_fresh(executed, "tiny")


@pytest.mark.parametrize("touched", ["book/page.md", "book/results/unnamed.nc", "book/other.bib"])
def test_other_files_leave_a_chapter_fresh(executed, touched):
    append(executed / touched)
    assert is_fresh(executed, "tiny")


@pytest.mark.parametrize("name", ["one-law", "one_law"])
def test_result_named_in_the_text_makes_it_stale(tiny, name):
    append(tiny / "book" / "tiny.md", f"\nIt loads `{name}`.\n")
    append(tiny / "book" / "results" / "one-law.nc", "first")
    execute(tiny, "tiny")
    assert is_fresh(tiny, "tiny")
    append(tiny / "book" / "results" / "one-law.nc", "second")
    assert not is_fresh(tiny, "tiny")


def test_same_outputs_leave_the_twin_byte_for_byte(executed):
    stored = twin_path(executed, "tiny")
    before = stored.read_bytes()
    append(executed / "lib" / "featlearn" / "one.py", "# no change of a value\n")
    execute(executed, "tiny")
    assert stored.read_bytes() == before
    append(executed / "lib" / "featlearn" / "one.py", "ONE = 2\n")
    execute(executed, "tiny")
    assert stored.read_bytes() != before


def test_failing_cell_is_shown_and_the_old_twin_stays(executed):
    stored = twin_path(executed, "tiny")
    before = stored.read_bytes()
    append(executed / "lib" / "featlearn" / "one.py", "raise RuntimeError('planted')\n")
    with pytest.raises(SystemExit, match="(?s)tiny: cell 1/2 failed.*import ONE.*planted") as stop:
        execute(executed, "tiny")
    assert stop.value.code != 0
    assert stored.read_bytes() == before
    assert not is_fresh(executed, "tiny")


def test_unknown_device_is_refused(tiny):
    with pytest.raises(ValueError, match="device must be 'cpu' or 'cuda'; got 'tpu'"):
        environment(tiny, "tpu")


@pytest.mark.parametrize(
    "page",
    [
        "book/status.md",
        "book/references.bib",
        "_config.yml",
        "book/_static/book.css",
        "book/_ext/chapter_status.py",
        "requirements.lock",
        "CITATION.cff",
        "benchmarks/results/cost.json",
    ],
)
def test_site_depends_on_what_it_shows(page):
    inputs = site_inputs(ROOT)
    assert ROOT / page in inputs
    assert digest(ROOT, inputs) != digest(ROOT, [path for path in inputs if path != ROOT / page])


def test_site_depends_on_the_library_on_twins_and_on_the_texts_that_it_hands_out():
    inputs = site_inputs(ROOT)
    assert any(path.suffix == ".py" and "featlearn" in path.parts for path in inputs)
    for name in chapters(ROOT):
        assert twin_path(ROOT, name) in inputs
        assert ROOT / "book" / f"{name}.md" in inputs


def make(*arguments):
    return subprocess.run(("make", *arguments), cwd=ROOT, capture_output=True, text=True)


def test_make_alone_lists_the_targets():
    listed = make().stdout
    for target in ("book", "test", "html", "serve", "chapter", "lock", "results"):
        assert f"make {target} " in listed


@pytest.mark.parametrize("python", ["no-such-python", "false"])
def test_missing_or_old_python_gives_one_clear_sentence(tmp_path, python):
    done = make("setup", f"PYTHON={python}", f"VENV={tmp_path}/none")
    assert done.returncode != 0
    assert done.stdout.count("Python 3.11 or newer") == 1
    assert "Traceback" not in done.stderr


def test_results_are_not_built_by_accident():
    """`make book` must never start an experiment of hours."""
    assert "featlearn.experiments" not in make("--dry-run", "book").stdout
