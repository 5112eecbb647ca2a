"""Ladders of biased laws: against exact tails and evidences, and their bookkeeping."""

import numpy as np
import pytest
import torch
from scipy.special import log_ndtr, logsumexp

from featlearn.inference import hmc
from featlearn.inference.alignment_variance import AlignmentVariance
from featlearn.inference.laws import DataScales, restraints
from featlearn.inference.network import Network
from featlearn.inference.posterior import CollapsedPosterior
from featlearn.inference.reweighting import free_energies, thin
from featlearn.inference.sampler import _Chains, sample
from featlearn.theory.large_deviations import log_tail_probability
from tests.inference.cases import (
    KINDS,
    THRESHOLD,
    full,
    generator,
    network_of,
    on_all_kinds,
    posterior_of,
)


def bias_of(ladder):
    return lambda s: ladder.energy(torch.as_tensor(s)[:, None]).T.numpy()


def test_the_tail_of_two_layers():
    """A probability of exp(-44), from a prior start and from a planted one."""
    network = Network(6, [6])
    ladder = restraints(1.0, 16)
    start = network.prior(64, generator()).reshape(4, 16, network.size)
    start[2:].reshape(2, 16, 6, 6)[:, 1:, :3, 0] = 3.0
    run = sample(
        AlignmentVariance(network), start, ladder=ladder, warmup=150, draws=1000, seed=1, thin=2
    )
    V = run.statistic.values
    found, errors = [], []
    for r in range(4):
        draws = [V[r, k][thin(V[r, k])] for k in range(16)]
        target = -log_ndtr(-1 / np.sqrt(np.concatenate(draws)))
        result = free_energies(bias_of(ladder), draws, [target])
        found.append(result.value[-1])
        errors.append(result.error[-1])
    exact = -log_tail_probability(1.0, 6, 6)
    error = np.sqrt(np.square(errors).sum()) / 4
    assert error < 0.3
    assert abs(np.mean(found) - exact) < THRESHOLD * error
    assert run.swapped.values[:, :-1].min() > 0.3
    assert set(run.walker.values[0, -1]) - {15.0}  # states came from below
    assert "scale" not in run  # windows stay where they are


EVIDENCE = {
    "two layers": dict(d=3, widths=[2]),
    "three layers": dict(d=3, widths=[3, 2]),
    "patches": dict(d=4, widths=[2], patches=2),
}


@pytest.mark.parametrize("kind, n_jumps", [("two layers", 0), *((kind, 2) for kind in KINDS)])
def test_evidence_and_posterior_of_a_small_network(kind, n_jumps):
    """Against importance sampling from the prior."""
    network = network_of(kind, kappa=0.5, **EVIDENCE[kind])
    K, R = 6, 2
    posterior = posterior_of(network, [0] * (R * K), 5)
    start = network.prior(R * K, generator()).reshape(R, K, -1)
    ladder = DataScales(np.linspace(0, 1, K) ** 2)
    run = sample(
        posterior,
        start,
        ladder=ladder,
        warmup=100,
        draws=500,
        seed=1,
        n_jumps=n_jumps,
        n_leapfrog=6,
        record=lambda z: {"mean": posterior.subset([0] * R).alignment(z)[0]},
    )
    scale = run.scale.values
    assert scale[0] == 0 and scale[-1] == 1 and (np.diff(scale) > 0).all()
    U, mean = run.statistic.values, run["mean"].values
    keep = [[(r, thin(U[r, k])) for r in range(R)] for k in range(K)]
    draws = [np.concatenate([U[r, k, i] for r, i in keep[k]]) for k in range(K)]
    found = free_energies(lambda s: scale[:, None] * s, draws)

    n = 50_000
    z = network.prior(n, generator(1))
    one = posterior.subset([0])
    large = CollapsedPosterior(
        network, one.x.expand(n, -1, -1), one.y.expand(n, -1), rule=posterior.rule
    )
    energy = large.statistic(z).numpy()
    exact = -(logsumexp(-energy) - np.log(n))
    assert abs(found.value[-1] - exact) < THRESHOLD * np.hypot(found.error[-1], 0.01)
    weight = np.exp(-(energy - energy.min()))
    alignment = large.alignment(z)[0].numpy()
    for values, kept in (
        (alignment, [mean[r, i] for r, i in keep[-1]]),
        (energy, [U[r, -1, i] for r, i in keep[-1]]),
    ):
        expected = (weight * values).sum() / weight.sum()
        kept = np.concatenate(kept)
        slack = 0.002 if values is alignment else 0.02
        assert abs(kept.mean() - expected) < THRESHOLD * kept.std() / len(kept) ** 0.5 + slack
    # The first rung is the prior.
    prior = np.concatenate([U[r, 0, i] for r, i in keep[0]])
    error = np.hypot(prior.std() / len(prior) ** 0.5, energy.std() / n**0.5)
    assert abs(prior.mean() - energy.mean()) < THRESHOLD * error


