"""The density of a random network's alignment: Monte Carlo, normalisation, other contours."""

import numpy as np
import pytest

from featlearn.theory import large_deviations
from featlearn.theory.alignment import network_alignment
from featlearn.theory.large_deviations import log_alignment_density, saddle_point_log_density

THRESHOLD = 5.0  # standard errors


def prior_alignments(d, N, degree, sigma_a2, n, seed):
    rng = np.random.default_rng(seed)
    w = rng.standard_normal((n, N, d)) / d**0.5
    a = rng.standard_normal((n, N)) * (sigma_a2 / N) ** 0.5
    return network_alignment(a, w[..., 0], (w**2).sum(-1), degree)


@pytest.mark.parametrize("d, N, degree, sigma_a2", [(5, 12, 3, 1.0), (6, 8, 1, 2.0)])
def test_density_is_the_histogram_of_random_networks(d, N, degree, sigma_a2):
    sample = np.abs(prior_alignments(d, N, degree, sigma_a2, 400_000, 0))
    for quantile in (0.5, 0.9, 0.99):
        low = np.quantile(sample, quantile)
        high = low + 0.05 * low
        x, w = np.polynomial.legendre.leggauss(5)
        nodes = (low + high) / 2 + (high - low) / 2 * x
        density = [np.exp(log_alignment_density(v, d, N, degree, sigma_a2)) for v in nodes]
        expected = 2 * (high - low) / 2 * (w @ density)  # both signs
        share = ((sample > low) & (sample < high)).mean()
        error = np.sqrt(share * (1 - share) / len(sample))
        assert abs(share - expected) < THRESHOLD * error


def test_density_is_normalised():
    y = np.linspace(np.log(1e-5), np.log(3.0), 300)
    density = [np.exp(log_alignment_density(v, 6, 20)) for v in np.exp(y)]
    total = 2 * (np.exp(y) * density).sum() * (y[1] - y[0])
    assert total == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("alpha, d, N", [(1.0, 40, 40), (0.2, 20, 80)])
def test_any_contour_gives_the_same(monkeypatch, alpha, d, N):
    at_saddle = log_alignment_density(alpha, d, N)
    original = large_deviations.tilt_for_alignment
    for factor in (0.99, 1.01):
        monkeypatch.setattr(
            large_deviations, "tilt_for_alignment", lambda *a, f=factor: f * original(*a)
        )
        assert log_alignment_density(alpha, d, N) == pytest.approx(at_saddle, abs=1e-3)


def test_saddle_point_is_close_when_many_neurons_carry_the_alignment():
    for d, N in ((20, 320), (10, 1000)):
        exact = log_alignment_density(1.0, d, N)
        assert saddle_point_log_density(1.0, d, N) == pytest.approx(exact, abs=0.05)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="alignment = -1"):
        log_alignment_density(-1, 10, 20)
    with pytest.raises(ValueError, match="N = 1"):
        log_alignment_density(1.0, 10, 1)
