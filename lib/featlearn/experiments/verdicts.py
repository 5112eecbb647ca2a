"""Verdict tables: claim, predicted, measured with its interval, range, and what follows."""

from dataclasses import dataclass

AGREES, DISAGREES, NOT_DECIDED = "agrees", "disagrees", "not decided"


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
    """

    claim: str
    predicted: str
    measured: str
    sizes: str
    verdict: str

    def __post_init__(self):
        allowed = (AGREES, DISAGREES, NOT_DECIDED)
        if self.verdict not in allowed:
            raise ValueError(f"verdict = {self.verdict!r}: one of {allowed} is needed")


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
    if not low <= predicted <= high:
        return DISAGREES
    return NOT_DECIDED if any(low <= rival <= high for rival in rivals) else AGREES


class VerdictTable:
    """Rows shown as a table in a notebook.

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
            cells = [getattr(row, name) for name in self.columns]
            cells[-1] = f"**{cells[-1]}**"
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines)

    def __repr__(self):
        return "\n".join(
            f"{row.claim}: predicted {row.predicted}, measured {row.measured} -> {row.verdict}"
            for row in self.rows
        )
