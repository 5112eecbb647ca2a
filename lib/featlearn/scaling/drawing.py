"""The picture of a phase diagram. This module alone needs matplotlib."""

from itertools import cycle

from matplotlib import pyplot as plt
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from . import polygons
from .powers import latex_name

# Okabe and Ito's hues, told apart by colour-blind readers, light enough for black text;
# hatching tells neighbours apart once the colours repeat.
COLOURS = ("#8EC6E8", "#F2B27A", "#8FD3BC", "#E6BDD3", "#E6D24A", "#C9C9C9", "#9FB8DD", "#D9A38F")
HATCHES = (None, "///", "xxx", "\\\\\\")
WIDE, TALL = 0.1, 0.15  # shares of the box that a label of two lines needs
LINE = 0.25  # share of the width that number and energy in one line need


def draw(diagram, ax=None):
    """Draw a phase diagram: regions, the numbers of the legend, and energies.

    Parameters
    ----------
    diagram : PhaseDiagram
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    flat = len(diagram.ranges) == 1
    if ax is None:
        size = (6.4, 2.6) if flat else (6.4, 5.2)
        # The legend lies below the axes and may be wider: a layout engine would shrink them.
        ax = plt.subplots(figsize=size, layout="none")[1]
    styles = [(colour, hatch) for hatch in HATCHES for colour in COLOURS]
    for number, (region, (colour, hatch)) in enumerate(zip(diagram.regions, cycle(styles)), 1):
        style = dict(facecolor=colour, hatch=hatch, edgecolor="black", linewidth=0.8)
        corners = [_tall(outline) if flat else outline for outline in region.outlines]
        patch = ax.add_patch(PathPatch(_path(corners), **style))
        law = f"${region.law.latex()}$"
        mark = ", too narrow in part" * bool(region.narrow)
        patch.set_label(f"{number}  {law}{mark}: {_few(region.winners)}")
        cell = max(region.cells, key=polygons.measure)
        place = [float(x) for x in polygons.centre(cell)] + [0.5] * flat
        text = ax.text(*place, _label(number, law, cell, diagram), ha="center", va="center")
        text.set(fontsize=9, bbox=dict(facecolor=colour, edgecolor="none", pad=0.5))
    names = list(diagram.ranges)
    ax.set(xlim=tuple(map(float, diagram.ranges[names[0]])), xlabel=_axis(names[0]))
    if flat:
        ax.set(ylim=(0, 1), yticks=[])
    else:
        ax.set(ylim=tuple(map(float, diagram.ranges[names[1]])), ylabel=_axis(names[1]))
    ax.set_title(diagram.title(lambda law: f"${law.latex()}$"), fontsize=10)
    below = -0.3 if flat else -0.14
    ax.legend(loc="upper left", bbox_to_anchor=(0, below), fontsize=8, frameon=False)
    return ax


def _path(outlines):
    """One path of all outlines; clockwise ones are holes."""
    points, codes = [], []
    for outline in outlines:
        points += [tuple(map(float, corner)) for corner in (*outline, outline[0])]
        codes += [Path.MOVETO, *[Path.LINETO] * (len(outline) - 1), Path.CLOSEPOLY]
    return Path(points, codes)


def _tall(segment):
    (low,), (high,) = segment
    return ((low, 0), (high, 0), (high, 1), (low, 1))


def _label(number, law, cell, diagram):
    """Number and energy, as far as there is room for them."""
    shares = [
        (max(xs) - min(xs)) / (high - low)
        for xs, (low, high) in zip(zip(*cell, strict=True), diagram.ranges.values(), strict=True)
    ]
    wide, tall = shares[0] > WIDE, len(shares) == 1 or shares[1] > TALL
    if wide and tall:
        return f"{number}\n{law}"
    return f"{number}  {law}" if shares[0] > LINE else str(number)


def _few(winners):
    names = [repr(winner) for winner in winners]
    more = [f"{len(names) - 2} more"] if len(names) > 3 else names[2:]
    return ", ".join(names[:2] + more)


def _axis(name):
    return rf"exponent of the width, $\log_d {latex_name(name)}$"
