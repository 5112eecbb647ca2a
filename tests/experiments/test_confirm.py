"""Code that was changed and computes the same is entered, and no other is."""

import importlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import pytest
import xarray as xr

from featlearn.experiments import code, provenance, store, workers
from featlearn.experiments.confirm import confirm

from .conftest import ROOT
from .tiny import begun_points, experiment

OTHER = {"code_hash": "0" * 16, "code_modules": json.dumps({"tests.experiments.gone": "1" * 16})}


def save_as_of_other_code(tiny, name="tiny", **changes):
    """Measure it, and store it as if other code had; each point took its d in seconds."""
    data = tiny.measure(workers=1, progress=False)
    runs = json.loads(data.attrs["runs"])
    for d, run in zip(data.d.values, runs, strict=True):
        run |= {"wall_seconds": float(d)} | changes
    store.save(name, data.assign_attrs(OTHER | {"runs": json.dumps(runs)}))


def again(data):
    return code.points_confirmed(data.attrs, code.place(experiment().run_point))


@pytest.fixture
def here(monkeypatch):
    """Points run in this process, which starts none and is quick."""
    run = workers.run_sweep
    monkeypatch.setattr(
        workers, "run_sweep", lambda sweep, **_: run(sweep, workers=1, progress=False)
    )


@pytest.fixture
def stored(folder, here):
    """The tiny sweep as other code measured it."""
    save_as_of_other_code(experiment())
    (folder / "log").unlink()
    return folder


def test_code_that_computes_the_same_is_entered(stored):
    assert experiment().state().startswith("changed: ")
    before = store.load("tiny")
    assert confirm(experiment(), progress=False) == [0, 1, 2, 3]
    assert experiment().state() == "current"
    after = store.load("tiny")
    xr.testing.assert_identical(after.drop_attrs(), before.drop_attrs())
    entries = json.loads(after.attrs["confirmed"])
    assert [entry["code_hash"] for entry in entries][:1] == ["0" * 16]
    assert entries[1]["points"] == [provenance.config_hash(p) for p in experiment().points]
    assert len(entries) == 2 and again(after) == 4
    assert {key: after.attrs[key] for key in before.attrs} == before.attrs  # what made it stays
    assert confirm(experiment(), progress=False) == [] == begun_points(stored)[4:]


@pytest.mark.parametrize(
    "seconds, allowed",
    [(1.0, [{2}]), (4.0, [{2}]), (8.0, [{2, 3}, {2, 5}]), (12.0, [{2, 3, 5}, {2, 3, 7}])],
)
def test_points_fit_in_the_time_and_the_shortest_is_always_run(stored, seconds, allowed):
    confirm(experiment(), seconds=seconds, progress=False)
    assert set(begun_points(stored)) in allowed


def test_another_number_is_named_and_nothing_entered(stored):
    data = store.load("tiny")
    data.draws[2, 1] += 1e-15  # the last bit
    before = store.save("tiny", data).read_bytes()
    with pytest.raises(store.ResultError, match="tiny, point 2: .*another 'draws'"):
        confirm(experiment(), progress=False)
    assert store.path_of("tiny").read_bytes() == before


def test_what_is_measured_in_seconds_may_differ(stored):
    data = store.load("tiny")
    data.draws[2, 1] += 1
    store.save("tiny", data)
    timed = experiment()
    timed = replace(timed, units=dict(timed.units) | {"draws": ("time", "s")})
    assert confirm(timed, progress=False) == [0, 1, 2, 3]


@pytest.mark.parametrize("lost", [True, False])
def test_other_variables_are_named(stored, lost):
    data = store.load("tiny")
    if lost:
        data["more"] = data.draws
        match = "today's code does not compute 'more'"
    else:
        data = data.drop_vars("draws")
        match = "today's code computes 'draws', which is not stored"
    store.save("tiny", data)
    with pytest.raises(store.ResultError, match=match):
        confirm(experiment(), progress=False)


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan"), float("inf")])
def test_a_time_that_is_none_is_refused(stored, seconds):
    with pytest.raises(ValueError, match="seconds = .*: a positive finite number"):
        confirm(experiment(), seconds=seconds)
    assert begun_points(stored) == []


def test_a_result_that_names_no_code_is_refused(stored):
    data = store.load("tiny")
    del data.attrs["code_hash"]
    store.save("tiny", data)
    with pytest.raises(store.ResultError, match="tiny: .*does not say what code made it"):
        confirm(experiment())


def test_code_that_changes_meanwhile_is_not_entered(stored, monkeypatch):
    today = code.attributes(*code.place(experiment().run_point))
    found = iter([today, today, today | {"code_hash": "2" * 16}])
    monkeypatch.setattr(code, "attributes", lambda *_: next(found))
    with pytest.raises(store.ResultError, match="tiny: the code changed after"):
        confirm(experiment(), progress=False)
    assert "confirmed" not in store.load("tiny").attrs


SCRIPT = """
from fractions import Fraction
import xarray as xr
from featlearn.experiments.experiment import Experiment, grid
SHIFT = 0
def run_point(config{argument}):
    {first}
    return xr.Dataset({{"twice": 2 * config["d"] + SHIFT}})
EXPERIMENT = Experiment(
    name="tiny", claim="Twice.", points=grid({{"d": 1}}, d={values}), run_point=run_point,
    columns=("d",), units={{"twice": ("twice", "1"), "d": ("d", "1")}},
)
"""


