"""Every exercise and solution gets a section named alike; drop those names, which lead nowhere."""

from docutils import nodes

REPEATED = {"exercise-content", "solution-content"}


def drop_repeated(app, doctree, docname):
    """Remove the repeated ids from a resolved page; exercises keep the ids of their labels."""
    for section in doctree.findall(nodes.section):
        section["ids"] = [name for name in section["ids"] if name not in REPEATED]


def setup(app):
    app.connect("doctree-resolved", drop_repeated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
