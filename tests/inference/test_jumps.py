"""Neuron jumps: candidates, their evidence gain, and the inverse that is kept up to date."""

import numpy as np
import pytest
import torch
from scipy import stats

from featlearn.inference import jumps
from featlearn.inference.network import Network
from featlearn.inference.posterior import CollapsedPosterior
from tests.inference.cases import (
    THRESHOLD,
    full,
    generator,
    network_of,
    on_all_kinds,
    posterior_of,
    z_score,
)


@pytest.mark.parametrize("n", [2, 7])
@pytest.mark.parametrize("strength", [1.0, 0.4])
def test_candidates_of_a_jump_are_weighted_by_prior_over_proposal(n, strength):
    shape, options = (1, 200_000), {"generator": generator(6), "device": "cpu"}
    of_chain = full(1, strength)
    response, rest2 = jumps._propose(shape, n, of_chain, torch.float64, options)
    mu = response / strength
    ratio = jumps._log_prior_over_proposal(mu, rest2, n, of_chain).exp().numpy()[0]
    u, v = mu.numpy()[0], rest2.numpy()[0]
    prior = stats.norm(0, n**-0.5).pdf(u) * stats.gamma((n - 1) / 2, scale=2 / n).pdf(v)
    (low, high), (least, most) = jumps.RESPONSES, jumps.RESTS
    low, high = low / strength, high / strength  # the box in mu
    inside = (abs(u) > low) & (abs(u) < high) & (v > least) & (v < most)
    box = inside / (2 * (high - low) * (most - least))
    np.testing.assert_allclose(ratio, prior / (0.5 * prior + 0.5 * box), rtol=1e-9)
    # The proposals follow that mixture: reweighted they have the prior's moments.
    for values, expected in ((ratio, 1), (ratio * u**2, 1 / n), (ratio * v, 1 - 1 / n)):
        assert abs(z_score(values, expected)) < THRESHOLD


KINDS = {
    "two layers": dict(d=5, widths=[7]),
    "three layers": dict(d=5, widths=[4, 6]),
    "patches": dict(d=6, widths=[5], patches=3),
    "deep patches": dict(d=6, widths=[4, 3], patches=2),
}


def layer_of(kind, P=9, scaling="standard", candidates=4):
    network = Network(kappa=0.3, sigma_a2=1.7, scaling=scaling, **KINDS[kind])
    posterior = posterior_of(network, [0, 1], P)
    layers = network.layers(network.prior(2, generator(3)))
    scale = full(2, 1.0)
    return posterior, jumps._Layer(posterior, layers, scale, candidates, generator(4))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("P", [4, 20])
