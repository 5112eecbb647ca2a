r"""A smooth count of specialised neurons, and forces along it.

A specialised neuron of a target of degree m has two marks: a large overlap :math:`\mu_j` with
the target's direction, and a readout of the sign that the target asks for. With its mean
:math:`\bar a_j` given the hidden weights and the sign :math:`\sigma_m=(-1)^{(m-1)/2}` of erf's
coefficient of degree m, this means :math:`\sigma_m\bar a_j\mu_j>0`. Beside specialised neurons
most bulk neurons have the other sign: together they cancel the linear response that the target
does not have. The marks make one coordinate of a neuron, and these the count,

.. math::

   t_j=\tanh\!\frac{\mu_j}{0.2}\,(\mu_j+\gamma\sigma_m\bar a_j),\qquad
   \hat M=\sum_j\mathrm{step}\!\left(\frac{t_j-t_0}{t_1-t_0}\right),

where :math:`\mathrm{step}(u)=u^2(3-2u)` between 0 and 1. A count of overlaps alone would leave a
barrier: at one overlap a neuron can be of either kind
(:mod:`featlearn.experiments.two_layer_memory`).
"""

from math import sqrt

import torch
from torch.nn.functional import pad

from .linear_algebra import times

OVERLAP = 0.2  # where an overlap is told from none
READOUT = 0.7  # gamma
RANGE = 0.1, 2.2  # t_0, t_1


class SoftCount:
    """The soft count over the hidden weights of a collapsed posterior, with its gradient.

    Parameters
    ----------
    posterior : CollapsedPosterior
        Of networks of one hidden layer without patches, for a target of degree 3 or more.

    Raises
    ------
    ValueError
        For another network or a linear target.
    """

    def __init__(self, posterior):
        network = posterior.network
        if len(network.widths) != 1 or network.patches != 1:
            raise ValueError(
                f"posterior is of widths {network.widths} and patches = {network.patches}: "
                "one hidden layer without patches is needed"
            )
        if network.degree < 3:
            raise ValueError(
                f"posterior has degree = {network.degree}: one of at least 3 is needed, "
                "for a linear target no readout changes its sign"
            )
        self.posterior, self.network = posterior, network
        self.sign = (-1) ** ((network.degree - 1) // 2)

    def __call__(self, z):
        """The count (B,) at positions z (B, size)."""
        layers = self.network.layers(z)
        mean = self.posterior.readout(self.posterior.solve(z))[0]
        return _step(self._coordinate(layers[0], mean)[0])[0].sum(-1)

    def energy_and_gradient(self, z, bias):
        """The data energy U plus a bias of the count, and its gradient.

        Parameters
        ----------
        z : torch.Tensor, shape (B, size)
        bias : callable
            From the count (B,) to the bias in nats and its derivative, both (B,).

        Returns
        -------
        data_energy, count : torch.Tensor, shape (B,)
            U in nats, and the count.
        energy : torch.Tensor, shape (B,)
        gradient : torch.Tensor, shape (B, size)
        """
        posterior, network = self.posterior, self.network
        s, kappa = network.readout_variance, network.ridge
        layers = network.layers(z)
        w = layers[0]
        U, phi, inverse, residual, projection = posterior.evaluate(layers)
        mean = s * projection

        share, near = self._coordinate(w, mean)
        smooth, slope = _step(share)
        count = smooth.sum(-1)
        V, force = bias(count)
        pull = force[:, None] * slope / (RANGE[1] - RANGE[0])  # dB/dt_j
        # mean = s A^-1 Phi^T y, so that a force v on it moves the features by
        # kappa r u^T - (Phi u) mean^T, with r = C^-1 y and u = s A^-1 v.
        v = READOUT * self.sign * pull * near
        # dU/dPhi = s Phi A^-1 - r mean^T, and Phi A^-1 = C^-1 Phi
        if posterior.algebra == "P":
            by_features = phi @ inverse
            u = s * (v - s * times(phi, times(by_features.mT, v))) / kappa
        else:
            by_features = pad(inverse, (0, 1)) @ posterior.tape.bordered
            u = s * times(inverse, v)
        phi_v = times(by_features.mT, v)  # Phi A^-1 v
        by_features.mul_(s)
        by_features.baddbmm_((kappa * u - mean)[..., None], residual[:, None])
        by_features.baddbmm_(mean[..., None], phi_v[:, None], alpha=-s)
        gradient = posterior.tape.pull_back(layers, by_features)
        toward = near + (w[..., 0] + READOUT * self.sign * mean) * (1 - near**2) / OVERLAP
        gradient.view(w.shape)[..., 0] += pull * toward / sqrt(w.shape[2])
        return U, count, U + V, gradient

    def _coordinate(self, w, mean):
        """(t - t_0) / (t_1 - t_0) of each neuron, and its tanh, both (B, N)."""
        mu = w[..., 0]
        near = torch.tanh(mu / OVERLAP)
        t = near * (mu + READOUT * self.sign * mean)
        return (t - RANGE[0]) / (RANGE[1] - RANGE[0]), near


def _step(share):
    """A step from 0 to 1 that starts and ends smoothly, and its derivative."""
    share = share.clamp(0, 1)
    return share**2 * (3 - 2 * share), 6 * share * (1 - share)