@on_all_kinds
@pytest.mark.parametrize("n_jumps", [0, 1])
def test_what_is_recorded_belongs_to_the_state_that_the_rung_holds(kind, n_jumps):
    """After an exchange weights, statistic and record move together."""
    network = network_of(kind, kappa=0.5)
    posterior = posterior_of(network, [0, 1] * 4, 5)
    posterior.y[:4], posterior.x[:4] = posterior.y[0], posterior.x[0].clone()
    posterior.y[4:], posterior.x[4:] = posterior.y[4], posterior.x[4].clone()
    posterior = CollapsedPosterior(network, posterior.x, posterior.y, rule=posterior.rule)
    start = network.prior(8, generator()).reshape(2, 4, -1)
    run = sample(
        posterior,
        start,
        ladder=DataScales(np.array([0.0, 0.3, 0.6, 1.0])),
        warmup=5,
        draws=40,
        seed=1,
        n_leapfrog=4,
        n_jumps=n_jumps,
        record=lambda z: {"last": posterior.subset([3, 7]).statistic(z)},
        record_rungs=lambda z: {"again": posterior.statistic_and_gradient(z)[0]},
    )
    assert run.swapped.values[:, :-1].min() > 0.05
    # A row's place in the batch may change the last bit, and an exchange changes the place.
    np.testing.assert_allclose(run.statistic, run.again, rtol=1e-12)
    np.testing.assert_allclose(run.statistic[:, -1], run["last"])
    assert dict(run["again"].sizes) == {"chain": 2, "rung": 4, "draw": 40}


@on_all_kinds
@pytest.mark.parametrize("n_jumps", [0, 2])
def test_statistic_and_gradient_belong_to_the_position(kind, n_jumps):
    """After every iteration: trajectory, jumps and exchange."""
    network, K = network_of(kind, kappa=0.5), 4
    posterior = posterior_of(network, [0] * (2 * K), 5)
    start = network.prior(2 * K, generator()).reshape(2, K, -1)
    ladder = DataScales(np.linspace(0, 0.5, K))
    chains = _Chains(posterior, start, ladder, 1, 3, n_jumps, 0.7, 0)
    for _ in range(20):
        chains.advance()
        value, gradient = posterior.statistic_and_gradient(chains.state.z)
        torch.testing.assert_close(chains.state.statistic, value)
        torch.testing.assert_close(chains.state.gradient, gradient)
    assert (chains.swaps[:, :-1] > 0).all() and (chains.accepted > 0).all()
    assert not n_jumps or (chains.moved > 0).any()


def test_a_walker_is_the_rung_whose_start_the_state_descends_from(monkeypatch):
    """With trajectories that stand still, positions are starts and the walker says which."""

    def still(target, law, state, step_size, n_leapfrog, generator):
        ones = torch.ones_like(state.statistic)
        return state, hmc.Info(ones, ones > 0, ones < 0)

    monkeypatch.setattr(hmc, "step", still)
    network, R, K = Network(3, [2], kappa=0.5), 3, 5
    posterior = posterior_of(network, [0] * (R * K), 5)
    start = network.prior(R * K, generator()).reshape(R, K, -1)
    run = sample(
        posterior,
        start,
        ladder=DataScales(np.linspace(0, 0.1, K)),
        warmup=0,
        draws=50,
        seed=1,
        n_jumps=0,
        record_rungs=lambda z: {"z": z},
    )
    walker, z = run.walker.values, run["z"].values  # (R, K, draw), (R, K, draw, size)
    for r in range(R):
        for i in range(50):
            assert sorted(walker[r, :, i]) == list(range(K))
            np.testing.assert_array_equal(z[r, :, i], start[r].numpy()[walker[r, :, i]])
    assert len({tuple(row) for row in walker[0].T}) > 10
    assert (run.acceptance.values == 1).all()


