"""States of long runs: what is kept is what was saved, and a run goes on from it as if unbroken."""

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest
import torch
import xarray as xr

from featlearn.experiments import field_size
from featlearn.experiments.checkpoint import Checkpoint, Checkpoints
from featlearn.experiments.experiment import settings
from featlearn.experiments.store import ResultError
from featlearn.experiments.sweep import Sweep

SMALL = settings(
    field_size.DEFAULTS, d=6, widths=[5], P=12, data_seed=[6, 0], planted=2, warmup=20, draws=70
)


@pytest.fixture(autouse=True)
def opened(monkeypatch):
    """All checkpoints of a test, closed in the end."""
    found, begin = [], Checkpoint.__init__

    def recorded(self, path, seconds=None):
        begin(self, path, *([] if seconds is None else [seconds]))
        found.append(self)

    monkeypatch.setattr(Checkpoint, "__init__", recorded)
    yield found
    for checkpoint in found:
        checkpoint.close()


def test_a_state_comes_back_as_it_was(tmp_path):
    state = {"z": torch.randn(2, 3), "n": 4, "inner": {"t": torch.arange(3), "x": 0.5}}
    checkpoints = Checkpoints(tmp_path, "code")
    kept = checkpoints.of({"d": 2})
    assert kept.load() is None and checkpoints.of({"d": 2}) is kept
    kept.save(state | {"n": 3})
    kept.save(state)
    checkpoints.close()
    found = checkpoints.of({"d": 2}).load()
    assert torch.equal(found["z"], state["z"]) and torch.equal(found["inner"]["t"], torch.arange(3))
    assert (found["n"], found["inner"]["x"]) == (4, 0.5) and set(found) == set(state)
    assert checkpoints.of({"d": 3}).load() is None
    assert Checkpoints(tmp_path, "other code").of({"d": 2}).load() is None
    assert Checkpoints(tmp_path, "code", "cuda").of({"d": 2}).load() is None
    assert len(list(tmp_path.glob("*.state"))) == 1


def test_the_time_of_all_processes_counts(tmp_path, monkeypatch):
    clock = (10.0 * i for i in range(100))
    monkeypatch.setattr("featlearn.experiments.checkpoint.monotonic", lambda: next(clock))
    for before in (0.0, 10.0, 20.0):
        checkpoints = Checkpoints(tmp_path, "code")
        state = checkpoints.of({})
        state.load()
        assert checkpoints.spent == before
        state.save({})
        checkpoints.close()


@pytest.mark.parametrize(
    "value", [np.float64(1.0), np.zeros(2), Fraction(1, 2), {"t": np.int64(3)}]
)
def test_what_could_not_be_read_again_is_not_written(tmp_path, value):
    kept = Checkpoint(tmp_path / "a.state")
    kept.save({"n": 1})
    with pytest.raises(ValueError, match="state = .*: tensors, Python's numbers and text"):
        kept.save({"n": 2, "value": value})
    assert kept.load() == {"n": 1}


def test_a_state_that_cannot_be_read_here_is_named(tmp_path, monkeypatch):
    kept = Checkpoint(tmp_path / "a.state")
    kept.save({"n": 1})
    monkeypatch.setattr(torch, "load", lambda *_, **__: 1 / 0)
    with pytest.raises(ResultError, match=f"{tmp_path.name}/a.state: .* cannot be read .division"):
        kept.load()


def test_another_process_waits_and_goes_on_from_there(tmp_path):
    """Points that differ in their length only share a state."""
    first = Checkpoints(tmp_path, "code")
    first.of({}).save({"n": 1})
    with ThreadPoolExecutor(1) as pool:  # a lock is of an open file, and so holds in a thread too
        second = Checkpoints(tmp_path, "code")
        found = pool.submit(lambda: second.of({}).load())
        with pytest.raises(TimeoutError):
            found.result(timeout=0.3)
        first.of({}).save({"n": 2})
        first.close()
        assert found.result(timeout=30) == {"n": 2}


@pytest.mark.parametrize("spoil", [lambda b: b[:-1], lambda b: b[:200] + b"x" + b[201:]])
def test_a_corrupt_state_is_named(tmp_path, spoil):
    kept = Checkpoint(tmp_path / "a.state")
    kept.save({"n": torch.zeros(100)})
    kept.path.write_bytes(spoil(kept.path.read_bytes()))
    with pytest.raises(ResultError, match="/a.state: the state of a run is corrupt; delete it"):
        kept.load()


