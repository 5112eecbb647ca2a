r"""The energy of eq. (8), minimised over the parameters of a pattern.

The energy is the largest of the layers' costs and of the readout's cost
:math:`a_y = 1/e_{L-1}(m)`. Fix its value E. Every layer then spends E in full, from
the input upwards, and the pattern affords E if

- each layer affords the least amount of what it buys, and
- the readout costs no more than E: :math:`E\,e_{L-1}(m)\ge1`.

Each is a scale, increasing in E, that has to be at least one. The least E that
satisfies them all is the energy. This eliminates the parameters from the linear
program in their logarithms, exactly and in closed form: what is left is a maximum
(over the conditions) of minima (over routes) of maxima (over terms) of power laws
in d and the widths.

The same code runs with symbols, which gives the power laws, and with exponents in
place of widths, which gives numbers, quickly enough for every pattern of a deep
network.
"""

from fractions import Fraction
from functools import reduce
from itertools import product
from math import lcm
from typing import NamedTuple

from .patterns import GP
from .powers import ScalingLaw
from .scale import Monomial, Scale, least_energy


class Frame:
    """The monomials in which a network is written.

    Parameters
    ----------
    names : tuple of str
        Quantities that stay symbols.
    exponents : dict of str to Fraction, optional
        If given, nothing stays a symbol: a monomial keeps its power of E and one
        number, its exponent of d in units of ``1 / unit``.
    """

    def __init__(self, names, exponents=None):
        self.names, self.exponents = names, exponents
        if exponents is not None:
            self.grain = lcm(*(Fraction(e).denominator for e in exponents.values()))

    def __call__(self, power_law=None, *, energy=0):
        """The scale of a power law with integer powers, times a power of E."""
        powers = {} if power_law is None else power_law.powers
        if self.exponents is None:
            rest = [int(powers.get(n, 0)) for n in self.names]
        else:
            rest = [int(self.grain * ScalingLaw(powers).exponent(self.exponents))]
        return Scale([[Monomial((energy, *rest))]])

    def law(self, root):
        """The power law of a root (symbols only)."""
        return ScalingLaw(dict(zip(self.names, root, strict=True)))

    def size(self, root):
        """The exponent of d of a root (numbers only)."""
        return root[0] / self.grain


class Bound(NamedTuple):
    """A mark: a bound on the parameters of a layer."""

    layer: int
    text: str


class Layer:
    """What a pattern sees of its layer: the strengths below, the width, and its budget.

    Parameters
    ----------
    index : int
        Counted from one.
    strengths : dict of int to Scale
        By degree, in the kernel below.
    energy : Scale
        The budget.
    network : Network

    Attributes
    ----------
    width, unit : Scale
        The layer's width, and one.
    degrees : tuple of int
        Degrees to follow upwards: all odd ones up to the target's, but above the last
        layer only the target's, since nothing else is read out.
    """

    def __init__(self, index, strengths, energy, network):
        self.index, self.strengths, self.energy = index, strengths, energy
        self.width, self.unit = network.widths[index - 1], network.unit
        self.degrees = network.degrees[-1:] if index == network.depth else network.degrees
        self.start = self.amount = self.condition = None

    def buy(self, *, start, rate, most, bounds):
        """What the layer gets for the whole energy: ``min(start * E * rate, most)``.

        Parameters
        ----------
        start : Scale
            Least amount that makes a difference.
        rate : Scale
            Factor above it per unit of energy; ``E * rate >= 1`` is required.
        most : Scale
        bounds : tuple of two str
            The lower and the upper bound as text. Names of parameters, ``{N}`` for
            the width and ``{e}`` for the feature's strength below stand in braces.

        Returns
        -------
        Scale
        """
        lower, upper = bounds
        self.start = start
        spent = self.energy * rate
        self.condition = spent.marked(self.bound(lower))
        bought = (start * spent).at_most(most.marked(self.bound(upper)))
        self.amount = bought.marked(self.index)
        return self.amount

    def bound(self, text):
        """A mark for a bound on this layer's parameters."""
        return Bound(self.index, text)


