"""Ladders of biased laws: against exact tails and evidences, and against planted errors."""

import numpy as np
import pytest
import torch
from scipy.special import log_ndtr, logsumexp

from featlearn.inference.ladder import (
    AlignmentVariance,
    DataEnergy,
    DataScales,
    Restraints,
    _exchange,
    restraints,
    sample_ladder,
)
from featlearn.inference.network import TwoLayerNetwork
from featlearn.inference.posterior import CollapsedPosterior
from featlearn.inference.random_network import RandomNetwork
from featlearn.inference.reweighting import free_energies, thin
from featlearn.theory.large_deviations import log_tail_probability

THRESHOLD = 5.0


def bias_of(ladder):
    return lambda s: ladder.energy(torch.as_tensor(s)[:, None]).T.numpy()


def test_a_restraint_is_the_mean_over_the_readout():
    """-log of E exp(-stiffness (A - c)^2 / 2) over A ~ N(0, V), by quadrature."""
    ladder = Restraints(np.array([0.0, 0.3, 0.7]), np.array([0.0, 5.0, 200.0]))
    V = torch.tensor([[0.02], [0.5]], dtype=torch.float64)
    found = ladder.energy(V).numpy()
    a = np.linspace(-8, 8, 40_001)
    for i, v in enumerate((0.02, 0.5)):
        x = a * np.sqrt(v)
        weight = np.exp(-(a**2) / 2) / np.sqrt(2 * np.pi) * (a[1] - a[0])
        for k in range(3):
            exact = weight @ np.exp(-ladder.stiffness[k] / 2 * (x - ladder.centre[k]) ** 2)
            assert found[i, k] == pytest.approx(-np.log(exact), rel=1e-6, abs=1e-9)
    leaf = V.clone().requires_grad_(True)
    full = leaf.expand(2, 3)
    (slope,) = torch.autograd.grad(ladder.energy(full).sum(), leaf)
    torch.testing.assert_close(slope[:, 0], ladder.slope(full.detach()).sum(1))


