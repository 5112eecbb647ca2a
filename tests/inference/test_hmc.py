"""The trajectory: exact turns, order, reversibility, and the Metropolis test."""

from math import cos, pi, sin

import pytest
import torch

from featlearn.inference import hmc, two_stage
from featlearn.inference.alignment_variance import AlignmentVariance
from featlearn.inference.laws import Rungs, restraints
from featlearn.inference.network import Network
from featlearn.inference.posterior import CollapsedPosterior
from tests.inference.cases import (
    PLAIN,
    THRESHOLD,
    GaussianTarget,
    full,
    generator,
    network_of,
    on_all_kinds,
    posterior_of,
    scaled,
    z_score,
)
from tests.inference.gradients import WrongGradient


def trajectory(target, law, z, p, angle, n, module=hmc):
    """A module's ``step`` with given momenta and no jitter: final state and acceptance."""
    with pytest.MonkeyPatch.context() as patch:
        # 0.5 puts the jitter at its mean; a proposal is taken if its acceptance is higher.
        for of in {module, hmc}:
            patch.setattr(of, "uniform", lambda like, g: torch.full_like(like, 0.5))
        patch.setattr(torch, "randn", lambda *a, **k: p.clone())
        start = hmc.initial_state(target, z)
        state, info = module.step(target, law, start, full(len(z), angle), n, None)
    assert info.accepted.all()
    return state, info.acceptance


def final_momentum(target, law, z, p, angle, n):
    """Momentum at the end of a trajectory, from where one step more leads."""
    end, _ = trajectory(target, law, z, p, angle, n)
    further, _ = trajectory(target, law, z, p, angle, n + 1)
    kick = 0.5 * angle * law.slope(end.statistic)[:, None] * end.gradient
    return (further.z - cos(angle) * end.z) / sin(angle) + kick


def cases(kind, B=12):
    """A target, a law and B positions; the last kind is a random network under restraint."""
    if kind == "restraint":
        network = network_of("three layers")
        return AlignmentVariance(network), Rungs(restraints(0.3, 4)), network.prior(B, generator())
    network = network_of(kind, kappa=0.5)
    return posterior_of(network, [0] * B, 12), scaled(0.2, 0.6, 1.0), network.prior(B, generator())


on_all_laws = pytest.mark.parametrize(
    "kind", ["two layers", "three layers", "patches", "restraint"]
)


