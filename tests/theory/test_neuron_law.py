"""The law of one neuron against brute integration, reweighted networks, and its limits."""

import time

import numpy as np
import pytest
from scipy.integrate import simpson
from scipy.special import erfc, gammaln

from featlearn.theory.alignment import network_alignment, neuron_alignment
from featlearn.theory.kernels import hermite_eigenvalue
from featlearn.theory.neuron_law import NeuronLaw, tilt_for_alignment

CASES = [
    (1, 10, 10, 0.5),
    (3, 10, 20, 0.5),
    (3, 80, 80, 1.0),
    (5, 40, 200, 0.8),
    (3, 200, 2000, 1.0),
]


def law_at(m, d, N, alignment):
    return NeuronLaw(d, N, tilt_for_alignment(alignment, d, N, m), m)


class Brute:
    """Simpson's rule on a dense grid in mu and r2 itself, straight from the definition."""

    def __init__(self, law, reach=4.0, n=1201):
        self.mu = np.linspace(0, reach, n)
        root = np.linspace(1e-12, np.sqrt(2 + 20 / np.sqrt(law.d)), n)  # r2 = root^2
        r2, mu = root**2, self.mu[:, None]
        shape = (law.d - 1) / 2
        log_p = (
            (shape - 1) * np.log(r2) - law.d / 2 * r2 + shape * np.log(law.d / 2) - gammaln(shape)
        )
        log_p = log_p + np.log(2 * root) - law.d * mu**2 / 2 + 0.5 * np.log(law.d / (2 * np.pi))
        g2 = neuron_alignment(mu, mu**2 + r2, law.degree) ** 2
        exponent = law.tilt**2 * law.sigma_a2 / (2 * law.N) * g2
        top = max(exponent.max(), 0)
        p = np.exp(log_p + exponent - top)
        per_mu = simpson(p, x=root, axis=1)
        z = 2 * simpson(per_mu, x=self.mu)
        self.log_z = np.log(z) + top
        self.density = per_mu / z
        self.mean_r2 = simpson(p * r2, x=root, axis=1) / np.maximum(per_mu, 1e-300)
        inner = simpson(p * g2, x=root, axis=1)
        self.alignment = law.tilt * law.sigma_a2 * 2 * simpson(inner, x=self.mu) / z


@pytest.mark.parametrize("m, d, N, alignment", CASES)
def test_brute_integration_agrees(m, d, N, alignment):
    law = law_at(m, d, N, alignment)
    brute, coarse = Brute(law), Brute(law, n=801)
    rule = abs(coarse.log_z - brute.log_z)  # the error of the brute rule bounds the tolerance
    assert rule < 1e-7
    tolerance = 1e-8 + 5 * rule
    assert law.log_partition() == pytest.approx(brute.log_z, abs=tolerance)
    assert law.mean_alignment() == pytest.approx(brute.alignment, rel=10 * tolerance)
    mine = law.overlap_density(brute.mu)
    np.testing.assert_allclose(mine, brute.density, rtol=1e-6, atol=1e-9)
    seen = brute.density > 1e-8
    np.testing.assert_allclose(law.mean_r2(brute.mu[seen]), brute.mean_r2[seen], rtol=1e-6)
    k = len(brute.mu) // 4
    beyond = 2 * simpson(brute.density[2 * k :], x=brute.mu[2 * k :])
    assert law.probability_beyond(brute.mu[2 * k]) == pytest.approx(beyond, rel=1e-6, abs=1e-12)
    wrong = NeuronLaw(d, N, 1.01 * law.tilt, m).log_partition()
    assert abs(wrong - brute.log_z) > 100 * tolerance  # a planted 1 % in the tilt is seen


@pytest.mark.parametrize("m", [1, 3, 5])
@pytest.mark.parametrize("d", [2, 3, 10, 80, 200, 1000])
@pytest.mark.parametrize("alignment", [1e-4, 0.3, 2.0])
def test_density_is_normalised(m, d, alignment):
    """Numerator and denominator are two independent integrals (in mu and r2, and in v)."""
    law = law_at(m, d, d, alignment)
    assert law.probability_beyond(0.0) == pytest.approx(1, abs=1e-10)
    assert law.mean_alignment() == pytest.approx(alignment, rel=1e-9)


