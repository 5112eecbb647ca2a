"""Each figure of a chapter leads to its numbers and to its cell."""

import csv
from urllib.parse import unquote

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_notebook, new_output

from _ext import figure_links, program_data
from _tools import site_guards
from _tools.chapters import ROOT, chapters, twin_path
from featlearn.figure_data import COLUMNS
from featlearn.plotting import DATA


def test_the_type_is_the_one_of_the_library():
    assert figure_links.DATA == DATA and DATA.startswith(program_data.PREFIX)


def figure_cell(name, data):
    settings = {"mystnb": {"figure": {"name": name}}} if name else {}
    output = new_output("display_data", data={DATA: data, "image/svg+xml": "<svg/>"})
    return new_code_cell("draw()", outputs=[output], metadata=settings)


def test_numbers_are_read_by_the_name_of_the_figure(tmp_path):
    path = tmp_path / "one.ipynb"
    cells = [figure_cell("fig-a", "a,b\n1,2\n"), figure_cell(None, "lost"), new_code_cell("1")]
    nbformat.write(new_notebook(cells=cells), path)
    assert figure_links.numbers(path) == {"fig-a": "a,b\n1,2\n"}


@pytest.mark.parametrize("name", chapters(ROOT))
def test_every_figure_has_its_three_links(html, name):
    page = html / "book" / "notebooks" / f"{name}.html"
    (soup,) = [
        s for path, s in site_guards.read_site(page.parent).items() if path.name == page.name
    ]
    known = figure_links.numbers(twin_path(ROOT, name))
    shown = [figure for figure in soup.select("figure[id]") if figure["id"] in known]
    assert {figure["id"] for figure in shown} == set(known)
    for figure in shown:
        picture, table, code = [link["href"] for link in figure.select(".figure-links a")]
        assert (page.parent / unquote(picture)).resolve().suffix == ".svg"
        assert (page.parent / unquote(picture)).exists()
        rows = (page.parent / unquote(table)).read_text("utf8").splitlines()
        rows = [row for row in csv.reader(rows) if not row[0].startswith("#")]
        assert tuple(rows[0]) == COLUMNS and len(rows) > 2
        assert soup.find(id=code[1:]).find(string=lambda text: "digest" in text)


@pytest.mark.parametrize("width, wide", [(640, True), (400, False)])
def test_figures_of_several_panels_are_told_from_narrow_ones(tmp_path, width, wide):
    path = tmp_path / "fig.svg"
    path.write_text(f'<?xml version="1.0"?>\n<svg height="300pt" width="{width}.5pt" x="1">')
    assert figure_links.width(path) == width + 0.5
    assert (figure_links.width(path) > figure_links.WIDE) is wide


def test_wide_figures_scroll_on_a_phone(html):
    """Two panels and one: both kinds are in the chapter on the bound."""
    page = html / "book" / "notebooks" / "bound.html"
    soup = BeautifulSoup(page.read_text("utf8"), "html.parser")
    boxes = {box.find_parent("figure")["id"]: box["class"] for box in soup.select(".figure-box")}
    assert "wide" in boxes["fig-limit"] and "wide" not in boxes["fig-tail"]
