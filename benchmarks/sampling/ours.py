"""Our own sampler as the benchmark calls it: the one place that knows its interface.

All of ours that is timed is reached from :func:`ours`, and is what the results name as their code.
"""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from time import perf_counter

import numpy as np
import torch

from featlearn.inference.network import Network
from featlearn.inference.observables import Observables
from featlearn.inference.posterior import CollapsedPosterior
from featlearn.inference.sampler import sample

CHAINS, JUMPS, WARMUP, DTYPE = 64, 1, 400, "float32"
KEPT = 64  # states kept as starting points of the rivals
SAMPLES_PER_INPUT = 6  # P = 6 d


def problem(d, dataset):
    """Network and data of one size."""
    network = Network(d, [d], kappa=0.1, sigma_a2=1.0)
    x, y = network.data([d, dataset], SAMPLES_PER_INPUT * d)
    return network, x, y


def ours(d, dataset, *, seconds, seed):
    """Sample for about ``seconds`` after the warm-up, a share of the chains on each core.

    All chains start with one specialised neuron, where they and the rivals stay: a ladder
    gives the state without one a negligible weight here.

    Returns
    -------
    dict
        ``alignment`` (chain, draw), with the readout drawn as every full sampler has it;
        ``alignment_given_weights``, its mean over the readout; ``seconds`` and
        ``warmup_seconds``; ``gradients``, ``jumps``, ``divergences``; ``weights``
        (n, N, d), draws from the posterior.
    """
    network, x, y = problem(d, dataset)
    cores = torch.get_num_threads()
    tasks = [(network, x, y, CHAINS // cores, seconds, seed + 100 * i) for i in range(cores)]
    # Chains need nothing of each other, and small matrices gain little from a second thread.
    with ProcessPoolExecutor(cores, multiprocessing.get_context("spawn")) as pool:
        parts = list(pool.map(_share, tasks))
    draws = min(part["alignment"].shape[1] for part in parts)
    found = {
        key: np.concatenate([part[key][:, :draws] for part in parts])
        for key in ("alignment", "alignment_given_weights")
    }
    # The longer one is charged with what all of them keep.
    found["seconds"] = max(p["seconds"] * draws / p["alignment"].shape[1] for p in parts)
    found["warmup_seconds"] = max(part["warmup_seconds"] for part in parts)
    found["gradients"] = sum(part["steps"] + 1 for part in parts) * draws * CHAINS // cores
    found["jumps"] = CHAINS * draws * JUMPS
    found["divergences"] = sum(part["divergences"] for part in parts)
    found["weights"] = torch.as_tensor(np.concatenate([part["weights"] for part in parts]))
    return found


def _share(task):
    network, x, y, chains, seconds, seed = task
    torch.set_num_threads(1)
    dtype = getattr(torch, DTYPE)
    x, y = (a.to(dtype).expand(chains, *a.shape).contiguous() for a in (x, y))
    posterior = CollapsedPosterior(network, x, y)
    generator = torch.Generator().manual_seed(seed)
    start = network.planted(chains, generator, 1).to(dtype)
    options = dict(warmup=WARMUP, seed=seed, n_jumps=JUMPS)

    sample(posterior, start, **options | {"warmup": 1}, draws=1)  # load what torch loads late
    began = perf_counter()
    sample(posterior, start, **options, draws=1)  # the same warm-up, to be taken off
    warmup_seconds = perf_counter() - began
    draws = max(100, round(seconds / warmup_seconds * (WARMUP + 1)))
    observe = Observables(posterior, torch.Generator().manual_seed(seed + 1))
    kept = []

    def record(z):
        kept.append(z)
        del kept[:-KEPT]
        return {key: v for key, v in observe(z).items() if key.startswith("alignment")}

    began = perf_counter()
    found = sample(posterior, start, **options, draws=draws, record=record)
    return {
        "alignment": found.alignment_drawn.values.astype(float),
        "alignment_given_weights": found.alignment.values.astype(float),
        "seconds": perf_counter() - began - warmup_seconds,
        "warmup_seconds": warmup_seconds,
        "divergences": int(found.divergent.values.sum()),
        "steps": found.attrs["n_leapfrog"],
        "weights": network.layers(torch.cat(kept[:: KEPT // 4]))[0].double().numpy(),
    }
