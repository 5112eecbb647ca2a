r"""The solution of one pattern at given widths: power laws, bounds and freedom.

At some widths several power laws have the same value (sqrt(d*N) and d at N = d).
The one that relies on the fewest bounds is reported, then the one that uses most layers,
then the simplest.
"""

from fractions import Fraction
from functools import cached_property

from .energy import Bound, Frame, Layer, Network
from .patterns import GP
from .powers import ScalingLaw
from .scale import least_energy


class Solution:
    """The least energy of a pattern, as a power law, and what reaches it.

    Parameters
    ----------
    architecture : Architecture
    pattern : tuple of LayerPattern
    degree : int
    exponents : dict of str to Fraction
        Of every quantity of the architecture.
    scaling : {"standard", "mean-field"}

    Attributes
    ----------
    exponent : Fraction
        Exponent of the energy.
    energy : ScalingLaw
    bounds : tuple of str
        Bounds that hold the energy up.
    """

    def __init__(self, architecture, pattern, degree, exponents, scaling):
        self._arguments = architecture, degree, scaling
        self._architecture, self._pattern, self._exponents = architecture, pattern, exponents
        self._frame = Frame(architecture.names)
        self._layers, conditions = Network(*self._arguments, self._frame).climb(pattern)
        found = [least_energy(c, lambda r: self._size(self._frame.law(r))) for c in conditions]
        self.exponent = max(value for value, _ in found)
        deciding = [a for value, terms in found if value == self.exponent for a in terms]
        best = min(deciding, key=lambda a: simplicity(self._frame.law(a.root()), a.marks))
        self.energy = self._frame.law(best.root())
        self.bounds = tuple(sorted(self._text(mark) for mark in bounds_among(best.marks)))

    @cached_property
    def parameters(self):
        """The largest parameters that the energy affords, by name (ScalingLaw)."""
        found = {}
        for layer, choice in self._learning():
            found.update(self._read(layer, choice, self._value(layer.amount)))
        return found

    @cached_property
    def ranges(self):
        """Least and largest exponent of every parameter that the energy leaves free.

        For each layer in turn: the others spend the whole energy, and this one the
        least that the same energy permits.
        """
        free = {}
        for layer, choice in self._learning():
            amount = self._value(layer.start) * ScalingLaw({"d": self._least_share(layer.index)})
            for name, law in self._read(layer, choice, amount).items():
                ends = sorted([self._size(law), self._size(self.parameters[name])])
                if ends[0] != ends[1]:
                    free[name] = tuple(ends)
        return free

    @cached_property
    def narrow(self):
        """Layers too narrow to offer a feature that a layer above them learns.

        The rules take mean kernels. A sampled kernel of N neurons tells a feature of
        strength e from the noise of the others if N e >= 1 (the chapter on feature
        propagation derives it). A learned feature is followed downwards through all
        layers that pass its strength on, to the one that raised it, or to the input. The
        readout is not asked: eq. (8) gives it the mean kernel.

        Returns
        -------
        tuple of (str, ScalingLaw)
            The product in words, ``N1*e1(1)``, and its value, which is below one.
        """
        found = {}
        for layer, choice in self._learning():
            k, strength = choice.feature, self._value(layer.strengths[choice.feature])
            for below in reversed(self._layers[: layer.index - 1]):
                name = self._architecture.layers[below.index - 1]
                law = ScalingLaw({name: 1}) * strength
                if self._size(law) < 0:
                    found[below.index, k] = f"{name}*e{below.index}({k})", law
                if k not in below.strengths:
                    break
                passed = self._value(below.strengths[k])
                if self._size(passed) < self._size(strength):  # raised here, by learning
                    break
                strength = passed
        return tuple(found[key] for key in sorted(found))

    def _size(self, law):
        return law.exponent(self._exponents)

    def _learning(self):
        pairs = zip(self._layers, self._pattern, strict=True)
        return [(layer, choice) for layer, choice in pairs if not isinstance(choice, GP)]

    def _read(self, layer, choice, amount):
        strength, width = self._value(layer.strengths[choice.feature]), self._value(layer.width)
        read = choice.read(amount, strength, width, self._size)
        return {self._architecture.parameter(k, layer.index): law for k, law in read.items()}

    def _value(self, scale):
        """The power law that a scale equals at the least energy."""

        def law(monomial):
            spent, *rest = monomial.powers
            return self.energy**spent * self._frame.law(rest)

        tops = []
        for route in scale.routes:
            least = min(self._size(law(a)) for a in route)
            tops.append((least, [a for a in route if self._size(law(a)) == least]))
        largest = max(value for value, _ in tops)
        candidates = [a for value, terms in tops if value == largest for a in terms]
        return law(min(candidates, key=lambda a: simplicity(law(a), a.marks)))

    def _least_share(self, index):
        """Exponent of the least factor above its start that a layer has to buy."""
        frame = Frame(self._architecture.names, {**self._exponents, "E": self.exponent})
        network = _Saving(*self._arguments, frame, index)
        _, conditions = network.climb(self._pattern)
        return max(_least_unknown(condition) for condition in conditions) / frame.grain

    def _text(self, bound):
        """A bound in the names of the architecture: ``{M} >= 1`` becomes ``M2 >= 1``."""
        words = {
            name: self._architecture.parameter(name, bound.layer)
            for name in ("D", "M", "beta", "mu")
        }
        feature = self._pattern[bound.layer - 1].feature
        words["N"] = self._architecture.layers[bound.layer - 1]
        words["e"] = f"e{bound.layer - 1}({feature})"
        return bound.text.format(**words)


def simplicity(law, marks):
    """Sorts power laws: few bounds first, then many layers at work, then simple ones."""
    bounds = bounds_among(marks)
    return (len(bounds), len(bounds) - len(marks), *law.complexity())


def bounds_among(marks):
    """The bounds among the marks of a monomial."""
    return [mark for mark in marks if isinstance(mark, Bound)]


class _Saving(Network):
    """A network at a fixed energy, of which one layer buys an unknown factor."""

    def __init__(self, architecture, degree, scaling, frame, index):
        super().__init__(architecture, degree, scaling, frame)
        self._unknown, self._index = self.energy, index
        self.energy = frame(ScalingLaw({"E": 1}))

    def layer(self, index, strengths):
        """As in Network, with the unknown as the budget of one layer."""
        if index != self._index:
            return super().layer(index, strengths)
        return _SavingLayer(index, strengths, self._unknown, self)


class _SavingLayer(Layer):
    """A layer that buys the unknown factor, whatever it costs."""

    def buy(self, *, start, **_):
        """The start times the unknown, which is at least one."""
        self.condition = self.energy
        self.amount = start * self.energy
        return self.amount


def _least_unknown(scale):
    """Least exponent, not below zero, of the unknown at which a scale is at least one."""
    return min(
        max(-Fraction(size, power) if power else Fraction(0) for power, size in powers)
        for powers in ([a.powers for a in route] for route in scale.routes)
        if all(power or size >= 0 for power, size in powers)
    )
