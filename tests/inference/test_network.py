"""The network's configuration and its teacher's data."""

import pytest
import torch

from featlearn.inference.network import TwoLayerNetwork, choose_device


@pytest.mark.parametrize(
    "name, value",
    [
        ("d", 1),
        ("d", 2.5),
        ("N", 0),
        ("degree", 2),
        ("degree", 0),
        ("kappa", 0.0),
        ("kappa", float("inf")),
        ("sigma_a2", -1.0),
        ("scaling", "muP"),
    ],
)
def test_a_bad_parameter_is_named(name, value):
    with pytest.raises(ValueError, match=f"^{name} = {value!r}"):
        TwoLayerNetwork(**({"d": 4, "N": 4} | {name: value}))


def test_scalings_share_the_ratio_of_prior_to_ridge():
    standard = TwoLayerNetwork(d=4, N=8, kappa=0.2, sigma_a2=3.0)
    mean_field = TwoLayerNetwork(d=4, N=8, kappa=0.2, sigma_a2=3.0, scaling="mean-field")
    assert standard.readout_variance == 3 / 8 and standard.ridge == 0.2
    assert mean_field.readout_variance == 3 / 64 and mean_field.ridge == 0.2 / 8
    ratio = standard.readout_variance / standard.ridge
    assert mean_field.readout_variance / mean_field.ridge == pytest.approx(ratio)


def test_data_are_nested_seeded_and_labelled_by_the_teacher():
    network = TwoLayerNetwork(d=3, N=2)
    x, y = network.data([7, 1], 6)
    longer, _ = network.data([7, 1], 9)
    other, _ = network.data([7, 2], 6)
    assert torch.equal(x, longer[:6])
    assert not torch.equal(x, other)
    torch.testing.assert_close(y, (x[:, 0] ** 3 - 3 * x[:, 0]) / 6**0.5)


def test_planted_start_plants_and_refuses_too_many():
    network = TwoLayerNetwork(d=3, N=5)
    w = network.planted_weights(2, torch.Generator().manual_seed(0), 2, overlap=1.5)
    assert (w[:, :2, 0] == 1.5).all() and (w[:, 2:, 0] != 1.5).all()
    with pytest.raises(ValueError, match="specialised = 6"):
        network.planted_weights(1, torch.Generator(), 6)


def test_device_choice():
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(ValueError, match="device = 'tpu'"):
        choose_device("tpu")