@pytest.mark.parametrize("m, d, N, tilt", [(1, 4, 3, 2.5), (3, 3, 3, 7.0), (5, 3, 2, 7.0)])
def test_reweighted_prior_networks_agree(m, d, N, tilt):
    """Whole networks from the prior, weighted by exp(t A): no step of the theory is used."""
    rng = np.random.default_rng(10 * m + d)
    n, sigma_a2 = 600_000, 1.3
    w = rng.standard_normal((n, N, d)) / np.sqrt(d)
    a = rng.standard_normal((n, N)) * np.sqrt(sigma_a2 / N)
    A = network_alignment(a, w[..., 0], (w**2).sum(-1), m)
    weight = np.exp(tilt * A)
    weight /= weight.mean()
    assert n / (weight**2).mean() > 20_000  # enough effective networks for a Gaussian error
    law = NeuronLaw(d, N, tilt, m, sigma_a2)
    r2 = (w[..., 1:] ** 2).sum(-1)
    expected = [
        (A, law.mean_alignment()),
        ((w[..., 0] ** 2).mean(1), law.overlap_moment(2)),
        ((w[..., 0] ** 4).mean(1), law.overlap_moment(4)),
        ((abs(w[..., 0]) > 0.8).mean(1), law.probability_beyond(0.8)),
        ((r2 * (abs(w[..., 0]) > 0.8)).mean(1), conditioned_r2(law, 0.8)),
    ]
    for values, theory in expected:
        mean = (weight * values).mean()
        error = np.sqrt(((weight * (values - mean)) ** 2).mean() / n)
        assert abs(mean - theory) < 5 * error
    log_z = np.log(np.exp(tilt * A).mean())
    assert abs(log_z - N * law.log_partition()) < 5 * weight.std() / np.sqrt(n)
    # The tilt is far from nothing: the prior's values are rejected by the same test.
    prior = NeuronLaw(d, N, 0.0, m, sigma_a2)
    error = np.sqrt(((weight * (A - (weight * A).mean())) ** 2).mean() / n)
    assert abs((weight * A).mean() - prior.mean_alignment()) > 50 * error


def conditioned_r2(law, threshold):
    mu = np.linspace(threshold, threshold + 6, 2001)
    return 2 * simpson(law.overlap_density(mu) * law.mean_r2(mu), x=mu)


@pytest.mark.parametrize("d", [2, 10, 80, 200])
def test_no_tilt_is_the_prior(d):
    law = NeuronLaw(d, 50, 0.0)
    mu = np.linspace(-5, 5, 41) / np.sqrt(d)
    gaussian = np.sqrt(d / (2 * np.pi)) * np.exp(-d * mu**2 / 2)
    np.testing.assert_allclose(law.overlap_density(mu), gaussian, rtol=1e-10)
    np.testing.assert_allclose(law.mean_r2(mu), (d - 1) / d, rtol=1e-10)
    assert law.log_partition() == 0 and law.mean_alignment() == 0
    assert law.barrier() is None and law.mode() is None
    for z in (0.5, 3.0, 8.0):
        assert law.probability_beyond(z / np.sqrt(d)) == pytest.approx(erfc(z / 2**0.5), rel=1e-9)
    assert law.overlap_moment(4) == pytest.approx(3 / d**2, rel=1e-10)


@pytest.mark.parametrize("m", [1, 3, 5])
def test_small_tilt_is_linear_response(m):
    d, N, t = 30, 40, 1e-3
    law = NeuronLaw(d, N, t, m, 0.7)
    response = 0.7 * hermite_eigenvalue(m, d)
    assert law.mean_alignment() == pytest.approx(t * response, rel=1e-6)
    assert N * law.log_partition() == pytest.approx(t**2 * response / 2, rel=1e-6)


@pytest.mark.parametrize("m, d, N, alignment", CASES)
def test_alignment_is_the_growing_slope_of_the_partition_function(m, d, N, alignment):
    t = tilt_for_alignment(alignment, d, N, m)
    h = 1e-4 * t
    low, mid, high = (NeuronLaw(d, N, x, m) for x in (t - h, t, t + h))
    slope = N * (high.log_partition() - low.log_partition()) / (2 * h)
    assert slope == pytest.approx(mid.mean_alignment(), rel=1e-3)
    tilts = np.geomspace(1e-3 * t, 3 * t, 60)
    assert (np.diff([NeuronLaw(d, N, x, m).mean_alignment() for x in tilts]) > 0).all()


