r"""The posterior of the hidden weights with the readout integrated out exactly.

Given the features ``Phi`` of shape (P, F), the labels are Gaussian with covariance
``C = kappa I + s Phi Phi^T``, because the readout is Gaussian and enters linearly. What is
left to sample is the hidden weights, at the position z, with energy

    U(z) + |z|^2 / 2,    U = y^T C^-1 y / 2 + log det C / 2      (nats).

The network may have any depth, and patches: only its features enter. Everything is batched
over a leading axis B of chains; each chain may have its own data set.
"""

from math import log
from typing import NamedTuple

import torch

from featlearn.theory.alignment import neuron_alignment

from .backpropagation import Tape
from .input_rule import alignments, input_rule
from .linear_algebra import inverse_of, solved, times


class Solve(NamedTuple):
    """The linear algebra of one evaluation: what the readout and the jumps share."""

    features: torch.Tensor  # Phi, (B, P, F)
    factor: torch.Tensor  # lower Cholesky factor of C (B, P, P) or of A (B, F, F)
    weighted_residual: torch.Tensor  # C^-1 y, (B, P)
    data_energy: torch.Tensor  # U, (B,)


class CollapsedPosterior:
    """Data energy of the hidden weights, its gradient, and the law of the readout given them.

    Parameters
    ----------
    network : Network
    x : torch.Tensor, shape (B, P, d)
        Inputs, one data set a chain.
    y : torch.Tensor, shape (B, P)
        Labels.
    algebra : {"auto", "P", "F"}
        Factor the P x P matrix C or the F x F matrix
        ``A = kappa I + s Phi^T Phi``; ``auto`` takes the smaller.
    refine : bool
        Improve ``C^-1 y`` by one step of iterative refinement, with the residual in float64.
        It makes the energies of single precision good at small ridges.
    rule : InputRule, optional
        For the alignment of networks with more than one hidden layer, which has no closed
        form; made when it is needed.
    """

    def __init__(self, network, x, y, algebra="auto", refine=False, rule=None):
        if x.ndim != 3 or x.shape[-1] != network.d:
            raise ValueError(f"x has shape {tuple(x.shape)}: (B, P, d = {network.d}) is needed")
        if y.shape != x.shape[:2]:
            raise ValueError(f"y has shape {tuple(y.shape)}: {tuple(x.shape[:2])} is needed")
        if algebra not in ("auto", "P", "F"):
            raise ValueError(f"algebra = {algebra!r}: 'auto', 'P' or 'F' is needed")
        self.network, self.x, self.y, self.refine = network, x, y, refine
        self.B, self.P = y.shape
        smaller = "P" if self.P < network.features else "F"
        self.algebra = smaller if algebra == "auto" else algebra
        self.tape = Tape(network, x)
        self.by_features = self.matrix = None  # buffers
        deep = len(network.widths) > 1
        self.rule = rule
        if deep and rule is None:
            self.rule = input_rule(network.patch_size, network.degree, dtype=x.dtype)
        if self.rule is not None:
            self.rule = self.rule.to(x.device)

    @property
    def offers_jumps(self):
        """bool: whether :mod:`~featlearn.inference.jumps` knows how to move its neurons."""
        network = self.network
        return len(network.widths) < 3 and network.shapes[-1][1] > 1

    def subset(self, chains):
        """The same posterior for some of the chains: a slice or a list of their numbers."""
        x, y = self.x[chains], self.y[chains]
        return CollapsedPosterior(self.network, x, y, self.algebra, self.refine, self.rule)

    # Energy

    def solve(self, z):
        """Factor the label covariance at the position z (B, size)."""
        return self.solve_features(self.network.forward(self.network.layers(z), self.x))

    def solve_features(self, phi):
        """Factor the label covariance for features ``phi`` (B, P, F)."""
        s, kappa = self.network.readout_variance, self.network.ridge
        gram = s * (phi @ phi.mT if self.algebra == "P" else phi.mT @ phi)
        gram.diagonal(dim1=-2, dim2=-1).add_(kappa)
        # The check of `cholesky` would make the processor wait for the device at every call.
        factor, failed = torch.linalg.cholesky_ex(gram)
        residual = self._weighted_residual(phi, lambda v: solved(factor, v))
        return Solve(phi, factor, residual, self._energy(factor, residual, failed))

    def _weighted_residual(self, phi, apply_inverse):
        """C^-1 y (B, P), given how to apply the inverse of the matrix that was factored."""
        s, kappa = self.network.readout_variance, self.network.ridge

        def weighted(y):
            if self.algebra == "P":
                return apply_inverse(y)
            # Woodbury: C^-1 y = (y - s Phi A^-1 Phi^T y) / kappa
            return (y - s * times(phi, apply_inverse(times(phi.mT, y)))) / kappa

        residual = weighted(self.y)
        if self.refine:
            phi64, r64 = phi.double(), residual.double()
            applied = kappa * r64 + s * times(phi64, times(phi64.mT, r64))
            residual = residual + weighted((self.y.double() - applied).to(phi.dtype))
        return residual

    def _energy(self, factor, residual, failed):
        log_det = 2 * factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        if self.algebra == "F":
            log_det = log_det + (self.P - factor.shape[-1]) * log(self.network.ridge)
        energy = 0.5 * (self.y * residual).sum(-1) + 0.5 * log_det
        return torch.where(failed == 0, energy, torch.nan)

    def statistic(self, z):
        """U(z) in nats, shape (B,)."""
        return self.solve(z).data_energy

    def statistic_and_gradient(self, z):
        """U(z), shape (B,), and its gradient, shape (B, size)."""
        network, layers = self.network, self.network.layers(z)
        s = network.readout_variance
        phi = self.tape.forward(layers)
        if self.by_features is None:
            n = self.P if self.algebra == "P" else network.features
            self.matrix = torch.empty(self.B, n, n, dtype=phi.dtype, device=phi.device)
            self.by_features = torch.empty_like(phi)
        left, right = (phi, phi.mT) if self.algebra == "P" else (phi.mT, phi)
        gram = torch.bmm(left, right, out=self.matrix).mul_(s)
        gram.diagonal(dim1=-2, dim2=-1).add_(network.ridge)
        factor, failed = torch.linalg.cholesky_ex(gram)
        inverse = inverse_of(factor)
        residual = self._weighted_residual(phi, lambda v: times(inverse, v))
        pair = (inverse, phi) if self.algebra == "P" else (phi, inverse)
        # dU/dPhi = s C^-1 Phi - s (C^-1 y)(C^-1 y)^T Phi, and C^-1 Phi = Phi A^-1
        d_phi = torch.bmm(*pair, out=self.by_features)
        d_phi.baddbmm_(residual[..., None], times(phi.mT, residual)[:, None], beta=s, alpha=-s)
        return self._energy(factor, residual, failed), self.tape.pull_back(layers, d_phi)

    # The readout, given the hidden weights

    def readout(self, solve):
        """Mean (B, F) and covariance (B, F, F) of the readout given the hidden weights."""
        s, kappa = self.network.readout_variance, self.network.ridge
        phi = solve.features
        mean = s * times(phi.mT, solve.weighted_residual)
        if self.algebra == "P":
            root = torch.linalg.solve_triangular(solve.factor, phi, upper=False)
            identity = torch.eye(phi.shape[-1], dtype=phi.dtype, device=phi.device)
            covariance = s * identity - s * s * (root.mT @ root)
        else:
            covariance = s * kappa * inverse_of(solve.factor)
        return mean, covariance

    def feature_alignments(self, z):
        """Alignment (eq. 3) of each feature with unit readout, (B, F)."""
        network, layers = self.network, self.network.layers(z)
        if self.rule is None:
            w = layers[0]
            g = neuron_alignment(w[..., 0], w.square().sum(-1), network.degree)
        else:
            g = alignments(layers, self.rule)
        # Only its own patch's part of the target is correlated with a feature.
        return g.repeat(1, network.patches) / network.patches**0.5

    def alignment(self, z):
        """Mean and standard deviation (B,) of the alignment over the readout, given z."""
        g, solve = self.feature_alignments(z), self.solve(z)
        s, phi = self.network.readout_variance, solve.features
        mean = s * (times(phi, g) * solve.weighted_residual).sum(-1)
        # g^T Cov g without the covariance itself; see `readout`
        if self.algebra == "P":
            white = torch.linalg.solve_triangular(
                solve.factor, times(phi, g)[..., None], upper=False
            )
            variance = s * g.square().sum(-1) - s * s * white.square().sum((-2, -1))
        else:
            white = torch.linalg.solve_triangular(solve.factor, g[..., None], upper=False)
            variance = s * self.network.ridge * white.square().sum((-2, -1))
        return mean, variance.clamp_min(0).sqrt()
