"""The erf kernel against finite layers, and its quadratic form against two other integrals."""

import numpy as np
import pytest
from scipy.special import erf, roots_genlaguerre

from featlearn.theory.alignment import neuron_alignment
from featlearn.theory.gaussian import gauss_hermite
from featlearn.theory.hermite import normalised_hermite
from featlearn.theory.kernels import (
    asymptotic_hermite_eigenvalue,
    erf_kernel,
    hermite_eigenvalue,
)


def inputs(P, d, seed=0):
    return np.random.default_rng(seed).standard_normal((P, d))


def amplified(d, D):
    sigma = np.eye(d) / d
    sigma[0, 0] = D / d
    return sigma


@pytest.mark.parametrize("amplification", [1.0, 4.0])
def test_kernel_is_the_mean_over_a_finite_layer(amplification):
    X, X2 = inputs(5, 6), inputs(3, 6, 1)
    sigma = amplified(6, amplification)
    K = erf_kernel(X, X2, None if amplification == 1 else sigma)
    n = 100_000
    w = inputs(n, 6, 2) @ np.sqrt(sigma)
    products = erf(X @ w.T)[:, None] * erf(X2 @ w.T)[None]
    error = products.std(-1) / np.sqrt(n)
    assert K.shape == (5, 3)
    assert (abs(products.mean(-1) - K) < 5 * error).all()
    assert (abs(products.mean(-1) - 1.05 * K) > 5 * error).any()  # a planted 5 % is seen


def test_kernel_of_inputs_with_themselves():
    X = inputs(7, 4)
    K = erf_kernel(X)
    np.testing.assert_allclose(K, K.T, rtol=1e-14)
    np.testing.assert_allclose(K, erf_kernel(X, X, np.eye(4) / 4), rtol=1e-13)
    assert np.linalg.eigvalsh(K)[0] > 0
    assert (erf_kernel(1e6 * X).diagonal() < 1).all()


def two_dimensional(m, d, D):
    """E g(mu, mu^2 + r2)^2: Gauss-Hermite in mu, generalised Gauss-Laguerre in r2."""
    nodes, weights = gauss_hermite(150)
    r, w = roots_genlaguerre(100, (d - 3) / 2)
    mu = np.sqrt(D / d) * nodes[:, None]
    return weights @ neuron_alignment(mu, mu**2 + 2 * r / d, m) ** 2 @ (w / w.sum())


@pytest.mark.parametrize("m", [1, 3, 5])
@pytest.mark.parametrize("d, D", [(10, 1.0), (10, 3.0), (80, 1.0), (80, 10.0)])
def test_quadratic_form_is_the_two_dimensional_mean(m, d, D):
    assert hermite_eigenvalue(m, d, D) == pytest.approx(two_dimensional(m, d, D), rel=1e-9)


@pytest.mark.parametrize("m, D", [(1, 1.0), (3, 1.0), (3, 6.0)])
def test_quadratic_form_is_that_of_the_kernel(m, D):
    # <y, K, y> over independent pairs of inputs: one pair a sample.
    d, pairs = 3, 400_000
    x, x2 = inputs(pairs, d, 5), inputs(pairs, d, 6)
    sigma = amplified(d, D)
    left, right, cross = (
        np.einsum("pi,ij,pj->p", a, sigma, b) for a, b in ((x, x), (x2, x2), (x, x2))
    )
    K = 2 / np.pi * np.arcsin(2 * cross / np.sqrt((1 + 2 * left) * (1 + 2 * right)))
    np.testing.assert_allclose(K[:5], erf_kernel(x[:5], x2[:5], sigma).diagonal(), rtol=1e-12)
    values = K * normalised_hermite(m, x[:, 0]) * normalised_hermite(m, x2[:, 0])
    error = values.std() / np.sqrt(pairs)
    exact = hermite_eigenvalue(m, d, D)
    assert abs(values.mean() - exact) < 5 * error
    assert exact > 5 * error


@pytest.mark.parametrize("m", [1, 3, 5, 7])
@pytest.mark.parametrize("D", [1.0, 2.5])
def test_asymptotic_form_and_its_next_order(m, D):
    next_order = 2 * m / 3 + 4 * m * (m + 1) / 9 - (4 * m**2 + 2 * m) * D / 3
    for d in (10**4, 10**6):
        excess = d * (hermite_eigenvalue(m, d, D) / asymptotic_hermite_eigenvalue(m, d, D) - 1)
        assert excess == pytest.approx(next_order, rel=100 * m**2 * D / d + 1e-5)


def test_amplification_gains_its_power_while_small():
    d = 10**6  # claim (ii): the corrections are of order m^2 D / d
    for m in (1, 3, 5):
        gain = hermite_eigenvalue(m, d, 100.0) / hermite_eigenvalue(m, d)
        assert gain == pytest.approx(100.0**m, rel=2 * m**2 * 100 / d)
    assert hermite_eigenvalue(3, 100, 1e4) < 0.1 * 1e12 * hermite_eigenvalue(3, 100)  # saturated


def test_one_dimension_and_extreme_amplification():
    nodes, weights = gauss_hermite(150)
    assert hermite_eigenvalue(1, 1) == pytest.approx(
        weights @ neuron_alignment(nodes, nodes**2, 1) ** 2
    )
    bound = neuron_alignment(1e8, 1e16, 3) ** 2
    assert hermite_eigenvalue(3, 20, 1e12) == pytest.approx(bound, rel=1e-4)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: hermite_eigenvalue(2, 10), "degree = 2"),
        (lambda: hermite_eigenvalue(3, 0), "d = 0"),
        (lambda: hermite_eigenvalue(3, 10, -1.0), "amplification = -1.0"),
        (lambda: asymptotic_hermite_eigenvalue(3, 2.5), "d = 2.5"),
        (lambda: erf_kernel(np.ones(3)), "X has shape"),
        (lambda: erf_kernel(np.ones((2, 3)), np.ones((2, 4))), "X2 has shape"),
        (
            lambda: erf_kernel(np.ones((2, 3)), weight_covariance=np.eye(2)),
            "weight_covariance has shape",
        ),
        (
            lambda: erf_kernel(np.ones((2, 2)), weight_covariance=[[1, 0.5], [0, 1]]),
            "not symmetric",
        ),
        (
            lambda: erf_kernel(np.ones((2, 2)), weight_covariance=np.diag([1, -1])),
            "eigenvalue -1",
        ),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
