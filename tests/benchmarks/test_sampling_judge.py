"""How the benchmark of samplers judges its entries: pure functions, no sampler is run."""

import runpy
from pathlib import Path

import numpy as np
import pytest

FILE = Path(__file__).parents[2] / "benchmarks" / "sampling" / "judge.py"
JUDGE = runpy.run_path(str(FILE))
REFERENCE = {"mean": 0.2, "mcse": 0.0}


def rungs(*entries):
    """Rungs of (step, relative bias, relative error); a bias of None has diverged."""
    return [
        (step, {"mean": None if b is None else 0.2 * (1 + b), "mcse": 0.2 * e})
        for step, b, e in entries
    ]


def test_the_largest_step_with_a_small_estimated_bias_is_taken():
    ladder = rungs((4, None, 0), (2, -0.1, 0.001), (1, -0.015, 0.001), (0.5, -0.004, 0.001))
    assert JUDGE["largest_unbiased"](ladder, REFERENCE) == (1, "resolved")
    assert JUDGE["possibly_unbiased"](ladder, REFERENCE) == [1, 0.5]


def test_a_step_whose_error_hides_its_bias_is_taken_and_said_so():
    ladder = rungs((2, -0.05, 0.02), (1, -0.01, 0.02))
    assert JUDGE["largest_unbiased"](ladder, REFERENCE) == (1, "not resolved")
    assert JUDGE["possibly_unbiased"](ladder, REFERENCE) == [2, 1]


def test_without_an_unbiased_step_the_smallest_is_taken():
    ladder = rungs((1, -0.08, 0.001), (2, None, 0))
    assert JUDGE["largest_unbiased"](ladder, REFERENCE) == (1, "none")
    assert JUDGE["possibly_unbiased"](ladder, REFERENCE) == [1]


def test_the_error_of_the_reference_counts():
    bias = JUDGE["relative_bias"]({"mean": 0.2, "mcse": 0.0}, {"mean": 0.2, "mcse": 0.002})
    assert bias == pytest.approx((0, 0.01))
    z = JUDGE["z_score"]({"mean": 0.23, "mcse": 0.03}, {"mean": 0.18, "mcse": 0.04})
    assert z == pytest.approx(1)


def test_independent_draws_are_all_effective():
    draws = np.random.default_rng(0).standard_normal((4, 500))
    found = JUDGE["summarise"](draws, seconds=10, gradients=8000, settle=0.2)
    assert found["draws"] == 400 and found["seconds"] == pytest.approx(8)
    assert found["ess"] == pytest.approx(1600, rel=0.15)
    assert found["ess_per_second"] == pytest.approx(200, rel=0.15)
    assert found["gradients_per_ess"] == pytest.approx(4, rel=0.15)
    assert found["converged"]


def test_a_chain_that_strays_does_not_count_for_the_rest():
    draws = np.random.default_rng(0).standard_normal((5, 1000))
    draws[0, 300:] += 4
    plain = JUDGE["summarise"](draws, seconds=10, gradients=8000, settle=0.2)
    found = JUDGE["of_a_typical_chain"](draws, plain)
    assert plain["ess"] == found["ess_together"] < 100
    assert found["ess"] == pytest.approx(4000, rel=0.2)
    assert found["ess_per_second"] == pytest.approx(500, rel=0.2)
    assert found["gradients_per_ess"] == pytest.approx(6400 / found["ess"])
    same = ("mean", "mcse", "r_hat", "draws", "converged")
    assert [found[key] for key in same] == [plain[key] for key in same]


def test_what_is_left_out_at_first_is_left_out_of_a_typical_chain():
    draws = np.random.default_rng(0).standard_normal((3, 1000))
    draws[:, :200] += 10
    plain = JUDGE["summarise"](draws, seconds=10, gradients=1, settle=0.2)
    assert JUDGE["of_a_typical_chain"](draws, plain)["ess"] == pytest.approx(2400, rel=0.2)


def test_chains_that_never_move_are_not_effective():
    draws = np.random.default_rng(0).standard_normal((3, 1000))
    draws[:2] = draws[:2, :1]
    found = JUDGE["of_a_typical_chain"](draws, JUDGE["summarise"](draws, 1, 1))
    assert found["ess"] == 3 and not found["converged"]


def test_no_effective_samples_stay_none():
    draws = np.full((2, 100), np.inf)
    found = JUDGE["of_a_typical_chain"](draws, JUDGE["summarise"](draws, 1, 1))
    assert found["ess"] == found["ess_together"] == found["ess_per_second"] == 0


def test_chains_in_different_modes_and_infinite_draws_do_not_converge():
    draws = np.random.default_rng(0).standard_normal((2, 500))
    assert not JUDGE["summarise"](draws + [[0], [5]], 1, 1)["converged"]
    draws[0, 0] = np.inf
    found = JUDGE["summarise"](draws, 1, 1)
    assert found["ess_per_second"] == 0 and not found["converged"]