def test_walkers_of_laws_that_are_alike_pass_at_every_exchange():
    """Even and odd pairs take turns, so that walkers travel straight through the ladder."""
    network, K = Network(3, [2]), 4
    posterior = posterior_of(network, [0] * K, 0)
    start = network.prior(K, generator()).reshape(1, K, -1)
    run = sample(
        posterior,
        start,
        ladder=DataScales(np.linspace(0, 1, K)),
        warmup=0,
        draws=4,
        seed=1,
        n_jumps=0,
        record=lambda z: {},
    )
    assert run.walker.values[0].T.tolist() == [
        [1, 0, 3, 2],
        [1, 3, 0, 2],
        [3, 1, 2, 0],
        [3, 2, 1, 0],
    ]
    assert run.swapped.values[0].tolist() == [1, 1, 1, 0]


@on_all_kinds
def test_the_warm_up_spaces_the_rungs_evenly(kind):
    """From scales that crowd at the prior, so that the last exchanges are rare."""
    network, K, R = network_of(kind, kappa=0.05), 6, 6
    posterior = posterior_of(network, [0] * (R * K), 12)
    start = network.prior(R * K, generator()).reshape(R, K, -1)
    crowded = np.linspace(0, 1, K) ** 5
    ladder = DataScales(crowded.copy())
    settings = dict(ladder=ladder, draws=100, seed=1, n_leapfrog=6, n_jumps=2)
    settings["record"] = lambda z: {}
    run = sample(posterior, start, warmup=120, **settings)
    scale, swapped = run.scale.values, run.swapped.values.mean(0)[:-1]
    assert scale[0] == 0 and scale[-1] == 1 and (np.diff(scale) > 0).all()
    unspaced = sample(posterior, start, warmup=2, **settings)
    before = unspaced.swapped.values.mean(0)[:-1]
    assert (scale[1:-1] > crowded[1:-1]).all()
    assert np.ptp(before) > 0.5 and np.ptp(swapped) < 0.5 * np.ptp(before), (before, swapped)
    assert swapped.min() > before.min() + 0.1
    assert (ladder.scale == crowded).all()  # the caller's ladder is left alone


def test_a_ladder_of_one_rung_is_the_posterior():
    network = Network(3, [4])
    posterior, z = posterior_of(network, [0, 1], 9), network.prior(2, generator())
    settings = dict(warmup=5, draws=6, seed=8, n_jumps=2)
    plain = sample(posterior, z, **settings)
    ladder = sample(posterior, z[:, None], ladder=DataScales(np.ones(1)), **settings)
    np.testing.assert_array_equal(plain.alignment, ladder.alignment)
    np.testing.assert_array_equal(plain.statistic, ladder.statistic[:, 0])


def test_jumps_of_a_rung_follow_its_own_scale(monkeypatch):
    from featlearn.inference import jumps

    network, K = Network(3, [2]), 3
    posterior = posterior_of(network, [0] * (2 * K), 5)
    seen = []
    right = jumps.sweep
    monkeypatch.setattr(
        jumps, "sweep", lambda p, z, s, *rest: (seen.append(s), right(p, z, s, *rest))[1]
    )
    start = network.prior(2 * K, generator()).reshape(2, K, -1)
    run = sample(
        posterior,
        start,
        ladder=DataScales(np.array([0.1, 0.4, 1.0])),
        warmup=30,
        draws=3,
        seed=0,
        n_jumps=1,
    )
    for scales in seen[-3:]:
        torch.testing.assert_close(scales, torch.as_tensor(run.scale.values).repeat(2))
    assert torch.equal(seen[0], torch.tensor([0.1, 0.4, 1.0] * 2, dtype=torch.float64))
    assert full(1, 1.0) in scales
