r"""The paper's dynamics: overdamped Langevin on all weights, readout included.

In units of the prior's standard deviations, ``theta = (a / sqrt(s), sqrt(d) W)``,

    theta <- theta - epsilon grad U(theta) + sqrt(2 epsilon) xi,

with ``U = sum (f - y)^2 / (2 kappa) + |theta|^2 / 2``. Up to a discretisation
bias of order epsilon its stationary law is the posterior (2) (Welling and Teh
2011; the noise here is the thermal one only, batches are full). It is the slow
reference against which the collapsed sampler is checked.
"""

from math import pi, sqrt
from typing import NamedTuple

import torch

from featlearn.theory.alignment import network_alignment


class State(NamedTuple):
    """Where the chains are."""

    weights: torch.Tensor  # (B, N, d)
    readout: torch.Tensor  # (B, N)


class Info(NamedTuple):
    """What one step saw before it moved."""

    energy: torch.Tensor  # U, (B,), nats
    divergent: torch.Tensor  # (B,), bool: the energy is not finite


def prior_readout(network, chains, generator, dtype=torch.float64):
    """Readouts drawn from the prior, shape (chains, N)."""
    a = torch.randn((chains, network.N), generator=generator, device=generator.device, dtype=dtype)
    return sqrt(network.readout_variance) * a


def energy_and_gradient(posterior, state):
    """U and its gradients by the weights and by the readout, in plain (not prior) units.

    Parameters
    ----------
    posterior : CollapsedPosterior
        Only its data and its network are used here.
    state : State

    Returns
    -------
    energy : torch.Tensor, shape (B,), nats
    by_weights : torch.Tensor, shape (B, N, d)
    by_readout : torch.Tensor, shape (B, N)
    """
    network, x, y = posterior.network, posterior.x, posterior.y
    w, a = state
    s, kappa = network.readout_variance, network.ridge
    h = x @ w.mT
    phi = torch.erf(h)
    residual = (phi @ a[..., None])[..., 0] - y
    by_readout = (residual[:, None, :] @ phi)[:, 0] / kappa + a / s
    slope = torch.exp(-h.square()) * (2 / sqrt(pi)) * a[:, None, :]
    by_weights = (slope * residual[..., None]).mT @ x / kappa + network.d * w
    energy = (
        0.5 * residual.square().sum(-1) / kappa
        + 0.5 * a.square().sum(-1) / s
        + posterior.prior_energy(w)
    )
    return energy, by_weights, by_readout


def step(posterior, state, step_size, generator):
    """One Euler–Maruyama step of size ``step_size`` (a float, prior units).

    Returns
    -------
    State, Info
    """
    network = posterior.network
    energy, by_weights, by_readout = energy_and_gradient(posterior, state)
    moved = []
    for theta, gradient, variance in (
        (state.weights, by_weights, 1 / network.d),
        (state.readout, by_readout, network.readout_variance),
    ):
        noise = torch.randn(
            theta.shape, generator=generator, dtype=theta.dtype, device=theta.device
        )
        moved.append(
            theta - step_size * variance * gradient + sqrt(2 * step_size * variance) * noise
        )
    return State(*moved), Info(energy, ~torch.isfinite(energy))


def alignment(network, state):
    """Alignment (eq. 3) of the network, shape (B,), in closed form."""
    w = state.weights
    return network_alignment(state.readout, w[..., 0], w.square().sum(-1), network.degree)
