"""The energy of an alignment in the prior: small ladders end to end, and what is planted."""

from dataclasses import replace

import numpy as np
import pytest

from featlearn.experiments import prior_energy, store
from featlearn.inference.network import Network
from featlearn.theory.large_deviations import log_tail_probability

THRESHOLD = 5.0


def small(d, widths, **others):
    settings = dict(windows=8, warmup=60, draws=100, thin=2, points=32, fine_points=64)
    return prior_energy.point(d, widths, **(settings | others))


def test_two_layers_have_the_exact_energy():
    run = prior_energy.run_point(small(4, [3], windows=14, warmup=100, draws=300))
    final = run.energy.sel(alpha=1.0).values
    error = max(final.std(ddof=1) / 2, float(run.energy_error.sel(alpha=1.0).max()) / 2)
    assert abs(final.mean() - -log_tail_probability(1.0, 4, 3)) < THRESHOLD * error
    assert run.max_r_hat < 1.1
    assert (run.energy.diff("alpha") > 0).all()


def test_a_small_sweep_end_to_end(tmp_path):
    configs = [small(3, [2]), small(3, [2, 3])]
    (declared,) = prior_energy.EXPERIMENTS
    sweep = replace(declared, name="small", points=configs)
    options = dict(workers=1, progress=False, folder=tmp_path)
    data = sweep.measure(**options)
    assert data.N1.values.tolist() == [2, 2] and data.N2.values.tolist() == [0, 3]
    store.save("small", data, folder=tmp_path)
    again = sweep.measure(**options)
    assert again.energy.equals(data.energy)
    # The same measure of the alignment up to the error of two small rules.
    assert np.abs(data.coarse_energy - data.pooled_energy).max() < 2


def test_planted_neurons_respond_as_planted():
    network = Network(8, [12, 6])
    z = prior_energy.starts(network, 5, 0)
    assert z.shape == (4, 5, network.size)
    last = [network.responses(network.layers(ladder[-1:])) for ladder in z]
    assert (last[2][0][0, :3] - prior_energy.RESPONSE).abs().max() < 1e-9
    assert (last[3][1][0, :3] - prior_energy.RESPONSE).abs().max() < 1e-5
    assert (last[0][0].abs() < 1.3).all()  # nothing planted in a prior start
    assert (z[2:, 0].abs() < 6).all()  # nor in the window of the prior


def test_live_point_is_a_point_of_the_full_sweep():
    full = [(c["d"], c["widths"]) for c in prior_energy.points()]
    assert len(full) == len({str(f) for f in full})
    assert all((c["d"], c["widths"]) in full for c in prior_energy.points("live"))


def test_unknown_settings_are_named():
    with pytest.raises(ValueError, match="unknown settings \\['window'\\]"):
        prior_energy.point(4, [3], windows=8, window=3)
