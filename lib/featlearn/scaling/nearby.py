"""Patterns that tie at a point, seen from nearby: is one of them needed on some side of it?

Energies are piecewise linear in the width exponents, so at a small distance only the
direction counts. A pattern that is idle at a corner of a phase diagram may be the
cheapest in a region that ends there. Near a point, of each maximum and minimum only the
terms that are equal at the point itself matter. Few are left, most patterns share them,
and the energy's change in any direction is read off.
"""

from itertools import product
from math import lcm

from .energy import Frame, Network
from .patterns import GP
from .scale import Scale


def winners_nearby(energy, architecture, degree, exponents, scaling, families):
    """Patterns of least energy that are not idle, at a point or in some direction from it.

    Parameters
    ----------
    energy : Fraction
        Exponent of the least energy at the point.
    architecture, degree, exponents, scaling, families
        As in :func:`~featlearn.scaling.energy.energy_exponents`.

    Returns
    -------
    set of tuple of LayerPattern
    """
    tied = _tied(energy, architecture, degree, exponents, scaling, families)
    rest = {pattern: frozenset(_lazier(pattern, tied)) for pattern in tied}
    found = {pattern for pattern, others in rest.items() if not others}
    # Patterns of one kind are told apart in no direction.
    kinds = {(tied[p], rest[p]): [] for p in tied.keys() - found}
    for pattern in tied.keys() - found:
        kinds[tied[pattern], rest[pattern]].append(pattern)
    slopes = _Slopes(tied.values())
    for direction in directions(architecture, exponents):
        change = slopes.at(direction)
        least = min(change.values())
        for mine, others in list(kinds):
            if change[mine] == least and all(change[other] > least for other in others):
                found.update(kinds.pop((mine, others)))
    return found


def directions(architecture, exponents):
    """Directions to look into: fine enough for two free widths, coarser for more.

    Returns
    -------
    list of tuple of int
        The change of the exponents of ``architecture.names``; none falls below zero.
    """
    names, free = architecture.names, architecture.free
    reach = {1: 1, 2: 4, 3: 2}.get(len(free), 1)
    found = []
    for steps in product(range(-reach, reach + 1), repeat=len(free)):
        change = dict.fromkeys(names, 0)
        for step, width in zip(steps, free, strict=True):
            for name, sign in width.items():
                change[name] += step * sign
        if any(steps) and all(exponents[n] > 0 or change[n] >= 0 for n in names):
            found.append(tuple(change[n] for n in names))
    return found


def _tied(energy, architecture, degree, exponents, scaling, families):
    """Patterns that have the least energy at the point, and what decides it.

    Returns
    -------
    dict of tuple of LayerPattern to frozenset
        Conditions; each is a set (its minimum) of sets (their maximum) of linear forms.
    """
    network = Network(architecture, degree, scaling, Frame(architecture.names))
    point = [energy, *(exponents[name] for name in architecture.names)]
    grain = lcm(*(x.denominator for x in point))
    point = [int(grain * x) for x in point]
    # kernel below -> pattern so far -> conditions that just hold
    level = {None: (network.strengths, {(): frozenset()})}
    for index in range(1, network.depth + 1):
        above = {}
        for strengths, group in level.values():
            for choice in (c for family in families for c in family.choices(tuple(strengths))):
                layer = network.layer(index, strengths)
                after = {k: _equal(s, point)[1] for k, s in choice.learn(layer).items()}
                decides = _deciding(layer.condition, point)
                if decides is None:
                    continue
                key = frozenset((k, s.key()) for k, s in after.items())
                _, grown = above.setdefault(key, (after, {}))
                for below, conditions in group.items():
                    grown[(*below, choice)] = conditions | decides
        level = above
    found = {}
    for strengths, group in level.values():
        decides = _deciding(network.readout(strengths), point)
        if decides is not None:
            found.update((pattern, conditions | decides) for pattern, conditions in group.items())
    return found


def _equal(scale, point):
    """Value of a scale at the point, and the scale of those terms that are equal to it."""
    least = []
    for route in scale.routes:
        sizes = [sum(map(int.__mul__, a.powers, point)) for a in route]
        low = min(sizes)
        least.append((low, [a for a, size in zip(route, sizes, strict=True) if size == low]))
    top = max(low for low, _ in least)
    return top, Scale([terms for low, terms in least if low == top])


def _deciding(condition, point):
    """The condition if it just holds, none if it holds anyway, None if it fails."""
    if condition is None:
        return frozenset()
    value, equal = _equal(condition, point)
    if value < 0:
        return None
    if value > 0:
        return frozenset()
    return frozenset({frozenset(frozenset(a.root() for a in route) for route in equal.routes)})


class _Slopes:
    """Changes of the energy of every kind of pattern in a direction, up to a common factor."""

    def __init__(self, kinds):
        self._kinds = list(set(kinds))
        conditions = list(set().union(*self._kinds))
        forms = list({form for c in conditions for route in c for form in route})
        grain = lcm(*(c.denominator for form in forms for c in form))
        self._forms = [[int(grain * c) for c in form] for form in forms]
        # Numbers in place of the forms and conditions: these are hashed only once.
        number = {form: i for i, form in enumerate(forms)}
        self._conditions = [[[number[f] for f in route] for route in c] for c in conditions]
        number = {condition: i for i, condition in enumerate(conditions)}
        self._members = [[number[c] for c in kind] for kind in self._kinds]

    def at(self, direction):
        """The change of each kind, a dict from its conditions to an integer."""
        forms = [sum(map(int.__mul__, form, direction)) for form in self._forms]
        conditions = [min(max(forms[f] for f in route) for route in c) for c in self._conditions]
        changes = (max(conditions[c] for c in members) for members in self._members)
        return dict(zip(self._kinds, changes, strict=True))


def _lazier(pattern, tied):
    """Of the patterns with one layer replaced by GP, those that tie as well."""
    for i, layer in enumerate(pattern):
        if not isinstance(layer, GP):
            other = pattern[:i] + (GP(),) + pattern[i + 1 :]
            if other in tied:
                yield tied[other]
