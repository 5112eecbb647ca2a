"""What a network remembers while one neuron is held between bulk and specialised.

The overlap of one neuron is held by a spring, the rest of the network moves under the posterior.
What forgets slowly here is a candidate for the coordinate along which neurons become specialised.
"""

import numpy as np
import torch
import xarray as xr

from featlearn.inference import hmc
from featlearn.inference.adaptation import DualAveraging
from featlearn.inference.diagnostics import diagnose
from featlearn.inference.laws import POSTERIOR, Rungs
from featlearn.inference.network import Network, choose_device
from featlearn.inference.posterior import CollapsedPosterior

from .experiment import Experiment, settings
from .spot import Spot

NAME = "two-layer-memory"
OBSERVABLES = ("readout", "rest", "other overlap", "alignment", "data energy")
LAGS = np.r_[0, 2 ** np.arange(11)]  # trajectories

DEFAULTS = {
    "d": 40,
    "N": 40,
    "P": 640,
    "degree": 3,
    "kappa": 0.1,
    "sigma_a2": 1.0,
    "data_seed": [40, 0],
    "specialised": 2,
    "overlap": 0.65,
    "stiffness": 1500.0,
    "rests": [1.0, 0.15],
    "starts": 4,
    "n_leapfrog": 16,
    "warmup": 600,
    "draws": 12000,
    "seed": 1,
    "dtype": "float32",
}

POINTS = [
    # What a test can measure again.
    settings(DEFAULTS, d=10, N=10, P=60, data_seed=[10, 0], specialised=0, overlap=0.4, draws=2000),
    DEFAULTS,
]


class _Held:
    """The data energy and a spring on the size of the last neuron's overlap."""

    def __init__(self, posterior, overlap, stiffness):
        self.posterior, self.overlap, self.stiffness = posterior, overlap, stiffness

    def statistic_and_gradient(self, z):
        U, gradient = self.posterior.statistic_and_gradient(z)
        d = self.posterior.network.d
        first = -d  # of the last neuron's weights; the teacher's direction is the first axis
        mu = z[:, first] / d**0.5
        stretch = mu.abs() - self.overlap
        gradient[:, first] += self.stiffness * stretch * mu.sign() / d**0.5
        return U + 0.5 * self.stiffness * stretch**2, gradient


def run_point(config, device="auto", progress=None):
    """Sample one network with its last neuron held.

    Parameters
    ----------
    config : dict
        All settings of ``DEFAULTS``: ``starts`` chains start with each squared norm in
        ``rests`` of what the held neuron has beside its overlap; ``specialised`` other neurons
        are planted.
    device : {"auto", "cpu", "cuda"}
    progress : str, optional
        Not used: a point takes minutes.

    Returns
    -------
    xarray.Dataset
        Of each observable the mean, its Monte Carlo standard error, R-hat, and the
        autocorrelation over ``lag`` trajectories with its standard error over chains:
        ``readout``, the held neuron's mean readout given the hidden weights times the sign of
        its overlap; ``rest``, the squared norm of its other weights; ``other overlap``, the
        largest of the other neurons; the alignment and the data energy.
    """
    sizes = {name: config[name] for name in ("d", "kappa", "sigma_a2", "degree")}
    network, where = Network(widths=[config["N"]], **sizes), choose_device(device)
    dtype, B = getattr(torch, config["dtype"]), config["starts"] * len(config["rests"])
    x, y = network.datasets([config["data_seed"]] * B, config["P"], where, dtype)
    generator = torch.Generator(device=where).manual_seed(config["seed"])
    w = network.layers(network.planted(B, generator, config["specialised"]))[0]
    held = w[:, -1]
    norm2 = held[:, 1:].square().sum(1)
    wanted = torch.tensor(config["rests"], dtype=w.dtype, device=where)
    held[:, 1:] *= (wanted.repeat_interleave(config["starts"]) / norm2).sqrt()[:, None]
    held[:, 0] = config["overlap"]
    posterior = CollapsedPosterior(network, x, y)
    target = _Held(posterior, config["overlap"], config["stiffness"])
    state = hmc.initial_state(target, network.position([w]).to(dtype))
    averaging = DualAveraging(torch.full_like(state.statistic, 0.02), 0.8)
    rows = []
    for i in range(config["warmup"] + config["draws"]):
        warm = i < config["warmup"]
        step_size = averaging.step_size if warm else averaging.final()
        state, info = hmc.step(
            target, Rungs(POSTERIOR), state, step_size, config["n_leapfrog"], generator
        )
        if warm:
            averaging.update(info.acceptance)
        else:
            rows.append(_observed(posterior, state.z).cpu().numpy())
    draws = np.array(rows, float).transpose(2, 1, 0)  # (observable, chain, draw)
    quality = [diagnose(values) for values in draws]
    memory, error = zip(*map(_autocorrelation, draws), strict=True)
    return xr.Dataset(
        {
            "mean": ("observable", [q.mean for q in quality]),
            "mcse": ("observable", [q.mcse for q in quality]),
            "r_hat": ("observable", [q.r_hat for q in quality]),
            "ess": ("observable", [q.bulk_ess for q in quality]),
            "autocorrelation": (("observable", "lag"), np.array(memory)),
            "autocorrelation_error": (("observable", "lag"), np.array(error)),
        },
        coords={"observable": list(OBSERVABLES), "lag": LAGS},
    )


def _observed(posterior, z):
    """The observables of each chain, (B, observables)."""
    w = posterior.network.layers(z)[0]
    solve = posterior.solve(z)
    mean = posterior.readout(solve)[0]
    parts = (
        mean[:, -1] * w[:, -1, 0].sign(),
        w[:, -1, 1:].square().sum(-1),
        w[:, :-1, 0].abs().amax(1),
        posterior.alignment(z)[0],
        solve.data_energy,
    )
    return torch.stack(parts, 1)


def _autocorrelation(draws):
    """Autocorrelation over LAGS of draws (chain, draw) about their common mean, and its error."""
    centred = draws - draws.mean()
    n = draws.shape[1]
    products = np.array([(centred[:, : n - lag] * centred[:, lag:]).mean(1) for lag in LAGS])
    variance = products[0].mean()
    without = (products.sum(1, keepdims=True) - products) / (len(draws) - 1)  # each chain in turn
    jackknife = without / without[0]
    spread = np.sqrt((len(draws) - 1) * jackknife.var(axis=1))
    return products.mean(1) / variance, spread


UNITS = {
    "mean": ("mean of the observable", "1; nats for the data energy"),
    "mcse": ("Monte Carlo standard error of that mean", "1; nats for the data energy"),
    "r_hat": ("rank-normalised R-hat", "1"),
    "ess": ("bulk effective sample size", "1"),
    "autocorrelation": ("autocorrelation, over all chains about their common mean", "1"),
    "autocorrelation_error": (
        "its standard error, by jackknife over the chains with their common mean fixed",
        "1",
    ),
    "observable": ("what is followed", "1"),
    "lag": ("distance of two draws", "trajectories"),
    "d": ("input dimension", "1"),
    "P": ("training size", "1"),
}

EXPERIMENTS = (
    Experiment(
        name=NAME,
        claim=__doc__.splitlines()[0],
        points=POINTS,
        run_point=run_point,
        columns=("d", "P"),
        units=UNITS,
        seeds=("data_seed", "seed"),
        gpu=True,
        spot=Spot([POINTS[0]], {"mean": "mcse"}),
    ),
)
