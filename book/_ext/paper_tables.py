r"""Widths of the columns of tables on paper, so that each fits the page.

A table whose longest lines fit keeps its natural widths. A wider one is set over the whole
width of the page, and each column gets a share by what its cells hold.

>>> shares([[3, 40], [5, 80]], [3, 8], 50)
[0.1, 0.9]
"""

import re
from math import sqrt

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform

WIDTH = 88       # letters of a table's type on one line of the page
GAP = 2          # letters between two columns
LONG = 12        # rows above which a table may break over pages
UNBROKEN = 14    # letters of mathematics beyond which TeX finds a place to break it
COMMAND = re.compile(r"\\[a-zA-Z]+|\\.")
SILENT = re.compile(r"[{}^_$\s]|\\(left|right|mathrm|mathcal|text|rm|tfrac|frac|lvert|rvert)\b")


def words(entry):
    """Yield the lengths of what TeX keeps together in a cell: words and short mathematics."""
    for part in entry.findall(lambda node: isinstance(node, (nodes.Text, nodes.math))):
        if isinstance(part, nodes.math):
            yield len(COMMAND.sub("x", SILENT.sub("", part.astext())))
        elif not isinstance(part.parent, nodes.math):
            yield from map(len, part.astext().replace("-", "- ").split())


def shares(lengths, least, room):
    """Divide a line among columns.

    Parameters
    ----------
    lengths : list of list of int
        Letters in each cell, by row.
    least : list of int
        Letters that each column must hold.
    room : int
        Letters in a line.

    Returns
    -------
    list of float
        Fractions of the line, in hundredths.
    """
    # A column of twice the text gets more width and more lines: the root shares both out.
    need = [sqrt(sum(column) / len(column)) for column in zip(*lengths, strict=True)]
    rest = max(room - sum(least), 0)
    wide = [low + rest * part / sum(need) for low, part in zip(least, need, strict=True)]
    return [round(part / sum(wide), 2) for part in wide]


class FitTables(SphinxPostTransform):
    """Write the widths of every table's columns, and let long tables break."""

    default_priority = 420  # after references have their text
    formats = ("latex",)

    def run(self):
        for table in list(self.document.findall(nodes.table)):
            rows = [list(row.findall(nodes.entry)) for row in table.findall(nodes.row)]
            if len({len(row) for row in rows}) > 1 or any(table.findall(nodes.Element) is None
                                                          for _ in ()):
                continue
            widths = columns(rows)
            spec = addnodes.tabular_col_spec(spec=widths)
            table.parent.insert(table.parent.index(table), spec)
            if len(rows) > LONG or "P" in widths:
                table["classes"].append("longtable")


def columns(rows):
    """Return LaTeX's description of the columns of a table."""
    parts = [[list(words(entry)) for entry in row] for row in rows]
    lengths = [[sum(part) + len(part) for part in row] for row in parts]
    count = len(rows[0])
    room = WIDTH - GAP * (count - 1)
    widest = [max(column) for column in zip(*lengths, strict=True)]
    if sum(widest) <= room:
        return "l" * count
    least = [max(min(max(part, default=1), UNBROKEN) for part in column)
             for column in zip(*parts, strict=True)]
    return "".join(f"P{{{share}}}" for share in shares(lengths, least, room))


def setup(app):
    """Register with Sphinx."""
    app.add_post_transform(FitTables)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
