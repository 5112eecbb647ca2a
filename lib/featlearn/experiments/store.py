"""Stored results: one netCDF file an experiment, refused when it is not what was stored.

A file holds the numbers and, in its attributes, their provenance. A registry
beside the files keeps the SHA-256 of each. Nothing is pickled.
"""

import errno
import fcntl
import hashlib
import os
import re
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import xarray as xr

from .provenance import ROOT

SCHEMA = "featlearn-result/1"
REQUIRED = (
    "schema config config_hash seeds versions device dtype threads commit tree_clean "
    "wall_seconds date"
).split()


class ResultError(ValueError):
    """A stored result that is missing, corrupt, of another schema, or not finite."""


class StorageError(ResultError):
    """A folder that cannot be written to: full, read-only, forbidden, or not a folder."""


def results_folder(default=ROOT / "book" / "results"):
    """The folder that FEATLEARN_RESULTS names, else ``book/results`` of the checkout."""
    return Path(os.environ.get("FEATLEARN_RESULTS", default))


def runs_folder(default=ROOT / "_build" / "runs"):
    """The folder that FEATLEARN_RUNS names, else ``_build/runs`` of the checkout.

    Finished points are kept there; on a cluster it must be seen by all nodes.
    """
    return Path(os.environ.get("FEATLEARN_RUNS", default))


def save(name, dataset, *, folder=None):
    """Store a result atomically and enter it in the registry.

    Parameters
    ----------
    name : str
        Of lower-case letters, digits and hyphens.
    dataset : xarray.Dataset
        Every variable finite, with ``long_name`` and ``units``; the provenance
        of :func:`featlearn.experiments.provenance.collect` and ``wall_seconds``
        in its attributes. A ``schema`` there is kept; otherwise it is ``SCHEMA``.
    folder : path, optional
        Instead of :func:`results_folder`.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ResultError
        If the data set lacks any of this; nothing is written then.
    """
    path = path_of(name, folder)
    dataset = dataset.assign_attrs({"schema": SCHEMA} | dataset.attrs)
    _check(path, dataset)
    require_writable(path.parent)
    with _locked(path.parent):
        registry = path.parent / "registry.txt"
        entries = _entries(registry)  # before writing: an unreadable registry stops here
        write(path, dataset)
        entries[path.name] = sha256(path)
        text = "".join(f"{key} sha256:{value}\n" for key, value in sorted(entries.items()))
        write_text(registry, text)
    return path


def load(name, *, schema=None, folder=None):
    """Load a stored result after checking that it is the one that was stored.

    Parameters
    ----------
    name : str
    schema : str, optional
        Schema that the file must have, instead of ``SCHEMA``.
    folder : path, optional
        Instead of :func:`results_folder`.

    Returns
    -------
    xarray.Dataset
        In memory; the file is closed.

    Raises
    ------
    ResultError
        Naming the file and what is wrong with it.
    """
    path = path_of(name, folder)
    if not path.exists():
        raise ResultError(f"{path.name}: no such result in {path.parent.name}/")
    expected = _entries(path.parent / "registry.txt").get(path.name)
    if expected is None:
        raise ResultError(f"{path.name}: not in registry.txt, so it can't be checked")
    if sha256(path) != expected:
        raise ResultError(f"{path.name}: its SHA-256 is not the registry's; the file changed")
    dataset = read(path)
    found, schema = dataset.attrs.get("schema"), schema or SCHEMA
    if found != schema:
        raise ResultError(f"{path.name}: schema {found!r}, not {schema!r}")
    _check(path, dataset)
    return dataset


def write(path, dataset):
    """Write netCDF atomically: the same data give the same bytes."""
    # How the data were stored before must neither round them nor change the bytes.
    dataset = dataset.drop_encoding()
    compressed = {
        name: {"zlib": True}
        for name, variable in dataset.data_vars.items()
        if variable.ndim and variable.dtype.kind in "fiub"
    }
    # Made in memory: on a full disk HDF5 fails in many ways, a plain write in one.
    write_bytes(path, dataset.to_netcdf(engine="h5netcdf", encoding=compressed))


