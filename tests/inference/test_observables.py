"""Alignment and responses, in closed form or by the rule, against plain Monte Carlo over inputs."""

import numpy as np
import pytest
import torch

from featlearn.inference.observables import Observables, specialised
from featlearn.theory.hermite import normalised_hermite
from tests.inference.cases import (
    THRESHOLD,
    compute,
    generator,
    network_of,
    on_all_kinds,
    posterior_of,
    z_score,
)

KINDS = ("two layers", "three layers", "patches", "deep patches", "four layers")
SHAPES = {
    "deep patches": dict(d=6, widths=[4, 3], patches=2),
    "four layers": dict(d=4, widths=[4, 3, 2]),
}


def case(kind, degree=3, points=4096):
    network = (
        network_of("two layers", degree=degree, **SHAPES[kind])
        if kind in SHAPES
        else (network_of(kind, degree=degree))
    )
    posterior = posterior_of(network, [0], 8, points)
    return posterior, 1.7 * network.prior(1, generator(4))  # larger weights align more


def sampled(network, z, n=1_000_000):
    """Inputs, features, first pre-activations and target, all coded anew."""
    x = np.random.default_rng(1).standard_normal((n, network.d))
    phi, pre = compute(network, [w[0].numpy() for w in network.layers(z)], x)
    u = x[:, :: network.patch_size]
    return x, phi, pre, normalised_hermite(network.degree, u).sum(1) / network.patches**0.5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("degree", [1, 3])
def test_alignment_against_plain_monte_carlo(kind, degree):
    posterior, z = case(kind, degree)
    network = posterior.network
    _, phi, _, y = sampled(network, z, 400_000)
    products = phi * y[:, None]
    error = products.std(0) / len(products) ** 0.5
    found = posterior.feature_alignments(z)[0].numpy()
    # The rule itself has an error of a fraction of a per cent.
    slack = 0.005 * np.abs(found) if len(network.widths) > 1 else 0.0
    assert (np.abs(found - products.mean(0)) < THRESHOLD * error + slack).all()
    assert np.abs(found).max() > 5 * error.max()  # sharp enough to mean something
    readout, _ = posterior.readout(posterior.solve(z))
    f = phi @ readout[0].numpy()
    assert abs(z_score(f * y, float(posterior.alignment(z)[0]))) < THRESHOLD


@pytest.mark.parametrize("kind", KINDS)
def test_observables_against_plain_monte_carlo(kind):
    posterior, z = case(kind)
    network = posterior.network
    found = Observables(posterior, generator())(z)
    x, _, pre, _ = sampled(network, z, 400_000)
    u, layers = x[:, 0], network.layers(z)
    expected = {"alignment", "alignment_drawn"}
    for l, h in enumerate(pre[:2], 1):  # noqa: E741
        expected |= {f"response_{l}", f"norm2_{l}"}
        for j in range(h.shape[1]):
            assert abs(z_score(h[:, j] * u, float(found[f"response_{l}"][0, j]))) < THRESHOLD
        exact = (layers[l - 1] ** 2).sum(-1)
        torch.testing.assert_close(found[f"norm2_{l}"], exact)
    if len(layers) > 1:
        expected.add("cubic_2")
        cubic = normalised_hermite(3, u)
        for j in range(pre[1].shape[1]):
            assert abs(z_score(pre[1][:, j] * cubic, float(found["cubic_2"][0, j]))) < THRESHOLD
    assert set(found) == expected
    torch.testing.assert_close(found["alignment"], posterior.alignment(z)[0])


@on_all_kinds
def test_the_drawn_alignment_has_the_readouts_mean_and_width(kind):
    network = network_of(kind)
    B = 4000
    posterior = posterior_of(network, [0] * B, 6)
    found = Observables(posterior, generator(3))(network.prior(1, generator(4)).expand(B, -1))
    _, sd = posterior.alignment(network.prior(1, generator(4)).expand(B, -1))
    normal = ((found["alignment_drawn"] - found["alignment"]) / sd).numpy()
    assert abs(z_score(normal, 0)) < THRESHOLD and abs(z_score(normal**2, 1)) < THRESHOLD


def test_specialised_neurons_are_counted_by_the_size_of_their_response():
    response = np.array([[0.8, -0.9, 0.1], [0.69, 0.71, 0.0]])
    assert specialised(response).tolist() == [2, 1]
    assert specialised(torch.as_tensor(response), above=0.05).tolist() == [3, 2]
