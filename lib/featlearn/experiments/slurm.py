"""A sweep on a Slurm cluster, through submitit: one job, a task of an array, for each point."""

import copy
import os
import pickle
import subprocess
import time
from dataclasses import dataclass

from . import store
from .workers import Progress

SECONDS = (1.0, 15.0)  # between two looks at the queue, at first and in the end
ATTEMPTS = 3  # jobs of one point that may end without a result
SILENCE = 10  # looks at the queue in a row that may fail: a controller may be restarted
ARRAY = 1000  # tasks of one array; clusters allow 1001 unless told otherwise


@dataclass(frozen=True)
class Cluster:
    """What each job asks for.

    Parameters
    ----------
    partition, account : str, optional
        The cluster's own defaults if not given.
    minutes : int
        Time limit of a job: longer than the slowest point.
    cpus : int
        Cores, and threads of the numerical libraries.
    memory_gb : float
    gpus : int
    """

    partition: str | None = None
    account: str | None = None
    minutes: int = 240
    cpus: int = 1
    memory_gb: float = 4
    gpus: int = 0

    @classmethod
    def from_environment(cls, environ=os.environ):
        """Read PARTITION, ACCOUNT, TIME (minutes), CPUS, MEMORY (GB) and GPUS.

        Examples
        --------
        >>> Cluster.from_environment({"PARTITION": "main", "TIME": "60"})
        Cluster(partition='main', account=None, minutes=60, cpus=1, memory_gb=4.0, gpus=0)

        Raises
        ------
        ValueError
            If a number is not one, or too small.
        """

        def number(name, kind, default, least):
            text = environ.get(name, default)
            try:
                value = kind(text)
            except ValueError:
                value = None
            if value is None or not value >= least:
                raise ValueError(f"{name} = {text!r}: a number of at least {least} is needed")
            return value

        return cls(
            environ.get("PARTITION"),
            environ.get("ACCOUNT"),
            number("TIME", int, cls.minutes, 1),
            number("CPUS", int, cls.cpus, 1),
            number("MEMORY", float, cls.memory_gb, 0.1),
            number("GPUS", int, cls.gpus, 0),
        )


class Task:
    """One point as a job. Pre-empted, it is put into the queue again and starts anew."""

    def __init__(self, sweep, path):
        self.sweep, self.path = copy.copy(sweep), path
        self.sweep.points = {path: sweep.points[path]}

    def __call__(self):
        self.sweep.require_same_code()
        self.sweep.complete(self.path)

    def checkpoint(self):
        """What submitit runs in place of the interrupted job."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def run_sweep(sweep, cluster, *, progress=True):
    """Complete a sweep on the cluster: submit what is missing, and wait.

    The jobs need this process only to be submitted. If it dies they go on; another start
    takes up what they finished and those that are still in the queue.

    Parameters
    ----------
    sweep : featlearn.experiments.sweep.Sweep
        Its folder must be seen by the nodes.
    cluster : Cluster
    progress : bool
        Show a progress bar with the time left.

    Raises
    ------
    ResultError
        If a point's code failed, or its job ended several times without a result.
    ValueError
        If there is no Slurm, it refuses the jobs, or does not say what is in its queue: at
        once if it never did, otherwise after ``SILENCE`` tries.
    """
    sweep.check()
    logs = sweep.folder / "slurm"
    attempts, pause = dict.fromkeys(sweep.points, 0), SECONDS[0]
    patience = 1
    suspects = set(sweep.missing())  # of an earlier start: no result will come late
    with Progress(sweep, progress) as bar:
        while bar.left:
            queue, said = _queue()  # before the results: a job that left it has written its own
            bar.look()
            patience = SILENCE if queue is not None else patience - 1
            if queue is not None:
                absent = {path for path in bar.left if _job(path) not in queue}
                lost = [path for path in sweep.points if path in absent & suspects]
                suspects = absent  # on a shared disk a file may be seen late: look twice
                _submit(sweep, lost, cluster, logs, attempts)
                suspects -= set(lost)
            elif bar.left and not patience:
                raise ValueError(
                    f"Slurm does not answer, squeue says {said!r}; what is finished is kept and "
                    "jobs in the queue go on, start again to wait for them"
                )
            if bar.left:
                time.sleep(pause)
                pause = min(1.3 * pause, SECONDS[1])


def _submit(sweep, paths, cluster, logs, attempts):
    for path in paths:
        if attempts[path]:
            _raise_failure(sweep, path, logs, attempts[path])
        attempts[path] += 1
    executor = _executor(sweep.name, cluster, logs) if paths else None
    for first in range(0, len(paths), ARRAY):
        chunk = paths[first : first + ARRAY]
        try:
            jobs = executor.submit_array([Task(sweep, path) for path in chunk])
        except Exception as error:  # submitit has several; each holds what sbatch said
            said = str(error).strip().splitlines()[-1:] or [repr(error)]
            raise ValueError(f"Slurm refused the jobs of {sweep.name}: {said[0]}") from error
        for path, job in zip(chunk, jobs, strict=True):
            store.write_text(_job_file(path), f"{job}\n")


class _Executor:
    """submitit's executor, from tasks to the ids of their jobs."""

    def __init__(self, executor):
        self.executor = executor

    def submit_array(self, tasks):
        with self.executor.batch():
            jobs = [self.executor.submit(task) for task in tasks]
        return [job.job_id for job in jobs]


def _executor(name, cluster, logs):
    import submitit

    try:
        executor = submitit.AutoExecutor(folder=logs, cluster="slurm")
    except RuntimeError as error:
        raise ValueError(f"EXECUTOR = 'slurm': {error}") from None
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    executor.update_parameters(
        name=name,
        timeout_min=cluster.minutes,
        cpus_per_task=cluster.cpus,
        mem_gb=cluster.memory_gb,
        slurm_partition=cluster.partition,
        slurm_account=cluster.account,
        slurm_gpus_per_node=cluster.gpus or None,
        slurm_setup=[f"export {key}={cluster.cpus}" for key in names],
        # From 22.05 on, steps do not inherit the cores of their job.
        slurm_srun_args=[f"--cpus-per-task={cluster.cpus}"],
        slurm_additional_parameters={"requeue": True},
    )
    return _Executor(executor)


def _raise_failure(sweep, path, logs, attempts):
    """Say why a job's point is missing, if its code failed or jobs ended too often."""
    import submitit

    job = submitit.SlurmJob(folder=logs, job_id=_job(path))
    shown = sweep.shown(path)
    if job.paths.result_pickle.exists():
        outcome, said = pickle.loads(job.paths.result_pickle.read_bytes())
        if outcome == "error":  # then it is the traceback
            said = said.strip().splitlines()[-1].rpartition(f"{shown}: ")[2]
            raise store.ResultError(f"{shown}: {said}; log: {job.paths.stderr}")
    if attempts == ATTEMPTS:
        raise store.ResultError(
            f"{shown}: {attempts} jobs ended without a result, the "
            f"last was {job.job_id}; log: {job.paths.stderr}"
        )


def _queue():
    """Ids of this user's jobs that wait or run, None without an answer; and squeue's complaint."""
    command = ["squeue", "--noheader", "--array", "--me", "--format=%i"]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        raise ValueError("EXECUTOR = 'slurm': there is no squeue here") from None
    return None if done.returncode else set(done.stdout.split()), done.stderr.strip()


def _job(path):
    """Id of the last job that was submitted for a point, or None."""
    try:
        return _job_file(path).read_text().strip()
    except FileNotFoundError:
        return None


def _job_file(path):
    return path.with_suffix(".job")
