"""Posterior probability of an alignment against the bound (4), and the evidence at finite width.

One point is (d, N, P, kappa). Each training set is sampled on a ladder of data scales from the
prior to the posterior, from a prior start and from a planted start; reweighting over the ladder
gives the evidence Z and the probabilities.
"""

import numpy as np
import torch
import xarray as xr
from scipy.special import log_ndtr

from featlearn.inference.diagnostics import diagnose
from featlearn.inference.laws import DataScales
from featlearn.inference.network import Network
from featlearn.inference.posterior import CollapsedPosterior
from featlearn.inference.reweighting import free_energies, thin
from featlearn.inference.sampler import sample
from featlearn.theory.bound import mean_squared_error
from featlearn.theory.large_deviations import log_tail_probability

from .experiment import Experiment, settings
from .spot import Spot

NAME = "bound-margin"
ALPHAS = (0.1, 0.3, 0.5)
KAPPAS = (0.03, 0.1, 0.3, 1.0, 3.0)
STRONGEST = 700  # P / kappa beyond which the bound says nothing and ladders get long


DEFAULTS = {
    "d": 6,
    "N": 6,
    "P": 18,
    "kappa": 1.0,
    "degree": 3,
    "sigma_a2": 1.0,
    "data_seeds": [[6, 0], [6, 1]],
    "rungs": 12,
    "warmup": 300,
    "draws": 900,
    "thin": 3,
    "n_leapfrog": 8,
    "planted": 2,
    "seed": 1,
    "dtype": "float64",
}


def point(d, N, P, kappa, *, data_sets=2, **others):
    """Configuration of one point.

    Parameters
    ----------
    d, N, P : int
        Input dimension, width, training size.
    kappa : float
        Ridge.
    data_sets : int
        Training sets.
    **others
        Override ``DEFAULTS``; ``warmup`` and ``draws`` are trajectories of each chain.

    Returns
    -------
    dict
    """
    sizes = dict(d=int(d), N=int(N), P=int(P), kappa=float(kappa))
    sizes["data_seeds"] = [[int(d), i] for i in range(data_sets)]
    sizes["rungs"] = 8 + int((P / kappa) ** 0.5)
    return settings(DEFAULTS, **sizes | others)


def points(size="full"):
    """Points of the sweep: three networks, five ridges, four training sizes."""
    if size == "live":
        return [point(6, 6, 18, 1.0, data_sets=1, warmup=100, draws=300)]
    return [
        point(d, N, ratio * d, kappa)
        for d, N in ((6, 6), (6, 24), (10, 10))
        for kappa in KAPPAS
        for ratio in (1, 3, 9, 27)
        if ratio * d <= STRONGEST * kappa
    ]


def scales(rungs):
    """Data scales to begin with, closer near the prior, where the data energy varies most."""
    return DataScales(np.linspace(0, 1, rungs) ** 3)


