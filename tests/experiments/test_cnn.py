"""The points of the CNN chapter: same data for the controls, sound equilibrium, thresholds."""

import numpy as np
import pytest
import torch
import xarray as xr

from featlearn.experiments import cnn, equilibrium

SHORT = dict(data_sets=2, warmup=60, draws=60)


def test_a_fully_connected_control_has_the_same_samples_up_to_a_reflection():
    config = cnn.point(3, 4, 5, 20, architecture="full")
    full, _ = cnn.network_of(config)
    patches, _ = cnn.network_of(config | {"architecture": "cnn"})
    x, y = full.data([1, 2], 20)
    x0, y0 = patches.data([1, 2], 20)
    torch.testing.assert_close(y, y0)
    torch.testing.assert_close(x @ x.mT, x0 @ x0.mT)
    torch.testing.assert_close(x[:, 0], y)  # its target is the first axis


def test_a_reflection_changes_neither_nested_sets_nor_a_target_on_the_first_axis():
    full, _ = cnn.network_of(cnn.point(3, 4, 5, 20, architecture="full"))
    larger, labels = full.data([1], 20)
    smaller, its_labels = full.data([1], 9)
    torch.testing.assert_close(larger[:9], smaller)
    torch.testing.assert_close(labels[:9], its_labels)
    single, _ = full.data([1], 9, dtype=torch.float32)
    torch.testing.assert_close(single, smaller.float())
    config = cnn.point(6, 1, 5, 20, architecture="full")
    one_patch, same = (
        cnn.network_of(config | {"architecture": kind})[0].data([1], 20) for kind in ("full", "cnn")
    )
    for mine, theirs in zip(one_patch, same, strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("of", [5, 0, True, 1.5])
def test_patches_that_do_not_divide_the_input_are_named(of):
    with pytest.raises(ValueError, match=f"of = {of}: a divisor of d = 12 is needed"):
        cnn.FullyConnected(of=of, d=12, widths=[5], degree=1)


@pytest.mark.parametrize("architecture", cnn.ARCHITECTURES)
def test_a_network_has_all_settings_of_its_point(architecture):
    changes = dict(architecture=architecture, kappa=0.3, sigma_a2=1.7)
    network, posterior = cnn.network_of(cnn.point(3, 4, 5, 20, **changes))
    assert (network.d, network.widths, network.degree) == (12, (5,), 1)
    features = 5 if architecture == "full" else 20
    assert (network.features, network.ridge) == (features, 0.3)
    assert network.readout_variance == pytest.approx(1.7 / features)
    posterior(network, *network.datasets([0], 4))
    cubic, _ = cnn.network_of(cnn.point(3, 4, 5, 20, degree=3))
    assert cubic.degree == 3


def test_architectures_and_widths_share_their_data():
    points = [
        cnn.point(3, 4, N, 20, architecture=kind, data_sets=2)
        for kind, N in zip(cnn.ARCHITECTURES, (5, 6, 7), strict=True)
    ]
    assert all(config["data_seeds"] == [[3, 4, 0], [3, 4, 1]] for config in points)


@pytest.fixture
def reduced(monkeypatch):
    """What a point measures when its chains have given overlaps (start, data_set, draw, neuron)."""

    def reduced(overlap, *sizes, **others):
        found = {}

        def measure(config, network, starts, observe, *, posterior, **options):
            found["starts"] = starts, network
            alignment = np.zeros(overlap.shape[:3])
            followed, kept = observe({"alignment": alignment, "response_1": overlap})
            return xr.Dataset(
                {q: (("data_set", "start"), v.mean(-1).T) for q, v in followed.items()} | kept
            )

        monkeypatch.setattr(equilibrium, "measure", measure)
        return cnn.run_point(cnn.point(*sizes, **others), "cpu"), *found["starts"]

    return reduced


@pytest.mark.parametrize("architecture, fan_in", [("cnn", 4), ("local", 4), ("full", 12)])
def test_counts_bins_and_amplification_of_given_overlaps(reduced, architecture, fan_in):
    rng = np.random.default_rng(1)
    overlap = 0.7 * rng.normal(size=(2, 3, 5, 6))
    overlap[1, 2, 4, 0] = -3.6  # beyond the last bin, where it is counted
    found, _, _ = reduced(overlap, 4, 3, 6, 8, architecture=architecture, data_sets=3)
    assert found.histogram.dims == ("data_set", "start", "bin")
    np.testing.assert_allclose(found.bin, 0.05 * np.arange(60) + 0.025, atol=1e-12)
    for i in range(3):
        for start in range(2):
            size = abs(overlap[start, i])
            expected = np.histogram(size.clip(0, 2.99), cnn.EDGES)[0] / 5
            np.testing.assert_allclose(found.histogram[i, start], expected)
            assert found["count"][i, start] == pytest.approx((size > 0.7).sum(1).mean())
            assert found.amplification[i, start] == pytest.approx(fan_in * (size**2).mean())


@pytest.mark.parametrize("architecture, planted", [("cnn", 2), ("local", 6), ("full", 2)])
def test_one_start_is_the_prior_and_the_other_is_planted(reduced, architecture, planted):
    _, starts, network = reduced(
        np.ones((2, 1, 5, 4)), 30, 3, 4, 8, architecture=architecture, data_sets=1
    )
    assert list(starts) == ["prior", "planted"]
    of_starts = {}
    for name, start in starts.items():
        (w,) = network.layers(start(2, torch.Generator().manual_seed(0)))
        of_starts[name] = ((w[..., 0] - 1).abs() < 1e-12).sum(1).tolist()
    assert of_starts == {"prior": [0, 0], "planted": [planted] * 2}


def test_no_more_neurons_are_planted_than_there_are(reduced):
    _, starts, network = reduced(np.ones((2, 1, 5, 1)), 4, 3, 1, 8, data_sets=1)
    (w,) = network.layers(starts["planted"](2, torch.Generator().manual_seed(0)))
    torch.testing.assert_close(w[..., 0], torch.ones_like(w[..., 0]))


@pytest.mark.parametrize("architecture", cnn.ARCHITECTURES)
def test_every_architecture_learns_and_its_starts_agree(architecture):
    config = cnn.point(3, 3, 3, 60, architecture=architecture, **SHORT)
    found = cnn.run_point(config, "cpu")
    assert (found.alignment > 0.7).all() and (found.alignment_r_hat < 1.2).all()
    assert found.histogram.sum("bin").values == pytest.approx(9 if architecture == "local" else 3)


def test_amplification_is_one_without_data():
    config = cnn.point(4, 2, 6, 0, data_sets=2, warmup=100, draws=1000)
    found = cnn.run_point(config, "cpu")
    distance = (found.amplification.mean("start") - 1) / found.amplification_mcse
    assert (abs(distance) < 5).all() and (found.amplification_mcse < 0.05).all()


def test_thresholds_of_curves_that_pass_the_level_at_known_places():
    rows = [(S, P, P / (2 * S)) for S in (4, 8) for P in (S / 4, 3 * S)]
    S, P, values = (np.array(column, float) for column in zip(*rows, strict=True))
    data = xr.Dataset(
        {
            "S": ("point", S),
            "P": ("point", P),
            "alignment": (
                ("point", "start", "data_set"),
                np.tile(values[:, None, None], (1, 2, 3)),
            ),
        }
    )
    sizes, found = cnn.thresholds(data, "S", 0.25)
    assert sizes.tolist() == [4, 8] and found.shape == (2, 3)
    # linear in log P: all curves are equal, so is every pseudo-value
    np.testing.assert_allclose(found, found[:, :1] * np.ones(3))
    np.testing.assert_allclose(found[1], 2 * found[0])
    with pytest.raises(ValueError, match="along = 'Q'"):
        cnn.thresholds(data, "Q", 0.25)
    # A quarter lies between 1/8 and 3/2 at the share 1/11 of log 12.
    np.testing.assert_allclose(found[0], 12 ** (1 / 11))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"architecture": "deep"}, "architecture = 'deep'"),
        ({"architecture": "full", "degree": 3}, "degree = 3"),
        ({"follow": ["loss"]}, "follow"),
        ({"rounds": [{"P": 3}]}, r"rounds\[0\]"),
        ({"depth": 3}, "depth"),
    ],
)
def test_bad_input_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        cnn.point(4, 4, 4, 8, **changes)


def test_units_cover_what_a_point_measures():
    config = cnn.point(2, 2, 2, 4, data_sets=2, warmup=5, draws=20, n_leapfrog=2)
    assert set(cnn.run_point(config, "cpu").variables) | set(cnn.COLUMNS) == set(cnn.UNITS)
