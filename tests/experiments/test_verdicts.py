"""Rows of verdict tables: what they refuse, and what a notebook stores of them."""

import json

import pytest
from IPython.core.formatters import DisplayFormatter

from featlearn.experiments.verdicts import MIME, Verdict, VerdictTable, judge

TEXTS = ("claim", "1", "1.0 ± 0.1", "d = 3", "agrees")


def test_a_row_needs_neither_figure_nor_results():
    row = Verdict(*TEXTS)
    assert row.figure is None and row.results == ()


def test_a_row_keeps_its_figure_and_results():
    row = Verdict(*TEXTS, figure="fig-one", results=["one-law", "other"])
    assert row.figure == "fig-one"
    assert row.results == ("one-law", "other")
    assert hash(row) == hash(Verdict(*TEXTS, figure="fig-one", results=("one-law", "other")))


@pytest.mark.parametrize("figure", ["", "Fig. 1", "fig_one", "fig-one ", "fig-", 1])
def test_a_label_that_is_none_is_refused(figure):
    with pytest.raises(ValueError, match="^figure = .*: None or a label of"):
        Verdict(*TEXTS, figure=figure)


@pytest.mark.parametrize("name", ["", "One", "one_law", 1])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(ValueError, match="^name = .*: None or a label of"):
        Verdict(*TEXTS, name=name)


def test_a_notebook_stores_a_name_only_where_there_is_one():
    """So the outputs of chapters whose rows have none stay as they are."""
    one, other = VerdictTable([Verdict(*TEXTS), Verdict(*TEXTS, name="law")])._repr_mimebundle_()[
        MIME
    ]["rows"]
    assert "name" not in one and other["name"] == "law"


@pytest.mark.parametrize(
    "results",
    ["one-law", None, ("one-law.nc",), ("one_law",), ("",), ("one", 2), {"one-law": 1}],
    ids=str,
)
def test_names_that_are_none_are_refused(results):
    with pytest.raises(ValueError, match="^results = .*: a sequence of names of"):
        Verdict(*TEXTS, results=results)


def test_a_notebook_stores_the_rows_beside_the_table():
    table = VerdictTable(
        [Verdict(*TEXTS, figure="fig-one", results=("one-law",)), Verdict(*TEXTS[:4], "disagrees")]
    )
    formatter = DisplayFormatter()  # a shell would stay for the tests that follow
    formatter.active_types = formatter.format_types  # as in a notebook, not in a terminal
    data, _ = formatter.format(table)
    assert set(data) == {MIME, "text/markdown", "text/plain"}
    assert data["text/markdown"] == table._repr_markdown_()
    fields = dict(zip(VerdictTable.columns, TEXTS, strict=True))
    assert (
        json.loads(json.dumps(data[MIME]))
        == data[MIME]
        == {
            "rows": [
                fields | {"figure": "fig-one", "results": ["one-law"]},
                fields | {"verdict": "disagrees", "figure": None, "results": []},
            ]
        }
    )


def test_a_table_as_text_and_as_markdown():
    table = VerdictTable([Verdict(*TEXTS), Verdict("other", "2", "3", "d = 4", "not decided")])
    assert repr(table).splitlines() == [
        "claim: predicted 1, measured 1.0 ± 0.1 -> agrees",
        "other: predicted 2, measured 3 -> not decided",
    ]
    assert table._repr_markdown_().splitlines() == [
        "| claim | predicted | measured | sizes | verdict |",
        "|---|---|---|---|---|",
        "| claim | 1 | 1.0 ± 0.1 | d = 3 | **agrees** |",
        "| other | 2 | 3 | d = 4 | **not decided** |",
    ]


@pytest.mark.parametrize(
    "low, high, predicted, rivals, verdict",
    [
        (1, 2, 1, (), "agrees"),  # the ends belong to the interval
        (1, 2, 2, (), "agrees"),
        (1, 1, 1, (), "agrees"),
        (1, 2, 1.5, (1,), "not decided"),
        (1, 2, 1.5, (3, 2), "not decided"),
        (1, 2, 1.5, (0.9, 2.1), "agrees"),
        (1, 2, 3, (1.5,), "disagrees"),  # a rival's success saves no prediction
        (1, 2, 0.9, (0.9,), "disagrees"),
    ],
)
def test_an_interval_is_judged_with_its_ends(low, high, predicted, rivals, verdict):
    assert judge(low, high, predicted, rivals) == verdict


@pytest.mark.parametrize("low, high", [(2, 1), (float("nan"), 1), (0, float("nan"))])
def test_an_interval_that_is_none_is_refused(low, high):
    with pytest.raises(ValueError, match=f"low = {low!r}, high = {high!r}"):
        judge(low, high, 1)


def test_signs_are_set_for_readers_and_for_the_closing_page_alike():
    table = VerdictTable([Verdict("slope -1, $-1$", "-1", "-0.1 ± 0.2, 95 %", "d = 3", "agrees")])
    expected = ["slope −1, $-1$", "−1", "−0.1 ± 0.2, 95\xa0%", "d = 3"]
    row = table._repr_mimebundle_()[MIME]["rows"][0]
    assert [row[name] for name in table.columns[:4]] == expected
    assert table._repr_markdown_().splitlines()[-1].split(" | ")[1:4] == expected[1:]
