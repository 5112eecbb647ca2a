"""Pairs of chains: the posterior stays exact, whatever the bias; seeds; arguments."""

import numpy as np
import pytest
import torch

from featlearn.inference.diagnostics import diagnose
from featlearn.inference.flattened import sample_flattened
from featlearn.inference.network import Network
from featlearn.inference.observables import specialised
from featlearn.inference.reweighting import free_energies
from featlearn.inference.sampler import sample
from featlearn.inference.soft_count import SoftCount
from tests.inference.cases import THRESHOLD, generator, posterior_of, z_score

NETWORK = Network(4, [4])


def pairs(R, P, warmup=200, draws=800, seed=1, n_leapfrog=8, **settings):
    posterior = posterior_of(NETWORK, [0] * 2 * R, P)
    z = NETWORK.prior(2 * R, generator()).reshape(R, 2, -1)
    return sample_flattened(
        posterior, z, warmup=warmup, draws=draws, seed=seed, n_leapfrog=n_leapfrog, **settings
    )


def test_without_data_one_chain_follows_the_prior():
    """Exchange brings half of its states, and short trajectories repair little of a wrong one."""
    R, many = 2000, 100_000
    run = pairs(R, 0, warmup=150, draws=20, n_leapfrog=2)
    assert run.bias.values.std() > 0.5 and run.swapped.mean() > 0.2
    prior = NETWORK.prior(many, generator(9))
    count = SoftCount(posterior_of(NETWORK, [0] * many, 0))(prior)
    number = specialised(NETWORK.layers(prior)[0][..., 0]).double()
    for mine, expected in ((run.soft_count, count), (run.number, number)):
        flattened, posterior = mine.values[:, :, -1].T  # one draw a chain
        for moment in (1, 2):
            exact = expected**moment
            error = float(exact.std()) / many**0.5
            assert abs(z_score(posterior**moment, float(exact.mean()), error)) < THRESHOLD
        error = float(expected.std()) / many**0.5
        assert z_score(flattened, float(expected.mean()), error) > 3 * THRESHOLD  # it does not


def test_both_laws_give_the_posterior():
    run = pairs(4, 12, warmup=300, draws=2500)
    plain = sample(
        posterior_of(NETWORK, [0] * 4, 12),
        NETWORK.prior(4, generator(5)),
        warmup=200,
        draws=2000,
        seed=2,
        record_rungs=lambda z: {"number": specialised(NETWORK.layers(z)[0][..., 0])},
    )
    for mine, theirs in (
        (run.alignment, plain.alignment),
        (run.statistic[:, 1], plain.statistic),
        (run.number[:, 1], plain.number),
    ):
        a, b = diagnose(mine.values), diagnose(theirs.values)
        assert a.r_hat < 1.02
        assert abs(a.mean - b.mean) < THRESHOLD * np.hypot(a.mcse, b.mcse)
    step = 20  # draws apart
    V = [run.bias.values[:, law, ::step].ravel().astype(float) for law in range(2)]
    number = np.concatenate([run.number.values[:, law, ::step].ravel() for law in range(2)])
    found = free_energies(lambda v: np.stack([v, 0 * v]), V, [np.where(number == 0, 0.0, np.inf)])
    share = diagnose(plain.number.values == 0)
    reweighted = np.exp(found.value[1] - found.value[2])
    error = reweighted * found.between[2, 1]
    assert abs(reweighted - share.mean) < THRESHOLD * np.hypot(error, share.mcse)


def test_the_flattened_chain_visits_counts_evenly():
    run = pairs(6, 12, warmup=600, draws=2000)
    flattened, posterior = run.soft_count.values[:, 0].ravel(), run.soft_count.values[:, 1].ravel()
    bins = np.arange(0.1, 1.6, 0.3)
    even = np.histogram(flattened, bins)[0]
    assert even.min() > 0.4 * even.max()
    uneven = np.histogram(posterior, bins)[0]
    assert uneven.min() < 0.4 * uneven.max()


def test_same_seed_same_bits_and_what_is_returned():
    first, again = pairs(3, 9, 20, 30), pairs(3, 9, 20, 30)
    assert first.equals(again) and not first.equals(pairs(3, 9, 20, 30, seed=2))
    assert dict(first.sizes) == {"chain": 3, "law": 2, "draw": 30, "bin": len(first.bin)}
    assert list(first.law.values) == ["flattened", "posterior"]
    assert 0 <= first.flattening.min() < first.flattening.max() == 8
    np.testing.assert_allclose(
        first.bias, np.interp(first.soft_count, first.bin, first.flattening), atol=1e-9
    )


@pytest.mark.parametrize(
    "change, message",
    [
        ({"warmup": 0}, "warmup = 0"),
        ({"draws": 2.5}, "draws = 2.5"),
        ({"n_leapfrog": True}, "n_leapfrog = True"),
        ({"height": -1.0}, "height = -1.0"),
        ({"target_acceptance": 2.0}, "target = 2.0"),
        ({"z": torch.zeros(2, 16)}, r"\(2, 16\)"),
        ({"z": torch.zeros(3, 2, 16)}, "z has 6 chains: B = 4"),
    ],
)
def test_bad_arguments_are_named(change, message):
    z = change.get("z", torch.zeros(2, 2, 16).double())
    settings = {"warmup": 5, "draws": 5, "seed": 0, "n_leapfrog": 4} | change
    settings.pop("z", None)
    with pytest.raises(ValueError, match=message):
        sample_flattened(posterior_of(NETWORK, [0] * 4, 9), z, **settings)
