"""Cutting and joining of exact polygons."""

import random
from fractions import Fraction as F

import pytest

from featlearn.scaling import polygons

SQUARE = polygons.box([(F(0), F(2)), (F(0), F(2))])


def random_lines(seed, number=6):
    """Affine functions that vanish somewhere inside the square."""
    rng = random.Random(seed)
    lines = []
    for _ in range(number):
        slopes = F(rng.randint(-3, 3)), F(rng.choice([-2, -1, 1, 2]))
        point = F(rng.randint(1, 9), 5), F(rng.randint(1, 9), 5)
        lines.append((-polygons.value((0, *slopes), point), *slopes))
    return lines


def shattered(seed):
    cells = [SQUARE]
    for affine in random_lines(seed):
        cells = [
            p
            for c in cells
            for inside, rest in [polygons.cut(c, [affine])]
            for p in ([inside] if inside else []) + rest
        ]
    return cells


@pytest.mark.parametrize("seed", range(8))
def test_cutting_keeps_the_area(seed):
    inside, outside = polygons.cut(SQUARE, random_lines(seed))
    cells = outside + ([inside] if inside else [])
    assert sum(map(polygons.measure, cells)) == 4
    assert all(polygons.measure(c) > 0 for c in cells)
    if inside:
        for corner in inside:
            assert all(polygons.value(a, corner) >= 0 for a in random_lines(seed))


@pytest.mark.parametrize("seed", range(8))
def test_joining_keeps_the_area_and_drops_inner_edges(seed):
    cells = shattered(seed)
    assert len(cells) > 3
    (outlines,), borders = polygons.join([cells])
    assert outlines == [SQUARE] and borders == {}


@pytest.mark.parametrize("seed", range(8))
def test_groups_share_their_borders(seed):
    cells = shattered(seed)
    rng = random.Random(seed)
    groups = [[], [], []]
    for index, cell in enumerate(cells):
        groups[index if index < 3 else rng.randrange(3)].append(cell)
    outlines, borders = polygons.join(groups)
    for group, around in zip(groups, outlines, strict=True):
        assert sum(map(polygons.measure, around)) == sum(map(polygons.measure, group))
    assert borders
    for (i, j), segments in borders.items():
        assert i < j
        for a, b in segments:
            middle = tuple((x + y) / 2 for x, y in zip(a, b, strict=True))
            for k in (i, j):
                assert any(on_edge(middle, outline) for outline in outlines[k])


def on_edge(point, outline):
    for a, b in polygons.edges(outline):
        if polygons.measure((a, b, point)) == 0:
            if all(min(x, y) <= z <= max(x, y) for x, y, z in zip(a, b, point, strict=True)):
                return True
    return False


def unit(x, y):
    return polygons.box([(F(x), F(x + 1)), (F(y), F(y + 1))])


def test_a_hole_runs_clockwise():
    ring = [unit(x, y) for x in range(3) for y in range(3) if (x, y) != (1, 1)]
    (around, hole), borders = polygons.join([ring, [unit(1, 1)]])
    assert [polygons.measure(o) for o in around] == [9, -1] and hole == [unit(1, 1)]
    assert len(borders[0, 1]) == 4


def test_parts_that_touch_in_a_corner_stay_apart():
    diagonal, rest = [unit(0, 0), unit(1, 1)], [unit(1, 0), unit(0, 1)]
    (first, second), borders = polygons.join([diagonal, rest])
    assert sorted(first) == sorted(diagonal) and sorted(map(len, second)) == [4, 4]
    assert sum(map(polygons.measure, second)) == 2 and borders == {
        (0, 1): [((1, 0), (1, 2)), ((0, 1), (2, 1))]
    }


def test_segments():
    whole = polygons.box([(F(0), F(3))])
    assert polygons.measure(whole) == 3 and polygons.centre(whole) == (F(3, 2),)
    left, (right,) = polygons.cut(whole, [(F(1), F(-1))])
    assert polygons.measure(left) == 1 and polygons.measure(right) == 2
    outlines, borders = polygons.join([[left], [right]])
    assert outlines == [[((0,), (1,))], [((1,), (3,))]] and borders == {(0, 1): [(1,)]}
    outlines, borders = polygons.join([[left, right]])
    assert outlines == [[((0,), (3,))]] and borders == {}
    assert polygons.clip(whole, (F(-4), F(1))) is None


def test_lines_have_whole_coefficients():
    assert polygons.line((F(0), F(1, 2)), (F(1), F(1))) == (1, 1, -2)
    assert polygons.primitive((F(-5, 3), F(-1, 2))) == (10, 3)
