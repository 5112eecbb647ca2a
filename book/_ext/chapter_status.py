"""Tables of what was executed and measured: when, where, for how long, with which versions."""

import json
from pathlib import Path

import h5py
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.util.docutils import SphinxDirective

from featlearn.experiments import code

from .downloads import download, sha256, size


class StatusTable(SphinxDirective):
    """A table made from files, which the page then depends on.

    A subclass has the files' ``pattern``, the ``header``, what to say if they are ``absent``,
    and ``row(path)``: a text or a node for each column.
    """

    pattern = ""
    header = ()
    absent = ""

    def run(self):
        """Build the table, or say that there is nothing to list."""
        paths = sorted((Path(self.env.srcdir) / "book").glob(self.pattern))
        for path in paths:
            self.env.note_dependency(str(path))
        if not paths:
            return [nodes.paragraph(text=self.absent)]
        return [table(self.header, [self.row(path) for path in paths])]


class ChapterStatus(StatusTable):
    """Each chapter's last execution, from the record in its twin."""

    pattern = "notebooks/*.ipynb"
    header = ("Chapter", "Executed", "Seconds", "Processor", "Python", "Versions")
    absent = "No chapter has been executed yet."

    def row(self, path):
        """Return the record of one twin."""
        notebook = json.loads(path.read_text("utf8"))
        record = notebook["metadata"].get("featlearn", {})
        versions = ", ".join(f"{name} {version}"
                             for name, version in sorted(record.get("versions", {}).items()))
        where = f"{record.get('processor', '?')} ({record.get('cores', '?')} cores, " \
                f"{record.get('device', '?')})"
        return (link(self.env, path, title(notebook)), record.get("date", "?"),
                str(record.get("seconds", "?")), where, record.get("python", "?"), versions)


class ResultStatus(StatusTable):
    """Each stored result's provenance, from its own attributes."""

    pattern = "results/*.nc"
    header = ("Result", "Size", "SHA-256", "Measured", "Device", "Commit", "Configuration",
              "Code since")
    absent = "No result is stored yet."

    def row(self, path):
        """Return the provenance of one file."""
        found = attributes(path)
        threads = f", {found['threads']} threads" if "threads" in found else ""
        when = f"{str(found.get('date', '?'))[:10]}, in {duration(found.get('wall_seconds'))}"
        return (self.named(path), size(path), sha256(path), when,
                f"{found.get('device', '?')}{threads}, {found.get('dtype', '?')}",
                str(found.get("commit", "?"))[:8],
                nodes.literal(text=str(found.get("config_hash", "?"))[:8]), since(found))

    def named(self, path):
        """Return the name of a result: a link to its file, and a place that others refer to."""
        label = f"result-{path.stem}"
        file = download(self.env, path, path.stem)
        place = nodes.inline("", "", file, ids=[label], names=[label])
        self.state.document.note_explicit_target(place)
        return place


def since(found):
    """Say what became of the code of a result since it was measured.

    Examples
    --------
    >>> since({})
    'unknown code'
    """
    again = code.points_confirmed(found)
    if not again:
        return code.state(found)
    points = len(json.loads(found["runs"]))
    return f"changed; the same numbers at {again} of {points} points"


def attributes(path):
    """Read the attributes of a netCDF file as Python values."""
    with h5py.File(path, "r") as file:
        plain = {}
        for key, value in file.attrs.items():
            if isinstance(value, bytes):
                value = value.decode()
            plain[key] = value.item() if getattr(value, "size", 0) == 1 else value
        return plain


def duration(seconds):
    """Write seconds in the unit that a person would use.

    Examples
    --------
    >>> duration(42.0), duration(600), duration(9000), duration(None)
    ('42 s', '10 min', '2.5 h', '?')
    """
    if seconds is None:
        return "?"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def title(notebook):
    """Return the first heading of a notebook."""
    for cell in notebook["cells"]:
        for line in "".join(cell["source"]).splitlines():
            if cell["cell_type"] == "markdown" and line.startswith("# "):
                return line[2:].strip()
    return "(untitled)"


def link(env, path, text):
    """Return a link to the page of a twin, resolved by Sphinx like any other."""
    target = path.relative_to(env.srcdir).with_suffix("").as_posix()
    reference = pending_xref(refdomain="std", reftype="doc", reftarget=f"/{target}",
                             refdoc=env.docname, refexplicit=True, refwarn=True)
    reference += nodes.inline(text=text)
    return reference


def table(header, rows):
    """Build a table of docutils nodes from texts and inline nodes."""
    group = nodes.tgroup(cols=len(header))
    group.extend(nodes.colspec(colwidth=1) for _ in header)
    head = nodes.thead()
    head += line(header)
    body = nodes.tbody()
    body.extend(line(cells) for cells in rows)
    group += [head, body]
    result = nodes.table(classes=["status-table"])
    result += group
    return result


def line(cells):
    """Build one row."""
    row = nodes.row()
    for cell in cells:
        paragraph = nodes.paragraph()
        paragraph += nodes.Text(cell) if isinstance(cell, str) else cell
        entry = nodes.entry()
        entry += paragraph
        row += entry
    return row


def setup(app):
    """Register with Sphinx."""
    app.add_directive("chapter-status", ChapterStatus)
    app.add_directive("result-status", ResultStatus)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
