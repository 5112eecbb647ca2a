"""Predictions at widths that are given by symbols: the answer is piecewise in their values."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import sympy as sp

from . import polygons
from .architectures import exponent
from .envelope import candidates, lower_envelope, pattern_energies, regions
from .patterns import Pattern
from .powers import ScalingLaw, latex_name

FAR = Fraction(10**9)  # a value of a symbol beyond every change of pattern


def symbols_in(widths):
    """The symbols in the exponents of widths, by name."""
    found = set()
    for value in widths.values() if hasattr(widths, "values") else ():
        found |= getattr(value, "free_symbols", set())
    return sorted(found, key=str)


class SymbolicPrediction:
    """Which patterns have the least energy, for all values of one or two symbols.

    Attributes
    ----------
    symbols : list of sympy.Symbol
    cases : tuple of Case
        By increasing symbol if there is one; the largest region first if there are two.

    Notes
    -----
    ``exponent``, ``energy`` and ``samples`` are sympy Piecewise expressions; they are
    undefined where a width would be below one. ``subs`` gives the prediction at numbers.
    """

    def __init__(self, architecture, degree, widths, scaling, families):
        self.architecture, self.degree, self.scaling = architecture, degree, scaling
        self.widths, self._families = dict(widths), families
        self.symbols = symbols_in(widths)
        affine, self._domain = _quantities(architecture, widths, self.symbols)
        self._problem = architecture, degree, scaling, families, affine, self._domain
        convex = candidates(*self._problem)
        ridge = ScalingLaw({architecture.layers[-1]: int(scaling == "mean-field")})
        cells = lower_envelope(convex, self._domain)
        found, pieces = regions(cells, convex, ridge, (architecture, degree, scaling, affine))
        outlines, _ = polygons.join(pieces)
        self._saved = _combine(ridge, affine)
        cases = [
            self._case(region.drawn(outline))
            for region, outline in zip(found, outlines, strict=True)
        ]
        self.cases = tuple(case for case in cases if case.condition != sp.false)
        if not self.cases:
            raise ValueError(
                f"widths = {widths!r}: a width is below one at all values that the symbols allow"
            )
        if len(self.symbols) == 1:
            self.cases = tuple(sorted(self.cases, key=lambda case: case.region.outlines))

    def _case(self, region):
        where = _where(_convex(region), self._domain, self.symbols)
        return Case(region, self._expression(region.function), where)

    def _expression(self, function):
        """Exponent of the sample size, from that of the energy."""
        constant, *slopes = (a - b for a, b in zip(function, self._saved, strict=True))
        terms = (_rational(c) * s for c, s in zip(slopes, self.symbols, strict=True))
        return sp.Add(_rational(constant), *terms)

    @property
    def exponent(self):
        """Exponent in d of the sample size at a ridge of order one."""
        return self._piecewise(lambda case: case.exponent)

    @property
    def energy(self):
        """The energy in positive symbols for d and the widths."""
        return self._piecewise(lambda case: case.region.energy)

    @property
    def samples(self):
        """The sample size over the ridge."""
        return self._piecewise(lambda case: case.region.samples)

    @property
    def winners(self):
        """Every pattern that wins somewhere, simplest first."""
        names = {str(w): w for case in reversed(self.cases) for w in case.winners}
        return tuple(sorted(names.values(), key=Pattern.rank))

    def subs(self, values):
        """The prediction at numbers.

        Parameters
        ----------
        values : dict of symbol or str to int, Fraction or str
            A number for every symbol.

        Returns
        -------
        Prediction
        """
        from .prediction import predict  # which returns this class

        numbers = {
            str(s): exponent(v, f"values[{str(s)!r}]", least=None) for s, v in values.items()
        }
        for s in self.symbols:
            if str(s) not in numbers:
                raise ValueError(f"values has no {s}: {', '.join(map(str, self.symbols))} needed")
        chosen = {s: _rational(numbers[str(s)]) for s in self.symbols}
        fixed = {name: sp.sympify(value).subs(chosen) for name, value in self.widths.items()}
        options = dict(scaling=self.scaling, patterns=self._families)
        return predict(self.architecture, self.degree, fixed, **options)

    def table(self):
        """Every pattern with its exponent.

        Returns
        -------
        SymbolicTable
        """
        return SymbolicTable(self._rows)

    @cached_property
    def _rows(self):
        rows = []
        for pattern, energies in pattern_energies(*self._problem):
            pieces = {}
            for cell, function, _ in lower_envelope(energies, self._domain):
                pieces.setdefault(function, []).append(cell)
            rows.append((pattern, self._join((self._expression(f), c) for f, c in pieces.items())))
        return sorted(rows, key=lambda row: row[0].rank())

    def _piecewise(self, read):
        pieces = {}
        for case in self.cases:
            pieces.setdefault(read(case), []).extend(_convex(case.region))
        return self._join(pieces.items())

    def _join(self, pieces):
        return sp.Piecewise(
            *((value, _where(cells, self._domain, self.symbols)) for value, cells in pieces)
        )

    def _title(self, show):
        widths = ", ".join(show(name, value) for name, value in self.widths.items())
        return f"{self.architecture!r}, degree {self.degree}, {widths}, {self.scaling} scaling"

    def __repr__(self):
        lines = [self._title(lambda name, value: f"{name} = d^({value})")]
        for case in self.cases:
            names = ", ".join(map(repr, case.winners))
            lines.append(
                f"{case.condition}: P_* ~ d^({case.exponent}) by {names}, energy {case.region.law}"
            )
        return "\n".join(lines)

    def _repr_markdown_(self):
        lines = [
            self._title(lambda name, v: f"${latex_name(name)} = d^{{{sp.latex(v)}}}$"),
            "",
            r"| where | winners | energy | $P_*/\kappa$ |",
            "| --- | --- | --- | --- |",
        ]
        for case in self.cases:
            names = ", ".join(map(repr, case.winners))
            lines.append(
                f"| ${sp.latex(case.condition)}$ | {names} | ${case.region.law.latex()}$ "
                f"| $d^{{{sp.latex(case.exponent)}}}$ |"
            )
        return "\n".join(lines)


@dataclass(frozen=True)
class Case:
    """Values of the symbols at which the same patterns win with the same energy.

    Attributes
    ----------
    region : Region
    exponent : sympy.Expr
        Of the sample size, linear in the symbols.
    condition : sympy.logic.boolalg.Boolean
    """

    region: object
    exponent: sp.Expr
    condition: sp.Basic

    @property
    def winners(self):
        """Simplest first."""
        return self.region.winners

    @property
    def energy(self):
        """In positive symbols for d and the widths."""
        return self.region.energy


class SymbolicTable(Sequence):
    """Pairs of a pattern and its exponent, a Piecewise in the symbols."""

    def __init__(self, rows):
        self._rows = tuple(rows)

    def __len__(self):
        return len(self._rows)

    def __getitem__(self, index):
        return SymbolicTable(self._rows[index]) if isinstance(index, slice) else self._rows[index]

    def __repr__(self):
        return "\n".join(f"{pattern!r}: {exponent}" for pattern, exponent in self._rows)

    def _repr_markdown_(self):
        rows = (f"| {pattern!r} | ${sp.latex(exponent)}$ |" for pattern, exponent in self._rows)
        return "\n".join(["| pattern | exponent |", "| --- | --- |", *rows])


def _quantities(architecture, widths, symbols):
    """Every quantity's exponent as an affine function of the symbols, and where all are >= 0."""
    if len(symbols) > 2:
        raise ValueError(
            f"widths has the symbols {', '.join(map(str, symbols))}: one or two are allowed"
        )
    given = {name: _affine(value, symbols, name) for name, value in widths.items()}
    origin, *units = [
        tuple(Fraction(i == j) for j in range(1, len(symbols) + 1)) for i in range(len(symbols) + 1)
    ]

    def at(point):
        return architecture.derive({n: polygons.value(f, point) for n, f in given.items()})

    start, moved = at(origin), [at(unit) for unit in units]
    affine = {name: (x, *(other[name] - x for other in moved)) for name, x in start.items()}
    domain, _ = polygons.cut(polygons.box(((-FAR, FAR),) * len(symbols)), affine.values())
    if domain is None:
        raise ValueError(f"widths = {widths!r}: at all but single values some width is below one")
    for corner in domain:  # the exponents of a CNN have to sum to one
        architecture.complete({n: polygons.value(affine[n], corner) for n in given})
    return affine, domain