@pytest.mark.parametrize("scaling", ["standard", "mean-field"])
def test_evidence_gain_is_the_difference_of_energies(kind, P, scaling):
    """-U of each candidate by a fresh factorisation, up to what all candidates share."""
    posterior, layer = layer_of(kind, P, scaling)
    network, Nw = posterior.network, posterior.network.patches
    K, N, j = 6, network.widths[-1], 1
    candidates = torch.randn(2, K, network.shapes[-1][1], generator=generator(5)).double()
    phi = torch.erf(candidates[:, None] @ layer.inputs)  # (B, Nw, K, P)
    assert phi.shape == (2, Nw, K, P)
    _, _, gain = layer._evidence_gain(phi.flatten(1, 2), slice(j, None, N))
    energies = []
    for k in range(K):
        changed = [w.clone() for w in layer.layers]
        changed[-1][:, j] = candidates[:, k]
        energies.append(posterior.statistic(network.position(changed)))
    without = layer.phi.clone()
    without[:, j::N] = 0
    reference = posterior.solve_features(without.mT).data_energy
    torch.testing.assert_close(gain, reference[:, None] - torch.stack(energies, 1))


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_sweep_keeps_up_to_date(kind):
    """After many jumps the inverse, features and weights still belong together."""
    posterior, layer = layer_of(kind)
    network = posterior.network
    before = layer.layers[-1].clone()
    moved = sum(layer.jump(j) for j in [*range(network.widths[-1])] * 6)
    assert (moved > 0).all()
    z = network.position(layer.layers)
    phi = network.forward(network.layers(z), posterior.x)
    torch.testing.assert_close(layer.phi, phi.mT)
    identity = torch.eye(network.features, dtype=phi.dtype)
    gram = network.readout_variance * phi.mT @ phi + network.ridge * identity
    product = layer.inverse @ gram
    torch.testing.assert_close(product, identity.expand_as(product), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(layer.of_labels, (phi.mT @ posterior.y[..., None])[..., 0])
    # A jump keeps the direction of the rest, in every neuron.
    unit = layer.unit[:, None]

    def direction(w):
        rest = w - (w * unit).sum(-1, keepdim=True) * unit
        return rest / rest.norm(dim=-1, keepdim=True)

    torch.testing.assert_close(direction(layer.layers[-1]), direction(before))


@pytest.mark.parametrize("patches, widths", [(1, [40]), (3, [8]), (10, [10]), (2, [6, 8])])
def test_many_jumps_in_single_precision_keep_the_inverse(patches, widths):
    network, P, B = Network(10 * patches, widths, patches=patches), 300, 8
    posterior = CollapsedPosterior(network, *network.datasets([0] * B, P, dtype=torch.float32))
    z = network.planted(B, generator(), 1).float()
    ones = torch.ones(B)
    layer = jumps._Layer(posterior, network.layers(z), ones, 24, generator(1))
    for j in [*range(widths[-1])] * 3:
        layer.jump(j)
    phi = layer.phi.double()
    identity = torch.eye(network.features, dtype=torch.float64)
    gram = network.readout_variance * phi @ phi.mT + network.ridge * identity
    assert (layer.inverse.double() @ gram - identity).abs().max() < 1e-3


@on_all_kinds
def test_a_jump_draws_in_proportion_to_law_over_proposal(kind):
    """One jump of many chains that stand at the same place and are offered the same values."""
    network, B, K, b = network_of(kind, kappa=0.5), 40_000, 4, 0.6
    posterior = posterior_of(network, [3], 7)
    many = CollapsedPosterior(
        network, posterior.x.expand(B, -1, -1), posterior.y.expand(B, -1), rule=posterior.rule
    )
    z = network.prior(1, generator(2))
    layer = jumps._Layer(many, network.layers(z.expand(B, -1)), full(B, b), K, generator(7))
    strength, n = layer.strength[:1], network.shapes[-1][1]
    options = {"generator": generator(8), "device": "cpu"}
    response, rest2 = jumps._propose((1, K), n, strength, torch.float64, options)
    present = layer.layers[-1][0, 0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jumps, "_propose", lambda *a: (response.expand(B, -1), rest2.expand(B, -1)))
        layer.jump(0)
    unit = layer.unit[0]
    along = present @ unit
    rest = present - along * unit
    mus = [along, *(response[0] / strength)]
    squares = [rest @ rest, *rest2[0]]
    log_weight, share = [], []
    for mu, square in zip(mus, squares, strict=True):
        w = mu * unit + square.sqrt() * rest / rest.norm()
        changed = [part.clone() for part in network.layers(z)]
        changed[-1][0, 0] = w
        U = posterior.statistic(network.position(changed))[0]
        ratio = jumps._log_prior_over_proposal(mu[None, None], square[None, None], n, strength)
        log_weight.append(ratio[0, 0] - b * U)
        same = (layer.layers[-1][:, 0] - w).abs().amax(-1) < 1e-9
        share.append(same.double().mean())
    expected = torch.softmax(torch.stack(log_weight), 0)
    share = torch.stack(share)
    assert share.sum() == pytest.approx(1) and expected.max() < 0.95
    error = (expected * (1 - expected) / B).sqrt()
    assert ((share - expected).abs() < THRESHOLD * error + 1e-12).all()


@on_all_kinds
def test_a_sweep_moves_what_it_says(kind):
    """Only neurons of the last layer change, at most ``n_jumps``; ``moved`` counts them."""
    network = network_of(kind, widths=[5, 6] if kind == "three layers" else [6])
    posterior, z = posterior_of(network, range(10), 8), network.prior(10, generator())
    for n_jumps in (1, 4, 100):
        after, moved = jumps.sweep(posterior, z, full(10, 1.0), n_jumps, generator(1))
        layers, new = network.layers(z), network.layers(after)
        offered = min(n_jumps, 6)
        changed = ((new[-1] - layers[-1]).abs().amax(-1) > 1e-9).sum(1)
        torch.testing.assert_close(moved * offered, changed.double())
        assert changed.max() > 0
        for w, same in zip(layers[:-1], new[:-1], strict=True):
            torch.testing.assert_close(same, w)


def test_jumps_need_at_most_two_hidden_layers_and_two_inputs_a_neuron():
    for widths in ([3, 3, 3], [1, 3]):
        network = Network(4, widths)
        posterior, z = posterior_of(network, [0], 5), network.prior(1, generator())
        with pytest.raises(ValueError, match=r"posterior of Network\(.*jumps need"):
            jumps.sweep(posterior, z, full(1, 1.0), 1, generator())
