"""The slider figures, as a reader moves them."""

import numpy as np
import pytest

from _tools.chapters import ROOT
from featlearn.theory.condensate import condensate, condensation_point
from featlearn.theory.neuron_law import NeuronLaw

HTML = ROOT / "_build" / "html"
PAGES = {"neuron-law": "two-layer", "condensate": "bound"}


def side_peak():
    """Place of the side peak after six steps of the tilt from 0.9 to 0.96."""
    theta = 0.96 * condensation_point(3).strength
    return f"|μ| = {NeuronLaw(40, 80, np.sqrt(2 * 40 * 80 * theta)).mode():.3f}"


def count():
    """Number of condensed neurons after six steps of N / d from 1 to 10."""
    return f"M = {condensate(1.0, 10.0).count}"


def visit(page, base, figure):
    """Open the chapter that has a figure, and return the figure's stage."""
    page.goto(f"{base}/book/notebooks/{PAGES[figure]}.html")
    stage = page.locator(f".slider-stage[data-figure={figure}]")
    stage.locator("svg[role=img]").wait_for()
    return stage


def state(stage):
    """Return the drawn lines, the numbers, and the words for who cannot see."""
    lines = [line.get_attribute("points") for line in stage.locator("polyline").all()]
    picture = stage.locator("svg[role=img]").get_attribute("aria-label")
    return lines, stage.locator(".slider-numbers").inner_text(), picture


def bases(site):
    """The site from its server, and from its folder."""
    return {"server": site, "folder": HTML.as_uri()}


@pytest.mark.parametrize("scheme", ["server", "folder"])
@pytest.mark.parametrize(
    "figure, name, expected",
    [("neuron-law", "tilt", side_peak), ("condensate", "ratio", count)],
)
def test_keyboard_moves_the_curve_and_the_numbers(site, page, scheme, figure, name, expected):
    stage = visit(page, bases(site)[scheme], figure)
    before = state(stage)
    control = stage.locator(f"input[name={name}]")
    shown = control.get_attribute("aria-valuetext")
    control.focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    after = state(stage)
    assert all(one != other for one, other in zip(before, after, strict=True))
    assert expected() in after[1]
    assert control.get_attribute("aria-valuetext") != shown
    stage.get_by_role("button", name="Reset").click()
    assert state(stage) == before
    assert page.complaints == []


def test_change_is_read_out_once(site, page):
    stage = visit(page, site, "neuron-law")
    spoken = stage.locator("[aria-live=polite]")
    assert spoken.inner_text() == ""
    page.evaluate(
        """() => {
          window.spoken = 0;
          const place = document.querySelector(".slider-spoken");
          new MutationObserver(() => (window.spoken += 1)).observe(place, { childList: true });
        }"""
    )
    stage.locator("input[name=tilt]").focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    page.wait_for_function("window.spoken > 0")
    assert page.evaluate("window.spoken") == 1
    assert "side peak at overlap" in spoken.inner_text().lower()


def test_logarithm_can_be_switched_off(site, page):
    stage = visit(page, site, "neuron-law")
    assert stage.get_by_text("−log density (nats)").count() == 1
    stage.locator("input[name=log]").uncheck()
    assert stage.get_by_text("density of μ").count() == 1


@pytest.mark.parametrize("figure", PAGES)
def test_phone_has_no_sideways_scroll(site, page, figure):
    page.set_viewport_size({"width": 390, "height": 844})
    stage = visit(page, site, figure)
    box = stage.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("figure", PAGES)
def test_lines_stand_out_in_light_and_dark(site, page, figure):
    stage = visit(page, site, figure)
    for theme in ("light", "dark"):
        page.evaluate("name => document.documentElement.dataset.theme = name", theme)
        for selector in (".axes text", ".slider-legend", ".slider-numbers dt"):
            assert contrast(stage.locator(selector).first, "text") >= 4.5, (theme, selector)
        for mark in stage.locator("polyline, circle").all():
            assert contrast(mark, "stroke") >= 3, (theme, mark.get_attribute("class"))


def contrast(element, kind):
    """Contrast of an element's colour with the page, as WCAG defines it."""
    return element.evaluate(
        """(element, kind) => {
          const luminance = (colour) => {
            const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((x) => x / 255)
              .map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const style = getComputedStyle(element);
          const svg = element instanceof SVGElement;
          const own = kind === "text" ? (svg ? style.fill : style.color)
            : style.stroke === "none" ? style.fill : style.stroke;
          const ground = getComputedStyle(document.body).backgroundColor;
          const [high, low] = [luminance(own), luminance(ground)].sort((a, b) => b - a);
          return (high + 0.05) / (low + 0.05);
        }""",
        kind,
    )


@pytest.mark.parametrize("figure", PAGES)
def test_paper_has_a_sentence_in_place_of_the_plot(site, page, figure):
    stage = visit(page, site, figure)
    page.emulate_media(media="print")
    assert stage.locator(".slider-paper").is_visible()
    assert not stage.locator("form").is_visible()
    assert not stage.locator("svg[role=img]").is_visible()


def test_other_pages_load_no_slider(site, page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site}/book/notebooks/cnn.html")
    assert asked and not [url for url in asked if "/sliders/" in url]
