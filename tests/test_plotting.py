"""The digest and the marks of figures."""

import matplotlib
import numpy as np

from featlearn.plotting import COLOURS, digest, plt, points

matplotlib.use("Agg")


def test_digest_rounds_and_has_no_negative_zero(capsys):
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
    plt.close(fig)
