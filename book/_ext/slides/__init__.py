"""Slides, written in a chapter beside their material and shown apart from it.

````{slide} Title
:equations: eq-one eq-two
:figure: fig-one
:beside:

A few points.

```{notes}
What the speaker says.
```
````

Equations and the figure are named by their labels in the book and taken from there. The page
of the chapter shows nothing of this; the deck is ``slides/NAME.html``.
"""

from pathlib import Path
from shutil import copy

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from . import deck

LOGGER = logging.getLogger(__name__)
KEY = "slides"  # of the metadata of a page that has some
# Of reveal.js, what a deck asks for; the theme is the book's own, in book/_static.
REVEAL = ("LICENSE", "dist/reveal.js", "dist/reveal.css", "dist/plugin/notes.js")


class slide(nodes.General, nodes.Element):  # noqa: N801 (docutils names nodes so)
    """One slide: its title, then its text and notes. It never reaches a page."""


class notes(nodes.General, nodes.Element):  # noqa: N801
    """What the speaker says."""


class Slide(SphinxDirective):
    """Keep a slide for the chapter's deck."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec = {
        "equations": directives.unchanged_required,
        "figure": directives.unchanged_required,
        "beside": directives.flag,  # the figure stands right of the text, not below
    }

    def run(self):
        """Parse the title and the text; labels are looked up when all pages are read."""
        title, _ = self.parse_inline(self.arguments[0])
        heading = nodes.inline("", "", *title)
        node = slide("", heading, *self.parse_content_to_nodes())
        if not any(node.findall(notes)):
            raise self.error(f"the slide {heading.astext()!r} has no {{notes}}")
        node["name"] = nodes.make_id(heading.astext())
        node["equations"] = self.options.get("equations", "").split()
        node["figure"] = self.options.get("figure")
        node["beside"] = "beside" in self.options
        self.set_source_info(node)
        self.env.metadata[self.env.docname][KEY] = True
        return [node]


class Notes(SphinxDirective):
    """What the speaker says to a slide, in words."""

    has_content = True

    def run(self):
        """Parse the text. The speaker's window typesets no mathematics."""
        node = notes("", *self.parse_content_to_nodes())
        if any(node.findall(nodes.math)) or any(node.findall(nodes.math_block)):
            raise self.error("notes are spoken: say the mathematics in words")
        return [node]


def reveal(app):
    """Return the folder of reveal.js, or None if npm could not fetch it."""
    folder = Path(app.srcdir) / "_build" / "web" / "node_modules" / "reveal.js"
    return folder if (folder / "dist").is_dir() else None


def slides_url(app, docname):
    """Tell where the slides of a page are.

    Parameters
    ----------
    app : sphinx.application.Sphinx
    docname : str

    Returns
    -------
    str or None
        The address below the root of the site, such as ``slides/bound.html``; None if the
        page has no slides, or the site has none.
    """
    has = app.builder.format == "html" and KEY in app.env.metadata[docname] and reveal(app)
    return deck.address(docname) if has else None


def take_out(app, doctree, docname):
    """Take the slides out of a page and write its deck; complain of what it lacks."""
    found = list(doctree.findall(slide))
    for node in found:
        node.parent.remove(node)
    if not found or app.builder.format != "html":
        return
    book = deck.Book(app, doctree, docname)
    slides = []
    for node in found:
        try:
            slides.append(book.slide(node, notes))
        except deck.SlideError as error:
            LOGGER.error("%s: %s", docname.split("/")[-1], error, location=node)
    names = [made.name for made in slides]
    for name in sorted({name for name in names if names.count(name) > 1}):
        LOGGER.error("%s: two slides are called %r", docname.split("/")[-1], name)
    if slides_url(app, docname):
        book.write(slides)


def finish(app, error):
    """Write the list of all decks, and put what they ask for beside them."""
    if error is not None or app.builder.format != "html":
        return
    pages = [page for page in app.env.collect_relations() if slides_url(app, page)]
    if not pages:
        return
    target = Path(app.outdir) / "_static" / "reveal"
    target.mkdir(parents=True, exist_ok=True)
    for name in REVEAL:
        copy(reveal(app) / name, target)
    deck.write_list(app, pages)


def add_button(app, pagename, templatename, context, doctree):
    """Put a button on the head of a page that leads to its slides."""
    if doctree is None or not slides_url(app, pagename):
        return
    button = {"type": "link", "url": context["pathto"](slides_url(app, pagename), 1),
              "text": "Slides", "tooltip": "Slides of this chapter, with notes",
              "icon": "fas fa-person-chalkboard", "label": "slides-button"}
    context.setdefault("header_buttons", []).insert(0, button)


def setup(app):
    """Register with Sphinx."""
    app.add_node(slide)
    app.add_node(notes)
    app.add_directive("slide", Slide)
    app.add_directive("notes", Notes)
    app.connect("doctree-resolved", take_out)
    app.connect("build-finished", finish)
    app.connect("html-page-context", add_button, priority=900)  # after the theme's own
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
