r"""The posterior of the hidden weights with the readout integrated out exactly.

Given the features ``Phi = erf(x W^T)`` of shape (P, N), the labels are Gaussian
with covariance ``C = kappa I + s Phi Phi^T``, because the readout is Gaussian
and enters linearly. What is left to sample is the hidden layer, with energy

    U(W) = y^T C^-1 y / 2 + log det C / 2 + d |W|^2 / 2      (nats).

Everything is batched over a leading axis B of chains; each chain may have its
own data set.
"""

from math import log, pi, sqrt
from typing import NamedTuple

import torch

from featlearn.theory.alignment import neuron_alignment


class Solve(NamedTuple):
    """The linear algebra of one evaluation: what the gradient, the readout and the jumps share."""

    features: torch.Tensor  # Phi, (B, P, N)
    factor: torch.Tensor  # lower Cholesky factor of C (B, P, P) or of A (B, N, N)
    weighted_residual: torch.Tensor  # C^-1 y, (B, P)
    data_energy: torch.Tensor  # y^T C^-1 y / 2 + log det C / 2, (B,)


class CollapsedPosterior:
    """Energy of the hidden weights, its gradient, and the law of the readout given them.

    Parameters
    ----------
    network : TwoLayerNetwork
    x : torch.Tensor, shape (B, P, d)
        Inputs, one data set a chain.
    y : torch.Tensor, shape (B, P)
        Labels.
    algebra : {"auto", "P", "N"}
        Factor the P x P matrix C or the N x N matrix
        ``A = kappa I + s Phi^T Phi``; ``auto`` takes the smaller.
    """

    def __init__(self, network, x, y, algebra="auto"):
        if x.ndim != 3 or x.shape[-1] != network.d:
            raise ValueError(f"x has shape {tuple(x.shape)}: (B, P, d = {network.d}) is needed")
        if y.shape != x.shape[:2]:
            raise ValueError(f"y has shape {tuple(y.shape)}: {tuple(x.shape[:2])} is needed")
        if algebra not in ("auto", "P", "N"):
            raise ValueError(f"algebra = {algebra!r}: 'auto', 'P' or 'N' is needed")
        self.network, self.x, self.y = network, x, y
        self.B, self.P = y.shape
        self.prior_precision = network.d  # of each weight
        smaller = "P" if self.P < network.N else "N"
        self.algebra = smaller if algebra == "auto" else algebra

    def solve(self, weights):
        """Factor the label covariance at ``weights`` (B, N, d)."""
        return self.solve_features(torch.erf(self.x @ weights.mT))

    def solve_features(self, phi):
        """Factor the label covariance for features ``phi`` (B, P, N)."""
        s, kappa = self.network.readout_variance, self.network.ridge
        y = self.y[..., None]
        if self.algebra == "P":
            factor = _cholesky_of_ridge(s * (phi @ phi.mT), kappa)
            residual = torch.cholesky_solve(y, factor)
            log_det = 2 * _log_diagonal(factor)
        else:
            factor = _cholesky_of_ridge(s * (phi.mT @ phi), kappa)
            # Woodbury: C^-1 y = (y - s Phi A^-1 Phi^T y) / kappa
            residual = (y - s * (phi @ torch.cholesky_solve(phi.mT @ y, factor))) / kappa
            log_det = 2 * _log_diagonal(factor) + (self.P - phi.shape[-1]) * log(kappa)
        energy = 0.5 * (self.y * residual[..., 0]).sum(-1) + 0.5 * log_det
        return Solve(phi, factor, residual[..., 0], energy)

    def energy(self, weights):
        """U(W) in nats, shape (B,), up to the constant of the prior."""
        return self.solve(weights).data_energy + self.prior_energy(weights)

    def prior_energy(self, weights):
        """d |W|^2 / 2, shape (B,)."""
        return 0.5 * self.prior_precision * weights.square().sum((-2, -1))

    def energy_and_gradient(self, weights):
        """U(W), shape (B,), and its gradient, shape (B, N, d)."""
        h = self.x @ weights.mT
        solve = self.solve_features(torch.erf(h))
        s = self.network.readout_variance
        phi, residual = solve.features, solve.weighted_residual[..., None]
        # dU/dPhi = s C^-1 Phi - s (C^-1 y)(C^-1 y)^T Phi, with C^-1 Phi = Phi A^-1
        if self.algebra == "P":
            whitened = torch.cholesky_solve(phi, solve.factor)
        else:
            whitened = phi @ torch.cholesky_inverse(solve.factor)
        d_phi = s * (whitened - residual * (residual.mT @ phi))
        d_h = d_phi * torch.exp(-h.square()).mul_(2 / sqrt(pi))
        gradient = d_h.mT @ self.x + self.prior_precision * weights
        return solve.data_energy + self.prior_energy(weights), gradient

    def readout(self, solve):
        """Mean (B, N) and covariance (B, N, N) of the readout given the hidden weights."""
        s, kappa = self.network.readout_variance, self.network.ridge
        phi = solve.features
        mean = s * (solve.weighted_residual[:, None, :] @ phi)[:, 0]
        if self.algebra == "P":
            root = torch.linalg.solve_triangular(solve.factor, phi, upper=False)
            identity = torch.eye(phi.shape[-1], dtype=phi.dtype, device=phi.device)
            covariance = s * identity - s * s * (root.mT @ root)
        else:
            covariance = s * kappa * torch.cholesky_inverse(solve.factor)
        return mean, covariance

    def alignment(self, weights):
        """Mean and standard deviation (B,) of the alignment (eq. 3) over the readout, given W."""
        g = neuron_alignment(weights[..., 0], weights.square().sum(-1), self.network.degree)
        mean, covariance = self.readout(self.solve(weights))
        variance = torch.einsum("bi,bij,bj->b", g, covariance, g)
        return (mean * g).sum(-1), variance.clamp_min(0).sqrt()


def _cholesky_of_ridge(gram, kappa):
    gram.diagonal(dim1=-2, dim2=-1).add_(kappa)
    return torch.linalg.cholesky(gram)


def _log_diagonal(factor):
    return factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
