r"""Power laws, the form in which results are given: products of d and widths to powers.

They print as ``sqrt(d*N)`` or ``(d*N1*N2)^(1/3)``, as LaTeX, and as sympy
expressions in positive symbols (sympy itself writes ``sqrt(N)*sqrt(d)``).
"""

from collections.abc import Callable
from fractions import Fraction
from math import gcd, lcm
from typing import NamedTuple

import sympy as sp


class ScalingLaw:
    """A product of named quantities raised to rational powers.

    Parameters
    ----------
    powers : dict of str to Fraction
        Zero powers are dropped; the order is that of printing.

    Examples
    --------
    >>> energy = ScalingLaw({"d": Fraction(1, 2), "N": Fraction(1, 2)})
    >>> energy, energy / ScalingLaw({"d": 1})
    (sqrt(d*N), sqrt(N/d))
    >>> energy.exponent({"d": 1, "N": 3})
    Fraction(2, 1)
    """

    __slots__ = ("powers",)

    def __init__(self, powers):
        self.powers = {name: Fraction(p) for name, p in powers.items() if p}

    def __mul__(self, other):
        names = {**self.powers, **other.powers}
        return ScalingLaw({n: self.powers.get(n, 0) + other.powers.get(n, 0) for n in names})

    def __truediv__(self, other):
        return self * other**-1

    def __pow__(self, exponent):
        return ScalingLaw({n: exponent * p for n, p in self.powers.items()})

    def __eq__(self, other):
        return isinstance(other, ScalingLaw) and self.powers == other.powers

    def __hash__(self):
        return hash(frozenset(self.powers.items()))

    def exponent(self, exponents):
        """Exponent of d, given that of every quantity."""
        return sum((p * exponents[n] for n, p in self.powers.items()), Fraction(0))

    def complexity(self):
        """Sorts simple laws first: few quantities, then small denominators."""
        powers = self.powers.values()
        return len(powers), lcm(*(p.denominator for p in powers)), sum(map(abs, powers)), str(self)

    def sympy(self):
        """As a sympy expression in positive symbols."""
        factors = (
            symbol(n) ** sp.Rational(p.numerator, p.denominator) for n, p in self.powers.items()
        )
        return sp.Mul(*factors)

    def latex(self):
        r"""As LaTeX without dollar signs, like ``\sqrt{d N}``."""
        return _fraction(*self._written(_LATEX))

    def __repr__(self):
        return _quotient(*self._written(_TEXT))

    def _written(self, style):
        """Numerator and denominator in a style."""
        whole, rooted, power = self._split()
        above, below = style.factors(whole)
        if rooted:
            top, bottom = style.factors(rooted)
            inverted = not top  # 1/sqrt(d) rather than sqrt(1/d)
            if inverted:
                top, bottom = bottom, top
            body = style.over(style.times.join(top), style.times.join(bottom))
            if power == Fraction(1, 2):
                body = style.square_root(body)
            else:
                body = style.raised(body if len(rooted) == 1 else style.brackets(body), power)
            (below if inverted else above).append(body)
        return style.times.join(above), style.times.join(below)

    def _split(self):
        """Factors with whole powers, the others with whole powers, and the others' root."""
        whole = {n: int(p) for n, p in self.powers.items() if p.denominator == 1}
        rest = {n: p for n, p in self.powers.items() if p.denominator > 1}
        if not rest:
            return whole, {}, Fraction(1)
        root = lcm(*(p.denominator for p in rest.values()))
        common = gcd(*(int(p * root) for p in rest.values()))
        power = Fraction(common, root)
        return whole, {n: int(p / power) for n, p in rest.items()}, power


def symbol(name):
    """The positive sympy symbol of a quantity."""
    return sp.Symbol(name, positive=True)


def latex_name(name):
    r"""LaTeX of a name: ``N1`` becomes ``N_{1}``, ``Nw`` ``N_{w}``, ``beta2`` ``\beta_{2}``.

    Examples
    --------
    >>> print(latex_name("N1"), latex_name("Nw"), latex_name("beta2"), latex_name("d"))
    N_{1} N_{w} \beta_{2} d
    """
    return sp.latex(symbol(name)) if name != "Nw" else "N_{w}"


class _Style(NamedTuple):
    """How products, powers and quotients are written."""

    name: Callable
    raised: Callable
    times: str
    square_root: Callable
    brackets: Callable
    over: Callable

    def factors(self, powers):
        """Factors above and below the line."""
        parts = ([], [])
        for n, p in powers.items():
            base = self.name(n)
            parts[p < 0].append(self.raised(base, abs(p)) if abs(p) > 1 else base)
        return parts


def _quotient(above, below):
    if not below:
        return above or "1"
    return f"{above or 1}/({below})" if "*" in below else f"{above or 1}/{below}"


def _fraction(above, below):
    return rf"\frac{{{above or 1}}}{{{below}}}" if below else above or "1"


def _raised(base, power):
    return f"{base}^{power}" if Fraction(power).denominator == 1 else f"{base}^({power})"


_TEXT = _Style(str, _raised, "*", "sqrt({})".format, "({})".format, _quotient)
_LATEX = _Style(
    latex_name,
    "{}^{{{}}}".format,
    " ",
    r"\sqrt{{{}}}".format,
    r"\left({}\right)".format,
    _fraction,
)
