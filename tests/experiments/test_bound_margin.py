"""Posterior probabilities against the bound: one small point, against weighted prior networks."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import erf, logsumexp

from featlearn.experiments import bound_margin, store
from featlearn.inference.network import Network
from featlearn.theory.alignment import network_alignment


def test_a_small_point_agrees_with_weighted_prior_networks(tmp_path):
    config = bound_margin.point(3, 3, 6, 1.0, warmup=100, draws=600, data_seeds=[[3, 1]])
    (declared,) = bound_margin.EXPERIMENTS
    small = replace(declared, name="small", points=[config])
    data = small.measure(workers=1, progress=False, folder=tmp_path)
    store.save("small", data, folder=tmp_path)
    run = data.isel(point=0, data_set=0)

    x, y = (v.numpy() for v in Network(3, [3], 1.0).data([3, 1], 6))
    rng = np.random.default_rng(0)
    n = 300_000
    w = rng.standard_normal((n, 3, 3)) / 3**0.5
    a = rng.standard_normal((n, 3)) / 3**0.5
    f = np.einsum("bn,bnp->bp", a, erf(w @ x.T))
    A = network_alignment(a, w[..., 0], (w**2).sum(-1), 3)
    log_l = -((f - y) ** 2).sum(1) / 2
    log_z = logsumexp(log_l) - np.log(n)
    assert run.log_evidence == pytest.approx(log_z, abs=0.1)
    for alpha in (0.1, 0.3):
        expected = logsumexp(log_l[alpha <= A]) - np.log(n) - log_z
        assert float(run.log_probability.sel(alpha=alpha)) == pytest.approx(expected, abs=0.3)
    assert (run.bound > run.log_probability).all()
    assert run.k == pytest.approx(((f - y) ** 2).mean(), rel=0.02)


def test_a_violated_bound_would_show():
    """The planted error: a bound that forgets the data term is below some probability."""
    config = bound_margin.point(3, 3, 30, 0.1, data_sets=1, warmup=60, draws=200)
    run = bound_margin.run_point(config)
    data_term = 30 * run.k.values[:, None] / 0.2
    assert (run.bound > run.log_probability).all()
    assert not (run.bound - data_term > run.log_probability).all()


def test_live_point_is_a_point_of_the_full_sweep():
    full = [(c["d"], c["N"], c["P"], c["kappa"]) for c in bound_margin.points()]
    assert len(set(full)) == len(full)
    assert all((c["d"], c["N"], c["P"], c["kappa"]) in full for c in bound_margin.points("live"))
    assert all(P <= bound_margin.STRONGEST * kappa for _, _, P, kappa in full)


def test_unknown_settings_are_named():
    with pytest.raises(ValueError, match="unknown settings \\['rung'\\]"):
        bound_margin.point(4, 3, 5, 0.1, rung=3)
