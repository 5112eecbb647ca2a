"""The rendered site; after the tests, which results were computed by other code than today's."""

from pathlib import Path

import pytest

from _tools.chapters import ROOT
from _tools.render import render
from featlearn.experiments import code, store

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def html():
    """Folder of the real site, rendered if anything that it shows changed."""
    try:
        return render(ROOT).parent
    except SystemExit as stop:
        pytest.fail(str(stop))


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


def pytest_terminal_summary(terminalreporter, config):
    """Report them, once a suite: where the tests of the experiments are among those asked for."""
    asked = [(config.invocation_params.dir / arg.split("::")[0]) for arg in config.args]
    if not any((HERE / "experiments").is_relative_to(path.resolve()) for path in asked):
        return
    lines = stale()
    if lines:
        terminalreporter.section("stored results whose code has changed")
        for line in lines:
            terminalreporter.write_line(line)
        terminalreporter.write_line("`make results` measures them again (hours).")