def test_states_are_due_after_their_time_and_leave_no_other_file(tmp_path):
    kept = Checkpoint(tmp_path / "a.state", seconds=1e6)
    assert not kept.due
    kept.seconds = 0
    assert kept.due
    (tmp_path / ".a.state.killed").touch()
    kept.save({})
    assert {path.name for path in tmp_path.iterdir()} == {"a.state", "a.state.lock"}


class Killed(BaseException):
    pass


def checkpoints(folder, monkeypatch, every=1e6):
    monkeypatch.setattr(Checkpoint.__init__, "__defaults__", (every,))
    return Checkpoints(folder, "code")


def same(run, other):
    xr.testing.assert_identical(run.drop_vars("seconds"), other.drop_vars("seconds"))


@pytest.mark.parametrize("after", [5, 15, 60])
def test_a_killed_run_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch, after):
    """Within the first half of the warm-up, within the second, and when all is frozen."""
    whole = field_size.run_point(SMALL, "cpu")
    kept = checkpoints(tmp_path, monkeypatch, every=0)
    save, saved = Checkpoint.save, []

    def save_and_die(self, state):
        save(self, state)
        saved.append(len(state["seen"]))
        if len(saved) == after:
            raise Killed

    monkeypatch.setattr(Checkpoint, "save", save_and_die)
    with pytest.raises(Killed):
        field_size.run_point(SMALL, "cpu", checkpoint=kept)
    monkeypatch.setattr(Checkpoint, "save", save)
    again = field_size.run_point(SMALL, "cpu", checkpoint=kept)
    assert saved[-1] == after
    same(again, whole)


def test_a_finished_run_is_lengthened_and_gives_the_shorter_one_as_well(tmp_path, monkeypatch):
    kept = checkpoints(tmp_path, monkeypatch)
    short = field_size.run_point(SMALL, "cpu", checkpoint=kept)
    begun = []
    sweep = field_size.jumps.sweep
    monkeypatch.setattr(
        field_size.jumps, "sweep", lambda *a, **k: begun.append(1) or sweep(*a, **k)
    )
    longer = settings(SMALL, draws=100)
    long = field_size.run_point(longer, "cpu", checkpoint=kept)
    assert len(begun) == 30 and long.seconds > short.seconds
    same(long, field_size.run_point(longer, "cpu"))
    begun.clear()
    again = field_size.run_point(SMALL, "cpu", checkpoint=kept)
    assert not begun
    same(again, short)
    assert again.seconds == short.seconds


def test_other_settings_are_another_run(tmp_path, monkeypatch):
    kept = checkpoints(tmp_path, monkeypatch)
    field_size.run_point(SMALL, "cpu", checkpoint=kept)
    other = settings(SMALL, n_steps=3)
    same(field_size.run_point(other, "cpu", checkpoint=kept), field_size.run_point(other, "cpu"))


def counts(config, checkpoint):
    """A point that counts how often it was begun."""
    kept = checkpoint.of({"d": config["d"]})
    n = (kept.load() or {"n": 0})["n"] + 1
    kept.save({"n": n})
    if n < 3:
        raise ValueError("stopped")
    return xr.Dataset({"n": n})


def test_a_sweep_gives_its_points_a_place_for_their_states(tmp_path):
    sweep = Sweep("counts", [{"d": 2}, {"d": 3}], counts, folder=tmp_path)
    first = next(iter(sweep.points))
    for _ in range(2):
        with pytest.raises(ResultError, match="stopped"):
            sweep.complete(first)
    sweep.complete(first)
    assert int(sweep._load(first).n) == 3
    assert len(list(tmp_path.rglob("*.state"))) == 1


def test_the_seconds_of_a_point_are_those_of_all_its_processes(tmp_path):
    sweep = Sweep("counts", [{"d": 2}], counts, folder=tmp_path)
    (path,) = sweep.points
    states = Checkpoints(sweep.folder, sweep.code["code_hash"])
    state = states.of({"d": 2})
    state.spent = 1000.0  # as if by another process
    state.save({"n": 5})
    states.close()
    sweep.complete(path)
    assert int(sweep._load(path).n) == 6
    assert 1000 < sweep._load(path).attrs["wall_seconds"] < 1060
