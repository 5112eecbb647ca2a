"""Changes of energies near a point, and the search for a direction in which a pattern is needed.

A *kind* is a set of conditions, whose largest change is that of the energy. The change of a
condition is the least of its routes', that of a route the largest of its forms', and a form
is linear in the direction. So there are finitely many cones of directions on which all
changes are linear. The search cuts cones instead of listing all of these.
"""

from functools import cache
from math import lcm

from . import cones


class Changes:
    """The conditions of all patterns that tie at a point, as forms in whole numbers.

    Parameters
    ----------
    architecture : Architecture
    exponents : dict of str to Fraction
        The point; no exponent may fall below zero.
    conditions : list of sets of sets of forms
        Kinds are sets of indices of this list.
    """

    def __init__(self, architecture, exponents, conditions):
        names = architecture.names
        self._free = [[width.get(n, 0) for n in names] for width in architecture.free]
        forms = {form for condition in conditions for route in condition for form in route}
        grain = lcm(*(c.denominator for form in forms for c in form))
        whole = {form: self._over_free([int(grain * c) for c in form]) for form in forms}
        self._routes = [
            [frozenset(map(whole.get, route)) for route in condition] for condition in conditions
        ]
        signs = [
            self._over_free([int(n == name) for n in names])
            for name in names
            if exponents[name] == 0
        ]
        self._start, self._bits = cones.whole(len(self._free)), len(self._free) + 1
        for form in signs:
            self._start, self._bits = cones.cut(self._start, form, self._bits), self._bits + 1
        self._below = cache(self._below)

    def _over_free(self, form):
        """A form in the exponents of all quantities as one in those that are free."""
        return cones.on_pointed(cones.value(form, change) for change in self._free)

    def never_above(self, kind, other):
        """Whether each condition of a kind is below one of the other kind in all directions."""
        return all(any(self._below(c, d) for d in other) for c in kind)

    def _below(self, condition, other):
        # A route has the larger change if it has more forms, a condition if it has fewer routes.
        mine = self._routes[condition]
        return all(any(route <= larger for route in mine) for larger in self._routes[other])

    def shortened(self, kind):
        """A kind without the conditions that another one is always above."""
        kept = []
        for c in kind:
            if not any(self._below(c, d) for d in kept):
                kept = [d for d in kept if not self._below(d, c)] + [c]
        return frozenset(kept)

    def lowest(self, kinds):
        """Kinds of which one has the least change in every direction."""
        kept = []
        for kind in kinds:
            if not any(self.never_above(k, kind) for k in kept):
                kept = [k for k in kept if not self.never_above(kind, k)] + [kind]
        return kept

    def is_needed(self, direction, kind, others, rivals):
        """Whether the kind's change is least in the direction, and those of others are larger.

        Parameters
        ----------
        direction : tuple of int
        kind : frozenset of int
        others, rivals : iterables of frozensets of int
            The kind may not be above the rivals, and has to be below the others.
        """
        at = _Values(self._routes, direction)
        change = at.kind(kind)
        return all(at.kind(k) >= change for k in rivals) and all(
            at.kind(k) > change for k in others
        )

    def where_needed(self, kind, others, rivals):
        """A direction in which the kind is needed (:meth:`is_needed`), or None if there is none."""
        alone = [self._routes[c][0] for c in kind if len(self._routes[c]) == 1]
        below = set().union(*alone)
        for form in set().union(*(route for c in kind for route in self._routes[c])):
            search = _Search(self._routes, form, kind, others, rivals)
            way = [_minus(form, f) for f in below if f != form]
            direction = search.within(self._start, self._bits, way)
            if direction is not None:
                return direction
        return None


class _Search:
    """The search for a direction in which a kind is needed and its change is one form."""

    def __init__(self, routes, form, kind, others, rivals):
        self._routes, self._form, self._kind = routes, form, kind
        self._others, self._rivals = others, rivals

    def within(self, cone, bit, way):
        """A direction in the part of a cone where none of some forms is negative, or None.

        The middle of the cone is tried. If an inequality fails there, one of the ways to
        satisfy it holds wherever the kind is needed, so only these parts are searched.

        Parameters
        ----------
        cone : cone
        bit : int
            Number for the next constraint.
        way : list of forms
        """
        for form in way:
            cone, bit = cones.cut(cone, form, bit), bit + 1
            if not cone:
                return None
        ways = self._ways(cone)
        if ways is None:
            return cones.centre(cone)
        found = (self.within(cone, bit, way) for way in ways)
        return next((direction for direction in found if direction is not None), None)

    def _ways(self, cone):
        """The fewest ways to satisfy an inequality that fails in the middle; None if all hold."""
        best = None
        for ways in self._all_ways(cone):
            if best is None or len(ways) < len(best):
                best = ways
            if len(best) < 2:
                break
        return best

    def _all_ways(self, cone):
        """Lists of ways to satisfy each inequality that fails in the middle.

        A way is a list of forms, none of which may be negative. Those that have no place
        in the cone are left out.
        """
        at = _Values(self._routes, cones.centre(cone))
        mine = at.form(self._form)

        @cache
        def most(form):
            return max(cones.value(form, ray) for ray, _ in cone)

        for c in self._kind:
            if at.condition(c) > mine:
                ways = ([_minus(self._form, f) for f in route] for route in self._routes[c])
                yield [way for way in ways if all(most(form) >= 0 for form in way)]
        for k in self._rivals:
            if at.kind(k) < mine:
                yield [[form] for form in self._raising(at, k) if most(form) >= 0]
        for k in self._others:
            if at.kind(k) <= mine:
                yield [[form] for form in self._raising(at, k) if most(form) > 0]

    def _raising(self, at, kind):
        """One of these is not negative wherever another kind is not below."""
        return {_minus(f, self._form) for c in kind for f in at.lowest(c)}


class _Values:
    """Forms, conditions and kinds in one direction, each computed when it is needed."""

    def __init__(self, routes, direction):
        self._routes, self._direction = routes, direction
        self._forms, self._conditions = {}, {}

    def form(self, form):
        if form not in self._forms:
            self._forms[form] = cones.value(form, self._direction)
        return self._forms[form]

    def condition(self, index):
        if index not in self._conditions:
            self._conditions[index] = min(max(map(self.form, r)) for r in self._routes[index])
        return self._conditions[index]

    def kind(self, kind):
        return max(map(self.condition, kind))

    def lowest(self, index):
        """The forms of the condition's lowest route."""
        return min(self._routes[index], key=lambda route: max(map(self.form, route)))


def _minus(f, g):
    return tuple(map(int.__sub__, f, g))
