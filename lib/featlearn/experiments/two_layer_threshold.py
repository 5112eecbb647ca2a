"""Paper fig. 1(b): the training size P_* at which the alignment passes 0.1, against d, at N = d."""

import numpy as np

from . import two_layer
from .equilibrium import tempered
from .fits import crossing_per_set

NAME = "two-layer-threshold"
LEVEL = 0.1  # the paper's alignment at P_*
RATIOS = {56: (2, 3, 4, 5, 6), 80: (2, 3, 4, 5)}  # P / d, where the crossing lies inside


def points(size="full"):
    """Points of the sweep. ``live`` is a part of ``full`` with fewer data sets, in seconds."""
    if size == "live":
        return [
            two_layer.point(10, 10, 10 * ratio, data_sets=2, warmup=120, draws=150)
            for ratio in (3, 6)
        ]
    return [
        two_layer.point(d, d, d * ratio, **_lengths(d, d * ratio))
        for d in (10, 14, 20, 28, 40, 56, 80)
        for ratio in RATIOS.get(d, (2, 3, 4, 5, 6, 8))
    ]


def _lengths(d, P):
    """How long to sample: where a data set's two starts differ, on a ladder that melts.

    Near the transition a network with a specialised neuron and one without are metastable.
    At d = 80 a ladder takes half an hour a point.
    """
    if P == 2 * d:
        return {"draws": 800}
    draws = {40: 1500, 56: 1000, 80: 800}.get(d, 1500)
    ladders = {40: (2500, 5000), 56: (2500,), 80: (1500,)}.get(d, (3000, 9000))
    rounds = [tempered(P, 0.2, draws=n, n_jumps=min(d // 2, 20)) for n in ladders]
    return {"draws": draws, "rounds": rounds}


EXPERIMENTS = (two_layer.experiment(NAME, __doc__.splitlines()[0], points("full"), points("live")),)


def thresholds(data, start=None, level=LEVEL):
    """P_* at each d: where the alignment, averaged over data sets, passes a level.

    Parameters
    ----------
    data : xarray.Dataset
        The stored result.
    start : {"prior", "planted"}, optional
        Chains from this start only; both are averaged when omitted.
    level : float
        Alignment that defines P_*.

    Returns
    -------
    d : numpy.ndarray, shape (sizes,)
    P_star : numpy.ndarray, shape (sizes, data sets)
        Pseudo-values of :func:`~featlearn.experiments.fits.crossing_per_set`.
    """
    if start not in (None, *two_layer.STARTS):
        raise ValueError(f"start = {start!r}: None or one of {two_layer.STARTS} is needed")
    alignment = data.alignment.mean("start") if start is None else data.alignment.sel(start=start)
    sizes = np.unique(data.d.values)
    pseudo_values = []
    for d in sizes:
        rows = np.flatnonzero(data.d.values == d)
        pseudo_values.append(crossing_per_set(data.P.values[rows], alignment.values[rows], level))
    return sizes, np.array(pseudo_values)
