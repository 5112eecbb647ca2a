"""The points of the CNN chapter: same data for the controls, sound equilibrium, thresholds."""

import numpy as np
import pytest
import torch
import xarray as xr

from featlearn.experiments import cnn, cnn_sweeps

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


@pytest.mark.parametrize("experiment", cnn_sweeps.EXPERIMENTS, ids=lambda e: e.name)
def test_points_of_a_sweep_differ_in_their_columns(experiment):
    seen = [tuple(experiment.columns_of(config).values()) for config in experiment.points]
    assert len(set(seen)) == len(seen)
