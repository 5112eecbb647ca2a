r"""What a notebook shows on paper: no folded code, no digests, results where the code ends.

Sphinx centres displayed mathematics. A result of a cell starts at the left instead, as it does
on the site, and may break where a formula in a line may.
"""

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

FOLDED = "tag_hide-input"
SHOWN = (nodes.literal_block, nodes.math_block, nodes.image, nodes.table, nodes.paragraph,
         nodes.raw)


class ThinCells(SphinxPostTransform):
    """Drop what the site folds: code that imports or draws, and digests of figures."""

    default_priority = 400  # after myst-nb has chosen the form of each output
    formats = ("latex",)

    def run(self):
        for block in list(self.document.findall(nodes.literal_block)):
            if block.astext().startswith("digest of "):
                block.parent.remove(block)
        for block in list(self.document.findall(nodes.math_block)):
            if "output" in block["classes"]:
                text = rf"\begin{{bookresult}}${block.astext().strip()}$\end{{bookresult}}"
                block.replace_self(nodes.raw("", text, format="latex"))
        for cell in list(self.document.findall(nodes.container)):
            if FOLDED in cell["classes"]:
                for part in [part for part in cell if "cell_input" in part["classes"]]:
                    cell.remove(part)
            if "cell" in cell["classes"] and not any(map(shows, cell)):
                cell.parent.remove(cell)


def shows(part):
    """Tell whether a part of a cell has anything to show."""
    return any(True for _ in part.findall(lambda node: isinstance(node, SHOWN)))


def setup(app):
    """Register with Sphinx."""
    app.add_post_transform(ThinCells)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
