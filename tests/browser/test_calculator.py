"""The calculator in a browser: the library's answers, over HTTP and from a folder."""

import importlib.util
import json
import re

import pytest

from _ext import calculator
from _tools.chapters import ROOT
from featlearn.scaling import FCN

SOURCES = ROOT / calculator.SOURCES
PAGE = "book/calculator.html"
SECONDS = 240_000  # ms for Python to start on a busy machine
PRESETS = calculator.presets(SOURCES)
OWN = "#network=FCN&depth=4&degree=3&scaling=standard&N1=1/3&N2=1&N3=1/2&x=N1:0:2"

spec = importlib.util.spec_from_file_location("answer", SOURCES / "answer.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)


def expected(request, part):
    return json.loads(module.answer(json.dumps({**request, "part": part})))


def in_page(page, request, part):
    """The answer of the Python in the page."""
    return page.evaluate(
        "request => scalingCalculator.engine.ask(request)", request | {"part": part}
    )


class Watched:
    """A page, with what it asked for and what it complained of."""

    def __init__(self, browser, **options):
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.requests, self.problems = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", self.hear)

    def hear(self, message):
        if message.type in ("error", "warning"):
            self.problems.append(message.text)

    def foreign(self, home):
        """Requests to elsewhere than the site and the page's own memory."""
        return [url for url in self.requests if not url.startswith((home, "blob:", "data:"))]

    def pieces(self):
        return [url for url in self.requests if "/piece-" in url]


def idle(page):
    """Wait until the answer to the form, with its diagram, is on the page."""
    page.wait_for_function(
        """() => {
          const root = document.querySelector('#calculator-form');
          const old = root.querySelector('.calc-old');
          return root.getAttribute('aria-busy') === 'false' && old.hidden
            && root.querySelector('.calc-plot');
        }""",
        timeout=SECONDS,
    )


def load(page):
    """Press the one button, and wait for the answer to the form."""
    page.click(".calc-submit")
    page.wait_for_function("scalingCalculator.engine.loaded", timeout=SECONDS)
    idle(page)


def question(page):
    """What the shown answer says that it answers, in plain text."""
    return page.inner_text(".calc-question code")


@pytest.fixture(scope="module", autouse=True)
def with_calculator(html):
    if calculator.ABSENT in " ".join((html / PAGE).read_text("utf8").split()):
        pytest.skip("the site was built without npm packages")


@pytest.fixture(scope="module")
def loaded(browser, site):
    """The page over HTTP with Python running; shared, so each test asks a question of its own."""
    watched = Watched(browser, permissions=["clipboard-read", "clipboard-write"])
    watched.page.goto(f"{site}/{PAGE}")
    load(watched.page)
    yield watched
    watched.context.close()


@pytest.fixture
def fresh(browser):
    """A page on which nothing is loaded; a phone."""
    watched = Watched(browser, viewport={"width": 390, "height": 844})
    yield watched
    watched.context.close()


def test_first_screen_answers_and_loads_nothing(fresh, site):
    fresh.page.goto(f"{site}/{PAGE}")
    fresh.page.wait_for_selector(".calc-law mjx-container")
    assert question(fresh.page) == "FCN(depth=3)"
    assert fresh.page.locator(".calc-plot path").count() >= 10
    assert re.fullmatch(r"Load the calculator \(\d+ MB\)", fresh.page.inner_text(".calc-submit"))
    assert fresh.pieces() == []


@pytest.mark.parametrize("one", PRESETS, ids=lambda one: one["name"])
def test_answers_are_those_of_python(loaded, one):
    for part in calculator.PARTS:
        assert in_page(loaded.page, one["request"], part) == expected(one["request"], part)


def test_chosen_preset_is_shown(loaded):
    page = loaded.page
    page.select_option(".calc-preset", "CNN, all sizes alike")
    page.wait_for_function("document.querySelector('.calc-question').innerText.includes('CNN')")
    assert "network=CNN" in page.url and "depth" not in page.url
    page.wait_for_selector(".calc-law mjx-container")
    assert page.is_disabled("[name=depth]") and page.input_value("[name=S]") == "1/2"


def test_error_is_a_message_at_its_box(loaded):
    page = loaded.page
    page.select_option(".calc-preset", "Three layers, all widths d")
    page.fill("[name=N2]", "1/x")
    page.click(".calc-submit")
    page.wait_for_selector(".calc-error:visible")
    request = PRESETS[0]["request"] | {"widths": {"N1": "1", "N2": "1/x"}}
    assert page.inner_text(".calc-error") == expected(request, "prediction")["error"]["message"]
    assert page.get_attribute("[name=N2]", "aria-invalid") == "true"
    assert page.get_attribute("[name=N1]", "aria-invalid") is None
    assert page.is_visible(".calc-old")  # the last answer is marked as another question's
    page.fill("[name=N2]", "1/2")
    page.click(".calc-submit")
    idle(page)
    assert page.is_hidden(".calc-error") and page.is_hidden(".calc-old")
    assert page.get_attribute("[name=N2]", "aria-invalid") is None


def test_slider_and_box_move_together(loaded):
    page = loaded.page
    page.select_option(".calc-preset", "Three layers, all widths d")
    page.fill("[name=N1]", "3/4")
    assert page.input_value("[data-width=N1]") == "9"
    page.press("[data-width=N1]", "ArrowRight")
    assert page.input_value("[name=N1]") == "5/6"
    page.fill("[name=N1]", "2/7")  # no tick of the slider, and kept as it is
    page.click(".calc-submit")
    idle(page)
    assert page.input_value("[name=N1]") == "2/7" and "N1=2/7" in page.url


def test_click_in_the_diagram_moves_the_widths(loaded):
    page = loaded.page
    page.select_option(".calc-preset", "Three layers, all widths d")
    idle(page)
    image = page.locator(".calc-plot svg")
    box = image.bounding_box()
    image.click(position={"x": 0.7 * box["width"], "y": 0.2 * box["height"]})
    page.wait_for_function("document.querySelector('[name=N1]').value !== '1'")
    assert page.input_value("[name=N2]") != "1"


def test_link_is_copied(loaded, site):
    page = loaded.page
    page.select_option(".calc-preset", "Two layers in mean-field scaling")
    page.click(".calc-copy")
    page.wait_for_function("document.querySelector('.calc-status').textContent.includes('copied')")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == (f"{site}/{PAGE}#network=FCN&depth=2&degree=3&scaling=mean-field&N=1&x=N:0:6")


def test_late_answer_is_not_shown(loaded):
    """A slow question is followed by a quick one: only the latter's answer appears."""
    page = loaded.page
    page.select_option(".calc-preset", "Four layers of unlike widths")
    idle(page)
    page.fill("[name=depth]", "5")
    page.click(".calc-submit")  # a second or more
    page.fill("[name=depth]", "2")
    page.fill("[name=degree]", "5")
    page.click(".calc-submit")
    idle(page)
    assert question(page) == "FCN(depth=2)" and page.is_hidden(".calc-old")
    page.wait_for_timeout(3000)
    assert question(page) == "FCN(depth=2)" and page.is_hidden(".calc-old")


def test_answer_to_a_form_that_changed_is_not_shown(loaded):
    page = loaded.page
    page.select_option(".calc-preset", "Four layers of unlike widths")
    idle(page)
    page.fill("[name=depth]", "5")
    for name in FCN(depth=5).widths:  # where most patterns tie, which takes a second or more
        page.fill(f"[name={name}]", "1")
    page.click(".calc-submit")
    page.fill("[name=degree]", "1")  # and no click
    assert page.evaluate("scalingCalculator.engine.busy") > 0
    page.wait_for_function("!scalingCalculator.engine.busy", timeout=SECONDS)
    page.wait_for_timeout(300)
    assert question(page) == "FCN(depth=4)" and page.is_visible(".calc-old")


def test_long_computation_says_so_and_is_cancelled(loaded):
    page = loaded.page
    page.goto(page.url.split("#")[0] + "#network=FCN&depth=5&degree=5&N1=1&N2=1&N3=1&N4=1&x=N1:0:1")
    page.wait_for_selector(".calc-cancel:visible")
    assert page.inner_text(".calc-status").startswith("Comparing")
    assert page.is_visible(".calc-old")
    page.click(".calc-cancel")
    page.wait_for_function(
        "document.querySelector('.calc-status').textContent.includes('ready again')",
        timeout=SECONDS,
    )
    assert page.is_hidden(".calc-cancel") and question(page) != "FCN(depth=5)"
    page.select_option(".calc-preset", "Two layers, width d")
    page.click(".calc-submit")
    idle(page)
    assert question(page) == "FCN(depth=2)"


def test_all_rows_of_a_long_table(loaded):
    page = loaded.page
    page.select_option(".calc-preset", "Four layers of unlike widths")
    page.click(".calc-submit")
    idle(page)
    page.click(".calc-count")
    page.wait_for_selector(".calc-patterns button")
    assert page.locator(".calc-patterns tbody tr").count() == module.ROWS
    page.click(".calc-patterns button")
    page.wait_for_function("document.querySelectorAll('.calc-patterns tbody tr').length === 196")


def test_nothing_is_asked_of_another_host_and_nothing_complains(loaded, site):
    assert loaded.pieces() and loaded.foreign(site) == []
    assert loaded.problems == []


def test_link_restores_the_question_and_one_click_answers_it(fresh, site):
    page = fresh.page
    page.goto(f"{site}/{PAGE}{OWN}")
    assert page.input_value("[name=N1]") == "1/3" and page.input_value("[name=depth]") == "4"
    assert page.input_value("[name=y]") == "" and page.input_value("[name='x.high']") == "2"
    assert page.is_hidden(".calc-results")  # no answer is at hand
    load(page)
    assert question(page) == "FCN(depth=4)" and page.url.endswith(OWN)
    request = page.evaluate("scalingCalculator.fromHash(location.hash)")
    assert request["widths"] == {"N1": "1/3", "N2": "1", "N3": "1/2"}
    exponent = expected(request, "prediction")["exponent"]
    assert in_page(page, request, "prediction")["exponent"] == exponent
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("one", PRESETS, ids=lambda one: one["name"])
def test_phone_does_not_scroll_sideways(fresh, site, one):
    page = fresh.page
    page.goto(f"{site}/{PAGE}")
    page.select_option(".calc-preset", one["name"])
    page.wait_for_selector(".calc-plot")
    page.wait_for_function("document.querySelectorAll('.calc-details mjx-container').length > 0")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    right = page.evaluate(
        "Math.max(...[...document.querySelectorAll('#calculator-form, #calculator-form fieldset,"
        " #calculator-form :is(input, select, button), .calc-scroll, .calc-plot')]"
        ".map(e => e.getBoundingClientRect().right))"
    )
    assert right <= 390


def test_works_from_a_folder(fresh, html):
    fresh.page.goto((html / PAGE).as_uri())
    load(fresh.page)
    assert fresh.page.evaluate("location.protocol") == "file:"
    one = PRESETS[0]["request"] | {"widths": {"N1": "1/4", "N2": "5/4"}}
    for part in calculator.PARTS:
        assert in_page(fresh.page, one, part) == expected(one, part)
    assert fresh.pieces() and fresh.foreign(html.as_uri()) == []
    assert fresh.problems == []


def test_lost_piece_is_an_error_that_can_be_tried_again(fresh, site):
    page = fresh.page
    page.route("**/piece-03.js", lambda route: route.abort())
    page.goto(f"{site}/{PAGE}")
    page.click(".calc-submit")
    page.wait_for_selector(".calc-error:visible")
    assert "piece-03.js" in page.inner_text(".calc-error")
    page.unroute("**/piece-03.js")
    load(page)
    assert page.is_hidden(".calc-error") and question(page) == "FCN(depth=3)"


def test_keys_reach_everything(fresh, site):
    page = fresh.page
    page.goto(f"{site}/{PAGE}")
    page.focus(".calc-preset")
    reached = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("document.activeElement.name || document.activeElement.className")
        )
    wanted = {"network", "depth", "degree", "scaling", "weak", "N1", "N2", "x", "y", "x.low"}
    assert wanted <= reached
    assert any("calc-submit" in name for name in reached)
    assert any("calc-copy" in name for name in reached)
    unnamed = page.evaluate(
        "[...document.querySelectorAll('#calculator-form :is(input, select)')].filter(e =>"
        " !e.labels.length && !e.getAttribute('aria-label')).map(e => e.name)"
    )
    assert unnamed == []
