"""The law with two prescribed components: the one-tilt law as its edge, and reweighted samples."""

import numpy as np
import pytest

from featlearn.theory.alignment import neuron_alignment
from featlearn.theory.constrained_law import ConstrainedNeuronLaw, constrained_law
from featlearn.theory.neuron_law import NeuronLaw, tilt_for_alignment

THRESHOLD = 5.0  # standard errors


@pytest.mark.parametrize("d, N, alignment", [(20, 80, 0.376), (40, 80, 0.334), (8, 40, 0.2)])
def test_without_a_linear_tilt_it_is_the_tilted_law(d, N, alignment):
    tilt = tilt_for_alignment(alignment, d, N)
    law, known = ConstrainedNeuronLaw(d, N, tilt, 0.0), NeuronLaw(d, N, tilt)
    assert law.components()[1] == pytest.approx(alignment, rel=1e-6)
    mu = np.array([0.0, 0.1, 0.5, 1.1, 1.5])
    np.testing.assert_allclose(
        law.log_overlap_density(mu), known.log_overlap_density(mu), atol=1e-5
    )
    np.testing.assert_allclose(law.mean_r2(mu), known.mean_r2(mu), rtol=1e-5)


@pytest.mark.parametrize("d, N, alignment", [(20, 80, 0.376), (40, 80, 0.334)])
def test_constraints_are_met_and_the_bulk_is_wider_than_the_prior(d, N, alignment):
    law = constrained_law(alignment, d, N)
    linear, own = law.components()
    assert abs(linear) < 1e-6 and own == pytest.approx(alignment, rel=1e-6)
    assert d * law.bulk_variance(0.8) > 1.2
    # the alignment alone leaves a linear component several times its size
    alone = ConstrainedNeuronLaw(d, N, tilt_for_alignment(alignment, d, N), 0.0)
    assert alone.components()[0] < -2 * alignment


def test_moments_are_those_of_reweighted_prior_neurons():
    d, N, rng = 6, 10, np.random.default_rng(0)
    law = ConstrainedNeuronLaw(d, N, 8.0, 1.5, sigma_a2=2.0)
    mu = rng.standard_normal(1_000_000) / d**0.5
    r2 = rng.gamma((d - 1) / 2, 2 / d, len(mu))
    linear, own = (neuron_alignment(mu, mu**2 + r2, k) for k in (1, 3))
    pull = law.tilt * own + law.linear_tilt * linear
    weight = np.exp(law.sigma_a2 / (2 * N) * pull**2)
    inside = np.abs(mu) < 0.7

    def check(values, weights, expected):
        mean = np.average(values, weights=weights)
        error = np.sqrt(((weights * (values - mean)) ** 2).sum()) / weights.sum()
        assert abs(mean - expected) < THRESHOLD * error

    for g, expected in zip((linear, own), law.components(), strict=True):
        check(law.sigma_a2 * pull * g, weight, expected)
    check(mu[inside] ** 2, weight[inside], law.bulk_variance(0.7))
    near = np.abs(np.abs(mu) - 0.5) < 0.01
    check(r2[near], weight[near], law.mean_r2(0.5))


@pytest.mark.parametrize(
    "arguments, name",
    [
        ((0.3, 20, 80, 1), "degree = 1"),
        ((0.3, 3, 80), "d = 3"),
        ((-0.3, 20, 80), "alignment = -0.3"),
    ],
)
def test_bad_arguments_are_named(arguments, name):
    with pytest.raises(ValueError, match=name):
        constrained_law(*arguments)
