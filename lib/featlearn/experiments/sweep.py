"""Sweeps that can be stopped and go on: each finished point is kept in a file of its own."""

import fcntl
import os
import re
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from time import perf_counter

from tqdm import tqdm

from . import store
from .provenance import ROOT, canonical, config_hash


def run_sweep(name, points, run_point, *, folder=None, progress=True, seconds_limit=None):
    """Run every point that has not been run, and return the results in order.

    A point is known by the hash of its configuration, so a changed configuration
    runs anew; a change in the code does not, which is for the caller to see to.
    Several processes may run the same sweep: each takes points that no other
    process has, then waits for those that others still run.

    Parameters
    ----------
    name : str
        Of lower-case letters, digits and hyphens.
    points : list of dict
        Plain configurations, seeds included.
    run_point : callable
        From a configuration to an ``xarray.Dataset``.
    folder : path, optional
        Where finished points are kept, in ``name/HASH.nc``; ``_build/runs`` of the
        checkout by default.
    progress : bool
        Show a progress bar with the time left and the current point.
    seconds_limit : float, optional
        No point is begun after this time.

    Returns
    -------
    list of xarray.Dataset
        As read from their files, with ``config``, ``config_hash`` and
        ``wall_seconds`` in their attributes.

    Raises
    ------
    ValueError
        If two points are the same.
    ResultError
        If a finished point's file is corrupt; it names the file. Deleting it runs
        the point again.
    TimeoutError
        If points are left at the limit; the finished ones are kept.
    """
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise ValueError(f"name = {name!r}: lower-case letters, digits and hyphens are needed")
    if seconds_limit is not None and not seconds_limit > 0:
        raise ValueError(f"seconds_limit = {seconds_limit!r}: a positive number is needed")
    folder = Path(folder or ROOT / "_build" / "runs") / name
    paths = {}
    for i, point in enumerate(points):
        path = folder / f"{config_hash(point)}.nc"
        if path in paths:
            raise ValueError(f"points[{i}] = {point!r}: stands in the sweep twice")
        paths[path] = point
    folder.mkdir(parents=True, exist_ok=True)
    deadline = perf_counter() + (seconds_limit or float("inf"))

    # Corrupt files are refused here, before hours of work and not after.
    results = {path: _load(path, point) for path, point in paths.items() if path.exists()}
    # Loaded points take no time: as `initial` they do not spoil the estimate of what is left.
    counts = {"total": len(paths), "initial": len(results)}
    with tqdm(**counts, desc=name, disable=not progress, unit="point") as bar:
        for wait in (False, True):  # first what is free, then what others were running
            for path, point in paths.items():
                if path in results:
                    continue
                bar.set_postfix_str(_title(point, points[0]))
                with _claimed(path, wait) as claimed:
                    if not claimed:
                        continue
                    if not path.exists():
                        if perf_counter() > deadline:
                            raise TimeoutError(
                                f"{name}: {len(results)} of {len(paths)} points are finished "
                                f"after seconds_limit = {seconds_limit}; run again to go on"
                            )
                        _run(path, point, run_point)
                    results[path] = _load(path, point)
                bar.update()
    return [results[path] for path in paths]


def _run(path, point, run_point):
    started = perf_counter()
    result = run_point(deepcopy(point))
    result = result.assign_attrs(
        config=canonical(point), config_hash=path.stem, wall_seconds=perf_counter() - started
    )
    # The sum comes before the name: a kill in between leaves no file that looks corrupt.
    partial = path.with_suffix(".partial")
    store.write(partial, result)
    store.write_text(_sum_file(path), store.sha256(partial) + "\n")
    os.replace(partial, path)


def _load(path, point):
    shown = f"{path.parent.name}/{path.name}"
    advice = "delete it to run the point again"
    if not _sum_file(path).exists():
        raise store.ResultError(f"{shown}: its .sha256 is missing, it is unchecked; {advice}")
    if _sum_file(path).read_text().strip() != store.sha256(path):
        raise store.ResultError(f"{shown}: its SHA-256 differs, the file is corrupt; {advice}")
    result = store.read(path)
    if result.attrs.get("config") != canonical(point):
        raise store.ResultError(f"{shown}: holds another configuration; {advice}")
    return result


def _sum_file(path):
    return path.with_suffix(".sha256")


def _title(point, first):
    """What tells a point from the first one."""
    differs = (f"{key}={value}" for key, value in point.items() if first.get(key) != value)
    return " ".join(differs) or "first point"


@contextmanager
def _claimed(path, wait):
    """Hold the point's lock, or yield False if another process has it and we do not wait.

    The lock is the kernel's, which drops it when its holder dies, however it dies: a
    lock is never stale, and no two processes can both take one over. The file's
    text, the process id, is only for people.
    """
    with open(path.with_suffix(".lock"), "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield True
