"""The network without weight sharing: against direct sums, autograd, and the shared network."""

import numpy as np
import pytest
import torch
from scipy.special import erf

from featlearn.inference import jumps
from featlearn.inference.locally_connected import LocallyConnected, LocallyConnectedPosterior
from featlearn.inference.network import Network
from featlearn.inference.posterior import CollapsedPosterior
from featlearn.inference.sampler import sample
from tests.inference.cases import THRESHOLD, generator, z_score
from tests.inference.gradients import largest_gradient_error

# Patches, their size and their number of neurons all differ: none can stand for another.
SIZES = dict(d=8, widths=[3], patches=2, kappa=0.3, sigma_a2=1.7)
on_both_algebras = pytest.mark.parametrize("P", [4, 12])


def case(P, degree=3):
    network = LocallyConnected(degree=degree, **SIZES)
    x, y = network.datasets([0, 1], P)
    return LocallyConnectedPosterior(network, x, y), network.prior(2, generator(3))


def test_features_are_those_of_each_patch_alone():
    posterior, z = case(4)
    (w,) = posterior.network.layers(z)
    phi = posterior.solve(z).features[1]
    for i in range(2):
        for j in range(3):
            neuron, patch = w[1, 3 * i + j].numpy(), posterior.x[1, :, 4 * i : 4 * i + 4].numpy()
            np.testing.assert_allclose(phi[:, 3 * i + j], erf(patch @ neuron), atol=1e-14)


@on_both_algebras
def test_energy_is_the_gaussian_evidence(P):
    posterior, z = case(P)
    phi, s = posterior.solve(z).features, 1.7 / 6
    C = 0.3 * torch.eye(P, dtype=phi.dtype) + s * phi @ phi.mT
    law = torch.distributions.MultivariateNormal(torch.zeros(2, P, dtype=C.dtype), C)
    constant = 0.5 * P * np.log(2 * np.pi)
    torch.testing.assert_close(posterior.statistic(z), -law.log_prob(posterior.y) - constant)


@on_both_algebras
def test_gradient(P):
    posterior, z = case(P)
    assert largest_gradient_error(posterior, z) < 1e-10
    assert largest_gradient_error(posterior, z + 1) < 1e-10


@on_both_algebras
def test_with_equal_filters_it_is_the_shared_network(P):
    own, _ = case(P)
    shared = Network(degree=3, **SIZES)
    other = CollapsedPosterior(shared, own.x, own.y)
    z = shared.prior(2, generator(5))
    repeated = own.network.position([shared.layers(z)[0].repeat(1, 2, 1)])
    torch.testing.assert_close(own.statistic(repeated), other.statistic(z))
    for mine, theirs in zip(own.alignment(repeated), other.alignment(z), strict=True):
        torch.testing.assert_close(mine, theirs)
    torch.testing.assert_close(own.subset([1]).statistic(repeated[1:]), other.statistic(z)[1:])


@pytest.mark.parametrize("degree", [1, 3])
def test_each_feature_is_aligned_with_its_own_part_of_the_target(degree):
    """Against plain Monte Carlo over inputs, all filters different."""
    posterior, z = case(4, degree)
    network, z = posterior.network, 1.5 * z
    x, y = network.data(9, 200_000)
    phi = network.forward(network.layers(z[:1]), x[None])[0]
    g = posterior.feature_alignments(z)
    assert g.shape == (2, 6)
    for k in range(6):
        assert abs(z_score(phi[:, k] * y, float(g[0, k]))) < THRESHOLD


def test_a_subset_computes_in_the_same_way():
    network = LocallyConnected(degree=3, **SIZES)
    x, y = network.datasets([0, 1, 2], 12)
    own = LocallyConnectedPosterior(network, x, y, algebra="P", refine=True)
    some = own.subset(slice(1, None))
    assert (some.B, some.algebra, some.refine) == (2, "P", True)
    z = network.prior(3, generator(6))
    for mine, theirs in zip(own.alignment(z), some.alignment(z[1:]), strict=True):
        torch.testing.assert_close(mine[1:], theirs)


def test_without_data_the_prior_is_sampled():
    network = LocallyConnected(degree=1, **SIZES)
    x, y = network.datasets([0] * 40, 0)
    posterior = LocallyConnectedPosterior(network, x, y)
    draws = sample(posterior, network.prior(40, generator(1)), warmup=50, draws=50, seed=2)
    of_chains = (4 * draws.response_1.values**2).mean((1, 2))  # S times the prior's 1 / S
    assert abs(z_score(of_chains, 1.0)) < THRESHOLD


def test_jumps_are_not_offered_and_refused():
    network = LocallyConnected(**SIZES)
    posterior = LocallyConnectedPosterior(network, *network.datasets([0] * 2, 5))
    z = network.prior(2, generator())
    assert "moved" not in sample(posterior, z, warmup=1, draws=1, seed=0)
    with pytest.raises(ValueError, match="n_jumps = 2: 0 is needed, LocallyConnectedPosterior"):
        sample(posterior, z, warmup=1, draws=1, seed=0, n_jumps=2)
    with pytest.raises(ValueError, match="patches that share their weights"):
        jumps.sweep(posterior, z, torch.ones(2, dtype=z.dtype), 1, generator())


def test_specialised_neurons_are_planted_on_every_patch():
    network = LocallyConnected(**SIZES)
    (w,) = network.layers(network.planted(2, generator(), 2))
    planted = (network.of_patches(w)[..., 0] == 1.0).sum(-1)
    assert planted.eq(2).all() and planted.shape == (2, 2)


def test_all_but_the_planted_overlaps_is_the_prior_draw():
    network = LocallyConnected(**SIZES)
    (w,) = network.layers(network.planted(2, generator(), 2, response=1.5))
    (prior,) = network.layers(network.prior(2, generator()))
    w, prior = network.of_patches(w), network.of_patches(prior)
    torch.testing.assert_close(w[:, :, :2, 0], torch.full((2, 2, 2), 1.5, dtype=w.dtype))
    torch.testing.assert_close(w[..., 1:], prior[..., 1:])
    torch.testing.assert_close(w[:, :, 2], prior[:, :, 2])


@pytest.mark.parametrize(
    "build, message",
    [
        (lambda: LocallyConnected(8, [3, 2], patches=2), r"widths = \(3, 2\)"),
        (lambda: LocallyConnected(**SIZES).planted(1, generator(), 4), "specialised = 4"),
        (lambda: LocallyConnected(**SIZES).planted(1, generator(), 1, layer=1), "layer = 1"),
    ],
)
def test_bad_input_is_named(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_one_neuron_a_patch_has_the_alignment_of_as_many_shared_filters():
    """Before training: the control of the CNN chapter has exactly the patch network's energy."""
    sizes = dict(d=12, patches=3, kappa=0.3, sigma_a2=1.7, degree=1)
    own, shared = LocallyConnected(widths=[1], **sizes), Network(widths=[3], **sizes)
    z = shared.prior(2, generator(7))
    variances = []
    for network, kind in ((own, LocallyConnectedPosterior), (shared, CollapsedPosterior)):
        g = kind(network, *network.datasets([0, 1], 4)).feature_alignments(z)
        variances.append(network.readout_variance * g.square().sum(1))
    torch.testing.assert_close(*variances)
