"""The least energy over all patterns of a network at given widths."""

from functools import cached_property

from .architectures import (
    check_architecture,
    check_names,
    check_scaling,
    read_degree,
    read_widths,
)
from .energy import energy_exponents, is_idle
from .nearby import winners_nearby
from .patterns import Pattern, read_families
from .powers import ScalingLaw
from .symbolic import SymbolicPrediction, symbols_in
from .table import Row, Table, as_latex, as_text

SHOWN = 6  # winners that show by themselves


def predict(architecture, degree=3, widths=None, *, scaling="standard", patterns=None):
    r"""How many samples a network needs to learn a polynomial, and what it learns by.

    Every pattern of feature learning in every layer is put into the energy of
    eq. (8), minimised exactly over its parameters, and compared. By eq. (5) the
    least energy is the scale of the sample size, at a ridge of order one.

    Parameters
    ----------
    architecture : Architecture
        ``FCN(depth=...)`` or ``CNN()``.
    degree : int
        Odd degree m of the target, a Hermite polynomial along one direction.
    widths : dict of str to int, Fraction, str or sympy expression
        Exponents of d: ``{"N": 1}`` is N = d, ``{"N": "1/2"}`` is N = sqrt(d). They may
        be linear in one or two sympy symbols, like ``{"N1": a, "N2": 2 * a}``.
    scaling : {"standard", "mean-field"}
        Mean-field scaling multiplies the readout's cost by the last width and takes
        the bound on the data at the ridge divided by that width.
    patterns : iterable of classes or names, optional
        What a layer may do besides GP; the paper's list if omitted.

    Returns
    -------
    Prediction or SymbolicPrediction
        The latter if there are symbols among the widths.

    Raises
    ------
    ValueError
        If the degree is even or below one (the activation is odd), if a width is
        unknown, missing, negative or inexact, or if another argument is not allowed.

    Examples
    --------
    >>> from featlearn.scaling import FCN
    >>> predict(FCN(depth=2), degree=3, widths={"N": 1})
    FCN(depth=2), degree 3, N = d, standard scaling
    P_* ~ d^1
    winner: Specialization(1), energy sqrt(d*N); M = sqrt(N/d)
    runner-up: GFL(1), P_* ~ d^(3/2)
    >>> from sympy import Symbol
    >>> for case in predict(FCN(depth=2), degree=3, widths={"N": Symbol("a")}).cases:
    ...     print(case.condition, case.exponent, case.winners[0], sep=": ")
    (0 <= a) & (a <= 1/3): 3*a/4 + 3/4: GFL
    (1/3 <= a) & (a <= 1): 1: Specialization
    (1 <= a) & (a <= 5): a/2 + 1/2: Specialization
    5 <= a: 3: GP
    """
    check_architecture(architecture)
    degree = read_degree(degree)
    check_scaling(scaling)
    families = read_families(patterns)
    if symbols_in(widths):
        check_names(architecture, widths)
        return SymbolicPrediction(architecture, degree, widths, scaling, families)
    exponents = architecture.complete(read_widths(architecture, widths))
    return Prediction(architecture, degree, exponents, scaling, families)


