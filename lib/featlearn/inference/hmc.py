r"""Hamiltonian Monte Carlo (Neal 2011) for the prior times ``exp(-u(s))``, batched over chains.

The position z is standard normal under the prior, so that the Hamiltonian without data,
``(|z|**2 + |p|**2) / 2``, turns (z, p) by an angle. The integrator makes these turns exactly and
kicks the momentum by the data in between (Beskos et al. 2011): its error comes from the data
alone, whatever the number of weights. The step size is the angle of one turn.
"""

from typing import NamedTuple

import torch


class State(NamedTuple):
    """Where the chains are; statistic and gradient belong to the position."""

    z: torch.Tensor  # (B, n)
    statistic: torch.Tensor  # s, (B,)
    gradient: torch.Tensor  # of s by z, (B, n)


class Info(NamedTuple):
    """What one trajectory did."""

    acceptance: torch.Tensor  # (B,), probability
    accepted: torch.Tensor  # (B,), bool
    divergent: torch.Tensor  # (B,), bool: the energy error passed DIVERGENCE


DIVERGENCE = 1000.0  # nats, as in Stan


def initial_state(target, z):
    """State at a given position."""
    return State(z, *target.statistic_and_gradient(z))


def step(target, law, state, step_size, n_leapfrog, generator):
    """One trajectory of ``n_leapfrog`` steps and its Metropolis test.

    Parameters
    ----------
    target : CollapsedPosterior or AlignmentVariance
        Anything with ``statistic_and_gradient(z)``.
    law : Rungs
        Anything with ``energy(s)`` and ``slope(s)`` of the statistic.
    state : State
    step_size : torch.Tensor, shape (B,)
        Angle of a turn, in radians: a quarter turn forgets a weight that no data hold.
    n_leapfrog : int
    generator : torch.Generator

    Returns
    -------
    State, Info
    """
    z, s, gradient = state
    # A jittered step size keeps trajectories from closing on themselves.
    angle = (step_size * (0.8 + 0.4 * uniform(s, generator)))[:, None]
    cos, sin = angle.cos(), angle.sin()
    p = torch.randn(z.shape, generator=generator, dtype=z.dtype, device=z.device)
    start = law.energy(s) + 0.5 * (z.square() + p.square()).sum(-1)

    p = p - 0.5 * angle * law.slope(s)[:, None] * gradient
    for i in range(n_leapfrog):
        z, p = cos * z + sin * p, cos * p - sin * z
        s, gradient = target.statistic_and_gradient(z)
        kick = 1.0 if i < n_leapfrog - 1 else 0.5
        p = p - kick * angle * law.slope(s)[:, None] * gradient

    error = law.energy(s) + 0.5 * (z.square() + p.square()).sum(-1) - start
    return metropolis(state, State(z, s, gradient), error, generator)


def metropolis(state, proposal, error, generator):
    """Accept a trajectory's end or stay.

    Parameters
    ----------
    state, proposal : State
    error : torch.Tensor, shape (B,)
        What the trajectory added to the energy, nats.
    generator : torch.Generator

    Returns
    -------
    State, Info
    """
    divergent = ~(error < DIVERGENCE)  # true for NaN as well
    acceptance = torch.where(divergent, 0.0, torch.exp(-error.clamp_min(0)))
    acceptance = acceptance.to(state.statistic.dtype)
    accepted = uniform(acceptance, generator) < acceptance
    pick = accepted[:, None]
    new = State(
        torch.where(pick, proposal.z, state.z),
        torch.where(accepted, proposal.statistic, state.statistic),
        torch.where(pick, proposal.gradient, state.gradient),
    )
    return new, Info(acceptance, accepted, divergent)


def uniform(like, generator):
    """Uniform numbers between 0 and 1, of the shape, dtype and device of another tensor."""
    return torch.rand(like.shape, generator=generator, dtype=like.dtype, device=like.device)
