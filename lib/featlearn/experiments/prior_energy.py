"""Energy of an alignment in the prior itself, by umbrella windows: two and three layers, no data.

One point is a network and a ladder of windows from the prior to the alignment one, sampled
from several starts: from the prior, and with neurons of one layer specialised in advance.
"""

import numpy as np
import torch
import xarray as xr
from scipy.special import log_ndtr

from featlearn.inference.diagnostics import diagnose
from featlearn.inference.ladder import AlignmentVariance, restraints, sample_ladder
from featlearn.inference.random_network import RandomNetwork, input_rule
from featlearn.inference.reweighting import free_energies
from featlearn.theory.kernels import erf_kernel

from . import store
from .measurement import measure

NAME = "prior-energy"
ALPHAS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
BEYOND = 0.7  # linear response of a neuron's pre-activation from which it counts as specialised
PLANTED, RESPONSE = 3, 1.3


def point(d, widths, *, windows, warmup=300, draws=1000, **others):
    """Configuration of one point.

    Parameters
    ----------
    d : int
        Input dimension.
    widths : sequence of int
        Hidden widths, one or two.
    windows : int
        Rungs of the ladder.
    warmup, draws : int
        Trajectories.

    Returns
    -------
    dict
    """
    config = {
        "d": int(d),
        "widths": [int(w) for w in widths],
        "degree": 3,
        "sigma_a2": 1.0,
        "windows": int(windows),
        "warmup": int(warmup),
        "draws": int(draws),
        "thin": 5,
        "n_leapfrog": 12,
        "points": 128,
        "nodes": 12,
        "fine_points": 2048,
        "seed": 1,
        "dtype": "float32",
    }
    unknown = set(others) - set(config)
    if unknown:
        raise ValueError(f"unknown settings {sorted(unknown)}: known are {sorted(config)}")
    return config | others


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
    rule = dict(nodes=config["nodes"], dtype=dtype)
    args = config["d"], config["widths"], config["degree"], config["sigma_a2"]
    network, fine = (RandomNetwork(*args, dtype=dtype) for _ in range(2))
    if network.rule is not None:
        network.rule = input_rule(config["d"], config["degree"], config["points"], 0, **rule)
        fine.rule = input_rule(config["d"], config["degree"], config["fine_points"], 1, **rule)
    ladder = restraints(max(ALPHAS), config["windows"])
    starts = _starts(network, len(ladder), config["seed"])

    def record(weights):
        layers = network.layers(weights[:, 0])
        response = _responses(layers)
        rows = {
            name: (r.abs() > BEYOND).sum(-1).to(weights.dtype)
            for name, r in zip(("first", "second"), response, strict=False)
        }
        return rows | {"fine": fine.variance(weights[:, 0])}

    run = sample_ladder(
        AlignmentVariance(network),
        ladder,
        starts,
        warmup=config["warmup"],
        draws=config["draws"],
        seed=config["seed"] + 1,
        n_leapfrog=config["n_leapfrog"],
        thin=config["thin"],
        record=record,
        progress=progress,
    )
    return _reduce(run, ladder)


def _responses(layers):
    """Linear response ``E[h z]`` of each hidden layer's pre-activations, (B, N_l)."""
    overlap, norm2 = layers[0][..., 0], layers[0].square().sum(-1)
    found = [overlap]
    if len(layers) > 1:  # erf(h) responds with E[erf'(h)] times the response of h
        phi = overlap * (2 / np.sqrt(np.pi)) / (1 + 2 * norm2).sqrt()
        found.append((layers[1] @ phi[..., None])[..., 0])
    return found


def _starts(network, K, seed):
    """Standard normal numbers, (4, K, 1, size): two prior ladders, two with planted neurons."""
    g = torch.Generator().manual_seed(seed)
    z = torch.randn(4, K, 1, network.size, generator=g, dtype=torch.float64)
    strength = RESPONSE * np.linspace(0, 1, K) ** 0.25
    deep = len(network.widths) > 1
    for ladder in (2, 3):
        for k in range(1, K):
            layers = [w[0] for w in network.layers(z[ladder, k])]
            level = 1 if deep and ladder == 3 else 0
            n = min(PLANTED, network.widths[level])
            if level == 0:
                layers[0][:n, 0] = strength[k]
            else:
                layers[1][:n] = strength[k] * _linear_readout(layers[0])
            flat = [w.flatten() * w.shape[1] ** 0.5 for w in layers]
            z[ladder, k, 0] = torch.cat(flat)
    dtype = network.rule.x.dtype if network.rule is not None else torch.float64
    return z.to(dtype)


def _linear_readout(first):
    """Weights c for which ``sum c_i erf(w_i.x)`` is the best estimate of z, scaled to respond 1."""
    w = first.numpy()
    norm = 1 + 2 * (w**2).sum(1)
    # E_x[erf(w.x) erf(w'.x)] is the kernel with the roles of weights and inputs exchanged
    gram = erf_kernel(w, weight_covariance=np.eye(w.shape[1]))
    with_z = 2 / np.sqrt(np.pi) * w[:, 0] / np.sqrt(norm)
    c = np.linalg.solve(gram, with_z)
    return torch.as_tensor(c / (with_z @ c))


def _reduce(run, ladder):
    def bias(s):
        return ladder.energy(torch.as_tensor(s)[:, None]).T.numpy()

    def energies(ladders, V):
        draws = [run.statistic.values[ladders, k].ravel() for k in range(len(ladder))]
        at = np.concatenate([V[ladders, k].ravel() for k in range(len(ladder))])
        targets = [-log_ndtr(-alpha / np.sqrt(at)) for alpha in ALPHAS]
        found = free_energies(bias, draws, targets)
        return found.value[len(ladder) :], found.error[len(ladder) :]

    R = run.sizes["ladder"]
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


def run(device="auto", progress=True):
    """Measure at full size and store the result. On the processor: networks are small."""
    configs = points()
    seeds = {"chains": [config["seed"] for config in configs]}
    data = measure(
        NAME,
        configs,
        run_point,
        columns=COLUMNS,
        units=UNITS,
        seeds=seeds,
        dtype=configs[0]["dtype"],
        progress=progress,
    )
    return store.save(NAME, data)
