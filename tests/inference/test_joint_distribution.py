"""The joint-distribution test of Geweke (2004), for every move on every kind of network.

All chains start from the joint law of positions z and labels y. A transition that leaves the law
of z given y invariant, alternated with fresh labels, must leave the joint law as it is. Chains
are independent, so standard errors are exact.

The law ``prior * exp(-b U)`` of a rung is the conditional of the joint density
``prior(z) exp(-b U(z, y))``: given z, labels are Gaussian with covariance C / b, and z itself has
the density ``prior(z) (det C)**((1 - b) / 2)``, which is drawn by rejection.
"""

import pytest
import torch

from featlearn.inference import hmc, jumps, langevin, two_stage
from featlearn.inference.posterior import CollapsedPosterior
from tests.inference.cases import (
    KINDS,
    THRESHOLD,
    full,
    generator,
    network_of,
    on_all_kinds,
    posterior_of,
    scaled,
)

P = 3
SHAPES = {
    "two layers": dict(d=2, widths=[2]),
    "three layers": dict(d=2, widths=[2, 2]),
    "patches": dict(d=4, widths=[2], patches=2),
}


class Joint:
    """B chains (z, y) of the joint law of one kind of network at the data scale b."""

    def __init__(self, kind, b, seed, B):
        self.network = network_of(kind, kappa=0.5, sigma_a2=2.0, degree=1, **SHAPES[kind])
        self.b, self.B, self.g = b, B, generator(seed)
        x, _ = self.network.datasets([11], P)
        self.x = x.expand(B, -1, -1).contiguous()
        self.rule = posterior_of(self.network, [11], 0).rule
        self.z = self.positions()
        self.b_of_readout = langevin.prior_readout(self.network, B, self.g)
        self.draw_labels()

    def positions(self):
        """Positions with the density prior(z) (det C)**((1 - b) / 2)."""
        network, kept = self.network, []
        power = (1 - self.b) / 2
        # Features are at most one: det C is between kappa**P and this.
        most = (network.ridge + network.readout_variance * network.features) ** P
        bound = most if power > 0 else network.ridge**P
        while sum(map(len, kept)) < self.B:
            z = network.prior(self.B, self.g)
            share = (self.covariance(z).det() / bound) ** power
            kept.append(z[torch.rand(self.B, generator=self.g, dtype=z.dtype) < share])
        return torch.cat(kept)[: self.B]

    def covariance(self, z):
        phi = self.network.forward(self.network.layers(z), self.x)
        C = self.network.readout_variance * phi @ phi.mT
        return C + self.network.ridge * torch.eye(P, dtype=C.dtype)

    def draw_labels(self):
        """Fresh labels: of the readout where there is one, b = 1; else of the evidence."""
        if self.b == 1:
            phi = self.network.forward(self.network.layers(self.z), self.x)
            root = self.network.readout_variance**0.5
            mean = root * (phi @ self.b_of_readout[..., None])[..., 0]
            self.y = mean + self.network.ridge**0.5 * self.normal(mean.shape)
        else:
            factor = torch.linalg.cholesky(self.covariance(self.z) / self.b)
            self.y = (factor @ self.normal((self.B, P, 1)))[..., 0]

    def normal(self, shape):
        return torch.randn(shape, generator=self.g, dtype=torch.float64)

    def posterior(self):
        return CollapsedPosterior(self.network, self.x, self.y, rule=self.rule)

    def draw_readout(self, posterior):
        if self.b == 1:
            mean, covariance = posterior.readout(posterior.solve(self.z))
            noise = self.normal(mean.shape)
            a = mean + (torch.linalg.cholesky(covariance) @ noise[..., None])[..., 0]
            self.b_of_readout = a / self.network.readout_variance**0.5

    def statistics(self):
        layers, y = self.network.layers(self.z), self.y
        w = layers[-1]
        norm2, y2 = w.square().sum((-2, -1)), y.square().mean(-1)
        phi = self.network.forward(layers, self.x)
        found = {
            "overlap2": w[..., 0].square().mean(-1),
            "norm4": norm2.square(),
            "two neurons": (w[:, 0] * w[:, 1]).sum(-1).square(),
            "y2": y2,
            "y0*y1": y[:, 0] * y[:, 1],
            "y2*norm2": y2 * norm2,
            "fit": (phi.mT @ y[..., None]).square().sum((-2, -1)),
        }
        if len(layers) > 1:
            found["first norm4"] = layers[0].square().sum((-2, -1)).square()
            found["y2*first norm2"] = y2 * layers[0].square().sum((-2, -1))
        return found


