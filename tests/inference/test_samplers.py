"""Samplers against what is known exactly, against each other, and against planted errors."""

import numpy as np
import pytest
import torch
from scipy import stats

from featlearn.inference import hmc, jumps, langevin
from featlearn.inference.diagnostics import WORST_R_HAT, Diagnosis, diagnose
from featlearn.inference.network import TwoLayerNetwork
from featlearn.inference.posterior import CollapsedPosterior
from featlearn.inference.sampler import sample
from featlearn.theory.kernels import erf_kernel
from tests.inference.gradients import WrongGradient, largest_gradient_error

THRESHOLD = 5.0  # standard errors


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def posterior_of(network, seeds, P):
    return CollapsedPosterior(network, *network.datasets(seeds, P))


def z_score(draws, expected, other_error=0.0):
    """Distance of independent draws' mean from ``expected``, in standard errors."""
    draws = np.asarray(draws, float)
    return (draws.mean() - expected) / np.hypot(draws.std(ddof=1) / len(draws) ** 0.5, other_error)


def test_without_data_the_prior_is_recovered():
    network = TwoLayerNetwork(d=4, N=3)
    B, posterior = 400, posterior_of(TwoLayerNetwork(d=4, N=3), [0] * 400, 0)
    run = sample(
        posterior,
        torch.full((B, 3, 4), 1.5, dtype=torch.float64),
        warmup=60,
        draws=40,
        seed=1,
        n_jumps=3,
    )
    overlap, norm2 = run.overlap.values[:, -1], run.norm2.values[:, -1]  # one draw a chain
    assert abs(z_score(overlap.ravel() ** 2, 1 / network.d)) < THRESHOLD
    assert abs(z_score(overlap.ravel() ** 4, 3 / network.d**2)) < THRESHOLD
    assert abs(z_score(norm2.ravel(), 1.0)) < THRESHOLD
    assert abs(z_score(norm2.ravel() ** 2, 1 + 2 / network.d)) < THRESHOLD
    assert not run.divergent.values.any()


def geweke(transition, seed, sweeps=15, B=4000):
    """Joint-distribution test of Geweke (2004): z-scores of statistics of (W, y) at stationarity.

    All chains start from the joint law of weights and labels; a transition that
    leaves the posterior invariant, alternated with fresh labels, must leave the
    joint law as it is. Chains are independent, so standard errors are exact.
    """
    network, P = TwoLayerNetwork(d=2, N=2, kappa=0.5, sigma_a2=2.0, degree=1), 3
    g = generator(seed)
    x, _ = network.datasets([11] * B, P)
    w = network.prior_weights(B, g)
    a = langevin.prior_readout(network, B, g)

    def labels(w, a):
        mean = (torch.erf(x @ w.mT) @ a[..., None])[..., 0]
        return mean + network.ridge**0.5 * torch.randn(mean.shape, generator=g, dtype=mean.dtype)

    def statistics(w, y):
        return {
            "overlap2": w[..., 0].square().mean(-1),
            "norm4": w.square().sum((-2, -1)).square(),
            "y2": y.square().mean(-1),
            "y0*y1": y[:, 0] * y[:, 1],
            "y2*norm2": y.square().mean(-1) * w.square().sum((-2, -1)),
        }

    y = labels(w, a)
    reference = statistics(w, y)
    for _ in range(sweeps):
        w, a = transition(CollapsedPosterior(network, x, y), w, a, g)
        y = labels(w, a)
    final = statistics(w, y)
    scores = {}
    for name in final:
        error = ((final[name].var() + reference[name].var()) / B).sqrt()
        scores[name] = float((final[name].mean() - reference[name].mean()) / error)
    return scores


def draw_readout(posterior, w, g):
    mean, covariance = posterior.readout(posterior.solve(w))
    noise = torch.randn(mean.shape, generator=g, dtype=mean.dtype)
    return mean + (torch.linalg.cholesky(covariance) @ noise[..., None])[..., 0]


def hmc_transition(posterior, w, a, g):
    step_size = torch.full((len(w),), 0.5, dtype=w.dtype)
    state, _ = hmc.step(posterior, hmc.initial_state(posterior, w), step_size, 4, g)
    return state.weights, draw_readout(posterior, state.weights, g)


