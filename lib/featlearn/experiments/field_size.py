"""Equilibrium at the sizes of the field, d = 100 and 800 neurons a layer, with what it cost.

Networks of this size are otherwise sampled by Langevin dynamics on all weights, with 5e7 to
3e8 full-batch steps. One chain starts from the prior, with no specialised neuron; the other with
more of them than the posterior holds, planted in the first layer. Both are far from equilibrium:
the first half of a run is left out, adaptation and all.
"""

from math import ceil
from time import perf_counter

import numpy as np
import torch
import xarray as xr
from tqdm import tqdm

from featlearn.inference import hmc, jumps, two_stage
from featlearn.inference.adaptation import DualAveraging
from featlearn.inference.diagnostics import diagnose
from featlearn.inference.laws import POSTERIOR, Rungs
from featlearn.inference.linear_algebra import fast_products
from featlearn.inference.network import Network, choose_device
from featlearn.inference.observables import specialised
from featlearn.inference.posterior import CollapsedPosterior

from .experiment import Experiment, settings
from .spot import Spot

NAME = "field-size"
STARTS = ("prior", "planted")
TARGET = 0.65  # acceptance that the step sizes are adapted to: optimal in high dimension
SEEN = ("alignment", "first", "second", "acceptance", "step_size")  # after each trajectory
PARTS = 80  # of a run whose path is kept
NUMBERS = np.arange(13)  # of specialised neurons; the last stands for all that is more

DEFAULTS = {
    "d": 100,
    "widths": [800],
    "P": 1200,
    "degree": 3,
    "kappa": 0.1,
    "sigma_a2": 1.0,
    "data_seed": [100, 0],
    "chains": 2,
    "planted": 10,
    "n_steps": 6,
    "warmup": 250,
    "draws": 2250,
    "n_jumps": 10,
    "seed": 1,
    "dtype": "float32",
}

POINTS = [
    # What a test can measure again.
    settings(
        DEFAULTS,
        d=20,
        widths=[20],
        P=120,
        data_seed=[20, 0],
        n_steps=5,
        chains=8,
        planted=4,
        warmup=300,
        draws=400,
    ),
    DEFAULTS,
    settings(DEFAULTS, widths=[800, 800], n_steps=8, draws=950),
]


