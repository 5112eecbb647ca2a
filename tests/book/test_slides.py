"""Slides: what is taken from the book, what is refused, and what the real decks hold."""

import io
import json
from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from _ext import verdicts
from _tools.chapters import ROOT

SETTINGS = {
    "extensions": ["myst_parser", "_ext.slides"],
    "html_theme": "basic",
    "html_title": "A book",
    "author": "some authors",
    "copyright": "2026 some authors",
    "myst_enable_extensions": ["dollarmath"],
    "numfig": True,
    "math_numfig": True,
    "numfig_secnum_depth": 1,
    "mathjax3_config": {"tex": {"macros": {"E": "\\mathbb{E}"}}},
    "master_doc": "index",
}
PAGES = {
    "index": "# All\n\n```{toctree}\n:numbered:\n\none\ntwo\n```\n",
    "one": """\
# The one

```{math}
:label: eq-first
a \\ge \\E b
```

```{figure} dot.svg
:name: fig-dot
:alt: A dot on nothing.

**A dot, $r=1$.** Nothing else is there.
```

(one-cite)=
## How to cite
""",
    "two": "# The two\n\n```{math}\n:label: eq-second\nc = d\n```\n",
}
SLIDE = """
````{slide} Shown $x$
:equations: eq-first eq-second
:figure: fig-dot
:beside:

Unheard words with $y$, see {eq}`eq-first` and [the other](two.md).

```{notes}
Whispered words.
```
````
"""
REVEAL = ("LICENSE", "dist/reveal.js", "dist/reveal.css", "dist/plugin/notes.js")


