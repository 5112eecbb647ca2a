"""The density and the tail of a random network's alignment, by routes that share little."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import logsumexp

from featlearn.theory import importance_sampling, large_deviations, variance_law
from featlearn.theory.alignment import alignment_constant, network_alignment
from featlearn.theory.importance_sampling import sampled_log_tail, tilted_variances
from featlearn.theory.kernels import hermite_eigenvalue
from featlearn.theory.large_deviations import (
    log_alignment_density,
    log_tail_probability,
    saddle_point_log_density,
    saddle_point_log_tail,
)
from featlearn.theory.neuron_law import NeuronLaw, tilt_for_alignment
from featlearn.theory.variance_law import log_mean

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


@pytest.mark.parametrize(
    "d, N, degree, sigma_a2",
    [(3, 1, 3, 1.0), (6, 2, 3, 1.0), (6, 12, 3, 0.5), (4, 3, 1, 2.0), (5, 5, 5, 1.0), (2, 1, 1, 1)],
)
def test_tail_is_that_of_random_networks(d, N, degree, sigma_a2):
    sample = prior_alignments(d, N, degree, sigma_a2, 400_000, 1)
    for quantile in (0.52, 0.9, 0.999):
        alpha = np.quantile(np.abs(sample), quantile)
        share = (np.abs(sample) >= alpha).mean() / 2  # the sign of the readout is even
        expected = np.exp(log_tail_probability(alpha, d, N, degree, sigma_a2))
        error = np.sqrt(expected / len(sample) / 2)
        assert abs(share - expected) < THRESHOLD * error


@pytest.mark.parametrize(
    "alpha, d, N, degree",
    [
        (1, 20, 20, 3),
        (1, 40, 640, 3),
        (1, 80, 10, 3),
        (1, 300, 300, 3),
        (2, 10, 50, 1),
        (1, 15, 15, 5),
        (0.05, 80, 80, 3),
        (0.37, 60, 3, 5),
        (0.5, 90, 90, 3),
    ],
)
def test_tail_is_that_of_importance_sampling(alpha, d, N, degree):
    found = sampled_log_tail(alpha, d, N, degree, rng=np.random.default_rng(2))
    exact = log_tail_probability(alpha, d, N, degree)
    assert found.relative_error < 0.05
    assert abs(found.log_probability - exact) < THRESHOLD * found.relative_error


def test_tilted_networks_have_the_alignment():
    tilt, V = tilted_variances(0.8, 15, 30, draws=20_000, rng=np.random.default_rng(3))
    assert abs(tilt * V.mean() - 0.8) < THRESHOLD * tilt * V.std() / np.sqrt(len(V))


def test_density_is_minus_the_derivative_of_the_tail():
    for alpha, d, N in ((1.0, 30, 30), (0.05, 10, 20), (0.2, 40, 1)):
        step = 1e-4 * alpha
        high, low = (np.exp(log_tail_probability(alpha + s, d, N)) for s in (-step, step))
        density = np.exp(log_alignment_density(alpha, d, N))
        assert (high - low) / (2 * step) == pytest.approx(density, rel=1e-5)


def test_density_is_normalised():
    y = np.linspace(np.log(1e-5), np.log(3.0), 300)
    density = [np.exp(log_alignment_density(v, 6, 20)) for v in np.exp(y)]
    total = 2 * (np.exp(y) * density).sum() * (y[1] - y[0])
    assert total == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("alpha, d, N", [(1.0, 40, 40), (0.2, 20, 80)])
def test_any_contour_gives_the_same(monkeypatch, alpha, d, N):
    at_saddle = log_tail_probability(alpha, d, N)
    original = large_deviations.tilt_for_alignment
    for factor in (0.99, 1.01):
        monkeypatch.setattr(
            large_deviations, "tilt_for_alignment", lambda *a, f=factor: f * original(*a)
        )
        assert log_tail_probability(alpha, d, N) == pytest.approx(at_saddle, abs=1e-6)


@pytest.mark.parametrize("alpha, d, N", [(0.1, 6, 1), (0.1, 8, 12), (0.02, 20, 20)])
def test_all_routes_meet(monkeypatch, alpha, d, N):
    """The real axis, the bent path and the straight line, where each can be used."""
    found = []
    for shallow, deep in ((20.0, 20.0), (0.0, 1e9), (0.0, 0.0)):
        monkeypatch.setattr(large_deviations, "SHALLOW", shallow)
        monkeypatch.setattr(large_deviations, "DEEP", deep)
        found.append((log_tail_probability(alpha, d, N), log_alignment_density(alpha, d, N)))
    assert found[1] == pytest.approx(found[0], abs=1e-6)
    assert found[2] == pytest.approx(found[0], abs=1e-6)


def test_tail_is_gaussian_for_many_neurons_and_small_alignments():
    d, N = 5, 10**6
    sd = np.sqrt(hermite_eigenvalue(3, d))
    for z in (0.01, 1.0, 1.9, 2.1, 4.0):
        expected = stats.norm.logsf(z)
        assert log_tail_probability(z * sd, d, N) == pytest.approx(expected, abs=2e-3)


sizes = st.integers(2, 40)
fixed = settings(deadline=None, derandomize=True, max_examples=25)


@fixed
@given(st.floats(-6, 1.5), st.floats(0.01, 1), sizes, st.integers(1, 60), st.sampled_from([1, 3]))
def test_tail_falls_with_the_alignment(log_alpha, step, d, N, degree):
    low, high = np.exp(log_alpha), np.exp(log_alpha + step)
    tails = [log_tail_probability(a, d, N, degree) for a in (low, high)]
    assert np.log(0.5) > tails[0] > tails[1]


@fixed
@given(st.floats(0.1, 3), sizes, st.integers(1, 80), st.floats(0.1, 10))
def test_only_alpha_over_sigma_matters(alpha, d, N, sigma_a2):
    scaled = log_tail_probability(alpha * sigma_a2**0.5, d, N, 3, sigma_a2)
    assert scaled == pytest.approx(log_tail_probability(alpha, d, N), rel=1e-7, abs=1e-6)


def test_deep_tails_are_quick_and_finite():
    started = time.perf_counter()
    deep = log_tail_probability(1.0, 3800, 3800)
    assert -31_000 < deep < -30_000
    assert time.perf_counter() - started < 2


def test_saddle_point_is_close_when_many_neurons_carry_the_alignment():
    for d, N in ((20, 320), (10, 1000)):
        exact = log_alignment_density(1.0, d, N)
        assert saddle_point_log_density(1.0, d, N) == pytest.approx(exact, abs=0.05)
        tail = log_tail_probability(1.0, d, N)
        assert saddle_point_log_tail(1.0, d, N) == pytest.approx(tail, abs=0.05)


@pytest.mark.parametrize(
    "arguments, said",
    [
        ((-1, 10, 20), "alpha = -1"),
        ((0, 10, 20), "alpha = 0"),
        ((np.nan, 10, 20), "alpha = nan"),
        ((1, 1, 20), "d = 1"),
        ((1, 10, 0), "N = 0"),
        ((1, 10, 2.5), "N = 2.5"),
        ((1, 10, 20, 2), "degree = 2"),
        ((1, 10, 20, 3, -1.0), "sigma_a2 = -1"),
    ],
)
@pytest.mark.parametrize("function", [log_tail_probability, log_alignment_density])
def test_bad_arguments_are_named(function, arguments, said):
    with pytest.raises(ValueError, match=said):
        function(*arguments)


BETWEEN = [
    (0.05, 80, 80, 3),
    (0.5, 320, 320, 3),
    (0.03, 1000, 1000, 3),
    (0.37, 60, 3, 5),
    (1, 160, 2, 3),
]


@pytest.mark.parametrize("alpha, d, N, degree", BETWEEN)
def test_no_tilt_singles_out_an_alignment_between_two_condensates(alpha, d, N, degree):
    """Still finite, quick, falling, and between the two neighbours that a tilt singles out."""
    started = time.perf_counter()
    tails = [log_tail_probability(a, d, N, degree) for a in (0.98 * alpha, alpha, 1.02 * alpha)]
    assert time.perf_counter() - started < 6
    assert tails[0] > tails[1] > tails[2]
    slope = (tails[0] - tails[2]) / (0.04 * alpha)
    density = log_alignment_density(alpha, d, N, degree) - tails[1]
    assert np.log(slope) == pytest.approx(density, abs=0.05)


@pytest.mark.parametrize(
    "alpha, d, N, degree",
    [
        (1, 20, 20, 3),
        (0.1, 20, 20, 3),
        (0.05, 40, 40, 3),
        (1, 160, 160, 3),
        (0.3, 12, 90, 5),
        (1, 9, 9, 1),
    ],
)
def test_direct_convolution_gives_the_same(alpha, d, N, degree):
    tilt = tilt_for_alignment(alpha, d, N, degree)
    found, error = log_mean(lambda V: stats.norm.logsf(alpha / np.sqrt(V)), tilt, d, N, degree)
    assert found == pytest.approx(log_tail_probability(alpha, d, N, degree), abs=1e-3)
    assert error < 5e-3


@pytest.mark.parametrize("alpha, d", [(0.03, 3800), (0.1, 3800), (0.03, 1000)])
def test_one_condensed_neuron_by_a_single_integral(alpha, d):
    """One neuron far out and the mean variance of the others: exact up to small corrections."""
    v = np.linspace(0, 4, 100_001)
    log_p, g2 = NeuronLaw(d, d, 0.0).combined(v)
    log_p -= logsumexp(log_p)
    far = v > 0.1
    V = alignment_constant(3) ** 2 / d * g2[far] + hermite_eigenvalue(3, d)
    expected = np.log(d) + logsumexp(log_p[far] + stats.norm.logsf(alpha / np.sqrt(V)))
    assert log_tail_probability(alpha, d, d) == pytest.approx(expected, abs=0.02)


def test_a_nearby_tilt_serves_the_convolution_as_well():
    tilt = tilt_for_alignment(0.5, 320, 320)

    def log_given(V):
        return stats.norm.logsf(0.5 / np.sqrt(V))

    found = [log_mean(log_given, f * tilt, 320, 320)[0] for f in (0.999, 1.0, 1.002)]
    assert np.ptp(found) < 5e-3


def test_one_neuron_needs_no_tilt():
    assert -71 < log_tail_probability(0.37, 60, 1, 5) < -70.9
    # Two neurons are hardly less likely than one that has their readout's variance.
    one, two = (log_tail_probability(1.0, 160, N) for N in (1, 2))
    assert two < one


def test_finer_grids_give_the_same():
    tilt = tilt_for_alignment(0.5, 320, 320)
    arguments = lambda V: stats.norm.logsf(0.5 / np.sqrt(V)), tilt, 320, 320  # noqa: E731
    coarse, _ = log_mean(*arguments)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(variance_law, "POINTS", 6400)
        fine, _ = log_mean(*arguments)
    assert coarse == pytest.approx(fine, abs=2e-4)


def test_condensed_neurons_are_proposed_from_a_density():
    v = np.linspace(0, 6, 60_001)
    for centre, width in ((1.2, 0.1), (0.2, 0.3)):
        bump = np.exp(importance_sampling._log_bump(v, centre, width))
        assert np.trapezoid(bump, v) == pytest.approx(1, abs=1e-3)
    log_r = np.log([[1.0, 2.0, 5.0, 0.5]])
    pairs = 1 * 2 + 1 * 5 + 1 * 0.5 + 2 * 5 + 2 * 0.5 + 5 * 0.5
    found = importance_sampling._log_symmetric(log_r, 2)
    assert np.exp(found) == pytest.approx(pairs / 6)


def test_either_sign_is_as_likely():
    sample = prior_alignments(4, 3, 3, 1.0, 400_000, 7)
    expected = np.exp(log_tail_probability(0.1, 4, 3))
    error = np.sqrt(expected / len(sample))
    for side in (sample, -sample):
        assert abs((side >= 0.1).mean() - expected) < THRESHOLD * error


def test_bad_draws():
    with pytest.raises(ValueError, match="draws = 1"):
        sampled_log_tail(1.0, 10, 10, draws=1, rng=np.random.default_rng(0))
