"""Polynomials against sympy and their orthogonality; quadrature against exact moments."""

import numpy as np
import pytest
import sympy as sp
import torch
from scipy.special import erf

from featlearn.theory.gaussian import bivariate_expectation, expectation, gauss_hermite
from featlearn.theory.hermite import hermite, normalised_hermite

x = sp.Symbol("x")


@pytest.mark.parametrize("m", range(10))
def test_polynomial_is_the_derivative_of_the_gaussian(m):
    weight = sp.exp(-(x**2) / 2)
    defined = sp.expand((-1) ** m * sp.simplify(sp.diff(weight, x, m) / weight))
    polynomial = sp.expand(hermite(m, x))
    assert polynomial == defined
    assert all(c.is_Integer for c in sp.Poly(polynomial, x).all_coeffs())


def test_normalised_polynomials_are_orthonormal():
    def basis(z):
        return np.array([normalised_hermite(k, z) for k in range(8)])

    gram = expectation(lambda z: basis(z)[:, None] * basis(z)[None], 20)
    np.testing.assert_allclose(gram, np.eye(8), atol=1e-12)


def test_tensors_keep_dtype_and_gradient():
    z = torch.linspace(-2, 2, 9, dtype=torch.float64, requires_grad=True)
    value = hermite(5, z)
    (gradient,) = torch.autograd.grad(value.sum(), z)
    torch.testing.assert_close(gradient, 5 * hermite(4, z))
    assert hermite(3, z.detach().float()).dtype == torch.float32
    assert hermite(0, z).shape == z.shape


def test_rule_is_exact_for_polynomials_of_twice_the_order():
    nodes, weights = gauss_hermite(12)
    for k in range(24):
        exact = 0 if k % 2 else sp.factorial2(k - 1)
        scale = float(sp.factorial2(k if k % 2 else k - 1))
        assert abs(weights @ nodes**k - float(exact)) < 1e-12 * max(scale, 1)
    high = nodes**24 @ weights
    assert abs(high / float(sp.factorial2(23)) - 1) > 1e-4  # the first one that it misses
    assert not nodes.flags.writeable


def test_expectations_of_error_functions():
    # E erf(b x + c) = erf(c / sqrt(1 + 2 b^2)); orthant formula for a product of two.
    value = expectation(lambda z: erf(0.7 * z + 0.4))
    assert abs(value - erf(0.4 / np.sqrt(1 + 2 * 0.49))) < 1e-13
    cov = np.array([[0.9, 0.5], [0.5, 1.2]])
    exact = 2 / np.pi * np.arcsin(2 * 0.5 / np.sqrt((1 + 1.8) * (1 + 2.4)))
    assert abs(bivariate_expectation(lambda u, z: erf(u) * erf(z), cov) - exact) < 1e-12
    assert bivariate_expectation(lambda u, z: u**2 * z**2, cov, 4) == pytest.approx(0.9 * 1.2 + 0.5)
    assert expectation(lambda z: np.stack([z**2, z**4]), 5) == pytest.approx([1, 3])
    assert expectation(lambda z: 2.5) == pytest.approx(2.5)  # a constant


def test_degenerate_covariances():
    assert bivariate_expectation(lambda u, z: u * z, [[4.0, 2.0], [2.0, 1.0]]) == pytest.approx(2)
    assert bivariate_expectation(lambda u, z: u**2 + z, [[4.0, 0.0], [0.0, 0.0]]) == pytest.approx(
        4
    )


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: hermite(-1, 0.0), "degree = -1"),
        (lambda: normalised_hermite(1.5, 0.0), "degree = 1.5"),
        (lambda: gauss_hermite(0), "order = 0"),
        (lambda: bivariate_expectation(min, [[1, 2], [2, 1]]), "cov = .*semidefinite"),
        (lambda: bivariate_expectation(min, [[1, 0.1], [0.2, 1]]), "cov = .*symmetric"),
        (lambda: bivariate_expectation(min, np.eye(3)), "cov = (.|\\n)*symmetric"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
