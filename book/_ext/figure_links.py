"""Under each figure: itself at full size, its numbers, and the way to the cell that drew it."""

import json
import re
from pathlib import Path

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.osutil import relative_uri

from .program_data import PREFIX

DATA = PREFIX + "figure+csv"
FOLDER = "_downloads/figures"
WIDE = 500  # points: wider ones have several panels


def numbers(path):
    """Read the numbers of a twin's figures.

    Parameters
    ----------
    path : pathlib.Path
        The executed notebook.

    Returns
    -------
    dict of str to str
        From the name of a figure to CSV text.
    """
    found = {}
    for cell in json.loads(path.read_text("utf8"))["cells"]:
        figure = cell["metadata"].get("mystnb", {}).get("figure", {}).get("name")
        for output in cell.get("outputs", ()):
            if figure and DATA in output.get("data", {}):
                found[figure] = "".join(output["data"][DATA])
    return found


class FigureLinks(SphinxPostTransform):
    """Give the cell of each figure an anchor, and the figure a line of links."""

    default_priority = 900
    formats = ("html",)

    def run(self):
        twin = Path(self.env.doc2path(self.env.docname))
        if twin.suffix != ".ipynb":
            return
        available = numbers(twin)
        page = self.app.builder.get_target_uri(self.env.docname)
        for figure in self.document.findall(nodes.figure):
            names = [name for name in figure["names"] if name in available]
            cell = enclosing_cell(figure)
            if not names or cell is None:
                continue
            name = names[0]
            cell["ids"].append(f"cell-{name}")
            image = next(figure.findall(nodes.image))
            drawn = self.env.images[image["uri"]][1]
            wide = width(Path(self.env.srcdir) / image["uri"]) > WIDE
            image.replace_self(nodes.container("", image.deepcopy(), is_div=True,
                                               classes=["figure-box"] + ["wide"] * wide))
            links = nodes.inline(classes=["figure-links"])
            for text, title, uri in (
                ("Full size", "This figure alone, to enlarge", f"_images/{drawn}"),
                ("Data (CSV)", "The numbers in this figure", f"{FOLDER}/{name}.csv"),
                ("Code", "The cell that draws this figure", f"#cell-{name}"),
            ):
                target = uri if uri.startswith("#") else relative_uri(page, uri)
                links += nodes.reference("", text, refuri=target, reftitle=title, internal=True)
                links += nodes.Text(" · ")
            links.pop()
            paragraph = nodes.paragraph()
            paragraph += links
            legend = nodes.legend()
            legend += paragraph
            figure += legend


def width(path):
    """Return the width of an SVG file in points; zero if it does not say."""
    found = re.search(r'<svg[^>]*? width="([\d.]+)pt"', path.read_text("utf8")[:2000])
    return float(found[1]) if found else 0


def enclosing_cell(node):
    """Return the notebook cell that a node lies in; None outside one."""
    while node is not None and node.get("nb_element") != "cell_code":
        node = node.parent
    return node


def write_numbers(app, error):
    """Write a file for each figure beside the pages."""
    if error is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for docname in app.env.found_docs:
        path = Path(app.env.doc2path(docname))
        if path.suffix == ".ipynb":
            for name, text in numbers(path).items():
                (folder / f"{name}.csv").write_text(text, "utf8")


def setup(app):
    """Register with Sphinx."""
    app.add_post_transform(FigureLinks)
    app.connect("build-finished", write_numbers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
