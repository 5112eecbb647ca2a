"""Pictures of phase diagrams."""

import matplotlib

matplotlib.use("Agg")

import pytest
from matplotlib import pyplot as plt

from featlearn.scaling import FCN, phase_diagram
from featlearn.scaling.drawing import COLOURS


def test_two_widths():
    diagram = phase_diagram(FCN(3), 3, {"N1": (0, 3), "N2": (0, 3)})
    ax = diagram.plot()
    ax.figure.canvas.draw()
    assert len(ax.patches) == len(diagram.regions) == len(ax.texts)
    assert ax.get_xlim() == ax.get_ylim() == (0, 3)
    assert "N_{1}" in ax.get_xlabel() and "N_{2}" in ax.get_ylabel()
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    warned = [", too narrow in part: " in label for label in labels]
    assert warned == [bool(region.narrow) for region in diagram.regions] and any(warned)
    assert labels[0] == r"1  $\sqrt{d N_{2}}$: GP–Specialization(1)"
    assert ax.texts[0].get_text() == "1\n" + r"$\sqrt{d N_{2}}$"
    assert labels[-1].endswith("2 more")
    styles = {(patch.get_facecolor(), patch.get_hatch()) for patch in ax.patches}
    assert len(styles) == len(diagram.regions) > len(COLOURS)


def test_one_width_on_given_axes():
    ax = plt.figure().add_subplot()
    diagram = phase_diagram(FCN(3), 3, {"N1": (0, 2)}, {"N2": "1/2"})
    assert diagram.plot(ax) is ax
    ax.figure.canvas.draw()
    assert len(ax.patches) == len(diagram.regions)
    assert r"N2 = $\sqrt{d}$" in ax.get_title()
    assert sum(p.get_extents().width for p in ax.patches) == pytest.approx(ax.bbox.width, rel=1e-6)
