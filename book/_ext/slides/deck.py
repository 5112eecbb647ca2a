"""A deck made from a chapter: equations and figures by label, text as HTML, one page."""

import json
import posixpath
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from docutils import nodes
from jinja2 import Environment, FileSystemLoader

from featlearn import __version__

FOLDER = "slides"
TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True,
                        trim_blocks=True, lstrip_blocks=True)


class SlideError(ValueError):
    """A slide that names what the book does not have."""


@dataclass(frozen=True)
class Equation:
    """A numbered equation: its mathematics as HTML, its number, and its place in the book."""

    html: str
    number: str
    href: str


@dataclass(frozen=True)
class Figure:
    """A numbered figure: its file, description, number, opening words, and place."""

    src: str
    alt: str
    number: str
    lead: str
    href: str


@dataclass(frozen=True)
class Slide:
    """One slide, ready for the template."""

    name: str
    title: str
    equations: tuple
    text: str
    figure: Figure | None
    beside: bool
    notes: str


def address(docname):
    """Return where the deck of a page is, below the root of the site.

    Examples
    --------
    >>> address("book/notebooks/bound")
    'slides/bound.html'
    """
    return f"{FOLDER}/{posixpath.basename(docname)}.html"


def from_deck(page, href):
    """Rewrite a link of a page so that it leads to the same place from a deck.

    Parameters
    ----------
    page : str
        Address of the page below the root of the site.
    href : str
        A link on that page.

    Examples
    --------
    >>> from_deck("book/notebooks/bound.html", "#bound-limit")
    '../book/notebooks/bound.html#bound-limit'
    >>> from_deck("book/notebooks/bound.html", "../notation.html")
    '../book/notation.html'
    >>> from_deck("book/notebooks/bound.html", "https://a.test/b")
    'https://a.test/b'
    """
    parts = urlsplit(href)
    if parts.scheme or parts.netloc:
        return href
    path = posixpath.join(posixpath.dirname(page), parts.path) if parts.path else page
    path = posixpath.relpath(path, FOLDER)
    return f"{path}#{parts.fragment}" if parts.fragment else path


class Book:
    """What one chapter's deck takes from the book.

    Parameters
    ----------
    app : sphinx.application.Sphinx
    doctree : docutils.nodes.document
        The chapter, with its references resolved.
    docname : str
        Its name.
    """

    def __init__(self, app, doctree, docname):
        self.app, self.docname = app, docname
        self.page = app.builder.get_target_uri(docname)
        self.trees = {docname: doctree}

    def slide(self, node, notes):
        """Make a slide from its node.

        Parameters
        ----------
        node : docutils.nodes.Element
            Holds the title and then the text; what it names is in its attributes.
        notes : type
            Class of the nodes below it that hold the speaker's words.

        Raises
        ------
        SlideError
            If the book lacks an equation, or the chapter a figure.
        """
        title, *content = node.children
        spoken = [part for part in content if isinstance(part, notes)]
        shown = [part for part in content if not isinstance(part, notes)]
        words = [part for note in spoken for part in note.children]
        return Slide(
            name=node["name"],
            title=self.html(title),
            equations=tuple(self.equation(label) for label in node["equations"]),
            text=self.html(*shown),
            figure=self.figure(node["figure"]) if node["figure"] else None,
            beside=node["beside"],
            notes=self.html(*words),
        )

    def equation(self, label):
        """Find a numbered equation of any chapter by its label."""
        env = self.app.env
        found = env.get_domain("math").equations.get(label)
        if not found:
            raise SlideError(f"no chapter has an equation {label!r}")
        docname = found[0]
        node = next(block for block in self.tree(docname).findall(nodes.math_block)
                    if block.get("label") == label)
        (place,) = node["ids"]
        bare = node.deepcopy()
        bare["ids"], bare["number"] = [], None
        number = self.number(docname, "displaymath", place) or str(found[1])
        return Equation(self.html(bare), f"({number})", self.href(docname, place))

    def figure(self, label):
        """Find a figure of this chapter by its label."""
        found = [node for node in self.trees[self.docname].findall(nodes.figure)
                 if label in node["ids"]]
        if not found:
            raise SlideError(f"the chapter has no figure {label!r}")
        image = next(found[0].findall(nodes.image), None)
        if image is None:
            raise SlideError(f"the figure {label!r} holds no image")
        file = self.app.env.images[image["uri"]][1]
        number = self.number(self.docname, "figure", label)
        return Figure(
            src=f"../{self.app.builder.imagedir}/{file}",
            alt=image.get("alt", ""),
            number=self.app.config.numfig_format["figure"] % number,
            lead=self.lead(found[0]),
            href=self.href(self.docname, label),
        )

    def lead(self, figure):
        """Return what a caption says in bold, which is its subject, or all of it."""
        caption = next(figure.findall(nodes.caption))
        parts = []
        for part in list(caption.findall(nodes.strong)) or [caption]:
            words = [child.deepcopy() for child in part.children]
            if isinstance(words[-1], nodes.Text):
                words[-1] = nodes.Text(words[-1].rstrip(" .:,"))
            parts.append(self.html(nodes.inline("", "", *words)))
        return " · ".join(parts)

    def number(self, docname, kind, place):
        """Return the number that Sphinx gave to an equation or a figure, as the book prints it."""
        numbers = self.app.env.toc_fignumbers.get(docname, {}).get(kind, {})
        return ".".join(map(str, numbers.get(place, ())))

    def href(self, docname, place):
        """Return the link to a place in the book."""
        return from_deck(self.app.builder.get_target_uri(docname), f"#{place}")

    def tree(self, docname):
        """Return the tree of a page, read once."""
        if docname not in self.trees:
            self.trees[docname] = self.app.env.get_doctree(docname)
        return self.trees[docname]

    def html(self, *parts):
        """Render nodes of this chapter; their links lead from the deck."""
        for part in parts:
            for link in part.findall(nodes.reference):
                uri = link.get("refuri") or f"#{link.attributes.pop('refid')}"
                link["refuri"] = from_deck(self.page, uri)
        render = self.app.builder.render_partial
        return "".join(render(part)["fragment"] for part in parts).strip()

    def cite(self):
        """Return the link to the section of the chapter that says how to cite it."""
        labels = self.app.env.get_domain("std").labels
        for label, (docname, place, _) in labels.items():
            if docname == self.docname and label.endswith("-cite"):
                return self.href(docname, place)
        return from_deck(self.page, "")

    def write(self, slides):
        """Write the deck."""
        write(self.app, address(self.docname), "deck.html", slides=slides,
              chapter=self.app.env.titles[self.docname].astext(),
              href=from_deck(self.page, ""), cite=self.cite(),
              mathjax=json.dumps(self.app.config.mathjax3_config or {}))


def write_list(app, pages):
    """Write the list of the decks of some pages, in their order."""
    decks = [(posixpath.basename(address(page)), app.env.titles[page].astext(),
              from_deck(app.builder.get_target_uri(page), "")) for page in pages]
    root = from_deck(app.builder.get_target_uri(app.config.root_doc), "")
    write(app, f"{FOLDER}/index.html", "index.html", decks=decks, root=root)


def write(app, path, template, **values):
    """Fill a template with values and with what every page says of the book."""
    config = app.config
    text = TEMPLATES.get_template(template).render(
        book=config.html_title, authors=config.author, rights=config.copyright,
        year=config.copyright[:4], version=__version__, **values)
    target = Path(app.outdir) / path
    target.parent.mkdir(exist_ok=True)
    target.write_text(text, "utf8")
