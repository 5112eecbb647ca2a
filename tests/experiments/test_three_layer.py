"""The points of the three-layer chapter: what they count, and what they read off the counts."""

import numpy as np
import pytest
import torch
import xarray as xr

from featlearn.experiments import equilibrium, three_layer
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


@pytest.fixture
def made_up(monkeypatch):
    """A point whose chains have made-up responses: (them, what is measured, starts, network)."""
    rng = np.random.default_rng(2)
    shape = (3, 2, 7)  # start, data set, draw
    draws = {
        "alignment": rng.normal(size=shape),
        "response_1": 0.6 * rng.normal(size=(*shape, 9)),
        "norm2_1": 1 + rng.random((*shape, 9)),
        "response_2": 0.9 * rng.normal(size=(*shape, 8)),
        "cubic_2": 0.2 * rng.normal(size=(*shape, 8)),
    }
    draws["response_1"][0, 1] = 1.0  # nine specialised neurons: beyond what shares tell apart
    draws["response_2"][2, 0] = -4.0  # eight, beyond the last bin
    found = {}

    def measure(config, network, starts, observe, **options):
        found["starts"] = starts, network
        followed, kept = observe(draws)
        return xr.Dataset(
            {q: (("data_set", "start"), v.mean(-1).T) for q, v in followed.items()} | kept
        )

    monkeypatch.setattr(equilibrium, "measure", measure)
    run = three_layer.run_point(three_layer.point(30, 9, 8, 12, data_sets=2), "cpu")
    return draws, run, *found["starts"]


def test_numbers_of_given_responses_are_at_their_data_set_and_start(made_up):
    draws, run, _, _ = made_up
    for i in range(2):
        for start in range(3):
            own = {name: values[start, i] for name, values in draws.items()}
            here = run.isel(data_set=i, start=start)
            numbers = [(abs(own[f"response_{k}"]) > 0.7).sum(1) for k in (1, 2)]
            assert [here["first"], here["second"]] == pytest.approx([n.mean() for n in numbers])
            g3 = neuron_alignment(own["response_1"], own["norm2_1"], 3)
            ratio = (own["cubic_2"] ** 2).mean(1) / (g3**2).mean(1)
            assert here.magnetization == pytest.approx(ratio.mean())
            share = np.zeros((7, 7))
            np.add.at(share, tuple(np.minimum(numbers, 6)), 1 / 7)
            np.testing.assert_allclose(here.share, share, atol=1e-12)
            for k in (1, 2):
                size = abs(own[f"response_{k}"]).clip(0, 2.99)
                expected = np.histogram(size, three_layer.EDGES)[0] / 7
                np.testing.assert_allclose(here[f"histogram_{k}"], expected)
    assert run.share.dims == ("data_set", "start", "number_1", "number_2")
    assert run.number_1.values.tolist() == run.number_2.values.tolist() == list(range(7))
    np.testing.assert_allclose(run.bin, 0.05 * np.arange(60) + 0.025, atol=1e-12)


def test_portraits_are_of_outputs_and_of_pre_activations(made_up):
    draws, run, _, _ = made_up
    overlap, norm2 = draws["response_1"], draws["norm2_1"]
    of_layers = (
        [neuron_alignment(overlap, norm2, m) for m in (1, 3)],
        [draws["response_2"], draws["cubic_2"]],
    )
    edges = [three_layer.LINEAR_EDGES, three_layer.CUBIC_EDGES]
    for layer, (linear, cubic) in enumerate(of_layers, 1):
        sign = np.sign(linear)
        size, turned = abs(linear).clip(0, 2.19), (sign * cubic).clip(-0.79, 0.79)
        expected = np.histogram2d(size.ravel(), turned.ravel(), edges)[0] / (3 * 2 * 7)
        assert run[f"portrait_{layer}"].dims == ("linear", "cubic")
        np.testing.assert_allclose(run[f"portrait_{layer}"], expected, atol=1e-12)
    np.testing.assert_allclose(run.linear, 0.05 * np.arange(44) + 0.025, atol=1e-12)
    np.testing.assert_allclose(run.cubic, 0.04 * np.arange(-20, 20) + 0.02, atol=1e-12)


def test_either_layer_is_planted_from_a_start_of_its_own(made_up):
    _, _, starts, network = made_up
    assert list(starts) == ["prior", "first", "second"]
    planted = {}
    for name, start in starts.items():
        z = start(2, torch.Generator().manual_seed(0))
        responses = network.responses(network.layers(z))
        planted[name] = [(abs(r - 1) < 1e-9).sum(1).tolist() for r in responses]
    none, two = [0, 0], [2, 2]
    assert planted == {"prior": [none, none], "first": [two, none], "second": [none, two]}


def test_a_network_has_all_settings_of_its_point():
    changes = dict(kappa=0.3, sigma_a2=1.7, degree=5)
    network = three_layer.network_of(three_layer.point(6, 5, 4, 12, **changes))
    assert network == Network(6, [5, 4], kappa=0.3, sigma_a2=1.7, degree=5)


def test_widths_and_training_sizes_share_their_data():
    one, other = (three_layer.point(6, *sizes, data_sets=2) for sizes in ((5, 4, 9), (3, 8, 7)))
    assert one["data_seeds"] == other["data_seeds"] == [[6, 0], [6, 1]]


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
    both = np.concatenate([share, share[:, ::-1]], 2)  # two starts: their mean share, 0.7
    found = three_layer.basin_free_energy(xr.Dataset({"share": (dims, both)}))
    np.testing.assert_allclose(found, np.full((1, 2), np.log(0.7 / 0.3)))
    only = xr.Dataset({"share": (dims, np.where(np.arange(7) == 0, share, 0))})
    assert np.isposinf(three_layer.basin_free_energy(only)).all()


@pytest.mark.parametrize(
    "changes, message",
    [({"follow": ["third"]}, "follow"), ({"rounds": [{"N1": 3}]}, r"rounds\[0\]"), ({"N": 3}, "N")],
)
def test_bad_input_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        three_layer.point(4, 4, 4, 8, **changes)


def test_units_cover_what_a_point_measures(prior_run):
    assert set(prior_run.variables) | set(three_layer.COLUMNS) == set(three_layer.UNITS)
