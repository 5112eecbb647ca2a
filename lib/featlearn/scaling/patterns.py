r"""Patterns of feature learning in one layer, one small class each (paper sec. 4.3).

A pattern says what it buys and what that does to the next kernel. The energy of
eq. (8) is a sum, so at the level of scales it is the largest of its terms, and
every layer may spend the whole energy E. Nothing is gained by spending less: a
larger strength never makes anything dearer further up. So each pattern buys as
much as E affords,

    amount = min(start * E * rate, most),    E * rate >= 1,

where ``start`` is the least amount that makes a difference, ``rate`` is the factor
above it that a unit of energy buys, and ``most`` is the bound from above.

To add a pattern, write one class with a ``name``, a method ``learn`` that returns
the strengths of the next kernel, and ``read``, which turns the amount into the
parameters to report; then pass it in ``predict(..., patterns=[...])``.
"""

from fractions import Fraction

from . import propagation


class LayerPattern:
    """What one layer does with one feature.

    Parameters
    ----------
    feature : int or None
        Degree of the feature along the target's direction; None for GP.
    """

    name = ""

    def __init__(self, feature=None):
        self.feature = feature

    @classmethod
    def choices(cls, available):
        """All such patterns on the degrees that the kernel below offers."""
        return tuple(cls(k) for k in available)

    def learn(self, layer):
        """Strengths of the next kernel, by degree.

        Parameters
        ----------
        layer : featlearn.scaling.energy.Layer

        Returns
        -------
        dict of int to Scale
        """
        raise NotImplementedError

    def read(self, amount, strength, width, size):
        """Parameters of the pattern.

        Parameters
        ----------
        amount, strength, width : ScalingLaw
            What was bought, the feature's strength in the kernel below, the width.
        size : callable
            Takes a power law and returns its exponent.

        Returns
        -------
        dict of str to ScalingLaw
        """
        return {}

    def __eq__(self, other):
        return type(self) is type(other) and self.feature == other.feature

    def __hash__(self):
        return hash((type(self), self.feature))

    def __str__(self):
        return self.name

    def __repr__(self):
        return self.name if self.feature is None else f"{self.name}({self.feature})"


class GP(LayerPattern):
    """Gaussian process: nothing is learned and nothing paid; claim (iii)."""

    name = "GP"

    @classmethod
    def choices(cls, available):
        """The one lazy pattern."""
        return (cls(),)

    def learn(self, layer):
        """The strengths pass unchanged."""
        return propagation.lazy(layer.strengths, layer.degrees)


class GFL(LayerPattern):
    r"""Gaussian feature learning: all neurons amplify a feature's variance by D (eq. 10).

    Costs N D. The amplified strength is D e(k), with D >= 1 (below that it is the
    Gaussian process) and D e(k) <= 1 (no eigenvalue above one); claim (ii).
    """

    name = "GFL"

    def learn(self, layer):
        """Amplify the strength by D = E / N."""
        strength = layer.strengths[self.feature]
        amount = layer.buy(
            start=strength,
            rate=layer.unit / layer.width,
            most=layer.unit,
            bounds=("{D} >= 1", "{D}*{e} <= 1"),
        )
        return propagation.amplified(layer.strengths, self.feature, amount, layer.degrees)

    def read(self, amount, strength, width, size):
        """The amplification D."""
        return {"D": amount / strength}


class Specialization(LayerPattern):
    r"""M neurons are fixed at a feature, the rest stay lazy (eq. 11).

    Costs M / e(k), with 1 <= M <= N. A spike M / N appears; claim (i).
    """

    name = "Specialization"

    def learn(self, layer):
        """Specialise M = E e(k) neurons."""
        amount = layer.buy(
            start=layer.unit,
            rate=layer.strengths[self.feature],
            most=layer.width,
            bounds=("{M} >= 1", "{M} <= {N}"),
        )
        return propagation.spiked(layer.strengths, amount / layer.width, layer.degrees)

    def read(self, amount, strength, width, size):
        """The number of specialised neurons M."""
        return {"M": amount}


class Magnetization(LayerPattern):
    r"""All neurons have the mean amplitude sqrt(beta / N) on a feature (sec. 5.2).

    Costs beta / e(k). The second moment along the feature becomes beta / N, at most
    one and not below the prior's e(k), which would hide the mean; claim (ii). In
    scale this is GFL with D = beta / (N e(k)): the two always tie.
    """

    name = "Magnetization"

    def learn(self, layer):
        """Raise the second moment to beta / N, beta = E e(k)."""
        amount = layer.buy(
            start=layer.strengths[self.feature] * layer.width,
            rate=layer.unit / layer.width,
            most=layer.width,
            bounds=("{beta}/{N} >= {e}", "{beta} <= {N}"),
        )
        moment = amount / layer.width
        return propagation.amplified(layer.strengths, self.feature, moment, layer.degrees)

    def read(self, amount, strength, width, size):
        """The squared mean of the layer, beta."""
        return {"beta": amount}


