"""The network's configuration, its teacher's data, and its forward pass."""

import numpy as np
import pytest
import torch

from featlearn.inference.network import Network, choose_device
from featlearn.theory.hermite import normalised_hermite
from tests.inference.cases import (
    THRESHOLD,
    compute,
    generator,
    network_of,
    on_all_kinds,
    z_score,
)


@pytest.mark.parametrize(
    "name, value",
    [
        ("d", 1),
        ("d", 2.5),
        ("d", True),
        ("widths", []),
        ("widths", 4),
        ("degree", 2),
        ("degree", 0),
        ("kappa", 0.0),
        ("kappa", float("inf")),
        ("sigma_a2", -1.0),
        ("scaling", "muP"),
        ("patches", 0),
        ("patches", 1.5),
        ("patches", 3),  # no divisor
        ("patches", 4),  # leaves patches of one input
    ],
)
def test_a_bad_parameter_is_named(name, value):
    said = str(value).replace("[", r"\[").replace("]", r"\]") if name == "widths" else repr(value)
    with pytest.raises(ValueError, match=f"^{name} = {said}"):
        Network(**({"d": 4, "widths": [4]} | {name: value}))


@pytest.mark.parametrize("width", [0, 2.5, True])
def test_a_bad_width_is_named_with_its_layer(width):
    with pytest.raises(ValueError, match=rf"^widths\[1\] = {width!r}"):
        Network(4, [3, width])


def test_sizes():
    network = Network(12, [5, 4], patches=3)
    assert network.patch_size == 4 and network.shapes == ((5, 4), (4, 5))
    assert network.size == 40 and network.features == 12
    assert Network(12, (5, 4), patches=3) == network  # a list of widths is kept as a tuple


def test_scalings_share_the_ratio_of_prior_to_ridge():
    standard = Network(4, [8], kappa=0.2, sigma_a2=3.0)
    mean_field = Network(4, [8], kappa=0.2, sigma_a2=3.0, scaling="mean-field")
    assert standard.readout_variance == 3 / 8 and standard.ridge == 0.2
    assert mean_field.readout_variance == 3 / 64 and mean_field.ridge == 0.2 / 8
    ratio = standard.readout_variance / standard.ridge
    assert mean_field.readout_variance / mean_field.ridge == pytest.approx(ratio)


def test_scalings_of_deep_networks_and_of_patches():
    """The readout variance is shared by all features; mean-field divides by the last width."""
    settings = dict(kappa=0.2, sigma_a2=3.0)
    deep = Network(4, [5, 8], scaling="mean-field", **settings)
    assert (deep.readout_variance, deep.ridge) == pytest.approx((3 / 64, 0.2 / 8))
    patches = Network(20, [8], patches=5, **settings)
    assert (patches.readout_variance, patches.ridge) == pytest.approx((3 / 40, 0.2))
    patches = Network(20, [8], patches=5, scaling="mean-field", **settings)
    assert (patches.readout_variance, patches.ridge) == pytest.approx((3 / 320, 0.2 / 8))


def test_data_are_nested_seeded_and_labelled_by_the_teacher():
    network = Network(3, [2])
    x, y = network.data([7, 1], 6)
    longer, _ = network.data([7, 1], 9)
    other, _ = network.data([7, 2], 6)
    assert torch.equal(x, longer[:6])
    assert not torch.equal(x, other)
    torch.testing.assert_close(y, (x[:, 0] ** 3 - 3 * x[:, 0]) / 6**0.5)


def test_labels_of_patches_sum_the_teacher_over_them():
    network = Network(6, [2], patches=3)
    x, y = network.data(0, 50_000)
    u = x[:, [0, 2, 4]]  # the first axis of each patch of two
    torch.testing.assert_close(y, ((u**3 - 3 * u) / 6**0.5).sum(1) / 3**0.5)
    assert abs(z_score(y**2, 1)) < THRESHOLD


@pytest.mark.parametrize("P", [-1, 2.5])
def test_a_bad_training_size_is_named(P):
    with pytest.raises(ValueError, match=f"P = {P!r}"):
        Network(4, [2]).data(0, P)


def test_datasets_stack_one_set_a_seed():
    network = Network(4, [2])
    x, y = network.datasets([3, 5], 7, dtype=torch.float32)
    assert x.shape == (2, 7, 4) and y.shape == (2, 7) and x.dtype == y.dtype == torch.float32
    alone, labels = network.data(5, 7)
    assert torch.equal(x[1], alone.float()) and torch.equal(y[1], labels.float())


@on_all_kinds
def test_positions_are_standard_normal_and_weights_have_one_over_their_fan_in(kind):
    network = network_of(kind)
    z = network.prior(20_000, generator())
    assert z.shape == (20_000, network.size) and z.dtype == torch.float64
    assert abs(z_score(z[:, 0] ** 2, 1)) < THRESHOLD
    layers = network.layers(z)
    assert [tuple(w.shape[1:]) for w in layers] == list(network.shapes)
    for w in layers:
        assert abs(z_score(w.square().sum(-1)[:, 0], 1)) < THRESHOLD  # E |w_j|^2 = 1
    torch.testing.assert_close(network.position(layers), z)


@on_all_kinds
def test_features_patch_by_patch_and_neuron_by_neuron(kind):
    network = network_of(kind)
    layers = network.layers(network.prior(2, generator()))
    x, _ = network.datasets([0, 1], 6)
    phi = network.forward(layers, x)
    for chain in range(2):
        expected, _ = compute(network, [w[chain].numpy() for w in layers], x[chain].numpy())
        np.testing.assert_allclose(phi[chain], expected, rtol=1e-12)


