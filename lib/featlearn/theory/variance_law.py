r"""The law of the alignment's variance V by direct convolution, where no tilt singles it out.

``V = (sigma_a2 / N) sum_j g_j**2`` is a sum of N independent terms. If its log density is far
from concave, as between one and two condensed neurons or where one neuron at a small overlap
carries everything, the law under any tilt is a mixture of two others, and the inversion
integral of :mod:`~featlearn.theory.large_deviations` is a small difference of large numbers.

Here the tilted law of one term is put on a uniform grid and convolved with itself N times,
by squaring. All numbers are positive, so nothing cancels, and none is rounded to zero in
extended precision. A term between two grid points is shared among them so that its mean is
exact; the error is then quadratic in the spacing and is removed by two spacings.
"""

import numpy as np

from .neuron_law import NeuronLaw

POINTS, MOST_POINTS = 3200, 12_800  # of the grid
ACCEPTED, RELATIVE = 0.02, 3e-6  # error, in nats or of the result, before extrapolation
REACH = 12.0  # of the first grid, in units of the variance that the tilt gives
SEEN = 40.0  # nats below its largest value at which an integrand is cut
STEPS = 40  # nodes of one neuron's v per standard deviation


def log_mean(log_given, tilt, d, N, degree=3, sigma_a2=1.0):
    """Log of the prior mean of a function of V.

    Parameters
    ----------
    log_given : callable
        From V (n,), positive, to the log of the function.
    tilt : float
        A tilt at which networks have about the variance that matters.
    d, N, degree, sigma_a2
        As in :class:`~featlearn.theory.neuron_law.NeuronLaw`.

    Returns
    -------
    value, error : float
        Nats; the error is estimated from two spacings.

    Raises
    ------
    ValueError
        If the law is beyond the grid's resolution or the machine's precision.
    """
    law = NeuronLaw(d, N, tilt, degree, sigma_a2)
    one = _Term(law)
    mean = law.mean_alignment() / tilt
    # On too coarse a grid many bulk terms, each rounded up, outweigh one large term.
    V, log_f = one.total(log_given, REACH * mean, POINTS)
    seen = np.flatnonzero(log_f > log_f.max() - SEEN)
    reach = V[min(seen[-1] + 2, len(V) - 1)]
    points = POINTS
    rough = _log_sum(one.total(log_given, reach, points // 2)[1])
    while True:
        fine = _log_sum(one.total(log_given, reach, points)[1])
        value, error = fine + (fine - rough) / 3, abs(fine - rough) / 3
        if error < max(ACCEPTED, RELATIVE * abs(value)):
            return value, error
        points, rough = 2 * points, fine
        if points > MOST_POINTS:
            raise ValueError(
                f"N = {N!r}: {MOST_POINTS} grid points leave an error of {error:.2g} nats"
            )


class _Term:
    """One neuron's part of V: nodes, and their weights under the tilt."""

    def __init__(self, law):
        self.N, self.rate = law.N, law.tilt**2 / 2
        spacing = 1 / (STEPS * np.sqrt(law.d))
        v = spacing * (np.arange(int(law.reach() / spacing)) + 0.5)
        log_p, _ = law.combined(v)
        # log_weight is tilt^2 V_j / 2, at an overlap v and no rest
        self.V = law.log_weight(v, 0.0) / self.rate
        log_p -= log_p.max()
        log_p -= np.log(np.exp(log_p).sum())
        log_w = log_p + self.rate * self.V
        self.log_z = log_w.max() + np.log(np.exp(log_w - log_w.max()).sum())
        # Between two peaks the law can be smaller than the least number of double precision.
        self.weight = np.exp((log_w - self.log_z).astype(np.longdouble))

    def total(self, log_given, reach, points):
        """Grid of V > 0 and the log of (weight of the sum of N terms) times the function."""
        step = reach / points
        place = self.V / step
        inside = place < points
        low = place[inside].astype(int)
        share = place[inside] - low
        weight = self.weight[inside]
        if not (weight > 0).all():
            raise ValueError(
                f"N = {self.N!r}: the law of one neuron spans more than this machine's extended "
                "precision; a smaller N or d is needed"
            )
        law = np.zeros(points + 2, np.longdouble)
        np.add.at(law, low, weight * (1 - share))
        np.add.at(law, low + 1, weight * share)
        total = _power(law[: points + 1], self.N)[1:]
        V = step * np.arange(1, points + 1)
        with np.errstate(divide="ignore"):
            log_law = np.log(total).astype(float)
        return V, log_law + self.N * self.log_z - self.rate * V + log_given(V)


def _power(law, N):
    """N-fold convolution, cut at the grid's end."""
    result = None
    while True:
        if N & 1:
            result = law if result is None else np.convolve(result, law)[: len(law)]
        N >>= 1
        if not N:
            return result
        law = np.convolve(law, law)[: len(law)]


def _log_sum(log_f):
    top = log_f.max()
    return float(top + np.log(np.exp(log_f - top).sum()))
