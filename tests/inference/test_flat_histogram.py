"""The learned bias: what it tends to, its derivative, and its limits."""

import numpy as np
import pytest
import torch

from featlearn.inference.flat_histogram import BIN, FlatHistogram

LIKE = torch.zeros(1, dtype=torch.float64)


def wells(C):
    """A free energy with wells at 1 and 2, a barrier of 5 nats between, steep outside."""
    return 5 - 5 * np.exp(-((C - 1) ** 2) / 0.02) - 4 * np.exp(-((C - 2) ** 2) / 0.02)


def learned(height, iterations=40_000, chains=20):
    """Learn from independent draws of the law under the bias of the moment."""
    rng, flat = np.random.default_rng(0), FlatHistogram(3, height, LIKE)
    C = np.linspace(0, 3, 601)
    for i in range(iterations // chains):
        log_density = -wells(C) - flat(torch.as_tensor(C))[0].numpy()
        density = np.exp(log_density - log_density.max())
        draws = rng.choice(C, chains, p=density / density.sum())
        flat.learn(torch.as_tensor(draws), 2 / chains * min(1, 100 / (i + 1)))
    return flat


def test_the_bias_tends_to_minus_the_free_energy():
    flat = learned(height=10)
    inside = (flat.centre > 0.1) & (flat.centre < 2.9)
    off = flat.bias[inside].numpy() + wells(flat.centre[inside].numpy())
    assert np.ptp(off) < 1.0  # a bin holds the mean over its width
    assert np.std(off) < 0.2


def test_only_barriers_up_to_the_height_are_flattened():
    flat = learned(height=3)
    at = [int(C / BIN) for C in (1, 1.5, 2, 2.5)]
    first, between, second, outside = flat.bias[at].tolist()
    assert between == outside == 0
    assert abs(first - 3) < 0.4 and abs(second - 2) < 0.4


def test_the_derivative_is_that_of_the_value():
    flat = learned(height=10, iterations=2000)
    C = torch.linspace(-0.2, 3.4, 997, dtype=torch.float64)
    V, slope = flat(C)
    difference = (flat(C + 1e-7)[0] - flat(C - 1e-7)[0]) / 2e-7
    torch.testing.assert_close(slope, difference, atol=1e-5, rtol=1e-5)
    beyond = (C < BIN / 2) | (C > flat.centre[-1])
    assert (slope[beyond] == 0).all() and (slope != 0).any()
    assert V[0] == flat.bias[0] and V[-1] == flat.bias[-1]


def test_a_visit_raises_its_bin_and_its_neighbours():
    flat = FlatHistogram(3, 5, LIKE)
    flat.learn(torch.tensor([1.01, 1.01, 0.0, 99.0]).double(), 0.4)
    raised = flat.log_visits.numpy()
    np.testing.assert_allclose(raised[19:22], [0.2, 0.4, 0.2])
    np.testing.assert_allclose(raised[[0, 1, -2, -1]], [0.3, 0.1, 0.1, 0.3])
    np.testing.assert_allclose(raised.sum(), 4 * 0.4)
    assert flat(torch.tensor([torch.nan]).double())[1] == 0  # of a trajectory that diverged


@pytest.mark.parametrize("name", ["highest", "height"])
@pytest.mark.parametrize("value", [0, -1.0, np.inf])
def test_limits_are_checked(name, value):
    with pytest.raises(ValueError, match=f"{name} = {value!r}"):
        FlatHistogram(**({"highest": 3, "height": 5, "like": LIKE} | {name: value}))