def _affine(value, symbols, name):
    """The coefficients of an exponent that is linear in the symbols."""
    if not getattr(value, "free_symbols", None):
        return (exponent(value, f"widths[{name!r}]"), *[Fraction(0)] * len(symbols))
    try:
        poly = sp.Poly(value, *symbols)
    except sp.PolynomialError:
        poly = None
    if poly is None or poly.total_degree() > 1 or not all(c.is_Rational for c in poly.coeffs()):
        raise ValueError(
            f"widths[{name!r}] = {value!r}: an exponent must be linear in the symbols, "
            "with rational coefficients"
        )
    if (value >= 0) is sp.false:
        raise ValueError(
            f"widths[{name!r}] = {value!r}: at least 0 is needed, which the symbols' "
            "assumptions exclude"
        )
    numbers = [poly.coeff_monomial(m) for m in (1, *symbols)]
    return tuple(Fraction(int(c.p), int(c.q)) for c in numbers)


def _combine(law, affine):
    """The affine exponent of a power law."""
    columns = [[p * c for c in affine[name]] for name, p in law.powers.items()]
    zero = (Fraction(0),) * len(affine["d"])
    return tuple(map(sum, zip(*columns, strict=True))) if columns else zero


def _convex(region):
    """A region as convex pieces, one if it is convex itself."""
    if len(region.cells[0][0]) == 1 or len(region.outlines) > 1:
        return region.outlines if len(region.cells[0][0]) == 1 else region.cells
    (outline,) = region.outlines
    turns = zip(polygons.edges(outline), polygons.edges(outline[1:] + outline[:1]), strict=True)
    if all(polygons.measure((a, b, c)) > 0 for (a, b), (_, c) in turns):
        return [outline]
    return region.cells


