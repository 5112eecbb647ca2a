"""Paper fig. 1(c): the number of specialised neurons against sqrt(N/d) at fixed P and d."""

from . import two_layer
from .equilibrium import tempered

NAME = "two-layer-specialised"
D, P = 20, 320
WIDTHS = (20, 40, 80, 160, 320)


def points(size="full"):
    """Points of the sweep. ``live`` is a part of ``full`` with fewer data sets."""
    if size == "live":
        return [two_layer.point(D, 40, P, data_sets=2, warmup=120, draws=80)]
    # Counts of a few neurons change rarely: the narrow networks need the long chains.
    draws = {20: 2500, 40: 1500, 80: 500, 160: 400, 320: 350}
    ladders = {20: (3000, 9000), 40: (3000, 6000), 80: (1500,)}
    return [
        two_layer.point(
            D,
            N,
            P,
            draws=draws[N],
            follow=["alignment", "count"],
            rounds=[tempered(P, 0.6, draws=n, n_jumps=20) for n in ladders.get(N, ())],
        )
        for N in WIDTHS
    ]


EXPERIMENTS = (two_layer.experiment(NAME, __doc__.splitlines()[0], points("full"), points("live")),)


def count_beyond(data, threshold):
    """Mean number of neurons with |overlap| beyond a threshold.

    Parameters
    ----------
    data : xarray.Dataset
        A stored result, with its points along ``point``.
    threshold : float
        Rounded to the nearest edge of a stored bin.

    Returns
    -------
    numpy.ndarray, shape (points, data sets)
        Averaged over both starts.
    """
    if not 0 <= threshold < two_layer.EDGES[-1]:
        raise ValueError(
            f"threshold = {threshold!r}: at least 0 and below {two_layer.EDGES[-1]} is needed"
        )
    first = int(round(threshold / two_layer.BIN))
    return data.histogram.mean("start").isel(bin=slice(first, None)).sum("bin").values