def jump_transition(posterior, w, a, g):
    w, _ = jumps.step(posterior, w, g, candidates=6)
    return w, draw_readout(posterior, w, g)


def langevin_transition(posterior, w, a, g):
    state = langevin.State(w, a)
    for _ in range(10):
        state, _ = langevin.step(posterior, state, 0.004, g)
    return state


@pytest.mark.parametrize("transition", [hmc_transition, jump_transition, langevin_transition])
def test_joint_distribution(transition):
    scores = geweke(transition, seed=5)
    assert max(map(abs, scores.values())) < THRESHOLD, scores


def test_the_joint_distribution_test_has_power():
    """A jump that forgets the proposal's density, and a wrong gradient in Langevin, are caught."""

    def wrong_jump(posterior, w, a, g):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(jumps, "_log_prior_over_proposal", lambda overlap, rest2, d: 0 * overlap)
            return jump_transition(posterior, w, a, g)

    def wrong_langevin(posterior, w, a, g):
        right = langevin.energy_and_gradient

        def wrong(posterior, state):
            energy, by_weights, by_readout = right(posterior, state)
            return energy, by_weights, 0.6 * by_readout

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(langevin, "energy_and_gradient", wrong)
            return langevin_transition(posterior, w, a, g)

    for transition, sweeps in ((wrong_jump, 15), (wrong_langevin, 100)):
        scores = geweke(transition, seed=5, sweeps=sweeps)
        assert max(map(abs, scores.values())) > 2 * THRESHOLD, scores


def test_a_planted_wrong_gradient_is_caught():
    """By the gradient check, and by the order of the leapfrog's energy error.

    The Metropolis test keeps the posterior invariant whatever the gradient is,
    so a joint-distribution test alone would pass: it only becomes slow.
    """
    network = TwoLayerNetwork(d=4, N=3)
    posterior = posterior_of(network, [0] * 50, 12)
    w = network.prior_weights(50, generator())
    assert largest_gradient_error(posterior, w) < 1e-10
    assert largest_gradient_error(WrongGradient(posterior), w) > 1e-2

    def mean_error(target, epsilon):
        step_size = torch.full((50,), epsilon, dtype=w.dtype)
        n = round(0.8 / epsilon)
        _, info = hmc.step(target, hmc.initial_state(target, w), step_size, n, generator(1))
        return float((1 - info.acceptance).mean())

    # halving the step divides the error by four; a wrong gradient does not gain from it
    assert mean_error(posterior, 0.02) < 0.4 * mean_error(posterior, 0.04)
    assert mean_error(WrongGradient(posterior), 0.02) > 0.7 * mean_error(
        WrongGradient(posterior), 0.04
    )


def test_langevin_agrees_with_the_collapsed_sampler():
    network = TwoLayerNetwork(d=4, N=4, kappa=0.3, degree=1)
    P, B = 16, 64
    posterior = posterior_of(network, [2] * B, P)
    run = sample(
        posterior,
        network.prior_weights(B, generator()),
        warmup=100,
        draws=100,
        seed=1,
        n_leapfrog=8,
        n_jumps=1,
    )
    ours = run.alignment.values.mean(1)  # one number a chain: chains are independent

    g = generator(4)
    state = langevin.State(network.prior_weights(B, g), langevin.prior_readout(network, B, g))
    total, kept = 0.0, 0
    for i in range(6000):
        state, info = langevin.step(posterior, state, 0.002, g)
        assert not info.divergent.any()
        if i >= 2000:
            total, kept = total + langevin.alignment(network, state), kept + 1
    theirs = (total / kept).numpy()
    error = np.hypot(ours.std(ddof=1), theirs.std(ddof=1)) / B**0.5
    assert error < 0.02  # the comparison is sharp enough to mean something
    assert abs(ours.mean() - theirs.mean()) < THRESHOLD * error


