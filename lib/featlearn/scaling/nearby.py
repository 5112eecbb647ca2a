"""Patterns that tie at a point, seen from nearby: is one of them needed on some side of it?

Energies are piecewise linear in the width exponents, so at a small distance only the
direction counts. A pattern that is idle at a corner of a phase diagram may be the
cheapest in a region that ends there. Near a point, of each maximum and minimum only the
terms that are equal at the point itself matter. Few are left, most patterns share them,
and the energy's change in any direction is read off. Whether there is a direction in
which a pattern is needed is decided exactly, by cutting cones of directions.
"""

from math import lcm

from .changes import Changes
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
    # Numbers in place of conditions: these are hashed only once.
    number = {c: i for i, c in enumerate(set().union(*tied.values()))}
    changes = Changes(architecture, exponents, list(number))
    short = {kind: changes.shortened(number[c] for c in kind) for kind in frozenset(tied.values())}
    tied = {pattern: short[kind] for pattern, kind in tied.items()}
    found, kinds = set(), {}
    for pattern in tied:
        others = frozenset(_lazier(pattern, tied))
        if not others:
            found.add(pattern)
        elif not any(changes.never_above(other, tied[pattern]) for other in others):
            # Patterns of one kind are told apart in no direction.
            kinds.setdefault((tied[pattern], others), []).append(pattern)
    rivals = changes.lowest(frozenset(tied.values()))
    while kinds:
        kind = next(iter(kinds))
        direction = changes.where_needed(*kind, rivals)
        if direction is None:
            del kinds[kind]
            continue
        for other in [k for k in kinds if changes.is_needed(direction, *k, rivals)]:
            found.update(kinds.pop(other))
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


def _lazier(pattern, tied):
    """Of the patterns with one layer replaced by GP, those that tie as well."""
    for i, layer in enumerate(pattern):
        if not isinstance(layer, GP):
            other = pattern[:i] + (GP(),) + pattern[i + 1 :]
            if other in tied:
                yield tied[other]
