"""What a phase diagram consists of: regions with exact corners, and their boundaries."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import sympy as sp

from . import polygons
from .powers import ScalingLaw


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
    outlines : tuple of tuples of points
        Its outlines, counter-clockwise; a clockwise one is a hole. Points are tuples of
        Fractions. In one dimension: its segments.
    """

    winners: tuple
    law: ScalingLaw
    ridge: ScalingLaw
    function: tuple
    cells: tuple = field(repr=False)
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

    def __contains__(self, point):
        return any(_covers(cell, point) for cell in self.cells)

    def names(self):
        """The winners' names in one line."""
        return ", ".join(map(repr, self.winners))


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
        *point : Fraction or int
            One exponent for each varied width, in their order.

        Returns
        -------
        tuple of Region
        """
        return tuple(region for region in self.regions if point in region)

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
            lines.append(f"{region.names()}: energy {region.law}; {_extent(region)}")
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
                f"| {region.names()} | ${region.law.latex()}$ | ${samples}$ | {_extent(region)} |"
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
