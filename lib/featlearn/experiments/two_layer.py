"""What every experiment of the two-layer chapter measures at one point of its sweep.

A point is a plain dictionary, so that its hash names it: the network, the data
sets, and how long to sample. Each data set is sampled from a prior start and
from a planted start. Those that are not in equilibrium are sampled again, on a ladder and
for longer, in the rounds that the point declares.
"""

import numpy as np

from featlearn.inference.network import Network

from . import equilibrium
from .chains import check_chains, declares
from .experiment import settings

BIN = 0.025  # width of a bin of |overlap|
EDGES = np.round(np.arange(0, 4 + BIN / 2, BIN), 4)
COUNTED_ABOVE = 0.7  # |overlap| of the count that the diagnostics follow; verdicts use the barrier
STARTS = ("prior", "planted")
FOLLOWED = {
    "alignment": ("alignment A_f", "1"),
    "count": (f"number of neurons with |overlap| > {COUNTED_ABOVE}", "neurons"),
}
ERRORS = {"alignment": "alignment_mcse", "count": "count_mcse"}

DEFAULTS = equilibrium.SETTINGS | {
    "d": 20,
    "N": 20,
    "P": 100,
    "degree": 3,
    "kappa": 0.1,
    "sigma_a2": 1.0,
    "scaling": "standard",
    "planted": 4,
    "n_jumps": 8,
}


def point(d, N, P, *, data_sets=8, **others):
    """Configuration of one point.

    Parameters
    ----------
    d, N, P : int
        Input dimension, width, training size.
    data_sets : int
        Number of independent training sets; seeds are ``(d, 0), (d, 1), ...``,
        so that at one d a larger P extends the same sets.
    **others
        Override ``DEFAULTS``. ``warmup`` and ``draws`` are iterations of each chain.
        ``rungs`` laws, with data scales from ``least_scale`` to 1, make a ladder. ``rounds``
        are changes of these settings: each samples again the data sets whose observables
        in ``follow``, the alignment and perhaps the count, are not in equilibrium.

    Returns
    -------
    dict
    """
    seeds = [[int(d), i] for i in range(data_sets)]
    sizes = dict(d=int(d), N=int(N), P=int(P), data_seeds=seeds, planted=max(1, min(4, int(N))))
    config = settings(DEFAULTS, **sizes | others)
    check_chains(config)
    equilibrium.check(config, FOLLOWED)
    return config


def network_of(config):
    """The :class:`~featlearn.inference.network.Network` of a configuration."""
    names = ("d", "kappa", "sigma_a2", "degree", "scaling")
    return Network(widths=[config["N"]], **{name: config[name] for name in names})


def run_point(config, device="auto", progress=None):
    """Sample one point and reduce it to what the figures need.

    Parameters
    ----------
    config : dict
        From :func:`point`.
    device : {"auto", "cpu", "cuda"}
    progress : str, optional
        Title of a progress bar.

    Returns
    -------
    xarray.Dataset
        From :func:`~featlearn.experiments.equilibrium.measure`, for the ``alignment`` (its
        ``alignment_equilibrium`` is named ``equilibrium``) and the ``count`` of neurons beyond
        ``COUNTED_ABOVE``. Besides, over (data_set, start, bin): ``histogram``, the mean number
        of neurons a network in each bin of |overlap|, and ``rest2``, the sum over those of
        |w|^2 - overlap^2.
    """
    network = network_of(config)

    def planted(chains, generator):
        return network.planted(chains, generator, config["planted"])

    found = equilibrium.measure(
        config,
        network,
        dict(zip(STARTS, (network.prior, planted), strict=True)),
        _observe,
        device=device,
        progress=progress,
    )
    centres = 0.5 * (EDGES[1:] + EDGES[:-1])
    return found.rename(alignment_equilibrium="equilibrium").assign_coords(bin=centres)


def _observe(draws):
    overlap = np.abs(draws["response_1"])
    followed = {"alignment": draws["alignment"], "count": (overlap > COUNTED_ABOVE).sum(-1)}
    over, rest2 = ("data_set", "start", "bin"), draws["norm2_1"] - overlap**2
    kept = {"histogram": (over, _binned(overlap)), "rest2": (over, _binned(overlap, rest2))}
    return followed, kept


def _binned(overlap, weight=None):
    """Mean sum a draw of weights, or of ones, in each bin: from (start, data_set, draw, neuron)."""
    starts, sets, draws, _ = overlap.shape
    size = len(EDGES) - 1
    bins = np.clip(np.digitize(overlap, EDGES) - 1, 0, size - 1)
    found = np.empty((sets, starts, size))
    for i, start in np.ndindex(sets, starts):
        of_one = None if weight is None else weight[start, i].ravel()
        found[i, start] = np.bincount(bins[start, i].ravel(), of_one, minlength=size) / draws
    return found


UNITS = equilibrium.units_of(**FOLLOWED) | {
    "histogram": ("mean number of neurons a network in a bin of |overlap|", "neurons"),
    "rest2": ("sum of |w|^2 - overlap^2 over the neurons of a bin", "1"),
    "bin": ("centre of a bin of |overlap|", "1"),
    "d": ("input dimension", "1"),
    "N": ("width", "1"),
    "P": ("training size", "1"),
}
UNITS["equilibrium"] = UNITS.pop("alignment_equilibrium")


COLUMNS = ("d", "N", "P")


experiment = declares(run_point, COLUMNS, UNITS, ERRORS)
