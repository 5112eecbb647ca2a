"""What a notebook shows on paper: no folded code, no digests, outputs apart, solutions last."""

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx_exercise.nodes import (
    exercise_enumerable_node,
    exercise_node,
    solution_node,
)

HIDDEN = "tag_hide-input"


class ThinCells(SphinxPostTransform):
    """Drop the code that the site folds, and the digests that it folds below figures."""

    default_priority = 400  # after myst-nb has chosen an output's form
    formats = ("latex",)

    def run(self):
        for block in list(self.document.findall(nodes.literal_block)):
            if block.astext().startswith("digest of "):
                block.parent.remove(block)
        for cell in list(self.document.findall(nodes.container)):
            if HIDDEN in cell["classes"]:
                for part in [part for part in cell.children if "cell_input" in part["classes"]]:
                    cell.remove(part)
            if "cell" in cell["classes"] and not any(map(shows, cell.children)):
                cell.parent.remove(cell)


def shows(part):
    """Tell whether a part of a cell has anything to show."""
    return any(True for _ in part.findall(lambda node: isinstance(
        node, (nodes.literal_block, nodes.math_block, nodes.image, nodes.table, nodes.paragraph))))


class GatherSolutions(SphinxPostTransform):
    """Set exercises as numbered paragraphs, and their solutions together after the last one."""

    default_priority = 410  # after sphinx-exercise has written the titles
    formats = ("latex",)

    def run(self):
        for solution in list(self.document.findall(solution_node)):
            section = solution.parent
            if not (isinstance(section[-1], nodes.container)
                    and "solutions" in section[-1]["classes"]):
                section += nodes.container(classes=["solutions"])
            section.remove(solution)
            section[-1] += solution
        for kind in (exercise_enumerable_node, exercise_node, solution_node):
            for node in list(self.document.findall(kind)):
                node.replace_self(typeset(node, self.env))


def typeset(node, env):
    """Write an exercise or a solution as an environment of the book's style."""
    label, title = node["label"], node[0].astext()
    name = "solution" if isinstance(node, solution_node) else "exercise"
    # The labels are those to which sphinx-exercise lets its references lead.
    place = env.sphinx_exercise_registry[label]["docname"] if name == "solution" else "exercise"
    opening = rf"\begin{{book{name}}}{{{title}}}\phantomsection\label{{{place}:{label}}}"
    body = [child for part in node[1:]
            for child in (part.children if isinstance(part, nodes.section) else [part])]
    return [nodes.raw("", opening, format="latex"), *body,
            nodes.raw("", rf"\end{{book{name}}}", format="latex")]


def setup(app):
    """Register with Sphinx."""
    app.add_post_transform(ThinCells)
    app.add_post_transform(GatherSolutions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
