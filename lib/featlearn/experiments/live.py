"""A small part of a stored experiment, run again beside it."""

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
        If a small point is not one of those stored.
    """
    rows = [experiment.row(stored, point) for point in experiment.spot.points]
    with one_thread():
        runs = [experiment.run_point(point) for point in experiment.spot.points]
    return max(
        found
        for run, row in zip(runs, rows, strict=True)
        for found in experiment.spot.distances(run, row).values()
    )
