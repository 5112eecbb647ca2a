"""The limit of large d and N in proportion, by brute force and from exact finite sizes."""

import numpy as np
import pytest
from scipy.optimize import minimize

from featlearn.theory.alignment import alignment_constant, neuron_alignment
from featlearn.theory.condensate import (
    condensate,
    condensation_point,
    neuron_cost,
    scaling_constant,
)
from featlearn.theory.large_deviations import log_tail_probability
from featlearn.theory.neuron_law import NeuronLaw


def test_cost_of_a_neuron_is_least_over_all_its_degrees_of_freedom():
    for v in (0.1, 0.7, 1.5, 4.0):

        def cost(log_r, v=v):
            r = np.exp(log_r)
            return v**2 * (1 + 2 * r) / 2 + (r - 1 - np.log(r)) / 2

        grid = np.linspace(-8, 2, 100_001)
        assert neuron_cost(v) == pytest.approx(cost(grid).min(), abs=1e-7)


@pytest.mark.parametrize("ratio", [0.05, 1.0, 6.0])
def test_equal_neurons_are_the_cheapest(ratio):
    """Free overlaps and rests of five neurons, from many starts."""

    def energy(x):
        mu, r = np.abs(x[:5]), np.exp(x[5:])
        g2 = neuron_alignment(mu, mu**2 + r, 3) ** 2
        cost = (mu**2 / 2 + (r - 1 - np.log(r)) / 2).sum()
        return cost + ratio / (2 * g2.sum() + 1e-300)

    rng = np.random.default_rng(0)
    found = condensate(1.0, ratio)
    best = np.inf
    for _ in range(12):
        start = np.r_[rng.uniform(0, 2, 5), rng.uniform(-2, 0.5, 5)]
        best = min(best, minimize(energy, start, method="L-BFGS-B").fun)
    if found.count <= 5:
        assert best == pytest.approx(found.energy, rel=1e-4)
    else:
        assert best > found.energy


def test_overlap_and_rest_are_those_of_the_least_energy():
    """By brute force over mu and rho, at a readout variance that is not one."""
    alpha, ratio, sigma_a2 = 0.7, 2.0, 1.8
    found = condensate(alpha, ratio, sigma_a2=sigma_a2)
    mu = np.linspace(0.5, 2.5, 401)[:, None]
    rho = np.linspace(0.1, 1.0, 361)
    g2 = neuron_alignment(mu, mu**2 + rho, 3) ** 2
    cost = found.count * (mu**2 + rho - 1 - np.log(rho)) / 2
    energy = cost + ratio * alpha**2 / (2 * sigma_a2 * found.count * g2)
    i, j = np.unravel_index(energy.argmin(), energy.shape)
    assert found.energy == pytest.approx(energy[i, j], rel=1e-4)
    assert found.overlap == pytest.approx(mu[i, 0], abs=0.01)
    assert found.rest == pytest.approx(rho[j], abs=0.01)


@pytest.mark.parametrize("degree", [1, 3, 5])
def test_neurons_condense_where_cost_over_gain_is_least(degree):
    v = np.linspace(1e-4, 4, 40_001)
    ratio = neuron_cost(v) / (alignment_constant(degree) ** 2 * (v**2 / (1 + 2 * v**2)) ** degree)
    point = condensation_point(degree)
    assert point.strength == pytest.approx(ratio.min(), rel=1e-6)
    assert point.v == pytest.approx(v[ratio.argmin()], abs=1e-3)


@pytest.mark.parametrize("ratio", [0.1, 1.0, 4.0])
def test_exact_energies_approach_it(ratio):
    limit = condensate(1.0, ratio).energy
    off = [
        abs(-log_tail_probability(1.0, d, int(ratio * d)) / (d * limit) - 1)
        for d in (160, 640, 2560)
    ]
    assert off[-1] < 0.002
    assert off[0] > off[1] > off[2] or off[1] < 1e-3


def test_many_neurons_forget_that_they_are_whole():
    found = condensate(1.0, 400.0)
    assert found.count > 50
    assert found.energy / 20 == pytest.approx(scaling_constant(), rel=1e-4)
    assert scaling_constant(0.5, sigma_a2=4.0) == pytest.approx(scaling_constant() / 4)
    # One neuron at a small overlap when the layer is narrow: (N d^m)^(1/(m+1)) in the limit.
    narrow = [condensate(1.0, r) for r in (1e-8, 1e-6)]
    assert {c.count for c in narrow} == {1}
    slope = np.log(narrow[1].energy / narrow[0].energy) / np.log(100)
    assert slope == pytest.approx(1 / 4, abs=0.01)


@pytest.mark.parametrize("degree", [1, 3, 5])
def test_the_neuron_law_condenses_there(degree):
    """At large d the mean of g^2 rises there: at once for m > 1, gradually for m = 1."""
    d, point = 2000, condensation_point(degree)

    def mean_v2(ratio):
        law = NeuronLaw(d, 1, np.sqrt(2 * d * point.strength * ratio), degree)
        log_p, g2 = law.grid
        weight = log_p + law.tilt**2 * alignment_constant(degree) ** 2 / 2 * g2
        v2 = g2 ** (1 / degree)  # v^2 / (1 + 2 v^2)
        weight = np.exp(weight - weight.max())
        return (weight @ v2) / weight.sum()

    before, after = mean_v2(0.97), mean_v2(1.03)
    assert before < 0.05
    if degree == 1:
        assert after < 0.05
    else:
        v2 = point.v**2 / (1 + 2 * point.v**2)
        assert after == pytest.approx(v2, rel=0.1)


@pytest.mark.parametrize(
    "arguments, said",
    [
        ((0, 1), "alpha = 0"),
        ((1, -1), "ratio = -1"),
        ((1, 1, 1), "degree = 1.*nothing condenses"),
        ((1, 1, 4), "degree = 4"),
        ((1, 1, 3, 0), "sigma_a2 = 0"),
    ],
)
def test_bad_input(arguments, said):
    with pytest.raises(ValueError, match=said):
        condensate(*arguments)
