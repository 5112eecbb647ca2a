"""Verdict tables: claim, predicted, measured with its interval, range, and what follows."""

import re
from dataclasses import asdict, dataclass

AGREES, DISAGREES, NOT_DECIDED = "agrees", "disagrees", "not decided"
VERDICTS = (AGREES, DISAGREES, NOT_DECIDED)
# Beside the Markdown of a table: its rows for programs, which the book's closing page reads.
MIME = "application/vnd.featlearn.verdicts+json"
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MINUS = re.compile(r"(?<![\w.])-(?=\d)")


@dataclass(frozen=True)
class Verdict:
    """One row of a verdict table.

    Parameters
    ----------
    claim : str
        What is claimed, with its place in the paper.
    predicted : str
        What the claim predicts, as a number or formula.
    measured : str
        What was found, with its interval.
    sizes : str
        Range of sizes of the measurement.
    verdict : {"agrees", "disagrees", "not decided"}
    figure : str, optional
        Label of the figure that shows the measurement, such as ``"fig-threshold"``.
    results : sequence of str
        Names of the stored results that it rests on, such as ``"two-layer-threshold"``.
    name : str, optional
        Name of the row, for links to it. Without one it is made from the claim; give one to
        keep the links when the claim is worded anew.

    Raises
    ------
    ValueError
        If the verdict is another, or a label or a name is not made of lower-case letters,
        digits and hyphens.
    """

    claim: str
    predicted: str
    measured: str
    sizes: str
    verdict: str
    figure: str | None = None
    results: tuple[str, ...] = ()
    name: str | None = None

    def __post_init__(self):
        if self.verdict not in VERDICTS:
            raise ValueError(f"verdict = {self.verdict!r}: one of {VERDICTS} is needed")
        for name in ("claim", "predicted", "measured", "sizes"):
            text = getattr(self, name)
            if not isinstance(text, str) or not text or re.search(r"\n|(?<!\\)\|", text):
                raise ValueError(
                    f"{name} = {text!r}: a text on one line without '|' is needed "
                    "(in formulas \\vert)"
                )
        for field in ("figure", "name"):
            value = getattr(self, field)
            if value is not None and not _is_name(value):
                raise ValueError(
                    f"{field} = {value!r}: None or a label of lower-case letters, digits and "
                    "hyphens is needed"
                )
        # A lone string is a sequence too, of letters.
        if not isinstance(self.results, tuple | list) or not all(map(_is_name, self.results)):
            raise ValueError(
                f"results = {self.results!r}: a sequence of names of lower-case letters, digits "
                "and hyphens is needed"
            )
        object.__setattr__(self, "results", tuple(self.results))


def _is_name(value):
    return isinstance(value, str) and NAME.fullmatch(value) is not None


def judge(low, high, predicted, rivals=()):
    """Verdict of an interval on a predicted number.

    Parameters
    ----------
    low, high : float
        Interval of the measurement.
    predicted : float
    rivals : sequence of float
        What the competing claims predict.

    Returns
    -------
    str
        ``agrees`` if the interval holds the prediction and no rival; ``disagrees`` if
        it leaves the prediction out; ``not decided`` if it holds a rival as well.

    Examples
    --------
    >>> judge(0.9, 1.1, 1, rivals=(3, 1.5)), judge(0.9, 1.1, 2), judge(0.9, 1.6, 1, (1.5,))
    ('agrees', 'disagrees', 'not decided')
    """
    if not low <= high:
        raise ValueError(f"low = {low!r}, high = {high!r}: low must not exceed high")
    for name, value in [("predicted", predicted), *(("rivals", rival) for rival in rivals)]:
        if value != value:
            raise ValueError(f"{name} = {value!r}: a number is needed")
    if not low <= predicted <= high:
        return DISAGREES
    return NOT_DECIDED if any(low <= rival <= high for rival in rivals) else AGREES


def typeset(text):
    """Write a minus sign for each hyphen that stands for one, and keep per cent by its number.

    Formulas stay as they are.

    Examples
    --------
    >>> typeset("-0.07 [-0.15, 0.01] at 95 %, $-1$; three-layer, fig. 1-2")
    '−0.07 [−0.15, 0.01] at 95\xa0%, $-1$; three-layer, fig. 1-2'
    """
    parts = text.split("$")
    parts[::2] = [MINUS.sub("−", part).replace(" %", "\N{NO-BREAK SPACE}%") for part in parts[::2]]
    return "$".join(parts)


class VerdictTable:
    """Rows shown as a table in a notebook.

    The output holds them twice: as Markdown for readers, and as JSON of the type ``MIME``
    with the figure and the stored results of each row.

    Parameters
    ----------
    rows : sequence of Verdict
    """

    columns = ("claim", "predicted", "measured", "sizes", "verdict")

    def __init__(self, rows):
        self.rows = tuple(rows)

    def _repr_markdown_(self):
        lines = ["| " + " | ".join(self.columns) + " |", "|" + "---|" * len(self.columns)]
        for row in self.rows:
            cells = [typeset(getattr(row, name)) for name in self.columns]
            cells[-1] = f"**{cells[-1]}**"
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines)

    def _repr_mimebundle_(self, include=None, exclude=None):
        # IPython adds what the other methods give.
        rows = [asdict(row) | {"results": list(row.results)} for row in self.rows]
        for row in rows:
            row |= {name: typeset(row[name]) for name in self.columns}
            if row["name"] is None:
                del row["name"]
        return {MIME: {"rows": rows}}

    def __repr__(self):
        return "\n".join(
            f"{row.claim}: predicted {row.predicted}, measured {row.measured} -> {row.verdict}"
            for row in self.rows
        )
