"""Sweeps on a real Slurm of one node: what is killed, pre-empted or requeued loses nothing."""

import os
import signal
import threading

import pytest
import xarray as xr

from featlearn.experiments import slurm, store
from featlearn.experiments.sweep import Sweep
from featlearn.experiments.workers import run_sweep

from .one_node_slurm import OneNodeSlurm, obstacle
from .tiny import begun, begun_points, experiment, run_point, wait_for


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    reason = obstacle()
    if reason:
        pytest.skip(f"sweeps on Slurm were not tested: {reason}")
    running = OneNodeSlurm(tmp_path_factory.mktemp("slurm"))
    try:
        running.__enter__()
    except RuntimeError as error:
        pytest.skip(f"sweeps on Slurm were not tested: {error}")
    yield running
    running.__exit__()


@pytest.fixture
def submit(start, cluster):
    asked = {"EXECUTOR": "slurm", "PARTITION": "main", "TIME": "5", "MEMORY": "0.5"}

    def submit(**environ):
        return start(**asked | cluster.environ() | environ)

    return submit


def hold(folder, *points):
    for d in points:
        (folder / f"hold-{d}").touch()


def release(folder):
    for path in folder.glob("hold-*"):
        path.unlink()


def test_jobs_that_are_killed_or_requeued_change_nothing(cluster, folder, submit, tmp_path):
    hold(folder, 2, 3, 5, 7)
    process = submit()
    wait_for(lambda: sorted(begun_points(folder)) == [2, 3, 5, 7])
    of = dict(begun(folder))
    jobs = {d: cluster.job_of(pid) for d, pid in of.items()}
    assert len(set(jobs.values())) == 4  # a job a point
    os.kill(of[2], signal.SIGKILL)  # as for want of memory: the job fails
    cluster.call("scancel", "--signal=KILL", jobs[3])
    cluster.call("scontrol", "requeue", jobs[5])  # Slurm's own, as when a node fails
    cluster.call("scancel", "--signal=USR2", jobs[7])  # pre-emption, which submitit answers
    for job in (jobs[5], jobs[7]):  # Slurm lets what it requeues wait for two minutes
        reason = ("squeue", "--noheader", "--format=%r", f"--jobs={job}")
        wait_for(lambda ask=reason: cluster.call(*ask) == "BeginTime")
        cluster.call("scontrol", "update", f"JobId={job}", "StartTime=now")
    wait_for(lambda: len(begun(folder)) == 8, 90)
    again = dict(begun(folder))
    restarted = {d: cluster.job_of(pid) for d, pid in again.items()}
    assert restarted[5] == jobs[5] and restarted[7] == jobs[7]  # requeued
    assert restarted[2] != jobs[2] and restarted[3] != jobs[3]  # submitted anew
    release(folder)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert sorted(begun_points(folder)) == [2, 2, 3, 3, 5, 5, 7, 7]
    merged = store.load("tiny")
    assert merged.attrs["threads"] == 1
    local = experiment().measure(workers=1, folder=tmp_path / "local", progress=False)
    xr.testing.assert_identical(merged.drop_attrs(), local.drop_attrs())
    for key in ("config", "code_hash"):
        assert merged.attrs[key] == local.attrs[key]


def test_a_dead_submitter_is_replaced(cluster, folder, submit):
    hold(folder, 3, 5)
    first = submit()
    wait_for(lambda: sorted(begun_points(folder)) == [2, 3, 5, 7])
    first.kill()
    first.wait()
    second = submit()  # takes up the two that run, and waits for them
    wait_for(lambda: list((folder / "runs").rglob("*.nc")) != [])
    with pytest.raises(Exception, match="timed out"):
        second.wait(8)
    release(folder)
    _, said = second.communicate(timeout=60)
    assert second.returncode == 0, said
    assert sorted(begun_points(folder)) == [2, 3, 5, 7]  # nothing was begun twice
    assert store.load("tiny").sizes["point"] == 4


