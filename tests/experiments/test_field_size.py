"""The experiment at the size of the field, on networks small enough for a test."""

import numpy as np
import pytest

from featlearn.experiments import field_size
from featlearn.experiments.experiment import settings

SMALL = settings(
    field_size.DEFAULTS, d=6, P=12, data_seed=[6, 0], planted=2, warmup=20, draws=70, n_jumps=2
)


@pytest.mark.parametrize("widths", [[5], [5, 4]])
def test_a_small_network_end_to_end(widths):
    run = field_size.run_point(settings(SMALL, widths=widths, chains=4), "cpu")
    assert set(run.variables) <= set(field_size.UNITS)
    assert run.alignment.dims == ("start",) and np.isfinite(run.alignment).all()
    assert (run.second > 0).any() or len(widths) == 1
    assert ((run["first"] >= 0) & (run["first"] <= 5)).all()
    assert run["first"].sel(start="prior") < 2.5  # one weight in twelve is so large by chance
    assert run.gradients == 90 * 13 and run.seconds > 0
    assert run.path_number.shape == run.path_alignment.shape == (2, field_size.PARTS)
    np.testing.assert_allclose(run.share @ run.number, run["first"])
    assert (run.acceptance > 0.3).all()


def test_the_first_half_of_a_run_is_left_out():
    run = field_size.run_point(settings(SMALL, chains=2, widths=[5], draws=140), "cpu")
    second_half = slice(field_size.PARTS // 2, None)  # parts of two trajectories each
    np.testing.assert_allclose(
        run.path_number.isel(part=second_half).mean("part"), run["first"], atol=1e-6
    )


def test_both_sizes_of_the_field_are_measured():
    shown = [field_size.EXPERIMENTS[0].columns_of(config) for config in field_size.POINTS]
    assert {"d": 100, "P": 1200, "N1": 800, "N2": 0} in shown
    assert {"d": 100, "P": 1200, "N1": 800, "N2": 800} in shown
