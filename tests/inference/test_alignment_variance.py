"""Random networks of any depth: gradients, and the alignment against plain Monte Carlo."""

import numpy as np
import pytest
import torch
from scipy.special import erf

from featlearn.inference.alignment_variance import AlignmentVariance
from featlearn.inference.input_rule import alignments, input_rule
from featlearn.inference.network import Network
from featlearn.theory.deep_kernels import lazy_hermite_eigenvalue
from featlearn.theory.gaussian import bivariate_expectation
from featlearn.theory.hermite import normalised_hermite
from tests.inference.cases import generator
from tests.inference.gradients import largest_gradient_error


def variance_of(d, widths, degree=3, sigma_a2=1.0, points=256, dtype=torch.float64, **settings):
    network = Network(d, widths, degree=degree, sigma_a2=sigma_a2, **settings)
    rule = input_rule(d, degree, points, dtype=dtype) if len(widths) > 1 else None
    return AlignmentVariance(network, rule)


@pytest.mark.parametrize("widths, degree", [([5], 3), ([5], 1), ([6, 4], 3), ([3, 4, 2], 3)])
@pytest.mark.parametrize("scaling", ["standard", "mean-field"])
def test_coded_gradient_is_the_automatic_one(widths, degree, scaling):
    target = variance_of(4, widths, degree, 1.7, points=32, scaling=scaling)
    z = target.network.prior(3, generator()).requires_grad_(True)
    value, gradient = target.statistic_and_gradient(z.detach())
    torch.testing.assert_close(value, target.statistic(z).detach())
    (automatic,) = torch.autograd.grad(target.statistic(z).sum(), z)
    torch.testing.assert_close(gradient, automatic, rtol=1e-9, atol=1e-14)
    assert largest_gradient_error(target, z.detach()) < 1e-10


@pytest.mark.parametrize("with_rule", [False, True])
def test_variance_is_the_sum_of_squared_alignments(with_rule):
    """V of two layers by the closed form, and by the rule."""
    network = Network(4, [3], sigma_a2=1.7)
    target = AlignmentVariance(network, input_rule(4, 3, 4096) if with_rule else None)
    z = 1.5 * network.prior(1, generator())
    (w,) = (w[0].numpy() for w in network.layers(z))
    g = [
        bivariate_expectation(
            lambda u, v: erf(u) * normalised_hermite(3, v), [[row @ row, row[0]], [row[0], 1]], 100
        )
        for row in w
    ]
    exact = 1.7 / 3 * np.sum(np.square(g))
    assert float(target.statistic(z)) == pytest.approx(exact, rel=0.01 if with_rule else 1e-6)


def test_the_readout_has_variance_v_over_networks():
    """V is the variance of sum_j a_j g_j over the prior readout."""
    network = Network(4, [5], sigma_a2=1.7)
    z = network.prior(1, generator())
    layers = network.layers(z)
    g = alignments(layers, input_rule(4, 3, 4096))[0]
    a = network.readout_variance**0.5 * torch.randn(
        200_000, 5, generator=generator(1), dtype=g.dtype
    )
    V = float(AlignmentVariance(network).statistic(z))
    assert float((a @ g).var()) / V == pytest.approx(1, abs=0.01 + 5 * (2 / 200_000) ** 0.5)


def test_many_networks_in_chunks_are_the_same_as_one_by_one():
    target = variance_of(4, [40, 40])
    z = target.network.prior(20, generator())
    together, values = target.statistic_and_gradient(z), target.statistic(z)
    assert len(target.rule.x) * 40 * 20 > 1 << 18  # they don't fit at once
    for i in (0, 19):
        alone = target.statistic_and_gradient(z[i : i + 1])
        torch.testing.assert_close(together[0][i], alone[0][0])
        torch.testing.assert_close(together[1][i], alone[1][0])
        torch.testing.assert_close(values[i], alone[0][0])


def test_a_deep_network_has_a_rule_by_default():
    network = Network(4, [3, 2], degree=5)
    z = network.prior(2, generator())
    explicit = AlignmentVariance(network, input_rule(4, 5)).statistic(z)
    torch.testing.assert_close(AlignmentVariance(network).statistic(z), explicit)


def test_the_rule_integrates_one_hidden_layer():
    """A neuron's alignment by the rule, against quadrature of its two Gaussians."""
    rule = input_rule(6, 3, 4096, 0)
    w = torch.randn(1, 6, generator=generator(), dtype=torch.float64)[0] / 2
    overlap, norm2 = float(w[0]), float(w @ w)
    found = float(rule.coefficient @ torch.erf(rule.x @ w))
    exact = bivariate_expectation(
        lambda u, z: erf(u) * normalised_hermite(3, z), [[norm2, overlap], [overlap, 1.0]], 100
    )
    assert found == pytest.approx(exact, rel=0.01)


def test_two_hidden_layers_against_plain_monte_carlo():
    d, widths = 5, [4, 3]
    network = Network(d, widths)
    z = 2 * network.prior(1, generator())  # larger weights, stronger cubic parts
    found = alignments(network.layers(z), input_rule(d, 3, 4096))[0].numpy()
    first, second = (w[0].numpy() for w in network.layers(z))
    x = np.random.default_rng(1).standard_normal((1_000_000, d))
    sample = erf(erf(x @ first.T) @ second.T) * normalised_hermite(3, x[:, :1])
    error = sample.std(0) / 1000
    assert (np.abs(found - sample.mean(0)) < 5 * error + 0.01 * np.abs(found)).all()


def test_mean_of_v_is_the_lazy_kernels_form():
    target = variance_of(6, [200, 50], dtype=torch.float32)
    z = target.network.prior(60, generator(3)).float()
    V = target.statistic(z).numpy().astype(float)
    exact = lazy_hermite_eigenvalue(3, 6, 2)
    # The mean kernel; a first layer of 200 neurons adds a few per cent.
    assert abs(V.mean() / exact - 1) < 5 * V.std() / V.mean() / np.sqrt(60) + 0.1


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: AlignmentVariance(Network(4, [3], patches=2)), r"network.patches = 2"),
        (lambda: input_rule(1, 3), "d = 1"),
        (lambda: input_rule(2.5, 3), "d = 2.5"),
        (lambda: input_rule(4, 2), "degree = 2"),
        (lambda: input_rule(4, 3, 100), "points = 100"),
        (lambda: input_rule(4, 3, 1, 0), "points = 1"),
        (lambda: input_rule(4, 3, 64, 0, nodes=5), "nodes = 5"),
        (lambda: input_rule(4, 3, 64, 0, nodes=0), "nodes = 0"),
    ],
)
def test_bad_arguments_are_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()
