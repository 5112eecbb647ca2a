r"""Widths of the columns of tables on paper, so that each fits the page.

A table whose longest lines fit keeps its natural widths. A wider one takes the whole width of
the page, which its columns share so that its rows become low.
"""

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform

WIDTH = 96       # letters of a table's type on one line of the page
GAP = 2          # letters between two columns
LONG = 12        # rows above which a table may break over pages
UNBROKEN = 14    # letters of mathematics beyond which TeX finds a place to break it
COMMAND = re.compile(r"\\[a-zA-Z]+|\\.")
SILENT = re.compile(r"[{}^_$\s]|\\(left|right|math\w+|text|rm|t?frac|[lr]vert|[lr]angle)\b")


def words(entry):
    """Yield the lengths of what TeX keeps together in a cell: words and short mathematics."""
    for part in entry.findall(nodes.Text):
        if isinstance(part.parent, nodes.math):
            yield min(len(COMMAND.sub("x", SILENT.sub("", part.astext()))), UNBROKEN)
        else:
            yield from map(len, re.split(r"\s+|(?<=[-–])", part.astext()))


def widths(lengths, least, room):
    """Divide a line among columns: each letter goes where it lowers the rows most.

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
    list of int
        Letters in a line of each column.

    Examples
    --------
    >>> widths([[3, 40], [5, 80]], least=[5, 8], room=50)
    [5, 45]
    """
    given = list(least)

    def height(column):
        """Lines of all rows, to a fraction, if one column were wider by a letter."""
        return sum(max(length / (wide + (place == column))
                       for place, (length, wide) in enumerate(zip(row, given, strict=True)))
                   for row in lengths)

    for _ in range(room - sum(least)):
        given[min(range(len(given)), key=lambda column: (height(column), -column))] += 1
    return given


def columns(rows):
    """Write LaTeX's description of the columns of a table.

    Parameters
    ----------
    rows : list of list of docutils.nodes.entry

    Returns
    -------
    str
    """
    parts = [[list(words(entry)) for entry in row] for row in rows]
    lengths = [[sum(part) + len(part) for part in row] for row in parts]
    count = len(rows[0])
    room = WIDTH - GAP * (count - 1)
    if sum(map(max, zip(*lengths, strict=True))) <= room:
        return "l" * count
    least = [max(max(part, default=1) for part in column) + 1
             for column in zip(*parts, strict=True)]
    given = widths(lengths, least, room)
    whole = sum(given) + GAP * count
    return "".join(f"P{{{(wide + GAP) / whole - 5e-4:.3f}}}" for wide in given)


class FitTables(SphinxPostTransform):
    """Write the widths of every table's columns, and let long tables break over pages."""

    default_priority = 420  # after references have their text
    formats = ("latex",)

    def run(self):
        for table in list(self.document.findall(nodes.table)):
            rows = [list(row.findall(nodes.entry)) for row in table.findall(nodes.row)]
            if len({len(row) for row in rows}) != 1:
                continue  # cells that span: Sphinx's own widths
            spec = columns(rows)
            if len(rows) > LONG or "P" in spec:
                table["classes"].append("longtable")
            else:
                spec = spec.upper()  # a column of tabulary, which wraps if need be
            table.parent.insert(table.parent.index(table), addnodes.tabular_col_spec(spec=spec))


def setup(app):
    """Register with Sphinx."""
    app.add_post_transform(FitTables)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