def numpy_layers(network, z):
    """Weights of the only network at the position z (1, size)."""
    return [w[0].numpy() for w in network.layers(z)]


def inputs(network, n, seed=5):
    return np.random.default_rng(seed).standard_normal((n, network.d))


@pytest.mark.parametrize("kind, layer", [("two layers", 0), ("three layers", 0), ("patches", 0)])
def test_planted_neurons_of_the_first_layer_have_the_asked_overlap(kind, layer):
    network = network_of(kind)
    (w, *_) = network.layers(network.planted(2, generator(), 2, response=1.5))
    torch.testing.assert_close(w[:, :2, 0], torch.full((2, 2), 1.5, dtype=w.dtype))
    # All else is the prior draw of the same seed.
    (prior, *_) = network.layers(network.prior(2, generator()))
    torch.testing.assert_close(w[:, 2:], prior[:, 2:])
    torch.testing.assert_close(w[..., 1:], prior[..., 1:])


@pytest.mark.parametrize("settings", [dict(), dict(d=8, patches=2)])
def test_planted_neurons_of_the_second_layer_respond_as_asked(settings):
    """Linear response of their pre-activations by plain Monte Carlo over inputs."""
    network = network_of("three layers", **settings)
    z = network.planted(1, generator(1), 2, layer=1, response=0.8)
    layers = numpy_layers(network, z)
    x = inputs(network, 400_000)
    _, (_, h) = compute(network, layers, x)
    for j in range(2):
        assert abs(z_score(h[:, j] * x[:, 0], 0.8)) < THRESHOLD
    prior = numpy_layers(network, network.prior(1, generator(1)))
    np.testing.assert_allclose(layers[0], prior[0])
    np.testing.assert_allclose(layers[1][2:], prior[1][2:])
    assert network.responses(network.layers(z))[1][0, :2].tolist() == pytest.approx([0.8, 0.8])


def test_planting_refuses_what_is_not_there():
    network = Network(3, [5])
    torch.testing.assert_close(network.planted(2, generator(), 0), network.prior(2, generator()))
    with pytest.raises(ValueError, match="specialised = 6"):
        network.planted(1, generator(), 6)
    with pytest.raises(ValueError, match="specialised = -1"):
        network.planted(1, generator(), -1)
    for deep, layer in ((Network(3, [5]), 1), (Network(3, [5, 4, 3]), 2), (Network(3, [5]), -1)):
        with pytest.raises(ValueError, match=f"layer = {layer}"):
            deep.planted(1, generator(), 1, layer=layer)


def test_the_teacher_of_the_first_layer_is_its_first_axis():
    network = network_of("patches")
    unit, strength = network.teacher(network.layers(network.prior(3, generator())), 0)
    assert torch.equal(unit, torch.eye(2, dtype=unit.dtype)[:1].expand(3, 2))
    assert torch.equal(strength, torch.ones_like(strength))


def test_the_teacher_of_the_second_layer_is_the_best_linear_estimate():
    """Against regression of w_*.x on the first layer's neurons over many inputs."""
    network = network_of("three layers", widths=[4, 3])
    z = 1.7 * network.prior(1, generator(2))
    layers = network.layers(z)
    unit, strength = (v[0].numpy() for v in network.teacher(layers, 1))
    n = 400_000
    x = inputs(network, n)
    _, (h, _) = compute(network, [w[0].numpy() for w in layers], x)
    from scipy.special import erf

    phi, u = erf(h), x[:, 0]
    # Normal equations of regression, phi^T (u - phi c) = 0, whose noise is known by sampling.
    c = unit * (u @ phi @ unit) / ((phi @ unit) @ (phi @ unit))
    rows = phi * (u - phi @ c)[:, None]
    for j in range(phi.shape[1]):
        assert abs(z_score(rows[:, j], 0)) < THRESHOLD
    assert abs(z_score(phi @ unit * u, strength)) < THRESHOLD
    assert np.linalg.norm(unit) == pytest.approx(1)


def test_the_teacher_of_neurons_that_compute_the_same():
    """The Gram matrix is singular; the estimate is the same as from one of them."""
    network = Network(4, [2, 2])
    first = torch.tensor([[[0.8, 0.3, 0.0, 0.1]] * 2], dtype=torch.float64)
    unit, strength = network.teacher([first, first[..., :2]], 1)
    torch.testing.assert_close(unit, torch.full_like(unit, 0.5**0.5))
    assert torch.isfinite(strength).all() and (strength > 0).all()


@pytest.mark.parametrize("degree", [1, 3])
@on_all_kinds
def test_responses_of_pre_activations(kind, degree):
    network = network_of(kind)
    z = 1.5 * network.prior(1, generator(3))
    x = inputs(network, 400_000)
    _, pre = compute(network, numpy_layers(network, z), x)
    target = normalised_hermite(degree, x[:, 0])
    found = network.responses(network.layers(z), degree)
    assert len(found) == len(network.widths)
    for h, response in zip(pre, found, strict=True):
        for j in range(h.shape[1]):
            assert abs(z_score(h[:, j] * target, float(response[0, j]))) < THRESHOLD


def test_device_choice():
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(ValueError, match="device = 'tpu'"):
        choose_device("tpu")


@pytest.mark.parametrize("available", [True, False])
def test_cuda_must_be_there(monkeypatch, available):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    if available:
        assert choose_device("cuda").type == choose_device().type == "cuda"
        assert choose_device("cpu").type == "cpu"
    else:
        with pytest.raises(ValueError, match="device = 'cuda': no CUDA device"):
            choose_device("cuda")
