"""Fold the digest of a figure: it is for nbval and for the curious, not for every reader."""

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

OPENING = "<details class='digest'><summary>Numbers in this figure</summary>"


class FoldDigests(SphinxPostTransform):
    """Put each printed digest into a closed box that a click opens."""

    default_priority = 900
    formats = ("html",)

    def run(self):
        for block in list(self.document.findall(nodes.literal_block)):
            if block.astext().startswith("digest of "):
                opening = nodes.raw("", OPENING, format="html")
                closing = nodes.raw("", "</details>", format="html")
                block.parent.replace(block, [opening, block, closing])


def setup(app):
    app.add_post_transform(FoldDigests)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
