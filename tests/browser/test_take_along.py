"""What a chapter hands out can be saved, and its reference copied, from a server and a folder."""

from mimetypes import guess_type
from urllib.parse import urlsplit

import pytest

from _tools.chapters import ROOT
from _tools.citation import bibtex

CHAPTER = "book/notebooks/two-layer.html"
FILES = [
    "book/notebooks/two-layer.ipynb",
    "book/two-layer.md",
    *(f"book/results/two-layer-{name}.nc" for name in ("linear", "overlap", "specialised")),
]
PASTE = "<textarea autofocus style='width: 40em; height: 20em'></textarea>"


@pytest.fixture(params=["server", "folder"])
def chapter(request, html, site, page):
    """A chapter, opened from a server or from its folder."""
    served = request.param == "server"
    page.goto(f"{site}/{CHAPTER}" if served else (html / CHAPTER).as_uri())
    return page


def test_the_reference_is_copied(chapter):
    button = chapter.locator(".take-along .highlight-bibtex button.copybtn")
    button.click()
    chapter.wait_for_selector(".take-along .highlight-bibtex button.copybtn.success")
    chapter.set_content(PASTE)
    chapter.locator("textarea").focus()
    chapter.keyboard.press("Control+V")
    pasted = chapter.locator("textarea").input_value()
    assert pasted == bibtex(ROOT, "two-layer", "The two-layer network")


def test_the_reference_is_copied_by_the_keyboard(chapter):
    button = chapter.locator(".take-along .highlight-bibtex button.copybtn")
    button.focus()
    assert button.evaluate("(button) => getComputedStyle(button).opacity") == "1"
    chapter.keyboard.press("Enter")
    chapter.wait_for_selector(".take-along .highlight-bibtex button.copybtn.success")


@pytest.mark.parametrize("file", FILES)
def test_a_file_is_saved_as_it_is_in_the_repository(chapter, file):
    name = file.rsplit("/", 1)[1]
    if chapter.url.startswith("file") and not name.endswith(".nc"):
        # From a folder, Chromium shows a text that it would otherwise save.
        chapter.locator(".take-along a.download", has_text=name).click()
        chapter.wait_for_url(f"**/{name}")
        return
    with chapter.expect_download() as saved:
        chapter.locator(".take-along a.download", has_text=name).click()
    assert saved.value.suggested_filename == name
    assert saved.value.path().read_bytes() == (ROOT / file).read_bytes()


def test_a_copy_on_ones_own_machine_has_no_permanent_link(chapter):
    assert chapter.locator(".permanent-link").is_hidden()


def test_a_published_page_shows_its_permanent_link(html, page):
    def answer(route):
        path = html / urlsplit(route.request.url).path.lstrip("/")
        kind = guess_type(path.name)[0] or "application/octet-stream"
        route.fulfill(path=path, content_type=kind)

    page.route("https://book.test/**", answer)
    address = f"https://book.test/{CHAPTER}"
    page.goto(f"{address}#two-layer-cite")
    link = page.locator(".permanent-link a")
    assert link.is_visible()
    assert link.get_attribute("href") == link.inner_text() == address


def test_links_to_places_are_reached_by_the_keyboard_and_show(chapter):
    """The link of a heading, an equation, a figure, an exercise and a verdict."""
    for place in (
        "#two-layer-setting > h2",
        "#equation-eq-network",
        "#fig-threshold",
        "#ex-amplitude",
        "[id^=verdict-]",
    ):
        link = chapter.locator(f"{place} a.headerlink").first
        link.focus()
        assert link.evaluate("(link) => document.activeElement === link"), place
        shown = link.evaluate("(link) => getComputedStyle(link).opacity + link.offsetWidth")
        assert shown.startswith("1") and shown != "10", place
        chapter.keyboard.press("Enter")
        assert link.get_attribute("href") == "#" + urlsplit(chapter.url).fragment
