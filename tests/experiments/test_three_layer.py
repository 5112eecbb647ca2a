"""The points of the three-layer chapter: what they count, and what they read off the counts."""

import numpy as np
import pytest
import torch
import xarray as xr

from featlearn.experiments import three_layer, three_layer_sweeps
from featlearn.inference.network import Network
from featlearn.theory.alignment import neuron_alignment


@pytest.fixture(scope="module")
def prior_run():
    """A point without data: every start forgets where it was and samples the prior."""
    config = three_layer.point(6, 4, 5, 0, data_sets=2, warmup=150, draws=1000)
    return three_layer.run_point(config, "cpu")


def test_without_data_there_is_no_magnetization(prior_run):
    distance = (prior_run.magnetization.mean("start") - 1) / prior_run.magnetization_mcse
    assert (abs(distance) < 5).all() and (prior_run.magnetization_mcse < 0.1).all()


def test_without_data_the_first_layer_has_the_priors_large_overlaps(prior_run):
    from scipy.stats import norm

    expected = 4 * 2 * norm.sf(0.7 * 6**0.5)
    distance = (prior_run["first"].mean("start") - expected) / prior_run.first_mcse
    assert (abs(distance) < 5).all() and (prior_run.first_mcse < 0.1 * expected).all()


def test_shares_and_histograms_hold_the_same_counts(prior_run):
    first = (prior_run.share * prior_run.number_1).sum(("number_1", "number_2"))
    np.testing.assert_allclose(first, prior_run["first"], atol=1e-12)
    second = (prior_run.share * prior_run.number_2).sum(("number_1", "number_2"))
    np.testing.assert_allclose(second, prior_run["second"], atol=1e-12)
    beyond = prior_run.histogram_1.sel(bin=slice(0.7, None)).sum("bin")
    np.testing.assert_allclose(beyond, prior_run["first"], atol=1e-12)
    for layer, width in ((1, 4), (2, 5)):
        assert float(prior_run[f"portrait_{layer}"].sum()) == pytest.approx(width)


def test_a_portrait_places_a_neuron_and_its_negative_at_the_same_cell():
    linear = np.array([1.01, -1.01]).reshape(1, 1, 1, 2)
    cubic = np.array([-0.33, 0.33]).reshape(1, 1, 1, 2)
    (portrait,) = three_layer._portrait(linear, cubic)[0]
    i, j = np.argwhere(portrait)[0]
    assert portrait[i, j] == 2 and portrait.sum() == 2
    low, high = three_layer.CUBIC_EDGES[j], three_layer.CUBIC_EDGES[j + 1]
    assert three_layer.LINEAR_EDGES[i] <= 1.01 < three_layer.LINEAR_EDGES[i + 1]
    assert low <= -0.33 < high


def test_magnetization_is_measured_against_random_second_layer_weights():
    """The yardstick sum_i g_3(i)^2 / N1, for one first layer and many second layers."""
    network, g = Network(5, [4, 3]), torch.Generator().manual_seed(1)
    first = network.layers(network.prior(1, g))[0].expand(20000, -1, -1)
    second = network.layers(network.prior(20000, g))[1]
    cubic = network.responses([first, second], 3)[1]
    g3 = neuron_alignment(first[0, :, 0], first[0].square().sum(-1), 3)
    ratio = (cubic.square().mean(1) / g3.square().mean()).numpy()
    assert abs(ratio.mean() - 1) < 5 * ratio.std() / len(ratio) ** 0.5


def test_free_energy_of_basins():
    share = np.zeros((1, 2, 1, 7, 7))
    share[0, 0, 0, 1, 0], share[0, 0, 0, 0, 2] = 0.75, 0.25
    share[0, 1, 0, 2, 0], share[0, 1, 0, 0, 1] = 0.65, 0.35
    dims = ("point", "data_set", "start", "number_1", "number_2")
    found = three_layer.basin_free_energy(xr.Dataset({"share": (dims, share)}))
    np.testing.assert_allclose(found, [[np.log(3), np.log(0.65 / 0.35)]])
    only = xr.Dataset({"share": (dims, np.where(np.arange(7) == 0, share, 0))})
    assert np.isposinf(three_layer.basin_free_energy(only)).all()


@pytest.mark.parametrize(
    "changes, message",
    [({"follow": ["third"]}, "follow"), ({"rounds": [{"N1": 3}]}, r"rounds\[0\]"), ({"N": 3}, "N")],
)
def test_bad_input_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        three_layer.point(4, 4, 4, 8, **changes)


@pytest.mark.parametrize("experiment", three_layer_sweeps.EXPERIMENTS, ids=lambda e: e.name)
def test_points_of_a_sweep_differ_in_their_columns(experiment):
    seen = [tuple(experiment.columns_of(config).values()) for config in experiment.points]
    assert len(set(seen)) == len(seen)
