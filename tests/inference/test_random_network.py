"""Random networks of any depth: gradients, and the alignment against plain Monte Carlo."""

import numpy as np
import pytest
import torch
from scipy.special import erf

from featlearn.inference.random_network import RandomNetwork, input_rule
from featlearn.theory.deep_kernels import lazy_hermite_eigenvalue
from featlearn.theory.gaussian import bivariate_expectation
from featlearn.theory.hermite import normalised_hermite


def normal(*shape, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=g, dtype=torch.float64)


@pytest.mark.parametrize("widths, degree", [([5], 3), ([5], 1), ([6, 4], 3), ([3, 4, 2], 3)])
def test_coded_gradient_is_the_automatic_one(widths, degree):
    network = RandomNetwork(4, widths, degree, 1.7, points=32)
    z = normal(3, network.size).requires_grad_(True)
    value, gradient = network.variance_and_gradient(z.detach())
    torch.testing.assert_close(value, network.variance(z).detach())
    (automatic,) = torch.autograd.grad(network.variance(z).sum(), z)
    torch.testing.assert_close(gradient, automatic, rtol=1e-9, atol=1e-14)


def test_many_networks_in_chunks_are_the_same_as_one_by_one():
    network = RandomNetwork(4, [40, 40], points=256)
    z = normal(20, network.size)
    together = network.variance_and_gradient(z)
    for i in (0, 19):
        alone = network.variance_and_gradient(z[i : i + 1])
        torch.testing.assert_close(together[0][i], alone[0][0])
        torch.testing.assert_close(together[1][i], alone[1][0])


def test_the_rule_integrates_one_hidden_layer():
    """A neuron's alignment by the rule, against quadrature of its two Gaussians."""
    rule = input_rule(6, 3, 4096, 0)
    w = normal(1, 6)[0] / 2
    overlap, norm2 = float(w[0]), float(w @ w)
    found = float(rule.coefficient @ torch.erf(rule.x @ w))
    exact = bivariate_expectation(
        lambda u, z: erf(u) * normalised_hermite(3, z), [[norm2, overlap], [overlap, 1.0]], 100
    )
    assert found == pytest.approx(exact, rel=0.01)


def test_two_hidden_layers_against_plain_monte_carlo():
    d, widths = 5, [4, 3]
    network = RandomNetwork(d, widths, points=4096)
    z = normal(1, network.size) * 2  # larger weights, stronger cubic parts
    found = network.neuron_alignments(z)[0].numpy()
    first, second = (w[0].numpy() for w in network.layers(z))
    x = np.random.default_rng(1).standard_normal((1_000_000, d))
    sample = erf(erf(x @ first.T) @ second.T) * normalised_hermite(3, x[:, :1])
    error = sample.std(0) / 1000
    assert (np.abs(found - sample.mean(0)) < 5 * error + 0.01 * np.abs(found)).all()


def test_mean_of_v_is_the_lazy_kernels_form():
    network = RandomNetwork(6, [200, 50], points=256, dtype=torch.float32)
    V = network.variance(normal(60, network.size, seed=3).float()).numpy().astype(float)
    exact = lazy_hermite_eigenvalue(3, 6, 2)
    # The mean kernel; a first layer of 200 neurons adds a few per cent.
    assert abs(V.mean() / exact - 1) < 5 * V.std() / V.mean() / np.sqrt(60) + 0.1


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: RandomNetwork(1, [3]), "d = 1"),
        (lambda: RandomNetwork(4, []), "widths"),
        (lambda: RandomNetwork(4, [3, 0]), r"widths\[1\] = 0"),
        (lambda: RandomNetwork(4, [3], degree=2), "degree = 2"),
        (lambda: RandomNetwork(4, [3], sigma_a2=0), "sigma_a2 = 0"),
        (lambda: RandomNetwork(4, [3, 3], points=100), "points = 100"),
        (lambda: input_rule(4, 3, 1, 0), "points = 1"),
        (lambda: input_rule(4, 3, 64, 0, nodes=5), "nodes = 5"),
    ],
)
def test_bad_arguments_are_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()
