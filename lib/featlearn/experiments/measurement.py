"""One experiment: its sweep run or resumed, and its points put together with their provenance."""

from contextlib import contextmanager
from time import perf_counter

import torch
import xarray as xr

from . import provenance
from .sweep import run_sweep


def measure(
    name,
    configs,
    run_point,
    *,
    columns,
    units,
    seeds,
    dtype,
    device="cpu",
    progress=True,
    folder=None,
):
    """Run the points of a sweep into one data set along ``point``.

    Parameters
    ----------
    name : str
        Of the experiment.
    configs : list of dict
        Configurations of the points.
    run_point : callable
        From a configuration and a title for its progress bar (or None) to an
        ``xarray.Dataset``. All points give the same variables and sizes.
    columns : dict
        Name of a column to a function from a configuration to its value, shown in titles.
    units : dict
        Name of each variable to its long name and units.
    seeds : list or dict
        Every seed, for the provenance.
    dtype, device : str
        Floating-point type, and what computes.
    progress : bool
        Show progress bars.
    folder : path, optional
        Where finished points are kept.

    Returns
    -------
    xarray.Dataset
        With the provenance in its attributes; ``wall_seconds`` is the sum over points, so
        that it holds what the sweep cost also when it was resumed.
    """
    started = perf_counter()

    def one(config):
        title = " ".join(f"{key}={value(config)}" for key, value in columns.items())
        return run_point(config, f"{name} {title}" if progress else None)

    results = run_sweep(name, configs, one, folder=folder, progress=progress)
    data = xr.concat(
        results, "point", combine_attrs="drop", join="exact", data_vars="all", coords="minimal"
    )
    for key, value in columns.items():
        data[key] = ("point", [value(config) for config in configs])
    for key in data.variables:
        long_name, unit = units[key]
        data[key].attrs.update(long_name=long_name, units=unit)
    data.attrs = provenance.collect(
        {"experiment": name, "points": configs},
        device=device,
        dtype=dtype,
        seeds=seeds,
    )
    spent = sum(float(r.attrs["wall_seconds"]) for r in results)
    data.attrs["wall_seconds"] = max(spent, perf_counter() - started)
    return data


@contextmanager
def one_thread():
    """Compute on one thread of the processor.

    At the sizes of a live cell a second thread gains nothing on an idle machine, and on a
    busy one the two wait for each other.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
