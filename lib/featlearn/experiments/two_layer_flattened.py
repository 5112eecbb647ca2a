"""Two or three specialised neurons at P = 16 d: pairs of chains, one of each under a flat count.

The data set of the ladders (:mod:`~featlearn.experiments.two_layer_ladder`), and another. One
half of the pairs starts from the prior, the other with specialised neurons.
"""

from operator import itemgetter

import numpy as np
import torch
import xarray as xr

from featlearn.inference.diagnostics import diagnose
from featlearn.inference.flattened import HEIGHT, sample_flattened
from featlearn.inference.network import Network, choose_device
from featlearn.inference.posterior import CollapsedPosterior
from featlearn.inference.reweighting import free_energies, independent, jackknife

from . import two_layer_ladder
from .experiment import Experiment, settings
from .spot import Spot

NAME = "two-layer-flattened"
STARTS = ("prior", "planted")
NUMBERS = np.arange(7)  # specialised neurons that a network is seen with
COUNTS = np.round(np.arange(0.05, 7, 0.1), 2)  # middles of the bins of the soft count

DEFAULTS = {
    "d": 40,
    "N": 40,
    "P": 640,
    "degree": 3,
    "kappa": 0.1,
    "sigma_a2": 1.0,
    "data_seed": [40, 0],
    "starts": 2,
    "planted": 4,
    "height": HEIGHT,
    "n_leapfrog": 32,
    "warmup": 3000,
    "draws": 24000,
    "seed": 1,
    "dtype": "float32",
}

POINTS = [
    # What a test can measure again.
    settings(DEFAULTS, d=10, N=10, P=60, data_seed=[10, 0], warmup=400, draws=1500),
    DEFAULTS,
    settings(DEFAULTS, data_seed=[40, 1]),
]


def run_point(config, device="auto", progress=None):
    """Sample one network from both starts.

    Parameters
    ----------
    config : dict
        All settings of ``DEFAULTS``; ``starts`` pairs of chains from each start.
    device : {"auto", "cpu", "cuda"}
    progress : str, optional
        Title of a progress bar.

    Returns
    -------
    xarray.Dataset
        Of the chains that follow the posterior: means of the alignment and of the number of
        specialised neurons by start, their R-hat and effective samples, the share of each
        number. Of both laws together, by reweighting: the free energy of each number, and of
        each bin of the soft count.
    """
    sizes = {name: config[name] for name in ("d", "kappa", "sigma_a2", "degree")}
    network, where = Network(widths=[config["N"]], **sizes), choose_device(device)
    dtype, half = getattr(torch, config["dtype"]), config["starts"]
    x, y = network.datasets([config["data_seed"]] * 4 * half, config["P"], where, dtype)
    generator = torch.Generator(device=where).manual_seed(config["seed"])
    planted = network.planted(2 * half, generator, config["planted"])
    z = torch.cat([network.prior(2 * half, generator), planted]).to(dtype)
    draws = sample_flattened(
        CollapsedPosterior(network, x, y),
        z.reshape(2 * half, 2, -1),
        warmup=config["warmup"],
        draws=config["draws"],
        seed=config["seed"] + 1,
        n_leapfrog=config["n_leapfrog"],
        height=config["height"],
        progress=progress,
    )
    alignment = draws.alignment.values.astype(float)
    number = draws.number.values.astype(float)
    shares = [diagnose(number[:, 1] == M) for M in NUMBERS]
    found, error, profile, its_error = _free_energies(draws)

    def by_start(values):
        return "start", values.reshape(2, -1).mean(1).astype(float)

    variables = {
        "share": ("number", [q.mean for q in shares]),
        "share_mcse": ("number", [q.mcse for q in shares]),
        "free_energy": ("number", found),
        "free_energy_error": ("number", error),
        "profile": ("soft_count", profile),
        "profile_error": ("soft_count", its_error),
        "visits": (("law", "soft_count"), _visits(draws)),
        "changes": ("law", np.abs(np.diff(number, axis=-1)).sum((0, 2))),
        "acceptance": ("law", draws.acceptance.values.mean(0).astype(float)),
        "swapped": by_start(draws.swapped.values),
    }
    for name, values in (("alignment", alignment), ("count", number[:, 1])):
        quality = diagnose(values)
        variables |= {
            name: by_start(values.mean(-1)),
            f"{name}_mcse": quality.mcse,
            f"{name}_r_hat": quality.r_hat,
            f"{name}_ess": quality.bulk_ess,
        }
    coords = {"start": list(STARTS), "number": NUMBERS, "soft_count": COUNTS}
    return xr.Dataset(variables, coords=coords | {"law": draws.law.values})


