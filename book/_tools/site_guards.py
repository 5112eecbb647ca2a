"""What is demanded of the built site. Each check returns a list of complaints."""

import re
from urllib.parse import unquote, urlsplit

import yaml
from bs4 import BeautifulSoup

# An unresolved reference of Sphinx's standard and math domains stays a span outside a link.
UNRESOLVED = ("span.problematic", ".system-message", "span.xref.std", "span.xref.eq",
              "a.reference[href='']")
# A role, a table or mathematics that was not parsed stays as it was typed.
UNRENDERED = re.compile(r"\{(eq|ref|numref|cite(:\w+)?|doc|prf:ref)\}`|\|---\|---|\$[^$]+\$")
# Kinds of link targets on which others may build.
PERMANENT = {"equation": "div.math[id^=equation-]", "figure": "figure[id]",
             "section": "section[id]:has(> h1, > h2, > h3, > h4), section > span[id]",
             "exercise": "div.exercise[id]", "verdict": "tr[id^=verdict-]",
             "paper": "tr[id^=paper-]", "result": "tr[id^=result-]"}


def read_site(html):
    """Parse every page of a site.

    Parameters
    ----------
    html : pathlib.Path
        Folder of the site.

    Returns
    -------
    dict of pathlib.Path to bs4.BeautifulSoup
    """
    return {path.resolve(): BeautifulSoup(path.read_text("utf8"), "html.parser")
            for path in sorted(html.rglob("*.html")) if "_static" not in path.parts}


def pages_listed(root, html):
    """Each page of the table of contents was built."""
    toc = yaml.safe_load((root / "_toc.yml").read_text("utf8"))
    files = [toc["root"], *(chapter["file"] for part in toc.get("parts", [])
                            for chapter in part["chapters"])]
    return [f"{file}.html is missing" for file in files if not (html / f"{file}.html").exists()]


def images_described(pages):
    """Each image has alt text, and its file exists."""
    complaints = []
    for path, page in pages.items():
        for image in page.find_all("img"):
            source = image.get("src", "")
            alt = image.get("alt", "").strip()
            if not alt or alt == source:
                complaints.append(f"{path.name}: image {source} has no alt text")
            if is_local(source) and not (path.parent / unquote(source)).exists():
                complaints.append(f"{path.name}: image {source} does not exist")
    return complaints


def links_resolve(pages):
    """Each internal link leads to a file, and each fragment to an id on that page."""
    complaints = []
    ids = {path: {tag.get(key) for tag in page.find_all(True) for key in ("id", "name")}
           for path, page in pages.items()}
    for path, page in pages.items():
        for link in page.find_all("a", href=True):
            href = link["href"]
            if not is_local(href) or href in ("#", ""):
                continue
            parts = urlsplit(href)
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                complaints.append(f"{path.name}: {href} leads nowhere")
            elif parts.fragment and target in ids and unquote(parts.fragment) not in ids[target]:
                complaints.append(f"{path.name}: {href} has no such place on its page")
    return complaints


def is_local(href):
    """Tell whether a link stays within the site."""
    parts = urlsplit(href)
    return not parts.scheme and not parts.netloc


def references_resolved(pages):
    """No trace of a reference that Sphinx could not resolve, nor of its messages."""
    complaints = []
    for path, page in pages.items():
        for selector in UNRESOLVED:
            complaints += [f"{path.name}: {selector}: {tag.get_text()[:60]!r}"
                           for tag in page.select(selector) if not tag.find_parent("a")]
        complaints += [f"{path.name}: unresolved reference {link.get_text()!r}"
                       for link in page.select("a.reference") if "??" in link.get_text()]
        prose = " ".join(text for text in page.find_all(string=True)
                         if not text.find_parent(["pre", "code", "script", "style"])
                         and not text.find_parent(class_="math"))
        complaints += [f"{path.name}: {mark[0]!r} was not rendered"
                       for mark in UNRENDERED.finditer(prose)]
    return complaints


def places_linked(pages):
    """What others may cite shows a link to itself: the "#" of a heading, say."""
    return [f"{path.name}: {kind} {name} shows no link to itself"
            for path, page in pages.items()
            for kind, names in permanent_anchors(page).items()
            for name in sorted(names)
            if page.find(id=name).name != "span"  # another label of a place that has its link
            and not page.select(f'a.headerlink[href="#{name}"]')]


def permanent_anchors(page):
    """Collect the ids on a page that others may cite, by kind.

    An id such as ``id3`` is a number that Sphinx gave, not a label.

    Returns
    -------
    dict of str to set of str
        Under the keys of ``PERMANENT``.
    """
    return {kind: {tag["id"] for tag in page.select(selector)
                   if not re.fullmatch(r"id\d+", tag["id"])}
            for kind, selector in PERMANENT.items()}