class WeakSpecialization(LayerPattern):
    r"""M neurons have the amplitude mu <= 1 on a feature; not in the paper's list.

    Costs b / e(k) with b = M mu^2. A product that uses the feature r times gains
    (M / N) mu^(2r), so neurons grow as far as mu = 1 before a second one is bought:
    M = max(1, b) and mu^2 = min(1, b). Specialization is the edge mu = 1, and
    magnetization the edge M = N.
    """

    name = "Weak specialization"

    def learn(self, layer):
        """Spend M mu^2 = E e(k) on the strongest neurons that it affords."""
        k, width = self.feature, layer.width
        amount = layer.buy(
            start=layer.strengths[k],
            rate=layer.unit,
            most=width,
            bounds=("{mu}^2 >= {e}", "{M} <= {N}"),
        )
        after = propagation.lazy(layer.strengths, layer.degrees)
        for j in layer.degrees:
            for product in propagation.recipes(j, tuple(layer.strengths)):
                times = product.count(k)
                if not times:
                    continue
                gain = amount.at_most((amount**times).marked(layer.bound("{M} >= 1")))
                for other in product:
                    if other != k:
                        gain = gain * layer.strengths[other]
                after[j] = after[j] + gain / width
        return after

    def read(self, amount, strength, width, size):
        """The number M and the amplitude mu of the neurons."""
        none = amount / amount
        if size(amount) >= 0:
            return {"M": amount, "mu": none}
        return {"M": none, "mu": amount ** Fraction(1, 2)}


PAPER = (GP, GFL, Specialization, Magnetization)
SHIPPED = (*PAPER, WeakSpecialization)


class Pattern(tuple):
    """Patterns of all hidden layers, from the input upwards.

    ``str`` gives the names alone; ``repr`` adds the degree of each learned feature.

    Examples
    --------
    >>> pattern = Pattern([GP(), Specialization(1)])
    >>> print(pattern)
    GP–Specialization
    >>> pattern
    GP–Specialization(1)
    """

    __slots__ = ()

    def __str__(self):
        return "–".join(map(str, self))

    def __repr__(self):
        return "–".join(map(repr, self))

    def contains(self, other):
        """Whether ``other`` is this with GP in place of at least one learning layer."""
        return self != other and all(
            b == a or isinstance(b, GP) for a, b in zip(self, other, strict=True)
        )

    def rank(self):
        """Sorts few learning layers first, then learning in upper layers, then low degrees."""
        learning = [not isinstance(layer, GP) for layer in self]
        return sum(learning), learning, [layer.feature or 0 for layer in self], repr(self)


def without_idle(patterns):
    """Those of equally good patterns that do not contain another of them.

    A pattern contains another that has GP in place of some of its layers. Of patterns
    that differ only in the degrees that they learn the first by rank is kept.

    Parameters
    ----------
    patterns : iterable of Pattern

    Returns
    -------
    tuple of Pattern
        By rank.
    """
    ordered = sorted(set(patterns), key=Pattern.rank)
    kept = {}
    for pattern in ordered:
        if not any(pattern.contains(other) for other in ordered):
            kept.setdefault(str(pattern), pattern)
    return tuple(kept.values())


def read_families(patterns):
    """Classes of layer patterns to choose from; GP is always one of them.

    Parameters
    ----------
    patterns : iterable of classes or names, optional
        The paper's list if omitted.

    Returns
    -------
    tuple of type

    Raises
    ------
    ValueError
        If it is no list, or an entry is neither a subclass of LayerPattern nor the name of
        a shipped one.
    """
    if patterns is None:
        return PAPER
    known = {family.name: family for family in SHIPPED}
    families = [GP]
    entries = [patterns] if isinstance(patterns, (str, type)) else patterns
    if not hasattr(entries, "__iter__"):
        raise ValueError(
            f"patterns = {patterns!r}: a list of {', '.join(map(repr, known))}, or of subclasses "
            "of LayerPattern, is needed"
        )
    for entry in entries:
        family = known.get(entry) if isinstance(entry, str) else entry
        if not (isinstance(family, type) and issubclass(family, LayerPattern) and family.name):
            raise ValueError(
                f"patterns has {entry!r}: one of {', '.join(map(repr, known))}, or a subclass of "
                "LayerPattern with a name, is needed"
            )
        families.append(family)
    return tuple(dict.fromkeys(families))
