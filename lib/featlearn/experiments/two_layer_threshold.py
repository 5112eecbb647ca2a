"""Paper fig. 1(b): the training size P_* at which the alignment passes 0.1, against d, at N = d."""

import numpy as np

from . import store, two_layer
from .fits import crossing

NAME = "two-layer-threshold"
LEVEL = 0.1  # the paper's alignment at P_*


def points(size="full"):
    """Points of the sweep. ``live`` is a part of ``full`` with fewer data sets, in seconds."""
    if size == "live":
        return [
            two_layer.point(10, 10, 10 * ratio, data_sets=2, warmup=120, draws=150)
            for ratio in (3, 6)
        ]
    ratios = {56: (2, 3, 4, 5, 6), 80: (2, 3, 4, 5)}  # the crossing lies inside
    return [
        two_layer.point(d, d, d * ratio, draws=1500 if d <= 28 else 800 if d <= 40 else 500)
        for d in (10, 14, 20, 28, 40, 56, 80)
        for ratio in ratios.get(d, (2, 3, 4, 5, 6, 8))
    ]


def run(device="auto", progress=True):
    """Measure at full size and store the result."""
    data = two_layer.measure(NAME, points("full"), device, progress)
    return store.save(NAME, data)


def thresholds(data, level=LEVEL):
    """P_* of each data set, from the alignment averaged over both starts.

    Parameters
    ----------
    data : xarray.Dataset
        The stored result.
    level : float
        Alignment that defines P_*.

    Returns
    -------
    d : numpy.ndarray, shape (sizes,)
    P_star : numpy.ndarray, shape (sizes, data sets)
    """
    alignment = data.alignment.mean("start").values
    sizes = np.unique(data.d.values)
    found = []
    for d in sizes:
        rows = np.flatnonzero(data.d.values == d)
        rows = rows[np.argsort(data.P.values[rows])]
        P = data.P.values[rows].astype(float)
        found.append([crossing(P, alignment[rows, i], level) for i in range(alignment.shape[1])])
    return sizes, np.array(found)
