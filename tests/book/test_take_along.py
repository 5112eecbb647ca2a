"""What a chapter hands out: all that it has, of one source, and the same everywhere."""

import json
import tomllib
from types import SimpleNamespace

import pytest
import yaml
from bs4 import BeautifulSoup
from docutils import nodes
from docutils.parsers.rst import DirectiveError
from docutils.utils import new_document

from _ext import take_along
from _ext.chapter_status import title
from _tools.chapters import ROOT, chapters, twin_path
from _tools.citation import bibtex
from _tools.inputs import chapter_inputs


def page(html, path):
    return BeautifulSoup((html / "book" / f"{path}.html").read_text("utf8"), "html.parser")


@pytest.mark.parametrize("name", chapters(ROOT))
def test_a_chapter_hands_out_its_notebooks_and_results(html, name):
    """Every file that a link saves is that of the repository, byte for byte."""
    links = page(html, f"notebooks/{name}").select(".take-along a.download")
    wanted = [twin_path(ROOT, name), ROOT / "book" / f"{name}.md"]
    wanted += sorted(p for p in chapter_inputs(ROOT, name) if p.suffix in (".nc", ".json"))
    assert [link.get_text() for link in links] == [path.name for path in wanted]
    for link, path in zip(links, wanted, strict=True):
        copy = html / "book" / "notebooks" / link["href"]
        assert copy.read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize("name", chapters(ROOT))
def test_a_chapter_says_how_to_run_and_to_cite_it(html, name):
    here = page(html, f"notebooks/{name}")
    run, cite = (block.get_text() for block in here.select(".take-along pre"))
    assert run.strip() == f"make chapter C={name}"
    heading = title(json.loads(twin_path(ROOT, name).read_text("utf8")))
    assert cite.strip() == bibtex(ROOT, name, heading)
    assert heading in here.find("h1").get_text()


@pytest.mark.parametrize("name", chapters(ROOT))
def test_a_chapter_ends_with_it_and_types_no_reference(name):
    text = (ROOT / "book" / f"{name}.md").read_text("utf8")
    assert text.endswith("with you\n\n```{take-along}\n```\n")
    assert "```bibtex" not in text


def test_the_bibliography_has_the_book(html):
    (block,) = page(html, "bibliography").select(".highlight-bibtex pre")
    assert block.get_text().strip() == bibtex(ROOT)


def test_the_version_is_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))["project"]
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf8"))
    assert cited["version"] == project["version"]
    assert f"Version {project['version']}" in bibtex(ROOT)


def test_results_on_the_status_page_can_be_saved_and_checked(html):
    table = page(html, "status").select("main table")[-1]
    results = sorted((ROOT / "book" / "results").glob("*.nc"))
    registry = (ROOT / "book" / "results" / "registry.txt").read_text("utf8")
    listed = dict(line.split(" sha256:") for line in registry.splitlines())
    rows = table.find("tbody").find_all("tr")
    for row, path in zip(rows, results, strict=True):
        copy = html / "book" / row.select_one("a.download")["href"]
        assert copy.read_bytes() == path.read_bytes()
        short = row.find("abbr")
        assert short["title"] == listed[path.name]
        assert short["title"].startswith(short.get_text())


# Planted causes.


def test_an_entry_follows_its_source(tmp_path):
    text = (ROOT / "CITATION.cff").read_text("utf8").replace("0.1.0", "7.8.9")
    (tmp_path / "CITATION.cff").write_text(text.replace("year: 2026", "year: 2031"))
    entry = bibtex(tmp_path, "one", "The one")
    assert entry.startswith("@incollection{featlearn-one,\n  author    = {{The featlearn")
    for line in ("title     = {The one}", "year      = {2031}", "note      = {Version 7.8.9}"):
        assert line in entry


def linked(monkeypatch, url):
    """Resolve a list with a place for slides, where the page's slides are at ``url``."""
    monkeypatch.setattr(take_along, "slides_url", lambda app, docname: url)
    document = new_document("one")
    document += nodes.bullet_list("", take_along.item(["files"]), take_along.SlidesItem())
    builder = SimpleNamespace(get_target_uri=lambda docname: f"{docname}.html")
    take_along.link_slides(SimpleNamespace(builder=builder), document, "book/one")
    assert not list(document.findall(take_along.SlidesItem))
    return [link["refuri"] for link in document.findall(nodes.reference)]


def test_slides_are_linked_where_there_are_some(monkeypatch):
    assert linked(monkeypatch, "slides/one.html") == ["../slides/one.html"]
    assert linked(monkeypatch, None) == []


def test_only_chapters_have_it():
    """A page that is no chapter has nothing to hand out; the build says so."""
    environment = SimpleNamespace(srcdir=str(ROOT), docname="book/status")
    state = SimpleNamespace(document=SimpleNamespace(settings=SimpleNamespace(env=environment)))
    machine = SimpleNamespace(reporter=None)
    directive = take_along.TakeAlong("take-along", [], {}, [], 1, 0, "", state, machine)
    with pytest.raises(DirectiveError) as stop:
        directive.run()
    assert "chapter must be one of" in stop.value.msg and "'status'" in stop.value.msg
