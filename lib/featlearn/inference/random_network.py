r"""Random erf networks of any depth, and how strongly each can be aligned with the target.

Given the hidden weights, the readout is Gaussian and the alignment (paper eq. 3) too, with
variance ``V = (sigma_a2 / N) sum_j g_j**2``, where ``g_j`` is the alignment of neuron j of the
last hidden layer. So V is all that a study of the prior needs. For one hidden layer
``g_j`` is a closed form; for more it is a mean over inputs, taken by a rule that treats the
target's direction exactly:

- ``z = w_*.x`` by Gauss-Hermite quadrature. The network is odd in x, so that nodes z > 0
  suffice;
- the other d - 1 directions by pairs of opposite points from a scrambled Sobol sequence, the
  same for every node z.

On a finite set of inputs a network could be aligned with the set and not with the target. Here
it can't be: the projection on the Hermite polynomial is made at every Sobol point by itself.
"""

from dataclasses import dataclass
from math import pi, prod, sqrt

import numpy as np
import torch
from scipy.stats import qmc

from featlearn.theory.alignment import alignment_constant, neuron_alignment
from featlearn.theory.hermite import normalised_hermite

AT_ONCE = 1 << 18  # pre-activations of a layer held at once: they fit the processor's cache


@dataclass(frozen=True)
class InputRule:
    """Inputs and weights for means of odd functions times the target.

    Attributes
    ----------
    x : torch.Tensor, shape (n, d)
    coefficient : torch.Tensor, shape (n,)
        Weight of each input times the target's value there.
    """

    x: torch.Tensor
    coefficient: torch.Tensor


