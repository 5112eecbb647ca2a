"""The variational bound: its parts by Monte Carlo, and the exact energy below it."""

import math

import numpy as np
import pytest

from featlearn.theory.alignment import neuron_alignment
from featlearn.theory.large_deviations import log_alignment_density
from featlearn.theory.variational import PRIOR, TrialNeuron, TwoLayerBound

THRESHOLD = 5.0  # standard errors
TRIAL = TrialNeuron(mean=1.2, variance=0.6, rest=0.4)
WIDE = TrialNeuron(mean=0.0, variance=6.0, rest=0.8)


def sample_neurons(neuron, d, shape, rng):
    """Overlaps and squared norms of the rest."""
    mu = neuron.mean + np.sqrt(neuron.variance / d) * rng.standard_normal(shape)
    return mu, neuron.rest * rng.gamma((d - 1) / 2, 2 / d, shape)


@pytest.mark.parametrize("neuron", [TRIAL, WIDE, PRIOR])
def test_divergence_is_the_mean_log_ratio(neuron):
    d, rng = 9, np.random.default_rng(0)
    mu, r2 = sample_neurons(neuron, d, 200_000, rng)
    log_ratio = (
        -0.5 * d * (mu - neuron.mean) ** 2 / neuron.variance
        - 0.5 * np.log(neuron.variance)
        + 0.5 * d * mu**2
        - d * r2 / (2 * neuron.rest)
        - (d - 1) / 2 * np.log(neuron.rest)
        + d * r2 / 2
    )
    error = log_ratio.std() / len(mu) ** 0.5
    assert abs(log_ratio.mean() - neuron.divergence(d)) <= THRESHOLD * error + 1e-12


@pytest.mark.parametrize("neuron, count", [(TRIAL, 2), (WIDE, 12), (PRIOR, 0)])
def test_readout_terms_are_means_over_trial_networks(neuron, count):
    d, N, alpha, rng = 6, 12, 0.7, np.random.default_rng(1)
    parts = [
        sample_neurons(law, d, (400_000, n), rng)
        for law, n in ((neuron, count), (PRIOR, N - count))
    ]
    S = sum((neuron_alignment(mu, mu**2 + r2, 3) ** 2).sum(1) for mu, r2 in parts)
    found = TwoLayerBound(alpha, d, N, sigma_a2=2.0)(neuron, count)
    s = 2.0 / N
    logs = 0.5 * np.log(2 * np.pi * s * S)
    assert abs(logs.mean() - found.normaliser) < THRESHOLD * logs.std() / len(S) ** 0.5
    if count:  # with prior neurons alone the mean of 1/S has no finite variance
        inverse = 0.5 * alpha**2 / (s * S)
        error = inverse.std() / len(S) ** 0.5
        assert abs(inverse.mean() - found.readout) < THRESHOLD * error


def test_few_prior_neurons_have_their_known_singularity():
    """E[1/S] for prior neurons, against the integral over a fine histogram of log S."""
    d, N, rng = 6, 12, np.random.default_rng(2)
    mu, r2 = sample_neurons(PRIOR, d, (1_000_000, N), rng)
    S = (neuron_alignment(mu, mu**2 + r2, 3) ** 2).sum(1)
    found = TwoLayerBound(1.0, d, N).gaussian_process().readout * 2 / N
    cut = np.quantile(1 / S, 0.999)  # below the cut the sample mean is reliable
    assert found > np.minimum(1 / S, cut).mean()
    assert found == pytest.approx((1 / S).mean(), rel=0.3)


@pytest.mark.parametrize("d, N, alpha", [(10, 10, 1.0), (20, 20, 0.3), (20, 80, 1.0)])
def test_no_trial_network_is_below_the_exact_energy(d, N, alpha):
    exact = -log_alignment_density(alpha, d, N)
    bound = TwoLayerBound(alpha, d, N)
    best = bound.specialization()
    for trial in (
        bound.gaussian_process(),
        bound.gaussian_feature_learning(),
        best,
        bound.specialization(free_rest=False),
        bound(TRIAL, 2),
        bound(WIDE, N),
    ):
        assert trial.total > exact
    assert best.total < 1.2 * exact  # and the best is close
    assert best.total < bound.specialization(free_rest=False).total


