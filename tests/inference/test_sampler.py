"""The sampler as a whole: the prior, seeds, what is recorded, and its arguments."""

import numpy as np
import pytest
import torch

from featlearn.inference.alignment_variance import AlignmentVariance
from featlearn.inference.laws import DataScales, restraints
from featlearn.inference.network import Network
from featlearn.inference.sampler import sample
from tests.inference.cases import (
    THRESHOLD,
    generator,
    network_of,
    on_all_kinds,
    posterior_of,
    z_score,
)


@on_all_kinds
def test_without_data_the_prior_is_recovered(kind):
    network = network_of(kind)
    B = 400
    posterior = posterior_of(network, [0] * B, 0)
    start = torch.full((B, network.size), 1.5, dtype=torch.float64)

    def weights(z):
        return {f"w_{'ab'[i]}": w.flatten(1) for i, w in enumerate(network.layers(z))}

    run = sample(
        posterior, start, warmup=60, draws=40, seed=1, n_jumps=3, thin=39, record_rungs=weights
    )
    assert run.sizes["draw"] == 2
    for i, (width, n) in enumerate(network.shapes):
        w = run[f"w_{'ab'[i]}"].values[:, -1].reshape(B, width, n)  # one draw a chain
        first, norm2 = w[..., 0].ravel(), np.square(w).sum(-1).ravel()
        for draws, expected in (
            (first**2, 1 / n),
            (first**4, 3 / n**2),
            (norm2, 1.0),
            (norm2**2, 1 + 2 / n),
        ):
            assert abs(z_score(draws, expected)) < THRESHOLD
    overlap = run.response_1.values[:, -1].ravel()
    assert abs(z_score(overlap**2, 1 / network.patch_size)) < THRESHOLD
    readout = run.alignment_drawn.values[:, -1]
    assert (run.alignment.values == 0).all() and abs(z_score(readout, 0)) < THRESHOLD
    assert not run.divergent.values.any() and (run.statistic.values == 0).all()
    np.testing.assert_allclose(run.acceptance.values, 1)


@on_all_kinds
@pytest.mark.parametrize("ladder", [None, DataScales(np.array([0.0, 0.4, 1.0]))])
def test_same_seed_same_bits(kind, ladder):
    network = network_of(kind)
    K = 1 if ladder is None else 3
    posterior = posterior_of(network, [0, 1] * K, 9)
    start = network.prior(2 * K, generator())
    start = start if ladder is None else start.reshape(2, K, -1)
    settings = dict(warmup=10, draws=20, n_jumps=2, ladder=ladder)
    runs = [sample(posterior, start, seed=8, **settings) for _ in range(2)]
    assert runs[0].equals(runs[1])
    assert not runs[0].equals(sample(posterior, start, seed=9, **settings))


def test_what_is_recorded():
    network = Network(4, [5, 3])
    posterior = posterior_of(network, range(4), 9)
    run = sample(
        posterior,
        network.prior(4, generator()),
        warmup=4,
        draws=9,
        seed=1,
        thin=3,
        n_leapfrog=5,
        record_rungs=lambda z: {"again": posterior.statistic(z)},
    )
    sizes = dict(run.sizes)
    assert sizes == {"chain": 4, "draw": 3, "neuron_1": 5, "neuron_2": 3}
    assert run.response_2.dims == ("chain", "draw", "neuron_2")
    assert run.attrs["n_leapfrog"] == 5 and "moved" in run and "swapped" not in run
    np.testing.assert_allclose(run.statistic, run.again, rtol=1e-10)


def test_thinned_draws_are_every_thin_th():
    network = Network(3, [4])
    posterior, start = posterior_of(network, [0, 1], 9), network.prior(2, generator())
    settings = dict(warmup=6, draws=10, seed=3, record=lambda z: {"z_1": z})
    every, third = (sample(posterior, start, thin=thin, **settings) for thin in (1, 3))
    np.testing.assert_array_equal(every["z_1"][:, ::3], third["z_1"])
    np.testing.assert_array_equal(every.acceptance, third.acceptance)


