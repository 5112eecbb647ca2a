"""Laws of a statistic, exchanges between them, and where the rungs of a ladder stand."""

import numpy as np
import pytest
import torch

from featlearn.inference.laws import (
    POSTERIOR,
    DataScales,
    Restraints,
    Rungs,
    even_scales,
    restraints,
)
from tests.inference.cases import THRESHOLD, generator


def test_a_restraint_is_the_mean_over_the_readout():
    """-log of E exp(-stiffness (A - c)^2 / 2) over A ~ N(0, V), by quadrature."""
    ladder = Restraints(np.array([0.0, 0.3, 0.7]), np.array([0.0, 5.0, 200.0]))
    V = torch.tensor([[0.02], [0.5]], dtype=torch.float64)
    found = ladder.energy(V).numpy()
    a = np.linspace(-8, 8, 40_001)
    for i, v in enumerate((0.02, 0.5)):
        x = a * np.sqrt(v)
        weight = np.exp(-(a**2) / 2) / np.sqrt(2 * np.pi) * (a[1] - a[0])
        for k in range(3):
            exact = weight @ np.exp(-ladder.stiffness[k] / 2 * (x - ladder.centre[k]) ** 2)
            assert found[i, k] == pytest.approx(-np.log(exact), rel=1e-6, abs=1e-9)


LADDERS = [
    Restraints(np.array([0.0, 0.3, 0.7]), np.array([0.0, 5.0, 200.0])),
    DataScales(np.array([0.0, 0.3, 1.0])),
]


@pytest.mark.parametrize("ladder", LADDERS)
def test_slopes_are_the_energies_derivatives(ladder):
    leaf = torch.tensor([[0.02], [0.5]], dtype=torch.float64, requires_grad=True)
    wide = leaf.expand(2, 3)
    (slope,) = torch.autograd.grad(ladder.energy(wide).sum(), leaf)
    torch.testing.assert_close(slope[:, 0], ladder.slope(wide.detach()).sum(1))
    flat = wide.detach().flatten().requires_grad_(True)
    rungs = Rungs(ladder)
    (slope,) = torch.autograd.grad(rungs.energy(flat).sum(), flat)
    torch.testing.assert_close(slope, rungs.slope(flat.detach()))


@pytest.mark.parametrize("ladder", LADDERS)
def test_chains_stand_in_the_order_ladder_rung(ladder):
    s = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], dtype=torch.float64)
    energy = Rungs(ladder).energy(s)
    assert len(ladder) == 3
    for chain in range(6):
        alone = ladder.energy(s[chain].reshape(1, 1))[0, chain % 3]
        assert float(energy[chain]) == pytest.approx(float(alone))


def test_the_posterior_is_a_ladder_of_one_rung():
    s = torch.tensor([1.0, 2.0, 3.0])
    assert torch.equal(Rungs(POSTERIOR).energy(s), s)
    assert torch.equal(Rungs(POSTERIOR).slope(s), torch.ones(3))


def test_exchanges_obey_detailed_balance():
    """Two rungs whose states are redrawn exactly: acceptance must be that of the ratio."""
    law = Rungs(DataScales(np.array([0.0, 1.0])))
    g = generator()
    s = torch.tensor([[0.2, 1.0]], dtype=torch.float64).repeat(40_000, 1)
    # rung 1 takes the smaller energy: always accepted
    _, acceptance, swapped = law.exchange(s.flatten(), 0, g)
    assert swapped[:, 0].all() and (acceptance[:, 0] == 1).all()
    order, acceptance, swapped = law.exchange(s.flip(1).flatten(), 0, g)
    expected = np.exp(-0.8)
    share = float(swapped[:, 0].mean())
    assert abs(share - expected) < THRESHOLD * np.sqrt(expected * (1 - expected) / 40_000)
    torch.testing.assert_close(acceptance[:, 0], torch.full((40_000,), expected).double())
    own = torch.arange(80_000).reshape(-1, 2)
    order, taken = order.reshape(-1, 2), swapped[:, 0] > 0
    assert torch.equal(order[taken], own[taken].flip(1))
    assert torch.equal(order[~taken], own[~taken])
    assert not swapped[:, 1].any() and not acceptance[:, 1].any()
    order, acceptance, swapped = law.exchange(s.flatten(), 1, g)
    assert not swapped.any() and not acceptance.any() and torch.equal(order, own.flatten())


