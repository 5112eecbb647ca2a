"""What is timed of a gradient: its operations, both ways to it, and the number of chains."""

import pytest
import torch
from benchmarks.cost import fastest, gradients, main, operations, with_fewer
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


def test_both_ways_give_the_same_gradient():
    ours, automatic = gradients(Network(6, [5, 4]), 12, 3, torch.device("cpu"))
    assert ours().shape == (3, 50)
    torch.testing.assert_close(ours(), automatic(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("full, chains", [(1, 1), (8, 8), (100, 128), (1e6, 1024)])
def test_chains_are_doubled_until_the_device_is_full(full, chains):
    """A call takes one second until ``full`` chains run at once, then longer in proportion."""
    seconds, found = fastest(lambda chains: max(1.0, chains / full), most=1024)
    assert found == chains and seconds == max(1 / chains, 1 / full)


def test_chains_that_do_not_fit_are_not_taken():
    def time_with(chains):
        if chains > 4:
            raise torch.OutOfMemoryError
        return 1.0

    assert fastest(time_with) == (0.25, 4)
    assert with_fewer(time_with, 32) == 0.25


def test_a_device_that_is_not_there_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit):
        main(["--device", "cuda"])
    assert "--device cuda: there is none here" in capsys.readouterr().err
