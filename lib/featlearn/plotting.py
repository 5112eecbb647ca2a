"""One style for every figure of the book.

Figures are drawn in dark ink on a transparent ground; the site's style sheet
inverts their lightness in dark mode, which keeps the hues. Colours are those of
Okabe and Ito, told apart by colour-blind readers; markers differ as well.
"""

from itertools import cycle

import matplotlib
import numpy as np
from matplotlib import pyplot as plt

COLOURS = {
    "blue": "#0072B2",
    "orange": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "amber": "#B37400",
    "sky": "#56B4E9",
    "grey": "#595959",
}
MARKERS = "osD^vP*X"

STYLE = {
    "figure.figsize": (6.4, 4.0),
    "figure.dpi": 110,
    "savefig.dpi": 220,
    "savefig.bbox": "tight",
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "figure.constrained_layout.use": True,
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": matplotlib.cycler(color=list(COLOURS.values())),
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "lines.markersize": 5.5,
    "errorbar.capsize": 2.5,
}


def use_book_style():
    """Set the style, and high-resolution PNG without a time stamp as the inline format."""
    matplotlib.rcParams.update(STYLE)
    try:
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:  # outside a notebook
        return
    set_matplotlib_formats("png", dpi=STYLE["savefig.dpi"], metadata={"Software": None})


def colour_and_marker():
    """Endless pairs of a colour and a marker, one for each curve."""
    return zip(cycle(COLOURS.values()), cycle(MARKERS))


def points(ax, x, y, error=None, *, certified=None, colour, marker="o", label=None):
    """Data as points with error bars; points without a certified equilibrium are hollow.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    x, y : array_like, shape (n,)
    error : array_like, optional
        Standard errors of y.
    certified : array_like of bool, shape (n,), optional
        Whether each point is at equilibrium; all are when omitted.
    colour, marker, label : str
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    certified = np.ones(len(x), bool) if certified is None else np.asarray(certified, bool)
    ax.errorbar(x, y, error, fmt="none", ecolor=colour, elinewidth=1)
    ax.plot(x[certified], y[certified], marker, color=colour, label=label)
    ax.plot(x[~certified], y[~certified], marker, color=colour, markerfacecolor="none")


def digest(figure, **series):
    """Show the open figures, and print their numbers below, rounded.

    A changed figure changes its digest, which nbval compares; pictures it does not.

    Parameters
    ----------
    figure : str
        Name of the figure.
    **series : array_like
        Stored or theoretical numbers that the figure shows; three digits are kept.
    """
    plt.show()
    print(f"digest of {figure}")
    for name, values in series.items():
        values = np.atleast_1d(np.asarray(values, float)).ravel()
        print(f"  {name}:", " ".join(f"{value + 0.0:.3g}" for value in values))


__all__ = ["COLOURS", "MARKERS", "colour_and_marker", "digest", "plt", "points", "use_book_style"]
