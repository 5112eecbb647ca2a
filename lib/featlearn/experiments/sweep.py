"""Sweeps that can be stopped and go on: each finished point is kept in a file of its own."""

import fcntl
import inspect
import os
import re
import traceback
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from time import perf_counter

import torch
import xarray as xr

from . import code, store
from .checkpoint import Checkpoints
from .provenance import canonical, config_hash, surroundings


class Sweep:
    """The points of a sweep, and where each finished one is kept.

    A point's file, ``name/ADDRESS.nc``, is named by a hash of its configuration and of the
    code that computes it: what changed in either is another point. Any number of processes,
    on any machines that share the folder, may complete the same sweep: each takes points
    that no other has, then waits for those that others still run.

    Parameters
    ----------
    name : str
        Of lower-case letters, digits and hyphens.
    points : list of dict
        Plain configurations, seeds included.
    run_point : function
        From a configuration to an ``xarray.Dataset``; at the top of a module. With an argument
        ``checkpoint`` it is given a :class:`featlearn.experiments.checkpoint.Checkpoints`.
    folder : path, optional
        Instead of :func:`featlearn.experiments.store.runs_folder`.
    gpu : bool
        Whether ``run_point`` computes on a GPU where there is one.
    variables : collection of str, optional
        Names that a result's variables may have: those with units. Any by default.

    Raises
    ------
    ValueError
        If two points are the same, or an argument is not of its kind.
    StorageError
        If the folder cannot be written to.
    """

    def __init__(self, name, points, run_point, *, folder=None, gpu=False, variables=None):
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
            raise ValueError(f"name = {name!r}: lower-case letters, digits and hyphens are needed")
        self.name, self.run_point, self.gpu = name, run_point, gpu
        self.variables = None if variables is None else frozenset(variables)
        self.place = code.place(run_point)
        self.code = code.attributes(*self.place)
        self.folder = Path(folder or store.runs_folder()).absolute() / name
        self.points = {}
        for i, point in enumerate(points):
            path = self.folder / f"{address(point, self.code['code_hash'])}.nc"
            if path in self.points:
                raise ValueError(f"points[{i}] = {point!r}: stands in the sweep twice")
            self.points[path] = point
        self.first = next(iter(self.points.values()), None)  # also where a job has one point only
        store.require_writable(self.folder)

    def missing(self):
        """Paths of the points that are not finished."""
        return [path for path in self.points if not path.exists()]

    def check(self):
        """Refuse corrupt files, before hours of work and not after.

        Raises
        ------
        ResultError
            Naming the file. Deleting it runs the point again.
        """
        for path in self.points:
            if path.exists():
                self._load(path)

    def complete(self, path, *, wait=True):
        """Run one point unless it is finished.

        Parameters
        ----------
        path : pathlib.Path
            One of ``points``.
        wait : bool
            If another process runs the point: wait for it, and run it should that one die.

        Returns
        -------
        bool
            False if another process runs the point and we do not wait.

        Raises
        ------
        ResultError
            Naming the point, if its code fails or gives what cannot be stored. A note holds
            the traceback, but not of a ValueError or OSError, which say what is wrong.
        """
        with _claimed(path, wait) as claimed:
            if claimed and not path.exists():
                self._run(path)
            return claimed

    def complete_all(self, stop=lambda: False):
        """Run what is missing, first what is free, then what others were running.

        Parameters
        ----------
        stop : callable
            Asked before each point; True ends this early.

        Yields
        ------
        pathlib.Path
            Of each point that got finished, by us or by others.
        """
        left = self.missing()
        for wait in (False, True):
            for path in list(left):
                if stop():
                    return
                if self.complete(path, wait=wait):
                    left.remove(path)
                    yield path

    def require_same_code(self):
        """Refuse to run if the code is not that of the sweep: a job may start days later.

        Raises
        ------
        ResultError
        """
        if code.attributes(*self.place) != self.code:
            raise store.ResultError(
                f"{self.name}: the code changed after the sweep was begun; start it again"
            )

    def results(self):
        """Read all points, in order.

        Returns
        -------
        list of xarray.Dataset
            With ``config``, ``config_hash``, ``code_hash``, ``wall_seconds`` and the
            surroundings of each run in their attributes.

        Raises
        ------
        ResultError
            If a point is missing or its file corrupt.
        """
        return [self._load(path) for path in self.points]

    def adopt(self, point, result):
        """Keep a result that this code computed elsewhere as the run of a point.

        Parameters
        ----------
        point : dict
            One that the sweep doesn't have, or has finished, is left alone.
        result : xarray.Dataset
            With the attributes that :meth:`results` gives, but for the configuration's.

        Returns
        -------
        bool
            Whether the sweep has the point.
        """
        path = self.folder / f"{address(point, self.code['code_hash'])}.nc"
        if path in self.points:
            with _claimed(path, wait=False) as claimed:
                if claimed and not path.exists():
                    self._keep(path, result)
        return path in self.points

    def shown(self, path):
        """The sweep and the point, as errors name them."""
        return f"{self.name}, {self.title(path)}"

    def title(self, path):
        """What tells a point from the first one."""
        point = self.points[path]
        # Lists, such as seeds, are too long to show.
        differs = (
            f"{key}={value}"
            for key, value in point.items()
            if self.first.get(key) != value and not isinstance(value, list)
        )
        return " ".join(differs) or "first point"

    def _run(self, path):
        for leftover in path.parent.glob(f".{path.stem}.*"):  # of a run that was killed
            leftover.unlink()
        started = perf_counter()
        states = Checkpoints(self.folder, self.code["code_hash"], self._device())
        takes = inspect.signature(self.run_point).parameters
        options = {"checkpoint": states} if "checkpoint" in takes else {}
        try:
            result = self.run_point(deepcopy(self.points[path]), **options)
            seconds = perf_counter() - started + states.spent
        except Exception as error:
            raise self._failure(path, error) from error
        finally:
            states.close()
        self._require_storable(path, result)
        self._keep(path, result.assign_attrs(surroundings(self.gpu), wall_seconds=seconds))

    def _device(self):
        return "cuda" if self.gpu and torch.cuda.is_available() else "cpu"

    def _failure(self, path, error):
        """Name a point whose code failed, and the line of the file that holds ``run_point``."""
        code_file = self.run_point.__code__.co_filename  # a job's is not that of the script
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == code_file]
        where = f" ({Path(self.place[2]).name}:{lines[-1]})" if lines else ""
        expected = isinstance(error, ValueError | OSError)
        said = str(error) if expected else f"{type(error).__name__}: {error}"
        failure = store.ResultError(f"{self.shown(path)}: {said}{where}")
        if not expected:  # a note comes through from a worker, a cause does not
            failure.add_note("".join(traceback.format_exception(error)).rstrip())
        return failure

    def _require_storable(self, path, result):
        """Now, and not when all points are put together hours later."""
        shown = self.shown(path)
        if not isinstance(result, xr.Dataset):
            kind = type(result).__name__
            raise store.ResultError(f"{shown}: run_point gave a {kind}, not an xarray.Dataset")
        store.require_values(shown, result)
        for key in result.variables:
            if self.variables is not None and key not in self.variables:
                raise store.ResultError(f"{shown}: units lacks the variable {key!r}")

    def _keep(self, path, result):
        point = self.points[path]
        result = result.assign_attrs(
            config=canonical(point),
            config_hash=config_hash(point),
            code_hash=self.code["code_hash"],
        )
        # The sum comes before the name: a kill in between leaves no file that looks corrupt.
        partial = path.with_suffix(".partial")
        try:
            store.write(partial, result)
            store.write_text(_sum_file(path), store.sha256(partial) + "\n")
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)

    def _load(self, path):
        shown = f"{path.parent.name}/{path.name}"
        advice = "delete it to run the point again"
        if not path.exists():
            raise store.ResultError(f"{shown}: not finished; run the sweep again")
        if not _sum_file(path).exists():
            raise store.ResultError(f"{shown}: its .sha256 is missing, it is unchecked; {advice}")
        if _sum_file(path).read_text().strip() != store.sha256(path):
            raise store.ResultError(f"{shown}: its SHA-256 differs, the file is corrupt; {advice}")
        result = store.read(path)
        if result.attrs.get("config") != canonical(self.points[path]):
            raise store.ResultError(f"{shown}: holds another configuration; {advice}")
        if result.attrs.get("code_hash") != self.code["code_hash"]:
            raise store.ResultError(f"{shown}: was computed by other code; {advice}")
        return result


def address(point, code_hash):
    """Name of a run: a hash of its configuration and of the code that computes it."""
    return config_hash({"code": code_hash, "config": point})


def _sum_file(path):
    return path.with_suffix(".sha256")


@contextmanager
def _claimed(path, wait):
    """Hold the point's lock, or yield False if another process has it and we do not wait.

    The lock is the kernel's, which drops it when its holder dies, however it dies: a
    lock is never stale, and no two processes can both take one over.
    """
    with store.storing(path.parent):
        lock = open(path.with_suffix(".lock"), "ab")
    with lock:
        try:
            store.lock(lock, path.parent, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True
