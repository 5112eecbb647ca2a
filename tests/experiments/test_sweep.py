"""Sweeps: nothing finished is done again, nothing corrupt is used, nothing is done twice."""

import os
import signal
import sys
import threading

import numpy as np
import pytest
import xarray as xr

from featlearn.experiments import code, store, workers
from featlearn.experiments.provenance import config_hash
from featlearn.experiments.sweep import Sweep, address
from featlearn.experiments.workers import Progress, environment, gpus, run_sweep

from .tiny import begun, begun_points, experiment, log, run_point, wait_for

POINTS = experiment().points


def sweep(folder, points=POINTS, **options):
    found = Sweep("tiny", points, run_point, folder=folder / "runs", **options)
    run_sweep(found, workers=1, progress=False)
    return found.results()


def file_of(folder, point):
    known = Sweep("tiny", [point], run_point, folder=folder / "runs")
    return next(iter(known.points))


def test_results_come_in_order_and_are_kept(folder):
    first = sweep(folder)
    assert begun_points(folder) == [2, 3, 5, 7]
    for point, data in zip(POINTS, first, strict=True):
        expected = np.random.default_rng([point["d"], 1]).normal(size=4)
        np.testing.assert_array_equal(data.draws, expected)
        assert data.attrs["config_hash"] == config_hash(point)
        assert data.attrs["wall_seconds"] >= 0
    again = sweep(folder)
    assert begun_points(folder) == [2, 3, 5, 7]
    assert all(a.identical(b) for a, b in zip(first, again, strict=True))


def test_a_failed_sweep_goes_on(folder):
    (folder / "fail-5").touch()
    with pytest.raises(store.ResultError, match="tiny, d=5: RuntimeError: stopped at d = 5"):
        sweep(folder)
    (folder / "fail-5").unlink()
    sweep(folder)
    assert begun_points(folder) == [2, 3, 5, 5, 7]


@pytest.mark.parametrize(
    "what, said",
    [
        ("refuse", r"^tiny, d=5: d = 5: another is needed \(tiny\.py:\d+\)$"),
        ("nan", r"^tiny, d=5: variable 'draws' holds NaN"),
    ],
)
def test_a_point_that_cannot_be_stored_is_named_and_not_kept(folder, what, said):
    (folder / f"{what}-5").touch()
    with pytest.raises(store.ResultError, match=said) as caught:
        sweep(folder)
    assert not hasattr(caught.value, "__notes__")
    assert begun_points(folder) == [2, 3, 5]  # at once, not when the last one ran
    assert len(list((folder / "runs").rglob("*.nc"))) == 2
    (folder / f"{what}-5").unlink()
    sweep(folder)
    assert begun_points(folder) == [2, 3, 5, 5, 7]


def test_variables_without_units_and_other_things_are_refused_at_the_first_point(folder):
    with pytest.raises(store.ResultError, match="tiny, first point: units lacks .*'draws'"):
        sweep(folder, variables=["d", "seed"])
    assert begun_points(folder) == [2]
    with pytest.raises(store.ResultError, match="tiny, first point: run_point gave a float, not"):
        run_sweep(Sweep("tiny", POINTS, a_number, folder=folder), workers=1, progress=False)


def a_number(config):
    return 1.0


def test_a_changed_point_runs_and_the_others_do_not(folder):
    sweep(folder)
    sweep(folder, [*POINTS[:3], {"d": 7, "seed": 2, "size": 4}])
    assert begun_points(folder) == [2, 3, 5, 7, 7]


def test_changed_code_runs_anew_and_mixes_nothing(folder, monkeypatch):
    old = sweep(folder)
    then = code.attributes(*code.place(run_point))
    monkeypatch.setattr(code, "attributes", lambda *_: then | {"code_hash": "0" * 16})
    new = sweep(folder)
    assert begun_points(folder) == [2, 3, 5, 7] * 2
    assert {run.attrs["code_hash"] for run in new} == {"0" * 16}
    assert {run.attrs["code_hash"] for run in old} == {then["code_hash"]}
    assert address(POINTS[0], "0" * 16) != address(POINTS[0], then["code_hash"])


def test_a_job_refuses_code_that_is_not_its_sweeps(folder):
    begun_with = Sweep("tiny", POINTS, run_point, folder=folder / "runs")
    begun_with.require_same_code()
    begun_with.code["code_hash"] = "0" * 16
    with pytest.raises(store.ResultError, match="the code changed"):
        begun_with.require_same_code()


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def exchange(path):
    other = next(p for p in path.parent.glob("*.nc") if p != path)
    for end in (".nc", ".sha256"):
        os.replace(other.with_suffix(end), path.with_suffix(end))