def _bin(count):
    """Bin of the soft count; the last one holds all that is higher."""
    width = COUNTS[1] - COUNTS[0]
    return np.clip((count / width).astype(int), 0, len(COUNTS) - 1)


def _visits(draws):
    """Share of the draws of each law in each bin of the soft count."""
    bins = _bin(draws.soft_count.values).swapaxes(0, 1).reshape(2, -1)
    return np.array([np.bincount(b, minlength=len(COUNTS)) for b in bins]) / bins.shape[1]


def _free_energies(draws):
    """Free energies of the numbers and of the soft count, with errors; zeros where not known."""
    number, count = draws.number.values, draws.soft_count.values.astype(float)
    pairs, laws, n = number.shape
    step = [independent(number[:, law], count[:, law]) for law in range(laws)]
    bias, place = draws.bias.values.astype(float), _bin(count)

    def estimate(used):
        def thinned(values):
            every = [slice(None, None, step[law]) for law in range(laws)]
            return [values[:, law, every[law]][used[:, every[law]]] for law in range(laws)]

        label, bins = np.concatenate(thinned(number)), np.concatenate(thinned(place))
        groups = [label == M for M in NUMBERS] + [bins == b for b in range(len(COUNTS))]
        seen = [i for i, group in enumerate(groups) if group.any()]
        result = free_energies(
            lambda v: np.stack([v, 0 * v]),
            thinned(bias),
            [np.where(groups[i], 0.0, np.inf) for i in seen],
        )
        found = np.full(len(groups), np.nan)
        found[seen] = result.value[laws:] - result.value[1]
        return found

    value, error = known(estimate(np.ones((pairs, n), bool)), jackknife(estimate, pairs, n))
    of_numbers, of_bins = slice(len(NUMBERS)), slice(len(NUMBERS), None)
    return value[of_numbers], error[of_numbers], value[of_bins], error[of_bins]


def known(value, error):
    """Values and errors, with zeros for both where one of them is not known."""
    both = np.isfinite(value) & np.isfinite(error)
    return np.where(both, value, 0.0), np.where(both, error, 0.0)


NOT_SEEN = "0 unless seen in two parts of the runs"
UNITS = two_layer_ladder.UNITS | {
    "free_energy": (f"minus the log of that share, by reweighting; {NOT_SEEN}", "nats"),
    "free_energy_error": (f"standard error of that free energy, by jackknife; {NOT_SEEN}", "nats"),
    "profile": (f"minus the log of the share of a bin of the soft count; {NOT_SEEN}", "nats"),
    "profile_error": (f"standard error of that free energy, by jackknife; {NOT_SEEN}", "nats"),
    "visits": ("share of the draws of a law in a bin of the soft count", "1"),
    "changes": (
        "sum of the changes of the number from draw to draw over all chains, exchanges and "
        "flicker at the threshold of an overlap included",
        "neurons",
    ),
    "swapped": ("share of exchanges within pairs that took place", "1"),
    "soft_count": ("middle of a bin of the soft count", "1"),
    "law": ("law that a chain follows", "1"),
    "set": ("number of the data set", "1"),
}

EXPERIMENTS = (
    Experiment(
        name=NAME,
        claim=__doc__.splitlines()[0],
        points=POINTS,
        run_point=run_point,
        columns={
            "d": itemgetter("d"),
            "P": itemgetter("P"),
            "set": lambda config: config["data_seed"][1],
        },
        units=UNITS,
        seeds=("data_seed", "seed"),
        gpu=True,
        spot=Spot([POINTS[0]], {"alignment": "alignment_mcse", "count": "count_mcse"}),
    ),
)
