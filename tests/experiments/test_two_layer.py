"""What the chapter reads off the measurements, on data whose answer is known."""

import numpy as np
import pytest
import xarray as xr

from featlearn.experiments import (
    live,
    two_layer,
    two_layer_linear,
    two_layer_overlap,
    two_layer_specialised,
    two_layer_threshold,
)
from featlearn.experiments.equilibrium import tempered
from featlearn.experiments.verdicts import Verdict, VerdictTable, judge

MODULES = (two_layer_linear, two_layer_overlap, two_layer_specialised, two_layer_threshold)


def made_up_histogram(density, N, data_sets=6, noise=0.02, seed=0):
    """A point whose neurons have a given density of |mu|, with scatter between data sets."""
    rng = np.random.default_rng(seed)
    centres = 0.5 * (two_layer.EDGES[1:] + two_layer.EDGES[:-1])
    expected = 2 * N * two_layer.BIN * density(centres)
    scatter = 1 + noise * rng.standard_normal((data_sets, 2, len(centres)))
    return xr.Dataset(
        {"histogram": (("data_set", "start", "bin"), expected * scatter), "N": N},
        coords={"bin": centres},
    )


def two_peaks(mu):
    """A bulk and a side peak of equal log-curvature: the barrier is known from their crossing."""
    return np.exp(-0.5 * (mu / 0.2) ** 2) + 0.05 * np.exp(-0.5 * ((mu - 1.2) / 0.15) ** 2)


def test_barrier_is_found_and_absent_barriers_are_not():
    row = made_up_histogram(two_peaks, 40)
    fine = np.linspace(0.4, 1.1, 2001)
    exact = fine[np.argmin(two_peaks(fine))]
    place, error = two_layer_overlap.barrier(row, merge=2)
    assert abs(place - exact) < 0.03 and error < 0.03
    bulk = made_up_histogram(lambda mu: np.exp(-0.5 * (mu / 0.4) ** 2), 40)
    assert np.isnan(two_layer_overlap.barrier(bulk)[0])


@pytest.mark.parametrize("exact", [0.72, 0.75, 0.79])
def test_barrier_is_that_of_a_parabola_wherever_it_lies_in_its_bin(exact):
    """A log density that is a parabola over a bin and its neighbours is located exactly."""

    def density(mu):
        return np.exp(np.minimum(8 * (mu - exact) ** 2, 1.0))

    place, _ = two_layer_overlap.barrier(made_up_histogram(density, 40, noise=0.0))
    assert abs(place - exact) < 1e-3  # the bins' width is 0.1


def test_rest_of_a_prior_neuron_is_one_less_its_share():
    config = two_layer.point(6, 4, 0, data_sets=2, warmup=60, draws=400)
    run = two_layer.run_point(config, "cpu")
    total = run.histogram.sum("bin")
    np.testing.assert_allclose(total, 4)  # every neuron is counted once
    rest = (run.rest2.sum("bin") / total).values
    error = rest.std(ddof=1) / 2
    assert abs(rest.mean() - 5 / 6) < 5 * max(error, 0.01)
    assert 1 - rest.mean() > 5 * max(error, 0.01)  # the overlap's share is not in it


def test_density_is_normalised_whatever_the_bins():
    row = made_up_histogram(lambda mu: np.exp(-(mu**2) / 2) / np.sqrt(2 * np.pi), 10, noise=0.0)
    for merge in (1, 2, 4):
        centres, per_set = two_layer_overlap.density(row, merge)
        total = 2 * per_set.sum(1) * (centres[1] - centres[0])
        np.testing.assert_allclose(total, 1, rtol=1e-4)
    with pytest.raises(ValueError, match="merge = 7"):
        two_layer_overlap.density(row, 7)


def test_count_beyond_a_threshold():
    row = made_up_histogram(lambda mu: np.where(mu < 1, 0.5, 0.0), 30, noise=0.0)
    data = xr.concat([row, row], "point")
    np.testing.assert_allclose(two_layer_specialised.count_beyond(data, 0.6), 30 * 0.4)
    with pytest.raises(ValueError, match="threshold = -1"):
        two_layer_specialised.count_beyond(data, -1)


def made_up_curves(shift=0.0, sets=5, seed=0):
    """Alignment rising linearly in log P through 0.1 at P = 4 d, for two d, with scatter."""
    rng = np.random.default_rng(seed)
    d = np.repeat([10, 20], 5)
    P = np.tile([2, 3, 4, 6, 8], 2) * d
    offset = 0.01 * rng.standard_normal(sets)
    offset -= offset.mean()
    alignment = 0.1 + 0.1 * np.log(P / (4 * d))[:, None] + offset
    both = np.stack([alignment - shift, alignment + shift], -1)
    return xr.Dataset(
        {"alignment": (("point", "data_set", "start"), both), "d": ("point", d), "P": ("point", P)},
        coords={"start": list(two_layer.STARTS)},
    )


def test_thresholds_are_those_of_the_mean_curve():
    sizes, P_star = two_layer_threshold.thresholds(made_up_curves())
    assert list(sizes) == [10, 20]
    np.testing.assert_allclose(P_star.mean(1), [40, 80], rtol=0.01)
    # The error of P_* is that of the offset over the slope, P d(offset) / 0.1.
    offset = 0.01 * np.random.default_rng(0).standard_normal(5)
    expected = 40 * offset.std(ddof=1) / 0.1 / np.sqrt(5)
    assert P_star[0].std(ddof=1) / np.sqrt(5) == pytest.approx(expected, rel=0.2)


