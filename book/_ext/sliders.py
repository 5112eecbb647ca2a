"""Figures with sliders, computed in the page by scripts of our own (``_static/sliders``).

A chapter writes, with a caption as the content,

    ```{slider-figure} neuron-law
    :name: fig-slider-law
    **What it shows.** What the lines are.
    ```

and gets a numbered figure. On paper there is the caption with a sentence in place of the plot.
"""

from html import escape
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

SCRIPTS = Path(__file__).parents[1] / "_static" / "sliders"
FIGURES = sorted(path.stem for path in (SCRIPTS / "figures").glob("*.js"))
SHARED = ("theory", "plot", "panel")  # in this order, before the figures
PAPER = "The plot of this figure has sliders; it is on the web page of this chapter."
NO_SCRIPT = "The plot of this figure has sliders and needs JavaScript, which is switched off."


class SliderStage(nodes.General, nodes.Element):
    """Where the plot goes: its attribute ``figure`` names it, its content is for paper."""


class SliderFigure(SphinxDirective):
    """A numbered figure whose plot the reader changes."""

    required_arguments = 1
    has_content = True
    option_spec = {"name": directives.unchanged_required}

    def run(self):
        """Build the figure, or say what is missing."""
        (name,) = self.arguments
        if name not in FIGURES:
            raise self.error(f"slider-figure: name = {name!r}: one of {', '.join(FIGURES)} is "
                             "needed, the scripts in book/_static/sliders/figures")
        caption = " ".join(line.strip() for line in self.content)
        if not caption.strip() or "" in [line.strip() for line in self.content]:
            raise self.error(f"slider-figure {name}: content = {caption!r}: a caption of one "
                             "paragraph is needed")
        text, messages = self.parse_inline(caption)
        stage = SliderStage("", nodes.paragraph(text=PAPER), figure=name)
        figure = nodes.figure("", stage, nodes.caption(caption, "", *text))
        self.set_source_info(figure)
        self.add_name(figure)
        return [figure, *messages]


def open_stage(translator, node):
    """Write the empty stage; its script fills it."""
    translator.body.append(
        f'<div class="slider-stage" data-figure="{escape(node["figure"])}">'
        f"<noscript><p>{NO_SCRIPT}</p></noscript>"
        f'<p class="slider-paper">{PAPER}</p></div>\n'
    )
    raise nodes.SkipNode


def leave(translator, node):
    """Do nothing: in other formats the content of the stage speaks for itself."""


def load_scripts(app, pagename, templatename, context, doctree):
    """Give a page the scripts of the figures that it has, and other pages none."""
    used = [stage["figure"] for stage in doctree.findall(SliderStage)] if doctree else []
    if not used:
        return
    app.add_css_file("sliders/sliders.css")
    for name in (*SHARED, *(f"figures/{name}" for name in dict.fromkeys(used))):
        app.add_js_file(f"sliders/{name}.js", loading_method="defer")


def setup(app):
    """Register with Sphinx."""
    other = (leave, leave)
    app.add_node(SliderStage, html=(open_stage, None), latex=other, text=other, man=other,
                 texinfo=other)
    app.add_directive("slider-figure", SliderFigure)
    app.connect("html-page-context", load_scripts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