@pytest.mark.parametrize(
    "damage",
    [
        flip,
        lambda path: path.write_bytes(path.read_bytes()[:100]),
        lambda path: path.with_suffix(".sha256").unlink(),
        exchange,
    ],
    ids=["flipped", "cut", "unsigned", "another point's"],
)
def test_a_damaged_file_is_named_and_not_overwritten(folder, damage):
    sweep(folder)
    path = file_of(folder, POINTS[2])
    damage(path)
    content = path.read_bytes()
    with pytest.raises(store.ResultError, match=rf"tiny/{path.name}.*delete it"):
        sweep(folder)
    assert len(begun(folder)) == 4 and path.read_bytes() == content
    path.unlink()
    sweep(folder)
    assert begun_points(folder)[4:].count(5) == 1


@pytest.mark.parametrize(
    "change, message",
    [
        ({"points": [*POINTS, POINTS[1]]}, r"points\[4\] = .*twice"),
        ({"points": [{"d": object}]}, r"config\['point'\]\['d'\]|config\['config'\]\['d'\]"),
        ({"name": "../up"}, r"name = '\.\./up'"),
        ({"run_point": lambda config: None}, "run_point = .*at the top"),
        ({"run_point": np.sum}, "run_point = "),
    ],
)
def test_bad_arguments_are_named(folder, change, message):
    arguments = {"name": "tiny", "points": POINTS, "run_point": run_point} | change
    with pytest.raises(ValueError, match=message):
        Sweep(**arguments, folder=folder / "runs")
    assert list(folder.iterdir()) == []
    with pytest.raises(ValueError, match="workers = 0"):
        run_sweep(Sweep("tiny", POINTS, run_point), workers=0)


def test_progress_tells_the_point_and_the_time_left(folder, capsys):
    run_sweep(Sweep("tiny", POINTS, run_point), workers=1)
    shown = capsys.readouterr().err
    assert "tiny" in shown and "4/4" in shown and "d=7" in shown
    assert "<00:00" in shown  # time spent < time left


def lines(capsys, sweep, looks=50):
    capsys.readouterr()
    with Progress(sweep, True) as bar:
        for _ in range(looks):
            bar.look()
    return capsys.readouterr().err


def test_a_log_is_not_flooded_with_progress(folder, capsys, monkeypatch):
    found = Sweep("tiny", POINTS, run_point)
    shown = lines(capsys, found)
    assert shown.count("\n") == shown.count("0/4") == 2 and "\r" not in shown  # first and last
    monkeypatch.setattr(workers, "LOGGED", 0.0)
    assert lines(capsys, found).count("\n") == 51
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert lines(capsys, found).count("\r") > 50  # drawn over and over


def test_what_a_killed_run_left_is_swept_away(folder):
    path = file_of(folder, POINTS[0])
    (path.parent / f".{path.stem}.partial.abcd").write_text("half")
    sweep(folder)
    assert not list(path.parent.glob(".*")) and not list(path.parent.glob("*.partial"))


def hold(folder, *points):
    for d in points:
        (folder / f"hold-{d}").touch()


def release(folder):
    for path in folder.glob("hold-*"):
        path.unlink()


