"""Products and inverses, batched, that do not make the processor wait for the device."""

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
