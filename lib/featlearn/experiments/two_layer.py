"""What every experiment of the two-layer chapter measures at one point of its sweep.

A point is a plain dictionary, so that its hash names it: the network, the data
sets, and how long to sample. Each data set is sampled from a prior start and
from a planted start. Those that are not in equilibrium are sampled again, on a ladder and
for longer, in the rounds that the point declares.
"""

import numpy as np
import torch
import xarray as xr

from featlearn.inference.diagnostics import MAX_R_HAT, diagnose
from featlearn.inference.laws import DataScales
from featlearn.inference.network import Network, choose_device
from featlearn.inference.posterior import CollapsedPosterior
from featlearn.inference.sampler import sample

from . import equilibrium
from .chains import check_chains, declares
from .experiment import settings

BIN = 0.025  # width of a bin of |overlap|
EDGES = np.round(np.arange(0, 4 + BIN / 2, BIN), 4)
COUNTED_ABOVE = 0.7  # |overlap| of the count that the diagnostics follow; verdicts use the barrier
STARTS = ("prior", "planted")
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
    equilibrium.check(config, ERRORS)
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
        Over (data_set, start): ``alignment`` and its Monte Carlo standard error
        over both starts ``alignment_mcse`` (data_set); R-hat and bulk effective
        sample size of the alignment and of the count of neurons beyond
        ``COUNTED_ABOVE``; ``histogram`` (data_set, start, bin), the mean number of
        neurons a network in each bin of |overlap|; ``rest2`` (data_set, start,
        bin), the sum over those of |w|^2 - overlap^2.
    """
    found, left = {}, list(range(len(config["data_seeds"])))
    for number, changes in enumerate([{}, *config["rounds"]]):
        seeds = [config["data_seeds"][i] for i in left]
        others = {"data_seeds": seeds, "chain_seed": config["chain_seed"] + 1000 * number}
        run = _run_round(config | changes | others, device, progress)
        run["round"] = ("data_set", np.full(len(left), float(number + 1)))
        found |= {i: run.isel(data_set=[k]) for k, i in enumerate(left)}
        left = [i for i in left if not all(_agree(found[i], name) for name in config["follow"])]
        if not left:
            break
    return xr.concat([found[i] for i in sorted(found)], "data_set", join="exact")


def _agree(run, name):
    """Whether both starts of a data set agree on an observable."""
    if name == "alignment":
        return bool(run.equilibrium.all())
    # A count that hardly ever changes has few effective samples.
    return bool((run[f"{name}_r_hat"] <= MAX_R_HAT).all())


def _run_round(config, device, progress):
    network, where = network_of(config), choose_device(device)
    dtype = getattr(torch, config["dtype"])
    n, K = len(config["data_seeds"]), config["rungs"]
    x, y = network.datasets(list(config["data_seeds"]) * 2, config["P"], where, dtype)
    generator = torch.Generator(device=where).manual_seed(config["chain_seed"])
    planted = network.planted(n * K, generator, config["planted"])
    z = torch.cat([network.prior(n * K, generator), planted]).to(dtype)
    ladder = DataScales(np.geomspace(config["least_scale"], 1, K)) if K > 1 else None
    draws = sample(
        CollapsedPosterior(network, x.repeat_interleave(K, 0), y.repeat_interleave(K, 0)),
        z if ladder is None else z.reshape(2 * n, K, -1),
        ladder=ladder,
        warmup=config["warmup"],
        draws=config["draws"],
        seed=config["chain_seed"] + 1,
        n_leapfrog=config["n_leapfrog"],
        n_jumps=config["n_jumps"],
        progress=progress,
    )
    return _reduce(draws, n, config)


def _reduce(draws, n, config):
    last = draws.isel(rung=-1) if "rung" in draws.dims else draws
    alignment = draws.alignment.values.reshape(2, n, -1)  # (start, data_set, draw)
    overlap = np.abs(draws.response_1.values.astype(float)).reshape(2, n, config["draws"], -1)
    rest2 = draws.norm2_1.values.astype(float).reshape(overlap.shape) - overlap**2
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
        return last[name].values.astype(float).reshape(2, n).T

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
            "divergences": (by_start, last.divergent.values.sum(-1).astype(float).reshape(2, n).T),
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
    "round": ("round of sampling: beyond 1 where the one before was not in equilibrium", "1"),
    "start": ("start of the chain", "1"),
    "bin": ("centre of a bin of |overlap|", "1"),
    "d": ("input dimension", "1"),
    "N": ("width", "1"),
    "P": ("training size", "1"),
}


COLUMNS = ("d", "N", "P")


experiment = declares(run_point, COLUMNS, UNITS, ERRORS)