class Prediction:
    """Which patterns have the least energy at given widths.

    Attributes
    ----------
    exponent : Fraction
        Exponent in d of the sample size at a ridge of order one.
    energy_exponent : Fraction
        Exponent of the energy; it differs from ``exponent`` in mean-field scaling.
    runner_up : Row or None
        The best pattern that neither wins nor is idle; its ``margin`` is the distance.
    exponents : dict of str to Fraction
        Exponent of d of every quantity.

    Notes
    -----
    A pattern is idle if replacing one of its layers by GP does not raise the energy,
    neither at these widths nor at any nearby. Where several regions of a phase diagram
    meet, the patterns of all of them win. ``ties`` has idle patterns of the same energy too:
    for a linear target and N = d, GFL and specialization are on par in two layers, as the
    paper has it, but specialization is cheapest nowhere near.
    ``energy``, ``samples``, ``parameters``, ``bounds``, ``ranges`` and ``narrow`` are of the
    first winner; the rows of ``table()`` have those of the others.
    """

    def __init__(self, architecture, degree, exponents, scaling, families):
        self.architecture, self.degree = architecture, degree
        self.exponents, self.scaling = exponents, scaling
        energies = energy_exponents(architecture, degree, exponents, scaling, families)
        self.energy_exponent = min(energies.values())
        self._ridge = ScalingLaw({architecture.layers[-1]: int(scaling == "mean-field")})
        saved = self._ridge.exponent(exponents)
        self.exponent = self.energy_exponent - saved
        problem = architecture, degree, exponents, scaling
        winners = winners_nearby(self.energy_exponent, *problem, families)
        rows = []
        for pattern, energy in energies.items():
            margin = energy - self.energy_exponent
            lost = "" if margin and not is_idle(pattern, energies) else "idle"
            verdict = "wins" if pattern in winners else lost
            rows.append(Row(Pattern(pattern), energy - saved, margin, verdict, problem))
        order = {"wins": 0, "": 1, "idle": 2}
        rows.sort(key=lambda r: (r.exponent, order[r.verdict], *r.pattern.rank()))
        self._table = Table(rows)
        best = {row.pattern: row for row in rows if row.verdict == "wins"}
        # Patterns that differ only in the degrees that they learn stand once.
        names = {}
        for pattern in sorted(best, key=Pattern.rank):
            names.setdefault(str(pattern), best[pattern])
        self._best = list(names.values())
        self.runner_up = next((row for row in rows if row.verdict == ""), None)

    @property
    def winners(self):
        """All patterns of least energy that are not idle, simplest first.

        Patterns that differ only in the degrees that they learn stand once; ``table()``
        has each.
        """
        return tuple(row.pattern for row in self._best)

    @property
    def ties(self):
        """All patterns of least energy at these widths, simplest first, idle ones included."""
        return tuple(sorted((r.pattern for r in self._table if not r.margin), key=Pattern.rank))

    @property
    def energy(self):
        """The energy as a sympy expression in positive symbols."""
        return self._best[0].energy

    @cached_property
    def samples(self):
        """The sample size over the ridge, as a sympy expression in positive symbols."""
        return self._samples(self._best[0]).sympy()

    @property
    def parameters(self):
        """Name to sympy expression; where the minimiser is not unique, the largest."""
        return self._best[0].parameters

    @property
    def bounds(self):
        """Bounds on the parameters that hold the energy up."""
        return self._best[0].bounds

    @property
    def narrow(self):
        """Layers too narrow for the rules (which take mean kernels), as text and value."""
        return self._best[0].narrow

    @property
    def ranges(self):
        """Least and largest exponents of parameters that the energy leaves free."""
        return self._best[0].ranges

    def table(self):
        """Every pattern with its energy and exponent.

        Returns
        -------
        Table
        """
        return self._table

    def _idle_ties(self):
        names = [repr(r.pattern) for r in self._table if r.verdict == "idle" and not r.margin]
        more = len(names) - SHOWN
        return ", ".join(names[:SHOWN] + [f"and {more} more, see ties"] * (more > 0))

    def _samples(self, row):
        return row.solution.energy / self._ridge

    def __repr__(self):
        widths = ", ".join(
            as_text(name, ScalingLaw({"d": self.exponents[name]}))
            for name in self.architecture.widths
        )
        lines = [
            f"{self.architecture!r}, degree {self.degree}, {widths}, {self.scaling} scaling",
            f"P_* ~ {_power(self.exponent)}",
        ]
        for row in self._best[:SHOWN]:
            details = row.details(as_text)
            lines.append(
                f"winner: {row.pattern!r}, energy {row.solution.energy}"
                + (f"; {details}" if details else "")
            )
        if len(self._best) > SHOWN:
            lines.append(f"... and {len(self._best) - SHOWN} more winners, see table()")
        if self._idle_ties():
            lines.append(f"on par, but idle: {self._idle_ties()}")
        if self.runner_up:
            other = self.runner_up
            lines.append(f"runner-up: {other.pattern!r}, P_* ~ {_power(other.exponent)}")
        return "\n".join(lines)

    def _repr_markdown_(self):
        widths = ", ".join(
            as_latex(name, ScalingLaw({"d": self.exponents[name]}))
            for name in self.architecture.widths
        )
        lines = [
            f"{self.architecture!r}, degree {self.degree}, {widths}, {self.scaling} scaling: "
            rf"$P_*/\kappa\propto d^{{{self.exponent}}}$",
            "",
            r"| pattern | energy | $P_*/\kappa$ | parameters |",
            "| --- | --- | --- | --- |",
        ]
        for row in self._best[:SHOWN]:
            law, samples = row.solution.energy.latex(), self._samples(row).latex()
            details = row.details(as_latex, quote="`")
            lines.append(f"| **{row.pattern!r}** | ${law}$ | ${samples}$ | {details} |")
        if len(self._best) > SHOWN:
            lines.append(f"| and {len(self._best) - SHOWN} more, see `table()` | | | |")
        if self._idle_ties():
            lines.append(f"| on par, but idle: {self._idle_ties()} | | | |")
        if self.runner_up:
            other = self.runner_up
            lines.append(
                f"| runner-up: {other.pattern!r} | ${other.solution.energy.latex()}$ "
                f"| $d^{{{other.exponent}}}$ | above by $d^{{{other.margin}}}$ |"
            )
        return "\n".join(lines)


def _power(exponent):
    return f"d^{exponent}" if exponent.denominator == 1 else f"d^({exponent})"