@pytest.fixture
def build(tmp_path):
    """Render a book of two pages, with slides added to the first."""

    def render(slides=SLIDE, builder="html", reveal=True):
        for name, text in PAGES.items():
            (tmp_path / f"{name}.md").write_text(text + (slides if name == "one" else ""))
        (tmp_path / "dot.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
        for name in REVEAL if reveal else ():
            file = tmp_path / "_build" / "web" / "node_modules" / "reveal.js" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(name)
        said, out = io.StringIO(), tmp_path / "out" / builder
        with docutils_namespace():
            app = Sphinx(
                tmp_path,
                None,
                out,
                tmp_path / "trees",
                builder,
                confoverrides={**SETTINGS, "exclude_patterns": ["_build", "out"]},
                status=None,
                warning=said,
                freshenv=True,
            )
            app.build()
        return SimpleNamespace(app=app, out=out, said=said.getvalue())

    return render


def deck(built, name="one"):
    return BeautifulSoup((built.out / "slides" / f"{name}.html").read_text("utf8"), "html.parser")


def test_equations_are_the_books(build):
    built = build()
    assert built.said == ""
    page = BeautifulSoup((built.out / "one.html").read_text("utf8"), "html.parser")
    in_book = page.select_one("[id='equation-eq-first']")
    first, second = deck(built).select("#shown-x .equation")
    assert first.select_one(".math").get_text(strip=True) == r"\[a \ge \E b\]"
    assert first.select_one(".math").get_text(strip=True) in in_book.get_text()
    assert first.a.get_text() == "(1.1)" == in_book.select_one(".eqno").contents[0]
    assert first.a["href"] == "../one.html#equation-eq-first"
    assert (second.a.get_text(), second.a["href"]) == ("(2.1)", "../two.html#equation-eq-second")
    assert r"\\mathbb{E}" in str(deck(built).head)


def test_figure_is_the_chapters(build):
    built = build()
    figure = deck(built).select_one("#shown-x figure")
    assert figure.img["alt"] == "A dot on nothing."
    assert (built.out / "slides" / figure.img["src"]).resolve().exists()
    assert figure.a["href"] == "../one.html#fig-dot"
    caption = " ".join(figure.figcaption.get_text().split())
    assert caption == r"Fig. 1.1 A dot, \(r=1\)"


def test_text_and_notes_are_in_the_deck_alone(build):
    built = build()
    slide = deck(built).select_one("#shown-x")
    assert slide.h2.get_text() == r"Shown \(x\)"
    words = slide.select_one(".words")
    assert r"\(y\)" in words.get_text()
    assert [link["href"] for link in words.select("a")] == [
        "../one.html#equation-eq-first",
        "../two.html",
    ]
    notes = slide.select_one("aside.notes")
    assert "Whispered words." in notes.get_text() and "A dot on nothing." in notes.get_text()
    for name in ("one.html", "searchindex.js"):
        text = (built.out / name).read_text("utf8").lower()
        assert "unheard" not in text and "whispered" not in text
    assert "slides/one.html" not in (built.out / "two.html").read_text("utf8")


def test_deck_opens_and_closes(build):
    built = build()
    page = deck(built)
    title, last = page.select_one("#title"), page.select_one("#cite")
    assert title.h1.get_text() == "The one"
    assert "A book" in title.get_text() and "some authors" in title.get_text()
    assert "Some authors, “The one”, in A book: an executable book" in last.get_text()
    assert last.find("a", string="As BibTeX")["href"] == "../one.html#one-cite"
    assert [a["href"] for a in deck(built, "index").select("ol a:first-child")][0] == "one.html"


def test_only_what_is_needed_is_copied(build):
    built = build()
    copied = {path.name for path in (built.out / "_static" / "reveal").iterdir()}
    assert copied == {"LICENSE", "reveal.js", "reveal.css", "notes.js"}


def test_others_learn_where_the_slides_are(build):
    built = build()
    from _ext.slides import slides_url

    assert slides_url(built.app, "one") == "slides/one.html"
    assert slides_url(built.app, "two") is None


def test_without_reveal_the_site_has_no_slides(build):
    built = build(reveal=False)
    assert built.said == "" and not (built.out / "slides").exists()
    assert "unheard" not in (built.out / "one.html").read_text("utf8").lower()
    from _ext.slides import slides_url

    assert slides_url(built.app, "one") is None


def test_paper_shows_no_slides(build):
    built = build(builder="latex")
    assert built.said == "" or "dot.svg" in built.said  # LaTeX takes no SVG
    (tex,) = built.out.glob("*.tex")
    text = tex.read_text("utf8").lower()
    assert "the one" in text and "unheard" not in text and "whispered" not in text


# Planted defects.


@pytest.mark.parametrize(
    "old, new, complaint",
    [
        ("eq-second", "eq-lost", "one: no chapter has an equation 'eq-lost'"),
        ("fig-dot", "fig-lost", "one: the chapter has no figure 'fig-lost'"),
        ("Whispered words.", "Whispered $z$.", "say the mathematics in words"),
        ("```{notes}\nWhispered words.\n```", "", "has no {notes}"),
        ("$y$", "{eq}`eq-lost`", "equation not found: eq-lost"),
    ],
)
@pytest.mark.parametrize("reveal", [True, False])
def test_defect_is_caught(build, old, new, complaint, reveal):
    assert complaint in build(SLIDE.replace(old, new), reveal=reveal).said


def test_two_slides_of_one_name_are_caught(build):
    assert "one: two slides are called 'shown-x'" in build(SLIDE + SLIDE).said


CHAPTER = verdicts.Chapter(
    "one",
    "The one",
    "one-verdict",
    frozenset(),
    tuple({"claim": claim, "verdict": "agrees"} for claim in ("a falls", "b falls")),
)


def test_rows_are_picked_by_a_piece_of_their_claim():
    assert verdicts.pick(CHAPTER, ["b f", "a f"]) == [CHAPTER.rows[1], CHAPTER.rows[0]]


@pytest.mark.parametrize("piece, number", [("falls", 2), ("rises", 0)])
def test_unclear_row_is_refused(piece, number):
    with pytest.raises(verdicts.VerdictError, match=f"one: {number} claims hold '{piece}'"):
        verdicts.pick(CHAPTER, [piece])


# The real decks.


@pytest.fixture(
    scope="module",
    params=[
        path.stem for path in (ROOT / "book").glob("*.md") if "{slide}" in path.read_text("utf8")
    ],
)
def real(request, html):
    page = (html / "slides" / f"{request.param}.html").read_text("utf8")
    return SimpleNamespace(name=request.param, page=BeautifulSoup(page, "html.parser"))


def test_six_chapters_have_slides(html):
    page = BeautifulSoup((html / "slides" / "index.html").read_text("utf8"), "html.parser")
    assert len(page.select("ol li")) == 6


def test_deck_is_a_talk(real):
    chosen = real.page.select(".slides > section")[1:-1]
    assert 6 <= len(chosen) <= 10
    assert len(real.page.select("figure")) >= 1 and len(real.page.select(".equation")) >= 3
    spoken = [slide.select_one("aside.notes p").get_text() for slide in chosen]
    assert all(len(text.split()) > 25 for text in spoken)
    assert len(set(spoken)) == len(spoken)


def test_verdict_counts_are_the_chapters(real):
    rows = verdicts.read(ROOT / "book" / "notebooks" / f"{real.name}.ipynb").rows
    found = [int(b.get_text()) for b in real.page.select("#verdict .words > p strong")]
    assert found == verdicts.counts(rows)
    assert len(real.page.select("#verdict tbody tr")) >= 4


def test_mathjax_knows_the_books_macros(real):
    (script,) = (s for s in real.page.select("script") if "MathJax" in s.get_text())
    config = json.loads(script.get_text().split("=", 1)[1].rstrip(" ;"))
    assert {"E", "He", "erf"} <= set(config["tex"]["macros"])
