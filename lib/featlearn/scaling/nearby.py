"""Patterns that tie at a point, seen from nearby: is one of them needed on some side of it?

Energies are piecewise linear in the width exponents, so at a small enough distance only
the direction counts. A pattern that is idle at a corner of a phase diagram may be the
cheapest in a region that ends there; it is told by a step into that region.
"""

from fractions import Fraction
from itertools import product

from .energy import energy_exponents, is_idle

STEP = Fraction(1, 10**6)  # far below any distance between the lines of a phase diagram


def busy_nearby(patterns, architecture, degree, exponents, scaling, families):
    """Those of idle patterns that are not idle, and of least energy, in some direction.

    Parameters
    ----------
    patterns : iterable of tuple of LayerPattern
        Idle at the point itself.
    architecture, degree, exponents, scaling, families
        As in :func:`~featlearn.scaling.energy.energy_exponents`.

    Returns
    -------
    set of tuple of LayerPattern
    """
    found, left = set(), set(patterns)
    for direction in directions(len(architecture.layers)):
        if not left:
            break
        moved = dict(exponents)
        for name, step in zip(architecture.layers, direction, strict=True):
            moved[name] = moved[name] + step * STEP
        if min(moved.values()) < 0:
            continue
        energies = energy_exponents(architecture, degree, moved, scaling, families)
        least = min(energies.values())
        found |= {p for p in left if energies[p] == least and not is_idle(p, energies)}
        left -= found
    return found


def directions(dimension):
    """Directions to look into: fine enough for one and two widths, coarse for more."""
    reach = 3 if dimension <= 2 else 1
    steps = product(range(-reach, reach + 1), repeat=dimension)
    return [step for step in steps if any(step)]
