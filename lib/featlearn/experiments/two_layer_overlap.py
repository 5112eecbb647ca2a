"""Paper fig. 1(a): the law of a hidden neuron's overlap with w_*, pooled over many data sets."""

import numpy as np

from . import two_layer
from .equilibrium import tempered

NAME = "two-layer-overlap"


def points(size="full"):
    """Points of the sweep. ``live`` is a part of ``full`` with fewer data sets."""
    if size == "live":
        return [two_layer.point(20, 80, 320, data_sets=2, warmup=120, draws=60)]
    # At d = 40 some sets need a ladder down to where no neuron is specialised.
    deep = [tempered(400, 0.2, warmup=400, draws=2400, n_jumps=40)]
    return [
        two_layer.point(
            d,
            80,
            P,
            data_sets=16,
            draws=draws,
            follow=["alignment", "count"],
            rounds=[tempered(P, 0.6, draws=3 * draws, n_jumps=20), *then],
        )
        for d, P, draws, then in ((20, 320, 500, []), (40, 400, 400, deep))
    ]


EXPERIMENTS = (two_layer.experiment(NAME, __doc__.splitlines()[0], points("full"), points("live")),)


def density(row, merge=2):
    """Density of a neuron's overlap, of each data set.

    Parameters
    ----------
    row : xarray.Dataset
        One point of a stored result.
    merge : int
        Number of stored bins to merge into one.

    Returns
    -------
    overlap : numpy.ndarray, shape (bins,)
        Centres of the bins of |mu|.
    density : numpy.ndarray, shape (data sets, bins)
        Density on the whole line, which is even in mu; averaged over both starts.
    """
    if merge < 1 or row.sizes["bin"] % merge:
        raise ValueError(f"merge = {merge!r}: a divisor of {row.sizes['bin']} is needed")
    per_bin = row.histogram.mean("start").values
    merged = per_bin.reshape(len(per_bin), -1, merge).sum(-1)
    centres = row.bin.values.reshape(-1, merge).mean(-1)
    return centres, merged / (2 * int(row.N) * two_layer.BIN * merge)


def barrier(row, merge=4, between=(0.4, 1.2), resamples=500, seed=0):
    """Where the pooled density has its minimum between the bulk and the side peak.

    The minimum is that of a parabola through the lowest bin of the log density
    and its neighbours; the standard error is by bootstrap over data sets.

    Returns
    -------
    location, standard_error : float
        NaN, NaN when the density has no minimum inside ``between``.
    """
    centres, per_set = density(row, merge)
    inside = np.flatnonzero((centres > between[0]) & (centres < between[1]))

    def locate(sample):
        pooled = sample.mean(0)
        if (pooled[inside[0] - 1 : inside[-1] + 2] <= 0).any():
            return np.nan
        log_density = np.log(pooled[inside[0] - 1 : inside[-1] + 2])
        i = np.argmin(log_density[1:-1]) + 1
        left, middle, right = log_density[i - 1 : i + 2]
        if not (middle < left and middle < right):
            return np.nan
        shift = 0.5 * (left - right) / (left - 2 * middle + right)
        return centres[inside[0] - 1 + i] + shift * (centres[1] - centres[0])

    rng = np.random.default_rng(seed)
    n = len(per_set)
    found = [locate(per_set[rng.integers(n, size=n)]) for _ in range(resamples)]
    location = locate(per_set)
    if np.isnan(location):
        return np.nan, np.nan
    return float(location), float(np.nanstd(found, ddof=1))
