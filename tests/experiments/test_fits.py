"""Crossings and power laws: known answers, honest intervals, planted errors."""

import numpy as np
import pytest

from featlearn.experiments.fits import (
    crossing,
    crossing_per_set,
    local_exponents,
    mean_and_se,
    power_law,
)

SIZES = np.array([10.0, 14, 20, 28, 40, 56, 80])
EXPONENT, REPEATS = 1.2, 200


def noisy(rng, exponent=EXPONENT, sets=8, spread=0.1, bend=0.0):
    """Measurements of 3 x^exponent, bent in log-log, with log-normal scatter."""
    curve = 3 * SIZES**exponent * np.exp(bend * np.log(SIZES / 28) ** 2)
    return curve[:, None] * np.exp(spread * rng.normal(size=(len(SIZES), sets)))


@pytest.mark.parametrize("groups", [None, "shared", "independent"])
def test_the_interval_covers_as_often_as_it_says(groups):
    rng = np.random.default_rng(1)
    fits = [
        power_law(SIZES, noisy(rng), groups=groups, seed=i, resamples=300) for i in range(REPEATS)
    ]
    covered = np.mean([not fit.excludes(EXPONENT) for fit in fits])
    assert covered > 0.95 - 5 * np.sqrt(0.95 * 0.05 / REPEATS)
    # It is not wide for nothing: every rival is excluded every time.
    assert all(fit.excludes(rival) for fit in fits for rival in (1, 1.5, 3))
    exponents = [fit.exponent for fit in fits]
    error = np.std(exponents, ddof=1) / np.sqrt(REPEATS)
    assert abs(np.mean(exponents) - EXPONENT) < 5 * error


def test_the_bootstrap_alone_would_not_cover():
    """Few data sets make it too narrow: this is why the regression's interval is kept."""
    rng = np.random.default_rng(2)
    missed = 0
    for i in range(REPEATS):
        fit = power_law(SIZES, noisy(rng, sets=4), seed=i, resamples=300)
        missed += not fit.bootstrap[0] <= EXPONENT <= fit.bootstrap[1]
    assert missed / REPEATS > 0.05 + 5 * np.sqrt(0.95 * 0.05 / REPEATS)


@pytest.mark.parametrize("confidence, deviates", [(0.95, 1.960), (0.5, 0.674)])
def test_the_bootstrap_has_the_width_of_its_confidence(confidence, deviates):
    """With many data sets it is the normal interval, whose width is known."""
    y = noisy(np.random.default_rng(7), sets=400)
    fit = power_law(SIZES, y, groups="independent", seed=0, confidence=confidence)
    spread = np.log(SIZES) - np.log(SIZES).mean()
    error = 0.1 / np.sqrt(400 * (spread**2).sum())
    assert np.diff(fit.bootstrap)[0] == pytest.approx(2 * deviates * error, rel=0.15)


def test_an_exact_power_law_is_found_exactly():
    fit = power_law(SIZES, np.repeat(2 * SIZES[:, None] ** -0.5, 3, 1), seed=0)
    assert fit.exponent == pytest.approx(-0.5) and fit.n_sizes == 7
    assert fit.predict(100) == pytest.approx(0.2)
    assert fit.low == pytest.approx(fit.high)


def test_a_bent_curve_shows():
    straight, bent = (
        power_law(SIZES, noisy(np.random.default_rng(3), spread=0.02, bend=bend), seed=0)
        for bend in (0, 0.2)
    )
    assert straight.chi2_per_dof < 5 < bent.chi2_per_dof
    width = np.diff(bent.regression)[0] / np.diff(straight.regression)[0]
    assert width > 5  # the bend is taken for an error, not for precision


def test_shared_randomness_is_seen_by_the_joint_bootstrap():
    """A factor that each data set has at all sizes moves the prefactor, not the exponent."""
    factor = np.exp(0.5 * np.random.default_rng(4).normal(size=8))
    y = noisy(np.random.default_rng(5), spread=0.01) * factor
    joint, apart = (power_law(SIZES, y, groups=g, seed=0) for g in ("shared", "independent"))
    assert np.diff(joint.bootstrap)[0] < 0.2 * np.diff(apart.bootstrap)[0]


def test_a_known_error_limits_a_weight():
    y = noisy(np.random.default_rng(6))
    y[0] = y[0, 0] * 1.3  # by chance without scatter, and off the line
    errors = np.zeros_like(y)
    errors[0] = 3 * y[0]
    target = power_law(SIZES[1:], y[1:], seed=0).exponent
    plain = power_law(SIZES, y, seed=0).exponent
    informed = power_law(SIZES, y, errors, seed=0).exponent
    assert abs(informed - target) < 0.2 * abs(plain - target)


def test_the_same_seed_gives_the_same_fit():
    y = noisy(np.random.default_rng(7))
    assert power_law(SIZES, y, seed=3) == power_law(SIZES, y, seed=3)
    assert power_law(SIZES, y, seed=3) != power_law(SIZES, y, seed=4)


