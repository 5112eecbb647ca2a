"""What every experiment of the two-layer chapter measures at one point of its sweep.

A point is a plain dictionary, so that its hash names it: the network, the data
sets, and how long to sample. Each data set is sampled from a prior start and
from a planted start.
"""

from operator import itemgetter

import numpy as np
import torch
import xarray as xr

from featlearn.inference.diagnostics import diagnose
from featlearn.inference.network import TwoLayerNetwork, choose_device
from featlearn.inference.posterior import CollapsedPosterior
from featlearn.inference.sampler import sample

from . import measurement

BIN = 0.025  # width of a bin of |overlap|
EDGES = np.round(np.arange(0, 4 + BIN / 2, BIN), 4)
COUNTED_ABOVE = 0.7  # |overlap| of the count that the diagnostics follow; verdicts use the barrier
STARTS = ("prior", "planted")


def point(d, N, P, *, degree=3, data_sets=8, warmup=250, draws=400, **others):
    """Configuration of one point; ``others`` override the defaults below.

    Parameters
    ----------
    d, N, P, degree : int
        Input dimension, width, training size, degree of the target.
    data_sets : int
        Number of independent training sets; seeds are ``(d, 0), (d, 1), ...``,
        so that at one d a larger P extends the same sets.
    warmup, draws : int
        Iterations of each chain.

    Returns
    -------
    dict
    """
    config = {
        "d": int(d),
        "N": int(N),
        "P": int(P),
        "degree": int(degree),
        "kappa": 0.1,
        "sigma_a2": 1.0,
        "scaling": "standard",
        "data_seeds": [[int(d), i] for i in range(data_sets)],
        "chain_seed": 1,
        "planted": max(1, min(4, int(N))),
        "warmup": int(warmup),
        "draws": int(draws),
        "n_leapfrog": 16,
        "n_jumps": 8,
        "dtype": "float32",
    }
    unknown = set(others) - set(config)
    if unknown:
        raise ValueError(f"unknown settings {sorted(unknown)}: known are {sorted(config)}")
    return config | others


