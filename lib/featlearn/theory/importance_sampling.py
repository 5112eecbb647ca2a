r"""Random networks drawn from the tilted law, and the tail of the alignment from them.

Under the tilt neurons are independent: v is drawn from its one-dimensional law. Given the
hidden weights, A_f is Gaussian with variance ``V = s sum_j g_j**2``, ``s = sigma_a2 / N``,
under the prior. So such networks have the alignment wanted, and with ``K = N log Z_t``

.. math:: \Pr[A_f\ge\alpha]=\mathbb E_t\Big[e^{K(t)-t^2V/2}\,
          \tfrac12\,\mathrm{erfc}\frac{\alpha}{\sqrt{2V}}\Big].

The estimate does not use the inversion integral of
:mod:`~featlearn.theory.large_deviations`, and its relative error does not grow with the
depth of the tail.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr

from .alignment import alignment_constant
from .neuron_law import NeuronLaw, tilt_for_alignment

MOST_NUMBERS = 4_000_000  # held at once
FINE = 20_000  # points of the grid on which v is drawn


class TailEstimate(NamedTuple):
    """A sampled log probability (nats) and the relative standard error of the probability."""

    log_probability: float
    relative_error: float


def tilted_variances(alpha, d, N, degree=3, sigma_a2=1.0, *, draws, rng):
    """Networks drawn at the tilt whose mean alignment is alpha: the variance V of each.

    Parameters
    ----------
    alpha : float
        Positive.
    d, N, degree, sigma_a2
        As in :class:`~featlearn.theory.neuron_law.NeuronLaw`.
    draws : int
        Number of networks.
    rng : numpy.random.Generator

    Returns
    -------
    tilt : float
        Given V, the alignment of a tilted network is Gaussian: mean ``tilt V``, variance V.
    variances : numpy.ndarray, shape (draws,)
    """
    if isinstance(draws, bool) or int(draws) != draws or draws < 2:
        raise ValueError(f"draws = {draws!r}: an integer of at least 2 is needed")
    tilt = tilt_for_alignment(alpha, d, N, degree, sigma_a2)
    law = NeuronLaw(d, N, tilt, degree, sigma_a2)
    v = np.linspace(0, law.reach(), FINE)
    log_p, g2 = law.combined(v)
    per_neuron = sigma_a2 * alignment_constant(degree) ** 2 / N * g2
    log_w = log_p + tilt**2 * per_neuron / 2
    density = np.exp(log_w - log_w.max())
    cumulative = np.r_[0.0, np.cumsum((density[1:] + density[:-1]) / 2)]
    parts, size = [], max(1, MOST_NUMBERS // N)
    for start in range(0, draws, size):
        places = rng.random((min(draws - start, size), N)) * cumulative[-1]
        parts.append(np.interp(places, cumulative, per_neuron).sum(axis=1))
    return tilt, np.concatenate(parts)


def sampled_log_tail(alpha, d, N, degree=3, sigma_a2=1.0, *, draws=20_000, rng):
    """Estimate of the log tail probability at any depth.

    Arguments as in :func:`tilted_variances`.

    Returns
    -------
    TailEstimate

    Examples
    --------
    >>> found = sampled_log_tail(1.0, 20, 20, rng=np.random.default_rng(0))
    >>> found.relative_error < 0.03, round(found.log_probability)
    (True, -152)
    """
    tilt, V = tilted_variances(alpha, d, N, degree, sigma_a2, draws=draws, rng=rng)
    log_z = NeuronLaw(d, N, tilt, degree, sigma_a2).log_partition()
    with np.errstate(divide="ignore"):
        log_w = N * log_z - tilt**2 * V / 2 + log_ndtr(-alpha / np.sqrt(V))
    weights = np.exp(log_w - log_w.max())
    mean = weights.mean()
    error = weights.std(ddof=1) / (mean * np.sqrt(draws))
    return TailEstimate(float(log_w.max() + np.log(mean)), float(error))
