"""The three kinds of networks that the tests run on, and what they share."""

import numpy as np
import pytest
import torch

from featlearn.inference.input_rule import input_rule
from featlearn.inference.laws import POSTERIOR, DataScales, Rungs
from featlearn.inference.network import Network
from featlearn.inference.posterior import CollapsedPosterior

THRESHOLD = 5.0  # standard errors
PLAIN = Rungs(POSTERIOR)

KINDS = ("two layers", "three layers", "patches")
SHAPES = {
    "two layers": dict(d=4, widths=[3]),
    "three layers": dict(d=4, widths=[4, 3]),
    "patches": dict(d=4, widths=[3], patches=2),
}
on_all_kinds = pytest.mark.parametrize("kind", KINDS)


def network_of(kind, **settings):
    """A small network of a kind; ``settings`` replace its defaults."""
    return Network(**(SHAPES[kind] | settings))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def posterior_of(network, seeds, P, points=32, **settings):
    """Posterior of one data set a chain, with a small rule for alignments of deep networks."""
    rule = None
    if len(network.widths) > 1:
        rule = input_rule(network.patch_size, network.degree, points)
    return CollapsedPosterior(network, *network.datasets(seeds, P), rule=rule, **settings)


def scaled(*scales):
    """The laws ``prior * exp(-b U)`` of a ladder's chains."""
    return Rungs(DataScales(np.array(scales)))


def full(chains, value):
    return torch.full((chains,), value, dtype=torch.float64)


def z_score(draws, expected, other_error=0.0):
    """Distance of independent draws' mean from ``expected``, in standard errors."""
    draws = np.asarray(draws, float)
    return (draws.mean() - expected) / np.hypot(draws.std(ddof=1) / len(draws) ** 0.5, other_error)


def compute(network, layers, x):
    """Features (P, F) of one network, patch by patch and neuron by neuron, in numpy.

    Also the pre-activations of each layer on the first patch, a list of (P, width).
    """
    from scipy.special import erf

    size = network.d // network.patches
    features, first_patch = [], []
    for i in range(network.patches):
        phi = x[:, i * size : (i + 1) * size]
        for w in layers:
            h = np.stack([phi @ row for row in w], 1)
            if i == 0:
                first_patch.append(h)
            phi = erf(h)
        features += list(phi.T)
    return np.stack(features, 1), first_patch


class GaussianTarget:
    """The statistic ``|z|**2 / 2``: ``u = s`` gives N(0, I / 2). Not finite past ``wall``."""

    def __init__(self, wall=torch.inf):
        self.wall = wall

    def statistic_and_gradient(self, z):
        s = 0.5 * z.square().sum(-1)
        return torch.where(s < self.wall, s, torch.nan), z
