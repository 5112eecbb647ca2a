r"""How strongly a random network can be aligned with the target, given its hidden weights.

Given the hidden weights the readout is Gaussian under the prior, and the alignment (paper eq. 3)
too, with variance ``V = s sum_j g_j**2``, where ``g_j`` is the alignment of neuron j of the last
hidden layer. So V is all that a study of the prior needs.
"""

import torch

from featlearn.theory.alignment import alignment_constant, neuron_alignment

from .backpropagation import Tape
from .input_rule import alignments, chunks, input_rule


class AlignmentVariance:
    """The statistic V of a random network without patches.

    Parameters
    ----------
    network : Network
    rule : InputRule, optional
        For more than one hidden layer; with one, V is a closed form.

    Raises
    ------
    ValueError
        If the network has patches.
    """

    def __init__(self, network, rule=None):
        if network.patches != 1:
            raise ValueError(f"network.patches = {network.patches}: 1 is needed")
        self.network = network
        self.rule = rule
        if rule is None and len(network.widths) > 1:
            self.rule = input_rule(network.d, network.degree)
        self.tape = Tape(network, self.rule.x) if self.rule is not None else None

    def statistic(self, z):
        """V of each network, shape (B,)."""
        layers = self.network.layers(z)
        if self.rule is None:
            g = neuron_alignment(layers[0][..., 0], layers[0].square().sum(-1), self.network.degree)
        else:
            g = alignments(layers, self.rule)
        return self.network.readout_variance * g.square().sum(-1)

    def statistic_and_gradient(self, z):
        """V, shape (B,), and its gradient by z, shape (B, size)."""
        layers = self.network.layers(z)
        pairs = [self._closed(layers)] if self.rule is None else self._by_rule(layers)
        values, gradients = zip(*pairs, strict=True)
        return torch.cat(values), torch.cat(gradients)

    def _closed(self, layers):
        (w,), m = layers, self.network.degree
        overlap, norm2 = w[..., 0], w.square().sum(-1)
        g = neuron_alignment(overlap, norm2, m)
        factor = self.network.readout_variance
        # g is c (mu / sqrt(1 + 2q))^m, so dg/dmu = m g / mu, written without the division
        by_overlap = m * alignment_constant(m) * overlap ** (m - 1) / (1 + 2 * norm2) ** (m / 2)
        gradient = w * (-4 * factor * m * g.square() / (1 + 2 * norm2))[..., None]
        gradient[..., 0] += 2 * factor * g * by_overlap
        return factor * g.square().sum(-1), gradient.flatten(1) / self.network.d**0.5

    def _by_rule(self, layers):
        factor, c = self.network.readout_variance, self.rule.coefficient
        for chunk in chunks(layers, self.rule):
            g = self.tape.forward(chunk) @ c
            by_features = 2 * factor * g[..., None] * c
            yield factor * g.square().sum(-1), self.tape.pull_back(chunk, by_features)
