r"""Widths of the columns of tables on paper, so that each fits the page.

A table whose longest lines fit keeps its natural widths. A wider one takes the whole width of
the text, or with many columns some of the margins too, and its columns share that width so that
its rows become low.
"""

import re
from math import ceil

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform

TEXT, PAGE = 96, 118  # letters of a table's type in a line of text, and with the margins' part
MANY = 6              # columns above which a table takes of the margins
GAP = 2               # letters between two columns
LONG = 24             # lines above which a table may break over pages
FORMULA, WORD = 14, 11  # letters beyond which TeX finds a place to break either
COMMAND = re.compile(r"\\[a-zA-Z]+|\\.")
SILENT = re.compile(r"[{}^_$\s]|\\(left|right|math\w+|text|rm|t?frac|[lr]vert|[lr]angle)\b")


def words(entry):
    """Yield the lengths of what stands in a cell, word by word; the second of each may not break.

    A formula counts as a word. The type of a name in the code is wider and never breaks.
    """
    for part in entry.findall(nodes.Text):
        text = part.astext()
        if isinstance(part.parent, nodes.math):
            length = len(COMMAND.sub("x", SILENT.sub("", text)))
            yield length, min(length, FORMULA)
        elif isinstance(part.parent, nodes.literal):
            length = ceil(1.1 * len(text))
            yield length, length
        else:
            for word in re.split(r"\s+|(?<=[-–])", text):
                yield len(word), min(len(word), WORD)


def share(lengths, least, room):
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
    >>> share([[3, 40], [5, 80]], least=[5, 8], room=50)
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


def columns(rows, line):
    """Write LaTeX's description of the columns of a table.

    Parameters
    ----------
    rows : list of list of docutils.nodes.entry
    line : int
        Letters in a line of the page.

    Returns
    -------
    tuple of str and int
        The description, and how many lines the table has.
    """
    parts = [[list(words(entry)) for entry in row] for row in rows]
    lengths = [[sum(length + 1 for length, _ in part) for part in row] for row in parts]
    count = len(rows[0])
    room = line - GAP * (count - 1)
    if sum(map(max, zip(*lengths, strict=True))) <= room:
        return "l" * count, len(rows)
    least = [max((unbroken for part in column for _, unbroken in part), default=1) + 1
             for column in zip(*parts, strict=True)]
    given = share(lengths, least, room)
    whole = sum(given) + GAP * count
    lines = sum(max(ceil(length / wide) for length, wide in zip(row, given, strict=True))
                for row in lengths)
    return "".join(f"P{{{(wide + GAP) / whole - 5e-4:.3f}}}" for wide in given), lines


class FitTables(SphinxPostTransform):
    """Write the widths of every table's columns, and let long tables break over pages."""

    default_priority = 420  # after references have their text
    formats = ("latex",)

    def run(self):
        for row in self.document.findall(nodes.row):
            if row["ids"]:  # LaTeX has no place for the anchor of a row: its first words get it
                row.next_node(nodes.paragraph).insert(0, nodes.target("", "", ids=row["ids"]))
                row["ids"] = []
        for table in list(self.document.findall(nodes.table)):
            rows = [list(row.findall(nodes.entry)) for row in table.findall(nodes.row)]
            if len({len(row) for row in rows}) != 1:
                continue  # cells that span: Sphinx's own widths
            wide = len(rows[0]) > MANY
            spec, lines = columns(rows, PAGE if wide else TEXT)
            if lines > LONG:
                table["classes"].append("longtable")
            else:
                spec = spec.upper()  # a column of tabulary, which wraps if need be
            fitted = [addnodes.tabular_col_spec(spec=spec), table]
            if wide and "P" in spec:
                fitted = [nodes.raw("", r"\begin{bookwide}", format="latex"), *fitted,
                          nodes.raw("", r"\end{bookwide}", format="latex")]
            table.replace_self(fitted)


def setup(app):
    """Register with Sphinx."""
    app.add_post_transform(FitTables)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