def test_entropy_of_the_choice_closes_the_gap():
    for size in (40, 80):
        exact = -log_alignment_density(1.0, size, size)
        best = TwoLayerBound(1.0, size, size).specialization(choices=True)
        assert abs(best.estimate - exact) < 1.0 < best.total - exact


@pytest.mark.parametrize("neuron, count", [(TRIAL, 3), (WIDE, 10), (PRIOR, 4)])
def test_each_part_of_the_divergence_is_its_formula(neuron, count):
    """Not their sum alone: the parts are what the chapter reports."""
    d = 10
    found = TwoLayerBound(1.0, d, 10)(neuron, count)
    m, v, r = neuron.mean, neuron.variance, neuron.rest
    assert found.quadratic == pytest.approx(count * (d * m**2 + v - 1) / 2, abs=1e-12)
    assert found.determinant == pytest.approx(-count * np.log(v) / 2, abs=1e-12)
    assert found.rest == pytest.approx(count * (d - 1) / 2 * (r - 1 - np.log(r)), abs=1e-12)
    parts = found.quadratic + found.determinant + found.rest
    assert parts == pytest.approx(count * neuron.divergence(d), abs=1e-12)


def test_choices_count_which_neurons_and_which_signs():
    bound = TwoLayerBound(1.0, 10, 10)
    assert bound(TRIAL, 3).choices == pytest.approx(np.log(2**3 * math.comb(10, 3)))
    assert bound(WIDE, 3).choices == 0.0  # its own mirror image
    for trial in (bound.gaussian_feature_learning(), bound.gaussian_process()):
        assert trial.choices == 0.0 and trial.estimate == trial.total


def test_gaussian_feature_learning_is_least_over_its_variance_and_its_rest():
    bound = TwoLayerBound(1.0, 10, 10)
    found = bound.gaussian_feature_learning()

    def total(v, r):
        return bound(TrialNeuron(0.0, v, r), 10).total

    variances, rests = np.geomspace(1, 40, 16), np.geomspace(0.2, 1.2, 8)
    scanned = min(total(v, r) for v in variances for r in rests)
    assert scanned - 1.0 < found.total <= scanned + 0.01
    # Neither parameter may stay at the prior's: both lower the energy by nats.
    assert found.total < min(total(v, 1.0) for v in variances) - 1.0
    assert found.total < min(total(1.0, r) for r in rests) - 1.0
    assert found.count == 10 and found.neuron.mean == 0.0


def test_the_papers_specialised_neuron_keeps_the_rest_of_the_prior():
    found = TwoLayerBound(1.0, 10, 10).specialization(free_rest=False)
    assert found.neuron.rest == 1.0 and abs(found.rest) < 1e-12


def test_choices_decide_the_number_of_neurons():
    """The two objectives have their minima at different numbers, and each is least there."""
    bound = TwoLayerBound(1.0, 10, 10)
    by_total, by_estimate = bound.specialization(), bound.specialization(choices=True)
    assert by_estimate.count > by_total.count
    assert by_estimate.estimate < by_total.estimate and by_total.total < by_estimate.total
    for found, name in ((by_total, "total"), (by_estimate, "estimate")):
        for other in (found.count - 1, found.count + 1):
            nearby = bound(found.neuron, other)
            assert getattr(found, name) < getattr(nearby, name)


def test_wide_networks_at_the_prior_have_the_kernel_energy():
    """Many prior neurons: S does not fluctuate, and the readout term is alpha^2 / 2 <y,K,y>."""
    from featlearn.theory.kernels import hermite_eigenvalue

    found = TwoLayerBound(1.0, 5, 200_000).gaussian_process()
    assert found.readout == pytest.approx(0.5 / hermite_eigenvalue(3, 5), rel=2e-3)


@pytest.mark.parametrize(
    "make, name",
    [
        (lambda: TwoLayerBound(0.0, 10, 10), "alpha = 0.0"),
        (lambda: TwoLayerBound(1.0, 3, 10), "d = 3"),
        (lambda: TwoLayerBound(1.0, 10, 10)(PRIOR, 11), "count = 11"),
        (lambda: TrialNeuron(variance=0.0), "variance = 0.0"),
        (lambda: TrialNeuron(rest=-1.0), "rest = -1.0"),
    ],
)
def test_bad_arguments_are_named(make, name):
    with pytest.raises(ValueError, match=name):
        make()
