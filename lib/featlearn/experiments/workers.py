"""A sweep on one machine: several processes that share its cores and its GPUs."""

import io
import multiprocessing
import os
import pickle
import signal
import sys
import time
from contextlib import contextmanager
from itertools import takewhile
from multiprocessing.connection import wait

import torch
from tqdm import tqdm

from .store import ResultError

POLL = 0.2  # seconds between two looks at what is finished
LOGGED = 30.0  # seconds between two lines of progress where no terminal overwrites them


def run_sweep(sweep, *, workers=None, threads=None, progress=True):
    """Complete a sweep here.

    Parameters
    ----------
    sweep : featlearn.experiments.sweep.Sweep
    workers : int, optional
        Processes; one a GPU for a sweep that uses them, one a core otherwise. With one,
        the points run in this process.
    threads : int, optional
        Of each process; its share of the cores by default. If given, even a single process is
        not this one.
    progress : bool
        Show a progress bar with the time left.

    Raises
    ------
    ResultError
        If a file is corrupt or cannot be written, or workers died; what is finished is kept.
    """
    cores, devices = len(os.sched_getaffinity(0)), gpus() if sweep.gpu else []
    if workers is None:
        workers = len(devices) or cores
    if workers < 1:
        raise ValueError(f"workers = {workers!r}: at least 1 is needed")
    sweep.check()
    workers = min(workers, len(sweep.missing()))
    with Progress(sweep, progress) as bar:
        if workers <= 1 and threads is None:
            for _ in sweep.complete_all():
                bar.look()
        else:
            places = (workers, cores, devices, threads)
            environments = [environment(i, *places) for i in range(workers)]
            _share(sweep, environments, bar)


def environment(i, workers, cores, devices, threads=None):
    """Variables of worker ``i``: its share of the cores, and one of the GPUs.

    Parameters
    ----------
    i, workers, cores : int
    devices : list of str
        As in CUDA_VISIBLE_DEVICES; none leaves that variable as it is.
    threads : int, optional
        Instead of the share of the cores.

    Returns
    -------
    dict

    Examples
    --------
    >>> environment(3, 4, 8, ["0", "1"])["CUDA_VISIBLE_DEVICES"]
    '1'
    >>> environment(0, 4, 8, [])["OMP_NUM_THREADS"]
    '2'
    """
    threads = str(threads or max(1, cores // workers))
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    found = dict.fromkeys(names, threads)
    if devices:
        found["CUDA_VISIBLE_DEVICES"] = devices[i % len(devices)]
    return found


def gpus():
    """Names of the GPUs that CUDA may use, as in CUDA_VISIBLE_DEVICES."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:  # CUDA reads it up to the first name that no GPU can have
        names = (name.strip() for name in named.split(","))
        return list(takewhile(lambda name: name not in ("", "-1", "NoDevFiles"), names))
    return [str(i) for i in range(torch.cuda.device_count())]


class Progress:
    """A bar that follows the files of a sweep, whoever writes them; in a log, some lines."""

    def __init__(self, sweep, shown):
        self.sweep, self.shown = sweep, shown
        self.drawn, self.due = sys.stderr.isatty(), 0.0
        self.left = set(sweep.missing())
        total = len(sweep.points)
        # What was finished took no time now: as `initial` it does not spoil the estimate.
        counts = {"total": total, "initial": total - len(self.left)}
        # In a log stand only the lines of `_log`.
        options = {} if self.drawn else {"file": io.StringIO(), "mininterval": float("inf")}
        self.bar = tqdm(**counts, **options, desc=sweep.name, disable=not shown, unit="point")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.drawn:
            self._log()
        self.bar.close()

    def look(self):
        """Count what was finished since the last look."""
        new = {path for path in self.left if path.exists()}
        self.left -= new
        for path in new:
            self.bar.set_postfix_str(self.sweep.title(path), refresh=False)
            self.bar.update()
        if self.drawn:
            self.bar.refresh()
        elif self.left and time.monotonic() >= self.due:
            self._log()

    def _log(self):
        if self.shown:
            print(self.bar, file=sys.stderr, flush=True)
        self.due = time.monotonic() + LOGGED


def _share(sweep, environments, bar):
    context = multiprocessing.get_context("spawn")  # a fork would inherit threads and CUDA
    stop = context.Event()
    processes, ends = [], []
    try:
        for variables in environments:
            end, other_end = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(sweep, stop, other_end))
            with _variables(variables):
                process.start()
            other_end.close()
            processes.append(process)
            ends.append(end)
        errors = _errors(processes, ends, stop, bar)
    finally:  # of a Ctrl-C as well: the runs in flight are lost
        for process in processes:
            process.kill()
            process.join()
    if errors:
        raise errors[0]
    if sweep.missing():
        died = [p.exitcode for p in processes if p.exitcode]
        raise ResultError(
            f"{sweep.name}: {len(died)} of {len(processes)} workers died (exit codes {died}: -9 is "
            f"a kill, often for want of memory), {len(sweep.missing())} points are missing; "
            "start again to go on"
        )


def _errors(processes, ends, stop, bar):
    """Wait for all workers. The first error lets the others finish their points and no more."""
    errors, listening = [], list(ends)
    while listening:
        for end in wait(listening, timeout=POLL):
            try:
                errors.append(end.recv())
                stop.set()
            except EOFError:
                listening.remove(end)
        bar.look()
    for process in processes:
        process.join()
    bar.look()
    return errors


def _work(sweep, stop, end):
    """Complete points until none is left, or the parent stops or is dead."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it too, and ends us
    parent = multiprocessing.parent_process()
    try:
        sweep.require_same_code()
        for _ in sweep.complete_all(lambda: stop.is_set() or not parent.is_alive()):
            pass
    except Exception as error:
        end.send(_portable(error))
    finally:
        end.close()


def _portable(error):
    """The error itself if it survives the way to the parent, else what it says."""
    try:
        pickle.loads(pickle.dumps(error))
        return error
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")


@contextmanager
def _variables(changes):
    """Change environment variables for the processes that are started meanwhile."""
    before = {key: os.environ.get(key) for key in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value
