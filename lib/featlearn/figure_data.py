"""The numbers in a figure, read back from its axes as a table that any program reads."""

import csv
import io
from itertools import cycle

import numpy as np
from matplotlib.collections import LineCollection, PathCollection, PolyCollection, QuadMesh
from matplotlib.colors import to_hex
from matplotlib.container import ErrorbarContainer
from matplotlib.patches import Rectangle

COLUMNS = ("panel", "kind", "series", "colour", "x", "y", "y_low", "y_high", "value")
DIGITS = 6


def figure_data(figure):
    """Write what a figure shows as CSV text.

    Parameters
    ----------
    figure : matplotlib.figure.Figure

    Returns
    -------
    str
        Comment lines (``#``) with the axes of each panel, then a table of ``COLUMNS``: a row for
        each point, vertex, bar or cell. ``kind`` is ``points``, ``line``, ``level`` (a straight
        line across the panel, whose other coordinate is empty), ``band``, ``region``, ``bar`` or
        ``cell`` (with its ``value``). ``y_low`` and ``y_high`` are the ends of the error bar.
        ``series`` is the label of the legend; where a curve has none, ``colour`` tells to which
        series it belongs.
    """
    text = io.StringIO()
    panels = [ax for ax in figure.axes if ax.get_label() != "<colorbar>"]
    for number, ax in enumerate(panels, 1):
        title = f"{ax.get_title()}: " if ax.get_title() else ""
        axes = f"panel {number}: {title}x = {ax.get_xlabel()}, y = {ax.get_ylabel()}"
        text.write("# " + " ".join(axes.split()) + "\n")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for number, ax in enumerate(panels, 1):
        for row in _rows(ax):
            table.writerow([number, *row])
    return text.getvalue()


def _rows(ax):
    """Yield the rows of one panel, without its number."""
    bars, caps = _error_bars(ax)
    for line in ax.lines:
        if line not in caps:
            yield from _line(ax, line, bars)
    for collection in ax.collections:
        yield from _collection(collection)
    for patch in ax.patches:
        kind = "bar" if isinstance(patch, Rectangle) else "region"
        name = _series(patch), to_hex(patch.get_facecolor())
        if kind == "bar":
            x = patch.get_x() + patch.get_width() / 2
            yield kind, *name, *_numbers(x, patch.get_y() + patch.get_height()), "", "", ""
        else:
            for x, y in _vertices(patch.get_path()):
                yield kind, *name, *_numbers(x, y), "", "", ""


def _error_bars(ax):
    """Return the vertical error bars as (owner, x, low, high), and the lines of their caps.

    The owner is the line of points that the bars were drawn with, or else their colour.
    """
    bars, caps = [], set()
    for container in ax.containers:
        if isinstance(container, ErrorbarContainer):
            marks, capped, stems = container.lines
            caps.update(capped)
            for stem in stems:
                segments = stem.get_segments()
                colours = cycle([to_hex(c) for c in stem.get_color()] or [""])
                for segment, colour in zip(segments, colours, strict=False):
                    if len(segment) == 2 and segment[0][0] == segment[1][0]:
                        owner = colour if marks is None else marks
                        bars.append((owner, segment[0][0], *sorted(segment[:, 1])))
    return bars, caps


def _line(ax, line, bars):
    in_data = line.get_transform().contains_branch_seperately(ax.transData)
    name = _series(line), to_hex(line.get_color())
    x, y = (np.asarray(values, float) for values in line.get_data())
    if not all(in_data):  # axhline, axvline
        fixed = [
            values[0] if data else np.nan for values, data in zip((x, y), in_data, strict=True)
        ]
        yield "level", *name, *_numbers(*fixed), "", "", ""
        return
    kind = "points" if line.get_linestyle() == "None" else "line"
    has_marks = line.get_marker() not in ("None", None, "", " ")
    for here, there in zip(x, y, strict=True):
        own = (line, name[1])
        ends = _numbers(*_bar(here, there, own, bars)) if has_marks else ("", "")
        yield kind, *name, *_numbers(here, there), *ends, ""


def _bar(x, y, owners, bars):
    """Return the ends of the error bar of a point, or two NaN.

    Bars of several curves may reach over it: its own has its line or its colour, and is centred
    on it most nearly.
    """
    own = [bar[2:] for bar in bars if bar[0] in owners and bar[1] == x and bar[2] <= y <= bar[3]]
    return min(own, key=lambda ends: abs(sum(ends) / 2 - y), default=(np.nan, np.nan))


def _collection(collection):
    series = _series(collection)
    if isinstance(collection, LineCollection):
        return  # the stems of error bars
    if isinstance(collection, QuadMesh):
        corners = collection.get_coordinates()
        centres = (corners[:-1, :-1] + corners[1:, 1:]) / 2
        values = np.ma.filled(collection.get_array().astype(float), np.nan)
        for (x, y), value in zip(centres.reshape(-1, 2), np.ravel(values), strict=True):
            if value and np.isfinite(value):  # most cells are empty
                yield "cell", series, "", *_numbers(x, y), "", "", *_numbers(value)
    elif isinstance(collection, PathCollection):
        colour = to_hex(collection.get_facecolor()[0])
        for x, y in np.ma.filled(collection.get_offsets(), np.nan):
            yield "points", series, colour, *_numbers(x, y), "", "", ""
    elif isinstance(collection, PolyCollection):
        colour = to_hex(collection.get_facecolor()[0])
        for path in collection.get_paths():
            for x, y in _vertices(path):
                yield "band", series, colour, *_numbers(x, y), "", "", ""


def _vertices(path):
    """Yield the corners of a path, each outline closed by a row without numbers."""
    for outline in path.to_polygons(closed_only=False):
        yield from outline
        yield np.nan, np.nan


def _series(artist):
    """Return the label of the legend; empty if the artist has none."""
    label = str(artist.get_label())
    return "" if label.startswith("_") else label


def _numbers(*values):
    """Round numbers for print; what is not finite stays empty."""
    return tuple(f"{v + 0.0:.{DIGITS}g}" if np.isfinite(v) else "" for v in map(float, values))