def test_thresholds_of_each_start_enclose_the_average():
    data = made_up_curves(shift=0.02)
    prior = two_layer_threshold.thresholds(data, "prior")[1].mean(1)
    planted = two_layer_threshold.thresholds(data, "planted")[1].mean(1)
    both = two_layer_threshold.thresholds(data)[1].mean(1)
    assert (planted < both).all() and (both < prior).all()


def test_a_curve_that_stays_below_is_refused():
    with pytest.raises(ValueError, match="level = 0.9"):
        two_layer_threshold.thresholds(made_up_curves(), level=0.9)
    with pytest.raises(ValueError, match="start = 'posterior'"):
        two_layer_threshold.thresholds(made_up_curves(), "posterior")


def test_a_small_experiment_end_to_end(tmp_path):
    points = [
        two_layer.point(4, 3, P, data_sets=2, warmup=30, draws=40, n_leapfrog=4, n_jumps=2)
        for P in (6, 12)
    ]
    small = two_layer.experiment("small", "A small one.", points, points[:1])
    data = small.measure(workers=1, progress=False, folder=tmp_path)
    assert list(data.P.values) == [6, 12] and data.sizes["data_set"] == 2
    np.testing.assert_allclose(data.histogram.sum("bin"), 3)  # every neuron is in one bin
    inside = data.histogram.isel(bin=slice(round(0.7 / two_layer.BIN), None)).sum("bin")
    np.testing.assert_allclose(inside, data["count"], atol=1e-6)
    mean_rest2 = data.rest2.sum("bin") / 3
    assert ((mean_rest2 > 0.3) & (mean_rest2 < 1.5)).all()
    again = small.measure(workers=1, progress=False, folder=tmp_path)
    assert again.alignment.equals(data.alignment)

    again = two_layer.experiment(
        "small", "The first of them.", points, [points[0] | {"draws": 60, "chain_seed": 7}]
    )
    assert live.distance(again, data) < 5
    wrong = data.assign(alignment=data.alignment + 10)
    assert live.distance(again, wrong) > 5  # a wrong result is noticed
    elsewhere = two_layer.experiment("small", "Another.", points, [points[0] | {"P": 99}])
    with pytest.raises(ValueError, match="P=99"):
        live.distance(elsewhere, data)


def test_one_start_is_the_prior_and_the_other_is_planted():
    config = two_layer.point(30, 10, 200, data_sets=2, warmup=1, draws=20, n_jumps=0)
    run = two_layer.run_point(config | {"n_leapfrog": 1}, "cpu")
    assert (run["count"].sel(start="prior") == 0).all()
    assert (run["count"].sel(start="planted") > 0).all()


def test_only_what_is_not_in_equilibrium_is_sampled_again():
    short = dict(data_sets=3, warmup=20, draws=100, n_leapfrog=4, n_jumps=2, chain_seed=2)
    on_ladder = tempered(8, 0.5, draws=120)
    assert on_ladder["rungs"] == 3
    assert tempered(200, 0.2)["rungs"] == 10  # 2 + the root of 100 ln(5) / 2
    config = two_layer.point(4, 3, 8, **short, rounds=[on_ladder])
    once = two_layer.run_point(config | {"rounds": []}, "cpu")
    run = two_layer.run_point(config, "cpu")
    well = once.equilibrium.values
    assert (once["round"] == 1).all() and 0 < well.sum() < 3  # some of each
    np.testing.assert_array_equal(run["round"], np.where(well, 1, 2))
    kept = run.alignment.values[well] == once.alignment.values[well]
    assert kept.all() and (run.alignment.values[~well] != once.alignment.values[~well]).all()


def test_bad_rounds_are_refused():
    with pytest.raises(ValueError, match=r"rounds\[0\] changes \['d'\]"):
        two_layer.point(4, 3, 8, rounds=[{"d": 5}])
    with pytest.raises(ValueError, match="follow = "):
        two_layer.point(4, 3, 8, follow=["overlap"])
    with pytest.raises(ValueError, match="least = 1.5"):
        tempered(8, 1.5)


def test_unknown_settings_are_named():
    with pytest.raises(ValueError, match="temperature"):
        two_layer.point(4, 3, 6, temperature=2)


def test_verdicts():
    assert judge(0.9, 1.1, 1, (1.5, 3)) == "agrees"
    assert judge(0.9, 1.6, 1, (1.5, 3)) == "not decided"
    assert judge(1.2, 1.6, 1) == "disagrees"
    with pytest.raises(ValueError, match="low must not exceed high"):
        judge(2, 1, 1)
    with pytest.raises(ValueError, match="verdict = 'maybe'"):
        Verdict("claim", "1", "2", "d = 3", "maybe")
    table = VerdictTable([Verdict("claim", "1", "1.0", "d = 3", "agrees")])._repr_markdown_()
    assert table.splitlines()[-1] == "| claim | 1 | 1.0 | d = 3 | **agrees** |"