def test_workers_share_a_sweep(folder, start):
    hold(folder, 2, 3)  # whoever begins one of them leaves the other to another worker
    process = start("--workers", "2")
    wait_for(lambda: {2, 3} <= set(begun_points(folder)))
    release(folder)
    out, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert sorted(begun_points(folder)) == [2, 3, 5, 7]
    assert len({pid for _, pid in begun(folder)} - {process.pid}) == 2
    assert "4/4" in said and "stored in" in out
    assert store.load("tiny").attrs["threads"] == max(1, len(os.sched_getaffinity(0)) // 2)


def test_a_killed_worker_loses_only_its_point(folder, start):
    hold(folder, 2, 3)
    process = start("--workers", "2")
    wait_for(lambda: sorted(begun_points(folder)) == [2, 3])
    os.kill(dict(begun(folder))[2], signal.SIGKILL)
    (folder / "hold-3").unlink()
    wait_for(lambda: sorted(begun_points(folder)) == [2, 2, 3, 5, 7])  # the other takes it over
    release(folder)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert store.load("tiny").sizes["point"] == 4


def test_when_all_workers_are_killed_it_is_said(folder, start):
    hold(folder, 2, 3)
    process = start("--workers", "2")
    wait_for(lambda: sorted(begun_points(folder)) == [2, 3])
    for _, pid in begun(folder):
        os.kill(pid, signal.SIGKILL)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1 and "Traceback" not in said
    assert "2 of 2 workers died" in said and "-9" in said and "start again" in said
    release(folder)
    again = start("--workers", "1")
    again.communicate(timeout=60)
    assert again.returncode == 0
    assert sorted(begun_points(folder)) == [2, 2, 3, 3, 5, 7]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_killed_command_loses_only_what_was_in_flight(folder, start, workers):
    hold(folder, 5)
    first = start("--workers", workers)
    wait_for(lambda: 5 in begun_points(folder))
    if workers == "2":
        wait_for(lambda: 7 in begun_points(folder))
    first.kill()
    first.wait()
    second = start("--workers", workers)  # beside workers that may have outlived their parent
    release(folder)
    _, said = second.communicate(timeout=60)
    assert second.returncode == 0, said
    expected = [2, 3, 5, 5, 7] if workers == "1" else [2, 3, 5, 7]
    assert sorted(begun_points(folder)) == expected
    assert store.load("tiny").sizes["point"] == 4


def test_orphaned_workers_begin_nothing_new(folder, start):
    hold(folder, 2, 3)
    process = start("--workers", "2")
    wait_for(lambda: sorted(begun_points(folder)) == [2, 3])
    orphans = [pid for _, pid in begun(folder)]
    process.kill()
    process.wait()
    release(folder)
    wait_for(lambda: not any(alive(pid) for pid in orphans))
    assert sorted(begun_points(folder)) == [2, 3]
    assert len(list((folder / "runs").rglob("*.nc"))) == 2  # but finish what they had


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_two_commands_share_a_sweep(folder, start):
    hold(folder, 2, 3)
    commands = [start("--workers", "1") for _ in range(2)]
    wait_for(lambda: sorted(begun_points(folder)) == [2, 3])
    release(folder)
    for command in commands:
        _, said = command.communicate(timeout=60)
        assert command.returncode == 0, said  # each has all results
    assert sorted(begun_points(folder)) == [2, 3, 5, 7]  # and none was run twice


def test_a_point_waits_for_the_one_who_runs_it(folder):
    """And takes over, if it is given up."""
    found = Sweep("tiny", POINTS[:1], run_point)
    path = next(iter(found.points))
    hold(folder, 2)
    (folder / "fail-2").touch()
    failed = []

    def fail():
        try:
            found.complete(path)
        except store.ResultError as error:
            failed.append(error)

    other = threading.Thread(target=fail)
    other.start()
    wait_for(lambda: begun_points(folder) == [2])
    assert found.complete(path, wait=False) is False
    release(folder)
    other.join()
    (folder / "fail-2").unlink()
    assert failed and found.complete(path) is True
    assert begun_points(folder) == [2, 2]


def test_devices_go_round():
    given = [environment(i, 5, 8, ["0", "2", "MIG-a"]) for i in range(5)]
    assert [e["CUDA_VISIBLE_DEVICES"] for e in given] == ["0", "2", "MIG-a", "0", "2"]
    assert {e["OMP_NUM_THREADS"] for e in given} == {"1"}
    assert "CUDA_VISIBLE_DEVICES" not in environment(0, 2, 8, [])
    assert environment(1, 3, 2, [])["MKL_NUM_THREADS"] == "1"  # never none


def test_devices_are_those_that_are_visible(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,1")
    assert gpus() == ["3", "1"]
    for none in ("", "-1", "NoDevFiles", " "):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", none)
        assert gpus() == []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1, GPU-a,-1,2")  # as CUDA reads it
    assert gpus() == ["1", "GPU-a"]


def test_a_sweep_on_gpus_has_a_worker_a_device(folder, start):
    hold(folder, 2, 3)  # neither worker can take all points
    process = start(TINY_GPU="1", CUDA_VISIBLE_DEVICES="0,1")
    wait_for(lambda: {2, 3} <= set(begun_points(folder)))
    release(folder)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    found = {(pid, gpu) for _, pid, gpu in log(folder)}
    assert len(found) == 2 and {gpu for _, gpu in found} == {"0", "1"}
    assert sorted(begun_points(folder)) == [2, 3, 5, 7]


def test_a_sweep_without_gpus_leaves_the_devices_alone(folder, start):
    process = start("--workers", "2", TINY_GPU="1", CUDA_VISIBLE_DEVICES="-1")
    process.communicate(timeout=60)
    assert process.returncode == 0 and {gpu for _, _, gpu in log(folder)} == {"-1"}


def test_a_merged_result_has_its_columns_and_provenance(folder):
    data = experiment().measure(workers=1, progress=False)
    store.save("tiny", data)
    loaded = store.load("tiny")
    xr.testing.assert_identical(loaded.drop_attrs(), data.drop_attrs())
    assert list(loaded.d) == [2, 3, 5, 7]
    assert code.state(loaded.attrs, code.place(run_point)) == "current"
    assert experiment().state() == "current"
    assert experiment(size=5).state() == "another grid"
