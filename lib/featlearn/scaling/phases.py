"""Phase diagrams: the exact regions of winning patterns over one or two width exponents."""

from collections import defaultdict

from . import polygons
from .architectures import check_architecture, check_scaling, exponent, read_degree, read_widths
from .diagram import Boundary, PhaseDiagram
from .envelope import candidates, lower_envelope, regions
from .patterns import read_families
from .powers import ScalingLaw


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
    degree = read_degree(degree)
    check_scaling(scaling)
    families = read_families(patterns)
    ranges = _read_ranges(architecture, vary)
    fixed = read_widths(architecture, widths)
    for name in ranges:
        if name in fixed:
            raise ValueError(f"widths has {name!r}, which is in vary: it is needed in one only")
    names, whole = tuple(ranges), polygons.box(tuple(ranges.values()))
    affine = _quantities(architecture, names, whole, fixed)
    convex = candidates(architecture, degree, scaling, families, affine, whole)
    cells = lower_envelope(convex, whole)
    ridge = ScalingLaw({architecture.layers[-1]: int(scaling == "mean-field")})
    found, pieces = regions(cells, convex, ridge, (architecture, degree, scaling, affine))
    outlines, borders = polygons.join(pieces)
    found = [region.drawn(outline) for region, outline in zip(found, outlines, strict=True)]
    boundaries = []
    for (i, j), parts in sorted(borders.items()):
        for equation, run in _by_equation(names, parts).items():
            boundaries.append(Boundary(equation, tuple(run), (found[i], found[j])))
    return PhaseDiagram(
        architecture, degree, scaling, ranges, fixed, tuple(found), tuple(boundaries)
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