@on_all_laws
def test_trajectories_are_reversible(kind):
    """Forward, momentum turned round, and the same number of steps lead back."""
    target, law, z = cases(kind)
    p = torch.randn(z.shape, generator=generator(1), dtype=z.dtype)
    angle, n = 0.05, 9
    end, forward = trajectory(target, law, z, p, angle, n)
    assert (end.z - z).abs().max() > 0.3
    p_end = final_momentum(target, law, z, p, angle, n)
    back, backward = trajectory(target, law, end.z, -p_end, angle, n)
    torch.testing.assert_close(back.z, z, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(final_momentum(target, law, end.z, -p_end, angle, n), -p)
    # The energy error changes its sign: one of both ways is accepted for sure.
    torch.testing.assert_close(torch.maximum(forward, backward), torch.ones(len(z)).double())
    # And it is the error of the Hamiltonian.
    start = hmc.initial_state(target, z)
    error = law.energy(end.statistic) + 0.5 * (end.z.square() + p_end.square()).sum(1)
    error = error - law.energy(start.statistic) - 0.5 * (z.square() + p.square()).sum(1)
    torch.testing.assert_close(forward, torch.exp(-error.clamp_min(0)), rtol=1e-8, atol=1e-10)
    assert (forward < 1 - 1e-6).any()


def largest_error(target, law, z, p, angle, total=0.48):
    """Largest energy error of the chains, whatever its sign."""
    n = round(total / angle)
    end, forward = trajectory(target, law, z, p, angle, n)
    p_end = final_momentum(target, law, z, p, angle, n)
    _, backward = trajectory(target, law, end.z, -p_end, angle, n)
    return float(-torch.minimum(forward, backward).log().min())


@on_all_laws
def test_the_energy_error_is_of_second_order(kind):
    target, law, z = cases(kind)
    p = torch.randn(z.shape, generator=generator(1), dtype=z.dtype)
    errors = [float(largest_error(target, law, z, p, 0.04 / 2**i)) for i in range(3)]
    assert 3.5 < errors[0] / errors[1] < 4.5 and 3.8 < errors[1] / errors[2] < 4.2, errors


@on_all_kinds
def test_a_planted_wrong_gradient_loses_the_order(kind):
    """The Metropolis test keeps the posterior invariant whatever the gradient is.

    So a joint-distribution test alone would pass: it only becomes slow.
    """
    network = network_of(kind)
    posterior = posterior_of(network, [0] * 50, 12)
    z = network.prior(50, generator())

    def mean_error(target, epsilon):
        state, n = hmc.initial_state(target, z), round(0.8 / epsilon)
        _, info = hmc.step(target, PLAIN, state, full(50, epsilon), n, generator(1))
        return float((1 - info.acceptance).mean())

    # halving the step divides the error by four; a wrong gradient does not gain from it
    assert mean_error(posterior, 0.01) < 0.4 * mean_error(posterior, 0.02)
    wrong = WrongGradient(posterior)
    assert mean_error(wrong, 0.01) > 0.7 * mean_error(wrong, 0.02)


@on_all_kinds
@pytest.mark.parametrize("angle", [0.3, pi / 2, 3.0, 50.0])
def test_without_data_turns_are_exact(kind, angle):
    """Acceptance is one for any step, and the end is known."""
    network = network_of(kind)
    posterior = posterior_of(network, [0] * 5, 0)
    z = network.prior(5, generator())
    p = torch.randn(z.shape, generator=generator(1), dtype=z.dtype)
    end, acceptance = trajectory(posterior, PLAIN, z, p, angle, 3)
    torch.testing.assert_close(end.z, cos(3 * angle) * z + sin(3 * angle) * p)
    torch.testing.assert_close(acceptance, torch.ones_like(acceptance), rtol=0, atol=1e-12)


def test_without_data_scale_turns_are_exact_too():
    network = network_of("three layers")
    posterior, z = posterior_of(network, [0] * 5, 9), network.prior(5, generator())
    _, acceptance = trajectory(posterior, scaled(0.0), z, z.flip(0), 2.0, 3)
    torch.testing.assert_close(acceptance, torch.ones_like(acceptance), rtol=0, atol=1e-12)


def test_one_step_by_hand():
    """Half a kick, a turn, half a kick, in one dimension with u = 2 s and s = z^2 / 2."""
    law, a = scaled(2.0), 0.3
    z = torch.tensor([[0.7]], dtype=torch.float64)
    p = torch.tensor([[-0.4]], dtype=torch.float64)
    end, acceptance = trajectory(GaussianTarget(), law, z, p, a, 1)
    half = -0.4 - 0.5 * a * 2 * 0.7
    z1, turned = cos(a) * 0.7 + sin(a) * half, cos(a) * half - sin(a) * 0.7
    p1 = turned - 0.5 * a * 2 * z1
    error = 1.5 * z1**2 + 0.5 * p1**2 - (1.5 * 0.7**2 + 0.5 * 0.4**2)
    assert end.z.item() == pytest.approx(z1)
    assert end.statistic.item() == pytest.approx(z1**2 / 2) and end.gradient.item() == end.z.item()
    assert acceptance.item() == pytest.approx(min(1, 2.718281828459045**-error))


def test_step_sizes_are_jittered_by_a_fifth():
    """Without data one step from z = 0 goes to sin(angle) p."""
    B = 20_000
    posterior = posterior_of(network_of("two layers"), [0] * B, 0)
    z = torch.zeros(B, posterior.network.size, dtype=torch.float64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "randn", lambda *a, **k: torch.ones_like(z))
        start = hmc.initial_state(posterior, z)
        state, _ = hmc.step(posterior, PLAIN, start, full(B, 0.5), 1, generator())
    angle = torch.asin(state.z[:, 0]) / 0.5
    assert 0.8 <= angle.min() < 0.801 and 1.199 < angle.max() <= 1.2
    assert abs(z_score(angle, 1.0)) < THRESHOLD


on_both_integrators = pytest.mark.parametrize("module", [hmc, two_stage])


@on_both_integrators
def test_rejections_undo_the_error_of_long_steps(module):
    """N(0, 1/2) stays as it is though many trajectories are refused."""
    g, target, angle = generator(3), GaussianTarget(), 1.5 if module is hmc else 2.4
    z = torch.randn((20000, 1), generator=g, dtype=torch.float64) / 2**0.5
    state = hmc.initial_state(target, z)
    for _ in range(10):
        state, info = module.step(target, PLAIN, state, full(len(z), angle), 1, g)
    assert 0.3 < info.accepted.double().mean() < 0.9
    assert abs(z_score(state.z.ravel() ** 2, 0.5)) < THRESHOLD
    torch.testing.assert_close(state.statistic, 0.5 * state.z[:, 0].square())
    assert torch.equal(state.gradient, state.z)


@on_both_integrators
def test_energy_that_is_not_finite_is_a_divergence(module):
    g, z = generator(4), torch.zeros((500, 1), dtype=torch.float64)
    target = GaussianTarget(wall=0.2)
    start = hmc.initial_state(target, z)
    state, info = module.step(target, PLAIN, start, full(500, 1.0), 1, g)
    outside = info.divergent
    assert outside.any() and not outside.all()
    assert not info.accepted[outside].any() and (info.acceptance[outside] == 0).all()
    assert torch.isfinite(state.statistic).all() and (state.statistic < 0.2).all()


def test_an_energy_error_of_a_thousand_nats_is_a_divergence():
    z = torch.zeros((500, 1), dtype=torch.float64)
    start = hmc.initial_state(GaussianTarget(), z)
    state, info = hmc.step(GaussianTarget(), scaled(1e5), start, full(500, 1.0), 2, generator(4))
    assert info.divergent.double().mean() > 0.9
    assert torch.equal(state.z[info.divergent], z[info.divergent])
    _, info = hmc.step(GaussianTarget(), scaled(20.0), start, full(500, 1.0), 1, generator(4))
    assert not info.divergent.any() and info.acceptance.min() < 1e-3


@pytest.mark.parametrize("module", [hmc, two_stage])
def test_turns_of_many_weights_keep_the_energy_in_single_precision(module, monkeypatch):
    """Written with a rounded cosine and sine they change it by tenths of a nat here."""
    network = Network(d=100, widths=[800, 800])
    nothing = CollapsedPosterior(network, *network.datasets([0], P=0, dtype=torch.float32))
    state = hmc.initial_state(nothing, network.prior(1, generator()).float())
    energies, energy, draw = [], hmc.prior_energy, generator(1)
    monkeypatch.setattr(
        module, "prior_energy", lambda *at: energies.append(energy(*at)) or energy(*at)
    )
    for angle in (0.05, 0.1, 0.15, 0.2):
        size = torch.full((1,), angle)
        state, info = module.step(nothing, PLAIN, state, size, 24, draw)
        start, end = map(float, energies[-2:])
        assert abs(end - start) < 0.01
    assert info.acceptance.dtype == torch.float32


def test_energies_of_many_weights_are_summed_in_double_precision():
    z, p = (torch.randn(2, 720_000, generator=generator(i), dtype=torch.float32) for i in (0, 1))
    exact = 0.5 * (z.double().square() + p.double().square()).sum(-1)
    torch.testing.assert_close(hmc.prior_energy(z, p), exact, rtol=0, atol=1e-3)
