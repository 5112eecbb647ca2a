"""Sweeps that can be stopped and go on: each finished point is kept in a file of its own."""

import fcntl
import hashlib
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from tqdm import tqdm

from . import store
from .provenance import ROOT, canonical, config_hash


def run_sweep(name, points, run_point, *, folder=None, progress=True):
    """Run every point that has not been run, and return the results in order.

    Parameters
    ----------
    name : str
        Name of the experiment.
    points : list of dict
        Plain configurations, seeds included; a point is known by their hash.
    run_point : callable
        From a configuration to an ``xarray.Dataset``.
    folder : path, optional
        Where finished points are kept; ``_build/runs`` of the checkout by default.
    progress : bool
        Show a progress bar with the time left.

    Returns
    -------
    list of xarray.Dataset
        With ``wall_seconds`` in their attributes.

    Raises
    ------
    ValueError
        If two points are the same.
    ResultError
        If a finished point's file is corrupt; it names the file. Deleting it runs
        the point again.
    """
    hashes = [config_hash(point) for point in points]
    for i, value in enumerate(hashes):
        if value in hashes[:i]:
            raise ValueError(f"points[{i}] = {points[i]!r}: stands in the sweep twice")
    folder = Path(folder or ROOT / "_build" / "runs") / name
    folder.mkdir(parents=True, exist_ok=True)
    bar = tqdm(list(zip(points, hashes)), desc=name, disable=not progress, unit="point")
    return [_run_or_load(folder / f"{value}.nc", point, run_point) for point, value in bar]


def _run_or_load(path, point, run_point):
    with _claimed(path):  # a second process waits here, then finds the file
        if path.exists() and _sum_file(path).exists():  # the sum comes last: it says "finished"
            return _load(path)
        started = perf_counter()
        result = run_point(point)
        result = result.assign_attrs(
            config=canonical(point), wall_seconds=perf_counter() - started
        )
        store.write(path, result)
        _sum_file(path).write_text(hashlib.sha256(path.read_bytes()).hexdigest())
        return result


def _load(path):
    if _sum_file(path).read_text() != hashlib.sha256(path.read_bytes()).hexdigest():
        raise store.ResultError(
            f"{path.parent.name}/{path.name}: the file of this finished point is corrupt; "
            "delete it to run the point again"
        )
    return store.read(path)


def _sum_file(path):
    return path.with_suffix(".sha256")


@contextmanager
def _claimed(path):
    """Hold the point's lock; the system drops it when the process dies."""
    with open(path.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