def input_rule(d, degree, points, seed, nodes=16, dtype=torch.float64):
    """Quadrature along w_* and Sobol points across.

    Parameters
    ----------
    d : int
        Input dimension, at least 2.
    degree : int
        Odd degree m of the target.
    points : int
        Points across, a power of two of at least 2.
    seed : int
        Of their scrambling.
    nodes : int
        Gauss-Hermite nodes, even; half of them are used.

    Returns
    -------
    InputRule
        With ``points * nodes / 2`` inputs.

    Raises
    ------
    ValueError
        If an argument is outside its range.
    """
    alignment_constant(degree)
    if isinstance(d, bool) or int(d) != d or d < 2:
        raise ValueError(f"d = {d!r}: an integer of at least 2 is needed")
    if points < 2 or points & (points - 1):
        raise ValueError(f"points = {points!r}: a power of two, at least 2, is needed")
    if nodes < 2 or nodes % 2:
        raise ValueError(f"nodes = {nodes!r}: an even number is needed")
    z, w = np.polynomial.hermite_e.hermegauss(nodes)
    w = 2 * w[z > 0] / w.sum()
    z = z[z > 0]
    sobol = qmc.MultivariateNormalQMC(np.zeros(d - 1), rng=np.random.default_rng(seed))
    across = sobol.random(points // 2)
    across = np.concatenate([across, -across])  # only together are they odd in z
    x = np.empty((len(z), points, d))
    x[..., 0], x[..., 1:] = z[:, None], across
    coefficient = (w * normalised_hermite(degree, z))[:, None].repeat(points, 1) / points
    tensors = (torch.as_tensor(v, dtype=dtype) for v in (x.reshape(-1, d), coefficient.ravel()))
    return InputRule(*tensors)


class RandomNetwork:
    r"""Prior of an erf network, as a function from standard normal numbers to V.

    Parameters
    ----------
    d : int
        Input dimension, at least 2.
    widths : sequence of int
        Hidden widths from the input upwards, at least one.
    degree : int
        Odd degree m of the target.
    sigma_a2 : float
        Readout variance before it is divided by the last width.
    points, seed, dtype
        Of :func:`input_rule`; not used for one hidden layer.

    Raises
    ------
    ValueError
        If an argument is outside its range.
    """

    def __init__(
        self, d, widths, degree=3, sigma_a2=1.0, *, points=256, seed=0, dtype=torch.float64
    ):
        alignment_constant(degree)
        for name, value in (("d", d), *((f"widths[{i}]", w) for i, w in enumerate(widths))):
            least = 2 if name == "d" else 1
            if isinstance(value, bool) or int(value) != value or value < least:
                raise ValueError(f"{name} = {value!r}: an integer of at least {least} is needed")
        if not len(widths):
            raise ValueError(f"widths = {widths!r}: at least one hidden layer is needed")
        if not 0 < sigma_a2 < np.inf:
            raise ValueError(f"sigma_a2 = {sigma_a2!r}: a positive finite number is needed")
        self.d, self.widths, self.degree, self.sigma_a2 = int(d), tuple(widths), degree, sigma_a2
        fans = (self.d, *self.widths[:-1])
        self.shapes = tuple(zip(self.widths, fans, strict=True))
        self.size = sum(prod(shape) for shape in self.shapes)
        deep = len(self.widths) > 1
        self.rule = input_rule(d, degree, points, seed, dtype=dtype) if deep else None

    def layers(self, z):
        """Weights of each layer, ``(B, N_l, N_(l-1))``, with prior variance ``1 / N_(l-1)``.

        Parameters
        ----------
        z : torch.Tensor, shape (B, size)
            Standard normal under the prior.
        """
        parts = z.split([prod(shape) for shape in self.shapes], 1)
        return [
            part.reshape(-1, *shape) / sqrt(shape[1])
            for part, shape in zip(parts, self.shapes, strict=True)
        ]

    def neuron_alignments(self, z):
        """Alignment of each neuron of the last hidden layer with unit readout, ``(B, N)``."""
        w = self.layers(z)
        if self.rule is None:
            return neuron_alignment(w[0][..., 0], w[0].square().sum(-1), self.degree)
        rows = []
        for chunk in self._chunks(w):
            phi = self.rule.x
            for weights in chunk:
                phi = torch.erf(phi @ weights.mT)
            rows.append(self.rule.coefficient @ phi)
        return torch.cat(rows)

    def variance(self, z):
        """V of each network, shape (B,)."""
        return self.sigma_a2 / self.widths[-1] * self.neuron_alignments(z).square().sum(-1)

    def variance_and_gradient(self, z):
        """V, shape (B,), and its gradient by z, shape (B, size)."""
        w = self.layers(z)
        pairs = [self._closed(w)] if self.rule is None else map(self._deep, self._chunks(w))
        values, gradients = zip(*pairs, strict=True)
        return torch.cat(values), torch.cat(gradients)

    def _closed(self, w):
        overlap, norm2 = w[0][..., 0], w[0].square().sum(-1)
        g = neuron_alignment(overlap, norm2, self.degree)
        factor = self.sigma_a2 / self.widths[0]
        # g is c (mu / sqrt(1 + 2q))^m, so dg/dmu = m g / mu, written without the division
        by_overlap = self.degree * alignment_constant(self.degree) * overlap ** (self.degree - 1)
        by_overlap = by_overlap / (1 + 2 * norm2) ** (self.degree / 2)
        gradient = w[0] * (-4 * factor * self.degree * g.square() / (1 + 2 * norm2))[..., None]
        gradient[..., 0] += 2 * factor * g * by_overlap
        return factor * g.square().sum(-1), gradient.flatten(1) / sqrt(self.d)

    def _deep(self, w):
        h, phi = [], [self.rule.x]
        for weights in w:
            h.append(phi[-1] @ weights.mT)
            phi.append(torch.erf(h[-1]))
        g = self.rule.coefficient @ phi[-1]
        factor = self.sigma_a2 / self.widths[-1]
        back = 2 * factor * self.rule.coefficient[:, None] * g[:, None, :]  # dV/dphi
        gradients = []
        for level in reversed(range(len(w))):
            back = back * torch.exp(-h[level].square()).mul_(2 / sqrt(pi))
            gradients.append((back.mT @ phi[level]).flatten(1) / sqrt(w[level].shape[2]))
            if level:
                back = back @ w[level]
        return factor * g.square().sum(-1), torch.cat(gradients[::-1], 1)

    def _chunks(self, w):
        """The same layers, a few networks at a time."""
        size = max(1, AT_ONCE // (len(self.rule.x) * max(self.widths)))
        return zip(*(weights.split(size) for weights in w), strict=True)
