"""Declared experiments: grids, refusals, and the example of the documentation."""

import json
import os
import re
import subprocess
import sys
import textwrap
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from featlearn.experiments import __doc__ as WORDS
from featlearn.experiments import store
from featlearn.experiments.__main__ import EXPERIMENTS
from featlearn.experiments.experiment import Experiment, grid, settings

from .tiny import begun_points, experiment, run_point


def test_a_grid_is_the_product_with_defaults():
    found = grid({"d": 1, "N": 2, "widths": [3]}, N=(4, 5), widths=([6], [7, 8]))
    assert found[1] == {"d": 1, "N": 4, "widths": [7, 8]} and len(found) == 4
    assert grid({"d": 1}) == [{"d": 1}]


def test_scalars_of_numpy_become_plain():
    """So that they are shown, hashed and stored like others."""
    defaults = {"N": np.int64(2), "widths": [np.int64(3), 4], "d": 1, "k": 1.0, "on": 0, "how": ""}
    numpy_s = dict(
        d=np.arange(10, 11), k=np.array([0.25]), on=np.array([True]), how=np.array(["a"])
    )
    found = grid(defaults, **numpy_s)
    expected = {"N": 2, "widths": [3, 4], "d": 10, "k": 0.25, "on": True, "how": "a"}
    assert repr(found) == repr([expected])
    assert found == [settings(defaults, **{key: values[0] for key, values in numpy_s.items()})]
    assert type(settings({"k": 1.0}, k=np.float64(0.5))["k"]) is float


def test_unknown_settings_are_named():
    for make in (settings, grid):
        with pytest.raises(ValueError, match=r"unknown settings \['rung'\]: known are \['d'\]"):
            make({"d": 1}, rung=[3])


@pytest.mark.parametrize(
    "change, message",
    [
        ({"name": "Tiny"}, "name = 'Tiny'"),
        ({"claim": "two\nlines"}, "claim = "),
        ({"points": []}, r"points = \[\]"),
        ({"columns": ("N",)}, "columns has 'N'"),
        ({"units": {"d": "1"}}, r"units\['d'\] = '1'"),
        ({"run_point": lambda config: None}, "run_point = "),
    ],
)
def test_bad_declarations_are_named(change, message):
    arguments = dict(
        name="tiny",
        claim="One line.",
        points=[{"d": 1}],
        run_point=run_point,
        columns=("d",),
        units={"d": ("d", "1")},
    )
    Experiment(**arguments)
    with pytest.raises(ValueError, match=message):
        Experiment(**arguments | change)


def test_a_variable_without_units_is_named(folder):
    units = {key: value for key, value in experiment().units.items() if key != "draws"}
    tiny = experiment()
    lacking = Experiment(
        tiny.name, tiny.claim, tiny.points, tiny.run_point, ("d", "seed"), units=units
    )
    with pytest.raises(ValueError, match="tiny, first point: .*'draws'"):
        lacking.measure(workers=1, progress=False)
    assert begun_points(folder) == [2]  # and not after the last point


def test_experiments_of_the_book_have_names_and_grids_of_their_own():
    names = [e.name for e in EXPERIMENTS]
    assert len(set(names)) == len(names)
    for e in EXPERIMENTS:
        columns = [json.dumps(e.columns_of(p)) for p in e.points]
        assert len(set(columns)) == len(columns)  # the columns tell points apart
        assert all(json.dumps(e.columns_of(p)) in columns for p in e.spot.points)


def test_stored_results_have_the_declared_grid():
    """A grid that was changed and not measured would be noticed here."""
    for e in EXPERIMENTS:
        assert e.state() not in ("missing", "another grid"), e.name


def test_a_longer_grid_runs_what_it_adds(folder, tmp_path_factory):
    whole = experiment()
    store.save("tiny", replace(whole, points=whole.points[:3]).measure(workers=1, progress=False))
    elsewhere = tmp_path_factory.mktemp("elsewhere")  # as after a fresh checkout
    data = whole.measure(workers=1, progress=False, folder=elsewhere)
    assert begun_points(folder) == [2, 3, 5, 7]
    store.save("tiny", data)
    again = whole.measure(workers=1, progress=False, folder=tmp_path_factory.mktemp("again"))
    assert begun_points(folder) == [2, 3, 5, 7]
    drop = dict(date="", wall_seconds=0)
    xr.testing.assert_identical(again.assign_attrs(drop), data.assign_attrs(drop))


