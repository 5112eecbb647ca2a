"""Keep the build and the site off the network: no inventories fetched, MathJax beside the pages."""

from importlib.util import find_spec
from pathlib import Path
from shutil import copytree

# Of the 24 MB that the package holds, what a page asks for: the program, its fonts, and the
# extensions that it loads when an equation uses them.
MATHJAX = "tex-chtml.js"
PARTS = ("output/chtml/fonts/woff-v2", "input/tex/extensions")


def drop_inventories(app, config):
    """Leave intersphinx, which Jupyter Book always loads, nothing to fetch."""
    config.intersphinx_mapping = {}


def drop_thebe(app, config):
    """Silence sphinx-thebe, which Jupyter Book always loads: its kernels are on other hosts."""
    for listeners in app.events.listeners.values():
        for listener in list(listeners):
            if listener.handler.__module__.startswith("sphinx_thebe"):
                app.disconnect(listener.id)
    for files in (app.registry.css_files, app.registry.js_files):
        files[:] = [file for file in files if "thebe" not in str(file)]


def copy_mathjax(app, error):
    """Copy MathJax to where ``mathjax_path`` says."""
    if error is not None or app.builder.format != "html":
        return
    source = Path(find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax"
    target = Path(app.outdir) / "_static" / "mathjax"
    for part in PARTS:
        copytree(source / part, target / part, dirs_exist_ok=True)
    (target / MATHJAX).write_bytes((source / MATHJAX).read_bytes())


def setup(app):
    """Register with Sphinx, before intersphinx reads its configuration."""
    app.connect("config-inited", drop_inventories, priority=0)
    app.connect("config-inited", drop_thebe, priority=0)
    app.connect("build-finished", copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
