"""Forward pass that keeps what the way back needs, and the way back, in buffers used again.

Fresh arrays of this size cost as much time on a processor as the arithmetic in them. Features
are rows here and samples columns: a layer's products then run along the memory, and the labels
fit beneath the features as one more row.
"""

from math import pi, sqrt

import torch
from torch.nn.functional import pad

from .linear_algebra import times

SLOPE = 2 / sqrt(pi)  # erf'(0)


class Tape:
    """Features of fixed inputs and the pull-back of a gradient by them.

    Parameters
    ----------
    network : Network
    x : torch.Tensor, shape (B, P, d), or (P, d) for the same inputs in all chains
        The latter for networks without patches only.
    y : torch.Tensor, shape (B, P), optional
        Labels, the last row of ``bordered``.

    Attributes
    ----------
    bordered : torch.Tensor, shape (B, F + 1, P), or (B, F, P) without labels
        The features of the last forward pass, above the labels.
    """

    def __init__(self, network, x, y=None):
        self.network, self.P, self.inputs, self.y = network, x.shape[-2], x, y
        self.x = self.bordered = None

    def forward(self, layers):
        """Features (B, F, P). They are overwritten by the next call."""
        B, network = layers[0].shape[0], self.network
        if self.bordered is None or self.bordered.shape[0] != B:
            self._make_buffers(B)
        given = self.x
        for w, phi, slope in zip(layers, self.phi, self.slope, strict=True):
            torch.matmul(network.of_patches(w).flatten(0, 1), given, out=slope)
            torch.erf(slope.view(phi.shape), out=phi)
            slope.square_().neg_().exp_()  # erf' without its constant
            given = phi
        return self.bordered[:, : network.features]

    def _make_buffers(self, B):
        network, x = self.network, self.inputs
        Nw, F = network.patches, network.features
        columns = x.unflatten(-1, (Nw, network.patch_size)).movedim(-3, -1)
        # Without a batch one matrix serves all chains.
        self.x = columns[0].contiguous() if x.ndim == 2 else columns.flatten(0, 1).contiguous()
        options = dict(dtype=x.dtype, device=x.device)
        shapes = [(B * Nw, width, self.P) for width in network.widths]
        self.slope = [torch.empty(shape, **options) for shape in shapes]
        self.bordered = torch.empty(B, F + (self.y is not None), self.P, **options)
        if self.y is not None:
            self.bordered[:, F] = self.y
        last = self.bordered[:, :F].unflatten(1, (Nw, -1))
        self.phi = [torch.empty(shape, **options) for shape in shapes[:-1]] + [last]

    def labels_less(self, readout):
        """Labels less the output (B, P) of a readout (B, F), at the last features."""
        return times(self.bordered.mT, pad(-readout, (0, 1), value=1.0))

    def pull_back(self, layers, by_features):
        """Gradient by the position, (B, size), from that by the features, which is overwritten.

        Parameters
        ----------
        layers : list of torch.Tensor
            Those of the last forward pass.
        by_features : torch.Tensor, shape (B, F, P)
        """
        network = self.network
        back = by_features.view(self.slope[-1].shape)
        gradients = []
        for level in reversed(range(len(layers))):
            back = back.mul_(self.slope[level])
            given = self.phi[level - 1] if level else self.x
            by_patch = (back @ given.mT).unflatten(0, (-1, network.patches))
            gradient = network.over_patches(by_patch).flatten(1)
            gradients.append(gradient.mul_(SLOPE / sqrt(given.shape[-2])))
            if level:
                w = network.of_patches(layers[level]).flatten(0, 1)
                back = (w.mT @ back).mul_(SLOPE)
        return torch.cat(gradients[::-1], 1) if len(gradients) > 1 else gradients[0]
