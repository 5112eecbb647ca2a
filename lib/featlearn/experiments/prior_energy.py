"""Energy of an alignment in the prior itself, by umbrella windows: two and three layers, no data.

One point is a network and a ladder of windows from the prior to the alignment one, sampled
from several starts: from the prior, and with neurons of one layer specialised in advance.
"""

import numpy as np
import torch
import xarray as xr
from scipy.special import log_ndtr

from featlearn.inference.alignment_variance import AlignmentVariance
from featlearn.inference.diagnostics import diagnose
from featlearn.inference.input_rule import input_rule
from featlearn.inference.laws import restraints
from featlearn.inference.network import Network
from featlearn.inference.observables import specialised
from featlearn.inference.reweighting import free_energies
from featlearn.inference.sampler import sample

from .experiment import Experiment, settings
from .spot import Spot

NAME = "prior-energy"
ALPHAS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
BEYOND = 0.7  # linear response of a neuron's pre-activation from which it counts as specialised
PLANTED, RESPONSE = 3, 1.3


DEFAULTS = {
    "d": 6,
    "widths": [6],
    "degree": 3,
    "sigma_a2": 1.0,
    "windows": 16,
    "warmup": 300,
    "draws": 1000,
    "thin": 5,
    "n_leapfrog": 12,
    "points": 128,
    "nodes": 12,
    "fine_points": 2048,
    "seed": 1,
    "dtype": "float32",
}


def point(d, widths, *, windows, **others):
    """Configuration of one point.

    Parameters
    ----------
    d : int
        Input dimension.
    widths : sequence of int
        Hidden widths, one or two.
    windows : int
        Rungs of the ladder.
    **others
        Override ``DEFAULTS``; ``warmup`` and ``draws`` are trajectories.

    Returns
    -------
    dict
    """
    sizes = dict(d=int(d), widths=[int(w) for w in widths], windows=int(windows))
    return settings(DEFAULTS, **sizes | others)


def points(size="full"):
    """Points of the sweep: N = d, one width alone, both widths. ``live`` is a small part."""
    if size == "live":
        return [point(6, [6], windows=12, warmup=100, draws=300)]
    windows = {6: 16, 8: 20, 10: 24, 14: 24, 20: 28, 28: 32, 40: 40}
    two = [point(d, [d], windows=windows[d]) for d in (6, 10, 20, 40)]
    three = [point(d, [d, d], windows=windows[d]) for d in windows]
    wider = [widths for n in (20, 40, 80) for widths in ([n, 10], [10, n])]
    wide = [point(10, widths, windows=24) for widths in (*wider, [20, 20], [40, 40])]
    return two + three + wide


def run_point(config, progress=None):
    """Sample one ladder from each start and reduce it to energies.

    Parameters
    ----------
    config : dict
        From :func:`point`.
    progress : str, optional
        Title of a progress bar.

    Returns
    -------
    xarray.Dataset
        ``energy`` (ladder, alpha), minus the log tail probability, nats, and its MBAR error;
        ``coarse_energy``, the same by the rule that the chains were run with; R-hat over all
        ladders and effective samples of log V at each rung; ``first`` and ``second``, mean
        numbers of specialised neurons of each hidden layer (ladder, rung); ``swapped``.
    """
    dtype = getattr(torch, config["dtype"])
    network = Network(
        config["d"], config["widths"], sigma_a2=config["sigma_a2"], degree=config["degree"]
    )
    chains = AlignmentVariance(network, _rule(network, config, "points", 0, dtype))
    fine = AlignmentVariance(network, _rule(network, config, "fine_points", 1, dtype))
    ladder = restraints(max(ALPHAS), config["windows"])

    def record(z):
        response = network.responses(network.layers(z))
        rows = {
            name: specialised(r, BEYOND).to(z.dtype)
            for name, r in zip(("first", "second"), response, strict=False)
        }
        return rows | {"fine": fine.statistic(z)}

    run = sample(
        chains,
        starts(network, len(ladder), config["seed"]).to(dtype),
        ladder=ladder,
        warmup=config["warmup"],
        draws=config["draws"],
        seed=config["seed"] + 1,
        n_leapfrog=config["n_leapfrog"],
        thin=config["thin"],
        record_rungs=record,
        progress=progress,
    )
    return _reduce(run, ladder)


