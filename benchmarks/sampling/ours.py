"""Our own sampler as the benchmark calls it: the one place that knows its interface."""

from time import perf_counter

import torch

from featlearn.inference.observables import Observables
from featlearn.inference.posterior import CollapsedPosterior
from featlearn.inference.sampler import sample

CHAINS, LEAPFROG, JUMPS, WARMUP, DTYPE = 16, "auto", 4, 400, "float32"
KEPT = 64  # states kept as starting points of the rivals


def ours(network, x, y, *, seconds, seed):
    """Sample for about ``seconds`` after the warm-up.

    Half of the chains start from the prior and half with planted neurons.

    Returns
    -------
    dict
        ``alignment`` (chain, draw), with the readout drawn as every full sampler has it;
        ``alignment_given_weights``, its mean over the readout; ``seconds`` and
        ``warmup_seconds``; ``gradients``, ``jumps``, ``divergences``; ``weights``
        (n, N, d), draws from the posterior.
    """
    dtype = getattr(torch, DTYPE)
    x, y = (a.to(dtype).expand(CHAINS, *a.shape).contiguous() for a in (x, y))
    posterior = CollapsedPosterior(network, x, y)
    generator = torch.Generator().manual_seed(seed)
    half = CHAINS // 2
    planted = network.planted(CHAINS - half, generator, min(4, network.widths[0]))
    start = torch.cat([network.prior(half, generator), planted]).to(dtype)
    options = dict(warmup=WARMUP, seed=seed, n_leapfrog=LEAPFROG, n_jumps=JUMPS)

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
        "gradients": CHAINS * draws * (found.attrs["n_leapfrog"] + 1),
        "jumps": CHAINS * draws * JUMPS,
        "divergences": int(found.divergent.values.sum()),
        "weights": network.layers(torch.cat(kept[:: CHAINS // 4]))[0].double(),
    }
