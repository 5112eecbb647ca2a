r"""Moves that take one neuron across the barrier between bulk and specialised.

A gradient-driven chain crosses the barrier of a neuron's overlap law rarely.
The teacher's direction is known here, so a neuron can be offered new values of
its overlap ``mu = w . w_*`` and of the norm of the rest at once, with the
direction of the rest kept. With neuron j taken out of the label covariance
(leaving C_-), a candidate with features phi changes the log-evidence by

    s (phi^T C_-^-1 y)^2 / (2 (1 + s chi)) - log(1 + s chi) / 2,   chi = phi^T C_-^-1 phi,

so that all candidates cost one factorisation together. The neuron's next value is drawn
among the candidates and its present value in proportion to posterior over
proposal density (iterated sampling-importance-resampling; Andrieu, Lee and
Vihola 2018), which leaves the posterior invariant.
"""

from math import lgamma, log, pi, sqrt
from typing import NamedTuple

import torch

from .hmc import initial_state

# Where the wide half of the candidates lies: |mu| and |w|^2 - mu^2 of specialised
# neurons. Other moves reach beyond; only the speed depends on these numbers.
OVERLAPS = (0.4, 2.2)
RESTS = (0.1, 1.0)


class Info(NamedTuple):
    """What one jump did."""

    moved: torch.Tensor  # (B,), bool: another value than the present one was taken


def step(posterior, weights, generator, candidates=24):
    """Offer one neuron, picked at random in each chain, new values.

    Parameters
    ----------
    posterior : CollapsedPosterior
    weights : torch.Tensor, shape (B, N, d)
    generator : torch.Generator
    candidates : int
        Values offered besides the present one, at least 1.

    Returns
    -------
    weights : torch.Tensor, shape (B, N, d)
    info : Info
    """
    B, N, d = weights.shape
    chains = torch.arange(B, device=weights.device)
    options = dict(generator=generator, device=weights.device)
    neuron = torch.randint(N, (B,), **options)
    present = weights[chains, neuron]  # (B, d)
    rest = present.clone()
    rest[:, 0] = 0
    norm = rest.norm(dim=-1, keepdim=True)

    overlap, rest2 = _propose((B, candidates), d, weights.dtype, options)
    overlap = torch.cat([present[:, :1], overlap], 1)  # the present value is candidate 0
    rest2 = torch.cat([norm.square(), rest2], 1)

    # Pre-activations of all candidates: the two parts of x . w are known once.
    along = posterior.x[..., 0]
    across = (posterior.x @ (rest / norm)[..., None])[..., 0]
    h = along[..., None] * overlap[:, None, :] + across[..., None] * rest2.sqrt()[:, None, :]
    gain = _evidence_gain(posterior, weights, neuron, torch.erf(h))
    probability = torch.softmax(gain + _log_prior_over_proposal(overlap, rest2, d), -1)
    choice = torch.multinomial(probability, 1, generator=generator)[:, 0]

    new = rest / norm * rest2[chains, choice, None].sqrt()
    new[:, 0] = overlap[chains, choice]
    weights = weights.clone()
    weights[chains, neuron] = new
    return weights, Info(choice > 0)


def sweep(posterior, state, n_jumps, generator, candidates=24):
    """``n_jumps`` jumps on a :class:`~featlearn.inference.hmc.State`; also the moved share."""
    weights, moved = state.weights, 0.0
    for _ in range(n_jumps):
        weights, info = step(posterior, weights, generator, candidates)
        moved = moved + info.moved.to(weights.dtype)
    return initial_state(posterior, weights), moved / max(n_jumps, 1)


def _propose(shape, d, dtype, options):
    """Overlaps and squared norms of the rest: half from the prior, half uniform in the box."""
    options = dict(options, dtype=dtype)
    narrow = torch.randn(shape, **options) / sqrt(d)
    narrow_rest2 = torch.randn((*shape, d - 1), **options).square().sum(-1) / d
    low, high = OVERLAPS
    wide = low + (high - low) * torch.rand(shape, **options)
    wide = wide * torch.where(torch.rand(shape, **options) < 0.5, 1.0, -1.0).to(dtype)
    low, high = RESTS
    wide_rest2 = low + (high - low) * torch.rand(shape, **options)
    pick = torch.rand(shape, **options) < 0.5
    return torch.where(pick, narrow, wide), torch.where(pick, narrow_rest2, wide_rest2)


def _log_prior_over_proposal(overlap, rest2, d):
    """Log ratio of the densities in (overlap, rest2); at most log 2: half proposes the prior."""
    shape, rate = (d - 1) / 2, d / 2  # rest2 ~ Gamma(shape, rate) under the prior
    log_prior = 0.5 * log(d / (2 * pi)) - 0.5 * d * overlap.square()
    log_prior = log_prior + (
        shape * log(rate) - lgamma(shape) + (shape - 1) * rest2.log() - rate * rest2
    )
    (low, high), (least, most) = OVERLAPS, RESTS
    inside = (overlap.abs() > low) & (overlap.abs() < high) & (rest2 > least) & (rest2 < most)
    log_box = -log(2 * (high - low) * (most - least))
    log_wide = torch.full_like(overlap, log_box).masked_fill(~inside, -torch.inf)
    return log_prior - torch.logaddexp(log_prior, log_wide) + log(2)


def _evidence_gain(posterior, weights, neuron, candidates):
    """Log-evidence (B, K) of each candidate column (B, P, K), relative to no neuron there."""
    s, kappa = posterior.network.readout_variance, posterior.network.ridge
    phi = torch.erf(posterior.x @ weights.mT)
    index = neuron[:, None, None].expand(-1, phi.shape[1], 1)
    phi.scatter_(2, index, 0.0)
    solve = posterior.solve_features(phi)
    projection = (solve.weighted_residual[:, None, :] @ candidates)[:, 0]
    if posterior.algebra == "P":
        root = torch.linalg.solve_triangular(solve.factor, candidates, upper=False)
        chi = root.square().sum(-2)
    else:
        root = torch.linalg.solve_triangular(solve.factor, phi.mT @ candidates, upper=False)
        chi = (candidates.square().sum(-2) - s * root.square().sum(-2)) / kappa
    return 0.5 * s * projection.square() / (1 + s * chi) - 0.5 * torch.log1p(s * chi)
