"""The table of gradients a trajectory takes."""

import pytest
from benchmarks.integrators import INTEGRATORS, by_size, gradients_needed, measure


def test_a_small_network_end_to_end():
    rows = measure([(6, [5], 12, 1, 4, 20, 3)])
    assert len(rows) == 13 and all(0 <= row["acceptance"] <= 1 for row in rows)
    (mine,) = by_size(rows).values()
    for name in INTEGRATORS:
        gradients = [row["gradients"] for row in mine if row["integrator"] == name]
        assert gradients == [8, 12, 16, 20, 24, 32] or gradients == [6, 8, 10, 12, 14, 16, 20]


def test_the_gradients_for_an_acceptance_are_interpolated():
    rows = [
        dict(integrator="leapfrog", gradients=g, acceptance=a)
        for g, a in ((8, 0.25), (12, 0.65), (16, 0.85))
    ]
    assert gradients_needed(rows, "leapfrog") == pytest.approx(14)
    assert gradients_needed(rows[:2], "leapfrog") is None