def test_the_tail_of_two_layers():
    """A probability of exp(-44), from a prior start and from a planted one."""
    network = RandomNetwork(6, [6])
    ladder = restraints(1.0, 16)
    g = torch.Generator().manual_seed(0)
    start = torch.randn(4, 16, 1, network.size, generator=g, dtype=torch.float64)
    start[2:].reshape(2, 16, 6, 6)[:, 1:, :3, 0] = 3.0
    run = sample_ladder(
        AlignmentVariance(network), ladder, start, warmup=150, draws=500, seed=1, thin=2
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


def test_evidence_and_posterior_of_a_small_network():
    """Against importance sampling from the prior."""
    network = TwoLayerNetwork(d=3, N=2, kappa=0.5)
    x, y = network.datasets([0], 5)
    K = 6
    posterior = CollapsedPosterior(network, x.repeat(2 * K, 1, 1), y.repeat(2 * K, 1))
    ladder = DataScales(np.linspace(0, 1, K) ** 2)
    start = network.prior_weights(2 * K, torch.Generator().manual_seed(0)).reshape(2, K, 2, 3)

    def record(weights):
        return {"mean": posterior.alignment(weights)[0]}

    run = sample_ladder(
        DataEnergy(posterior), ladder, start, warmup=100, draws=800, seed=1, record=record
    )
    U, mean = run.statistic.values, run["mean"].values
    keep = [[(r, thin(U[r, k])) for r in range(2)] for k in range(K)]
    draws = [np.concatenate([U[r, k, i] for r, i in keep[k]]) for k in range(K)]
    found = free_energies(lambda s: ladder.scale[:, None] * s, draws)

    n = 50_000
    w = network.prior_weights(n, torch.Generator().manual_seed(1))
    large = CollapsedPosterior(network, x.expand(n, -1, -1), y.expand(n, -1))
    energy = large.solve(w).data_energy.numpy()
    exact = -(logsumexp(-energy) - np.log(n))
    assert abs(found.value[-1] - exact) < THRESHOLD * np.hypot(found.error[-1], 0.01)
    weight = np.exp(-(energy - energy.min()))
    alignment = large.alignment(w)[0].numpy()
    expected = (weight * alignment).sum() / weight.sum()
    kept = np.concatenate([mean[r, -1, i] for r, i in keep[-1]])
    assert abs(kept.mean() - expected) < THRESHOLD * kept.std() / np.sqrt(len(kept)) + 0.002


def test_what_is_recorded_belongs_to_the_state_that_the_rung_holds():
    """After an exchange weights, statistic and record move together."""
    network = TwoLayerNetwork(d=3, N=2, kappa=0.5)
    x, y = network.datasets([0], 5)
    posterior = CollapsedPosterior(network, x.repeat(4, 1, 1), y.repeat(4, 1))
    statistic = DataEnergy(posterior)
    start = network.prior_weights(4, torch.Generator().manual_seed(0)).reshape(1, 4, 2, 3)

    def record(weights):
        return {"again": statistic(weights)[0]}

    ladder = DataScales(np.array([0.0, 0.3, 0.6, 1.0]))
    run = sample_ladder(statistic, ladder, start, warmup=5, draws=40, seed=1, record=record)
    assert run.swapped.values[:, :-1].min() > 0.1
    np.testing.assert_array_equal(run.statistic, run.again)


def test_the_gradient_of_the_data_energy_leaves_the_prior_out():
    network = TwoLayerNetwork(d=3, N=2, kappa=0.5)
    posterior = CollapsedPosterior(network, *network.datasets([0], 5))
    w = network.prior_weights(1, torch.Generator().manual_seed(0)).requires_grad_(True)
    energy, gradient = DataEnergy(posterior)(w.detach())
    exact = posterior.solve(w).data_energy
    torch.testing.assert_close(energy, exact.detach())
    (automatic,) = torch.autograd.grad(exact.sum(), w)
    torch.testing.assert_close(gradient, automatic)


def test_exchanges_obey_detailed_balance():
    """Two rungs whose states are redrawn exactly: acceptance must be that of the ratio."""
    ladder = DataScales(np.array([0.0, 1.0]))
    g = torch.Generator().manual_seed(0)
    s = torch.tensor([[0.2, 1.0]], dtype=torch.float64).repeat(40_000, 1)
    _, swapped = _exchange(ladder, s, 0, g)  # rung 1 takes the smaller energy: always accepted
    assert swapped[:, 0].all()
    order, swapped = _exchange(ladder, s.flip(1), 0, g)
    expected = np.exp(-0.8)
    share = float(swapped[:, 0].mean())
    assert abs(share - expected) < THRESHOLD * np.sqrt(expected * (1 - expected) / 40_000)
    taken = swapped[:, 0] > 0
    assert (order[taken] == torch.tensor([1, 0])).all()
    assert (order[~taken] == torch.tensor([0, 1])).all()
    order, swapped = _exchange(ladder, s, 1, g)
    assert not swapped.any() and (order == torch.tensor([0, 1])).all()


def test_free_energies_of_gaussians():
    """N(0, 1) with the biases c s^2 / 2: -log Z = log(1 + c) / 2; a wrong bias is noticed."""
    rng = np.random.default_rng(0)
    c = np.array([0.0, 1.0, 4.0])
    draws = [rng.standard_normal(2000) / np.sqrt(1 + v) for v in c]
    everything = np.concatenate(draws)
    found = free_energies(lambda s: c[:, None] * s**2 / 2, draws, [2.0 * everything**2 / 2])
    exact = 0.5 * np.log1p([0.0, 1.0, 4.0, 2.0])
    assert (np.abs(found.value - exact) <= THRESHOLD * found.error).all()
    assert (found.error[1:] < 0.05).all()
    wrong = free_energies(lambda s: 1.3 * c[:, None] * s**2 / 2, draws)
    assert abs(wrong.value[2] - exact[2]) > THRESHOLD * wrong.error[2]


def test_thinned_draws_are_nearly_independent():
    rng = np.random.default_rng(0)
    x = np.zeros(20_000)
    for i in range(1, len(x)):
        x[i] = 0.9 * x[i - 1] + rng.standard_normal()
    kept = thin(x)
    assert 10 <= kept[1] <= 30  # (1 + 0.9) / (1 - 0.9) = 19
    assert len(thin(rng.standard_normal(1000))) > 450
    assert len(thin(np.ones(50))) == 1


@pytest.mark.parametrize(
    "change, said",
    [
        ({"warmup": -1}, "warmup = -1"),
        ({"draws": 0}, "draws = 0"),
        ({"thin": 0}, "thin = 0"),
        ({"starts": torch.zeros(2, 5, 1, 8)}, "starts has shape"),
    ],
)
def test_bad_arguments_are_named(change, said):
    network = RandomNetwork(4, [2])
    arguments = dict(
        statistic=AlignmentVariance(network),
        ladder=restraints(1.0, 4),
        starts=torch.zeros(2, 4, 1, 8, dtype=torch.float64),
        warmup=1,
        draws=1,
        seed=0,
    )
    sample_ladder(**arguments)
    with pytest.raises(ValueError, match=said):
        sample_ladder(**(arguments | change))


def test_bad_ladders_and_draws():
    with pytest.raises(ValueError, match="alpha = 0"):
        restraints(0, 5)
    with pytest.raises(ValueError, match="windows = 2"):
        restraints(1.0, 2)
    ok = [np.ones(3), np.zeros(2)]
    with pytest.raises(ValueError, match=r"statistic\[1\] is empty"):
        free_energies(lambda s: np.zeros((2, len(s))), [np.ones(3), []])
    with pytest.raises(ValueError, match="NaN"):
        free_energies(lambda s: np.zeros((2, len(s))), [np.ones(3), [np.nan]])
    with pytest.raises(ValueError, match="bias gives shape"):
        free_energies(lambda s: np.zeros((3, len(s))), ok)
    with pytest.raises(ValueError, match=r"targets\[0\]"):
        free_energies(lambda s: np.zeros((2, len(s))), ok, [np.zeros(4)])