def test_more_confidence_is_wider():
    y = noisy(np.random.default_rng(8))
    wide, narrow = (power_law(SIZES, y, seed=0, confidence=c) for c in (0.99, 0.68))
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize(
    "change, message",
    [
        ({"x": SIZES[:2]}, "x has shape"),
        ({"x": -SIZES}, "positive"),
        ({"y": np.zeros((7, 2))}, "positive"),
        ({"y": np.full((7, 2), np.nan)}, r"y is not finite at \[0, 0\]"),
        ({"y": np.ones((7, 1))}, "at least 3 sizes and 2 repetitions"),
        ({"y_se": np.ones(7)}, "y_se has shape"),
        ({"y_se": -np.ones((7, 4))}, "y_se"),
        ({"groups": "both"}, "groups = 'both'"),
        ({"confidence": 95}, "confidence = 95"),
    ],
)
def test_bad_measurements_are_named(change, message):
    arguments = {"x": SIZES, "y": np.ones((7, 4)), "seed": 0} | change
    with pytest.raises(ValueError, match=message):
        power_law(**arguments)


def test_local_exponents_and_their_errors():
    rng = np.random.default_rng(9)
    slopes, errors = [], []
    for _ in range(REPEATS):
        middle, slope, error = local_exponents(SIZES, noisy(rng, sets=20))
        slopes.append(slope)
        errors.append(error)
    assert middle == pytest.approx(np.sqrt(SIZES[1:] * SIZES[:-1]))
    distance = (np.mean(slopes, 0) - EXPONENT) / (np.std(slopes, 0) / np.sqrt(REPEATS))
    assert (np.abs(distance) < 5).all()
    # The spread of a standard deviation over n repetitions is about 1 / sqrt(2 n).
    assert np.mean(errors, 0) == pytest.approx(np.std(slopes, 0), rel=5 / np.sqrt(2 * REPEATS))


def test_local_exponents_show_a_drift():
    _, slope, error = local_exponents(
        SIZES, noisy(np.random.default_rng(10), spread=0.02, bend=0.2)
    )
    assert slope[-1] - slope[0] > 5 * np.hypot(error[0], error[-1])


def test_crossings_of_known_curves():
    x = np.array([1.0, 10, 100])
    assert crossing(x, [0, 1, 2], 0.5) == pytest.approx(np.sqrt(10))
    assert crossing(x, [0, 1, 2], 1) == pytest.approx(10)
    assert crossing(x, [2, 1, 0], 0.5, increasing=False) == pytest.approx(10**1.5)
    # A dip is levelled: there is one crossing, not three.
    assert 10 < crossing([1, 10, 100, 1000], [0, 0.6, 0.4, 1], 0.5 + 1e-9) < 1000


@pytest.mark.parametrize("level", [-1, 0, 2.1, float("nan")])
def test_a_level_that_is_not_reached_is_an_error(level):
    with pytest.raises(ValueError, match=f"level = {level!r}: not passed"):
        crossing([1, 10, 100], [0, 1, 2], level)


@pytest.mark.parametrize(
    "x, y, message",
    [
        ([1, 2], [1], "shape"),
        ([0, 1], [0, 1], "positive"),
        ([2, 1], [0, 1], "increasing"),
        ([1, 2], [0, np.nan], r"y is not finite at \[1\]"),
    ],
)
def test_bad_curves_are_named(x, y, message):
    with pytest.raises(ValueError, match=message):
        crossing(x, y, 0.5)


def test_the_crossing_of_a_mean_curve_has_the_error_of_a_jackknife():
    """Curves linear in log x, apart by offsets: the crossing of their mean is known."""
    x, offset = np.array([8.0, 1, 2, 4]), np.array([-0.03, 0.01, 0.0, 0.05, -0.01])

    def exact(offset):
        return np.exp((1.0 - np.mean(offset)) * np.log(2))

    found = crossing_per_set(x, np.log2(x)[:, None] + offset, 1.0)
    without = [exact(np.delete(offset, i)) for i in range(5)]
    np.testing.assert_allclose(found, 5 * exact(offset) - 4 * np.array(without))
    mean, error = mean_and_se(found)
    assert mean == pytest.approx(exact(offset), rel=1e-3)
    expected = 2 * np.log(2) * offset.std(ddof=1) / np.sqrt(5)  # slope of the crossing: -2 ln 2
    assert error == pytest.approx(expected, rel=0.02)


def test_single_curves_need_not_cross():
    found = crossing_per_set([1, 2, 4], [[0.0, 0.4, 0.0], [0.3, 0.45, 0.3], [0.9, 0.49, 0.9]], 0.5)
    assert found.shape == (3,) and np.isfinite(found).all()


@pytest.mark.parametrize(
    "curves, message",
    [
        (np.zeros((3, 1)), r"curves has shape \(3, 1\)"),
        (np.zeros(3), r"curves has shape \(3,\)"),
        (np.zeros((2, 4)), r"curves has shape \(2, 4\): \(3, n\)"),
        (np.zeros((3, 4)), "level = 0.5: not passed"),
        ([[0, 0], [0, np.nan], [1, 1]], "not finite"),
        # The mean passes the level, but not without the second curve.
        ([[0, 0], [0, 0.4], [0.2, 1]], "level = 0.5: not passed"),
    ],
)
def test_bad_families_of_curves_are_named(curves, message):
    with pytest.raises(ValueError, match=message):
        crossing_per_set([1, 2, 4], curves, 0.5)


def test_mean_and_standard_error():
    mean, error = mean_and_se([[1, 3], [2, 2]], axis=1)
    assert mean.tolist() == [2, 2] and error == pytest.approx([1, 0])
    with pytest.raises(ValueError, match="at least 2"):
        mean_and_se([[1], [2]], axis=1)
