r"""The network on patches without weight sharing: every patch has neurons of its own.

.. math::

   f(x) = \sum_{i=1}^{N_w}\sum_{j=1}^{N} a_{ij}\,\mathrm{erf}(w_{ij}\cdot x_i),\qquad
   w_{ij}\sim\mathcal N(0, I_S/S),\qquad a_{ij}\sim\mathcal N(0, s).

It is the control of the patch network (paper eq. 12), which it equals in all but the sharing:
the same data, the same number of features, the same readout.
"""

import torch

from .network import Network
from .posterior import CollapsedPosterior


class LocallyConnected(Network):
    """As :class:`~featlearn.inference.network.Network` with one hidden layer, nothing shared.

    ``widths`` holds the number N of neurons of a patch. Neuron ``i * N + j`` is the j-th of
    patch i, in the weights, in the features and in what neurons respond to.

    Raises
    ------
    ValueError
        As for a network, and if there is more than one hidden layer.
    """

    def __post_init__(self):
        super().__post_init__()
        if len(self.widths) > 1:
            raise ValueError(f"widths = {self.widths}: one width is needed")

    @property
    def shapes(self):
        """((Nw * N, S),): shape of the weights of all patches."""
        return ((self.features, self.patch_size),)

    def planted(self, chains, generator, specialised, layer=0, response=1.0):
        """As for a network; ``specialised`` neurons of every patch."""
        if layer != 0:
            raise ValueError(f"layer = {layer!r}: 0, the only hidden layer, is needed")
        if not 0 <= specialised <= self.widths[0]:
            raise ValueError(
                f"specialised = {specialised!r}: between 0 and {self.widths[0]} is needed"
            )
        (w,) = self.layers(self.prior(chains, generator))
        self.of_patches(w)[:, :, :specialised, 0] = response
        return self.position([w])

    def of_patches(self, w):
        """Weights (B, Nw * N, S) as (B, Nw, N, S)."""
        return w.view(-1, self.patches, self.widths[0], self.patch_size)

    def over_patches(self, gradient):
        """Gradient by the weights (B, Nw * N, S): each patch's own."""
        return gradient.flatten(1, 2)

    def split(self, x):
        """Patches of inputs (..., P, d) as (..., Nw, P, S)."""
        return x.unflatten(-1, (self.patches, self.patch_size)).transpose(-2, -3)

    def forward(self, layers, x):
        """Features (B, P, Nw * N) of inputs (B, P, d)."""
        phi = torch.erf(self.split(x) @ self.of_patches(layers[0]).mT)
        return phi.transpose(1, 2).flatten(2)


class LocallyConnectedPosterior(CollapsedPosterior):
    """The posterior of a :class:`LocallyConnected` network."""

    offers_jumps = False

    def feature_alignments(self, z):
        """Alignment (eq. 3) of each feature with unit readout, (B, F)."""
        # That of a shared network repeats its neurons on every patch.
        return super().feature_alignments(z)[:, : self.network.features]
