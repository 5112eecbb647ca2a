"""What the warm-up learns: step sizes, and the length of a trajectory."""

from math import cos, exp, pi

import numpy as np
import pytest
import torch

from featlearn.inference.adaptation import DualAveraging, TrajectoryLength
from featlearn.inference.sampler import _Chains, sample
from tests.inference.cases import (
    full,
    generator,
    network_of,
    on_all_kinds,
    posterior_of,
)


def test_dual_averaging_finds_the_step_of_a_known_acceptance():
    """Acceptance exp(-step / scale) is 0.7 at step = -scale log 0.7, for each chain its own."""
    scale = torch.tensor([0.1, 1.0, 5.0], dtype=torch.float64)
    averaging = DualAveraging(full(3, 0.3), 0.7)
    assert torch.equal(averaging.step_size, full(3, 0.3))
    g = generator()
    for _ in range(2000):
        noise = 0.1 * torch.randn(3, generator=g, dtype=torch.float64)
        averaging.update((torch.exp(-averaging.step_size / scale) + noise).clamp(0, 1))
    torch.testing.assert_close(averaging.final(), -scale * np.log(0.7), rtol=0.05, atol=0)


@pytest.mark.parametrize("target", [0, 1.0, 1.5, -0.2])
def test_a_target_that_is_no_acceptance_is_named(target):
    with pytest.raises(ValueError, match=f"target = {target}"):
        DualAveraging(full(1, 0.1), target)


@on_all_kinds
def test_step_sizes_follow_the_wanted_acceptance(kind):
    network = network_of(kind, kappa=0.2)
    posterior = posterior_of(network, range(20), 30)
    start = network.prior(20, generator())
    settings = dict(warmup=150, draws=60, seed=1, n_leapfrog=8, n_jumps=0)
    low, high = (
        sample(posterior, start, target_acceptance=target, **settings) for target in (0.6, 0.9)
    )
    # Dual averaging lands above its target: acceptance is concave in the step size.
    assert 0.55 < low.acceptance.values.mean() < 0.85
    assert 0.87 < high.acceptance.values.mean() < 0.99
    assert (high.step_size.values < low.step_size.values).all()


def autoregression(trial, rho, draws, B=64, seed=0):
    """Feed values whose autocorrelation at lag one after ``n`` steps is rho(n)."""
    g = generator(seed)
    value = torch.randn(B, generator=g, dtype=torch.float64)
    for _ in range(draws):
        n = trial.next()
        noise = torch.randn(B, generator=g, dtype=torch.float64)
        value = rho(n) * value + (1 - rho(n) ** 2) ** 0.5 * noise
        trial.update(n, 3 + 2 * value)
    return trial.best()


@pytest.mark.parametrize(
    "rho",
    [
        lambda n: exp(-n / 100),  # forgets slowly: any length is as good; see below
        lambda n: exp(-((n / 12) ** 2)),  # best in between
        lambda n: cos(0.1 * n) * 0.9,  # an oscillation, anti-correlated past a quarter turn
        lambda n: 0.0,  # everything is fresh: the shortest
        lambda n: 0.99 if n < 31 else 0.0,  # nothing before the longest
    ],
)
def test_the_best_length_of_a_known_process(rho):
    trial = TrajectoryLength(0.1)
    lengths = trial.lengths
    assert lengths == [4, 8, 16, 24, 32]  # pi / 8 ... pi over 0.1, rounded up
    gain = {n: (1 - rho(n)) / n**0.5 for n in lengths}
    found = autoregression(trial, rho, 2000)
    assert gain[found] > 0.9 * max(gain.values()), (found, gain)


def test_a_longer_trajectory_need_not_move_in_proportion_to_its_cost():
    """Over the number of steps itself one step would win, 0.5 against 0.4; over its root two do."""
    trial = TrajectoryLength(0.4, angles=(0.4, 0.8))
    assert trial.lengths == [1, 2]
    assert autoregression(trial, lambda n: 0.5 if n == 1 else 0.2, 2000) == 2


def test_lengths_are_limited_and_distinct():
    assert TrajectoryLength(1e-4).lengths == [128]
    assert TrajectoryLength(1e-4, limit=7).lengths == [7]
    assert TrajectoryLength(10.0).lengths == [1]
    trial = TrajectoryLength(pi / 8)
    assert [trial.next() for _ in range(6)] == [1, 2, 4, 6, 8, 1]
    assert trial.best() == 4  # nothing is known yet: the middle one
    constant = TrajectoryLength(pi / 8)
    for _ in range(12):
        constant.update(constant.next(), full(3, 1.0))
    assert constant.best() in constant.lengths  # a chain that stands still breaks nothing


class Watched(_Chains):
    """Keeps what each iteration runs with."""

    def advance(self):
        self.__dict__.setdefault("seen", []).append((self.step_size.clone(), self.length))
        super().advance()


@on_all_kinds
def test_the_warm_up_learns_and_then_everything_is_frozen(kind):
    network = network_of(kind, kappa=0.2)
    posterior = posterior_of(network, range(6), 20)
    chains = Watched(posterior, network.prior(6, generator()), None, 1, "auto", 2, 0.7, 80)
    for i in range(80):
        chains.warm_up(i)
    learned = [step for step, _ in chains.seen]
    assert len({float(step[0]) for step in learned}) > 70  # a new one nearly every time
    assert len({length for _, length in chains.seen[40:60]}) == len(
        {*TrajectoryLength(float(learned[40].median())).lengths}
    )  # all lengths take turns
    assert len({length for _, length in chains.seen[60:]}) == 1
    assert chains.iterations == 0  # what is reported comes from the draws
    frozen = (chains.step_size.clone(), chains.length)
    assert torch.equal(frozen[0], chains.averaging.final())
    chains.seen = []
    for _ in range(30):
        chains.advance()
    assert all(torch.equal(s, frozen[0]) and n == frozen[1] for s, n in chains.seen)


@on_all_kinds
def test_frozen_chains_are_markov(kind):
    """Same position, same generator, same settings: the same chain, whatever came before.

    One sampler has just been warmed up; the other starts cold, from what the first has frozen.
    """
    network = network_of(kind, kappa=0.2)
    posterior = posterior_of(network, range(4), 20)
    warm = _Chains(posterior, network.prior(4, generator()), None, 1, "auto", 2, 0.7, 40)
    for i in range(40):
        warm.warm_up(i)
    cold = _Chains(posterior, warm.state.z.clone(), None, 9, warm.length, 2, 0.7, 0)
    cold.step_size = warm.step_size.clone()
    cold.generator.set_state(warm.generator.get_state())
    for _ in range(20):
        warm.advance()
        cold.advance()
    assert torch.equal(warm.state.z, cold.state.z)
    summaries = [chains.summary(("chain",)) for chains in (warm, cold)]
    for name, (_, value) in summaries[0].items():
        if name != "scale":
            np.testing.assert_array_equal(value, summaries[1][name][1])