@pytest.mark.parametrize("N", [80, 500, 2000])
def test_peaks_are_stationary_points_of_the_density(N):
    law = law_at(3, 80, N, 1.0)
    barrier, mode = law.barrier(), law.mode()
    assert 0.6 < barrier < 1 < mode < 2
    for place, sign in ((barrier, 1), (mode, -1)):
        left, at, right = law.log_overlap_density(place + np.array([-1e-3, 0, 1e-3]))
        assert sign * (left - at) > 0 and sign * (right - at) > 0
        assert abs(right - left) < 1e-4 * abs(left + right - 2 * at) / 1e-3
    assert law.mean_r2(mode) < 0.6 < 0.9 < law.mean_r2(0.0)


def test_condensation_a_small_fraction_carries_the_alignment():
    """The number beyond the barrier grows as sqrt(N) at fixed d (paper sec. 5.1)."""
    counts = []
    for N in (500, 2000):
        law = law_at(3, 80, N, 1.0)
        counts.append(N * law.probability_beyond(law.barrier()))
    assert counts[1] / counts[0] == pytest.approx(2, rel=0.03)
    # The peaks appear abruptly: 5 % less tilt leaves a thousandth of the alignment.
    t = tilt_for_alignment(1.0, 80, 2000)
    assert NeuronLaw(80, 2000, 0.95 * t).mean_alignment() < 1e-2


def test_linear_target_splits_the_centre_and_has_no_barrier():
    d, N = 10, 10
    assert law_at(1, d, N, 0.5).mode() is None
    split = law_at(1, d, N, 3.0)
    assert split.barrier() is None
    mode = split.mode()
    assert split.overlap_density(mode) > split.overlap_density(0.0)


@pytest.mark.parametrize("d, N", [(80, 80), (80, 500), (80, 2000), (200, 200), (10, 10), (2, 1)])
def test_tilt_is_found_for_every_size(d, N):
    for m in (1, 3, 5):
        for alignment in (1e-8, 1e-3, 0.1, 0.5, 1.0, 5.0):
            t = tilt_for_alignment(alignment, d, N, m)
            assert NeuronLaw(d, N, t, m).mean_alignment() == pytest.approx(alignment, rel=1e-8)


def test_scales_of_the_readout_are_one_parameter():
    t = tilt_for_alignment(0.4, 20, 40, 3, 2.0)
    assert t == pytest.approx(tilt_for_alignment(0.2, 20, 20, 3, 1.0))
    first, second = NeuronLaw(20, 40, t, 3, 2.0), NeuronLaw(20, 20, t, 3, 1.0)
    assert first.log_partition() == pytest.approx(second.log_partition())


def test_shapes_and_scalars():
    law = NeuronLaw(20, 20, 100.0)
    assert law.overlap_density(0.3).shape == ()
    assert law.overlap_density(np.zeros((2, 3))).shape == (2, 3)
    assert law.mean_r2([0.1, 0.2, 0.3]).shape == (3,)
    assert np.isfinite(law.log_overlap_density(50.0)) and law.overlap_density(50.0) == 0
    expected = 100.0**2 / 40 * neuron_alignment(0.5, 1.25, 3) ** 2
    assert law.log_weight(0.5, 1.0) == pytest.approx(expected)


def test_speed():
    """Generous by an order of magnitude over what an idle core does."""
    start = time.perf_counter()
    t = tilt_for_alignment(1.0, 80, 2000)
    solved = time.perf_counter()
    NeuronLaw(80, 2000, t).overlap_density(np.linspace(0, 2, 400))
    assert solved - start < 1 and time.perf_counter() - solved < 0.5


@pytest.mark.parametrize(
    "name, value",
    [
        ("d", 1),
        ("d", 2.5),
        ("N", 0),
        ("tilt", -1.0),
        ("tilt", float("nan")),
        ("tilt", 1e300),
        ("degree", 2),
        ("sigma_a2", 0.0),
        ("sigma_a2", float("inf")),
    ],
)
def test_a_bad_parameter_is_named(name, value):
    with pytest.raises(ValueError, match=f"^{name} = "):
        NeuronLaw(**({"d": 5, "N": 5, "tilt": 1.0} | {name: value}))


def test_bad_arguments_are_named():
    for value in (0.0, -0.1, float("nan"), 1e30):
        with pytest.raises(ValueError, match="^alignment = "):
            tilt_for_alignment(value, 10, 10)
    law = NeuronLaw(5, 5, 1.0)
    with pytest.raises(ValueError, match="^threshold = -1"):
        law.probability_beyond(-1)
    with pytest.raises(ValueError, match="^order = -2"):
        law.overlap_moment(-2)
    with pytest.raises(ValueError, match="^r2 = "):
        law.log_weight(0.1, -1.0)
    with pytest.raises(ValueError, match="^alignment = "):
        tilt_for_alignment(-0.0, 10, 10)
