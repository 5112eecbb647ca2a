"""Polyhedral cones by their rays: all directions in a space, cut by linear forms.

A cone is a tuple of pairs: a ray, and the constraints that hold with equality on it as
the bits of a number. Rays and forms are tuples of whole numbers, so all is exact. Cutting
is the double-description method: of two rays on different sides of a cut, only those that
span an edge make a new ray.
"""

from math import gcd


def value(form, ray):
    """Value of a linear form on a ray."""
    return sum(map(int.__mul__, form, ray))


def whole(dimension):
    """All directions of a space, as a pointed cone.

    A direction v is written as v_i = u_i - s with u and s not negative. Forms have to be
    written in u and s too (:func:`on_pointed`).
    """
    units = [tuple(int(i == j) for j in range(dimension + 1)) for i in range(dimension + 1)]
    every = (1 << dimension + 1) - 1
    return tuple((ray, every ^ (1 << i)) for i, ray in enumerate(units))


def on_pointed(form):
    """A form in v_i = u_i - s as a form in u and s."""
    form = tuple(form)
    return (*form, -sum(form))


def centre(cone):
    """A direction inside the cone."""
    return tuple(map(sum, zip(*(ray for ray, _ in cone), strict=True)))


def cut(cone, form, bit):
    """The part of a cone where a form is not negative; empty if that is the origin alone.

    Parameters
    ----------
    cone : cone
    form : tuple of int
    bit : int
        Number of the constraint, a new one.
    """
    sides = [(value(form, ray), ray, tight) for ray, tight in cone]
    if all(side >= 0 for side, _, _ in sides):
        return cone
    kept = [(ray, tight | (not side) << bit) for side, ray, tight in sides if side >= 0]
    above = [entry for entry in sides if entry[0] > 0]
    below = [entry for entry in sides if entry[0] < 0]
    for up, p, tight_p in above:
        for down, q, tight_q in below:
            common = tight_p & tight_q
            meeting = sum(common & tight == common for _, tight in cone)
            if meeting == 2:  # the two alone: they span an edge
                ray = [up * y - down * x for x, y in zip(p, q, strict=True)]
                factor = gcd(*ray)
                kept.append((tuple(x // factor for x in ray), common | 1 << bit))
    return tuple(kept)
