"""Permanent links: what others cite has an id that stays, and shows a link to itself."""

from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx_exercise.nodes import is_exercise_node

LINK = '<a class="headerlink" href="#{}" title="Link to this {}">#</a>'


class LastingIds(SphinxTransform):
    """Prefer the ids that an author wrote to those that follow from a heading or a position.

    A section's link is its label, not its heading in lower case: rewording the heading leaves
    it alone. An id given to the first words of a table's row, ``[first words]{#id}``, becomes
    the id of the row.
    """

    default_priority = 600  # after labels have been handed to the sections below them

    def apply(self, **kwargs):
        """Change the ids of a page that was just read."""
        headings = {self.document.nameids[name]
                    for name, explicit in self.document.nametypes.items() if not explicit}
        for section in self.document.findall(nodes.section):
            lasting = [name for name in section["ids"] if name not in headings]
            section["ids"] = lasting or section["ids"]
        for row in self.document.findall(nodes.row):
            named = next((node for node in row.children[0].findall(nodes.inline)
                          if node.get("ids")), None)
            if named is not None:
                self.move(named, row)

    def move(self, node, row):
        """Hand the ids and names of a node to its row."""
        for key in ("ids", "names"):
            row[key] += node[key]
            node[key] = []
        for name in row["ids"]:
            self.document.ids[name] = row


class ShownLinks(SphinxPostTransform):
    """Link exercises and named rows to themselves, as the theme does for headings."""

    default_priority = 900
    formats = ("html",)

    def run(self):
        """Append the links to a page that is about to be written."""
        for exercise in self.document.findall(is_exercise_node):
            append(exercise.next_node(nodes.title), exercise, "exercise")
        for row in self.document.findall(nodes.row):
            cell = row.children[0]
            append(cell.children[-1] if cell.children else cell, row, "row")


def append(place, node, kind):
    """Append to ``place`` a link to ``node``, if it has an id."""
    if node["ids"]:
        place += nodes.raw("", LINK.format(node["ids"][0], kind), format="html")


def setup(app):
    """Register with Sphinx."""
    app.add_transform(LastingIds)
    app.add_post_transform(ShownLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
