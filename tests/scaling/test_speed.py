"""The limits on time, in fresh interpreters, at the widths where most patterns tie."""

import runpy
from pathlib import Path

import pytest

BENCHMARK = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "scaling.py"))


@pytest.mark.parametrize("depth, limit", list(BENCHMARK["LIMITS"].items()))
def test_predictions_are_fast_enough(depth, limit):
    loading, seconds, _ = BENCHMARK["time_one"](depth)
    assert loading + seconds < limit
