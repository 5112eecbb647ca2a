"""The collapsed sampler against Langevin dynamics, and against regression at infinite width."""

import numpy as np
import pytest
import torch

from featlearn.inference import hmc, langevin
from featlearn.inference.posterior import CollapsedPosterior
from featlearn.inference.sampler import sample
from featlearn.theory.deep_kernels import lazy_kernel
from featlearn.theory.kernels import erf_kernel
from tests.inference.cases import (
    PLAIN,
    THRESHOLD,
    full,
    generator,
    network_of,
    on_all_kinds,
    posterior_of,
    z_score,
)

SETTINGS = {
    "two layers": dict(widths=[4]),
    "three layers": dict(widths=[4, 4]),
    "patches": dict(widths=[3], patches=2),
}


@on_all_kinds
def test_langevin_agrees_with_the_collapsed_sampler(kind):
    network = network_of(kind, kappa=0.3, degree=1, **SETTINGS[kind])
    P, B = 16, 64
    posterior = posterior_of(network, [2] * B, P)
    start = network.prior(B, generator())
    run = sample(posterior, start, warmup=100, draws=100, seed=1, n_leapfrog=8, n_jumps=1)
    ours = run.alignment.values.mean(1)  # one number a chain: chains are independent
    drawn = run.alignment_drawn.values

    g = generator(4)
    state = langevin.State(network.prior(B, g), langevin.prior_readout(network, B, g))
    kept = []
    for i in range(4500):
        state, info = langevin.step(posterior, state, 0.002, g)
        assert not info.divergent.any()
        if i >= 1000 and i % 10 == 0:
            kept.append(langevin.alignment(posterior, state))
    theirs = torch.stack(kept, 1).numpy()
    for mine, other in (
        (ours, theirs.mean(1)),
        (drawn.std(1), theirs.std(1)),  # what the drawn readout adds
    ):
        error = np.hypot(mine.std(ddof=1), other.std(ddof=1)) / B**0.5
        assert error < 0.02  # the comparison is sharp enough to mean something
        # The spread of few draws is smaller than that of all; chains forget slowly.
        slack = 0.0 if mine is ours else 0.01
        assert abs(mine.mean() - other.mean()) < THRESHOLD * error + slack


@on_all_kinds
def test_a_langevin_step_is_drift_and_noise_of_the_stated_sizes(kind):
    """The noise, recovered from one step, is standard normal in every weight."""
    network, B, epsilon = network_of(kind, kappa=0.3), 4000, 0.01
    posterior, g = posterior_of(network, [2] * B, 6), generator(5)
    state = langevin.State(network.prior(B, g), langevin.prior_readout(network, B, g))
    energy, *gradients = langevin.energy_and_gradient(posterior, state)
    new, info = langevin.step(posterior, state, epsilon, g)
    torch.testing.assert_close(info.energy, energy)
    for theta, after, gradient in zip(state, new, gradients, strict=True):
        noise = ((after - theta + epsilon * gradient) / (2 * epsilon) ** 0.5).ravel()
        for draws, expected in ((noise, 0), (noise**2, 1), (noise * theta.ravel(), 0)):
            assert abs(z_score(draws, expected)) < THRESHOLD


def exact_predictor(network, x, y, test_x):
    """Gaussian process regression with the kernel of the infinitely wide network."""

    def patch_kernel(a, b):
        if len(network.widths) == 1:
            return erf_kernel(a, b)
        S = a.shape[1]
        norms = [np.square(v).sum(1) / S for v in (a, b)]
        return lazy_kernel(2, a @ b.T / S, norms[0][:, None], norms[1][None, :])

    def kernel(a, b):
        S = network.patch_size
        parts = [slice(i * S, (i + 1) * S) for i in range(network.patches)]
        return np.mean([patch_kernel(a[:, part], b[:, part]) for part in parts], 0)

    K = kernel(x, x) + network.kappa * np.eye(len(x))
    return kernel(test_x, x) @ np.linalg.solve(K, y)


def wide_predictor(kind, N, angle, n, P=6, B=24, iterations=80):
    """Posterior mean predictor at five test inputs, of B independent chains: (B, 5)."""
    deep, patches = kind == "three layers", 2 if kind == "patches" else 1
    network = network_of(
        kind,
        d=3 * patches,
        degree=1 if deep else 3,
        widths=[N, N] if deep else [N],
        kappa=0.5,
        patches=patches,
    )
    x, y = network.datasets([3], P)
    test_x, _ = network.data([4], 5)
    posterior = CollapsedPosterior(network, x.expand(B, -1, -1), y.expand(B, -1))
    g = generator(N)
    state = hmc.initial_state(posterior, network.prior(B, g))
    total = 0.0
    for i in range(iterations):
        state, info = hmc.step(posterior, PLAIN, state, full(B, angle), n, g)
        if i >= 10:
            readout, _ = posterior.readout(posterior.solve(state.z))
            phi = network.forward(network.layers(state.z), test_x.expand(B, -1, -1))
            total = total + (phi @ readout[..., None])[..., 0] / (iterations - 10)
    assert info.acceptance.mean() > 0.5
    return total.numpy(), exact_predictor(network, x[0].numpy(), y[0].numpy(), test_x.numpy())


@pytest.mark.parametrize(
    "kind, N, angle, n",
    [("two layers", 50, 0.3, 5), ("three layers", 30, 0.3, 5), ("patches", 40, 0.5, 4)],
)
def test_at_large_width_the_predictor_is_gaussian_process_regression(kind, N, angle, n):
    """The correction is of order 1/N: two widths extrapolate to the exact kernel predictor."""
    narrow, exact = wide_predictor(kind, N, angle, n)
    wide, _ = wide_predictor(kind, 4 * N, angle, n)
    extrapolated = (4 * wide.mean(0) - narrow.mean(0)) / 3
    error = np.hypot(4 * wide.std(0, ddof=1), narrow.std(0, ddof=1)) / 3 / len(wide) ** 0.5
    correction = np.abs(narrow.mean(0) - exact).max()
    second_order = correction**2 / np.abs(exact).max()  # what the extrapolation leaves
    assert error.max() < 0.02 * np.abs(exact).max()  # sharp enough to mean something
    assert (np.abs(extrapolated - exact) < THRESHOLD * error + second_order).all()
