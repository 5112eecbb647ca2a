"""Full disks and forbidden folders: one clear line, and what is finished stays."""

import errno
import fcntl
import os
import subprocess
from pathlib import Path

import pytest

from featlearn.experiments import store
from featlearn.experiments.command import main
from featlearn.experiments.sweep import Sweep
from featlearn.experiments.workers import run_sweep

from .tiny import begun, begun_points, experiment, run_point


@pytest.fixture
def mounted(tmp_path):
    """Mount a small file system of its own; unmount it at the end."""
    places = []

    def mount(name, options):
        if os.geteuid() != 0:
            pytest.skip("not tested on a real file system: mounting one needs root")
        place = tmp_path / name
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        try:
            done = subprocess.run(command, capture_output=True, text=True)
        except FileNotFoundError as error:
            pytest.skip(f"not tested on a real file system: {error}")
        if done.returncode:
            pytest.skip(f"not tested on a real file system: {done.stderr.strip()}")
        places.append(place)
        return place

    yield mount
    for place in places:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fails_in_one_line(process, *parts):
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1 and "Traceback" not in said
    line = said.splitlines()[-1]
    assert line.startswith("error: ") and all(str(part) in line for part in parts), said


def leftovers(folder):
    names = [path.name for path in folder.rglob("*") if path.is_file()]
    return [n for n in names if n.startswith(".") or n.endswith(".partial")]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_full_disk_keeps_what_is_finished(folder, start, mounted, workers):
    runs = mounted("disk", "size=300k")
    environ = {"FEATLEARN_RUNS": str(runs), "TINY_SIZE": "12000"}  # 100 kB a point
    fails_in_one_line(start("--workers", workers, **environ), "no space left", runs / "tiny")
    finished = list((runs / "tiny").glob("*.nc"))
    assert 1 <= len(finished) < 4 and leftovers(runs) == []
    Sweep("tiny", experiment(12000).points, run_point, folder=runs).check()  # intact
    before = len(begun(folder))
    subprocess.run(["mount", "-o", "remount,size=2m", str(runs)], check=True)
    again = start("--workers", workers, **environ)
    _, said = again.communicate(timeout=60)
    assert again.returncode == 0, said
    assert len(begun(folder)) - before == 4 - len(finished)


def test_a_disk_that_fills_while_a_file_is_written(folder, monkeypatch):
    run_sweep(Sweep("tiny", experiment().points[:2], run_point), progress=False, workers=1)
    found = Sweep("tiny", experiment().points, run_point)

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(store.StorageError, match="tiny: no space left"):
        run_sweep(found, progress=False, workers=1)
    assert leftovers(folder) == [] and len(found.missing()) == 2
    found.check()
    monkeypatch.undo()


def test_a_read_only_folder_is_refused_before_any_work(folder, start, mounted):
    place = mounted("disk", "ro")
    fails_in_one_line(start(FEATLEARN_RUNS=str(place)), place, "Read-only")
    fails_in_one_line(start(FEATLEARN_RESULTS=str(place)), place, "Read-only")
    assert begun_points(folder) == []


@pytest.mark.parametrize("variable", ["FEATLEARN_RUNS", "FEATLEARN_RESULTS"])
def test_a_folder_that_cannot_be_is_refused_before_any_work(folder, start, variable):
    (folder / "file").touch()
    place = folder / "file" / "below"
    fails_in_one_line(start(**{variable: str(place)}), place, "cannot be written to")
    assert begun_points(folder) == []


def test_a_file_system_without_locks_is_named(folder, monkeypatch, capsys):
    data = experiment().measure(workers=1, progress=False)

    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    refused = "its file system refuses locks (No locks available)"
    with pytest.raises(store.StorageError) as caught:
        store.save("tiny", data)
    assert str(caught.value) == f"{folder / 'results'}: {refused}"
    assert main([experiment(5)], ["--workers", "1"]) == 1
    assert f"error: {folder / 'runs' / 'tiny'}: {refused}\n" in capsys.readouterr().err


def test_a_corrupt_run_is_named_by_the_command(folder, start):
    done = start("--workers", "1")
    done.communicate(timeout=60)
    path = next((folder / "runs").rglob("*.nc"))
    path.write_bytes(b"")
    (folder / "results" / "tiny.nc").unlink()
    fails_in_one_line(start("--workers", "1"), path.name, "corrupt", "delete it")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_point_whose_code_fails_is_named_with_its_traceback(folder, start, workers):
    (folder / "fail-5").touch()
    _, said = (process := start("--workers", workers)).communicate(timeout=60)
    assert process.returncode == 1
    assert said.splitlines()[-1].startswith("error: tiny, d=5: RuntimeError: stopped at d = 5 (ti")
    assert said.count("Traceback") == 1 and 'raise RuntimeError(f"stopped at' in said


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_point_that_refuses_its_settings_is_named_in_one_line(folder, start, workers):
    (folder / "refuse-5").touch()
    fails_in_one_line(start("--workers", workers), "tiny, d=5: d = 5: another is needed (tiny.py:")


def test_what_is_stored_with_this_code_is_not_measured_again(folder, capsys):
    assert main([experiment()], ["--workers", "1"]) == 0
    assert "tiny: missing; measuring" in capsys.readouterr().out
    assert main([experiment()], []) == 0
    assert "this grid and this code" in capsys.readouterr().out
    assert len(begun(folder)) == 4
    assert main([experiment()], ["--list"]) == 0
    assert "current" in capsys.readouterr().out
    assert main([experiment(5)], ["--workers", "1"]) == 0  # another grid
    assert "another grid; measuring" in capsys.readouterr().out
    assert Path(store.path_of("tiny")).exists() and store.load("tiny").sizes["draw"] == 5


def test_unknown_executors_and_names_are_refused(folder, monkeypatch, capsys):
    monkeypatch.setenv("EXECUTOR", "cloud")
    assert main([experiment()], []) == 1
    assert "EXECUTOR = 'cloud'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([experiment()], ["huge"])
    assert "NAME = ['huge']" in capsys.readouterr().err
    assert begun(folder) == []
