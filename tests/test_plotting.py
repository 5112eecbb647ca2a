"""The digest and the marks of figures, and how they are kept."""

from base64 import b64decode

import matplotlib
import numpy as np
import pytest

from featlearn.plotting import COLOURS, DATA, PDF, SVG, digest, kept, plt, points, use_book_style

matplotlib.use("Agg")


def test_digest_rounds_and_has_no_negative_zero(capsys, monkeypatch):
    monkeypatch.setattr("IPython.get_ipython", lambda: None)  # whatever ran before: no notebook
    plt.subplots()
    digest("fig-x", series=[1.23456, -0.0, 4e-7], number=2)
    assert capsys.readouterr().out == "digest of fig-x\n  series: 1.23 0 4e-07\n  number: 2\n"


def test_points_without_equilibrium_are_hollow():
    fig, ax = plt.subplots()
    points(
        ax, [1, 2, 3], [1, 2, 3], [0.1] * 3, certified=[True, False, True], colour=COLOURS["blue"]
    )
    filled, hollow = ax.lines[-2:]
    np.testing.assert_array_equal(filled.get_xdata(), [1, 3])
    np.testing.assert_array_equal(hollow.get_xdata(), [2])
    assert hollow.get_markerfacecolor() == "none" != filled.get_markerfacecolor()


@pytest.mark.parametrize("count", [0, 2])
def test_digest_belongs_to_one_figure(count):
    for _ in range(count):
        plt.figure()
    with pytest.raises(ValueError, match=f"'fig-x' needs one open figure; {count} are"):
        digest("fig-x", number=2)


def test_a_figure_is_kept_as_vectors_with_its_numbers():
    with matplotlib.rc_context():
        use_book_style()
        fig, ax = plt.subplots()
        ax.plot([1, 2], [3, 4], label="theory")
        first, second = kept(fig), kept(fig)
    assert first[SVG].rstrip().endswith("</svg>") and "<image" not in first[SVG]
    assert b64decode(first[PDF]).startswith(b"%PDF") and "theory" in first[DATA]
    assert first == second  # no date, no random identifier