def run_point(config, device="auto", progress=None, checkpoint=None):
    """Sample one network from both starts.

    Parameters
    ----------
    config : dict
        All settings of ``DEFAULTS``; ``chains`` is even, half of them from each start.
    device : {"auto", "cpu", "cuda"}
    progress : str, optional
        Title of a progress bar.
    checkpoint : Checkpoints, optional
        Keeps the state of the run, to go on after a kill or to a larger number of draws.

    Returns
    -------
    xarray.Dataset
        Mean alignment and numbers of specialised neurons by start, R-hat and effective
        samples of both, the share of each number in the first layer, and what it cost:
        trajectories, gradients, seconds.
    """
    names = ("d", "widths", "kappa", "sigma_a2", "degree")
    network, where = Network(**{name: config[name] for name in names}), choose_device(device)
    half = ceil(config["chains"] / 2)
    dtype = getattr(torch, config["dtype"])
    x, y = network.datasets([config["data_seed"]] * 2 * half, config["P"], where, dtype)
    generator = torch.Generator(device=where).manual_seed(config["seed"])
    planted = network.planted(half, generator, config["planted"], layer=0)
    z = torch.cat([network.prior(half, generator), planted]).to(dtype)
    chain = {key: value for key, value in config.items() if key != "draws"}  # of any length
    state = checkpoint and checkpoint.of(chain)
    draws, seconds = _sample(CollapsedPosterior(network, x, y), z, config, progress, state)
    trajectories = config["warmup"] + config["draws"]
    kept = slice(max(config["warmup"], trajectories // 2), None)
    alignment = draws["alignment"][:, kept].astype(float)
    counts = [draws["first"][:, kept], draws["second"][:, kept]]
    found = diagnose(alignment)
    by_count = [diagnose(count) for count in counts]

    def by_start(values):
        return "start", values.reshape(2, -1).mean(1).astype(float)

    def path(values):
        """Means over chains and over one part of the run after another."""
        parts = np.array_split(values.reshape(2, half, -1).mean(1), PARTS, axis=1)
        return ("start", "part"), np.stack([part.mean(1) for part in parts], 1).astype(float)

    number = np.minimum(counts[0], NUMBERS[-1]).reshape(2, -1)
    moving = [q.bulk_ess for q in by_count if q.bulk_ess > 0]  # a number may never change
    return xr.Dataset(
        {
            "alignment": by_start(alignment),
            "alignment_mcse": found.mcse,
            "alignment_r_hat": found.r_hat,
            "alignment_ess": found.bulk_ess,
            "first": by_start(counts[0]),
            "second": by_start(counts[1]),
            "share": (("start", "number"), (number[..., None] == NUMBERS).mean(1)),
            "count_r_hat": max(q.r_hat for q in by_count),
            "count_ess": min(moving, default=0.0),
            "equilibrium": found.equilibrium,
            "path_alignment": path(draws["alignment"]),
            "path_number": path(draws["first"]),
            "trajectories": trajectories,
            "gradients": trajectories * (2 * config["n_steps"] + 1),  # one more after the jumps
            "seconds": seconds,
            "step_size": by_start(draws["step_size"][:, -1]),
            "acceptance": by_start(draws["acceptance"][:, kept]),
        },
        coords={
            "start": list(STARTS),
            "number": NUMBERS,
            "part": (np.arange(PARTS) + 0.5) / PARTS,
        },
    )


@fast_products()
def _sample(posterior, z, config, progress, checkpoint):
    """What chains saw, warm-up included: arrays (chain, draw) by name; and the seconds it took."""
    network, law = posterior.network, Rungs(POSTERIOR)
    generator = torch.Generator(device=z.device).manual_seed(config["seed"] + 1)
    averaging = DualAveraging(torch.ones_like(z[:, 0]) / z.shape[1] ** 0.25, TARGET)
    warmup, total = config["warmup"], config["warmup"] + config["draws"]
    seen, seconds = [], []
    if saved := checkpoint and checkpoint.load():
        z = saved["z"].to(z.device)
        generator.set_state(saved["generator"])
        vars(averaging).update(saved["averaging"])
        seen, seconds = list(saved["seen"].to(z.device)), saved["seconds"].tolist()
    state, ones = hmc.initial_state(posterior, z), torch.ones_like(z[:, 0])
    began = perf_counter() - (seconds[-1] if seconds else 0.0)
    done, hidden = len(seen), progress is None
    steps = range(done, total)
    for i in tqdm(steps, progress, total, initial=done, disable=hidden, leave=False):
        step_size = averaging.step_size if i < warmup else averaging.final()
        state, info = two_stage.step(posterior, law, state, step_size, config["n_steps"], generator)
        moved, _ = jumps.sweep(posterior, state.z, ones, config["n_jumps"], generator)
        state = hmc.initial_state(posterior, moved)
        if i < warmup:
            averaging.update(info.acceptance)
            if 2 * (i + 1) == warmup:  # forget the way to equilibrium
                averaging = DualAveraging(averaging.final(), TARGET)
                averaging.centre = averaging.log_mean  # and search from here, not above
        numbers = [specialised(r) for r in network.responses(network.layers(state.z))[:2]]
        numbers += [torch.zeros_like(numbers[0])] * (2 - len(numbers))
        alignment = posterior.alignment(state.z)[0]
        seen.append(torch.stack([alignment, *numbers, info.acceptance, step_size]))
        seconds.append(perf_counter() - began)
        if checkpoint and (checkpoint.due or i + 1 == total):
            checkpoint.save(
                {
                    "z": state.z,
                    "generator": generator.get_state(),
                    "averaging": vars(averaging),
                    "seen": torch.stack(seen),
                    "seconds": torch.tensor(seconds, dtype=torch.float64),
                }
            )
    found = torch.stack(seen[:total]).cpu().numpy()  # (draw, quantity, chain)
    return {name: found[:, k].T for k, name in enumerate(SEEN)}, seconds[total - 1]


UNITS = {
    "alignment": ("posterior mean of the alignment A_f", "1"),
    "alignment_mcse": ("Monte Carlo standard error of the alignment over all chains", "1"),
    "alignment_r_hat": ("rank-normalised R-hat of the alignment", "1"),
    "alignment_ess": ("bulk effective sample size of the alignment", "1"),
    "first": ("mean number of specialised neurons of the first hidden layer", "neurons"),
    "second": ("mean number of specialised neurons of the second; 0 without one", "neurons"),
    "share": (f"share of each number in the first layer; {NUMBERS[-1]} or more together", "1"),
    "number": ("number of specialised neurons", "neurons"),
    "count_r_hat": ("largest R-hat of these numbers", "1"),
    "count_ess": ("smallest bulk effective sample size of the numbers that change", "1"),
    "equilibrium": ("whether both starts agree on the alignment (R-hat, effective samples)", "1"),
    "path_alignment": ("alignment averaged over one part of the run, warm-up included", "1"),
    "path_number": ("number of specialised neurons of the first layer, the same", "neurons"),
    "part": ("middle of a part of the run", "1"),
    "trajectories": ("trajectories of each chain, warm-up included", "1"),
    "gradients": ("gradient evaluations of each chain", "1"),
    "seconds": ("wall time of all chains together", "s"),
    "step_size": ("step size in radians of the prior's turn", "1"),
    "acceptance": ("mean acceptance of trajectories", "1"),
    "start": ("start of the chain", "1"),
    "d": ("input dimension", "1"),
    "P": ("training size", "1"),
    "N1": ("width of the first hidden layer", "1"),
    "N2": ("width of the second hidden layer; 0 if there is none", "1"),
}

EXPERIMENTS = (
    Experiment(
        name=NAME,
        claim=__doc__.splitlines()[0],
        points=POINTS,
        run_point=run_point,
        columns={
            "d": lambda config: config["d"],
            "P": lambda config: config["P"],
            "N1": lambda config: config["widths"][0],
            "N2": lambda config: config["widths"][1] if len(config["widths"]) > 1 else 0,
        },
        units=UNITS,
        seeds=("data_seed", "seed"),
        gpu=True,
        spot=Spot([POINTS[0]], {"alignment": "alignment_mcse"}),
    ),
)
