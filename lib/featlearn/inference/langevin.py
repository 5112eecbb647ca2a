r"""The paper's dynamics: overdamped Langevin on all weights, readout included.

In units of the prior's standard deviations, ``theta = (a / sqrt(s), z)``,

    theta <- theta - epsilon grad U(theta) + sqrt(2 epsilon) xi,

with ``U = sum (f - y)^2 / (2 kappa) + |theta|^2 / 2``. Up to a discretisation
bias of order epsilon its stationary law is the posterior (2) (Welling and Teh
2011; the noise here is the thermal one only, batches are full). It is the slow
reference against which the collapsed sampler is checked.
"""

from math import sqrt
from typing import NamedTuple

import torch

from .linear_algebra import times


class State(NamedTuple):
    """Where the chains are, in units of the prior's standard deviations."""

    z: torch.Tensor  # (B, size), the hidden weights
    b: torch.Tensor  # (B, F), the readout over sqrt(s)


class Info(NamedTuple):
    """What one step saw before it moved."""

    energy: torch.Tensor  # U, (B,), nats
    divergent: torch.Tensor  # (B,), bool: the energy is not finite


def prior_readout(network, chains, generator, dtype=torch.float64):
    """Readouts over sqrt(s) drawn from the prior, shape (chains, F)."""
    shape = (chains, network.features)
    return torch.randn(shape, generator=generator, device=generator.device, dtype=dtype)


def energy_and_gradient(posterior, state):
    """U and its gradients.

    Parameters
    ----------
    posterior : CollapsedPosterior
        Only its data and its network are used here.
    state : State

    Returns
    -------
    energy : torch.Tensor, shape (B,), nats
    by_z : torch.Tensor, shape (B, size)
    by_b : torch.Tensor, shape (B, F)
    """
    network, y = posterior.network, posterior.y
    s, kappa = network.readout_variance, network.ridge
    layers = network.layers(state.z)
    phi = posterior.tape.forward(layers)
    a = sqrt(s) * state.b
    residual = times(phi.mT, a) - y
    by_b = sqrt(s) / kappa * times(phi, residual) + state.b
    by_z = posterior.tape.pull_back(layers, a[..., None] * residual[:, None] / kappa) + state.z
    prior = 0.5 * (state.z.square().sum(-1) + state.b.square().sum(-1))
    return 0.5 * residual.square().sum(-1) / kappa + prior, by_z, by_b


def step(posterior, state, step_size, generator):
    """One Euler–Maruyama step of size ``step_size`` (a float, prior units).

    Returns
    -------
    State, Info
    """
    energy, *gradients = energy_and_gradient(posterior, state)
    moved = []
    for theta, gradient in zip(state, gradients, strict=True):
        noise = torch.randn(
            theta.shape, generator=generator, dtype=theta.dtype, device=theta.device
        )
        moved.append(theta - step_size * gradient + sqrt(2 * step_size) * noise)
    return State(*moved), Info(energy, ~torch.isfinite(energy))


def alignment(posterior, state):
    """Alignment (eq. 3) of the network, shape (B,)."""
    g = posterior.feature_alignments(state.z)
    return sqrt(posterior.network.readout_variance) * (state.b * g).sum(-1)