def wide_predictor(N, P=6, B=24, iterations=120):
    """Posterior mean predictor at five test inputs, of B independent chains: (B, 5)."""
    network = TwoLayerNetwork(d=3, N=N, kappa=0.5)
    x, y = network.datasets([3], P)
    test_x, _ = network.data([4], 5)
    posterior = CollapsedPosterior(network, x.expand(B, -1, -1), y.expand(B, -1))
    g = generator(N)
    state = hmc.initial_state(posterior, network.prior_weights(B, g))
    step_size = torch.full((B,), 0.3, dtype=torch.float64)
    total = 0.0
    for i in range(iterations):
        state, info = hmc.step(posterior, state, step_size, 5, g)
        if i >= 20:
            readout, _ = posterior.readout(posterior.solve(state.weights))
            features = torch.erf(test_x @ state.weights.mT)  # (B, 5, N)
            total = total + (features @ readout[..., None])[..., 0] / (iterations - 20)
    assert info.acceptance.mean() > 0.5
    K = erf_kernel(x[0].numpy())
    k = erf_kernel(test_x.numpy(), x[0].numpy())
    exact = k @ np.linalg.solve(K + network.kappa * np.eye(P), y[0].numpy())
    return total.numpy(), exact


def test_at_large_width_the_predictor_is_gaussian_process_regression():
    """The correction is of order 1/N: two widths extrapolate to the exact kernel predictor."""
    narrow, exact = wide_predictor(50)
    wide, _ = wide_predictor(200)
    extrapolated = (4 * wide.mean(0) - narrow.mean(0)) / 3
    error = np.hypot(4 * wide.std(0, ddof=1), narrow.std(0, ddof=1)) / 3 / len(wide) ** 0.5
    correction = np.abs(narrow.mean(0) - exact).max()
    second_order = correction**2  # what the extrapolation leaves
    assert error.max() < 0.02 * np.abs(exact).max()  # sharp enough to mean something
    assert (np.abs(extrapolated - exact) < THRESHOLD * error + second_order).all()


def test_same_seed_same_bits():
    network = TwoLayerNetwork(d=3, N=4)
    posterior = posterior_of(network, [0, 1], 9)
    start = network.prior_weights(2, generator())
    runs = [sample(posterior, start, warmup=5, draws=20, seed=8, n_jumps=2) for _ in range(2)]
    assert runs[0].equals(runs[1])
    other = sample(posterior, start, warmup=5, draws=20, seed=9, n_jumps=2)
    assert not runs[0].equals(other)


def test_step_sizes_follow_the_wanted_acceptance():
    network = TwoLayerNetwork(d=6, N=6)
    posterior = posterior_of(network, range(20), 30)
    start = network.prior_weights(20, generator())
    settings = dict(warmup=150, draws=60, seed=1, n_leapfrog=8, n_jumps=0)
    low, high = (
        sample(posterior, start, target_acceptance=target, **settings) for target in (0.6, 0.9)
    )
    # Dual averaging lands above its target: acceptance is concave in the step size.
    assert 0.55 < low.acceptance.values.mean() < 0.85
    assert 0.87 < high.acceptance.values.mean() < 0.99
    assert (high.step_size.values < low.step_size.values).all()


def test_settings_of_the_sampler_are_checked():
    network = TwoLayerNetwork(d=3, N=4)
    posterior = posterior_of(network, [0], 5)
    start = network.prior_weights(1, generator())
    with pytest.raises(ValueError, match="draws = 0"):
        sample(posterior, start, warmup=5, draws=0, seed=1)
    with pytest.raises(ValueError, match="weights has shape"):
        sample(posterior, start[:, :2], warmup=5, draws=5, seed=1)
    with pytest.raises(ValueError, match="target = 1.5"):
        sample(posterior, start, warmup=5, draws=5, seed=1, target_acceptance=1.5)


class TestDiagnose:
    """Known chains, and chains that must not pass."""

    def test_independent_draws_pass(self):
        draws = np.random.default_rng(0).standard_normal((4, 500))
        found = diagnose(draws)
        assert found.equilibrium and found.bulk_ess == pytest.approx(2000, rel=0.2)
        assert found.mcse == pytest.approx(2000**-0.5, rel=0.2)

    def test_autoregressive_chain_has_the_known_effective_size(self):
        rng, rho = np.random.default_rng(1), 0.9
        noise = rng.standard_normal((4, 5000)) * (1 - rho**2) ** 0.5
        draws = np.zeros((4, 5000))
        draws[:, 0] = rng.standard_normal(4)
        for i in range(1, 5000):
            draws[:, i] = rho * draws[:, i - 1] + noise[:, i]
        exact = 20000 * (1 - rho) / (1 + rho)
        assert diagnose(draws).bulk_ess == pytest.approx(exact, rel=0.15)

    def test_starts_that_disagree_are_refused(self):
        draws = np.random.default_rng(0).standard_normal((2, 500))
        draws[1] += 1
        assert not diagnose(draws).equilibrium

    def test_constant_chains(self):
        assert diagnose(np.ones((2, 30))).r_hat == 1
        found = diagnose(np.repeat([[1.0], [2.0]], 30, 1))
        assert found.r_hat == WORST_R_HAT and found.mcse == 0.5 and not found.equilibrium
        one_moves = np.repeat([[1.0], [2.0]], 30, 1)
        one_moves[1, ::2] += 0.5
        found = diagnose(one_moves)
        assert np.isfinite([found.r_hat, found.mcse, found.bulk_ess]).all() and found.r_hat > 1.5

    def test_bad_draws_are_named(self):
        with pytest.raises(ValueError, match="draws has shape"):
            diagnose(np.zeros((1, 50)))
        with pytest.raises(ValueError, match="NaN"):
            diagnose(np.full((2, 50), np.nan))


