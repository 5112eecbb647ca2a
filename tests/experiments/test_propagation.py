"""Measured strengths of features, on cases whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import erf

from featlearn.experiments import propagation, store
from featlearn.theory.deep_kernels import lazy_hermite_eigenvalue
from featlearn.theory.gaussian import expectation
from featlearn.theory.hermite import normalised_hermite
from featlearn.theory.kernels import hermite_eigenvalue

THRESHOLD = 5.0  # standard errors


def score(values, expected):
    values = np.asarray(values)
    return (values.mean() - expected) / (values.std(ddof=1) / len(values) ** 0.5)


def test_form_has_no_bias_from_the_diagonal():
    rng = np.random.default_rng(0)
    found = []
    for _ in range(300):
        x = rng.standard_normal((12, 3))
        K = x @ x.T / 3 + 5 * np.eye(12)  # a large diagonal
        found.append(propagation._form(K, x[:, 0]))
    assert abs(score(found, 1 / 3)) < THRESHOLD


def test_a_spike_adds_its_share_to_the_bulk():
    """Sherman and Morrison: the inverse norms add."""
    config = {"claim": "i", "d": 6, "n": 60, "N": 3000, "M": 300, "seeds": 4}
    run = propagation.run_point(config)
    expected = 0.9 * run.bulk_inverse_norm + 0.1
    np.testing.assert_allclose(run.inverse_norm, expected, rtol=0.05)
    none = propagation.run_point(config | {"M": 0})
    np.testing.assert_allclose(none.inverse_norm, none.bulk_inverse_norm, rtol=0.2)


def test_a_spike_lifts_the_form_of_the_cubic_target_and_not_its_norm():
    config = {"claim": "i", "d": 6, "n": 400, "N": 800, "M": 240, "seeds": 12}
    run, none = propagation.run_point(config), propagation.run_point(config | {"M": 0})
    c3 = expectation(lambda z: erf(z) * normalised_hermite(3, z))
    assert abs(score(run.cubic_form - none.cubic_form, 0.3 * c3**2)) < THRESHOLD
    assert score(run.cubic_form, 0.0) > THRESHOLD  # there is a gain
    assert abs(score(run.cubic_gain, 0.3 * (c3**2 - hermite_eigenvalue(3, 6)))) < THRESHOLD
    assert (run.cubic_inverse_norm < 0.2 * 0.3 * c3**2).all()


def test_amplified_forms_are_the_closed_form():
    config = {"claim": "ii", "d": 5, "n": 300, "D": 3, "seeds": 30}
    run = propagation.run_point(config)
    for degree in (1, 3):
        expected = hermite_eigenvalue(degree, 5, 3)
        assert abs(score(run.form.sel(degree=degree), expected)) < THRESHOLD
    assert (run.largest_share <= 1).all() and (run.median_eigenvalue > 0).all()
    # a harmonic mean is below the arithmetic one
    assert (run.inverse_norm.mean("seed") < run.form.mean("seed")).all()


def test_lazy_forms_are_the_closed_form():
    config = {"claim": "iii", "d": 4, "n": 300, "N": 1200, "seeds": 40}
    run = propagation.run_point(config)
    for layer in (1, 2):
        for degree in (1, 3):
            expected = lazy_hermite_eigenvalue(degree, 4, layer)
            found = run.form.sel(layer=layer, degree=degree)
            assert abs(score(found, expected)) < THRESHOLD


@pytest.mark.parametrize("name", propagation.NAMES)
def test_live_points_are_a_part_of_the_full_ones(name):
    def place(config):
        return {key: config[key] for key in config if key not in ("seeds", "n", "N")}

    full = [place(config) for config in propagation.points(name)]
    assert all(place(config) in full for config in propagation.points(name, "live"))


def test_result_is_complete_and_storable(tmp_path):
    configs = [{"claim": "iii", "d": d, "n": 20, "N": 40, "seeds": 2} for d in (3, 4)]
    lazy = next(e for e in propagation.EXPERIMENTS if e.name == propagation.LAZY)
    small = replace(lazy, name="small", points=configs)
    data = small.measure(workers=1, progress=False, folder=tmp_path)
    store.save("small", data, folder=tmp_path)
    assert store.load("small", folder=tmp_path).form.equals(data.form)
    with pytest.raises(ValueError, match="name = 'other'"):
        propagation.points("other")