def read(path):
    """Read netCDF into memory.

    Raises
    ------
    ResultError
        If the file is not netCDF.
    """
    try:
        # Some versions of xarray turn numbers with the units "seconds" into times.
        with xr.open_dataset(
            path, engine="h5netcdf", decode_times=False, decode_timedelta=False
        ) as dataset:
            return dataset.load()
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        raise ResultError(f"{path.name}: not a readable netCDF file ({error})") from None


def write_text(path, text):
    """Write a text file atomically."""
    write_bytes(path, text.encode())


def require_writable(folder):
    """Make a folder if need be, and see that it can be written to.

    Raises
    ------
    StorageError
        Naming the folder and what stands against it.
    """
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".writable.") as probe:
            probe.write(b"1")
            probe.flush()


@contextmanager
def storing(folder):
    """Turn what the system says of a folder into one clear sentence.

    Raises
    ------
    StorageError
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            what = "no space left; what is finished is kept, make room and start again"
        else:
            what = f"cannot be written to ({error.strerror})"
        raise StorageError(f"{folder}: {what}") from error


def lock(file, folder, flags=fcntl.LOCK_EX):
    """Take the kernel's lock of a file or a folder.

    Raises
    ------
    StorageError
        Naming the folder, if its file system has no locks.
    BlockingIOError
        If another process has it and ``flags`` say not to wait.
    """
    try:
        fcntl.flock(file, flags)
    except BlockingIOError:
        raise
    except OSError as error:
        raise StorageError(f"{folder}: its file system refuses locks ({error.strerror})") from error


def sha256(path):
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def path_of(name, folder=None):
    """Where a result of this name is stored."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise ValueError(f"name = {name!r}: lower-case letters, digits and hyphens are needed")
    return Path(folder or results_folder()) / f"{name}.nc"


def require_values(shown, dataset):
    """See that the variables of a data set can be stored: finite numbers, booleans or text.

    Parameters
    ----------
    shown : str
        What the error names.
    dataset : xarray.Dataset

    Raises
    ------
    ResultError
    """
    for name, variable in dataset.variables.items():
        text = all(isinstance(value, str) for value in variable.values.flat)
        if variable.dtype.kind not in "fiubU" and not (variable.dtype == object and text):
            raise ResultError(
                f"{shown}: variable {name!r} has type {variable.dtype}; "
                "numbers, booleans or text are needed"
            )
        if variable.dtype.kind == "f" and not np.isfinite(variable.values).all():
            raise ResultError(f"{shown}: variable {name!r} holds NaN or infinity")


def _check(path, dataset):
    missing = [key for key in REQUIRED if key not in dataset.attrs]
    if missing:
        raise ResultError(f"{path.name}: attributes {missing} are missing")
    for key, value in dataset.attrs.items():
        if not isinstance(value, str | int | float | np.integer | np.floating):
            raise ResultError(f"{path.name}: attribute {key!r} is a {type(value).__name__}")
        if not isinstance(value, str) and not np.isfinite(value):
            raise ResultError(f"{path.name}: attribute {key!r} is NaN or infinite")
    require_values(path.name, dataset)
    for name, variable in dataset.variables.items():
        lacking = [key for key in ("long_name", "units") if key not in variable.attrs]
        if lacking:
            raise ResultError(f"{path.name}: variable {name!r} lacks {lacking}")


def _entries(registry):
    if not registry.exists():
        return {}
    entries = {}
    for line in registry.read_text().splitlines():
        match = re.fullmatch(r"(\S+\.nc) sha256:([0-9a-f]{64})", line)
        if not match:
            raise ResultError(f"{registry.name}: cannot read the line {line!r}")
        entries[match[1]] = match[2]
    return entries


@contextmanager
def _locked(folder):
    """Hold the folder's lock: writers of the registry take turns; no file is left behind."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        lock(handle, folder)
        yield
    finally:
        os.close(handle)


def write_bytes(path, content):
    """Write a file atomically: a temporary one in the same folder, flushed to disk and renamed."""
    with storing(path.parent):
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with open(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        finally:
            Path(temporary).unlink(missing_ok=True)
