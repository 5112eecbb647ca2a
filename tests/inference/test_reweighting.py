"""Free energies and shares of basins, where they are known."""

import numpy as np
import pytest

from featlearn.inference.laws import DataScales
from featlearn.inference.reweighting import basins, free_energies, independent, jackknife, thin

THRESHOLD = 5.0
ENERGIES = np.array([0.0, 3.0, 4.0])  # of three states; their prior weights:
WEIGHTS = np.array([0.2, 0.3, 0.5])


def test_free_energies_of_gaussians():
    """N(0, 1) with the biases c s^2 / 2: -log Z = log(1 + c) / 2; a wrong bias is noticed."""
    rng = np.random.default_rng(0)
    c = np.array([0.0, 1.0, 4.0])
    draws = [rng.standard_normal(2000) / np.sqrt(1 + v) for v in c]
    everything = np.concatenate(draws)
    found = free_energies(lambda s: c[:, None] * s**2 / 2, draws, [2.0 * everything**2 / 2])
    exact = 0.5 * np.log1p([0.0, 1.0, 4.0, 2.0])
    assert (np.abs(found.value - exact) <= THRESHOLD * found.error).all()
    assert (found.error[1:] < 0.05).all()
    wrong = free_energies(lambda s: 1.3 * c[:, None] * s**2 / 2, draws)
    assert abs(wrong.value[2] - exact[2]) > THRESHOLD * wrong.error[2]


def test_thinned_draws_are_nearly_independent():
    rng = np.random.default_rng(0)
    x = np.zeros(20_000)
    for i in range(1, len(x)):
        x[i] = 0.9 * x[i - 1] + rng.standard_normal()
    kept = thin(x)
    assert 10 <= kept[1] <= 30  # (1 + 0.9) / (1 - 0.9) = 19
    assert len(thin(rng.standard_normal(1000))) > 450
    assert len(thin(np.ones(50))) == 1


def test_the_slowest_observable_sets_the_distance_of_draws():
    rng = np.random.default_rng(0)
    fast, slow = rng.normal(size=(2, 1000)), np.repeat(rng.normal(size=(2, 50)), 20, 1)
    assert independent(fast) <= 2
    assert 8 < independent(fast, slow) < 50
    assert independent(fast, np.ones((2, 1000))) <= 2
    assert independent(np.ones((2, 1000))) == 1000  # nothing is known


def test_the_jackknife_of_a_mean_is_the_scatter_of_its_parts():
    values = np.random.default_rng(0).normal(size=(3, 40))
    (error,) = jackknife(lambda used: np.array([values[used].mean()]), 3, 40, parts=4)
    parts = values.reshape(12, 10).mean(1)
    assert error == pytest.approx(parts.std(ddof=1) / 12**0.5)


def test_the_jackknife_knows_ties_within_a_run_and_memory():
    """A run of two chains that show the same, each value ten times: against fresh repetitions."""
    rng, found = np.random.default_rng(0), []
    for _ in range(60):
        values = np.repeat(rng.normal(size=(4, 100)), 10, 1)
        both = np.stack([values, values], 1)  # (run, chain, draw)

        def estimate(used, both=both):
            x = both.swapaxes(1, 2)[used]
            return np.array([x.mean(), np.log(np.exp(x).mean())])

        found.append([estimate(np.ones((4, 1000), bool)), jackknife(estimate, 4, 1000)])
    value, error = np.swapaxes(found, 0, 1)
    ratio = value.std(0, ddof=1) / np.sqrt(np.square(error).mean(0))
    assert (ratio > 0.75).all() and (ratio < 1.33).all()
    naive = 1 / np.sqrt(2 * 4 * 1000)
    assert error[:, 0].min() > 2 * naive