def geweke(transition, kind, seed=5, b=1.0, sweeps=15, B=4000):
    """z-scores of statistics of (z, y) at stationarity; ``transition`` moves a Joint's z."""
    joint = Joint(kind, b, seed, B)
    reference = joint.statistics()
    for _ in range(sweeps):
        transition(joint)
        joint.draw_labels()
    final = joint.statistics()
    scores = {}
    for name in final:
        error = ((final[name].var() + reference[name].var()) / B).sqrt()
        scores[name] = float((final[name].mean() - reference[name].mean()) / error)
    return scores


def largest(scores):
    return max(map(abs, scores.values()))


def hmc_transition(joint):
    posterior = joint.posterior()
    state = hmc.initial_state(posterior, joint.z)
    law = scaled(joint.b)
    state, info = hmc.step(posterior, law, state, full(joint.B, 1.2), 2, joint.g)
    assert 0.3 < info.acceptance.mean() < 0.98  # the test of the Metropolis step needs refusals
    joint.z = state.z
    joint.draw_readout(posterior)


def two_stage_transition(joint):
    posterior = joint.posterior()
    state = hmc.initial_state(posterior, joint.z)
    law = scaled(joint.b)
    state, info = two_stage.step(posterior, law, state, full(joint.B, 1.8), 2, joint.g)
    assert 0.3 < info.acceptance.mean() < 0.98
    joint.z = state.z
    joint.draw_readout(posterior)


def jump_transition(joint):
    posterior = joint.posterior()
    scale = full(joint.B, joint.b)
    joint.z, moved = jumps.sweep(posterior, joint.z, scale, 2, joint.g, candidates=6)
    assert moved.mean() > 0.1
    joint.draw_readout(posterior)


def langevin_transition(joint):
    posterior = joint.posterior()
    state = langevin.State(joint.z, joint.b_of_readout)
    for _ in range(10):
        state, _ = langevin.step(posterior, state, 0.004, joint.g)
    joint.z, joint.b_of_readout = state


@on_all_kinds
@pytest.mark.parametrize(
    "transition", [hmc_transition, two_stage_transition, jump_transition, langevin_transition]
)
def test_joint_distribution(kind, transition):
    scores = geweke(transition, kind)
    assert largest(scores) < THRESHOLD, scores


@on_all_kinds
@pytest.mark.parametrize("b", [0.3, 2.0])
@pytest.mark.parametrize("transition", [hmc_transition, two_stage_transition, jump_transition])
def test_joint_distribution_at_other_data_scales(kind, transition, b):
    scores = geweke(transition, kind, b=b, sweeps=8)
    assert largest(scores) < THRESHOLD, scores


@on_all_kinds
def test_the_test_notices_a_jump_that_forgets_the_proposals_density(kind, monkeypatch):
    monkeypatch.setattr(jumps, "_log_prior_over_proposal", lambda mu, rest2, n, strength: 0 * mu)
    assert largest(geweke(jump_transition, kind)) > 2 * THRESHOLD


def test_the_test_notices_a_jump_that_forgets_the_teachers_strength(monkeypatch):
    right = jumps._log_prior_over_proposal

    def wrong(mu, rest2, n, strength):
        return right(mu, rest2, n, torch.ones_like(strength))

    monkeypatch.setattr(jumps, "_log_prior_over_proposal", wrong)
    assert largest(geweke(jump_transition, "three layers", B=10_000)) > 2 * THRESHOLD


@pytest.mark.parametrize(
    "kind, b, B", [*((kind, 0.3, 4000) for kind in KINDS), ("three layers", 2.0, 30_000)]
)
def test_the_test_notices_a_jump_at_the_wrong_data_scale(kind, b, B):
    def wrong(joint):
        ones = full(joint.B, 1.0)
        joint.z, _ = jumps.sweep(joint.posterior(), joint.z, ones, 2, joint.g, candidates=6)

    assert largest(geweke(wrong, kind, b=b, B=B, sweeps=6)) > THRESHOLD


@on_all_kinds
def test_the_test_notices_a_wrong_gradient_of_langevin(kind, monkeypatch):
    right = langevin.energy_and_gradient

    def wrong(posterior, state):
        energy, by_z, by_b = right(posterior, state)
        return energy, by_z, 0.6 * by_b

    monkeypatch.setattr(langevin, "energy_and_gradient", wrong)
    assert largest(geweke(langevin_transition, kind, sweeps=60)) > 2 * THRESHOLD


@on_all_kinds
@pytest.mark.parametrize(
    "module, transition", [(hmc, hmc_transition), (two_stage, two_stage_transition)]
)
def test_the_test_notices_trajectories_that_accept_everything(
    kind, module, transition, monkeypatch
):
    for of in {module, hmc}:
        monkeypatch.setattr(of, "uniform", lambda like, g: torch.zeros_like(like))
    assert largest(geweke(transition, kind, B=20_000, sweeps=8)) > 2 * THRESHOLD
