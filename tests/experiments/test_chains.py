"""Settings of chains that make no sense are refused before anything is sampled."""

import pytest

from featlearn.experiments import cnn, three_layer, two_layer

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
