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


class Evaluation(NamedTuple):
    """What a gradient of the data energy is made of; overwritten by the next evaluation."""

    data_energy: torch.Tensor  # U, (B,)
    features: torch.Tensor  # the transpose of Phi, (B, F, P)
    inverse: torch.Tensor  # of C (B, P, P) or of A (B, F, F)
    weighted_residual: torch.Tensor  # C^-1 y, (B, P)
    projection: torch.Tensor  # Phi^T C^-1 y = A^-1 Phi^T y, (B, F)


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
        Inputs, one data set a chain; not to be changed afterwards.
    y : torch.Tensor, shape (B, P)
        Labels; not to be changed afterwards.
    algebra : {"auto", "P", "F"}
        Factor the P x P matrix C or the F x F matrix
        ``A = kappa I + s Phi^T Phi``; ``auto`` takes the smaller.
    refine : bool
        Improve ``C^-1 y`` by one step of iterative refinement, with the residual in float64.
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
        self.tape = Tape(network, x, y if self.algebra == "F" else None)
        self.buffers = {}
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
        return type(self)(self.network, x, y, self.algebra, self.refine, self.rule)

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

        def apply_inverse(v):
            return solved(factor, v)

        if self.algebra == "P":
            residual, _, quadratic = self._by_samples(phi.mT, apply_inverse)
        else:
            residual, _, quadratic = self._by_features(
                phi.mT, times(phi.mT, self.y), apply_inverse, lambda a: self.y - times(phi, a)
            )
        return Solve(phi, factor, residual, self._energy(factor, quadratic, failed))

    # Both return r = C^-1 y (B, P), m = Phi^T r = A^-1 Phi^T y (B, F) and y^T r / 2 (B,), from
    # features (B, F, P) and how to apply the inverse of the matrix that was factored. The last
    # is the extremum of a quadratic form of r, or of m: by the value of that form a rounded
    # solution makes it wrong in second order only.

    def _by_samples(self, phi, apply_inverse):
        s, kappa, dtype = self.network.readout_variance, self.network.ridge, phi.dtype
        y, r = self.y, apply_inverse(self.y)
        if self.refine:
            phi, y, r = phi.double(), y.double(), r.double()
            missing = y - kappa * r - s * times(phi.mT, times(phi, r))
            r = r + apply_inverse(missing.to(dtype))
        m = times(phi, r)
        form = (y * r).sum(-1) - 0.5 * (kappa * r.square().sum(-1) + s * m.square().sum(-1))
        return r.to(dtype), m.to(dtype), form.to(dtype)

    def _by_features(self, phi, of_labels, apply_inverse, labels_less):
        """Takes ``Phi^T y`` as well, and the labels less the output of a readout (B, F)."""
        s, kappa, dtype = self.network.readout_variance, self.network.ridge, phi.dtype
        m = apply_inverse(of_labels)
        r = labels_less(s * m) / kappa
        if self.refine:
            phi, y, m = phi.double(), self.y.double(), m.double()
            missing = times(phi, y - s * times(phi.mT, m)) - kappa * m
            m = m + apply_inverse(missing.to(dtype))
            r = (y - s * times(phi.mT, m)) / kappa
        form = 0.5 * (kappa * r.square().sum(-1) + s * m.square().sum(-1))
        return r.to(dtype), m.to(dtype), form.to(dtype)

    def _energy(self, factor, quadratic, failed):
        half_log_det = factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        if self.algebra == "F":
            missing = self.P - factor.shape[-1]
            half_log_det = half_log_det + 0.5 * missing * log(self.network.ridge)
        return torch.where(failed == 0, quadratic + half_log_det, torch.nan)

    def statistic(self, z):
        """U(z) in nats, shape (B,)."""
        return self.solve(z).data_energy

    def evaluate(self, layers):
        """What the gradient needs, at the weights of each hidden layer."""
        s, tape = self.network.readout_variance, self.tape
        phi = tape.forward(layers)
        B, F, P = phi.shape
        if self.algebra == "P":
            gram = torch.bmm(phi.mT, phi, out=self._buffer("gram", B, P, P)).mul_(s)
        else:
            products = self._buffer("products", B, F + 1, F + 1)
            torch.bmm(tape.bordered, tape.bordered.mT, out=products)
            gram = torch.mul(products[:, :F, :F], s, out=self._buffer("gram", B, F, F))
        gram.diagonal(dim1=-2, dim2=-1).add_(self.network.ridge)
        factor, failed = torch.linalg.cholesky_ex(gram)
        inverse = inverse_of(factor)

        def apply_inverse(v):
            return times(inverse, v)

        if self.algebra == "P":
            r, m, quadratic = self._by_samples(phi, apply_inverse)
        else:
            of_labels = products[:, :F, F]
            r, m, quadratic = self._by_features(phi, of_labels, apply_inverse, tape.labels_less)
        return Evaluation(self._energy(factor, quadratic, failed), phi, inverse, r, m)

    def _buffer(self, name, *shape):
        if name not in self.buffers:
            self.buffers[name] = self.x.new_empty(shape)
        return self.buffers[name]

    def statistic_and_gradient(self, z):
        """U(z), shape (B,), and its gradient, shape (B, size)."""
        layers = self.network.layers(z)
        s, kappa = self.network.readout_variance, self.network.ridge
        U, phi, inverse, r, m = self.evaluate(layers)
        B, F, P = phi.shape
        by_features = self._buffer("by_features", B, F, P)
        # dU/dPhi = s C^-1 Phi - s r m^T as one product with what the tape holds: from the right,
        # or, with C^-1 Phi = Phi A^-1 and kappa r = y - s Phi m, on features and labels together.
        if self.algebra == "P":
            pull = self._buffer("pull", B, P, P)
            torch.baddbmm(inverse, r[..., None], r[:, None], beta=s, alpha=-s, out=pull)
            torch.bmm(phi, pull, out=by_features)
        else:
            pull = self._buffer("pull", B, F, F + 1)
            torch.mul(inverse, s, out=pull[..., :F])
            pull[..., :F].add_(m[..., None] * m[:, None], alpha=s * s / kappa)
            torch.mul(m, -s / kappa, out=pull[..., F])
            torch.bmm(pull, self.tape.bordered, out=by_features)
        return U, self.tape.pull_back(layers, by_features)

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
