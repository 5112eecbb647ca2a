"""Settings of chains that make no sense are refused before anything is sampled."""

import pytest

from featlearn.experiments import cnn, equilibrium, three_layer, two_layer
from featlearn.experiments.__main__ import EXPERIMENTS

SAMPLED = [e for e in EXPERIMENTS if "data_seeds" in e.points[0] and "rounds" in e.points[0]]

POINTS = {
    "two layers": lambda **others: two_layer.point(4, 4, 8, **others),
    "three layers": lambda **others: three_layer.point(4, 4, 4, 8, **others),
    "patches": lambda **others: cnn.point(4, 4, 4, 8, **others),
}


@pytest.mark.parametrize("kind", POINTS)
@pytest.mark.parametrize(
    "others, message",
    [
        ({"rungs": 0}, "rungs = 0"),
        ({"draws": 19}, "draws = 19"),
        ({"warmup": -1}, "warmup = -1"),
        ({"n_leapfrog": 1.5}, "n_leapfrog = 1.5"),
        ({"dtype": "flaot"}, "dtype = 'flaot'"),
        ({"least_scale": 0.3}, "least_scale = 0.3 with rungs = 1"),
        ({"rungs": 3, "least_scale": 2.0}, "least_scale = 2.0 with rungs = 3"),
        ({"rungs": 3}, "least_scale = 1.0 with rungs = 3"),
        ({"rounds": [{"draws": 100}, {"rungs": 2}]}, "least_scale = 1.0 with rungs = 2"),
        ({"rounds": [{"n_jumps": -3}]}, "n_jumps = -3"),
    ],
)
def test_they_are_named(kind, others, message):
    with pytest.raises(ValueError, match=message):
        POINTS[kind](**others)


@pytest.mark.parametrize("kind", POINTS)
def test_sound_ones_pass(kind):
    config = POINTS[kind](n_leapfrog="auto", rounds=[{"rungs": 4, "least_scale": 0.5, "draws": 50}])
    assert config["n_leapfrog"] == "auto" and config["rounds"][0]["rungs"] == 4


@pytest.mark.parametrize("experiment", SAMPLED, ids=lambda e: e.name)
def test_live_points_are_points_of_the_full_sweep(experiment):
    """With the first of the same data sets, and the same law."""
    full = {tuple(experiment.columns_of(p).values()): p for p in experiment.points}
    lengths = {"data_seeds", *equilibrium.CHAINS, "rounds", "follow"}
    assert experiment.spot.points
    for p in experiment.spot.points:
        stored = full[tuple(experiment.columns_of(p).values())]
        assert p["data_seeds"] == stored["data_seeds"][: len(p["data_seeds"])]
        assert {key for key in p if p[key] != stored[key]} <= lengths
