r"""Phase diagrams: the exact regions of winning patterns over one or two width exponents.

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
from .architectures import check_architecture, check_degree, check_scaling, exponent, read_widths
from .diagram import Boundary, PhaseDiagram, Region
from .energy import Frame, Network, all_patterns
from .patterns import GP, Pattern, read_families, without_idle
from .powers import ScalingLaw
from .scale import Monomial
from .solution import simplicity


def phase_diagram(
    architecture, degree=3, vary=None, widths=None, *, scaling="standard", patterns=None
):
    """Which patterns win, and with what energy, over ranges of one or two width exponents.

    Parameters
    ----------
    architecture : Architecture
    degree : int
        Odd degree of the target.
    vary : dict of str to pair of exponents
        One or two widths and the ranges of their exponents, like ``{"N": (0, 6)}``.
    widths : dict of str to exponent, optional
        The other widths.
    scaling, patterns
        As in :func:`~featlearn.scaling.prediction.predict`.

    Returns
    -------
    PhaseDiagram

    Raises
    ------
    ValueError
        As :func:`~featlearn.scaling.prediction.predict`, or if ``vary`` has not one or two widths
        of the architecture with increasing ranges, or shares a width with ``widths``.

    Examples
    --------
    >>> from featlearn.scaling import FCN
    >>> phase_diagram(FCN(depth=2), degree=3, vary={"N": ("1/2", 6)})
    FCN(depth=2), degree 3, standard scaling; N from sqrt(d) to d^6
    Specialization(1): energy sqrt(d*N); from d to d^5
    GP: energy d^3; from d^5 to d^6
    Specialization(1): energy d; from sqrt(d) to d
    boundaries: N = d^5; N = d
    """
    check_architecture(architecture)
    check_degree(degree)
    check_scaling(scaling)
    families = read_families(patterns)
    ranges = _read_ranges(architecture, vary)
    fixed = read_widths(architecture, widths)
    for name in ranges:
        if name in fixed:
            raise ValueError(f"widths has {name!r}, which is in vary: it is needed in one only")
    names, whole = tuple(ranges), polygons.box(tuple(ranges.values()))
    affine = _quantities(architecture, names, whole, fixed)
    candidates = _candidates(architecture, degree, scaling, families, affine, whole)
    cells = _lower_envelope(candidates, whole)
    ridge = ScalingLaw({architecture.layers[-1]: int(scaling == "mean-field")})
    regions, pieces = _regions(cells, candidates, ridge)
    outlines, borders = polygons.join(pieces)
    regions = [region.drawn(outline) for region, outline in zip(regions, outlines, strict=True)]
    boundaries = []
    for (i, j), parts in sorted(borders.items()):
        for equation, run in _by_equation(names, parts).items():
            boundaries.append(Boundary(equation, tuple(run), (regions[i], regions[j])))
    return PhaseDiagram(
        architecture, degree, scaling, ranges, fixed, tuple(regions), tuple(boundaries)
    )


def _read_ranges(architecture, vary):
    if not hasattr(vary, "items") or not 1 <= len(vary) <= 2:
        raise ValueError(
            f"vary = {vary!r}: a dict from one or two of {', '.join(architecture.widths)} "
            "to a pair of exponents is needed"
        )
    ranges = {}
    for name, ends in vary.items():
        if name not in architecture.widths:
            raise ValueError(
                f"vary has {name!r}: {architecture!r} has {', '.join(architecture.widths)}"
            )
        if not isinstance(ends, (tuple, list)) or len(ends) != 2:
            raise ValueError(f"vary[{name!r}] = {ends!r}: a pair of exponents is needed")
        low, high = (exponent(end, f"vary[{name!r}]") for end in ends)
        if not low < high:
            raise ValueError(f"vary[{name!r}] = {ends!r}: the second must exceed the first")
        ranges[name] = (low, high)
    return ranges


def _quantities(architecture, names, whole, fixed):
    """Each quantity's exponent as an affine function of the coordinates.

    The architecture completes the exponents affinely, so its corners fix the function;
    all of them are checked.
    """
    corners = [architecture.complete({**fixed, **dict(zip(names, c, strict=True))}) for c in whole]
    moves = [1, -1][: len(names)]  # corners that differ from the first in one coordinate
    affine = {}
    for quantity, start in corners[0].items():
        slopes = [
            (corners[move][quantity] - start) / (whole[move][i] - whole[0][i])
            for i, move in enumerate(moves)
        ]
        affine[quantity] = (start - polygons.value((0, *slopes), whole[0]), *slopes)
    return affine


def _candidates(architecture, degree, scaling, families, affine, whole):
    """Convex energies and the patterns that have them.

    Returns
    -------
    dict of frozenset of affine functions to dict of Pattern to dict
        The energy's exponent is the largest of the functions. For each pattern: the
        simplest power law behind each function, with its marks.
    """
    frame = Frame(architecture.names)
    network = Network(architecture, degree, scaling, frame)
    found, read = defaultdict(dict), _reader(frame, affine, whole)
    for pattern in map(Pattern, all_patterns(architecture, degree, families)):
        learning = {i for i, layer in enumerate(pattern, 1) if not isinstance(layer, GP)}
        _, conditions = network.climb(pattern)
        energies = {}
        for routes in product(*(condition.routes for condition in conditions)):
            terms = [term for route in routes for term in route]
            used = set().union(*(term.marks for term in terms))
            laws = _largest_laws(terms, read)
            energies.setdefault(frozenset(laws), (laws, learning <= used))
        for functions, (laws, every_layer_used) in energies.items():
            if every_layer_used:
                found[functions][pattern] = laws
    return found


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


def _lower_envelope(candidates, whole):
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


def _regions(cells, candidates, ridge):
    """Cells gathered by winners and energy: regions without outlines, and their cells."""
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
        Region(winners, laws[winners, f][0], ridge, f, tuple(gathered[winners, f]))
        for winners, f in keys
    ]
    return regions, [gathered[key] for key in keys]


def _by_equation(names, parts):
    """Segments or points of a border, gathered by the equation they satisfy."""
    gathered = defaultdict(list)
    for part in parts:
        line = polygons.line(*part) if len(names) == 2 else polygons.primitive((-part[0], 1))
        gathered[_equation(names, line)].append(part)
    return gathered


def _equation(names, line):
    """``N1**2 = d*N2`` from the line c0 + c1 x + c2 y = 0 in the exponents."""
    constant, *slopes = line
    powers = dict(zip(names, slopes, strict=True))
    left = ScalingLaw({n: p for n, p in powers.items() if p > 0})
    right = ScalingLaw({"d": -constant, **{n: -p for n, p in powers.items() if p < 0}})
    if len(left.powers) == 1:  # N**2 = d**3 reads better as N = d**(3/2)
        ((name, power),) = left.powers.items()
        if len(right.powers) <= 1 and name != "d" and not set(right.powers) - {"d"}:
            left, right = left ** (1 / power), right ** (1 / power)
    if right.powers.get("d", 0) < 0:
        shift = ScalingLaw({"d": -right.powers["d"]})
        left, right = shift * left, right * shift
    return left, right
