r"""The least energy over a region of width exponents: exact pieces and who wins on each.

A pattern that reaches every condition by a chosen route has as energy the largest of
finitely many power laws, hence an exponent that is convex and piecewise linear in the
exponents of the widths. The least energy is the lower envelope of these functions. It
is built one function at a time: where a new one lies below, its cells are cut and
replaced. Routes that bypass a layer that learns are left out, since there the layer is
idle.
"""

from collections import defaultdict
from fractions import Fraction
from functools import cache
from itertools import product
from operator import le

from . import polygons
from .diagram import Region
from .energy import Frame, Network, all_patterns
from .patterns import GP, Pattern, without_idle
from .scale import Monomial
from .solution import simplicity


def candidates(architecture, degree, scaling, families, affine, whole):
    """Convex energies and the patterns that have them.

    Returns
    -------
    dict of frozenset of affine functions to dict of Pattern to dict
        The energy's exponent is the largest of the functions. For each pattern: the
        simplest power law behind each function, with its marks.
    """
    found = defaultdict(dict)
    for pattern, energies in pattern_energies(
        architecture, degree, scaling, families, affine, whole
    ):
        learning = {i for i, layer in enumerate(pattern, 1) if not isinstance(layer, GP)}
        for functions, (laws, used) in energies.items():
            if learning <= used:
                found[functions][pattern] = laws
    return found


def pattern_energies(architecture, degree, scaling, families, affine, whole):
    """The energy of each pattern: the least, over the choices of routes, of convex functions.

    Yields
    ------
    (Pattern, dict of frozenset of affine functions to pair)
        The pair has the power laws by function and the marks that the routes used.
    """
    frame = Frame(architecture.names)
    network = Network(architecture, degree, scaling, frame)
    read = _reader(frame, affine, whole)
    for pattern in map(Pattern, all_patterns(architecture, degree, families)):
        _, conditions = network.climb(pattern)
        energies = {}
        for routes in product(*(condition.routes for condition in conditions)):
            terms = [term for route in routes for term in route]
            used = set().union(*(term.marks for term in terms))
            laws = _largest_laws(terms, read)
            energies.setdefault(frozenset(laws), (laws, used))
        yield pattern, energies


def _largest_laws(terms, read):
    """The power laws whose maximum is the energy, by their affine functions."""
    laws, at_corners = {}, {}
    for term in dict.fromkeys(terms):
        law, function, values = read(term)
        known = laws.get(function)
        if known is None or simplicity(law, term.marks) < simplicity(*known):
            laws[function], at_corners[function] = (law, term.marks), values
    return {
        f: laws[f]
        for f, mine in at_corners.items()
        if not any(f != g and all(map(le, mine, other)) for g, other in at_corners.items())
    }


def _reader(frame, affine, whole):
    """Turns a monomial into its root's power law, affine function and values at corners."""

    @cache
    def read(powers):
        law = frame.law(Monomial(powers).root())
        columns = [[p * c for c in affine[n]] for n, p in law.powers.items()]
        function = tuple(map(sum, zip(*columns, strict=True)))
        function = function or (Fraction(0),) * (len(whole[0]) + 1)
        return law, function, [polygons.value(function, corner) for corner in whole]

    return lambda term: read(term.powers)


def lower_envelope(candidates, whole):
    """Cells on which the least energy is affine, with the candidates that reach it.

    Returns
    -------
    list of (cell, affine function, list of candidates)
    """
    middle = polygons.centre(whole)
    order = sorted(
        candidates, key=lambda functions: max(polygons.value(f, middle) for f in functions)
    )
    cells = [(cell, f, [order[0]]) for cell, f in _by_largest(whole, order[0])]
    for functions in order[1:]:
        cells = [new for cell in cells for new in _lowered(cell, functions)]
    return cells


def _lowered(part, functions):
    """A cell of the envelope after one more convex function."""
    cell, least, reached_by = part
    others = [f for f in functions if f != least]
    below = [_difference(least, f) for f in others]
    for affine in below:  # most often one of them lies above on the whole cell
        if all(polygons.value(affine, corner) <= 0 for corner in cell):
            return [part]
    inside, outside = polygons.cut(cell, below)
    if inside is None:
        return [part]
    rest = [(piece, least, reached_by) for piece in outside]
    if len(others) < len(functions):  # equal to the least so far
        return [*rest, (inside, least, [*reached_by, functions])]
    return [*rest, *((piece, f, [functions]) for piece, f in _by_largest(inside, functions))]


def _by_largest(cell, functions):
    """Parts of a cell where each function is the largest."""
    for f in functions:
        piece, _ = polygons.cut(cell, [_difference(f, g) for g in functions if g != f])
        if piece is not None:
            yield piece, f


def _difference(f, g):
    return tuple(a - b for a, b in zip(f, g, strict=True))


def regions(cells, candidates, ridge, problem):
    """Cells gathered by winners and energy: regions without outlines, and their cells.

    ``problem`` is the architecture, degree, scaling and affine exponents of all quantities.
    """
    gathered, laws = defaultdict(list), {}
    for cell, function, reached_by in cells:
        patterns = {pattern for functions in reached_by for pattern in candidates[functions]}
        winners = without_idle(patterns)
        gathered[winners, function].append(cell)
        known = [
            candidates[functions][winners[0]][function]
            for functions in reached_by
            if winners[0] in candidates[functions]
        ]
        known += [laws[winners, function]] if (winners, function) in laws else []
        laws[winners, function] = min(known, key=lambda law: simplicity(*law))
    keys = sorted(gathered, key=lambda key: (-sum(map(polygons.measure, gathered[key])), str(key)))
    regions = [
        Region(winners, laws[winners, f][0], ridge, f, tuple(gathered[winners, f]), problem)
        for winners, f in keys
    ]
    return regions, [gathered[key] for key in keys]
