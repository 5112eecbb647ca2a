"""Every page, without a network: complete, light, accessible, and readable on a phone."""

import re
from functools import cache
from types import SimpleNamespace

import pytest
import yaml

from _tools.chapters import ROOT, arguments

from .conftest import watched

READY = "() => window.MathJax?.startup ? MathJax.startup.promise.then(() => true) : true"
AXE = ROOT / "_build" / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WEIGHT = 1.5e6  # bytes over the wire
PHONE = {"width": 390, "height": 844}
# The place of the focus, and the place before it if that looks no other without the focus.
FOCUSED = """() => {
  const look = (place) => (({outline, boxShadow}) => outline + boxShadow)(getComputedStyle(place));
  const last = window.lastFocus;
  const place = document.activeElement;
  window.lastFocus = {place, look: look(place)};
  return {
    html: place.outerHTML.slice(0, 200),
    unmarked: last && last.look === look(last.place) ? last.place.outerHTML.slice(0, 200) : null,
  };
}"""
# What reaches beyond the right edge of the page and lies in no box that scrolls or cuts.
WIDE = """() => [...document.querySelectorAll('main *')].filter(e => {
  const box = e.getBoundingClientRect();
  if (box.width === 0 || box.right <= window.innerWidth + 1) return false;
  for (let p = e; p; p = p.parentElement) {
    if (getComputedStyle(p).overflowX !== 'visible' && p.tagName !== 'HTML') return false;
  }
  return true;
}).slice(0, 5).map(e => e.outerHTML.slice(0, 120))"""


@cache
def pages():
    """List the pages of the contents, and those that Sphinx adds."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf8"))
    files = [toc["root"], *(c["file"] for part in toc["parts"] for c in part["chapters"])]
    return [
        *(f"{file}.html" for file in files),
        "search.html",
        "genindex.html",
        "py-modindex.html",
        "_modules/index.html",
    ]


CHAPTERS = [f"book/notebooks/{name}.html" for name in arguments(ROOT)]


def opened(page, site, name):
    """Open a page and wait until its equations stand."""
    page.goto(f"{site}/{name}", wait_until="load")
    page.wait_for_function(READY)
    return page


@pytest.fixture(scope="module", params=pages())
def visit(request, browser, site):
    """What one visit to a page finds, in both themes and at the width of a phone."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, color_scheme="light", reduced_motion="reduce"
    )
    page = watched(context.new_page())
    received = weigh(page)
    opened(page, site, request.param)
    page.wait_for_load_state("networkidle")
    found = SimpleNamespace(
        name=request.param,
        complaints=list(page.complaints),
        weight=sum(received),
        bare=page.locator(".math:not(:has(mjx-container))").all_inner_texts(),
        wrong=page.locator("mjx-merror").all_inner_texts(),
        light=barriers(page),
    )
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("() => document.documentElement.dataset.theme === 'dark'")
    found.dark = barriers(page)
    page.set_viewport_size(PHONE)
    page.wait_for_timeout(300)
    found.wide = page.evaluate(WIDE)
    context.close()
    return found


def weigh(page):
    """Note the bytes over the wire of each request that follows."""
    received = []
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    client.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    return received


def barriers(page):
    """Run axe-core; return what it finds serious or critical, with the first places."""
    if not AXE.exists():
        return None
    if page.evaluate("() => typeof axe") == "undefined":
        page.add_script_tag(path=AXE)
    found = page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", RULES
    )
    return [
        [
            v["id"],
            len(v["nodes"]),
            *(f"{n['target']}: {n['failureSummary']}" for n in v["nodes"][:2]),
        ]
        for v in found["violations"]
        if v["impact"] in ("serious", "critical")
    ]


def test_page_is_whole_without_a_network(visit):
    """No failed request, none to another host, no error; every equation is typeset."""
    assert visit.complaints == []
    assert visit.bare == [] and visit.wrong == []


def test_page_has_no_serious_barrier(visit):
    if visit.light is None:
        pytest.skip("axe-core could not be fetched from npm")
    assert visit.light == []
    assert visit.dark == []


def test_page_is_light(visit):
    assert 1e4 < visit.weight < WEIGHT


def test_phone_does_not_scroll_sideways(visit):
    assert visit.wide == []


def test_pages_of_source_are_whole_too(page, site, html):
    """All other pages, which show the library's source; slides have tests of their own."""
    names = [path.relative_to(html).as_posix() for path in sorted(html.rglob("*.html"))]
    seen = {*pages(), "index.html"}
    others = [name for name in names if name not in seen and name.startswith("_modules/")]
    elsewhere = {
        name for name in names if not name.startswith(("_modules/", "slides/", "_static/"))
    }
    assert len(others) > 50 and elsewhere <= seen
    for name in others:
        page.goto(f"{site}/{name}", wait_until="load")
    assert page.complaints == []


def test_what_goes_wrong_would_be_seen(page, site):
    received = weigh(page)
    opened(page, site, pages()[0])
    first = sum(received)
    page.evaluate("setTimeout(() => { throw Error('planted') })")
    page.evaluate("new Image().src = 'https://other.test/x.png'")
    page.evaluate("new Image().src = '/lost.png'")
    page.evaluate("fetch('/searchindex.js')")
    page.evaluate("""document.querySelector('main').insertAdjacentHTML('beforeend',
      `<img src="data:,"><p style="color:#ccc;background:#fff">pale</p>
       <div id="broad" style="width:2000px">broad</div>`)""")
    page.set_viewport_size(PHONE)
    traces = ("other host: https://other.test/x.png", "404", "planted")
    for _ in range(100):  # a busy machine takes its time
        page.wait_for_timeout(100)
        missing = [trace for trace in traces if trace not in " ".join(page.complaints)]
        if not missing and sum(received) > first + 1e4:
            break
    assert missing == [] and sum(received) > first + 1e4
    assert any("broad" in place for place in page.evaluate(WIDE))
    if AXE.exists():
        assert {"image-alt", "color-contrast"} <= {rule for rule, *_ in barriers(page)}


@pytest.mark.parametrize("name", CHAPTERS)
def test_search_finds_a_chapter_by_its_headings(page, site, name):
    """The longer words of each heading lead to its chapter."""
    opened(page, site, name)
    headings = page.locator("article :is(h1, h2, h3)").all_inner_texts()
    queries = [" ".join(re.findall(r"[^\W\d_]{4,}", heading)) for heading in headings]
    queries = sorted({query for query in queries if query})
    assert len(queries) > 5
    page.goto(f"{site}/search.html")
    page.wait_for_function("() => Search.hasIndex()")
    # The words around each find are read from the pages, which takes long for all of them.
    page.evaluate("() => { DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false }")
    missed = [query for query in queries if name not in found_by(page, query)]
    assert missed == []
    assert found_by(page, "xylophone quartet") == ""


def found_by(page, query):
    """Search from the search page; return the addresses of what is found, as one text."""
    page.evaluate(
        "query => { document.getElementById('search-results').innerHTML = '';"
        " Search.performSearch(query) }",
        query,
    )
    page.wait_for_function(
        "() => /finished|did not match|found/i.test("
        "document.querySelector('#search-results p.search-summary')?.innerText)"
    )
    links = page.locator("#search-results ul.search a")
    return " ".join(links.evaluate_all("all => all.map(a => a.href)"))


def test_keyboard_reaches_everything_and_shows_where_it_is(page, site):
    opened(page, site, CHAPTERS[0])
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUSED))
    assert "Skip to main content" in seen[0]["html"]
    assert len({place["html"] for place in seen}) > 30  # no trap
    assert [place["unmarked"] for place in seen if place["unmarked"]] == []