def test_runs_that_are_stuck_are_told_by_leaving_out_whole_runs():
    rng, found = np.random.default_rng(1), []
    for _ in range(200):
        values = rng.normal(size=(6, 1)) + 0.1 * rng.normal(size=(6, 100))

        def estimate(used, values=values):
            return np.array([values[used].mean()])

        errors = [float(jackknife(estimate, 6, 100, parts=parts)[0]) for parts in (1, 5)]
        found.append([values.mean(), *errors])
    value, whole, parts = np.transpose(found)
    assert np.sqrt(np.mean(whole**2)) == pytest.approx(value.std(), rel=0.2)
    assert np.sqrt(np.mean(parts**2)) < 0.6 * value.std()


def test_what_is_lost_without_one_part_has_no_error():
    seen = np.zeros((2, 20), bool)
    seen[1, 3] = True

    def estimate(used):
        return np.array([1.0, 1.0 if (seen & used).any() else np.nan])

    known, lost = jackknife(estimate, 2, 20)
    assert known == 0 and np.isnan(lost)


@pytest.mark.parametrize("runs, draws, parts", [(1, 10, 1), (2, 10, 11), (2, 10, 0)])
def test_parts_that_cannot_be_are_named(runs, draws, parts):
    with pytest.raises(ValueError, match=f"parts = {parts}: at most draws = 10"):
        jackknife(lambda used: np.ones(1), runs, draws, parts)


def test_bad_draws_are_named():
    ok = [np.ones(3), np.zeros(2)]
    with pytest.raises(ValueError, match=r"statistic\[1\] is empty"):
        free_energies(lambda s: np.zeros((2, len(s))), [np.ones(3), []])
    with pytest.raises(ValueError, match="NaN"):
        free_energies(lambda s: np.zeros((2, len(s))), [np.ones(3), [np.nan]])
    with pytest.raises(ValueError, match="bias gives shape"):
        free_energies(lambda s: np.zeros((3, len(s))), ok)
    with pytest.raises(ValueError, match=r"targets\[0\]"):
        free_energies(lambda s: np.zeros((2, len(s))), ok, [np.zeros(4)])


def drawn(scales, n, rng):
    rows = []
    for b in scales:
        p = WEIGHTS * np.exp(-b * ENERGIES)
        rows.append(rng.choice(3, size=n, p=p / p.sum()))
    return rows


def test_shares_of_a_known_law():
    scales = np.array([0.0, 0.4, 1.0])
    states = drawn(scales, 4000, np.random.default_rng(0))
    label = [10 * (rows > 0) for rows in states]  # states 1 and 2 are one basin
    found = basins(DataScales(scales), [ENERGIES[rows] for rows in states], label)
    p = WEIGHTS * np.exp(-ENERGIES)
    exact = -np.log([p[0] / p.sum(), p[1:].sum() / p.sum()])
    assert list(found.label) == [0, 10]
    assert (found.error > 0).all() and (found.error < 0.06).all()
    assert (np.abs(found.value - exact) < 5 * found.error).all()
    assert np.exp(-found.value).sum() == pytest.approx(1)


def test_a_basin_that_the_last_rung_never_visits_is_weighed_from_below():
    rng = np.random.default_rng(1)
    states = drawn([0.0, 0.5, 1.0], 4000, rng)
    states[2] = np.zeros(4000, int)  # stuck in the first basin, whose weight is 0.89
    with_it = basins(DataScales(np.array([0, 0.5, 1.0])), [ENERGIES[r] for r in states], states)
    p = WEIGHTS * np.exp(-ENERGIES)
    assert with_it.value[1] == pytest.approx(-np.log(p[1] / p.sum()), abs=0.3)


def test_labels_must_match():
    with pytest.raises(ValueError, match=r"label\[1\] has shape"):
        basins(DataScales(np.array([0.0, 1.0])), [np.ones(3), np.ones(3)], [np.ones(3), np.ones(2)])
    with pytest.raises(ValueError, match=r"statistic\[0\] is empty"):
        basins(DataScales(np.array([0.0, 1.0])), [[], np.ones(3)], [[], np.ones(3)])
