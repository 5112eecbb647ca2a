"""Two kicks a step: against leapfrog steps, by order, by reversal, and the law left invariant."""

from math import cos, pi, sin

import pytest
import torch

from featlearn.inference import hmc, two_stage
from tests.inference.cases import PLAIN, generator, network_of, on_all_kinds, posterior_of, scaled
from tests.inference.test_hmc import trajectory


def ours(*arguments):
    return trajectory(*arguments, module=two_stage)


def cases(kind, B=12):
    network = network_of(kind, kappa=0.5)
    z = network.prior(B, generator())
    p = torch.randn(z.shape, generator=generator(1), dtype=z.dtype)
    return posterior_of(network, [0] * B, 12), scaled(0.2, 0.6, 1.0), z, p


@on_all_kinds
def test_with_equal_kicks_a_step_is_two_leapfrog_steps(kind, monkeypatch):
    monkeypatch.setattr(two_stage, "KICK", 0.25)
    target, law, z, p = cases(kind)
    one, acceptance = ours(target, law, z, p, 0.1, 4)
    other, expected = trajectory(target, law, z, p, 0.05, 8)
    torch.testing.assert_close(one.z, other.z)
    torch.testing.assert_close(one.gradient, other.gradient)
    torch.testing.assert_close(acceptance, expected, rtol=1e-8, atol=1e-10)


@on_all_kinds
def test_trajectories_are_reversible(kind):
    """A whole trajectory, then the same with the momentum turned round, leads back."""
    target, law, z, p = cases(kind)
    angle, n = 0.1, 5
    end, forward = ours(target, law, z, p, angle, n)
    p_end = final_momentum(target, law, z, p, angle, n)
    back, backward = ours(target, law, end.z, -p_end, angle, n)
    assert (end.z - z).abs().max() > 0.3
    torch.testing.assert_close(back.z, z, rtol=1e-9, atol=1e-9)
    # The energy error changes its sign: one of both ways is accepted for sure.
    torch.testing.assert_close(torch.maximum(forward, backward), torch.ones(len(z)).double())
    start = hmc.initial_state(target, z)
    error = law.energy(end.statistic) + 0.5 * (end.z.square() + p_end.square()).sum(1)
    error = error - law.energy(start.statistic) - 0.5 * (z.square() + p.square()).sum(1)
    torch.testing.assert_close(forward, torch.exp(-error.clamp_min(0)), rtol=1e-8, atol=1e-10)
    assert (forward < 1 - 1e-6).any()


def final_momentum(target, law, z, p, angle, n):
    """Momentum at the end, by kicks and turns written out one after the other."""
    b, slope, force = two_stage.KICK, law.slope, target.statistic_and_gradient
    s, g = force(z)
    for _ in range(n):
        p = p - b * angle * slope(s)[:, None] * g
        for kick in (1 - 2 * b, b):
            z, p = (
                cos(angle / 2) * z + sin(angle / 2) * p,
                cos(angle / 2) * p - sin(angle / 2) * z,
            )
            s, g = force(z)
            p = p - kick * angle * slope(s)[:, None] * g
    return p


def energy_error(target, law, z, p, angle, n, step, momentum):
    """Root mean square over the chains, in nats."""
    end, _ = step(target, law, z, p, angle, n)
    start, p_end = hmc.initial_state(target, z), momentum(target, law, z, p, angle, n)
    error = law.energy(end.statistic) + 0.5 * (end.z.square() + p_end.square()).sum(1)
    error = error - law.energy(start.statistic) - 0.5 * (z.square() + p.square()).sum(1)
    return float(error.square().mean().sqrt())


@on_all_kinds
def test_the_energy_error_is_of_second_order(kind):
    arguments = cases(kind)
    errors = [
        energy_error(*arguments, 0.16 / 2**i, 3 * 2**i, ours, final_momentum) for i in range(3)
    ]
    assert 3.5 < errors[0] / errors[1] < 4.6 and 3.8 < errors[1] / errors[2] < 4.2, errors


@on_all_kinds
def test_the_error_is_smaller_than_that_of_leapfrog_for_the_same_gradients(kind, monkeypatch):
    arguments = cases(kind, B=60)
    error = energy_error(*arguments, 0.16, 10, ours, final_momentum)
    monkeypatch.setattr(two_stage, "KICK", 0.25)
    assert error < 0.6 * energy_error(*arguments, 0.16, 10, ours, final_momentum)


@on_all_kinds
@pytest.mark.parametrize("angle", [0.3, pi / 2, 3.0, 50.0])
def test_without_data_turns_are_exact(kind, angle):
    network = network_of(kind)
    posterior, z = posterior_of(network, [0] * 5, 0), network.prior(5, generator())
    p = torch.randn(z.shape, generator=generator(1), dtype=z.dtype)
    end, acceptance = ours(posterior, PLAIN, z, p, angle, 3)
    torch.testing.assert_close(end.z, cos(3 * angle) * z + sin(3 * angle) * p)
    torch.testing.assert_close(acceptance, torch.ones_like(acceptance), rtol=0, atol=1e-12)


def test_the_kick_removes_the_part_of_the_error_that_is_quadratic_in_the_force():
    assert 1 - 6 * two_stage.KICK + 6 * two_stage.KICK**2 == pytest.approx(0, abs=1e-12)