def _where(cells, domain, symbols):
    """Condition on the symbols to lie in one of some cells; intervals that touch are joined."""
    if len(symbols) == 1:
        joined = []
        for low, high in sorted((min(cell), max(cell)) for cell in cells):
            if joined and low <= joined[-1][1]:
                joined[-1] = joined[-1][0], max(high, joined[-1][1])
            else:
                joined.append((low, high))
        cells = joined
    return sp.Or(*(_within(cell, domain, symbols) for cell in cells))


def _within(cell, domain, symbols):
    """Condition on the symbols to lie in a cell. Edges at infinity set none."""
    if len(symbols) == 1:
        (symbol,) = symbols
        (low,), (high,) = min(cell), max(cell)
        parts = [_rational(low) <= symbol] * (low > -FAR) + [symbol <= _rational(high)] * (
            high < FAR
        )
        return sp.And(*parts)
    parts = []
    for a, b in polygons.edges(cell):
        if any(x == y and abs(x) == FAR for x, y in zip(a, b, strict=True)):
            continue
        line = polygons.line(a, b)
        if any(polygons.value(line, corner) < 0 for corner in cell):
            line = tuple(-c for c in line)
        constant, *slopes = line
        terms = [(c, s) for c, s in zip((constant, *slopes), (1, *symbols), strict=True)]
        left = sp.Add(*(-c * s for c, s in terms if c < 0))
        right = sp.Add(*(c * s for c, s in terms if c > 0))
        parts.append(sp.Le(left, right))
    return sp.And(*parts)


def _rational(number):
    return sp.Rational(number.numerator, number.denominator)
