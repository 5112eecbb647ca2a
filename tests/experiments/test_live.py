"""A small part run again: the largest distance of all points and quantities is what counts."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from featlearn.experiments import live
from featlearn.experiments.spot import Spot


def row(a, b):
    """One point: two data sets, whose means have an error of 0.1."""
    error = np.full(2, 0.1 * 2**0.5)
    values = {"a": [a - 1, a + 1], "b": [b - 1, b + 1], "error": error}
    return xr.Dataset({name: ("data_set", value) for name, value in values.items()})


@pytest.mark.parametrize("place, name", [(0, "a"), (0, "b"), (1, "a"), (1, "b")])
def test_the_largest_distance_is_found_wherever_it_is(place, name):
    stored = []
    for i in range(2):
        means = {"a": 1.0 + i, "b": 2.0 + i}
        means[name] += 0.3 if i == place else 0.05
        stored.append(row(**means))
    experiment = SimpleNamespace(
        row=lambda stored, point: stored[point],
        run_point=lambda point: row(1.0 + point, 2.0 + point),
        spot=Spot([0, 1], {"a": "error", "b": "error"}, sets="data_set"),
    )
    assert live.distance(experiment, stored) == pytest.approx(0.3 / (0.1 * 2**0.5))
