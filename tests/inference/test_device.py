"""A trajectory leaves the processor free: nothing goes to or comes from the device within it.

Without a device torch's ``meta`` stands for one. It has shapes and no numbers: what asks for a
number fails, and a watch sees what mixes devices or copies from one to the other. What waits
inside an operation, to check its own result, is known by name.
"""

from functools import partial

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from featlearn.inference import hmc, jumps, two_stage
from featlearn.inference.alignment_variance import AlignmentVariance
from featlearn.inference.flat_histogram import FlatHistogram
from featlearn.inference.flattened import _Flattened
from featlearn.inference.laws import POSTERIOR, DataScales, Rungs, restraints
from featlearn.inference.linear_algebra import _inverse_without_check, inverse_of
from featlearn.inference.locally_connected import LocallyConnected, LocallyConnectedPosterior
from featlearn.inference.network import Network
from featlearn.inference.posterior import CollapsedPosterior

B, P = 6, 12
WAITING = ("aten._linalg_check_errors", "aten.cholesky_inverse", "aten._local_scalar_dense")
DEVICES = ["meta"] + ["cuda"] * torch.cuda.is_available()
NETWORKS = {
    "P": Network(8, [20]),
    "F": Network(8, [5]),
    "three layers": Network(8, [5, 4]),
    "patches": Network(8, [3], patches=2),
    "no sharing": LocallyConnected(8, [3], patches=2),
}


class Watch(TorchDispatchMode):
    """Notes the operations that use another device than one, or wait for it."""

    def __init__(self, device):
        super().__init__()
        self.device, self.others = device, []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        tensors = [t for t in tree_leaves((args, kwargs, result)) if isinstance(t, torch.Tensor)]
        waits = str(function).startswith(WAITING)
        if waits or any(t.device.type != self.device for t in tensors):
            self.others.append(str(function))
        return result


def posterior_on(device, kind, **settings):
    """A posterior of B chains on a device, and positions."""
    network = NETWORKS[kind]
    x, y = network.datasets([0] * B, P, device, torch.float32)
    make = LocallyConnectedPosterior if kind == "no sharing" else CollapsedPosterior
    posterior = make(network, x, y, **settings)
    if device != "meta" and kind in "PF":
        assert posterior.algebra == kind
    return posterior, torch.zeros(B, network.size, device=device)


def targets(device):
    """Every pair of a target and a law that the samplers follow, with positions."""
    for kind in NETWORKS:
        for refine in (False, True):
            posterior, z = posterior_on(device, kind, refine=refine)
            yield f"{kind}, refine {refine}", posterior, POSTERIOR, z
        yield f"{kind}, ladder", posterior, DataScales(np.array([0.0, 0.4, 1.0])), z
    for kind in "PF":
        posterior, z = posterior_on(device, kind)
        flattening = FlatHistogram(NETWORKS[kind].widths[0], 8.0, z)
        yield f"{kind}, flattened", _Flattened(posterior, flattening), POSTERIOR, z
    network = NETWORKS["F"]
    z = torch.zeros(B, network.size, device=device)
    yield "restraints", AlignmentVariance(network), restraints(0.3, 3), z


def watched(device, function):
    """Operations of a function that use another device; on a GPU a wait for it is an error."""
    if device == "cuda":
        torch.cuda.set_sync_debug_mode("error")
    try:
        with Watch(device) as watch:
            function()
    finally:
        if device == "cuda":
            torch.cuda.set_sync_debug_mode("default")
    return watch.others


def trajectory(module, target, law, z):
    """Three steps of either kind."""
    step_size = torch.full_like(z[:, 0], 0.1)
    module.step(target, law, hmc.initial_state(target, z), step_size, 3, None)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("module", [hmc, two_stage])
def test_a_trajectory_stays_on_the_device(device, module):
    seen = 0
    for name, target, ladder, z in targets(device):
        step = partial(trajectory, module, target, Rungs(ladder), z)
        step()  # what is copied once has been
        assert watched(device, step) == [], name
        seen += 1
    assert seen == 3 * len(NETWORKS) + 3


@pytest.mark.parametrize("device", DEVICES)
def test_the_watch_notices_a_copy_and_a_number_that_is_read(device):
    posterior, z = posterior_on(device, "F")
    factor = torch.eye(3).expand(B, 3, 3)
    assert watched(device, lambda: factor.to(device))
    with pytest.raises(RuntimeError, match="meta tensor|synchronizing"):
        watched(device, lambda: float(posterior.statistic(z).sum()))


@pytest.mark.parametrize(
    "waiting", [torch.linalg.inv, torch.linalg.cholesky, torch.cholesky_inverse]
)
def test_an_operation_that_checks_itself_is_noticed(waiting):
    assert watched("meta", lambda: waiting(torch.zeros(B, 3, 3, device="meta")))


class Forgetful(DataScales):
    """Copies its numbers to the device at every use."""

    def _like(self, name, tensor):
        return torch.as_tensor(getattr(self, name), dtype=tensor.dtype, device=tensor.device)


def test_a_law_that_is_copied_at_every_kick_is_noticed():
    posterior, z = posterior_on("meta", "F")
    step = partial(trajectory, hmc, posterior, Rungs(Forgetful(np.ones(1))), z)
    step()
    copies = watched("meta", step).count("aten._to_copy.default")
    assert copies == 6  # two energies, four kicks


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("kind", ["P", "F", "patches"])
def test_a_jump_reads_nothing_back(kind, device):
    """A sweep reads the order of the neurons once, and nothing else."""
    posterior, z = posterior_on(device, kind)
    network, scale = posterior.network, torch.ones_like(z[:, 0])
    z = torch.full_like(z, 0.3)  # a weight of zero has no direction

    def jump():
        jumps._Layer(posterior, network.layers(z), scale, 24, None).jump(1)

    jump()
    assert watched(device, jump) == []


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_inverse_of_a_device_is_that_of_the_processor(dtype):
    a = torch.randn(5, 20, 30, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    matrix = a @ a.mT + torch.eye(20, dtype=torch.float64)
    factor = torch.linalg.cholesky(matrix).to(dtype)
    exact = torch.linalg.inv(matrix).to(dtype)
    close = dict(rtol=1e-4, atol=1e-5) if dtype == torch.float32 else {}
    for inverse in (inverse_of, _inverse_without_check):
        torch.testing.assert_close(inverse(factor), exact, **close)


@pytest.mark.parametrize("device", ["cpu"] + ["cuda"] * torch.cuda.is_available())
@pytest.mark.parametrize("kind", NETWORKS)
def test_what_a_device_computes_is_what_the_processor_does(kind, device, monkeypatch):
    """Without a device, its way to the inverse on the processor."""
    network = NETWORKS[kind]
    z = network.prior(B, torch.Generator().manual_seed(1))
    make = LocallyConnectedPosterior if kind == "no sharing" else CollapsedPosterior

    def on(device):
        target = make(network, *network.datasets([0] * B, P, device))
        found = target.statistic_and_gradient(z.to(device)), target.alignment(z.to(device))
        return [tensor.cpu() for pair in found for tensor in pair]

    expected = on("cpu")
    asked = []
    monkeypatch.setattr(
        "featlearn.inference.posterior.inverse_of",
        lambda factor: asked.append(factor) or _inverse_without_check(factor),
    )
    for mine, its in zip(expected, on(device), strict=True):
        torch.testing.assert_close(its, mine)
    assert asked
