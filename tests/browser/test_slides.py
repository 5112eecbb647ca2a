"""Slides in a browser: from a server and from a folder, on screen and on paper, with notes."""

import re

import pytest
import yaml

from _tools.chapters import ROOT

TOC = yaml.safe_load((ROOT / "_toc.yml").read_text("utf8"))
PART = next(part for part in TOC["parts"] if part["caption"] == "Chapters")
NAMES = [chapter["file"].split("/")[-1] for chapter in PART["chapters"]]
AXE = ROOT / "_build" / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FRAME = {"width": 1280, "height": 720}

# What of the slide on show reaches out of its frame, or over its own title. The strokes of a
# formula are measured by the box of the formula.
OUTSIDE = """() => {
  const frame = document.querySelector('section.present .frame');
  const out = (inner, outer) => inner.left < outer.left - 1 || inner.top < outer.top - 1
    || inner.right > outer.right + 1 || inner.bottom > outer.bottom + 1;
  const beyond = (parent) => [...parent.querySelectorAll('*')]
    .filter(e => !e.parentElement.closest('mjx-container'))
    .filter(e => out(e.getBoundingClientRect(), parent.getBoundingClientRect()));
  const content = frame.querySelector('.content');
  return [...beyond(frame), ...(content ? beyond(content) : [])].map(e => e.outerHTML.slice(0, 90));
}"""
# How small each equation had to be set to fit, in parts of its full size.
SMALLEST = """() => [...document.querySelectorAll('.equation .math')]
  .map(e => parseFloat(e.style.fontSize || '100') / 100)"""
RAW = re.compile(r"\\[(\[]|\$")


def show(page, address, slide=None):
    """Open a deck and wait until it runs."""
    page.set_viewport_size(FRAME)
    page.goto(address + (f"#/{slide}" if slide else ""))
    page.wait_for_selector(".reveal.ready")
    return page


def turn(page, slide):
    """Go to a slide by its name."""
    page.evaluate("name => { location.hash = '#/' + name }", slide)
    page.wait_for_selector(f"section.present[id='{slide}']")


@pytest.fixture(params=["server", "folder"])
def root(request, site, html):
    """Address of the site: as served, and as a folder is opened."""
    return site if request.param == "server" else html.as_uri()


@pytest.mark.parametrize("name", NAMES)
def test_deck_is_whole(page, root, name):
    show(page, f"{root}/slides/{name}.html")
    slides = page.eval_on_selector_all(".slides > section", "all => all.map(e => e.id)")
    assert slides[0] == "title" and slides[-2:] == ["verdict", "cite"]
    for slide in slides:
        turn(page, slide)
        assert page.evaluate(OUTSIDE) == [], slide
        shown = page.locator(f"section[id='{slide}']")
        assert not RAW.search(shown.locator(".frame").inner_text()), slide
        assert len(shown.locator(".notes").text_content().split()) > 10, slide
        for image in shown.locator("img").all():
            assert image.evaluate("e => e.naturalWidth") > 400
            assert image.bounding_box()["height"] > 330
    assert page.locator("mjx-merror").count() == 0
    equations = page.locator(".equation").count()
    assert equations == page.locator(".equation mjx-container").count() > 0
    assert min(page.evaluate(SMALLEST)) > 0.65
    assert page.complaints == []


def test_number_leads_to_the_book(page, root):
    show(page, f"{root}/slides/bound.html", "three-terms-exactly")
    page.click("section.present .equation .number")
    page.wait_for_url("**/bound.html#equation-eq-three-terms")
    assert page.locator("[id='equation-eq-three-terms']").is_visible()


def test_chapter_leads_to_its_slides(page, root):
    page.goto(f"{root}/book/notebooks/bound.html")
    button = page.locator("a.btn-slides-button")
    assert "Slides" in button.inner_text()
    target = button.evaluate("e => e.href")
    assert target == f"{root}/slides/bound.html"


def test_speaker_reads_the_notes(page, root):
    show(page, f"{root}/slides/bound.html", "three-terms-exactly")
    notes = page.locator("section.present .notes p").first.text_content()
    with page.expect_popup() as opened:
        page.keyboard.press("s")
    spoken = opened.value.locator(".speaker-controls-notes .value")
    spoken.wait_for(state="visible")
    assert notes in spoken.inner_text()


def test_each_slide_is_one_page_on_paper(page, site):
    show(page, f"{site}/slides/bound.html")
    slides = page.locator(".slides > section").count()
    show(page, f"{site}/slides/bound.html?print-pdf")
    page.wait_for_function("n => document.querySelectorAll('.pdf-page').length >= n", arg=slides)
    pdf = page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == slides


def test_dark_or_light(page, site):
    def look():
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    page.emulate_media(color_scheme="light")
    show(page, f"{site}/slides/bound.html", "how-loose-the-bound-is")
    light = look()
    page.keyboard.press("d")
    dark = look()
    assert light == "rgb(255, 255, 255)" and dark != light
    # Dark ink on nothing is turned round, or it could not be read.
    image = page.locator("section.present img")
    assert "invert(1)" in image.evaluate("e => getComputedStyle(e).filter")
    show(page, f"{site}/slides/bound.html?theme=dark")
    assert look() == dark
    page.emulate_media(color_scheme="dark")
    for query, expected in (("", dark), ("?theme=light", light), ("?print-pdf", light)):
        show(page, f"{site}/slides/bound.html{query}")
        assert look() == expected, query


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "slide", ["title", "three-terms-exactly", "how-loose-the-bound-is", "verdict"]
)
def test_slide_is_accessible(page, site, theme, slide):
    show(page, f"{site}/slides/bound.html?theme={theme}", slide)
    page.add_script_tag(path=AXE)
    found = page.evaluate("rules => axe.run({runOnly: rules})", RULES)
    assert [(v["id"], v["nodes"][0]["html"][:90]) for v in found["violations"]] == []


def test_phone_scrolls_through_the_slides(page, site):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{site}/slides/bound.html")
    page.wait_for_selector(".reveal-scroll .scroll-page")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_overview_lists_the_decks(page, root):
    page.goto(f"{root}/slides/index.html")
    links = page.eval_on_selector_all("li > a", "all => all.map(e => e.href)")
    assert links == [f"{root}/slides/{name}.html" for name in NAMES]
    assert page.complaints == []


# Planted defects.


@pytest.mark.parametrize(
    "defect",
    [
        "frame.querySelector('.words').innerHTML += '<p>more</p>'.repeat(12)",
        "frame.querySelector('.words p, .words li').style.width = '1500px'",
        "frame.querySelector('h2').style.marginLeft = '-80px'",
    ],
)
def test_overflow_is_caught(page, site, defect):
    show(page, f"{site}/slides/bound.html", "three-terms-exactly")
    assert page.evaluate(OUTSIDE) == []
    page.evaluate(f"const frame = document.querySelector('section.present .frame'); {defect}")
    assert page.evaluate(OUTSIDE) != []


@pytest.mark.parametrize("text", [r"so \(x\) stays", r"\[x\]", "$x$"])
def test_raw_mathematics_is_caught(text):
    assert RAW.search(text)
