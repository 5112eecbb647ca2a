"""Verdicts: an anchor for every row, and the closing page, which gathers those of all chapters.

The rows are read from the executed twins.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective

from featlearn.experiments.verdicts import MIME, VERDICTS, VerdictTable

from .program_data import bundles

PART = "Chapters"  # the part of the table of contents whose pages argue claims
TITLE = re.compile(r"^# +(.+?) *$", re.M)
SECTION = re.compile(r"^\((\S+)\)=\n+## +Verdict *$", re.M)
SOURCE = re.compile(r"\s*\([^()]*\)$")  # a claim's last words: "(fig. 1b)", "(this book)"


class VerdictError(ValueError):
    """A chapter whose verdicts cannot be gathered, or that name what does not exist."""


@dataclass(frozen=True)
class Chapter:
    """What the closing page takes from one twin.

    Parameters
    ----------
    name : str
        Name of its file, without the ending.
    title : str
        Its first heading.
    section : str
        Label of its section "Verdict".
    figures : frozenset of str
        Labels of its figures.
    rows : tuple of dict
        The rows of its verdict tables: the fields of
        :class:`featlearn.experiments.verdicts.Verdict`.
    """

    name: str
    title: str
    section: str
    figures: frozenset
    rows: tuple


def read(path):
    """Read the verdicts of one executed twin.

    Parameters
    ----------
    path : pathlib.Path
        The notebook.

    Returns
    -------
    Chapter

    Raises
    ------
    VerdictError
        If it holds no rows, no title, or no label of its section "Verdict".
    """
    name = path.stem
    cells = json.loads(path.read_text("utf8"))["cells"]
    rows = stored_rows(cells)
    if not rows:
        raise VerdictError(
            f"{name}: no verdicts are stored in the outputs of its executed twin; "
            f"execute it again (make book, or make chapter C={name})"
        )
    text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    title, section = TITLE.search(text), SECTION.search(text)
    if not title or not section:
        raise VerdictError(f"{name}: a title and a label before '## Verdict' are needed")
    settings = [cell["metadata"].get("mystnb", {}).get("figure", {}) for cell in cells]
    figures = frozenset(figure["name"] for figure in settings if "name" in figure)
    return Chapter(name, title[1], section[1], figures, tuple(rows))


def stored_rows(cells):
    """List the rows of all verdict tables of a notebook."""
    return [row for bundle in bundles(cells) for row in bundle.get(MIME, {}).get("rows", ())]


def row_anchors(chapter, rows):
    """Name each row of a chapter after its claim, or as its author did.

    What was measured and where a row stands may change; its anchor stays.

    Parameters
    ----------
    chapter : str
        Name of the chapter.
    rows : sequence of dict
        The fields of :class:`featlearn.experiments.verdicts.Verdict`.

    Returns
    -------
    list of str

    Raises
    ------
    VerdictError
        If two rows get the same name.

    Examples
    --------
    >>> row_anchors("tiny", [{"claim": r"$P\\propto d$ (fig. 1)"}, {"claim": "the same, wider"},
    ...                      {"claim": "any", "name": "own"}])
    ['verdict-tiny-p-propto-d', 'verdict-tiny-p-propto-d-the-same-wider', 'verdict-tiny-own']
    """
    anchors, last = [], ""
    for row in rows:
        words = SOURCE.sub("", row["claim"]).replace("'", "").lower()
        slug = "-".join(re.findall("[a-z0-9]+", words))
        if slug.startswith("the-same"):
            slug = f"{last}-{slug}"
        else:
            last = slug
        found = f"verdict-{chapter}-{row.get('name') or slug}"
        if found in anchors:
            raise VerdictError(f"{chapter}: two verdicts have the anchor {found!r}; give the one "
                               f"on {row['claim']!r} a name=")
        anchors.append(found)
    return anchors


def body_rows(tables):
    """List the rows of the bodies of tables."""
    return [row for table in tables for row in table.next_node(nodes.tbody).children]


def in_slide(node):
    """Tell whether a node stands on a slide, where rows are shown once more."""
    while node is not None and node.tagname != "slide":
        node = node.parent
    return node is not None


class VerdictAnchors(SphinxTransform):
    """Give the rows of a chapter's verdict tables their anchors, as labels to refer to."""

    default_priority = 590

    def apply(self, **kwargs):
        """Match the rows of the page's tables with those stored in its twin."""
        path = Path(self.env.doc2path(self.env.docname))
        if path.suffix != ".ipynb":
            return
        rows = stored_rows(json.loads(path.read_text("utf8"))["cells"])
        shown = body_rows(table for table in self.document.findall(nodes.table)
                          if not in_slide(table) and [
                              entry.astext() for entry in table.next_node(nodes.thead).findall(
                                  nodes.entry)] == list(VerdictTable.columns))
        if len(shown) != len(rows):
            raise ExtensionError(f"{path.stem}: {len(rows)} verdicts are stored in its executed "
                                 f"twin, and {len(shown)} are on its page")
        try:
            anchors = row_anchors(path.stem, rows)
        except VerdictError as error:
            raise ExtensionError(str(error)) from None
        for row, anchor in zip(shown, anchors, strict=True):
            row["ids"], row["names"] = [anchor], [anchor]
            self.document.note_explicit_target(row)


