"""Alignment against training size: stationarity, limits, and a second derivation's numbers."""

import numpy as np
import pytest
from scipy.linalg import cho_factor, cho_solve

from featlearn.theory import learning_curve as lc
from featlearn.theory import sample_channel
from featlearn.theory.condensate import neuron_cost
from featlearn.theory.learning_curve import learning_curve, threshold

MODEL = lc.Model(ratio=1.0, kappa=0.1, sigma_a2=1.0, degree=3)


@pytest.mark.parametrize(
    "p, model",
    [
        (5.0, MODEL),
        (3.0, MODEL),
        (6.0, lc.Model(2.0, 0.3, 0.7, 3)),
    ],
)
def test_the_free_energy_is_stationary(p, model):
    """By finite differences of F in all ten variables, which the fixed point does not use."""
    x = lc._pack(lc.solve(lc.solve(lc.START, 1.5 * p, model), p, model))
    for i in range(len(x)):
        step = np.zeros(len(x))
        step[i] = 1e-4 * max(1, abs(x[i]))
        up, down = (lc.free_energy(lc._unpack(x + s), p, model) for s in (step, -step))
        slope = (up - down) / (2 * step[i])
        # Against the size of the terms that cancel: each is about p or 1 / T.
        assert abs(slope) < 5e-3


def test_numbers_of_a_second_derivation():
    """Solved independently with 71 x 33 x 33 x 35 points and Newton steps to 1e-9."""
    known = {  # p: a, mu, r, r0, t, t without, alignment, gain
        3: (-1.0712, 0.7203, 1.0565, 0.6554, 2.5627, 3.8485, 0.0436, 0.43430),
        4: (-1.3023, 0.9880, 0.6912, 0.4700, 2.8828, 4.8859, 0.1282, 0.84967),
        5: (-1.4857, 1.1305, 0.4479, 0.3082, 3.1055, 5.7511, 0.2106, 1.30895),
        8: (-1.8692, 1.2358, 0.1943, 0.1343, 3.5334, 7.6929, 0.3471, 2.87382),
    }
    for point, expected in zip(learning_curve(list(known)), known.values(), strict=True):
        found = (
            point.readout,
            point.overlap,
            point.rest,
            point.shared_rest,
            point.scale,
            point.background_scale,
            point.alignment,
            point.gain,
        )
        assert found == pytest.approx(expected, rel=3e-3, abs=5e-4)


def test_threshold_of_a_second_derivation():
    assert threshold(0.1, high=5.0) == pytest.approx(3.7016, rel=2e-3)


def test_without_data_one_neuron_costs_what_the_condensate_says():
    v, a = 0.8, 1.3
    rest = 1 / (1 + 2 * v**2)
    overlap = v * np.sqrt(1 + 2 * rest)
    state = lc.State(
        a, 1.0, np.array([overlap, 0.0]), np.diag([rest, lc.LINEAR]), np.diag([1e-14, 1e-14])
    )
    assert lc.free_energy(state, 0.0, MODEL) == pytest.approx(-neuron_cost(v) - a**2 / 2, abs=1e-9)


def test_the_background_is_ridge_regression_on_random_inputs():
    """Log evidence of white labels under kappa + t chi + (t lambda / d) X X^T, at d = 600."""
    d, p = 600, 4.0
    rng = np.random.default_rng(0)
    _, t = lc.background_free_energy(p, MODEL)
    values = []
    for _ in range(8):
        x, y = rng.standard_normal((int(p * d), d)), rng.standard_normal(int(p * d))
        C = (MODEL.kappa + t * lc.NONLINEAR) * np.eye(len(y)) + t * lc.LINEAR / d * x @ x.T
        factor = cho_factor(C, lower=True)
        half = np.log(np.diag(factor[0])).sum() - len(y) / 2 * np.log(MODEL.kappa)
        values.append((-0.5 * y @ cho_solve(factor, y) - half) / d)
    exact, _ = lc.background_free_energy(p, MODEL)
    error = np.std(values, ddof=1) / np.sqrt(8)
    assert abs(np.mean(values) + lc._scale_cost(t, MODEL) - exact) < 5 * error + 2e-3


def test_finer_rules_give_the_same(monkeypatch):
    coarse = learning_curve([4.0])[0]
    monkeypatch.setattr(sample_channel, "ALONG", sample_channel._half(7.0, 0.1))
    monkeypatch.setattr(sample_channel, "SHARED", sample_channel._trapezoid(5.6, 0.4))
    monkeypatch.setattr(sample_channel, "INNER", np.arange(-12.0, 12.1, 0.3))
    fine = learning_curve([4.0])[0]
    assert coarse.alignment == pytest.approx(fine.alignment, rel=5e-3)


def test_the_alignment_grows_with_the_data():
    points = learning_curve([2.5, 8.0, 4.0])
    assert [p.samples for p in points] == [2.5, 8.0, 4.0]
    assert points[0].alignment < points[2].alignment < points[1].alignment
    assert points[0].gain < points[2].gain < points[1].gain


@pytest.mark.parametrize(
    "arguments, said",
    [
        (([],), "samples"),
        (([0.0],), "samples"),
        (([np.nan],), "samples"),
        (([4.0], -1.0), "ratio = -1.0"),
        (([4.0], 1.0, 1), "degree = 1"),
        (([4.0], 1.0, 5), "degree = 5"),
        (([4.0], 1.0, 3, 0.0), "kappa = 0.0"),
        (([4.0], 1.0, 3, 0.1, np.inf), "sigma_a2 = inf"),
    ],
)
def test_bad_arguments_are_named(arguments, said):
    with pytest.raises(ValueError, match=said):
        learning_curve(*arguments)


def test_a_level_that_is_not_passed():
    with pytest.raises(ValueError, match="level = 0.9: between 0 and 0.347"):
        threshold(0.9)