def _rule(network, config, across, seed, dtype):
    if len(network.widths) == 1:
        return None  # a closed form
    sizes = {"points": config[across], "nodes": config["nodes"]}
    return input_rule(network.d, network.degree, seed=seed, dtype=dtype, **sizes)


def starts(network, K, seed):
    """Positions (4, K, size): two ladders from the prior, two with planted neurons.

    Neurons are planted in the first hidden layer and, in the last ladder, in the last one;
    the more strongly, the higher the rung.
    """
    g = torch.Generator().manual_seed(seed)
    ladders = [network.prior(K, g) for _ in range(2)]
    strength = RESPONSE * np.linspace(0, 1, K) ** 0.25
    for layer in (0, len(network.widths) - 1):
        n = min(PLANTED, network.widths[layer])
        rungs = [network.planted(1, g, n if k else 0, layer, strength[k]) for k in range(K)]
        ladders.append(torch.cat(rungs))
    return torch.stack(ladders)


def _reduce(run, ladder):
    def bias(s):
        return ladder.energy(torch.as_tensor(s)[:, None]).T.numpy()

    def energies(ladders, V):
        draws = [run.statistic.values[ladders, k].ravel() for k in range(len(ladder))]
        at = np.concatenate([V[ladders, k].ravel() for k in range(len(ladder))])
        targets = [-log_ndtr(-alpha / np.sqrt(at)) for alpha in ALPHAS]
        found = free_energies(bias, draws, targets)
        return found.value[len(ladder) :], found.error[len(ladder) :]

    R = run.sizes["chain"]
    fine, coarse = run.fine.values, run.statistic.values
    by_ladder = [energies([r], fine) for r in range(R)]
    log_v = np.log(run.statistic.values)
    diagnosis = [diagnose(log_v[:, k]) for k in range(len(ladder))]
    counts = {
        name: (("ladder", "rung"), run[name].mean("draw").values)
        for name in ("first", "second")
        if name in run
    }
    counts.setdefault("second", (("ladder", "rung"), np.zeros((R, len(ladder)))))
    return xr.Dataset(
        {
            "energy": (("ladder", "alpha"), [v for v, _ in by_ladder]),
            "energy_error": (("ladder", "alpha"), [e for _, e in by_ladder]),
            "pooled_energy": ("alpha", energies(list(range(R)), fine)[0]),
            "coarse_energy": ("alpha", energies(list(range(R)), coarse)[0]),
            "max_r_hat": max(q.r_hat for q in diagnosis),
            "min_ess": min(q.bulk_ess for q in diagnosis),
            "least_swapped": run.swapped.values[:, :-1].min(),
            "first_at_end": ("ladder", counts["first"][1][:, -1]),
            "second_at_end": ("ladder", counts["second"][1][:, -1]),
        },
        coords={"alpha": list(ALPHAS), "ladder": ["prior", "prior 2", "first", "last"]},
    )


UNITS = {
    "energy": ("minus log probability of an alignment of at least alpha", "nats"),
    "energy_error": ("MBAR standard error of one ladder's energy", "nats"),
    "pooled_energy": ("the same from the draws of all ladders", "nats"),
    "coarse_energy": ("the same with the alignment by the rule of the chains", "nats"),
    "max_r_hat": ("largest rank-normalised R-hat of log V over the rungs", "1"),
    "min_ess": ("least bulk effective sample size of log V over the rungs", "1"),
    "least_swapped": ("least share of accepted exchanges between neighbours", "1"),
    "first_at_end": (f"first-layer neurons with response above {BEYOND}, last rung", "neurons"),
    "second_at_end": (f"second-layer neurons with response above {BEYOND}, last rung", "neurons"),
    "alpha": ("alignment", "1"),
    "ladder": ("layer in which neurons were planted at the start", "1"),
    "d": ("input dimension", "1"),
    "N1": ("width of the first hidden layer", "1"),
    "N2": ("width of the second hidden layer; 0 if there is none", "1"),
}

COLUMNS = {
    "d": lambda config: config["d"],
    "N1": lambda config: config["widths"][0],
    "N2": lambda config: config["widths"][1] if len(config["widths"]) > 1 else 0,
}


EXPERIMENTS = (
    Experiment(
        name=NAME,
        claim=__doc__.splitlines()[0],
        points=points(),
        run_point=run_point,
        columns=COLUMNS,
        units=UNITS,
        seeds=("seed",),
        spot=Spot(points("live"), {"energy": "energy_error"}, repeats="ladder"),
    ),
)
