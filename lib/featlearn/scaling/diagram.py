"""What a phase diagram consists of: regions with exact corners, and their boundaries."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import sympy as sp

from . import polygons
from .architectures import exponent
from .powers import ScalingLaw
from .solution import Solution


@dataclass(frozen=True)
class Region:
    """Where the same patterns win with the same energy.

    Attributes
    ----------
    winners : tuple of Pattern
        Simplest first.
    law : ScalingLaw
        The energy of the first winner.
    ridge : ScalingLaw
        What the ridge is divided by: one, or the last width in mean-field scaling.
    function : tuple of Fraction
        The energy's exponent, ``c0 + c1 x (+ c2 y)`` in the varied exponents.
    cells : tuple of cells
        Convex pieces that make up the region.
    problem : tuple
        Architecture, degree, scaling, and each quantity's exponent as an affine function.
    outlines : tuple of tuples of points
        Its outlines, counter-clockwise; a clockwise one is a hole. Points are tuples of
        Fractions. In one dimension: its segments.
    """

    winners: tuple
    law: ScalingLaw
    ridge: ScalingLaw
    function: tuple
    cells: tuple = field(repr=False)
    problem: tuple = field(repr=False, compare=False)
    outlines: tuple = field(default=(), repr=False)

    def drawn(self, outlines):
        """The same region with its outlines."""
        return replace(self, outlines=tuple(outlines))

    @property
    def energy(self):
        """The energy as a sympy expression in positive symbols."""
        return self.law.sympy()

    @property
    def samples(self):
        """The sample size over the ridge, as a sympy expression."""
        return (self.law / self.ridge).sympy()

    @cached_property
    def area(self):
        """Area in the plane of exponents (length in one dimension), a Fraction."""
        return sum(map(polygons.measure, self.cells))

    @cached_property
    def narrow(self):
        """Layers too narrow for the rules, somewhere in the region, such as ``N1*e1(1)``.

        Of the first winner (:attr:`~featlearn.scaling.solution.Solution.narrow`), looked for
        in the middle of each cell and inside its corners, where a power law is least.
        """
        architecture, degree, scaling, affine = self.problem
        found = {}
        for cell in self.cells:
            middle = polygons.centre(cell)
            for end in (middle, *cell):
                point = [(999 * x + y) / 1000 for x, y in zip(end, middle, strict=True)]
                exponents = {name: polygons.value(f, point) for name, f in affine.items()}
                solution = Solution(architecture, self.winners[0], degree, exponents, scaling)
                found.update(solution.narrow)
        return tuple(sorted(found))

    def __contains__(self, point):
        return any(_covers(cell, point) for cell in self.cells)

    def names(self):
        """The winners' names in one line."""
        return ", ".join(map(repr, self.winners))

    def warning(self, quote=""):
        """Which layers are too narrow for the rules, as text; empty if none is."""
        if not self.narrow:
            return ""
        return "too narrow in part: " + ", ".join(f"{quote}{x} < 1{quote}" for x in self.narrow)


@dataclass(frozen=True)
class Boundary:
    """A straight border between two regions.

    Attributes
    ----------
    sides : pair of ScalingLaw
        Equal on the boundary.
    parts : tuple
        Segments (pairs of points), or points in one dimension.
    regions : pair of Region
    """

    sides: tuple
    parts: tuple
    regions: tuple = field(repr=False)

    @property
    def equation(self):
        """As a sympy equation."""
        return sp.Eq(*(side.sympy() for side in self.sides))

    def __str__(self):
        return " = ".join(map(str, self.sides))

    def latex(self):
        """As LaTeX without dollar signs."""
        return " = ".join(side.latex() for side in self.sides)


class PhaseDiagram:
    """Regions that tile the box of varied exponents, largest first, and their boundaries.

    Attributes
    ----------
    ranges : dict of str to pair of Fraction
        The varied widths; the first is the horizontal coordinate.
    regions : tuple of Region
    boundaries : tuple of Boundary
    """

    def __init__(self, architecture, degree, scaling, ranges, fixed, regions, boundaries):
        self.architecture, self.degree, self.scaling = architecture, degree, scaling
        self.ranges, self.fixed = ranges, fixed
        self.regions, self.boundaries = regions, boundaries

    def at(self, *point):
        """The regions that contain a point, more than one if it lies on a boundary.

        Parameters
        ----------
        *point : int, Fraction or str
            One exponent for each varied width, in their order.

        Returns
        -------
        tuple of Region

        Raises
        ------
        ValueError
            If their number is wrong, or one is inexact or outside of its range.
        """
        if len(point) != len(self.ranges):
            raise ValueError(
                f"point = {point!r}: one exponent for each of {', '.join(self.ranges)} is needed"
            )
        exact = []
        for x, (name, (low, high)) in zip(point, self.ranges.items(), strict=True):
            exact.append(exponent(x, f"point[{name!r}]"))
            if not low <= exact[-1] <= high:
                raise ValueError(f"point[{name!r}] = {x!r}: from {low} to {high} is allowed")
        return tuple(region for region in self.regions if tuple(exact) in region)

    def title(self, show=str):
        """Architecture, degree, fixed widths and scaling in one line; ``show`` writes laws."""
        fixed = [f"{n} = {show(ScalingLaw({'d': p}))}" for n, p in self.fixed.items()]
        parts = [repr(self.architecture), f"degree {self.degree}", *fixed]
        return ", ".join([*parts, f"{self.scaling} scaling"])

    def plot(self, ax=None):
        """Draw the regions with their energies.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            A new figure's if omitted.

        Returns
        -------
        matplotlib.axes.Axes
        """
        from .drawing import draw  # needs matplotlib, which the rest does without

        return draw(self, ax)

    def __repr__(self):
        box = ", ".join(f"{n} from {_d(a)} to {_d(b)}" for n, (a, b) in self.ranges.items())
        lines = [f"{self.title()}; {box}"]
        for region in self.regions:
            parts = [f"{region.names()}: energy {region.law}", _extent(region), region.warning()]
            lines.append("; ".join(filter(None, parts)))
        if self.boundaries:
            texts = dict.fromkeys(map(str, self.boundaries))
            lines.append("boundaries: " + "; ".join(texts))
        return "\n".join(lines)

    def _repr_markdown_(self):
        lines = [
            self.title(lambda law: f"${law.latex()}$"),
            "",
            r"| winners | energy | $P_*/\kappa$ | where (exponents of d) |",
            "| --- | --- | --- | --- |",
        ]
        for region in self.regions:
            samples = (region.law / region.ridge).latex()
            lines.append(
                f"| {region.names()} | ${region.law.latex()}$ | ${samples}$ | "
                f"{'; '.join(filter(None, [_extent(region), region.warning('`')]))} |"
            )
        equations = dict.fromkeys(f"${boundary.latex()}$" for boundary in self.boundaries)
        if equations:
            lines += ["", "Boundaries: " + ", ".join(equations) + "."]
        return "\n".join(lines)


def _covers(cell, point):
    if len(cell[0]) == 1:
        return min(cell) <= tuple(point) <= max(cell)
    corner = tuple(point)
    return all(polygons.measure((a, b, corner)) >= 0 for a, b in polygons.edges(cell))


def _extent(region):
    """Its outlines in words."""
    texts = []
    for outline in region.outlines:
        if len(outline[0]) == 1:
            texts.append(f"from {_d(outline[0][0])} to {_d(outline[1][0])}")
        else:
            texts.append(" ".join(f"({', '.join(map(str, corner))})" for corner in outline))
    return " and ".join(texts)


def _d(exponent):
    return str(ScalingLaw({"d": exponent}))
