"""The scaling calculator: a form, presets answered at build time, and Python for the rest."""

import html
import json
import runpy
import shutil
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from . import pyodide_bundle

ABSENT = ("This copy of the book was built without the calculator, since the packages that it "
          "runs on could not be fetched.")
SCRIPTS = ("engine.js", "show.js", "form.js", "diagram.js", "calculator.js")
FOLDER = "_static/calculator"
SOURCES = "book/_calculator"
PARTS = ("prediction", "diagram")
DEFAULTS = {"scaling": "standard", "weak": False}


class ScalingCalculator(SphinxDirective):
    """The form, or a sentence if Pyodide is not there."""

    def run(self):
        """Build it from the sources in ``book/_calculator``."""
        bundle = self.env.app.calculator_bundle
        if bundle is None:
            return [nodes.paragraph(text=ABSENT)]
        sources = Path(self.env.srcdir) / SOURCES
        for path in sources.glob("*.*"):
            self.env.note_dependency(str(path))
        size = sum(size for _, size in bundle["pieces"])
        found = presets(sources)
        worker = (sources / "worker.js").read_text("utf8")
        data = json.dumps({"bundle": {**bundle, "worker": worker}, "presets": found})
        options = "".join(f"<option>{html.escape(one['name'])}</option>" for one in found)
        page = (sources / "calculator.html").read_text("utf8")
        for name, value in (("PRESETS", options), ("SIZE", f"{size / 1e6:.0f}"),
                            ("DATA", data.replace("<", r"\u003c"))):
            page = page.replace(f"@{name}@", value)
        folder = "../" * self.env.docname.count("/") + FOLDER
        links = f'<link rel="stylesheet" href="{folder}/calculator.css">\n' + "".join(
            f'<script defer src="{folder}/{name}"></script>\n' for name in SCRIPTS)
        return [nodes.raw("", page + links, format="html")]


@cache
def presets(sources):
    """Read the presets, each with the answers that the calculator would give.

    Parameters
    ----------
    sources : pathlib.Path
        The folder with ``presets.json`` and ``answer.py``.

    Returns
    -------
    list of dict
        ``name``, ``request``, ``prediction`` and ``diagram``.
    """
    answer = runpy.run_path(str(sources / "answer.py"))["answer"]
    found = []
    for one in json.loads((sources / "presets.json").read_text("utf8")):
        name, request = one.pop("name"), {**DEFAULTS, **one}
        answers = {part: json.loads(answer(json.dumps({**request, "part": part})))
                   for part in PARTS}
        found.append({"name": name, "request": request, **answers})
    return found


def pack(app):
    """Write the pieces beside the pages, if the build has Pyodide."""
    app.calculator_bundle = None
    root = Path(app.srcdir)
    modules = root / "_build" / "web" / "node_modules"
    if app.builder.format == "html" and (modules / "pyodide").is_dir():
        requests = [{**one["request"], "part": part} for one in presets(root / SOURCES)
                    for part in PARTS]
        found = pyodide_bundle.assets(root, modules, requests)
        app.calculator_bundle = pyodide_bundle.write(Path(app.outdir) / FOLDER, found)


def copy_sources(app, error):
    """Copy scripts and style to where the page looks for them."""
    if error is None and app.calculator_bundle is not None:
        sources = Path(app.srcdir) / SOURCES
        for name in (*SCRIPTS, "calculator.css"):
            shutil.copy(sources / name, Path(app.outdir) / FOLDER)


def setup(app):
    """Register with Sphinx."""
    app.add_directive("scaling-calculator", ScalingCalculator)
    app.connect("builder-inited", pack)
    app.connect("build-finished", copy_sources)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
