"""The rendered site; after the tests, which results and timings are of other code than today's."""

import json
import sys
from pathlib import Path

import pytest

from _tools.chapters import ROOT
from _tools.render import render
from featlearn.experiments import code, store

HERE = Path(__file__).parent
BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture(scope="session")
def html():
    """Folder of the real site, rendered if anything that it shows changed."""
    try:
        return render(ROOT).parent
    except SystemExit as stop:
        pytest.fail(str(stop))


@pytest.fixture(autouse=True)
def no_figure_left():
    """Close what a test drew: the digest of a later one counts the open figures."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def stale():
    """A line for each stored result whose code is not today's, or not known."""
    lines = []
    for path in sorted(store.results_folder().glob("*.nc")):
        try:
            state = code.state(store.read(path).attrs)
        except store.ResultError as error:  # for the tests of the store to complain of
            state = str(error)
        if state != "current":
            lines.append(f"{path.stem}: {state}")
    return lines


def stale_benchmarks(folder):
    """A line for each file of a benchmark that timed other code than today's, or does not say.

    Parameters
    ----------
    folder : pathlib.Path
        With the files in ``results``, and beside it the scripts that wrote them.
    """
    lines = []
    for path in sorted((folder / "results").glob("*.json")):
        state = _state(path, folder)
        if state != "current":
            lines.append(f"{path.name}: {state}")
    return lines


def _state(path, folder):
    try:
        origin = json.loads(path.read_text("utf8"))["provenance"]
        script, function = origin["code_entry"].split(":")
    except ValueError:  # of a run that was interrupted
        return "not readable"
    except KeyError:
        return "made by code that was not recorded"
    # The scripts are no modules of the library, which would find them by its own means.
    file = next(folder.rglob(f"{script}.py"), None)
    return code.state(origin, (script, function, file))


def pytest_terminal_summary(terminalreporter, config):
    """Report them, once a suite: where the tests of what made them are among those asked for."""
    asked = [(config.invocation_params.dir / arg.split("::")[0]) for arg in config.args]

    def report(tests, title, find, remedy):
        if not any((HERE / tests).is_relative_to(path.resolve()) for path in asked):
            return
        lines = find()
        if lines:
            terminalreporter.section(title)
            for line in [*lines, remedy]:
                terminalreporter.write_line(line)

    report(
        "experiments",
        "stored results whose code has changed",
        stale,
        "`make results` measures them again (hours).",
    )
    report(
        "benchmarks",
        "benchmarks whose timed code has changed",
        lambda: stale_benchmarks(BENCHMARKS),
        "`make bench` times them again (40 minutes).",
    )
