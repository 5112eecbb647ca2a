"""The soft count of specialised neurons: its value, its gradient, and what it refuses."""

import numpy as np
import pytest
import torch

from featlearn.inference import soft_count
from featlearn.inference.network import Network
from featlearn.inference.soft_count import SoftCount
from tests.inference.cases import compute, generator, posterior_of

SETTINGS = [
    dict(),
    dict(scaling="mean-field", kappa=0.4),
    dict(degree=5, sigma_a2=1.7),
]
in_all_settings = pytest.mark.parametrize("settings", SETTINGS)
on_both_algebras = pytest.mark.parametrize("algebra", ["P", "F"])


def counted(settings, algebra, P=30):
    network = Network(6, [7], **settings)
    z = network.planted(2, generator(), 2)
    return SoftCount(posterior_of(network, [1, 2], P, algebra=algebra)), z


@in_all_settings
@on_both_algebras
def test_value_by_its_definition(settings, algebra):
    count, z = counted(settings, algebra)
    network, (x, y) = count.network, (count.posterior.x.numpy(), count.posterior.y.numpy())
    s, sign = network.readout_variance, {3: -1, 5: 1}[network.degree]
    for b in range(2):
        w = network.layers(z)[0][b].numpy()
        phi, _ = compute(network, [w], x[b])
        ridge = network.ridge * np.eye(len(phi))
        readout = s * phi.T @ np.linalg.solve(ridge + s * phi @ phi.T, y[b])
        t = np.tanh(w[:, 0] / 0.2) * (w[:, 0] + 0.7 * sign * readout)
        u = np.clip((t - 0.1) / 2.1, 0, 1)
        np.testing.assert_allclose(count(z)[b], (u**2 * (3 - 2 * u)).sum(), rtol=1e-9)


@in_all_settings
@on_both_algebras
@pytest.mark.parametrize("P", [5, 30])
def test_gradient_of_energy_and_bias(settings, algebra, P):
    count, z = counted(settings, algebra, P)

    def bias(C):
        return 5 * torch.sin(3 * C), 15 * torch.cos(3 * C)

    def energy(z):
        return count.posterior.statistic(z) + bias(count(z))[0]

    U, C, total, gradient = count.energy_and_gradient(z, bias)
    torch.testing.assert_close(U, count.posterior.statistic(z))
    torch.testing.assert_close(C, count(z))
    torch.testing.assert_close(total, energy(z))
    assert (bias(C)[1].abs() > 0.1).all()  # or the force along the count went unchecked
    step, error = 1e-5, []
    for i in range(z.shape[1]):
        aside = torch.zeros_like(z)
        aside[:, i] = step
        difference = (energy(z + aside) - energy(z - aside)) / (2 * step)
        error.append((difference - gradient[:, i]).abs().max())
    assert max(error) < 1e-6 * (1 + gradient.abs().max())


def test_the_force_along_the_count_matters_to_the_gradient():
    """A gradient that held the readout fixed would be off by far more than is allowed above."""
    count, z = counted({}, "F")
    of_energy = count.energy_and_gradient(z, lambda C: (0 * C, 0 * C))[3]
    w = count.network.layers(z)[0].requires_grad_(True)
    mean = count.posterior.readout(count.posterior.solve(z))[0]
    fixed = soft_count._step(count._coordinate(w, mean)[0])[0].sum()
    (by_weights,) = torch.autograd.grad(fixed, w)
    gradient = count.energy_and_gradient(z, lambda C: (C, torch.ones_like(C)))[3]
    off = gradient - of_energy - by_weights.flatten(1) / 6**0.5
    assert off.abs().max() > 0.01


def test_neurons_without_readout_count_less():
    network = Network(40, [40])
    posterior = posterior_of(network, [0], 640)
    bulk, three = network.prior(1, generator()), network.planted(1, generator(), 3, response=1.1)
    assert SoftCount(posterior)(bulk) < 0.5 < 1.5 < SoftCount(posterior)(three)
    w = network.layers(three)[0]
    kept = posterior_of(network, [0], 640)
    kept.y = 0 * kept.y  # no labels, no readout
    mu = w[..., 0].abs()
    assert SoftCount(kept)(three) < SoftCount(posterior)(three)
    np.testing.assert_allclose(
        SoftCount(kept)(three),
        soft_count._step((mu * torch.tanh(mu / 0.2) - 0.1) / 2.1)[0].sum(-1),
    )


@pytest.mark.parametrize(
    "settings, message",
    [
        (dict(d=6, widths=[3, 3]), r"widths \(3, 3\)"),
        (dict(d=6, widths=[3], patches=2), "patches = 2"),
        (dict(d=6, widths=[3], degree=1), "degree = 1"),
    ],
)
def test_other_networks_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        SoftCount(posterior_of(Network(**settings), [0], 5))
