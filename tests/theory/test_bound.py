"""The bound of eqs. (4) and (5): its numbers by Monte Carlo, and that it is one."""

import numpy as np
import pytest
from scipy.special import erf, logsumexp

from featlearn.theory.alignment import network_alignment
from featlearn.theory.bound import (
    expected_mean_squared_error,
    least_training_size,
    log_evidence,
    log_posterior_bound,
    mean_squared_error,
)
from featlearn.theory.hermite import normalised_hermite
from featlearn.theory.large_deviations import log_tail_probability

THRESHOLD = 5.0  # standard errors


def training_set(d, P, seed):
    x = np.random.default_rng(seed).standard_normal((P, d))
    return x, normalised_hermite(3, x[:, 0])


def random_networks(x, N, n, seed, sigma_a2=1.0):
    """Outputs (n, P) and alignments (n,) of prior networks."""
    rng = np.random.default_rng(seed)
    d = x.shape[1]
    w = rng.standard_normal((n, N, d)) / d**0.5
    a = rng.standard_normal((n, N)) * (sigma_a2 / N) ** 0.5
    f = np.einsum("bn,bnp->bp", a, erf(w @ x.T))
    return f, network_alignment(a, w[..., 0], (w**2).sum(-1), 3)


@pytest.mark.parametrize("N, sigma_a2", [(1, 1.0), (7, 3.0)])
def test_mean_squared_error_is_that_of_random_networks(N, sigma_a2):
    x, y = training_set(5, 9, 0)
    f, _ = random_networks(x, N, 40_000, 1, sigma_a2)
    errors = ((f - y) ** 2).mean(1)
    expected = mean_squared_error(x, y, sigma_a2)
    assert abs(errors.mean() - expected) < THRESHOLD * errors.std() / len(errors) ** 0.5


@pytest.mark.parametrize("d", [1, 2, 6, 50])
def test_its_mean_over_training_sets(d):
    rng = np.random.default_rng(2)
    q = (rng.standard_normal((200_000, d)) ** 2).mean(1)
    sample = 1 + 2.0 * 2 / np.pi * np.arcsin(2 * q / (1 + 2 * q))
    error = sample.std() / len(sample) ** 0.5
    assert abs(expected_mean_squared_error(d, 2.0) - sample.mean()) < THRESHOLD * error


def test_its_limit():
    limit = 1 + 2 / np.pi * np.arcsin(2 / 3)
    assert expected_mean_squared_error(np.inf) == pytest.approx(limit, rel=1e-12)
    assert expected_mean_squared_error(10**5) == pytest.approx(limit, abs=1e-5)


@pytest.mark.parametrize("sigma_a2", [1.0, 3.0])
def test_evidence_is_that_of_wide_random_networks(sigma_a2):
    """Gaussian outputs: the mean of the likelihood over draws of the kernel's Gaussian process."""
    x, y = training_set(3, 4, 4)
    kappa = 0.8
    n = 40_000
    f, _ = random_networks(x, 100, n, 4, sigma_a2)
    log_l = -((f - y) ** 2).sum(1) / (2 * kappa)
    likelihood = np.exp(log_l)
    error = likelihood.std() / likelihood.mean() / n**0.5
    sampled = logsumexp(log_l) - np.log(n)
    # Networks of width 100 differ from the limit by about 1/100.
    assert abs(sampled - log_evidence(x, y, kappa, sigma_a2)) < THRESHOLD * error + 0.01


@pytest.mark.parametrize("kappa", [0.05, 0.3, 3.0])
def test_jensen_takes_the_evidence_at_its_worst(kappa):
    for seed, P in ((0, 3), (1, 30)):
        x, y = training_set(8, P, seed)
        assert 0 < -log_evidence(x, y, kappa) < P * mean_squared_error(x, y) / (2 * kappa)


def test_jensen_is_sharp_for_a_large_ridge():
    x, y = training_set(8, 20, 0)
    kappa = 1e4
    ratio = -log_evidence(x, y, kappa) / (20 * mean_squared_error(x, y) / (2 * kappa))
    assert 0.995 < ratio < 1


def test_the_bound_holds_for_networks_that_can_be_weighted_one_by_one():
    """Small enough for importance sampling from the prior: eq. (4) with its three terms."""
    d, N, alpha = 3, 4, 0.1
    x, y = training_set(d, 6, 5)
    f, A = random_networks(x, N, 200_000, 6)
    loss = ((f - y) ** 2).sum(1)
    for kappa in (0.3, 1.0, 5.0):
        log_l = -loss / (2 * kappa)
        log_z = logsumexp(log_l) - np.log(len(A))
        found = logsumexp(log_l[alpha <= A]) - np.log(len(A)) - log_z
        k = mean_squared_error(x, y)
        assert found < log_posterior_bound(alpha, d, N, 6, kappa, k)
        assert found < log_tail_probability(alpha, d, N) - log_z + 0.1


def test_least_training_size_is_where_the_bound_is_zero():
    size = least_training_size(1.0, 20, 30, 0.2, k=1.4)
    low, high = (log_posterior_bound(1.0, 20, 30, int(P), 0.2, 1.4) for P in (size, size + 1))
    assert low <= 0 < high
    assert least_training_size(1.0, 20, 30, 0.4, k=1.4) == pytest.approx(2 * size)


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: mean_squared_error(np.zeros(3), np.zeros(3)), "x has shape"),
        (lambda: mean_squared_error(np.zeros((0, 3)), np.zeros(0)), "P > 0"),
        (lambda: log_evidence(np.zeros((2, 3)), np.zeros(3), 0.1), "y \\(3,\\)"),
        (lambda: log_evidence(np.zeros((2, 3)), np.zeros(2), 0.0), "kappa = 0.0"),
        (lambda: mean_squared_error(np.ones((2, 3)), np.ones(2), -1), "sigma_a2 = -1"),
        (lambda: expected_mean_squared_error(0), "d = 0"),
        (lambda: log_posterior_bound(1.0, 5, 5, -1, 0.1), "P = -1"),
        (lambda: log_posterior_bound(1.0, 5, 5, 2, -0.1), "kappa = -0.1"),
        (lambda: log_posterior_bound(0.0, 5, 5, 2, 0.1), "alpha = 0.0"),
        (lambda: least_training_size(1.0, 5, 5, 0.1, k=0), "k = 0"),
    ],
)
def test_bad_arguments_are_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()