def check(chapters, results):
    """Refuse a row that names a figure or a stored result that does not exist, or is not unique.

    Parameters
    ----------
    chapters : sequence of Chapter
    results : collection of str
        Names of the stored results.

    Raises
    ------
    VerdictError
        With the chapter, the claim and the name.
    """
    figures = frozenset().union(*(chapter.figures for chapter in chapters))
    for chapter in chapters:
        row_anchors(chapter.name, chapter.rows)
        for row in chapter.rows:
            where = f"{chapter.name}: the verdict on {row['claim']!r} names"
            if row["figure"] is not None and row["figure"] not in figures:
                raise VerdictError(f"{where} the figure {row['figure']!r}, which no chapter has")
            for name in row["results"]:
                if name not in results:
                    raise VerdictError(f"{where} the result {name!r}, which is not stored")


def counts(rows):
    """Count the verdicts, in the order of ``VERDICTS``.

    Examples
    --------
    >>> counts([{"verdict": "agrees"}, {"verdict": "not decided"}, {"verdict": "agrees"}])
    [2, 0, 1]
    """
    found = Counter(row["verdict"] for row in rows)
    return [found[verdict] for verdict in VERDICTS]


def markdown(header, rows):
    """Write a table of texts.

    Examples
    --------
    >>> print(markdown(("a", "b"), [("1", "2")]))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    lines = [header, *rows]
    written = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([written[0], "|" + "---|" * len(header), *written[1:]])


def table_label(chapter):
    """Return the label of a chapter's table on the closing page."""
    return f"verdicts-{chapter.name}"


def summary(chapters):
    """Write the table of how many claims held, a line for each chapter and one for all."""
    lines = [
        (f"{{ref}}`{chapter.title} <{table_label(chapter)}>`", chapter.rows) for chapter in chapters
    ]
    everything = [row for chapter in chapters for row in chapter.rows]
    return markdown(
        ("chapter", *VERDICTS, "claims"),
        [
            (name, *map(str, counts(rows)), str(len(rows)))
            for name, rows in [*lines, ("**all**", everything)]
        ],
    )


def detail(chapter):
    """Write a chapter's table, with the figure and the results of each row."""
    lines = []
    for row in chapter.rows:
        cells = [row[column] for column in VerdictTable.columns]
        cells[-1] = f"**{cells[-1]}**"
        figure = f"{{numref}}`{row['figure']}`" if row["figure"] else "–"
        results = ", ".join(f"{{ref}}`{name}.nc <result-{name}>`" for name in row["results"])
        lines.append((*cells, figure, results or "–"))
    table = markdown((*VerdictTable.columns, "figure", "stored results"), lines)
    return (
        f"From {{ref}}`its verdict <{chapter.section}>`, where the open and failed claims are "
        f"explained.\n\n{table}"
    )


