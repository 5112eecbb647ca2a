"""What a reader may take from a chapter: its notebooks, its data, its slides, its reference."""

import json
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective
from sphinx.util.osutil import relative_uri

from _tools.chapters import chapter_path, twin_path
from _tools.citation import bibtex
from _tools.inputs import chapter_inputs

from .chapter_status import title
from .downloads import download, size
from .slides import slides_url

# take-along.js fills it in and shows it, where the page has an address that others can reach.
PERMANENT_LINK = '<p class="permanent-link" hidden>Its permanent link is <a href="#"></a>.</p>'


class SlidesItem(nodes.General, nodes.Element):
    """Where the link to a chapter's slides will stand, if the chapter has slides."""


class TakeAlong(SphinxDirective):
    """List the files of the chapter in which it stands, how to run it, and how to cite it."""

    def run(self):
        """Build the list from the files themselves."""
        root, name = Path(self.env.srcdir), Path(self.env.docname).stem
        try:
            text, twin = chapter_path(root, name), twin_path(root, name)
        except ValueError as error:
            raise self.error(f"take-along: {error}") from None
        stored = [path for path in chapter_inputs(root, name) if path.suffix in (".nc", ".json")]
        for path in (text, twin, *stored, root / "CITATION.cff"):
            self.env.note_dependency(str(path))
        reference = bibtex(root, name, title(json.loads(twin.read_text("utf8"))))
        items = [
            item(["With all outputs: ", *self.files([twin]), ". As text, which Jupyter opens with "
                  "the extension jupytext: ", *self.files([text]), "."]),
            SlidesItem(),
            item(["To run it again, in a clone of the repository or in the folder ",
                  nodes.literal(text="repository"), " of a released copy of this book:"],
                 block(f"make chapter C={name}", "text")),
            item(["To cite it:"], block(reference, "bibtex"),
                 nodes.raw("", PERMANENT_LINK, format="html")),
        ]
        if stored:
            items.insert(1, item(["Stored results that it uses: ", *self.files(sorted(stored)),
                                  "."]))
        return [nodes.bullet_list("", *items, classes=["take-along"])]

    def files(self, paths):
        """Link to files, each with its size, with commas between."""
        linked = []
        for path in paths:
            linked += [", "] if linked else []
            linked += [download(self.env, path, path.name), f" ({size(path)})"]
        return linked


class CiteBook(SphinxDirective):
    """The BibTeX entry of the whole book."""

    def run(self):
        """Read it from CITATION.cff."""
        root = Path(self.env.srcdir)
        self.env.note_dependency(str(root / "CITATION.cff"))
        return [block(bibtex(root), "bibtex")]


def item(words, *blocks):
    """Build an item of a list: a paragraph of texts and inline nodes, then blocks."""
    inline = [nodes.Text(word) if isinstance(word, str) else word for word in words]
    return nodes.list_item("", nodes.paragraph("", "", *inline), *blocks)


def block(text, language):
    """Build a block of code, to which the site adds a button that copies it."""
    return nodes.literal_block(text, text, language=language)


def link_slides(app, doctree, docname):
    """Link to the chapter's slides, or leave the line out if it has none."""
    url = slides_url(app, docname)
    for place in list(doctree.findall(SlidesItem)):
        items = []
        if url:
            here = app.builder.get_target_uri(docname)
            link = nodes.reference("", "slides", refuri=relative_uri(here, url), internal=True)
            items = [item(["Its ", link, ", with speaker notes."])]
        place.parent.replace(place, items)


def setup(app):
    """Register with Sphinx."""
    app.add_node(SlidesItem)
    app.add_directive("take-along", TakeAlong)
    app.add_directive("cite-book", CiteBook)
    app.connect("doctree-resolved", link_slides)
    app.add_js_file("take-along.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
