"""Forward pass that keeps what the way back needs, and the way back, in buffers used again.

Fresh arrays of this size cost as much time on a processor as the arithmetic in them.
"""

from math import pi, sqrt

import torch

SLOPE = 2 / sqrt(pi)  # erf'(0)


class Tape:
    """Features of fixed inputs and the pull-back of a gradient by them.

    Parameters
    ----------
    network : Network
    x : torch.Tensor, shape (B, P, d), or (P, d) for the same inputs in all chains
    """

    def __init__(self, network, x):
        self.network, self.x = network, network.split(x)
        self.P = x.shape[-2]
        self.phi, self.slope = [], []

    def forward(self, layers):
        """Features (B, P, F). They are overwritten by the next call."""
        B = layers[0].shape[0]
        if not self.phi or self.phi[0].shape[0] != B:
            rows, options = self.x.shape[-2], dict(dtype=self.x.dtype, device=self.x.device)
            make = [torch.empty(B, rows, w.shape[1], **options) for w in layers]
            self.phi, self.slope = make, [torch.empty_like(t) for t in make]
        given = self.x
        for w, phi, slope in zip(layers, self.phi, self.slope, strict=True):
            torch.matmul(given, w.mT, out=slope)
            torch.erf(slope, out=phi)
            slope.square_().neg_().exp_()  # erf' without its constant
            given = phi
        return self.phi[-1].view(B, self.P, self.network.features)

    def pull_back(self, layers, by_features):
        """Gradient by the position, (B, size), from that by the features, which is overwritten."""
        back = by_features.view(self.phi[-1].shape)
        gradients = []
        for level in reversed(range(len(layers))):
            w = layers[level]
            back = back.mul_(self.slope[level])
            given = self.phi[level - 1] if level else self.x
            gradients.append((back.mT @ given).flatten(1).mul_(SLOPE / sqrt(w.shape[2])))
            if level:
                back = (back @ w).mul_(SLOPE)
        return torch.cat(gradients[::-1], 1) if len(gradients) > 1 else gradients[0]