def test_jumps_are_offered_by_default_where_they_can_be():
    for widths, there in (([3], True), ([3, 3], True), ([3, 3, 3], False)):
        network = Network(4, widths)
        posterior = posterior_of(network, [0], 6)
        run = sample(posterior, network.prior(1, generator()), warmup=1, draws=2, seed=0)
        assert ("moved" in run) == there
    network = Network(4, [3])
    start = network.prior(1, generator())
    run = sample(AlignmentVariance(network), start, warmup=9, draws=2, seed=0)
    assert "moved" not in run and "alignment" not in run and "statistic" in run


@pytest.mark.parametrize(
    "change, said",
    [
        ({"warmup": -1}, "warmup = -1"),
        ({"warmup": 2.5}, "warmup = 2.5"),
        ({"draws": 0}, "draws = 0"),
        ({"draws": True}, "draws = True"),
        ({"thin": 0}, "thin = 0"),
        ({"n_jumps": -1}, "n_jumps = -1"),
        ({"n_leapfrog": 0}, "n_leapfrog = 0"),
        ({"n_leapfrog": "some"}, "n_leapfrog = 'some'"),
        ({"target_acceptance": 1.5}, "target = 1.5"),
        ({"z": torch.zeros(8, 11)}, r"z has shape \(8, 11\)"),
        ({"z": torch.zeros(12)}, r"z has shape \(12,\)"),
        ({"z": torch.zeros(7, 12)}, "z has 7 chains: B = 8"),
        ({"ladder": DataScales(np.linspace(0, 1, 4))}, r"z has shape \(8, 12\)"),
        (
            {"ladder": DataScales(np.linspace(0, 1, 4)), "z": torch.zeros(2, 3, 12)},
            r"z has shape \(2, 3, 12\)",
        ),
        (
            {"ladder": DataScales(np.linspace(0, 1, 4)), "z": torch.zeros(3, 4, 12)},
            "z has 12 chains: B = 8",
        ),
        ({"ladder": restraints(1.0, 4), "z": torch.zeros(2, 4, 12)}, "ladder = Restraints"),
    ],
)
def test_bad_arguments_are_named(change, said):
    network = Network(4, [3])
    arguments = dict(
        target=posterior_of(network, [0] * 8, 5),
        z=network.prior(8, generator()),
        warmup=1,
        draws=1,
        seed=0,
    )
    sample(**arguments)
    with pytest.raises(ValueError, match=said):
        sample(**(arguments | change))


@pytest.mark.parametrize(
    "change, said",
    [
        ({"z": torch.zeros(2, 5, 12)}, "z has shape"),
        ({"n_jumps": 2}, "n_jumps = 2: 0 is needed"),
    ],
)
def test_bad_arguments_of_a_random_network_are_named(change, said):
    arguments = dict(
        target=AlignmentVariance(Network(4, [3])),
        z=torch.zeros(2, 4, 12, dtype=torch.float64),
        ladder=restraints(1.0, 4),
        warmup=1,
        draws=1,
        seed=0,
    )
    sample(**arguments)
    with pytest.raises(ValueError, match=said):
        sample(**(arguments | change))


def test_arrays_of_any_name_and_shape_are_kept():
    network = network_of("two layers")
    posterior = posterior_of(network, [0] * 2, 6)

    def shapes(z):
        return {"a_1": z[:, :3], "b_1": z[:, :2], "table": z[:, :6].reshape(-1, 2, 3)}

    z = network.prior(2, generator())
    run = sample(posterior, z, warmup=2, draws=2, seed=1, n_leapfrog=2, record_rungs=shapes)
    assert run.a_1.dims == ("chain", "draw", "a_1_dim_0") and run.b_1.sizes["b_1_dim_0"] == 2
    assert run.table.shape == (2, 2, 2, 3)
