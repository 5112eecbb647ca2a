"""Every pattern with its exponent, as a table for the terminal and for a notebook."""

from collections.abc import Sequence
from functools import cached_property

from .powers import ScalingLaw, latex_name
from .solution import Solution

SHOWN = 40  # rows of a table that show by themselves; a slice shows others


class Row:
    """One pattern at the widths of a prediction.

    Attributes
    ----------
    pattern : Pattern
    exponent : Fraction
        Exponent of the sample size in d, if the network learned by this pattern.
    margin : Fraction
        By how much it exceeds the least exponent.
    verdict : {"wins", "idle", ""}
        Idle: some layer learns something that does not lower the energy. It may be the least
        energy all the same; tables then show ``ties, idle``.
    """

    def __init__(self, pattern, exponent, margin, verdict, problem):
        self.pattern, self.exponent = pattern, exponent
        self.margin, self.verdict, self._problem = margin, verdict, problem

    @cached_property
    def solution(self):
        """Power laws, bounds and ranges (:class:`~featlearn.scaling.solution.Solution`)."""
        return Solution(*self._problem[:1], self.pattern, *self._problem[1:])

    @property
    def energy(self):
        """The energy as a sympy expression."""
        return self.solution.energy.sympy()

    @property
    def parameters(self):
        """The most that each layer can afford, from name to sympy expression."""
        return {name: law.sympy() for name, law in self.solution.parameters.items()}

    @property
    def bounds(self):
        """Bounds that hold the energy up, as text."""
        return self.solution.bounds

    @property
    def ranges(self):
        """Least and largest exponent of parameters that the energy leaves free."""
        return self.solution.ranges

    @property
    def narrow(self):
        """Layers too narrow for the rules (see Solution), as text and value."""
        return self.solution.narrow

    def details(self, show, quote=""):
        """Parameters, free ranges, binding bounds and layers too narrow for the rules.

        Parameters
        ----------
        show : callable
            Turns a name and a power law, either of which may be None, into text.
        quote : str
            What to put around bounds.
        """
        parts = [show(name, law) for name, law in self.solution.parameters.items()]
        for name, (low, high) in self.ranges.items():
            ends = " to ".join(show(None, ScalingLaw({"d": end})) for end in (low, high))
            parts.append(f"{show(name, None)} free from {ends}")
        parts += [f"bound {quote}{bound}{quote} binds" for bound in self.bounds]
        parts += [
            f"layer too narrow for the rules: {quote}{text}{quote} = {show(None, law)} < 1"
            for text, law in self.narrow
        ]
        return "; ".join(parts)

    def __repr__(self):
        note = f" ({self.verdict})" if self.verdict else ""
        return f"{self.pattern!r}: {self.solution.energy}, exponent {self.exponent}{note}"


class Table(Sequence):
    """Rows in order of their exponents. A slice is a table too.

    Parameters
    ----------
    rows : iterable of Row
    """

    HEADINGS = ("pattern", "energy", "exponent", "above the least", "verdict")

    def __init__(self, rows):
        self._rows = tuple(rows)

    def __len__(self):
        return len(self._rows)

    def __getitem__(self, index):
        return Table(self._rows[index]) if isinstance(index, slice) else self._rows[index]

    def __repr__(self):
        lines = [self.HEADINGS]
        for row in self._rows[:SHOWN]:
            law = str(row.solution.energy)
            margin = str(row.margin) if row.margin else ""
            lines.append((repr(row.pattern), law, str(row.exponent), margin, _verdict(row)))
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        text = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
        return "\n".join([*text, *self._more()])

    def _repr_markdown_(self):
        lines = [self.HEADINGS, ("---",) * len(self.HEADINGS)]
        for row in self._rows[:SHOWN]:
            law = f"${row.solution.energy.latex()}$"
            margin = str(row.margin) if row.margin else ""
            name = f"**{row.pattern!r}**" if row.verdict == "wins" else repr(row.pattern)
            lines.append((name, law, str(row.exponent), margin, _verdict(row)))
        text = ["| " + " | ".join(line) + " |" for line in lines]
        return "\n".join([*text, "", *self._more()])

    def _more(self):
        hidden = len(self) - SHOWN
        return [f"... and {hidden} more rows; a slice such as table[{SHOWN}:] shows them"] * (
            hidden > 0
        )


def _verdict(row):
    return "ties, idle" if row.verdict == "idle" and not row.margin else row.verdict


def as_text(name, law):
    """``M2 = sqrt(N2/d)``, or the name or law alone."""
    return " = ".join(str(part) for part in (name, law) if part is not None)


def as_latex(name, law):
    """The same as LaTeX between dollar signs."""
    parts = [latex_name(name)] if name is not None else []
    return f"${' = '.join(parts + ([law.latex()] if law is not None else []))}$"
