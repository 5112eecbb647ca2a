"""The default rule's error on aligned networks of the posterior, which the chapter states.

Measured on 4000 networks, d = 8 to 40, widths up to 320, P = 4 d to 10 d, planted in either
layer: at most 0.041 for a network, 0.009 in the root mean square of a run, 0.003 in the mean
over eight training sets. Chains differ from machine to machine, so the bounds leave room.
"""

from functools import cache

import numpy as np
import pytest
import torch

from featlearn.inference.input_rule import input_rule
from featlearn.inference.network import Network
from featlearn.inference.posterior import CollapsedPosterior
from featlearn.inference.sampler import sample
from featlearn.theory.hermite import normalised_hermite
from tests.inference.cases import THRESHOLD, generator

ONE, ROOT_MEAN_SQUARE, MEAN = 0.05, 0.012, 0.005  # of a network, of all, over training sets
SETS, WARMUP, DRAWS, THIN = 8, 100, 50, 10
FINE = dict(points=4096, seed=1)
on_planted = pytest.mark.parametrize("d, layer", [(10, 0), (12, 1), (20, 0)])


def posterior_of(d, **rule):
    """One training set a chain; the default rule, or another one."""
    network = Network(d, [d, d])
    rule = input_rule(d, 3, **rule) if rule else None
    return CollapsedPosterior(
        network, *network.datasets([[d, i] for i in range(SETS)], 6 * d), rule=rule
    )


@cache
def positions(d, layer):
    """Draws (draw, training set, size) from chains with one specialised neuron at the start."""
    posterior, kept = posterior_of(d), []

    def record(z):
        kept.append(z)
        return {}

    start = posterior.network.planted(SETS, generator(), 1, layer)
    sample(posterior, start, warmup=WARMUP, draws=DRAWS, thin=THIN, seed=0, record=record)
    return torch.stack(kept)


def alignment(d, layer, **rule):
    """Of each draw, (draw, training set)."""
    posterior = posterior_of(d, **rule)
    return np.stack([posterior.alignment(z)[0].numpy() for z in positions(d, layer)])


def root_mean_square(error):
    return np.sqrt(np.square(error).mean())


@on_planted
def test_the_default_rule_against_a_finer_one(d, layer):
    fine = alignment(d, layer, **FINE)
    assert fine.mean() > 0.1  # aligned
    error = alignment(d, layer) - fine
    assert abs(error).max() < ONE
    assert root_mean_square(error) < ROOT_MEAN_SQUARE
    assert abs(error.mean()) < MEAN
    # The bounds are not so wide that a poor rule would pass.
    coarse = alignment(d, layer, points=16) - fine
    assert root_mean_square(coarse) > ROOT_MEAN_SQUARE and abs(coarse).max() > ONE


@on_planted
def test_more_nodes_change_little(d, layer):
    change = alignment(d, layer, nodes=32) - alignment(d, layer)
    assert root_mean_square(change) < ROOT_MEAN_SQUARE / 4


@on_planted
def test_the_default_rule_against_plain_monte_carlo(d, layer):
    posterior, z = posterior_of(d), positions(d, layer)[-1]
    network = posterior.network
    layers, readout = network.layers(z), posterior.readout(posterior.solve(z))[0]
    found = posterior.alignment(z)[0].numpy()
    rng, n, batch = np.random.default_rng(3), 1_000_000, 20_000
    total, squares = np.zeros(SETS + 1), np.zeros(SETS + 1)
    for _ in range(n // batch):
        x = rng.standard_normal((batch, d))
        y = normalised_hermite(3, x[:, 0])
        f = network.forward(layers, torch.as_tensor(x).expand(SETS, -1, -1)) @ readout[..., None]
        # Most of the noise is that of y**2, whose mean is known to be one.
        value = y * f[..., 0].numpy() - 0.25 * (y**2 - 1)
        value = np.vstack([value, value.mean(0)])
        total, squares = total + value.sum(1), squares + np.square(value).sum(1)
    mean = total / n
    error = np.sqrt((squares / n - mean**2) / n)
    distance = np.abs(np.append(found, found.mean()) - mean)
    assert (distance[:-1] < THRESHOLD * error[:-1] + ONE).all()
    assert distance[-1] < THRESHOLD * error[-1] + MEAN
    assert error.max() < MEAN  # fresh inputs enough to tell
