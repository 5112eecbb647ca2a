"""Outputs for programs, not for readers: the rows of verdict tables, the numbers of figures."""

import json

PREFIX = "application/vnd.featlearn."


def bundles(cells):
    """Yield the data of each output, a dict from media type to content."""
    for cell in cells:
        for output in cell.get("outputs", ()):
            yield output.get("data", {})


def leave_out(app, docname, source):
    """Keep them from the pages, where myst-nb would warn of an unknown type."""
    if PREFIX not in source[0] or not app.env.doc2path(docname).endswith(".ipynb"):
        return
    notebook = json.loads(source[0])
    for bundle in bundles(notebook["cells"]):
        for kind in [kind for kind in bundle if kind.startswith(PREFIX)]:
            del bundle[kind]
    source[0] = json.dumps(notebook)


def setup(app):
    """Register with Sphinx."""
    app.connect("source-read", leave_out)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
