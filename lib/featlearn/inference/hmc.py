"""Hamiltonian Monte Carlo on the hidden weights (Neal 2011), batched over chains.

The prior is the unit of length: weights are multiplied by the root of their prior
precision, and the mass is one. Each chain has its own step size, adapted by dual
averaging (Hoffman and Gelman 2014) while it warms up, and frozen afterwards.
"""

from math import sqrt
from typing import NamedTuple

import torch


class State(NamedTuple):
    """Where the chains are; the energy and the gradient belong to ``weights``."""

    weights: torch.Tensor  # (B, N, d)
    energy: torch.Tensor  # (B,), nats
    gradient: torch.Tensor  # (B, N, d), by the weights


class Info(NamedTuple):
    """What one trajectory did."""

    acceptance: torch.Tensor  # (B,), probability
    accepted: torch.Tensor  # (B,), bool
    divergent: torch.Tensor  # (B,), bool: the energy error passed DIVERGENCE


DIVERGENCE = 1000.0  # nats, as in Stan


def initial_state(posterior, weights):
    """State at given weights."""
    return State(weights, *posterior.energy_and_gradient(weights))


def step(posterior, state, step_size, n_leapfrog, generator):
    """One trajectory of ``n_leapfrog`` leapfrog steps and its Metropolis test.

    Parameters
    ----------
    posterior : CollapsedPosterior
        Anything with ``energy_and_gradient(weights)`` and ``prior_precision``.
    state : State
    step_size : torch.Tensor, shape (B,)
        In units of the prior's standard deviation.
    n_leapfrog : int
    generator : torch.Generator

    Returns
    -------
    State, Info
    """
    w, energy, gradient = state
    root = sqrt(posterior.prior_precision)
    # A jittered step size keeps trajectories from closing on themselves.
    jitter = 0.8 + 0.4 * _uniform(energy, generator)
    epsilon = (step_size * jitter)[:, None, None]
    momentum = torch.randn(w.shape, generator=generator, dtype=w.dtype, device=w.device)
    start = energy + 0.5 * momentum.square().sum((-2, -1))

    new_energy, new_gradient = energy, gradient
    momentum = momentum - 0.5 * epsilon / root * gradient
    for i in range(n_leapfrog):
        w = w + epsilon / root * momentum
        new_energy, new_gradient = posterior.energy_and_gradient(w)
        kick = 1.0 if i < n_leapfrog - 1 else 0.5
        momentum = momentum - kick * epsilon / root * new_gradient

    error = new_energy + 0.5 * momentum.square().sum((-2, -1)) - start
    divergent = ~(error < DIVERGENCE)  # true for NaN as well
    acceptance = torch.where(divergent, 0.0, torch.exp(-error.clamp_min(0)))
    accepted = _uniform(energy, generator) < acceptance
    pick = accepted[:, None, None]
    new = State(
        torch.where(pick, w, state.weights),
        torch.where(accepted, new_energy, energy),
        torch.where(pick, new_gradient, gradient),
    )
    return new, Info(acceptance, accepted, divergent)


class DualAveraging:
    """Step sizes that bring each chain's acceptance to ``target``.

    Parameters
    ----------
    initial : torch.Tensor, shape (B,)
        First step size of each chain.
    target : float
        Wanted mean acceptance probability.
    """

    gamma, t0, exponent = 0.05, 10.0, 0.75  # the constants of Hoffman and Gelman (2014)

    def __init__(self, initial, target=0.8):
        if not 0 < target < 1:
            raise ValueError(f"target = {target!r}: a number between 0 and 1 is needed")
        self.target, self.n = target, 0
        self.centre = torch.log(10 * initial)
        self.deficit = torch.zeros_like(initial)
        self.log_mean = torch.log(initial)
        self.step_size = initial

    def update(self, acceptance):
        """Take one trajectory's acceptance (B,) into account."""
        self.n += 1
        rate = 1 / (self.n + self.t0)
        self.deficit = (1 - rate) * self.deficit + rate * (self.target - acceptance)
        log_step = self.centre - sqrt(self.n) / self.gamma * self.deficit
        weight = self.n**-self.exponent
        self.log_mean = weight * log_step + (1 - weight) * self.log_mean
        self.step_size = log_step.exp()

    def final(self):
        """The averaged step size (B,), to be frozen."""
        return self.log_mean.exp()


def _uniform(like, generator):
    return torch.rand(like.shape, generator=generator, dtype=like.dtype, device=like.device)
