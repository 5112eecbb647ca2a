"""Places that others cite stay: every one is listed, shows its link, and is missed when gone."""

import pytest
from bs4 import BeautifulSoup

from _ext import verdicts
from _tools import anchors
from _tools import site_guards as guards
from _tools.chapters import ROOT, arguments, twin_path


@pytest.fixture(scope="module")
def pages(html):
    """The pages of the book, parsed, by their names."""
    return {path.stem: page for path, page in guards.read_site(html / "book").items()}


def test_listed_anchors_are_on_the_site_and_all_are_listed(html):
    assert anchors.complaints(ROOT, html) == []


def test_each_place_shows_a_link_to_itself(html):
    assert guards.places_linked(guards.read_site(html / "book")) == []


@pytest.mark.parametrize("name", arguments(ROOT))
def test_each_verdict_has_one_on_its_page_and_on_the_closing_page(pages, name):
    rows = verdicts.row_anchors(name, verdicts.read(twin_path(ROOT, name)).rows)
    assert guards.permanent_anchors(pages[name])["verdict"] == set(rows)
    assert set(rows) <= guards.permanent_anchors(pages["verdicts"])["verdict"]


def test_a_heading_links_to_its_label(pages):
    """Its own words are no anchor: they may be changed."""
    page = pages["two-layer"]
    heading = page.find(id="two-layer-setting").find("h2")
    assert heading.find("a", class_="headerlink")["href"] == "#two-layer-setting"
    assert page.find(id="the-setting") is None


def test_the_papers_items_lead_to_their_derivations(pages):
    """Equations 1 to 12, claims i to iii, and the figures of the main text."""
    page = pages["from-the-paper"]
    items = [
        *(f"eq-{number}" for number in range(1, 13)),
        *(f"claim-{number}" for number in ("i", "ii", "iii")),
        *(f"fig-{panel}" for panel in ("1a", "1b", "1c", "2a", "2b")),
    ]
    for item in items:
        links = page.find("tr", id=f"paper-{item}").select("td:nth-child(3) a[href*='#']")
        assert links, item
    for claim in ("claim-i", "claim-ii", "claim-iii"):
        assert claim in guards.permanent_anchors(pages["feature-propagation"])["section"]


# Planted defects.

PAGE = """
<section id='place'><h2>A place<a class='headerlink' href='#place'>#</a></h2>
<span id='id7'></span>
<div class='math' id='equation-one'><a class='headerlink' href='#equation-one'>#</a></div>
<table><tr id='verdict-one'><td>claim<a class='headerlink' href='#verdict-one'>#</a></td></tr>
</table></section>
"""
LISTED = "book/page.html#equation-one book/page.html#place book/page.html#verdict-one".split()


@pytest.fixture
def site(tmp_path):
    """A site of one page and a list of its anchors."""
    (tmp_path / "html" / "book").mkdir(parents=True)
    (tmp_path / "html" / "book" / "page.html").write_text(PAGE)
    anchors.add(tmp_path, tmp_path / "html")
    return tmp_path


def change(site, old, new):
    path = site / "html" / "book" / "page.html"
    path.write_text(path.read_text().replace(old, new))
    return site / "html"


def test_the_list_is_sorted_and_holds_labels_only(site):
    assert (site / anchors.LIST).read_text().splitlines() == LISTED
    assert anchors.complaints(site, site / "html") == []


@pytest.mark.parametrize("name", ["place", "equation-one", "verdict-one"])
def test_an_anchor_that_is_gone_is_named(site, name):
    html = change(site, f"id='{name}'", "")
    (complaint,) = anchors.complaints(site, html)
    assert complaint.startswith(f"book/page.html#{name} is gone")


def test_a_new_anchor_is_named_with_the_command_that_adds_it(site):
    html = change(site, "<table>", "<figure id='fig-new'></figure><table>")
    (complaint,) = anchors.complaints(site, html)
    assert complaint.startswith("book/page.html#fig-new is not in") and "make anchors" in complaint


def test_the_command_adds_and_never_removes(site):
    html = change(site, "id='equation-one'", "id='equation-two'")
    anchors.add(site, html)
    assert anchors.listed(site) == {*LISTED, "book/page.html#equation-two"}
    (complaint,) = anchors.complaints(site, html)
    assert "equation-one is gone" in complaint


def test_a_place_without_a_link_is_caught(tmp_path):
    page = BeautifulSoup(PAGE.replace("href='#verdict-one'", "href='#'"), "html.parser")
    (complaint,) = guards.places_linked({tmp_path / "page.html": page})
    assert complaint == "page.html: verdict verdict-one shows no link to itself"


# Names of verdict rows.


def test_a_row_is_named_after_its_claim_and_not_after_what_was_found():
    row = {"claim": "$P_*\\propto d$ at $N=d$ (fig. 1b)", "measured": "1.02", "verdict": "agrees"}
    (name,) = verdicts.row_anchors("one", [row])
    assert name == "verdict-one-p-propto-d-at-n-d"
    assert verdicts.row_anchors("one", [row | {"measured": "2", "verdict": "disagrees"}]) == [name]
    before = {"claim": "another"}
    assert verdicts.row_anchors("one", [before, row])[1] == name


def test_an_author_may_name_a_row():
    assert verdicts.row_anchors("one", [{"claim": "any", "name": "law"}]) == ["verdict-one-law"]


def test_two_rows_of_one_name_are_refused():
    rows = [{"claim": "a law (fig. 1)"}, {"claim": "a law (fig. 2)"}]
    with pytest.raises(verdicts.VerdictError, match="one: .*'verdict-one-a-law'.*name="):
        verdicts.row_anchors("one", rows)
