r"""Scales: what survives of a positive quantity when only powers of d are kept.

A scale is a maximum of minima of monomials. The maximum comes from sums, because
the scale of a sum is that of its largest term; each term of it is called a
*route*, one way in which a feature can reach a kernel. The minimum comes from
bounds: a parameter is what the energy can buy, or its largest value, whichever
is less.

Monomials are written in the energy E, the input dimension and the widths. All of
these are at least one, so a monomial with no smaller power anywhere is the larger
one whatever the widths. Terms and routes that this order decides are dropped.

Taking logarithms turns monomials into linear forms, and "this scale is at least
one" into linear inequalities with a positive coefficient on the exponent of E.
The least energy is therefore read off: :func:`least_energy`.
"""

from fractions import Fraction
from operator import add, le
from typing import NamedTuple


class Monomial(NamedTuple):
    """Integer powers, that of the energy first, and what the monomial relied on.

    ``marks`` holds the indices of the layers and the names of the bounds that
    were used on the way. They travel along and never change a value.
    """

    powers: tuple
    marks: frozenset = frozenset()

    def times(self, other):
        """The product of two monomials."""
        return Monomial(tuple(map(add, self.powers, other.powers)), self.marks | other.marks)

    def to(self, n):
        """The n-th power."""
        return Monomial(tuple(n * p for p in self.powers), self.marks)

    def below(self, other):
        """Whether it is at most ``other`` at all widths and energies."""
        return all(map(le, self.powers, other.powers))

    def root(self):
        """Exponents of the energy at which the monomial is one, in the other symbols."""
        energy, *rest = self.powers
        return tuple(Fraction(-p, energy) for p in rest)


class Scale:
    """A maximum over routes of minima over monomials.

    ``a + b`` is the larger of two scales, ``a.at_most(b)`` the smaller; products,
    quotients by a single monomial and integer powers are as for numbers.

    Parameters
    ----------
    routes : iterable of iterables of Monomial
    """

    __slots__ = ("routes",)

    def __init__(self, routes):
        self.routes = _largest([_smallest(route) for route in routes])

    def __add__(self, other):
        return Scale(self.routes + other.routes)

    def __mul__(self, other):
        return Scale([a.times(b) for a in r for b in s] for r in self.routes for s in other.routes)

    def __truediv__(self, other):
        ((monomial,),) = other.routes  # the inverse of a maximum would be no scale of this form
        inverse = Monomial(tuple(-p for p in monomial.powers), monomial.marks)
        return Scale([a.times(inverse) for a in route] for route in self.routes)

    def __pow__(self, n):
        return Scale([a.to(n) for a in route] for route in self.routes)

    def __eq__(self, other):
        return isinstance(other, Scale) and self.key() == other.key()

    def __hash__(self):
        return hash(self.key())

    def at_most(self, *others):
        """The least of this scale and of others."""
        result = self
        for other in others:
            result = Scale(r + s for r in result.routes for s in other.routes)
        return result

    def marked(self, *marks):
        """The same scale, whose monomials remember ``marks``."""
        return Scale([a._replace(marks=a.marks | set(marks)) for a in r] for r in self.routes)

    def key(self):
        """The routes without their marks: equal for scales of equal value."""
        return frozenset(frozenset(a.powers for a in route) for route in self.routes)


def least_energy(scale, size):
    """Least energy at which a scale is at least one, and the monomials that decide it.

    Parameters
    ----------
    scale : Scale
        Every monomial has a positive power of the energy.
    size : callable
        Takes a root (a tuple of exponents) and returns its value.

    Returns
    -------
    value : the least over routes of the largest root of their monomials
    deciding : tuple of Monomial
        Those whose root is that value, on the routes that reach it.
    """
    thresholds = [[(size(a.root()), a) for a in route] for route in scale.routes]
    tops = [max(value for value, _ in route) for route in thresholds]
    best = min(tops)
    deciding = (
        a
        for top, route in zip(tops, thresholds, strict=True)
        if top == best
        for value, a in route
        if value == best
    )
    return best, tuple(deciding)


def _smallest(terms):
    """The terms of a minimum that no other term is always below."""
    kept = []
    for term in terms:
        if not any(other.below(term) for other in kept):
            kept = [other for other in kept if not term.below(other)] + [term]
    return tuple(kept)


def _largest(routes):
    """The routes of a maximum that no other route is always above."""
    kept = []
    for route in routes:
        if not any(_above(other, route) for other in kept):
            kept = [other for other in kept if not _above(route, other)] + [route]
    return tuple(kept)


def _above(route, other):
    return all(any(b.below(a) for b in other) for a in route)
