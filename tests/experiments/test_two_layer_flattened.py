"""The experiment with pairs of chains, on a network small enough to be sure of its shares."""

import numpy as np
import pytest
import torch
import xarray as xr

from featlearn.experiments import two_layer_flattened, two_layer_ladder
from featlearn.experiments.experiment import settings
from featlearn.inference.network import Network
from featlearn.inference.observables import specialised

SMALL = settings(
    two_layer_flattened.DEFAULTS,
    d=4,
    N=4,
    P=12,
    data_seed=[4, 0],
    planted=2,
    n_leapfrog=8,
    warmup=200,
    draws=1500,
)


@pytest.fixture(scope="module")
def run():
    return two_layer_flattened.run_point(SMALL, "cpu")


def test_counted_and_reweighted_shares_agree(run):
    assert set(run.variables) <= set(two_layer_flattened.UNITS)
    share, error = run.share.values, run.share_mcse.values
    assert abs(share.sum() - 1) < 1e-9 and (run.swapped > 0.2).all()
    seen = run.free_energy_error.values > 0
    assert seen.sum() >= 2 and (share[~seen] < 0.02).all()
    reweighted = np.exp(-run.free_energy.values[seen])
    spread = np.hypot(error[seen], reweighted * run.free_energy_error.values[seen])
    assert (abs(reweighted - share[seen]) < 5 * spread + 1e-3).all()
    np.testing.assert_allclose((share * run.number).sum(), run["count"].mean(), rtol=1e-6)


def test_the_profile_is_the_law_of_the_soft_count(run):
    seen = run.profile_error.values > 0
    np.testing.assert_allclose(np.exp(-run.profile.values[seen]).sum(), 1, atol=0.01)
    np.testing.assert_allclose(run.visits.sum("soft_count"), 1)
    visits, error = run.visits.values[1], run.profile_error.values
    often = visits > 0.02
    assert often.sum() > 5
    off = abs(-np.log(visits[often]) - run.profile.values[often])
    assert (off < 5 * np.hypot(error[often], 1 / np.sqrt(visits[often] * 400))).all()


def test_a_ladder_agrees(run):
    """The same data set, by the sampler that shares no bias and no exchange with this one."""
    names = ("d", "N", "P", "data_seed", "planted")
    ladder = two_layer_ladder.run_point(
        settings(
            two_layer_ladder.DEFAULTS,
            **{name: SMALL[name] for name in names},
            starts=2,
            rungs=3,
            least_scale=0.5,
            n_jumps=4,
            warmup=200,
            draws=1000,
        ),
        "cpu",
    )
    for name in ("alignment", "count"):
        error = np.hypot(run[f"{name}_mcse"], ladder[f"{name}_mcse"])
        assert abs(run[name].mean() - ladder[name].mean()) < 5 * error
        assert run[f"{name}_r_hat"] < 1.05


class Started(Exception):
    """Carries what sampling was started with."""


def test_the_first_half_of_the_pairs_starts_from_the_prior(monkeypatch):
    def started(posterior, z, **settings):
        raise Started(posterior, z)

    monkeypatch.setattr(two_layer_flattened, "sample_flattened", started)
    config = settings(SMALL, d=40, N=40, P=50, data_seed=[40, 3], planted=3, starts=5)
    with pytest.raises(Started) as caught:
        two_layer_flattened.run_point(config, "cpu")
    posterior, z = caught.value.args
    network = Network(40, [40])
    numbers = specialised(network.layers(z.flatten(0, 1))[0][..., 0]).reshape(2, 5, 2)
    assert (numbers[0] == 0).all() and (numbers[1] == 3).all()
    x, y = network.data([40, 3], 50, dtype=torch.float32)
    assert (posterior.x == x).all() and (posterior.y == y).all() and posterior.B == 20


def test_free_energies_of_a_law_that_is_known():
    """Independent draws of both laws, again and again: the truth, and the scatter of the found."""
    weight, V = np.array([0.7, 0.2995, 0.0005]), np.array([7.0, 6.0, 0.0])
    truth, found = -np.log(weight), []
    rng = np.random.default_rng(0)
    for _ in range(40):
        probability = [weight * np.exp(-V), weight]
        number = np.stack(
            [rng.choice(3, (4, 500), p=p / p.sum()) for p in probability], 1
        )  # (chain, law, draw)
        draws = xr.Dataset(
            {
                "number": (("chain", "law", "draw"), number),
                "bias": (("chain", "law", "draw"), V[number]),
                "soft_count": (("chain", "law", "draw"), number + 0.05),
            }
        )
        value, error, profile, its_error = two_layer_flattened._free_energies(draws)
        np.testing.assert_allclose(profile[[0, 10, 20]], value[:3], rtol=1e-9)
        np.testing.assert_allclose(its_error[[0, 10, 20]], error[:3], rtol=1e-6)
        assert (value[3:] == 0).all() and (error[3:] == 0).all()
        found.append([value[:3], error[:3]])
    value, error = np.swapaxes(found, 0, 1)
    score = (value.mean(0) - truth) / (value.std(0, ddof=1) / np.sqrt(len(value)))
    assert (abs(score) < 4).all()
    ratio = value.std(0, ddof=1) / error.mean(0)
    assert (ratio > 0.7).all() and (ratio < 1.4).all()


def test_what_is_not_known_is_zero():
    value, error = np.array([1.0, np.nan, 2.0, np.inf]), np.array([0.1, 0.2, np.nan, 0.3])
    found = two_layer_flattened.known(value, error)
    np.testing.assert_array_equal(found, [[1.0, 0, 0, 0], [0.1, 0, 0, 0]])
