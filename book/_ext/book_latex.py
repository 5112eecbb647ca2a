r"""The book as one LaTeX document: its order of pages, its title and colophon, its mathematics.

Sphinx takes the first page of the table of contents for a list of chapters and drops its
heading. Here that page is the preface: a chapter before the numbered ones, which stand between
``\mainmatter`` and ``\backmatter`` and so get the numbers that they have on the site.
"""

import json
import re
from pathlib import Path

import yaml
from docutils import nodes
from docutils.utils import new_document
from sphinx import addnodes
from sphinx.builders.latex import LaTeXBuilder

FOLDER = Path(__file__).resolve().parents[1] / "_latex"
# The front matter begins with the title page, in _latex/titlepages.tex.
DIVISIONS = ("", r"\mainmatter", r"\backmatter")


def divisions(site_map, left_out):
    """Split the pages of the table of contents at the first and after the last numbered part.

    Parameters
    ----------
    site_map : sphinx_external_toc.api.SiteMap
    left_out : collection of str
        Pages that the paper does not show.

    Returns
    -------
    tuple of three lists of str
        Pages before the numbered parts, in them, and after them.

    Raises
    ------
    ValueError
        If a page to leave out is not in the table of contents.
    """
    pages = [[site_map.root.docname], [], []]
    for part in site_map.root.subtrees:
        if part.numbered:
            place = 1
        else:
            place = 2 if pages[1] else 0
        pages[place] += part.files()
    known = [page for division in pages for page in division]
    for page in left_out:
        if page not in known:
            raise ValueError(
                f"paper_leaves_out must name pages of _toc.yml ({', '.join(known)}); got {page!r}")
    return tuple([page for page in division if page not in left_out] for division in pages)


def last_execution(folder):
    """Return the date, YYYY-MM-DD, on which a chapter was last executed; "" if none was.

    It stands for the date of the document, so that the same outputs make the same pages.
    """
    records = [json.loads(path.read_text("utf8"))["metadata"].get("featlearn", {})
               for path in sorted(folder.glob("*.ipynb"))]
    return max((record.get("date", "") for record in records), default="")


def plain(text):
    r"""Write a text so that LaTeX sets it as it stands.

    >>> plain("50 % of R&D")
    '50 \\% of R\\&D'
    """
    return re.sub(r"([&%$#_{}])", r"\\\1", text)


class BookBuilder(LaTeXBuilder):
    """The LaTeX builder, for a book whose first page is its preface."""

    def update_doc_context(self, title, author, theme):
        """Add to Sphinx's settings what comes from CITATION.cff, the twins and MathJax's macros."""
        super().update_doc_context(title, author, theme)
        source = Path(self.srcdir)
        citation = yaml.safe_load((source / "CITATION.cff").read_text("utf8"))
        date = last_execution(source / "book" / "notebooks")
        said = {
            "BookTitle": title,
            "BookSource": citation["title"],
            "BookAuthors": ", ".join(author["name"] for author in citation["authors"]),
            "BookVersion": str(citation["version"]),
            "BookDate": date,
            "BookYear": date[:4],
            "BookKeywords": ", ".join(citation["keywords"]),
        }
        self.context |= {
            "date": date,
            "preamble": "\n".join((
                *(rf"\newcommand{{\{name}}}{{{plain(text)}}}"
                  for name, text in said.items()),
                r"\usepackage{featlearn}",
                *(rf"\newcommand{{\{name}}}{{{body}}}"
                  for name, body in self.config.mathjax3_config["tex"]["macros"].items()),
            )),
            "maketitle": r"\input{titlepages}",
            "tableofcontents": r"\tableofcontents",
        }

    def get_contentsname(self, indexfile):
        """Name the table of contents."""
        return "Contents"

    def copy_support_files(self):
        """Copy the book's own style beside Sphinx's."""
        super().copy_support_files()
        for path in sorted(FOLDER.iterdir()):
            (Path(self.outdir) / path.name).write_bytes(path.read_bytes())

    def assemble_doctree(self, indexfile, toctree_only, appendices):
        """Put the pages one after another, without those that the paper leaves out."""
        groups = divisions(self.env.external_site_map, self.config.paper_leaves_out)
        self.docnames = {page for group in groups for page in group}
        document = new_document("book")
        # Sphinx takes the first title of a document for the title of the book.
        book = nodes.section("", nodes.title(text="The book"))
        document += book
        for name, group in zip(DIVISIONS, groups, strict=True):
            book += nodes.raw("", name, format="latex")
            book.extend(map(self.page, group))
        self.env.resolve_references(document, indexfile, self)
        # What refers to a page that is left out stays as text.
        for reference in list(document.findall(addnodes.pending_xref)):
            reference.replace_self(nodes.Text(reference["refsectname"]))
        return document

    def page(self, docname):
        """Read one page, without its list of further pages."""
        page = addnodes.start_of_file(docname=docname)
        page += self.env.get_doctree(docname).children
        for toctree in list(page.findall(addnodes.toctree)):
            toctree.parent.remove(toctree)
        for section in page.findall(nodes.section):
            section["docname"] = docname
        return page


def setup(app):
    """Register with Sphinx in place of its own LaTeX builder."""
    app.add_builder(BookBuilder, override=True)
    app.add_config_value("paper_leaves_out", [], "")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
