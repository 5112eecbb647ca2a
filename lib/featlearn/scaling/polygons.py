"""Convex polygons with rational corners: cutting, measuring, joining. Segments likewise.

A cell is a tuple of corners in counter-clockwise order, each a tuple of Fractions; in
one dimension it is the two ends of a segment. An affine function is a tuple
``(c0, c1, ...)`` for ``c0 + c1 x + c2 y``.
"""

from collections import defaultdict
from fractions import Fraction
from functools import cmp_to_key
from itertools import pairwise
from math import gcd, lcm


def value(affine, point):
    """Value of an affine function at a point."""
    constant, *slopes = affine
    return sum((c * x for c, x in zip(slopes, point, strict=True)), constant)


def box(ranges):
    """The cell of a rectangle or segment, from the range of each coordinate."""
    if len(ranges) == 1:
        return tuple((x,) for x in ranges[0])
    (left, right), (low, high) = ranges
    return ((left, low), (right, low), (right, high), (left, high))


def measure(cell):
    """Area of a polygon, negative if its corners run clockwise; length of a segment."""
    if len(cell[0]) == 1:
        return abs(cell[-1][0] - cell[0][0])
    return sum(_cross(a, b) for a, b in edges(cell)) / 2


def centre(cell):
    """Mean of the corners, an inner point of a convex cell."""
    return tuple(sum(x) / len(cell) for x in zip(*cell, strict=True))


def edges(corners):
    """Each corner with the next one, around the cell."""
    return [*pairwise(corners), (corners[-1], corners[0])]


def clip(cell, affine):
    """Part of a cell where an affine function is not negative, or None if it has no area."""
    values = [value(affine, corner) for corner in cell]
    if min(values) >= 0:
        return cell
    if max(values) <= 0:
        return None
    kept = []
    for (a, at_a), (b, at_b) in edges(tuple(zip(cell, values, strict=True))):
        if at_a >= 0:
            kept.append(a)
        if at_a * at_b < 0:
            share = at_a / (at_a - at_b)
            kept.append(tuple(x + share * (y - x) for x, y in zip(a, b, strict=True)))
    corners = tuple(dict.fromkeys(kept))
    return corners if len(corners) > len(cell[0]) else None


def cut(cell, affines):
    """The part of a cell where all affine functions are not negative, and the rest.

    Returns
    -------
    inside : cell or None
    outside : list of cells
        Convex and disjoint; with ``inside`` they make up the cell.
    """
    outside = []
    for affine in affines:
        beyond = clip(cell, tuple(-c for c in affine))
        inside = clip(cell, affine)
        if inside is None:
            return None, [*outside, cell]
        if beyond is not None:
            outside.append(beyond)
        cell = inside
    return cell, outside


def join(groups):
    """Outlines of unions of cells, and the borders between them.

    Parameters
    ----------
    groups : list of lists of cells
        Together they tile a rectangle or a segment.

    Returns
    -------
    outlines : list of lists of tuples
        For each group its outlines, counter-clockwise, without needless corners; a
        hole is an outline that runs clockwise.
    borders : dict of (int, int) to list of cells
        For two groups (the smaller index first) the common segments, or points.
    """
    if len(groups[0][0][0]) == 1:
        return _join_segments(groups)
    corners = {corner for cells in groups for cell in cells for corner in cell}
    owner = {}
    for index, cells in enumerate(groups):
        for cell in cells:
            for a, b in edges(cell):
                stops = _between(a, b, corners)
                owner.update(((p, q), index) for p, q in pairwise(stops))
    outlines, borders = [[] for _ in groups], defaultdict(list)
    for (a, b), index in owner.items():
        other = owner.get((b, a))
        if other != index:
            outlines[index].append((a, b))
        if other is not None and index < other:
            borders[index, other].append((a, b))
    joined = {pair: _straightened(segments) for pair, segments in borders.items()}
    return [_loops(around) for around in outlines], joined


def line(a, b):
    """Whole numbers (c0, c1, c2) without common factor: c0 + c1 x + c2 y = 0 through a and b."""
    slopes = b[1] - a[1], a[0] - b[0]
    return primitive((-(slopes[0] * a[0] + slopes[1] * a[1]), *slopes))


def primitive(affine):
    """The same zeros with whole coefficients, no common factor, and a positive first slope."""
    scale = lcm(*(Fraction(c).denominator for c in affine))
    whole = [int(c * scale) for c in affine]
    sign = 1 if next(c for c in whole[1:] if c) > 0 else -1
    return tuple(sign * c // gcd(*whole) for c in whole)


def _cross(a, b):
    return a[0] * b[1] - a[1] * b[0]


def _minus(a, b):
    return a[0] - b[0], a[1] - b[1]


def _between(a, b, points):
    """The points on the segment from a to b, in order."""
    along = _minus(b, a)
    length = along[0] ** 2 + along[1] ** 2
    found = []
    for p in points:
        offset = _minus(p, a)
        if _cross(along, offset) == 0:
            share = along[0] * offset[0] + along[1] * offset[1]
            if 0 <= share <= length:
                found.append((share, p))
    return [p for _, p in sorted(found)]


def _loops(borders):
    """Closed outlines from directed edges."""
    following = defaultdict(list)
    for a, b in borders:
        following[a].append(b)
    loops = []
    while following:
        start = min(following)
        loop, here = [start], following[start][0]
        _take(following, start, here)
        while here != start:
            loop.append(here)
            ahead = _leftmost(loop[-2], here, following[here])
            _take(following, here, ahead)
            here = ahead
        loops.append(_without_straight_corners(loop))
    return loops


def _take(following, a, b):
    following[a].remove(b)
    if not following[a]:
        del following[a]


def _leftmost(before, here, choices):
    """Where two outlines touch, the one that keeps the touching parts apart."""
    came = _minus(here, before)

    def compare(p, q):
        p, q = _minus(p, here), _minus(q, here)
        sides = _sign(_cross(came, p)) - _sign(_cross(came, q))
        return sides or _sign(_cross(q, p))

    return max(choices, key=cmp_to_key(compare))


def _sign(x):
    return (x > 0) - (x < 0)


def _without_straight_corners(loop):
    sides = edges(loop)
    meeting = zip(sides[-1:] + sides[:-1], sides, strict=True)
    return tuple(b for (a, b), (_, c) in meeting if _cross(_minus(b, a), _minus(c, b)) != 0)


def _straightened(segments):
    """Segments joined where they continue each other in a straight line."""
    by_line = defaultdict(list)
    for a, b in segments:
        by_line[line(a, b)].append((min(a, b), max(a, b)))
    joined = []
    for parts in by_line.values():
        (start, stop), *others = sorted(parts)
        for low, high in others:
            if low != stop:
                joined.append((start, stop))
                start = low
            stop = high
        joined.append((start, stop))
    return joined


def _join_segments(groups):
    """As :func:`join`, in one dimension."""
    ends = sorted((min(cell), max(cell), i) for i, cells in enumerate(groups) for cell in cells)
    outlines, borders = [[] for _ in groups], defaultdict(list)
    start, stop, index = ends[0]
    for low, high, other in ends[1:]:
        if other != index:
            outlines[index].append((start, stop))
            borders[min(index, other), max(index, other)].append(low)
            start, index = low, other
        stop = high
    outlines[index].append((start, stop))
    return outlines, dict(borders)
