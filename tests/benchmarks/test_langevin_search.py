"""The search for Langevin's step, on a rival whose bias is known."""

import numpy as np
from benchmarks.sampling import entries, judge

REFERENCE = {"mean": 0.2, "mcse": 0.0}
SETTINGS = {"seconds": 100.0, "seed": 1}


def rival(bias, asked):
    """A program whose mean alignment is off by ``bias(step)``, with few draws at first."""

    def launch(settings):
        asked.append(list(settings["tunings"]))
        rng = np.random.default_rng(settings["seed"])
        coarse = len(settings["tunings"]) == len(entries.LADDER)
        noise = 0.02 if coarse else 1e-4
        draws = [
            0.2 * (1 + bias(step)) + noise * rng.standard_normal((8, 100))
            for step in settings["tunings"]
        ]
        runs = [{"seconds": settings["seconds"], "gradients": 800, "thin": 1} for _ in draws]
        return {"runs": runs, "compile_seconds": 0.0, "versions": {}}, draws

    return launch


def test_it_goes_down_until_a_step_passes():
    # Biased by more than 2 % down to the eighth step, by little enough to pass at first.
    asked, edge = [], entries.LADDER[7]
    launch = rival(
        lambda step: -0.5 if step > entries.LADDER[3] else -0.021 * (step >= edge), asked
    )
    entry, _ = entries._run_langevin(SETTINGS, REFERENCE, launch)
    assert entry["step"] == entries.LADDER[8] and entry["verdict"] == "resolved"
    assert asked[1] == entries.LADDER[3:6] and [len(a) for a in asked[2:-1]] == [1, 1, 1]
    assert abs(judge.relative_bias(entry, REFERENCE)[0]) < 0.001


def test_where_no_step_passes_the_smallest_is_measured_and_said_so():
    asked = []
    entry, _ = entries._run_langevin(SETTINGS, REFERENCE, rival(lambda step: -0.021, asked))
    assert entry["step"] == entries.LADDER[-1] and entry["verdict"] == "none"
    assert asked[-1] == [entries.LADDER[-1]]


def test_a_step_that_fails_when_it_is_measured_is_not_taken():
    """The search sees the fifth step at a bias of 1.9 %, the longer measurement at 2.3 %."""
    asked, of_search = [], 0.019

    def bias(step):
        if step > entries.LADDER[4]:
            return -0.5
        measured = len(asked) > 2
        return -(0.023 if measured else of_search) if step == entries.LADDER[4] else -0.01

    entry, _ = entries._run_langevin(SETTINGS, REFERENCE, rival(bias, asked))
    assert asked[2:] == [[entries.LADDER[4]], [entries.LADDER[5]]]
    assert entry["step"] == entries.LADDER[5]
    assert entry["verdict"] == "by measurement" and entry["verdict_measured"] == "resolved"
    assert entry["ladder"][-1]["step"] == entries.LADDER[4]
    assert abs(entry["ladder"][-1]["bias"][0] + 0.023) < 0.001