def test_stored_points_of_other_code_are_run_again(folder, tmp_path_factory):
    data = experiment().measure(workers=1, progress=False)
    store.save("tiny", data.assign_attrs(code_hash="0" * 16))
    experiment().measure(workers=1, progress=False, folder=tmp_path_factory.mktemp("fresh"))
    assert begun_points(folder) == [2, 3, 5, 7] * 2


def test_seeds_of_the_provenance_are_those_of_the_points(folder):
    data = experiment().measure(workers=1, progress=False)
    assert json.loads(data.attrs["seeds"]) == {"seed": [1, 1, 1, 1]}


def script(folder, *arguments, **environ):
    """Start means.py as a reader would."""
    return subprocess.run(
        [sys.executable, "-W", "error", "means.py", *arguments],
        cwd=folder,
        env=os.environ | environ,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def means(folder, monkeypatch):
    """A folder of the reader's, with the example of the documentation as it stands there."""
    monkeypatch.delenv("FEATLEARN_RESULTS")
    monkeypatch.delenv("FEATLEARN_RUNS")
    monkeypatch.chdir(folder)
    text = WORDS.partition("::\n")[2].partition("\n``python")[0]
    (folder / "means.py").write_text(textwrap.dedent(text).strip() + "\n")
    return folder


def test_the_example_of_the_documentation_runs(means):
    """Found, short, run, loaded as the text says, and resumed."""
    example = (means / "means.py").read_text()
    assert len([line for line in example.splitlines() if line]) <= 15
    first = script(means, "--workers", "2")
    assert first.returncode == 0, first.stderr
    assert "12/12" in first.stderr
    data = eval(re.search(r"store\.load\(.*?\)", WORDS)[0])
    assert sorted(set(data.n.values)) == [10, 100, 1000] and data.sizes["point"] == 12
    large = data["mean"].values[data.n.values == 1000]
    assert (abs(large) < 5 / 1000**0.5).all()
    again = script(means)
    assert again.returncode == 0 and "this grid and this code" in again.stdout


def test_a_script_leaves_the_book_s_folders_alone(means):
    assert script(means, "--workers", "1").returncode == 0
    assert sorted(path.name for path in means.iterdir()) == ["means.py", "results"]
    assert len(list((means / "results" / "runs").rglob("*.nc"))) == 12
    assert not store.path_of("means").exists() and not (store.runs_folder() / "means").exists()
    elsewhere = {"FEATLEARN_RESULTS": "other", "FEATLEARN_RUNS": "kept"}
    assert script(means, "--workers", "1", **elsewhere).returncode == 0
    assert (means / "other" / "means.nc").exists() and len(list(means.glob("kept/*/*.nc"))) == 12
    book = subprocess.run(
        [sys.executable, "-m", "featlearn.experiments", "--list", "bound-margin"],
        capture_output=True,
        text=True,
    )
    assert book.returncode == 0 and " current " in book.stdout  # found from any folder


def test_a_script_that_fails_says_so_by_its_exit_code(means):
    failed = script(means, FEATLEARN_RESULTS="means.py/below")
    assert failed.returncode == 1 and failed.stderr.startswith("error: means.py/below: ")


def test_a_changed_module_beside_the_script_runs_it_anew(means):
    example = (means / "means.py").read_text()
    (means / "means.py").write_text("import helper\n" + example.replace("draws.m", "helper.m"))
    assert "helper.mean()" in (means / "means.py").read_text()
    for value in (1.0, 2.0):
        (means / "helper.py").write_text(f"def mean():\n    return {value}\n")
        done = script(means, "--workers", "1")
        assert done.returncode == 0, done.stderr
        assert (store.load("means", folder="results")["mean"] == value).all()
    assert "means: changed: helper; measuring" in done.stdout
