"""Exercises on paper: numbered paragraphs, with their solutions together after the last one."""

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx_exercise.nodes import exercise_enumerable_node, exercise_node, solution_node


class GatherSolutions(SphinxPostTransform):
    """Move the solutions of a section behind its exercises, and typeset both."""

    default_priority = 410  # after sphinx-exercise has written the titles
    formats = ("latex",)

    def run(self):
        solutions = {}
        for solution in self.document.findall(solution_node):
            solutions.setdefault(solution.parent, []).append(solution)
        for section, found in solutions.items():
            gathered = nodes.container(classes=["solutions"])
            # In place of the last one: what follows may be the label of the next section.
            section.replace(found[-1], gathered)
            for solution in found[:-1]:
                section.remove(solution)
            gathered += found
        for kind in (exercise_enumerable_node, exercise_node, solution_node):
            for node in list(self.document.findall(kind)):
                node.replace_self(typeset(node, self.env))


def typeset(node, env):
    """Write an exercise or a solution as an environment of the book's style.

    Its label is the one to which sphinx-exercise lets references lead.
    """
    kind = "solution" if isinstance(node, solution_node) else "exercise"
    place = "exercise"
    if kind == "solution":
        place = env.sphinx_exercise_registry[node["label"]]["docname"]
    opening = (rf"\begin{{book{kind}}}{{{node[0].astext()}}}"
               rf"{{{place}:{node['label']}}}")
    body = [child for part in node[1:]
            for child in (part.children if isinstance(part, nodes.section) else [part])]
    return [raw(opening), *body, raw(rf"\end{{book{kind}}}")]


def raw(text):
    """Return LaTeX as a node."""
    return nodes.raw("", text, format="latex")


def setup(app):
    """Register with Sphinx."""
    app.add_post_transform(GatherSolutions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
