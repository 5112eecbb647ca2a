"""The numbers of a figure are those that it shows."""

import csv

import matplotlib
import numpy as np
import pytest

from featlearn.figure_data import COLUMNS, figure_data
from featlearn.plotting import COLOURS, plt, points

matplotlib.use("Agg")


@pytest.fixture
def ax():
    return plt.subplots()[1]


def rows(figure):
    """Read the table as a reader's program would."""
    lines = [line for line in figure_data(figure).splitlines() if not line.startswith("#")]
    table = list(csv.DictReader(lines))
    assert all(tuple(row) == COLUMNS for row in table)
    return table


def numbers(row, *names):
    return [float(row[name]) if row[name] else np.nan for name in names]


def test_points_keep_their_error_bars_and_hollow_ones_their_colour(ax):
    points(ax, [1, 2, 3], [4, 5, 6], [0.1, 0.2, 0.3], certified=[1, 0, 1], colour=COLOURS["blue"],
           label="d = 20")  # fmt: skip
    found = sorted(rows(ax.figure), key=lambda row: row["x"])
    ends = np.array([numbers(row, "x", "y", "y_low", "y_high") for row in found])
    expected = [[1, 4, 3.9, 4.1], [2, 5, 4.8, 5.2], [3, 6, 5.7, 6.3]]
    np.testing.assert_allclose(ends, expected, rtol=1e-5)
    assert [row["series"] for row in found] == ["d = 20", "", "d = 20"]
    assert {row["kind"] for row in found} == {"points"}
    assert {row["colour"] for row in found} == {COLOURS["blue"].lower()}


def test_error_bars_of_another_curve_are_not_taken(ax):
    ax.errorbar([1, 2], [1, 1], [0.5, 0.5], fmt="o")
    ax.plot([1, 2], [3, 3], "s")
    ax.plot([1, 2], [1, 1])  # a theory line through the points has no errors
    bars = [row["y_low"] for row in rows(ax.figure)]
    assert bars == ["0.5", "0.5", "", "", "", ""]


def test_a_point_keeps_its_own_error_bar_where_others_reach_over_it(ax):
    for colour, y, error in (("blue", 1.0, 0.9), ("orange", 1.2, 0.1), ("blue", 1.3, 0.4)):
        points(ax, [2.0], [y], [error], certified=[1], colour=COLOURS[colour])
    ends = [numbers(row, "y_low", "y_high") for row in rows(ax.figure)]
    kept = [end for end in ends if np.isfinite(end).all()]
    np.testing.assert_allclose(kept, [[0.1, 1.9], [1.1, 1.3], [0.9, 1.7]], rtol=1e-5)


def test_bars_of_a_colour_of_their_own_belong_to_the_points_they_were_drawn_with(ax):
    ax.errorbar([1, 2], [1, 1], [0.5, 0.5], fmt="o", ecolor=["red", "blue"])
    ax.errorbar([1, 2], [1.1, 1.1], [0.1, 0.1], fmt="s", ecolor="grey")
    ax.errorbar([1, 2], [3, 3], [0.5, 0.5], fmt="o", ecolor="none")
    lows = [row["y_low"] for row in rows(ax.figure)]
    assert lows == ["0.5", "0.5", "1", "1", "2.5", "2.5"]


def test_theory_lines_and_levels_are_told_apart(ax):
    ax.plot([1, 2], [3, 4], label="theory")
    ax.axhline(2)
    ax.axvline(7)
    first, second, level, place = rows(ax.figure)
    assert (first["kind"], first["series"], second["y"]) == ("line", "theory", "4")
    assert (level["kind"], level["x"], level["y"]) == ("level", "", "2")
    assert (place["kind"], place["x"], place["y"]) == ("level", "7", "")


def test_cells_bars_bands_and_regions_are_written(ax):
    ax.pcolormesh([0, 1, 2, 3], [0, 1], np.ma.masked_equal([[0, 3.0, -1]], -1))
    ax.bar([5], [2], label="count")
    ax.fill_between([0, 1], [0, 0], [1, 1])
    ax.fill([0, 1, 1], [0, 0, 1], label="learns")
    ax.scatter([8], [9])
    by_kind = {}
    for row in rows(ax.figure):
        by_kind.setdefault(row["kind"], []).append(row)
    (cell,) = by_kind["cell"]
    assert numbers(cell, "x", "y", "value") == [1.5, 0.5, 3]
    assert numbers(by_kind["bar"][0], "x", "y") == [5, 2]
    assert {row["series"] for row in by_kind["region"]} == {"learns"}
    corners = [numbers(row, "x", "y") for row in by_kind["region"]]
    assert corners[:3] == [[0, 0], [1, 0], [1, 1]] and np.isnan(corners[-1]).all()
    assert len(by_kind["band"]) > 4 and numbers(by_kind["points"][0], "x", "y") == [8, 9]


def test_panels_are_numbered_and_described():
    fig, (left, right) = plt.subplots(1, 2)
    left.set(xlabel="$P/d$", ylabel="alignment", title="two\nlayers")
    left.plot([1], [1])
    right.plot([2], [2])
    image = right.pcolormesh([[1.0]])
    fig.colorbar(image)
    text = figure_data(fig).splitlines()
    assert text[0] == "# panel 1: two layers: x = $P/d$, y = alignment"
    assert text[1].startswith("# panel 2:") and text[2] == ",".join(COLUMNS)
    assert [row["panel"] for row in rows(fig) if row["kind"] == "line"] == ["1", "2"]


def test_what_is_not_a_number_is_empty(ax):
    ax.plot([1, 2], [np.nan, -0.0])
    assert [row["y"] for row in rows(ax.figure)] == ["", "0"]
