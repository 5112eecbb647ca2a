"""Lazy layers: closed forms, an independent route, and Monte Carlo."""

import numpy as np
import pytest

from featlearn.theory import deep_kernels
from featlearn.theory.deep_kernels import lazy_hermite_eigenvalue, lazy_kernel, lazy_layer
from featlearn.theory.hermite import normalised_hermite
from featlearn.theory.kernels import erf_kernel, hermite_eigenvalue

THRESHOLD = 5.0  # standard errors


def inner_products(x, x2):
    d = x.shape[-1]
    return (x * x2).sum(-1) / d, (x * x).sum(-1) / d, (x2 * x2).sum(-1) / d


@pytest.mark.parametrize("degree", [1, 3, 5])
@pytest.mark.parametrize("d", [10, 60, 1000])
def test_one_layer_is_the_closed_form(degree, d):
    expected = hermite_eigenvalue(degree, d)
    assert lazy_hermite_eigenvalue(degree, d, 1) == pytest.approx(expected, rel=2e-8)


def test_no_layer_is_the_linear_kernel():
    assert lazy_hermite_eigenvalue(1, 7, 0) == pytest.approx(1 / 7)
    assert abs(lazy_hermite_eigenvalue(3, 7, 0)) < 1e-15
    assert abs(lazy_hermite_eigenvalue(2, 7, 3)) < 1e-15  # the kernels are odd


def test_one_layer_is_the_kernel_of_wide_networks():
    x = np.random.default_rng(0).standard_normal((6, 4))
    K = lazy_kernel(1, *inner_products(x[:, None], x[None]))
    np.testing.assert_allclose(K, erf_kernel(x), rtol=1e-13)


def test_two_layers_are_what_random_networks_have():
    """Wide first layer in closed form, then the mean over second-layer pre-activations."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((2, 5))
    h = rng.multivariate_normal([0, 0], 1.7 * erf_kernel(x), size=400_000)
    from scipy.special import erf

    sample = erf(h[:, 0]) * erf(h[:, 1])
    found = lazy_kernel(2, *inner_products(x[0], x[1]), weight_variance=1.7)
    error = sample.std() / len(sample) ** 0.5
    assert abs(sample.mean() - found) < THRESHOLD * error


@pytest.mark.parametrize("degree, layers", [(1, 2), (3, 2), (3, 3)])
def test_quadratic_form_is_the_mean_over_pairs_of_inputs(degree, layers):
    rng = np.random.default_rng(2)
    x, x2 = rng.standard_normal((2, 1_000_000, 4))
    K = lazy_kernel(layers, *inner_products(x, x2))
    sample = normalised_hermite(degree, x[:, 0]) * K * normalised_hermite(degree, x2[:, 0])
    found = lazy_hermite_eigenvalue(degree, 4, layers)
    assert abs(sample.mean() - found) < THRESHOLD * sample.std() / 1000
    assert found > THRESHOLD * sample.std() / 1000  # the comparison has power


@pytest.mark.parametrize("degree, layers", [(1, 2), (3, 2), (1, 3)])
def test_weight_variance_reaches_the_quadratic_form(degree, layers):
    rng, variance = np.random.default_rng(4), 6.0
    x, x2 = rng.standard_normal((2, 1_000_000, 4))
    K = lazy_kernel(layers, *inner_products(x, x2), weight_variance=variance)
    sample = normalised_hermite(degree, x[:, 0]) * K * normalised_hermite(degree, x2[:, 0])
    found = lazy_hermite_eigenvalue(degree, 4, layers, weight_variance=variance)
    error = sample.std() / 1000
    assert abs(sample.mean() - found) < THRESHOLD * error
    # The comparison has power, and one layer has no such factor.
    assert abs(found - lazy_hermite_eigenvalue(degree, 4, layers)) > 1.5 * THRESHOLD * error
    assert lazy_hermite_eigenvalue(degree, 4, 1, variance) == lazy_hermite_eigenvalue(degree, 4, 1)


def test_more_points_change_nothing(monkeypatch):
    before = lazy_hermite_eigenvalue(5, 30, 3)
    monkeypatch.setattr(deep_kernels, "ANGLES", 128)
    monkeypatch.setattr(deep_kernels, "RADII", 48)
    assert lazy_hermite_eigenvalue(5, 30, 3) == pytest.approx(before, rel=1e-7)


def test_layer_of_unit_norm():
    assert lazy_layer(-0.3, 1.0, 1.0) == pytest.approx(-lazy_layer(0.3, 1.0, 1.0))


@pytest.mark.parametrize(
    "arguments, name",
    [
        ((3, 2, 1), "d = 2"),
        ((0, 9, 1), "degree = 0"),
        ((3, 9, -1), "layers = -1"),
        ((3, 9.5, 1), "d = 9.5"),
        ((3, 9, 1, 0.0), "weight_variance = 0.0"),
    ],
)
def test_bad_arguments_are_named(arguments, name):
    with pytest.raises(ValueError, match=name):
        lazy_hermite_eigenvalue(*arguments)
