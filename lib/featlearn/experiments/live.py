"""A small part of a stored experiment, run again beside it."""

import numpy as np

from .threads import one_thread


def distance(experiment, stored):
    """How far a fresh run of an experiment's small points is from the stored ones.

    Parameters
    ----------
    experiment : Experiment
        With a ``spot``.
    stored : xarray.Dataset

    Returns
    -------
    float
        The largest distance over points and quantities, in standard errors.

    Raises
    ------
    ValueError
        If it has no small points, or one is not among those stored.
    """
    if experiment.spot is None:
        raise ValueError(f"experiment = {experiment.name}: one with a spot is needed")
    rows = [experiment.row(stored, point) for point in experiment.spot.points]
    with one_thread():
        runs = [experiment.run_point(point) for point in experiment.spot.points]
    found = [experiment.spot.distances(run, row) for run, row in zip(runs, rows, strict=True)]
    # Not `max`, which ignores a NaN that is not the first.
    return float(np.max([distance for of_point in found for distance in of_point.values()]))
