"""The experiment on a ladder, on a network small enough to be exact about its shares."""

import numpy as np

from featlearn.experiments import two_layer_ladder
from featlearn.experiments.experiment import settings

SMALL = settings(
    two_layer_ladder.DEFAULTS,
    d=4,
    N=4,
    P=12,
    data_seed=[4, 0],
    starts=2,
    planted=2,
    rungs=3,
    least_scale=0.5,
    n_jumps=4,
    warmup=100,
    draws=400,
)


def test_counted_and_reweighted_shares_agree():
    run = two_layer_ladder.run_point(SMALL, "cpu")
    assert set(run.variables) <= set(two_layer_ladder.UNITS)
    share, error = run.share.values, run.share_mcse.values
    assert abs(share.sum() - 1) < 1e-9 and run.swapped > 0.2
    seen = run.free_energy_error.values > 0
    assert seen.sum() >= 2 and (share[~seen] < 0.02).all()
    common = seen & (share > 0.02)
    reweighted = np.exp(-run.free_energy.values[common])
    spread = np.hypot(error[common], reweighted * run.free_energy_error.values[common])
    assert (abs(reweighted - share[common]) < 5 * spread).all()
    np.testing.assert_allclose((share * run.number).sum(), run["count"].mean(), rtol=1e-6)


def test_chains_alone_have_no_free_energies():
    run = two_layer_ladder.run_point(settings(SMALL, rungs=1, least_scale=1.0, draws=100), "cpu")
    assert (run.free_energy == 0).all() and run.swapped == 0
    assert run.sizes["start"] == 2 and np.isfinite(run.alignment_r_hat)
