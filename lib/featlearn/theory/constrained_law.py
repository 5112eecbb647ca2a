r"""The law of a neuron when two components of the network's output are prescribed.

The tilted law of :mod:`~featlearn.theory.neuron_law` prescribes the alignment alone. A
trained network also has no component along other functions. The one that matters is the
linear one: a neuron that overlaps with w_* has it, and the others must cancel it. With
``f_k = <f, He_k(w_*.x)> / sqrt(k!)`` tilted for k = 1 and k = m, and the readout
integrated out,

.. math:: p(w)\propto p_0(w)\exp\Big[\frac{\sigma_a^2}{2N}(\tau_m g_m+\tau_1 g_1)^2\Big],
          \qquad \sigma_a^2\,\mathbb E[(\tau_m g_m+\tau_1 g_1)g_k]=f_k .

It depends on the overlap mu and on ``r2 = |w|^2 - mu^2``; both are integrated on a grid.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import root
from scipy.special import logsumexp

from .alignment import neuron_alignment
from .neuron_law import tilt_for_alignment

OVERLAPS = np.linspace(0.0, 4.0, 801)  # the law is even in mu
RESTS = np.exp(np.linspace(np.log(1e-4), np.log(20.0), 401))


@dataclass(frozen=True)
class ConstrainedNeuronLaw:
    """Law of one neuron under two tilts of the prior.

    Parameters
    ----------
    d, N : int
        Input dimension, at least 4, and width.
    tilt, linear_tilt : float
        Multipliers of the component along the target and of the linear component.
    degree : int
        Odd degree m of the target, above 1.
    sigma_a2 : float
        Readout variance before it is divided by N.
    """

    d: int
    N: int
    tilt: float
    linear_tilt: float
    degree: int = 3
    sigma_a2: float = 1.0

    @cached_property
    def _grid(self):
        """Alignments of degree 1 and m, and log weights, each (overlaps, rests)."""
        mu, r2 = OVERLAPS[:, None], RESTS[None, :]
        norm2 = mu**2 + r2
        linear, own = (neuron_alignment(mu, norm2, k) for k in (1, self.degree))
        log_prior = -self.d * mu**2 / 2 + (self.d - 1) / 2 * np.log(r2) - self.d * r2 / 2
        log_prior[0] -= np.log(2)  # half of an even function
        exponent = (self.tilt * own + self.linear_tilt * linear) ** 2
        log_w = log_prior + self.sigma_a2 / (2 * self.N) * exponent
        return linear, own, log_w - logsumexp(log_w)

    def components(self):
        """Mean component of the network along He_1 and along the target.

        Returns
        -------
        linear, alignment : float
        """
        linear, own, log_w = self._grid
        pull = np.exp(log_w) * (self.tilt * own + self.linear_tilt * linear)
        return tuple(float(self.sigma_a2 * (pull * g).sum()) for g in (linear, own))

    def log_overlap_density(self, overlap):
        """Log density of the overlap on the whole line, shape of ``overlap``."""
        marginal = logsumexp(self._grid[2], axis=1) - np.log(2 * (OVERLAPS[1] - OVERLAPS[0]))
        marginal[0] += np.log(2)
        return np.interp(np.abs(overlap), OVERLAPS, marginal)

    def mean_r2(self, overlap):
        """Mean of ``|w|^2 - mu^2`` given the overlap, shape of ``overlap``."""
        weights = np.exp(self._grid[2] - self._grid[2].max(axis=1, keepdims=True))
        return np.interp(np.abs(overlap), OVERLAPS, weights @ RESTS / weights.sum(axis=1))

    def bulk_variance(self, beyond):
        """Variance of the overlap among neurons with ``|mu|`` below a threshold."""
        inside = OVERLAPS < beyond
        weights = np.exp(self._grid[2][inside]).sum(axis=1)
        return float(weights @ OVERLAPS[inside] ** 2 / weights.sum())


def constrained_law(alignment, d, N, degree=3, sigma_a2=1.0):
    """The law at which the mean alignment has a given value and the linear component is zero.

    Parameters
    ----------
    alignment : float
        Positive.
    d, N, degree, sigma_a2
        As in :class:`ConstrainedNeuronLaw`.

    Returns
    -------
    ConstrainedNeuronLaw

    Raises
    ------
    ValueError
        If an argument is outside its range, or no such law is found.
    """
    if degree < 3:
        raise ValueError(f"degree = {degree!r}: an odd degree of at least 3 is needed")
    if d < 4:
        raise ValueError(f"d = {d!r}: an integer of at least 4 is needed")
    tilt = tilt_for_alignment(alignment, d, N, degree, sigma_a2)

    def law(v):
        return ConstrainedNeuronLaw(d, N, tilt * v[0], tilt * v[1], degree, sigma_a2)

    def excess(v):
        linear, own = law(v).components()
        return [linear / alignment, own / alignment - 1]

    for start in ([1.0, 0.1], [1.0, 0.3], [1.3, 0.5], [0.8, 0.05]):
        found = root(excess, start)
        if found.success:
            return law(found.x)
    raise ValueError(f"alignment = {alignment!r}: no law with zero linear component was found")
