"""The rendered site holds together, and every check catches what it forbids."""

import pytest

from _tools import site_guards as guards
from _tools.chapters import ROOT, arguments
from featlearn.experiments.verdicts import VerdictTable

CITED = ("equation", "figure", "section", "exercise", "verdict")
CHECKS = (guards.images_described, guards.links_resolve, guards.references_resolved)


@pytest.fixture(scope="module")
def pages(html):
    """Every page of the real site, parsed."""
    return guards.read_site(html)


def test_pages_of_the_contents_exist(html):
    assert guards.pages_listed(ROOT, html) == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_site_keeps_the_rule(pages, check):
    assert check(pages) == []


@pytest.mark.parametrize("name", arguments(ROOT))
def test_chapter_can_be_cited(html, pages, name):
    page = pages[(html / "book" / "notebooks" / f"{name}.html").resolve()]
    anchors = guards.permanent_anchors(page)
    assert all(anchors[kind] for kind in CITED), anchors


@pytest.mark.parametrize("name", arguments(ROOT))
def test_chapter_shows_its_verdicts_as_a_table(html, pages, name):
    page = pages[(html / "book" / "notebooks" / f"{name}.html").resolve()]
    headers = [
        [cell.get_text() for cell in table.find_all("th")] for table in page.find_all("table")
    ]
    assert list(VerdictTable.columns) in headers


def test_every_digest_is_folded(pages):
    digests = [
        block
        for page in pages.values()
        for block in page.select(".cell_output pre")
        if block.get_text().startswith("digest of ")
    ]
    assert digests and all(block.find_parent("details") for block in digests)


def test_numbers_are_rendered_once(pages):
    """No id occurs twice on a page, or a link would lead to the wrong place."""
    for path, page in pages.items():
        ids = [tag["id"] for tag in page.select("main [id]")]
        assert len(ids) == len(set(ids)), path.name


# Planted defects.


def site(folder, body):
    (folder / "other.html").write_text("<body><p id='there'></p></body>")
    (folder / "page.html").write_text(f"<body>{body}</body>")
    return guards.read_site(folder)


def test_sound_page_passes(tmp_path):
    pages = site(tmp_path, "<a href='other.html#there'>x</a> <a href='#me' id='me'>y</a>")
    assert [check(pages) for check in CHECKS] == [[], [], []]


@pytest.mark.parametrize(
    "check, body",
    [
        (guards.images_described, "<img src='https://a.test/x.png'>"),
        (guards.images_described, "<img src='https://a.test/x.png' alt=' '>"),
        (guards.images_described, "<img src='lost.png' alt='A line.'>"),
        (guards.links_resolve, "<a href='lost.html'>x</a>"),
        (guards.links_resolve, "<a href='other.html#lost'>x</a>"),
        (guards.links_resolve, "<a href='#lost'>x</a>"),
        (guards.references_resolved, "<span class='problematic'>x</span>"),
        (guards.references_resolved, "<aside class='system-message'>x</aside>"),
        (guards.references_resolved, "<span class='xref std std-numref'>fig-x</span>"),
        (guards.references_resolved, "<a class='reference internal' href='#'>??</a>"),
        (guards.references_resolved, "<p>see {eq}`eq-x`</p>"),
        (guards.references_resolved, "<p>| a | b | |---|---| | 1 | 2 |</p>"),
        (guards.references_resolved, "<p>falls as $d^2$ does</p>"),
    ],
    ids=str,
)
def test_defect_is_caught(tmp_path, check, body):
    assert len(check(site(tmp_path, body))) == 1


def test_missing_page_is_caught(tmp_path):
    (tmp_path / "_toc.yml").write_text("root: a\nparts:\n- chapters:\n  - file: b\n")
    (tmp_path / "a.html").touch()
    assert guards.pages_listed(tmp_path, tmp_path) == ["b.html is missing"]


def test_page_without_labels_has_no_anchors(tmp_path):
    page = site(tmp_path, "<section><p id='x'></p><span id='id1'></span></section>")
    assert not any(guards.permanent_anchors(page[(tmp_path / "page.html").resolve()]).values())