@pytest.fixture
def script(folder, monkeypatch):
    """Write a script of one's own, and import it."""
    monkeypatch.syspath_prepend(folder)

    def write(argument="", first="pass", values="(2, 3)"):
        text = SCRIPT.format(argument=argument, first=first, values=values)
        (folder / "twice.py").write_text(text)
        sys.modules.pop("twice", None)
        importlib.invalidate_caches()
        return importlib.import_module("twice").EXPERIMENT

    yield write
    sys.modules.pop("twice", None)


@pytest.mark.parametrize("points", [1, 2])  # one worker alone is a process of its own as well
def test_the_code_that_runs_is_what_is_on_disk(folder, script, points):
    loaded = script()
    save_as_of_other_code(loaded)
    text = (folder / "twice.py").read_text()
    (folder / "twice.py").write_text(text.replace("SHIFT = 0", "SHIFT = 1.5"))
    with pytest.raises(store.ResultError, match="tiny, point 0: .*another 'twice'"):
        confirm(loaded, seconds=2.0 * points + 1, progress=False)


def test_points_have_the_threads_that_they_had(script, monkeypatch):
    """Another number would sum in another order."""
    tiny = script(first="import os; assert os.environ['OMP_NUM_THREADS'] == '7'", values="(2,)")
    with monkeypatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "7")
        save_as_of_other_code(tiny, threads=7)
    assert confirm(tiny, progress=False) == [0]


def test_a_point_with_a_checkpoint_starts_afresh(script, here):
    keep = "state = checkpoint.of({}); assert state.load() is None; state.save({'at': 1})"
    tiny = script(argument=", checkpoint", first=keep, values="(2,)")
    save_as_of_other_code(tiny)
    assert confirm(tiny, progress=False) == [0]


def test_a_point_that_fails_is_named(script, here):
    tiny = script()
    save_as_of_other_code(tiny)
    failing = script(first="raise KeyError('new setting')")
    with pytest.raises(store.ResultError, match="tiny, first point: KeyError: 'new setting'"):
        confirm(failing, progress=False)


def test_settings_come_as_they_were(script, here):
    """What is stored as text is a Fraction again."""
    check = "assert isinstance(config['share'], Fraction)"
    tiny = script(first=check, values="(2,)")
    tiny = replace(tiny, points=[tiny.points[0] | {"share": Fraction(1, 3)}])
    save_as_of_other_code(tiny)
    assert confirm(tiny, progress=False) == [0]


def test_another_kind_of_device_is_refused(folder):
    save_as_of_other_code(experiment(), device_kind="cuda")
    with pytest.raises(store.ResultError, match="tiny: no point was measured on a cpu"):
        confirm(experiment(), progress=False)


def test_a_result_that_is_stored_meanwhile_is_kept(stored, monkeypatch):
    run = workers.run_sweep

    def slow(*arguments, **options):
        run(*arguments, **options)
        store.save("tiny", store.load("tiny").assign_attrs(note="later"))

    monkeypatch.setattr(workers, "run_sweep", slow)
    with pytest.raises(store.ResultError, match="tiny: another result was stored meanwhile"):
        confirm(experiment(), progress=False)
    assert store.load("tiny").attrs["note"] == "later"


def test_a_later_change_is_one_of_what_was_confirmed(stored, monkeypatch):
    confirm(experiment(), progress=False)
    today = code.modules_at(*code.place(experiment().run_point))
    monkeypatch.setattr(code, "modules_at", lambda *_: today | {"tests.experiments.late": "2"})
    assert experiment().state() == "changed: tests.experiments.late"  # and not what is long gone


def test_a_longer_grid_takes_confirmed_points_over(stored, tmp_path_factory):
    confirm(experiment(), progress=False)
    (stored / "log").unlink()
    tiny = experiment()
    longer = replace(tiny, points=[*tiny.points, tiny.points[0] | {"d": 11}])
    data = longer.measure(workers=1, progress=False, folder=tmp_path_factory.mktemp("fresh"))
    assert begun_points(stored) == [11]
    store.save("tiny", data)
    assert longer.state() == "current"
    hashes = [entry["code_hash"] for entry in json.loads(data.attrs["confirmed"])]
    assert hashes == ["0" * 16, data.attrs["code_hash"]]  # it still says where points are from
    assert again(data) == 4


def test_a_grid_without_confirmed_points_says_nothing_of_them(stored, tmp_path_factory):
    confirm(experiment(), progress=False)
    tiny = experiment()
    other = replace(tiny, points=[tiny.points[0] | {"d": 11}])
    data = other.measure(workers=1, progress=False, folder=tmp_path_factory.mktemp("fresh"))
    assert "confirmed" not in data.attrs


def test_code_that_comes_back_is_that_which_measured(stored, monkeypatch):
    confirm(experiment(), progress=False)
    assert again(store.load("tiny")) == 4
    measured = json.loads(OTHER["code_modules"])
    monkeypatch.setattr(code, "hash_of", lambda modules: "0" * 16)
    monkeypatch.setattr(code, "modules_at", lambda *_: measured)
    assert experiment().state() == "current" and again(store.load("tiny")) == 0


def command(folder):
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.experiments.tiny", "--confirm", "100"],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
    )


def test_the_command_says_what_it_found(stored):
    # Started as a script the same functions have another name, and so another hash.
    found = command(stored)
    assert found.returncode == 0, found.stderr
    assert "tiny: 4 of 4 points came out the same; code entered" in found.stdout
    assert "tiny: stored, with this code" in command(stored).stdout
    data = store.load("tiny")
    data.draws[0, 0] += 1
    store.save("tiny", data.assign_attrs(confirmed="[]"))
    found = command(stored)
    assert found.returncode == 1 and "tiny, point 0: " in found.stderr
    store.path_of("tiny").unlink()
    assert "tiny: missing" in command(stored).stdout
