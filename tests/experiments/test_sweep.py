"""Sweeps: nothing finished is done again, nothing corrupt is used, nothing is done twice."""

import multiprocessing
import os
import signal
import time

import numpy as np
import pytest
import xarray as xr

from featlearn.experiments import store
from featlearn.experiments.provenance import config_hash
from featlearn.experiments.sweep import run_sweep

POINTS = [{"d": d, "seed": [d, 1]} for d in (2, 3, 5, 7)]


class Runner:
    """Runs points, remembers which, and fails at one of them if told to."""

    def __init__(self, fails_at=None):
        self.ran, self.fails_at = [], fails_at

    def __call__(self, point):
        if point["d"] == self.fails_at:
            raise RuntimeError("stopped")
        self.ran.append(point["d"])
        return measure(point)


def measure(point):
    return xr.Dataset(
        {"draws": ("draw", np.random.default_rng(point["seed"]).normal(size=4))},
        coords={"draw": list("abcd")},
    )


def sweep(folder, runner, points=POINTS, **options):
    return run_sweep("tiny", points, runner, folder=folder, progress=False, **options)


def file_of(folder, point):
    return folder / "tiny" / f"{config_hash(point)}.nc"


def test_results_come_in_order_and_are_kept(tmp_path):
    runner = Runner()
    first = sweep(tmp_path, runner)
    assert runner.ran == [2, 3, 5, 7]
    for point, data in zip(POINTS, first, strict=True):
        xr.testing.assert_equal(data, measure(point))
        assert data.attrs["config_hash"] == config_hash(point)
        assert data.attrs["wall_seconds"] >= 0
    again = sweep(tmp_path, runner)
    assert runner.ran == [2, 3, 5, 7]
    assert all(a.identical(b) for a, b in zip(first, again, strict=True))


def test_a_stopped_sweep_goes_on(tmp_path):
    stopped, resumed = Runner(fails_at=5), Runner()
    with pytest.raises(RuntimeError, match="stopped"):
        sweep(tmp_path, stopped)
    sweep(tmp_path, resumed)
    assert stopped.ran == [2, 3] and resumed.ran == [5, 7]


def test_a_changed_point_runs_and_the_others_do_not(tmp_path):
    runner = Runner()
    sweep(tmp_path, runner)
    sweep(tmp_path, runner, [*POINTS[:3], {"d": 7, "seed": [7, 2]}])
    assert runner.ran == [2, 3, 5, 7, 7]


def test_a_time_limit_keeps_what_is_finished(tmp_path):
    def slow(point):
        time.sleep(0.6)
        return measure(point)

    with pytest.raises(TimeoutError, match="tiny: 1 of 4 points"):
        sweep(tmp_path, slow, seconds_limit=0.5)
    resumed = Runner()
    sweep(tmp_path, resumed)
    assert resumed.ran == [3, 5, 7]


def test_a_runner_cannot_change_the_point(tmp_path):
    points = [{"d": 2, "seed": [1]}]

    def careless(point):
        point["seed"].append(2)
        return measure(point)

    sweep(tmp_path, careless, points)
    assert points == [{"d": 2, "seed": [1]}] and file_of(tmp_path, points[0]).exists()


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        flip,
        lambda path: path.write_bytes(path.read_bytes()[:100]),
        lambda path: path.with_suffix(".sha256").unlink(),
        lambda path: [
            os.replace(file_of(path.parents[1], POINTS[0]).with_suffix(end), path.with_suffix(end))
            for end in (".nc", ".sha256")
        ],
    ],
    ids=["flipped", "cut", "unsigned", "another point's"],
)
def test_a_damaged_file_is_named_and_not_overwritten(tmp_path, damage):
    sweep(tmp_path, Runner())
    path, runner = file_of(tmp_path, POINTS[2]), Runner()
    damage(path)
    content = path.read_bytes()
    with pytest.raises(store.ResultError, match=rf"tiny/{path.name}.*delete it"):
        sweep(tmp_path, runner)
    assert runner.ran == [] and path.read_bytes() == content
    path.unlink()
    sweep(tmp_path, runner)
    assert 5 in runner.ran


@pytest.mark.parametrize(
    "change, message",
    [
        ({"points": [*POINTS, POINTS[1]]}, r"points\[4\] = .*twice"),
        ({"points": [{"d": object}]}, r"config\['d'\]"),
        ({"name": "../up"}, r"name = '\.\./up'"),
        ({"seconds_limit": 0}, "seconds_limit = 0"),
    ],
)
def test_bad_arguments_are_named(tmp_path, change, message):
    arguments = {"name": "tiny", "points": POINTS, "folder": tmp_path} | change
    with pytest.raises(ValueError, match=message):
        run_sweep(run_point=measure, progress=False, **arguments)
    assert list(tmp_path.iterdir()) == []


def test_progress_names_the_point(tmp_path, capsys):
    run_sweep("tiny", POINTS[:2], measure, folder=tmp_path)
    shown = capsys.readouterr().err
    assert "tiny" in shown and "2/2" in shown and "d=3" in shown


def logged(folder, seconds, hang_at=None):
    """Sweep in a process of its own, noting in a file each point that it begins."""

    def run_point(point):
        with open(folder / "log", "a") as log:
            log.write(f"{point['d']}\n")
        time.sleep(60 if point["d"] == hang_at else seconds)
        return measure(point)

    sweep(folder, run_point)


def begun(folder):
    log = folder / "log"
    return [int(line) for line in log.read_text().split()] if log.exists() else []


def start(*arguments):
    process = multiprocessing.get_context("spawn").Process(target=logged, args=arguments)
    process.start()
    return process


def wait_for(condition, seconds=40):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_a_killed_process_loses_only_its_point(tmp_path):
    process = start(tmp_path, 0.0, 5)
    try:
        wait_for(lambda: 5 in begun(tmp_path))
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.join()
    assert not file_of(tmp_path, POINTS[2]).exists()
    resumed = Runner()
    sweep(tmp_path, resumed)  # does not wait for the dead process's lock
    assert begun(tmp_path) == [2, 3, 5] and resumed.ran == [5, 7]


def test_two_processes_share_a_sweep(tmp_path):
    processes = [start(tmp_path, 0.5) for _ in range(2)]
    for process in processes:
        process.join()
        assert process.exitcode == 0  # each returned all results
    assert sorted(begun(tmp_path)) == [2, 3, 5, 7]  # and none was run twice


def test_a_second_process_takes_what_is_free(tmp_path):
    first = start(tmp_path, 0.0, 2)
    try:
        wait_for(lambda: begun(tmp_path) == [2])
        free = Runner()
        sweep(tmp_path, free, POINTS[1:])
        second = start(tmp_path, 0.0)  # has all but the point that the first one holds
        time.sleep(0.5)
        first.kill()  # the second one, waiting or not yet there, takes it over
        second.join()
        assert second.exitcode == 0
    finally:
        first.kill()
        first.join()
    assert free.ran == [3, 5, 7] and begun(tmp_path) == [2, 2]
