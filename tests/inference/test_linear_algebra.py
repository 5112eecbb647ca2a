"""Products in single precision: by the faster library, if it keeps the precision."""

import pytest
import torch

from featlearn.inference import linear_algebra
from featlearn.inference.linear_algebra import fast_products
from featlearn.inference.network import Network
from featlearn.inference.posterior import CollapsedPosterior
from featlearn.inference.sampler import sample
from tests.inference.cases import generator

SETTING = torch.backends.mkldnn.matmul


@pytest.fixture
def keeps(monkeypatch):
    """Says what the look at the library is to find."""
    return lambda answer: monkeypatch.setattr(
        linear_algebra, "_onednn_keeps_single_precision", lambda: answer
    )


@pytest.mark.parametrize("answer", [True, False])
def test_the_setting_holds_within_and_is_restored(answer, keeps):
    keeps(answer)
    before = SETTING.fp32_precision
    assert before != "bf16"
    with pytest.raises(ZeroDivisionError), fast_products():
        assert SETTING.fp32_precision == ("bf16" if answer else before)
        raise ZeroDivisionError
    assert SETTING.fp32_precision == before


@pytest.fixture
def default_dtype():
    """Puts the default back that a test sets."""
    before = torch.get_default_dtype()
    yield
    torch.set_default_dtype(before)


def test_without_onednn_nothing_is_changed(monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    look = linear_algebra._onednn_keeps_single_precision.__wrapped__
    monkeypatch.setattr(linear_algebra, "_onednn_keeps_single_precision", look)
    before = SETTING.fp32_precision
    with fast_products():
        assert SETTING.fp32_precision == before


@pytest.mark.parametrize("default", [torch.float32, torch.float64])
@pytest.mark.parametrize("bits, kept", [(23, True), (10, False), (7, False)])
def test_rounded_products_are_noticed(bits, kept, default, monkeypatch, default_dtype):
    """Factors rounded to the mantissas of float32, TF32 and bfloat16."""

    def rounded(a):
        mantissa, exponent = torch.frexp(a)
        return torch.ldexp((mantissa * 2 ** (bits + 1)).round() / 2 ** (bits + 1), exponent)

    def product(a, b):
        if a.dtype == torch.float64:
            return exact(a, b)
        return exact(rounded(a).double(), rounded(b).double()).float()

    exact = torch.Tensor.__matmul__
    monkeypatch.setattr(torch.Tensor, "__matmul__", product)
    torch.set_default_dtype(default)
    found = linear_algebra._onednn_keeps_single_precision.__wrapped__()
    assert found is (kept and torch.backends.mkldnn.is_available())
    assert SETTING.fp32_precision != "bf16"


def test_chains_use_it_and_products_keep_single_precision():
    used = []
    network = Network(6, [5])
    posterior = CollapsedPosterior(network, *network.datasets([0], 12, dtype=torch.float32))
    sample(
        posterior,
        network.prior(1, generator()).float(),
        warmup=1,
        draws=1,
        seed=0,
        record=lambda z: used.append(SETTING.fp32_precision) or {"z": z},
    )
    expected = linear_algebra._onednn_keeps_single_precision()
    assert used == ["bf16" if expected else SETTING.fp32_precision]
    with fast_products():
        assert max(map(linear_algebra._error_of_products, (8, 40, 200))) < 1e-4
