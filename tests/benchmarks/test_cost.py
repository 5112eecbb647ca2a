"""The operation count of a gradient, against the products that torch counts as it runs."""

import pytest
import torch
from benchmarks.cost import operations
from torch.utils.flop_counter import FlopCounterMode

from featlearn.inference.network import Network
from featlearn.inference.posterior import CollapsedPosterior


@pytest.mark.parametrize(
    "network, P",
    [
        (Network(60, [40]), 200),
        (Network(60, [40]), 30),
        (Network(60, [40, 50]), 200),
        (Network(60, [20], patches=3), 200),
    ],
)
def test_operations_are_those_of_the_products(network, P):
    posterior = CollapsedPosterior(network, *network.datasets([0], P))
    z = network.prior(1, torch.Generator().manual_seed(0))
    with FlopCounterMode(display=False) as counter:
        posterior.statistic_and_gradient(z)
    # Factor and inverse are not counted by torch; products with a vector are left out by us.
    products = operations(network, P) - min(P, network.features) ** 3
    assert products <= counter.get_total_flops() < 1.1 * products