class Network:
    """An architecture, a target and a scaling, written in a frame.

    Parameters
    ----------
    architecture : Architecture
    degree : int
    scaling : {"standard", "mean-field"}
    frame : Frame
    """

    def __init__(self, architecture, degree, scaling, frame):
        self.degrees = tuple(range(1, degree + 1, 2))
        self.frame, self.depth, self._parts = frame, len(architecture.layers), {}
        self.energy, self.unit = frame(energy=1), frame()
        self.widths = [frame(ScalingLaw({name: 1})) for name in architecture.layers]
        self.strengths = {1: frame(ScalingLaw({architecture.input: -1}))}
        price = [*architecture.readout]
        if scaling == "mean-field":
            price.append(architecture.layers[-1])
        laws = (ScalingLaw({name: -1}) for name in price)
        self.discount = frame(reduce(ScalingLaw.__mul__, laws, ScalingLaw({})))

    def layer(self, index, strengths):
        """The layer of that index (from one) on a kernel of these strengths."""
        return Layer(index, strengths, self.energy, self)

    def readout(self, strengths):
        """The condition that the readout costs no more than the energy."""
        return self.energy * strengths[self.degrees[-1]] * self.discount

    def climb(self, pattern):
        """All layers of a pattern, and the conditions on the energy."""
        layers, strengths = self._climbed(tuple(pattern))
        conditions = [layer.condition for layer in layers if layer.condition is not None]
        return layers, [*conditions, self.readout(strengths)]

    def _climbed(self, lower):
        """Layers of the lower part of a pattern, and the strengths above; each part once."""
        if not lower:
            return (), self.strengths
        if lower not in self._parts:
            layers, strengths = self._climbed(lower[:-1])
            layer = self.layer(len(lower), strengths)
            above = lower[-1].learn(layer)
            self._parts[lower] = (*layers, layer), above
        return self._parts[lower]


def all_patterns(architecture, degree, families):
    """Every assignment of patterns to layers, on every feature that is available."""
    below = [(1,)] + [tuple(range(1, degree + 1, 2))] * (len(architecture.layers) - 1)
    choices = [[c for family in families for c in family.choices(b)] for b in below]
    return tuple(product(*choices))


def energy_exponents(architecture, degree, exponents, scaling, families):
    """Exponent of the energy of every pattern, at given widths.

    Patterns that pass the same strengths upwards are carried on together, so that
    the work grows with the number of different strengths.

    Returns
    -------
    dict of tuple of LayerPattern to Fraction
    """
    frame = Frame(architecture.names, exponents)
    network = Network(architecture, degree, scaling, frame)
    # kernel below -> pattern so far -> energy that its layers need at least
    level = {_key(network.strengths): (network.strengths, {(): Fraction(0)})}
    for index in range(1, network.depth + 1):
        above = {}
        for strengths, group in level.values():
            for choice in (c for family in families for c in family.choices(tuple(strengths))):
                layer = network.layer(index, strengths)
                after = choice.learn(layer)
                need = Fraction(0)
                if layer.condition is not None:
                    need, _ = least_energy(layer.condition, frame.size)
                _, grown = above.setdefault(_key(after), (after, {}))
                for below, needed in group.items():
                    grown[(*below, choice)] = max(needed, need)
        level = above
    result = {}
    for strengths, group in level.values():
        last, _ = least_energy(network.readout(strengths), frame.size)
        result.update((pattern, max(needed, last)) for pattern, needed in group.items())
    return result


def is_idle(pattern, energies):
    """Whether some layer learns something that does not lower the energy.

    That is, replacing one of its layers by GP does not raise the energy. It is the
    same to replace several: whenever that costs nothing, the uppermost of them alone
    can be replaced, since the layers below still afford what they buy and those above
    find strengths that are no smaller.
    """
    return any(
        energies[pattern[:i] + (GP(),) + pattern[i + 1 :]] <= energies[pattern]
        for i, layer in enumerate(pattern)
        if not isinstance(layer, GP)
    )


def _key(strengths):
    return frozenset((k, strength.key()) for k, strength in strengths.items())
