"""One style for every figure of the book.

Figures are drawn in dark ink on a transparent ground; the site's style sheet
inverts their lightness in dark mode, which keeps the hues. Colours are those of
Okabe and Ito, told apart by colour-blind readers; markers differ as well.
"""

import io
import sys
from base64 import b64encode
from itertools import cycle

import matplotlib
import numpy as np
from matplotlib import pyplot as plt

from .figure_data import figure_data

SVG, PDF = "image/svg+xml", "application/pdf"
# Beside the pictures of a figure: its numbers, which the book offers as a file.
DATA = "application/vnd.featlearn.figure+csv"
COLOURS = {
    "blue": "#0072B2",
    "orange": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "amber": "#B37400",
    "sky": "#3D9BDC",
    "grey": "#595959",
}
MARKERS = "osD^vP*X"

STYLE = {
    "figure.figsize": (6.4, 4.0),
    "figure.dpi": 110,
    "savefig.bbox": "tight",
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.hashsalt": "featlearn",  # the same drawing gives the same file
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.wspace": 0.06,
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
    """Set the style of all figures that follow."""
    matplotlib.rcParams.update(STYLE)


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


def kept(figure):
    """Return a figure as the book keeps it: as SVG and PDF, with its numbers as CSV.

    Parameters
    ----------
    figure : matplotlib.figure.Figure

    Returns
    -------
    dict of str to str
        From media type to content.
    """
    # Without a date, or the same figure would be another file tomorrow.
    svg = _file(figure, "svg", Date=None).decode()
    pdf = b64encode(_file(figure, "pdf", CreationDate=None)).decode()
    return {SVG: svg, PDF: pdf, DATA: figure_data(figure), "text/plain": "a figure"}


def _file(figure, kind, **metadata):
    file = io.BytesIO()
    # Saving would give a figure without a layout engine the one of the style.
    with matplotlib.rc_context({"figure.constrained_layout.use": False}):
        figure.savefig(file, format=kind, metadata=metadata)
    return file.getvalue()


def show(figure):
    """Show a figure: in a notebook as the book keeps it, elsewhere in a window.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    """
    if "IPython" not in sys.modules or sys.modules["IPython"].get_ipython() is None:
        plt.show()
        return
    from IPython.display import display

    drawn = kept(figure)
    plt.close(figure)  # or the notebook shows it once more, as PNG
    display(drawn, raw=True)


def digest(figure, **series):
    """Show the open figure, and print its numbers below, rounded.

    A changed figure changes its digest, which nbval compares; pictures it does not.

    Parameters
    ----------
    figure : str
        Name of the figure.
    **series : array_like
        Stored or theoretical numbers that the figure shows; three digits are kept.

    Raises
    ------
    ValueError
        If not exactly one figure is open.
    """
    opened = plt.get_fignums()
    if len(opened) != 1:
        raise ValueError(f"digest of {figure!r} needs one open figure; {len(opened)} are")
    show(plt.figure(opened[0]))
    print(f"digest of {figure}")
    for name, values in series.items():
        values = np.atleast_1d(np.asarray(values, float)).ravel()
        print(f"  {name}:", " ".join(f"{value + 0.0:.3g}" for value in values))


__all__ = [
    "COLOURS",
    "MARKERS",
    "colour_and_marker",
    "digest",
    "kept",
    "plt",
    "points",
    "show",
    "use_book_style",
]
