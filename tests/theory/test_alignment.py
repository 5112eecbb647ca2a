"""The closed form of a neuron's alignment against quadrature, sympy, sampling and autograd."""

import numpy as np
import pytest
import sympy as sp
import torch
from scipy.special import erf

from featlearn.theory.alignment import alignment_constant, network_alignment, neuron_alignment
from featlearn.theory.gaussian import bivariate_expectation
from featlearn.theory.hermite import hermite, normalised_hermite

PAIRS = [(0.1, 1.0), (-0.6, 0.9), (1.0, 1.0), (1.3, 2.0)]


def by_quadrature(overlap, norm2, m):
    cov = [[norm2, overlap], [overlap, 1.0]]
    return bivariate_expectation(lambda u, z: erf(u) * normalised_hermite(m, z), cov, 140)


@pytest.mark.parametrize("m", [1, 3, 5, 7, 9])
@pytest.mark.parametrize("overlap, norm2", PAIRS)
def test_closed_form_is_the_quadrature(overlap, norm2, m):
    # The rule's own error is (2q / (1 + 2q))^140, below 3e-14 here; the rest is rounding.
    assert abs(neuron_alignment(overlap, norm2, m) - by_quadrature(overlap, norm2, m)) < 1e-11


def test_a_coefficient_one_per_cent_off_is_caught():
    wrong = 1.01 * neuron_alignment(0.6, 0.9, 3)
    assert abs(wrong - by_quadrature(0.6, 0.9, 3)) > 1e4 * 1e-11


@pytest.mark.parametrize("m", [1, 3, 5])
def test_closed_form_is_the_integral_by_sympy(m):
    # Another route than Stein: E[He_m(z) | u] = (mu / sqrt q)^m He_m(u / sqrt q), and
    # E[u^n erf(u)] from the derivatives in s of
    # E[exp(s u) erf(u)] = exp(s^2 q / 2) erf(s q / sqrt(1 + 2q)).
    mu, q, s, u = sp.symbols("mu q s u", positive=True)
    generating = sp.exp(s**2 * q / 2) * sp.erf(s * q / sp.sqrt(1 + 2 * q))
    powers = sp.Poly(sp.expand(hermite(m, u)), u).terms()
    mean = sum(c * sp.diff(generating, s, n).subs(s, 0) / sp.sqrt(q) ** n for (n,), c in powers)
    exact = (mu / sp.sqrt(q)) ** m * mean / sp.sqrt(sp.factorial(m))
    k = (m - 1) // 2
    constant = (
        (-1) ** k * 2 * sp.factorial(2 * k) / (sp.sqrt(sp.pi * sp.factorial(m)) * sp.factorial(k))
    )
    assert sp.simplify(exact - constant * (mu / sp.sqrt(1 + 2 * q)) ** m) == 0
    assert alignment_constant(m) == pytest.approx(float(constant), rel=1e-15)


@pytest.mark.parametrize("m", [1, 3, 5])
def test_closed_form_is_the_mean_over_sampled_inputs(m):
    rng = np.random.default_rng(m)
    d, samples = 6, 200_000
    w, target = rng.standard_normal((2, d)) / np.sqrt(d)
    target /= np.linalg.norm(target)
    w = 0.8 * target + 0.6 * (w - (w @ target) * target)
    x = rng.standard_normal((samples, d))
    values = erf(x @ w) * normalised_hermite(m, x @ target)
    error = values.std() / np.sqrt(samples)
    expected = neuron_alignment(w @ target, w @ w, m)
    assert abs(values.mean() - expected) < 5 * error
    if m <= 3:  # the test has power where the signal is far above its error
        assert abs(values.mean() - 1.2 * expected) > 5 * error


def test_network_sums_over_its_neurons():
    rng = np.random.default_rng(0)
    a, mu, rest = rng.standard_normal((3, 4, 7))
    f = network_alignment(a, mu, mu**2 + rest**2, 3)
    assert f.shape == (4,)
    one = sum(
        a[1, j] * neuron_alignment(mu[1, j], mu[1, j] ** 2 + rest[1, j] ** 2, 3) for j in range(7)
    )
    assert f[1] == pytest.approx(one)


@pytest.mark.parametrize("m", [1, 3, 5])
def test_tensors_agree_and_carry_gradients(m):
    mu = torch.tensor([-0.7, 0.0, 0.4], dtype=torch.float64, requires_grad=True)
    q = torch.tensor([0.9, 1.1, 1.4], dtype=torch.float64, requires_grad=True)
    value = neuron_alignment(mu, q, m)
    array = neuron_alignment(mu.detach().numpy(), q.detach().numpy(), m)
    np.testing.assert_allclose(value.detach().numpy(), array, rtol=1e-14)
    assert torch.autograd.gradcheck(lambda a, b: neuron_alignment(a, b, m), (mu, q))


@pytest.mark.parametrize("m", [1, 3, 5, 7])
def test_size_is_bounded_and_sign_is_odd(m):
    mu = np.array([0.5, 3.0, 1e3])
    g = neuron_alignment(mu, mu**2, m)
    bound = abs(alignment_constant(m)) * 2 ** (-m / 2)
    assert (abs(g) < bound).all() and abs(g[-1]) > 0.999 * bound
    np.testing.assert_array_equal(neuron_alignment(-mu, mu**2, m), -g)


def test_bad_arguments_are_named():
    for m in (0, 2, -1, 1.5, True):
        with pytest.raises(ValueError, match=f"degree = {m}"):
            neuron_alignment(0.1, 1.0, m)
    with pytest.raises(ValueError, match="norm2 = "):
        neuron_alignment(0.1, np.array([1.0, -0.1]), 3)
