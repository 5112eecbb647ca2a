r"""Hamiltonian Monte Carlo (Neal 2011) for the prior times ``exp(-u(s))``, batched over chains.

The position z is standard normal under the prior, so that the Hamiltonian without data,
``(|z|**2 + |p|**2) / 2``, turns (z, p) by an angle. The integrator makes these turns exactly and
kicks the momentum by the data in between (Beskos et al. 2011): its error comes from the data
alone, whatever the number of weights. The step size is the angle of one turn.

A turn is made of three shears. Each keeps the volume and takes itself back, whatever its rounded
coefficient, up to the rounding of its sums, which is small while a turn stays well below a half.
Written with sines and cosines a turn would change the energy by the share that the rounded
``cos**2 + sin**2`` misses of one: in single precision by a nat in a trajectory of a million
weights. For the same reason energies are summed in double precision.
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
    z, s, _ = state
    # A jittered step size keeps trajectories from closing on themselves.
    angle = (step_size * (0.8 + 0.4 * uniform(s, generator)))[:, None]
    shears = (angle / 2).tan(), -angle.sin()
    p = torch.randn(z.shape, generator=generator, dtype=z.dtype, device=z.device)
    start = law.energy(s) + prior_energy(z, p)

    p = kicked(p, 0.5 * angle, law, state)
    for i in range(n_leapfrog):
        z, p = turned(z, p, *shears)
        here = State(z, *target.statistic_and_gradient(z))
        p = kicked(p, angle if i < n_leapfrog - 1 else 0.5 * angle, law, here)

    error = law.energy(here.statistic) + prior_energy(z, p) - start
    return metropolis(state, here, error, generator)


def turned(z, p, tangent, sine):
    """(z, p) turned by an angle: tangent of its half and minus its sine, (B, 1)."""
    z = torch.addcmul(z, tangent, p)
    p = torch.addcmul(p, sine, z)
    return torch.addcmul(z, tangent, p), p


def kicked(p, angle, law, state):
    """Momentum after the force of the data has acted over an angle (B, 1)."""
    return torch.addcmul(p, -angle * law.slope(state.statistic)[:, None], state.gradient)


def prior_energy(z, p):
    """Energy without data (B,), nats, in double precision."""
    return 0.5 * (z.square() + p.square()).sum(-1, dtype=torch.float64)


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
