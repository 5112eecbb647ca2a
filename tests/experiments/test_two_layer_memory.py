"""The experiment that holds a neuron at the barrier: its spring, its observables, its errors."""

import numpy as np
import pytest
import torch

from featlearn.experiments import two_layer_memory
from featlearn.experiments.experiment import settings
from featlearn.inference.network import Network
from tests.inference.cases import compute, generator, posterior_of

SMALL = settings(
    two_layer_memory.DEFAULTS,
    d=4,
    N=4,
    P=12,
    data_seed=[4, 0],
    specialised=1,
    starts=2,
    warmup=60,
    draws=2100,
)
NETWORK = Network(4, [3])


def test_the_spring_holds_the_last_neuron_of_each_chain():
    posterior, z = posterior_of(NETWORK, [0, 1], 9), NETWORK.prior(2, generator())
    held = two_layer_memory._Held(posterior, 0.65, 200.0)
    energy, gradient = (part.clone() for part in held.statistic_and_gradient(z))
    mu = NETWORK.layers(z)[0][:, -1, 0]
    expected = posterior.statistic(z) + 100 * (mu.abs() - 0.65) ** 2
    torch.testing.assert_close(energy, expected)
    step, difference = 1e-6, torch.zeros_like(z)
    for i in range(z.shape[1]):
        aside = torch.zeros_like(z)
        aside[:, i] = step
        above, below = (
            held.statistic_and_gradient(z + sign * aside)[0].clone() for sign in (1, -1)
        )
        difference[:, i] = (above - below) / (2 * step)
    torch.testing.assert_close(gradient, difference, rtol=1e-5, atol=1e-5)


def test_observables_by_their_definitions():
    posterior, z = posterior_of(NETWORK, [0, 1], 9), NETWORK.planted(2, generator(), 1)
    found = two_layer_memory._observed(posterior, z)
    assert found.shape == (2, len(two_layer_memory.OBSERVABLES))
    s, ridge = NETWORK.readout_variance, NETWORK.ridge * np.eye(9)
    for b in range(2):
        w = NETWORK.layers(z)[0][b].numpy()
        phi, _ = compute(NETWORK, [w], posterior.x[b].numpy())
        readout = s * phi.T @ np.linalg.solve(ridge + s * phi @ phi.T, posterior.y[b].numpy())
        expected = readout[-1] * np.sign(w[-1, 0]), (w[-1, 1:] ** 2).sum(), abs(w[:-1, 0]).max()
        np.testing.assert_allclose(found[b, :3], expected)
    torch.testing.assert_close(found[:, 3], posterior.alignment(z)[0])
    torch.testing.assert_close(found[:, 4], posterior.statistic(z))


def test_autocorrelation_of_a_process_that_is_known():
    rng, rho = np.random.default_rng(0), 0.9
    noise = rng.normal(size=(8, 20_000))
    x = np.zeros_like(noise)
    for t in range(1, x.shape[1]):
        x[:, t] = rho * x[:, t - 1] + noise[:, t]
    found, error = two_layer_memory._autocorrelation(x[:, 200:])
    exact = rho**two_layer_memory.LAGS
    assert found[0] == 1 and error[0] == 0
    off = (found[1:] - exact[1:]) / error[1:]
    assert (abs(off) < 6).all() and 0.3 < np.sqrt(np.mean(off**2)) < 2.5


def test_a_small_network():
    run = two_layer_memory.run_point(SMALL, "cpu")
    assert set(run.variables) <= set(two_layer_memory.UNITS)
    assert (run.autocorrelation[:, 0] == 1).all() and (run.r_hat < 1.2).all()
    memory, ess = run.autocorrelation.sel(lag=16).values, run.ess.values
    assert ess[memory.argmax()] == ess.min() < 0.5 * ess.max()  # slow, and known less well
    assert (run.mcse > 0).all() and np.isfinite(run["mean"]).all()


class Started(Exception):
    """Carries the target and the state of the first trajectory."""


def test_where_the_chains_start_and_what_holds_them(monkeypatch):
    def step(target, law, state, *others):
        raise Started(target, state)

    monkeypatch.setattr(two_layer_memory.hmc, "step", step)
    config = settings(SMALL, d=40, N=40, P=50, data_seed=[40, 3], specialised=2, starts=3)
    with pytest.raises(Started) as caught:
        two_layer_memory.run_point(config, "cpu")
    target, state = caught.value.args
    assert (target.overlap, target.stiffness) == (0.65, 1500.0)
    w = Network(40, [40]).layers(state.z.double())[0]
    torch.testing.assert_close(w[:, -1, 0], torch.full((6,), 0.65).double())
    rest = w[:, -1, 1:].square().sum(1)
    torch.testing.assert_close(rest, torch.tensor([1.0] * 3 + [0.15] * 3).double())
    assert ((w[:, :-1, 0].abs() > 0.7).sum(1) == 2).all()
    x, y = Network(40, [40]).data([40, 3], 50, dtype=torch.float32)
    assert (target.posterior.x == x).all() and (target.posterior.y == y).all()