def test_a_point_whose_code_fails_is_named(folder, submit):
    (folder / "fail-5").touch()
    process = submit()
    _, said = process.communicate(timeout=90)
    assert process.returncode == 1
    assert said.splitlines()[-1].startswith("error: tiny, d=5: RuntimeError: stopped at d = 5")
    assert "Traceback" not in said
    (folder / "fail-5").unlink()
    (folder / "refuse-5").touch()
    _, said = (process := submit()).communicate(timeout=90)
    assert process.returncode == 1
    assert said.splitlines()[-1].startswith("error: tiny, d=5: d = 5: another is needed (tiny.py:")
    (folder / "refuse-5").unlink()
    process = submit()
    process.communicate(timeout=90)
    assert process.returncode == 0
    assert sorted(begun_points(folder)) == [2, 3, 5, 5, 5, 7]


def test_what_slurm_refuses_is_said(folder, submit):
    process = submit(PARTITION="none")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1 and "Traceback" not in said
    assert "Slurm refused the jobs of tiny" in said and "partition" in said


@pytest.mark.parametrize("name, value", [("TIME", "soon"), ("CPUS", "0"), ("GPUS", "-1")])
def test_bad_settings_are_named(name, value):
    with pytest.raises(ValueError, match=f"{name} = '{value}'"):
        slurm.Cluster.from_environment({name: value})


def test_a_machine_without_slurm_says_so(folder, start):
    process = start(EXECUTOR="slurm", PATH="")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.splitlines()[-1] == "error: EXECUTOR = 'slurm': there is no squeue here"


@pytest.fixture
def silent(folder, monkeypatch):
    """Programs in place of Slurm's: squeue fails where a shell's test of its n-th call says so."""
    programs = {"sbatch": "echo Submitted batch job 7", "srun": "exit 1"}

    def silent(when):
        programs["squeue"] = f"""
            echo >> {folder}/asked; n=$(wc -l < {folder}/asked)
            if [ {when} ]; then echo no contact with the controller >&2; exit 1; fi
            printf '7_0 7_1'"""
        (folder / "bin").mkdir()
        for name, text in programs.items():
            (folder / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
            (folder / "bin" / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}/bin:{os.environ['PATH']}")
        monkeypatch.setattr(slurm, "SECONDS", (0.01, 0.01))

    return silent


def asked(folder):
    log = folder / "asked"
    return len(log.read_text()) if log.exists() else 0


def half_finished(folder):
    points = experiment().points
    run_sweep(Sweep("tiny", points[:2], run_point), progress=False, workers=1)
    return Sweep("tiny", points, run_point)


def test_a_controller_that_never_answers_stops_at_once(folder, start, silent):
    silent("$n -gt 0")
    _, said = (process := start(EXECUTOR="slurm")).communicate(timeout=60)
    assert process.returncode == 1 and "Traceback" not in said
    assert "squeue says 'no contact with the controller'" in said.splitlines()[-1]
    assert asked(folder) == 1 and not list((folder / "runs").rglob("*.job"))


def test_a_controller_that_falls_silent_is_waited_for_a_while(folder, silent):
    silent("$n -gt 2")
    sweep = half_finished(folder)
    with pytest.raises(ValueError, match="squeue says 'no contact with the controller'"):
        slurm.run_sweep(sweep, slurm.Cluster(), progress=False)
    assert asked(folder) == 2 + slurm.SILENCE
    sweep.check()  # what was finished is intact
    assert len(sweep.missing()) == 2 and len(list((folder / "runs").rglob("*.job"))) == 2


def test_a_controller_that_is_restarted_is_survived(folder, silent):
    """Twice silent for one look less than is too long."""
    answers = 2 + slurm.SILENCE, 2 + 2 * slurm.SILENCE
    silent(f"$n -gt 2 -a $n -ne {answers[0]} -a $n -lt {answers[1]} -o $n -gt 2000")
    sweep = half_finished(folder)

    def finish():  # what the jobs would do
        wait_for(lambda: asked(folder) > answers[1])
        list(sweep.complete_all())

    jobs = threading.Thread(target=finish)
    jobs.start()
    slurm.run_sweep(sweep, slurm.Cluster(), progress=False)
    jobs.join()
    assert sweep.missing() == []
