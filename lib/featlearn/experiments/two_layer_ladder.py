"""Where chains stick, at P = 16 d: Hamiltonian Monte Carlo alone, and on a ladder with jumps.

Networks with two and with three specialised neurons are both metastable there. One half of
the chains, or of the ladders, starts from the prior, the other with specialised neurons.
"""

import numpy as np
import torch
import xarray as xr

from featlearn.inference.diagnostics import diagnose
from featlearn.inference.laws import DataScales
from featlearn.inference.network import Network, choose_device
from featlearn.inference.observables import specialised
from featlearn.inference.posterior import CollapsedPosterior
from featlearn.inference.reweighting import basins, independent
from featlearn.inference.sampler import sample

from .experiment import Experiment, settings
from .spot import Spot

NAME = "two-layer-ladder"
STARTS = ("prior", "planted")
NUMBERS = np.arange(7)  # specialised neurons that a network is seen with

DEFAULTS = {
    "d": 40,
    "N": 40,
    "P": 640,
    "degree": 3,
    "kappa": 0.1,
    "sigma_a2": 1.0,
    "data_seed": [40, 0],
    "starts": 1,
    "planted": 4,
    "rungs": 4,
    "least_scale": 0.85,
    "n_jumps": 40,
    "warmup": 1000,
    "draws": 24000,
    "seed": 1,
    "dtype": "float32",
}

POINTS = [
    # What a test can measure again.
    settings(
        DEFAULTS,
        d=10,
        N=10,
        P=60,
        data_seed=[10, 0],
        starts=2,
        least_scale=0.4,
        n_jumps=10,
        warmup=300,
        draws=1000,
    ),
    settings(DEFAULTS, starts=2, rungs=1, least_scale=1.0, n_jumps=0, warmup=500, draws=2500),
    DEFAULTS,
]


def run_point(config, device="auto", progress=None):
    """Sample one network from both starts.

    Parameters
    ----------
    config : dict
        All settings of ``DEFAULTS``; ``starts`` chains or ladders from each start.
    device : {"auto", "cpu", "cuda"}
    progress : str, optional
        Title of a progress bar.

    Returns
    -------
    xarray.Dataset
        Means of the alignment and of the number of specialised neurons by start, their
        R-hat and effective samples; the share of each number; and, of a ladder, the free
        energy of each number that was seen, by reweighting all rungs.
    """
    sizes = {name: config[name] for name in ("d", "kappa", "sigma_a2", "degree")}
    network, where = Network(widths=[config["N"]], **sizes), choose_device(device)
    dtype, K, half = getattr(torch, config["dtype"]), config["rungs"], config["starts"]
    x, y = network.datasets([config["data_seed"]] * 2 * half * K, config["P"], where, dtype)
    generator = torch.Generator(device=where).manual_seed(config["seed"])
    planted = network.planted(half * K, generator, config["planted"])
    z = torch.cat([network.prior(half * K, generator), planted]).to(dtype)
    ladder = DataScales(np.geomspace(config["least_scale"], 1, K)) if K > 1 else None

    def count(z):
        return {"count": specialised(network.layers(z)[0][..., 0])}

    draws = sample(
        CollapsedPosterior(network, x, y),
        z if ladder is None else z.reshape(2 * half, K, -1),
        ladder=ladder,
        warmup=config["warmup"],
        draws=config["draws"],
        seed=config["seed"] + 1,
        n_jumps=config["n_jumps"],
        record_rungs=count,
        progress=progress,
    )
    last = draws if ladder is None else draws.isel(rung=-1)
    alignment, number = draws.alignment.values.astype(float), last["count"].values.astype(float)
    shares = [diagnose(number == M) for M in NUMBERS]
    found, error = _free_energies(draws) if ladder is not None else (np.zeros(len(NUMBERS)),) * 2

    def by_start(values):
        return "start", values.reshape(2, -1).mean(1).astype(float)

    variables = {
        "share": ("number", [q.mean for q in shares]),
        "share_mcse": ("number", [q.mcse for q in shares]),
        "free_energy": ("number", found),
        "free_energy_error": ("number", error),
        "n_leapfrog": float(draws.attrs["n_leapfrog"]),
        "acceptance": by_start(last.acceptance.values),
        "swapped": float(draws.swapped.values[:, :-1].min()) if ladder is not None else 0.0,
    }
    for name, values in (("alignment", alignment), ("count", number)):
        quality = diagnose(values)
        variables |= {
            name: by_start(values),
            f"{name}_mcse": quality.mcse,
            f"{name}_r_hat": quality.r_hat,
            f"{name}_ess": quality.bulk_ess,
        }
    return xr.Dataset(variables, coords={"start": list(STARTS), "number": NUMBERS})


def _free_energies(draws):
    """Free energy of each number of specialised neurons and its error; zeros where not seen."""
    U, M = draws.statistic.values.astype(float), draws["count"].values
    K = draws.sizes["rung"]
    kept = [slice(None, None, independent(U[:, k], M[:, k])) for k in range(K)]
    energies = [U[:, k, kept[k]].ravel() for k in range(K)]
    labels = [M[:, k, kept[k]].ravel() for k in range(K)]
    of_last = basins(DataScales(draws.scale.values), energies, labels)
    found, error = np.zeros(len(NUMBERS)), np.zeros(len(NUMBERS))
    for label, value, its_error in zip(of_last.label, of_last.value, of_last.error, strict=True):
        if label in NUMBERS:
            found[int(label)], error[int(label)] = value, its_error
    return found, error


UNITS = {
    "alignment": ("posterior mean of the alignment A_f", "1"),
    "alignment_mcse": ("Monte Carlo standard error of the alignment over all chains", "1"),
    "alignment_r_hat": ("rank-normalised R-hat of the alignment", "1"),
    "alignment_ess": ("bulk effective sample size of the alignment", "1"),
    "count": ("mean number of specialised neurons", "neurons"),
    "count_mcse": ("Monte Carlo standard error of that number over all chains", "neurons"),
    "count_r_hat": ("rank-normalised R-hat of the number of specialised neurons", "1"),
    "count_ess": ("bulk effective sample size of that number", "1"),
    "share": ("share of networks with a number of specialised neurons", "1"),
    "share_mcse": ("Monte Carlo standard error of that share", "1"),
    "free_energy": ("minus the log of that share, by reweighting; 0 if not seen", "nats"),
    "free_energy_error": ("standard error of that free energy; 0 if not seen", "nats"),
    "n_leapfrog": ("steps of a trajectory", "1"),
    "acceptance": ("mean acceptance of trajectories", "1"),
    "swapped": ("least share of exchanges that took place; 0 without a ladder", "1"),
    "start": ("start of the chain", "1"),
    "number": ("number of specialised neurons", "neurons"),
    "d": ("input dimension", "1"),
    "P": ("training size", "1"),
    "rungs": ("number of laws on the ladder", "1"),
}

EXPERIMENTS = (
    Experiment(
        name=NAME,
        claim=__doc__.splitlines()[0],
        points=POINTS,
        run_point=run_point,
        columns=("d", "P", "rungs"),
        units=UNITS,
        seeds=("data_seed", "seed"),
        gpu=True,
        spot=Spot([POINTS[0]], {"alignment": "alignment_mcse", "count": "count_mcse"}),
    ),
)