class GaussianTarget:
    """A posterior that is N(0, 1) in one weight; not finite beyond ``wall``."""

    prior_precision = 1

    def __init__(self, wall=torch.inf):
        self.wall = wall

    def energy_and_gradient(self, weights):
        energy = 0.5 * weights.square().sum((-2, -1))
        return torch.where(energy < self.wall, energy, torch.nan), weights


def test_rejections_undo_the_error_of_long_steps():
    """At step size 1.7 every other trajectory is refused; unrefused, the variance would be 3.6."""
    g = generator(3)
    weights = torch.randn((20000, 1, 1), generator=g, dtype=torch.float64)
    state = hmc.initial_state(GaussianTarget(), weights)
    step_size = torch.full((len(weights),), 1.7, dtype=torch.float64)
    for _ in range(10):
        state, info = hmc.step(GaussianTarget(), state, step_size, 1, g)
    assert 0.3 < info.accepted.double().mean() < 0.9
    assert abs(z_score(state.weights.ravel() ** 2, 1.0)) < THRESHOLD


def test_energy_that_is_not_finite_is_a_divergence():
    g, weights = generator(4), torch.zeros((500, 1, 1), dtype=torch.float64)
    target = GaussianTarget(wall=0.5)
    start = hmc.initial_state(target, weights)
    state, info = hmc.step(target, start, torch.ones(500, dtype=torch.float64), 1, g)
    outside = info.divergent
    assert outside.any() and not outside.all()
    assert not info.accepted[outside].any() and (info.acceptance[outside] == 0).all()
    assert torch.isfinite(state.energy).all() and (state.energy < 0.5).all()


@pytest.mark.parametrize("d", [2, 7])
def test_candidates_of_a_jump_are_weighted_by_prior_over_proposal(d):
    shape, options = (200_000,), {"generator": generator(6), "device": "cpu"}
    overlap, rest2 = jumps._propose(shape, d, torch.float64, options)
    ratio = jumps._log_prior_over_proposal(overlap, rest2, d).exp().numpy()
    u, v = overlap.numpy(), rest2.numpy()
    prior = stats.norm(0, d**-0.5).pdf(u) * stats.gamma((d - 1) / 2, scale=2 / d).pdf(v)
    (low, high), (least, most) = jumps.OVERLAPS, jumps.RESTS
    inside = (abs(u) > low) & (abs(u) < high) & (v > least) & (v < most)
    box = inside / (2 * (high - low) * (most - least))
    np.testing.assert_allclose(ratio, prior / (0.5 * prior + 0.5 * box), rtol=1e-9)
    # The proposals follow that mixture: reweighted they have the prior's moments.
    for values, expected in ((ratio, 1), (ratio * u**2, 1 / d), (ratio * v, 1 - 1 / d)):
        assert abs(z_score(values, expected)) < THRESHOLD


@pytest.mark.parametrize(
    "r_hat, bulk_ess, expected",
    [(1.04, 150, True), (1.06, 150, False), (1.0, 90, False), (WORST_R_HAT, 0, False)],
)
def test_equilibrium_needs_both_agreement_and_effective_samples(r_hat, bulk_ess, expected):
    """The limits that the chapters state: R-hat at most 1.05, at least 100 effective samples."""
    assert Diagnosis(r_hat, bulk_ess, 0.0, 0.1).equilibrium is expected
