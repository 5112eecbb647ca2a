"""Ties: every pattern that wins at nearby widths wins at the point itself, at any depth."""

import random
from fractions import Fraction as F
from itertools import product

import pytest

from featlearn.scaling import CNN, FCN, cones, predict


def names(prediction):
    return {str(row.pattern) for row in prediction.table() if row.verdict == "wins"}


def test_a_winner_of_a_thin_region_at_depth_five():
    def at(*widths):
        return predict(FCN(5), 3, dict(zip(FCN(5).widths, widths, strict=True)))

    thin = at("24/25", "47/50", "99/100", "47/50")
    assert "GFL–GFL–Specialization–GFL" in map(str, thin.winners)
    ties = at(1, 1, 1, 1)
    assert names(thin) <= names(ties)
    assert len(ties.winners) == 76


def shifted(architecture, point, change):
    moved = {n: x + F(change[n], 10**4) for n, x in point.items()}
    return moved if min(moved.values()) >= 0 else None


CORNERS = [
    (FCN(2), {"N": 5}),
    (FCN(3), {"N1": 1, "N2": 1}),
    (FCN(3), {"N1": 5, "N2": 5}),
    (FCN(3), {"N1": "1/2", "N2": "1/2"}),
    (FCN(3), {"N1": 0, "N2": 1}),
    (FCN(4), {"N1": 1, "N2": 1, "N3": 1}),
    (FCN(4), {"N1": 1, "N2": "1/3", "N3": 1}),
    (CNN(), {"S": "1/2", "Nw": "1/2", "N": "1/2"}),
    (CNN(), {"S": 0, "Nw": 1, "N": 0}),
]


@pytest.mark.parametrize("architecture, widths", CORNERS)
def test_winners_at_random_points_nearby_win_at_the_corner(architecture, widths):
    point = {n: F(x) for n, x in widths.items()}
    rng = random.Random(7)
    corner, seen = names(predict(architecture, 3, point)), set()
    for _ in range(60 if len(point) < 3 else 120):
        change = {n: rng.choice([rng.randint(-60, 60), rng.randint(-9, 9)]) for n in point}
        if "S" in change:
            change["Nw"] = -change["S"]
        moved = shifted(architecture, point, change)
        if moved is not None:
            seen |= names(predict(architecture, 3, moved))
    assert seen <= corner
    # Two free widths are few enough for random directions to find most of the winners.
    assert len(seen) >= 0.8 * len(corner) or len(architecture.free) > 2


@pytest.mark.parametrize("depth, expected", [(3, 6), (4, 23)])
def test_every_winner_at_the_corner_is_needed_at_some_point_nearby(depth, expected):
    """Against a fine grid of directions: one of them needs each winner of the corner."""
    architecture = FCN(depth)
    corner = names(predict(architecture, 3, dict.fromkeys(architecture.widths, 1)))
    assert len(corner) == expected
    steps = {3: range(-4, 5), 4: range(-2, 3)}[depth]
    missing = set(corner)
    for change in product(steps, repeat=depth - 1):
        moved = {n: 1 + F(x, 1000) for n, x in zip(architecture.widths, change, strict=True)}
        missing -= names(predict(architecture, 3, moved)) if any(change) else set()
    assert not missing


def inside(forms, direction):
    return all(sum(map(int.__mul__, form, direction)) >= 0 for form in forms)


@pytest.mark.parametrize("seed", range(20))
def test_cones_have_just_the_directions_that_satisfy_the_cuts(seed):
    rng = random.Random(seed)
    size = rng.choice([2, 3, 4])
    forms = [tuple(rng.randint(-3, 3) for _ in range(size)) for _ in range(rng.randint(1, 6))]
    cone = cones.whole(size)
    for bit, form in enumerate(forms, size + 1):
        cone = cones.cut(cone, cones.on_pointed(form), bit)
    rays = [tuple(x - ray[-1] for x in ray[:-1]) for ray, _ in cone]
    assert all(inside(forms, ray) for ray in rays)
    # Two cones are one if no form separates a direction of either from the other.
    directions = [tuple(rng.randint(-4, 4) for _ in range(size)) for _ in range(300)]
    for direction in directions:
        if inside(forms, direction):
            for _ in range(20):
                form = tuple(rng.randint(-3, 3) for _ in range(size))
                if all(sum(map(int.__mul__, form, ray)) >= 0 for ray in rays):
                    assert sum(map(int.__mul__, form, direction)) >= 0
