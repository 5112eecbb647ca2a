"""Each stored sweep still says what the code measures: a small point of it, computed again."""

import numpy as np
import pytest
import xarray as xr

from featlearn.experiments import store
from featlearn.experiments.__main__ import EXPERIMENTS
from featlearn.experiments.spot import Spot
from featlearn.experiments.threads import one_thread

THRESHOLD = 5.0  # standard errors


@pytest.fixture(scope="module")
def recomputed():
    """Runs of the small points, each computed once."""
    runs = {}

    def of(experiment):
        if experiment.name not in runs:
            with one_thread():
                runs[experiment.name] = [experiment.run_point(p) for p in experiment.spot.points]
        stored = store.load(experiment.name)
        rows = [experiment.row(stored, point) for point in experiment.spot.points]
        return zip(runs[experiment.name], rows, strict=True)

    return of


def test_every_stored_result_has_its_spot():
    stored = {path.stem for path in store.results_folder().glob("*.nc")}
    assert stored == {e.name for e in EXPERIMENTS if e.spot and e.spot.points and e.spot.errors}


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda e: e.name)
def test_the_stored_point_is_measured_again(experiment, recomputed):
    for run, row in recomputed(experiment):
        found = experiment.spot.distances(run, row)
        assert set(found) == set(experiment.spot.errors)
        assert max(found.values()) < THRESHOLD, found


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda e: e.name)
def test_a_planted_wrong_number_is_caught(experiment, recomputed):
    """Each compared variable, shifted by twenty errors or a part in 10^5."""
    for run, row in recomputed(experiment):
        for name, error in experiment.spot.errors.items():
            if error is None:
                shift = 1e-5 * np.abs(row[name])
            else:
                shift = 20 * float(row[error].max() + run[error].max())
            wrong = row.assign({name: row[name] + shift})
            assert experiment.spot.distances(run, wrong)[name] > THRESHOLD


def test_distances_are_in_standard_errors():
    spot = Spot([], {"a": "e"}, sets="data_set")
    run = xr.Dataset(
        {
            "a": (("data_set", "start"), np.full((4, 2), 0.3)),
            "e": ("data_set", np.full(4, 0.03)),
        }
    )
    row = xr.concat([run, run + 7], "data_set")  # more data sets than the run
    row = row.assign(a=row.a - 0.1, e=row.e * 0 + 0.04)
    # Four differences of 0.1, each with error (0.03^2 + 0.04^2)^(1/2) = 0.05.
    assert spot.distances(run, row)["a"] == pytest.approx(0.1 / (0.05 / 2))


def test_scatter_between_repetitions_counts_where_it_is_larger():
    spot = Spot([], {"a": "e"}, repeats="ladder")
    a = np.array([0.9, 1.1, 0.9, 1.1])
    quiet = xr.Dataset({"a": ("ladder", np.ones(4)), "e": ("ladder", np.full(4, 0.02))})
    noisy = quiet.assign(a=("ladder", a + 0.2))
    error = np.hypot(0.02 / 2, a.std(ddof=1) / 2)
    assert spot.distances(quiet, noisy)["a"] == pytest.approx(0.2 / error)


def test_exact_numbers_may_differ_by_rounding_only():
    spot = Spot([], {"a": None}, sets="seed")
    run = xr.Dataset({"a": ("seed", np.array([1.0, 1e-9]))})
    assert spot.distances(run, run * (1 + 1e-9))["a"] == 0
    assert spot.distances(run, run * (1 + 1e-5))["a"] == np.inf
    assert spot.distances(run, run + 1e-12)["a"] == np.inf  # small numbers count as well


def test_a_point_that_is_not_stored_is_named():
    experiment = EXPERIMENTS[0]
    stored = store.load(experiment.name)
    with pytest.raises(ValueError, match="d=99 .*not a point of the stored"):
        experiment.row(stored, experiment.points[0] | {"d": 99})


def by_bin():
    """Three numbers a data set, each with an error of its own."""
    both = ("data_set", "bin")
    return xr.Dataset({"a": (both, np.ones((4, 3))), "e": (both, np.full((4, 3), 0.02))})


def test_the_farthest_entry_counts():
    spot, near = Spot([], {"a": "e"}, sets="data_set"), by_bin()
    far = near.assign(a=near.a + xr.DataArray([0.0, 0.1, 0.0], dims="bin"))
    assert spot.distances(near, far)["a"] == pytest.approx(0.1 / (2**0.5 * 0.02 / 2))


def test_a_number_that_is_not_known_is_not_near():
    spot, near = Spot([], {"a": "e"}, sets="data_set"), by_bin()
    unknown = near.assign(a=near.a + xr.DataArray([0.0, np.nan, 0.0], dims="bin"))
    assert not spot.distances(near, unknown)["a"] < THRESHOLD


def test_numbers_without_an_error_are_equal_or_infinitely_far():
    spot, sure = Spot([], {"a": "e"}, sets="data_set"), by_bin()
    sure = sure.assign(e=0 * sure.e)
    assert spot.distances(sure, sure)["a"] == 0
    assert spot.distances(sure, sure.assign(a=sure.a + 1e-3))["a"] == np.inf