class VerdictTables(SphinxDirective):
    """How many claims held, then the rows of all chapters, a section each."""

    def run(self):
        """Gather the rows in the order of the contents, check them, and parse their text."""
        source = Path(self.env.srcdir)
        paths = [source / f"{page}.ipynb" for page in argued(self.env)]
        for path in paths:
            self.env.note_dependency(str(path))
        try:
            chapters = [read(path) for path in paths]
            check(chapters, {path.stem for path in (source / "book" / "results").glob("*.nc")})
        except VerdictError as error:
            raise self.error(str(error)) from None
        counted = self.table(summary(chapters), "verdict-summary")
        return [*counted, *map(self.section, chapters)]

    def table(self, text, name):
        """Parse text that holds a table, and give the table a class for its style."""
        parsed = self.parse_text_to_nodes(text)
        for node in parsed:
            for table in node.findall(nodes.table):
                table["classes"].append(name)
        return parsed

    def section(self, chapter):
        """Build the section of one chapter, under a label that other pages may refer to."""
        section = nodes.section(ids=[table_label(chapter)], names=[table_label(chapter)])
        self.state.document.note_explicit_target(section)
        title, _ = self.parse_inline(chapter.title)
        section += nodes.title("", "", *title)
        section += self.table(detail(chapter), "verdict-table")
        # The label of a row leads to the chapter, so here the row has the id alone.
        for row, name in zip(body_rows(section.findall(nodes.table)),
                             row_anchors(chapter.name, chapter.rows), strict=True):
            row["ids"] = [name]
        return section


class VerdictRows(SphinxDirective):
    """The counts of this chapter's own verdicts and some of its rows, for a slide.

    Each line of the content is a piece of one claim, and of one only.
    """

    has_content = True

    def run(self):
        """Read this chapter's twin and parse the rows that are asked for."""
        try:
            chapter = read(Path(self.env.doc2path(self.env.docname)))
            rows = pick(chapter, self.content)
        except VerdictError as error:
            raise self.error(str(error)) from None
        lines = [[row[column] for column in VerdictTable.columns] for row in rows]
        table = self.parse_text_to_nodes(markdown(VerdictTable.columns, lines))
        for node in table:
            for found in node.findall(nodes.table):
                found["classes"].append("verdict-rows")
            for line, row in zip(list(node.findall(nodes.row))[1:], rows, strict=True):
                line[-1]["classes"].append(row["verdict"].replace(" ", "-"))
        return [*self.parse_text_to_nodes(counted(chapter)), *table]


def pick(chapter, pieces):
    """Choose rows by pieces of their claims.

    Raises
    ------
    VerdictError
        If a piece is in no claim of the chapter, or in more than one.
    """
    rows = []
    for piece in pieces:
        found = [row for row in chapter.rows if piece in row["claim"]]
        if len(found) != 1:
            raise VerdictError(
                f"{chapter.name}: {len(found)} claims hold {piece!r}, one is needed; "
                f"the claims are {[row['claim'] for row in chapter.rows]}"
            )
        rows += found
    return rows


def counted(chapter):
    """Write how many of a chapter's claims held, with a link to all."""
    found = zip(counts(chapter.rows), VERDICTS, strict=True)
    numbers = ", ".join(f"**{number}** {verdict}" for number, verdict in found)
    return f"{{ref}}`{len(chapter.rows)} claims <{chapter.section}>`: {numbers}."


def argued(env):
    """List the pages of the contents' part "Chapters"."""
    return [
        page
        for tree in env.external_site_map.root.subtrees
        if tree.caption == PART
        for page in tree.files()
    ]


def setup(app):
    """Register with Sphinx."""
    app.add_directive("verdict-tables", VerdictTables)
    app.add_directive("verdict-rows", VerdictRows)
    app.add_transform(VerdictAnchors)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
