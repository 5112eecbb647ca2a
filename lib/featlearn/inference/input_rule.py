r"""Means over inputs for networks whose alignment has no closed form.

The rule treats the target's direction exactly:

- ``z = w_*.x`` by Gauss-Hermite quadrature. The network is odd in x, so that nodes z > 0
  suffice;
- the other directions by pairs of opposite points from a scrambled Sobol sequence, the
  same for every node z.

On a finite set of inputs a network could be aligned with the set and not with the target. Here
it can't be: the projection on the Hermite polynomial is made at every Sobol point by itself.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import qmc

from featlearn.theory.alignment import alignment_constant
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

    def to(self, device):
        """The same rule on a device."""
        return InputRule(self.x.to(device), self.coefficient.to(device))


def input_rule(d, degree, points=256, seed=0, nodes=16, dtype=torch.float64):
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


def alignments(layers, rule):
    """Alignment of each neuron of the last hidden layer with unit readout, (B, N).

    Parameters
    ----------
    layers : list of torch.Tensor, shape (B, out, in)
        Weights of each hidden layer.
    rule : InputRule
    """
    rows = []
    for chunk in chunks(layers, rule):
        phi = rule.x
        for weights in chunk:
            phi = torch.erf(phi @ weights.mT)
        rows.append(rule.coefficient @ phi)
    return torch.cat(rows)


def chunks(layers, rule):
    """The same layers, a few networks at a time."""
    widest = max(w.shape[1] for w in layers)
    size = max(1, AT_ONCE // (len(rule.x) * widest))
    return zip(*(weights.split(size) for weights in layers), strict=True)