def network_of(config):
    """The :class:`TwoLayerNetwork` of a configuration."""
    names = ("d", "N", "kappa", "sigma_a2", "degree", "scaling")
    return TwoLayerNetwork(**{name: config[name] for name in names})


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
        Over (data_set, start): ``alignment`` and its Monte Carlo standard error
        over both starts ``alignment_mcse`` (data_set); R-hat and bulk effective
        sample size of the alignment and of the count of neurons beyond
        ``COUNTED_ABOVE``; ``histogram`` (data_set, start, bin), the mean number of
        neurons a network in each bin of |overlap|; ``rest2`` (data_set, start,
        bin), the sum over those of |w|^2 - overlap^2.
    """
    network, where = network_of(config), choose_device(device)
    dtype = getattr(torch, config["dtype"])
    seeds = config["data_seeds"]
    n = len(seeds)
    x, y = network.datasets(list(seeds) * 2, config["P"], where, dtype)
    generator = torch.Generator(device=where).manual_seed(config["chain_seed"])
    weights = torch.cat(
        [
            network.prior_weights(n, generator),
            network.planted_weights(n, generator, config["planted"]),
        ]
    ).to(dtype)
    draws = sample(
        CollapsedPosterior(network, x, y),
        weights,
        warmup=config["warmup"],
        draws=config["draws"],
        seed=config["chain_seed"] + 1,
        n_leapfrog=config["n_leapfrog"],
        n_jumps=config["n_jumps"],
        progress=progress,
    )
    return _reduce(draws, n, config)


def _reduce(draws, n, config):
    alignment = draws.alignment.values.reshape(2, n, -1)  # (start, data_set, draw)
    overlap = np.abs(draws.overlap.values.astype(float)).reshape(2, n, config["draws"], -1)
    rest2 = draws.norm2.values.astype(float).reshape(overlap.shape) - overlap**2
    count = (overlap > COUNTED_ABOVE).sum(-1)
    by_alignment = [diagnose(alignment[:, i]) for i in range(n)]
    by_count = [diagnose(count[:, i]) for i in range(n)]
    bins = np.clip(np.digitize(overlap, EDGES) - 1, 0, len(EDGES) - 2)
    histogram = np.zeros((n, 2, len(EDGES) - 1))
    rest2_sum = np.zeros_like(histogram)
    for i in range(n):
        for start in range(2):
            index = bins[start, i].ravel()
            size = histogram.shape[-1]
            histogram[i, start] = np.bincount(index, minlength=size) / config["draws"]
            rest2_sum[i, start] = (
                np.bincount(index, rest2[start, i].ravel(), minlength=size) / config["draws"]
            )

    def chainwise(name):
        return draws[name].values.astype(float).reshape(2, n).T

    by_start = ("data_set", "start")
    return xr.Dataset(
        {
            "alignment": (by_start, alignment.mean(-1).T.astype(float)),
            "alignment_mcse": ("data_set", [q.mcse for q in by_alignment]),
            "alignment_r_hat": ("data_set", [q.r_hat for q in by_alignment]),
            "alignment_ess": ("data_set", [q.bulk_ess for q in by_alignment]),
            "count": (by_start, count.mean(-1).T.astype(float)),
            "count_mcse": ("data_set", [q.mcse for q in by_count]),
            "count_r_hat": ("data_set", [q.r_hat for q in by_count]),
            "count_ess": ("data_set", [q.bulk_ess for q in by_count]),
            "equilibrium": (
                "data_set",
                [q.equilibrium for q in by_alignment],
            ),
            "count_equilibrium": ("data_set", [q.equilibrium for q in by_count]),
            "histogram": ((*by_start, "bin"), histogram),
            "rest2": ((*by_start, "bin"), rest2_sum),
            "acceptance": (by_start, chainwise("acceptance")),
            "step_size": (by_start, chainwise("step_size")),
            "divergences": (by_start, draws.divergent.values.sum(-1).astype(float).reshape(2, n).T),
        },
        coords={"start": list(STARTS), "bin": 0.5 * (EDGES[1:] + EDGES[:-1])},
    )


UNITS = {
    "alignment": ("posterior mean of the alignment A_f", "1"),
    "alignment_mcse": ("Monte Carlo standard error of the alignment over both starts", "1"),
    "alignment_r_hat": ("rank-normalised R-hat of the alignment", "1"),
    "alignment_ess": ("bulk effective sample size of the alignment", "1"),
    "count": (f"posterior mean number of neurons with |overlap| > {COUNTED_ABOVE}", "neurons"),
    "count_mcse": ("Monte Carlo standard error of that number over both starts", "neurons"),
    "count_r_hat": (f"rank-normalised R-hat of the count of |overlap| > {COUNTED_ABOVE}", "1"),
    "count_ess": (f"bulk effective sample size of the count of |overlap| > {COUNTED_ABOVE}", "1"),
    "equilibrium": ("whether both starts agree on the alignment (R-hat, effective samples)", "1"),
    "count_equilibrium": ("whether both starts agree on the count (R-hat, effective samples)", "1"),
    "histogram": ("mean number of neurons a network in a bin of |overlap|", "neurons"),
    "rest2": ("sum of |w|^2 - overlap^2 over the neurons of a bin", "1"),
    "acceptance": ("mean acceptance of trajectories", "1"),
    "step_size": ("step size in prior standard deviations", "1"),
    "divergences": ("number of divergent trajectories", "1"),
    "start": ("start of the chain", "1"),
    "bin": ("centre of a bin of |overlap|", "1"),
    "d": ("input dimension", "1"),
    "N": ("width", "1"),
    "P": ("training size", "1"),
}


def measure(name, points, device="auto", progress=True, folder=None):
    """Run the points of a sweep, resuming what an earlier run finished, into one data set.

    Parameters
    ----------
    name : str
        Name of the experiment.
    points : list of dict
        From :func:`point`, all with the same number of data sets.
    device : {"auto", "cpu", "cuda"}
    progress : bool
        Show progress bars.
    folder : path, optional
        Where finished points are kept.

    Returns
    -------
    xarray.Dataset
        The points of :func:`run_point` along ``point``, with their d, N and P,
        and the provenance in its attributes.
    """
    return measurement.measure(
        name,
        points,
        lambda config, title: run_point(config, device, title),
        columns={key: itemgetter(key) for key in ("d", "N", "P")},
        units=UNITS,
        seeds={key: [p[key] for p in points] for key in ("data_seeds", "chain_seed")},
        dtype=points[0]["dtype"],
        device=str(choose_device(device)),
        progress=progress,
        folder=folder,
    )


def _title(config):
    return " ".join(f"{key}={config[key]}" for key in ("d", "N", "P"))


def agreement(live, stored):
    """How far a small run is from the stored one, in standard errors.

    Compares the mean alignment and the mean count over the data sets that both
    runs share (the first ones of the stored result).

    Parameters
    ----------
    live : list of tuple
        From :func:`run_live`.
    stored : xarray.Dataset

    Returns
    -------
    float
        The largest distance over points and observables.
    """
    worst = 0.0
    for run, config in live:
        same = np.ones(stored.sizes["point"], bool)
        for key in ("d", "N", "P"):
            same &= stored[key].values == config[key]
        if same.sum() != 1:
            raise ValueError(f"{_title(config)}: not a point of the stored result")
        row = stored.isel(point=int(np.flatnonzero(same)[0])).isel(
            data_set=slice(run.sizes["data_set"])
        )
        for name in ("alignment", "count"):
            difference = float((run[name] - row[name]).mean())
            variance = (run[f"{name}_mcse"] ** 2 + row[f"{name}_mcse"] ** 2).sum()
            error = float(np.sqrt(variance)) / run.sizes["data_set"]
            worst = max(worst, abs(difference) / error)
    return worst


def run_live(points):
    """Run points without storing them: pairs of a result and its configuration, on the CPU."""
    with measurement.one_thread():
        return [(run_point(config, "cpu"), config) for config in points]
