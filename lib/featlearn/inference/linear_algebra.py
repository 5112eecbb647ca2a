"""Products and inverses, batched, that do not make the processor wait for the device."""

from contextlib import contextmanager
from functools import cache

import torch


def times(matrix, vector):
    """Products of matrices (B, m, n) with vectors (B, n)."""
    return (matrix @ vector[..., None])[..., 0]


def solved(factor, vector):
    """``A^-1 v`` for vectors (B, n), from the lower Cholesky factors of A (B, n, n)."""
    return torch.cholesky_solve(vector[..., None], factor)[..., 0]


def inverse_of(factor):
    """``A^-1`` from the lower Cholesky factors of A (B, n, n)."""
    if factor.device.type == "cpu":
        return torch.cholesky_inverse(factor)
    return _inverse_without_check(factor)


def _inverse_without_check(factor):
    # On a device `cholesky_inverse` reads back whether it succeeded, at every call.
    identity = torch.eye(factor.shape[-1], dtype=factor.dtype, device=factor.device)
    root = torch.linalg.solve_triangular(factor, identity.expand_as(factor), upper=False)
    return root.mT @ root


@contextmanager
def fast_products():
    """Within it products in single precision on a processor may go through oneDNN.

    Torch takes MKL where it can, which uses half the width of AVX-512 on processors not from
    Intel. It lets oneDNN have products only with leave to round to bfloat16, which oneDNN makes
    use of where the processor multiplies such numbers faster. There torch stays with MKL.

    The setting is one of the whole process, so that only one thread at a time may be within.
    """
    if not _onednn_keeps_single_precision():
        yield
        return
    setting = torch.backends.mkldnn.matmul
    before = setting.fp32_precision
    setting.fp32_precision = "bf16"
    try:
        yield
    finally:
        setting.fp32_precision = before


@cache
def _onednn_keeps_single_precision():
    if not torch.backends.mkldnn.is_available():
        return False
    setting = torch.backends.mkldnn.matmul
    before = setting.fp32_precision
    setting.fp32_precision = "bf16"
    try:
        return max(_error_of_products(n) for n in (8, 40, 200)) < 1e-4
    finally:
        setting.fp32_precision = before


def _error_of_products(n):
    """Largest error of products of n x n and n x 6n matrices, over their size."""
    generator = torch.Generator("cpu").manual_seed(n)
    options = dict(generator=generator, dtype=torch.float32, device="cpu")
    left, right = (torch.randn(4, n, m, **options) for m in (n, 6 * n))
    errors = [
        (a @ b).double() - a.double() @ b.double()
        for a, b in ((left, right), (right, right.mT), (right.mT, left))
    ]
    return max(float(e.abs().max()) for e in errors) / n