def run_point(config, progress=None):
    """Sample one point.

    Returns
    -------
    xarray.Dataset
        Over (data_set, alpha): ``log_probability`` of an alignment of at least alpha in the
        posterior, ``bound`` (eq. 4 with the k of the training set). Over (data_set): ``k``,
        ``log_evidence`` and its MBAR error over both starts. Over (data_set, start): the same
        two from the ladders of one start. R-hat and effective samples of the alignment.
    """
    network = Network(
        config["d"], [config["N"]], config["kappa"], config["sigma_a2"], config["degree"]
    )
    seeds, K = config["data_seeds"], config["rungs"]
    n, P = len(seeds), config["P"]
    x, y = network.datasets(list(seeds), P, dtype=getattr(torch, config["dtype"]))
    chains = [data.repeat(2, *[1] * (data.ndim - 1)).repeat_interleave(K, 0) for data in (x, y)]
    posterior = CollapsedPosterior(network, *chains)
    g = torch.Generator().manual_seed(config["seed"])
    planted = min(config["planted"], config["N"])
    z = torch.cat([network.prior(n * K, g), network.planted(n * K, g, planted)])

    def alignment(z):
        mean, sd = posterior.alignment(z)
        return {"mean": mean, "sd": sd}

    run = sample(
        posterior,
        z.reshape(2 * n, K, -1).to(x.dtype),
        ladder=scales(K),
        warmup=config["warmup"],
        draws=config["draws"],
        seed=config["seed"] + 1,
        n_leapfrog=config["n_leapfrog"],
        n_jumps=0,  # at these sizes trajectories cross the barrier
        thin=config["thin"],
        record_rungs=alignment,
        progress=progress,
    )
    ladder = DataScales(run.scale.values)
    shape = (2, n, K, run.sizes["draw"])
    U, mean, sd = (run[name].values.reshape(shape) for name in ("statistic", "mean", "sd"))
    k = [mean_squared_error(x[i], y[i], config["sigma_a2"]) for i in range(n)]
    tail = [
        log_tail_probability(alpha, config["d"], config["N"], config["degree"], config["sigma_a2"])
        for alpha in ALPHAS
    ]
    evidence = np.empty((3, n, 2))
    probability = np.empty((3, n, len(ALPHAS)))
    for row, chosen in enumerate(([0], [1], [0, 1])):
        for i in range(n):
            found = _reweight(ladder, U[chosen, i], mean[chosen, i], sd[chosen, i])
            evidence[row, i] = found[0]
            probability[row, i] = found[1]
    evidence[..., 0] += P / 2 * np.log(config["kappa"])
    diagnosis = [diagnose(mean[:, i, -1]) for i in range(n)]
    return xr.Dataset(
        {
            "k": ("data_set", k),
            "log_evidence": ("data_set", evidence[2, :, 0]),
            "log_evidence_error": ("data_set", evidence[2, :, 1]),
            "log_probability": (("data_set", "alpha"), probability[2]),
            "start_log_evidence": (("data_set", "start"), evidence[:2, :, 0].T),
            "start_log_probability": (
                ("data_set", "start", "alpha"),
                np.moveaxis(probability[:2], 0, 1),
            ),
            "bound": (
                ("data_set", "alpha"),
                P * np.array(k)[:, None] / (2 * config["kappa"]) + np.array(tail),
            ),
            "r_hat": ("data_set", [q.r_hat for q in diagnosis]),
            "ess": ("data_set", [q.bulk_ess for q in diagnosis]),
            "least_swapped": ("data_set", run.swapped.values[:, :-1].reshape(2, n, -1).min((0, 2))),
        },
        coords={"alpha": list(ALPHAS), "start": ["prior", "planted"]},
    )


def _reweight(ladder, U, mean, sd):
    """Log evidence with its error, and log probabilities, from chains (start, rung, draw)."""
    K = len(ladder)
    draws, keep = [], []
    for rung in range(K):
        picked = [(start, thin(U[start, rung])) for start in range(len(U))]
        draws.append(np.concatenate([U[start, rung, i] for start, i in picked]))
        keep += [(start, rung, i) for start, i in picked]
    s = np.concatenate(draws)
    m, width = (np.concatenate([v[where] for where in keep]) for v in (mean, sd))
    targets = [s - log_ndtr((m - alpha) / width) for alpha in ALPHAS]

    def bias(s):
        return ladder.scale[:, None] * s

    found = free_energies(bias, draws, targets)
    evidence = -found.value[K - 1], found.error[K - 1]
    return evidence, found.value[K - 1] - found.value[K:]


UNITS = {
    "k": ("mean squared error of a random network on the training set", "1"),
    "log_evidence": ("log of the mean of exp(-L / 2 kappa) over the prior", "nats"),
    "log_evidence_error": ("MBAR standard error of the log evidence", "nats"),
    "log_probability": ("log posterior probability of an alignment of at least alpha", "nats"),
    "start_log_evidence": ("log evidence from the ladders of one start", "nats"),
    "start_log_probability": ("log probability from the ladders of one start", "nats"),
    "bound": ("right-hand side of eq. (4)", "nats"),
    "r_hat": ("rank-normalised R-hat of the posterior's alignment", "1"),
    "ess": ("bulk effective sample size of the posterior's alignment", "1"),
    "least_swapped": ("least share of accepted exchanges between neighbours", "1"),
    "alpha": ("alignment", "1"),
    "start": ("start of the chains", "1"),
    "d": ("input dimension", "1"),
    "N": ("width", "1"),
    "P": ("training size", "1"),
    "kappa": ("ridge", "1"),
}


EXPERIMENTS = (
    Experiment(
        name=NAME,
        claim=__doc__.splitlines()[0],
        points=points(),
        run_point=run_point,
        columns=("d", "N", "P", "kappa"),
        units=UNITS,
        seeds=("data_seeds", "seed"),
        spot=Spot(
            points("live"),
            {"k": None, "log_evidence": "log_evidence_error"},
            sets="data_set",
        ),
    ),
)