@pytest.mark.parametrize("ladder", LADDERS)
@pytest.mark.parametrize("parity", [0, 1])
def test_exchanges_of_a_long_ladder(ladder, parity):
    """Probability exp of what the two laws' energies lose, for the pairs of one parity."""
    energy = [
        lambda s, k=k: float(ladder.energy(torch.tensor([[s]]).double())[0, k]) for k in range(3)
    ]
    R = 30_000
    s = torch.tensor([0.1, 0.7, 1.5], dtype=torch.float64)
    if parity:
        s = s.flip(0)
    order, acceptance, swapped = Rungs(ladder).exchange(s.repeat(R), parity, generator(parity))
    a, b = parity, parity + 1
    gain = energy[a](float(s[a])) + energy[b](float(s[b]))
    gain -= energy[a](float(s[b])) + energy[b](float(s[a]))
    expected = min(1.0, np.exp(gain))
    torch.testing.assert_close(acceptance[:, a], torch.full((R,), expected).double())
    error = np.sqrt(expected * (1 - expected) / R)
    assert abs(float(swapped[:, a].mean()) - expected) <= THRESHOLD * error
    others = [k for k in range(3) if k != a]
    assert not acceptance[:, others].any() and not swapped[:, others].any()
    taken = swapped[:, a] > 0
    moved = order.reshape(R, 3) - 3 * torch.arange(R)[:, None]
    assert torch.equal(moved[:, a], torch.where(taken, b, a))
    assert torch.equal(moved[:, b], torch.where(taken, a, b))


def test_an_exchange_keeps_the_joint_law_of_the_rungs():
    """States drawn from their rungs' laws, on three energies, stay so."""
    ladder, R = DataScales(np.array([0.0, 0.5, 1.5])), 60_000
    levels = np.array([0.0, 1.0, 3.0])
    rng = np.random.default_rng(0)
    p = np.exp(-ladder.scale[:, None] * levels)
    p /= p.sum(1, keepdims=True)
    s, g = torch.tensor(levels[np.stack([rng.choice(3, R, p=row) for row in p], 1)]), generator()
    for parity in (0, 1, 0):
        order, _, _ = Rungs(ladder).exchange(s.flatten(), parity, g)
        s = s.flatten()[order].reshape(R, 3)
    for k in range(3):
        for level, expected in zip(levels, p[k], strict=True):
            share = float((s[:, k] == level).double().mean())
            assert abs(share - expected) < THRESHOLD * np.sqrt(expected * (1 - expected) / R)


@pytest.mark.parametrize("power", [0.3, 1.0, 3.0])
def test_scales_of_a_known_barrier_even_out(power):
    """Rejections add up to the barrier 2.4 b^power; spaced anew, all are 0.3."""

    def rejection(scale):
        return np.diff(2.4 * scale**power)

    scale = np.linspace(0, 1, 9)
    if power == 0.3:
        assert rejection(scale)[0] > 1  # no rejection rate exceeds one
    for _ in range(12):
        scale = even_scales(scale, np.minimum(rejection(scale), 1))
        assert scale[0] == 0 and scale[-1] == 1 and (np.diff(scale) > 0).all()
    np.testing.assert_allclose(rejection(scale), 0.3, rtol=0.03)


def test_even_scales_by_hand():
    """A pair that rejects 59 per cent and one that never does, split in equal parts."""
    found = even_scales([0.0, 0.5, 1.0], [0.59, 0.0])
    assert found == pytest.approx([0, 0.5 * 0.305 / 0.6, 1])  # each pair counts 0.01 more
    assert even_scales([0.1, 0.3, 0.9], [0.2, 0.2]) == pytest.approx([0.1, 0.3, 0.9])
    assert even_scales([0.0, 1.0], [1.0]).tolist() == [0, 1]
    assert even_scales([0, 0.2, 0.4, 1], [0, 0, 0]) == pytest.approx([0, 0.2, 0.4, 1])


def test_windows_from_the_prior_to_an_alignment():
    ladder = restraints(2.0, 5, sharpness=9.0)
    assert ladder.centre.tolist() == pytest.approx([0, 2 / 16, 8 / 16, 18 / 16, 2])
    assert ladder.stiffness[0] == 0
    width = ladder.stiffness[1:] ** -0.5
    assert width == pytest.approx(np.diff(ladder.centre) / 3)


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: restraints(0, 5), "alpha = 0"),
        (lambda: restraints(np.inf, 5), "alpha = inf"),
        (lambda: restraints(1.0, 2), "windows = 2"),
        (lambda: restraints(1.0, 3.5), "windows = 3.5"),
        (lambda: even_scales([0.0], []), "scale = "),
        (lambda: even_scales([0.0, 0.0, 1.0], [0.1, 0.1]), "scale = "),
        (lambda: even_scales([[0.0, 1.0]], [0.1]), "scale = "),
        (lambda: even_scales([0.0, 1.0], [0.1, 0.1]), "rejection = .*: 1 shares"),
        (lambda: even_scales([0.0, 1.0], [1.1]), "rejection = "),
        (lambda: even_scales([0.0, 1.0], [-0.1]), "rejection = "),
        (lambda: even_scales([0.0, 1.0], [np.nan]), "rejection = "),
    ],
)
def test_bad_ladders_are_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()
