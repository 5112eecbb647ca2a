r"""The law of one hidden neuron in a prior network that is tilted towards the target.

Under the prior times ``exp(t A_f)`` (paper eq. 3) neurons are independent, for A_f is
a sum over them. The readout integrates out, ``E_a exp(t a g) = exp(t**2 s g**2 / 2)``
for ``a ~ N(0, s)``, ``s = sigma_a2 / N``, and leaves

.. math:: p_t(w)\propto p_0(w)\,\exp\!\big[t^2\sigma_a^2\,g(\mu,q)^2/(2N)\big].

It depends on the overlap mu and on ``r2 = q - mu**2`` alone: under the prior these are
independent, N(0, 1/d) and Gamma((d-1)/2, scale 2/d). Two routes are used.

*One integral for the whole neuron.* The exponent depends only on
``v = mu / sqrt(1 + 2 r2)``, as ``g**2 = c_m**2 [v**2 / (1 + 2 v**2)]**m``. The prior law
of v is, exactly, with r ~ Gamma((d-1)/2, scale 2/d),

.. math:: p_0(v)=\sqrt{d/2\pi}\;e^{-dv^2/2}\,(1+2v^2)^{-(d-1)/2}\;
          \mathbb E_r\sqrt{1+2r/(1+2v^2)} ,

so the partition function and the mean alignment are one-dimensional.

*One integral for each overlap.* For the marginal law of mu, r2 is integrated in
log(r2), over the range that the tilted integrand occupies at that overlap.
All quadratures are trapezoidal rules on smooth decaying functions.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaln, logsumexp

from .alignment import alignment_constant
from .kernels import hermite_eigenvalue
from .weight_quadrature import NEGLIGIBLE, largest_rest, rest_rule, uniform_grid

LARGEST_EXPONENT = 1e10  # of the tilt: beyond it, rounding of the exponent shows in the weights


@dataclass(frozen=True)
class NeuronLaw:
    """Law of one neuron under the tilt ``exp(tilt * A_f)`` of the prior.

    Parameters
    ----------
    d : int
        Input dimension, at least 2.
    N : int
        Width, at least 1.
    tilt : float
        t, at least 0; 0 is the prior. In nats per unit of alignment.
    degree : int
        Odd degree m of the target.
    sigma_a2 : float
        Readout variance before it is divided by N, positive.

    Raises
    ------
    ValueError
        If a parameter is outside its range; the message names it.

    Examples
    --------
    >>> law = NeuronLaw(d=20, N=80, tilt=tilt_for_alignment(0.5, 20, 80))
    >>> round(law.mean_alignment(), 6)
    0.5
    >>> round(law.barrier(), 4), round(law.mode(), 4)
    (0.8929, 1.2963)
    """

    d: int
    N: int
    tilt: float
    degree: int = 3
    sigma_a2: float = 1.0

    def __post_init__(self):
        for name, least in (("d", 2), ("N", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or int(value) != value or value < least:
                raise ValueError(f"{name} = {value!r}: an integer >= {least} is needed")
        alignment_constant(self.degree)
        if not 0 < self.sigma_a2 < np.inf:
            raise ValueError(f"sigma_a2 = {self.sigma_a2!r}: it must be positive and finite")
        largest = _largest_tilt(self.N, self.degree, self.sigma_a2)
        if not 0 <= self.tilt <= largest:
            raise ValueError(f"tilt = {self.tilt!r}: between 0 and {largest:.3g} is needed")

    # ---------------------------------------------------------------- exponent of the tilt

    @property
    def _strength(self):
        constant = alignment_constant(self.degree)
        return self.tilt**2 * self.sigma_a2 * constant**2 / (2 * self.N)

    @property
    def _largest(self):
        """Supremum of the exponent: v -> infinity."""
        return self._strength / 2.0**self.degree

    def log_weight(self, overlap, r2):
        """Exponent of the tilt, ``log p_t / p_0`` before normalisation.

        Parameters
        ----------
        overlap, r2 : array_like, of shapes that broadcast
            Overlap mu, and squared norm of the weights orthogonal to w_* (at least 0).

        Returns
        -------
        numpy.ndarray
            ``tilt**2 * sigma_a2 * g(mu, mu**2 + r2)**2 / (2 N)``, nats.

        Raises
        ------
        ValueError
            If ``r2`` is negative.
        """
        mu2, r2 = np.square(np.asarray(overlap, float)), np.asarray(r2, float)
        if np.any(r2 < 0):
            raise ValueError(f"r2 = {r2!r}: a squared norm is at least 0")
        return self._strength * (mu2 / (1 + 2 * (mu2 + r2))) ** int(self.degree)

    # ---------------------------------------------------------------- the whole neuron

    @cached_property
    def grid(self):
        """Log prior weights (they sum to one) and ``g**2 / c_m**2`` on a grid of v >= 0."""
        # Near a stationary point the exponent's curvature is at most about d (3 + 2m).
        v = uniform_grid(self.reach(), 0.25 / np.sqrt(self.d * (3 + 2 * int(self.degree))))
        log_p, g2 = self.combined(v)
        log_p[0] -= np.log(2)  # half of an even function
        return log_p - logsumexp(log_p), g2

    def combined(self, v):
        """Log prior density of v, up to a constant, and ``g**2 / c_m**2``.

        Parameters
        ----------
        v : numpy.ndarray, shape (n,)
            ``mu / sqrt(1 + 2 r2)``, at least 0.

        Returns
        -------
        log_p, g2 : numpy.ndarray, shape (n,)
        """
        r, weight = rest_rule(self.d)
        root = np.sqrt(1 + 2 * r / (1 + 2 * v[:, None] ** 2)) @ weight
        log_p = -self.d * v**2 / 2 - (self.d - 1) / 2 * np.log1p(2 * v**2) + np.log(root)
        return log_p, (v**2 / (1 + 2 * v**2)) ** int(self.degree)

    def reach(self, rest=0.0):
        """Overlap beyond which the density, at this rest, is negligible at any tilt exponent.

        Beyond x1 the exponent gains at most its distance from its supremum, and that
        is at most ``largest * m (1 + 2 rest) / (2 x1**2)``.
        """
        simple = 2 * (self._largest + NEGLIGIBLE) / self.d
        slope = self._largest * self.degree * (1 + 2 * rest)
        saturated = 2 * np.sqrt(slope / self.d) + 2 * NEGLIGIBLE / self.d
        return float(np.sqrt(min(simple, saturated)))

    def log_partition(self):
        """Log of ``Z_t = E_0[exp(log_weight)]`` for one neuron, nats.

        ``N log Z_t`` is the cumulant generating function of A_f under the prior.

        Returns
        -------
        float
        """
        log_p, g2 = self.grid
        exponent = self._strength * g2
        if exponent[-1] < 600:  # keeps the digits of a small tilt
            return float(np.log1p(np.exp(log_p) @ np.expm1(exponent)))
        return float(logsumexp(log_p + exponent))

    def mean_alignment(self):
        """Mean alignment of the network, ``N E[a g] = tilt * sigma_a2 * E_t[g**2]``.

        Returns
        -------
        float
        """
        log_p, g2 = self.grid
        log_w = log_p + self._strength * g2
        mean = np.exp(log_w - logsumexp(log_w)) @ g2
        return float(self.tilt * self.sigma_a2 * alignment_constant(self.degree) ** 2 * mean)

    # ---------------------------------------------------------------- the overlap

    def _rest(self, overlap):
        """Quadrature over r2 at each overlap: r2 and log weights, ``(n, points)``."""
        d, m, shape = self.d, int(self.degree), (self.d - 1) / 2
        mu2 = overlap[:, None] ** 2
        norm = shape * np.log(d / 2) - gammaln(shape)
        # Below the first line the exponent of the tilt is constant in r2 and the prior a power.
        flat = -np.log1p(2 * m * self._largest) - 2
        low = np.full(len(overlap), flat - (NEGLIGIBLE + 5) / shape)
        high = np.full(len(overlap), np.log(largest_rest(d)))
        row = np.arange(len(overlap))
        points = 128 + int(4 * NEGLIGIBLE / shape)  # the prior's lower tail is long at small d
        for last in (False, False, True):  # twice zoom in, then integrate
            z = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, points)
            r2 = np.exp(z)
            exponent = self._strength * (mu2 / (1 + 2 * (mu2 + r2))) ** m
            log_f = norm + shape * z - d / 2 * r2 + exponent
            if not last:
                seen = log_f >= log_f.max(axis=1, keepdims=True) - NEGLIGIBLE
                left, right = seen.argmax(axis=1) - 1, points - seen[:, ::-1].argmax(axis=1)
                low, high = z[row, np.maximum(left, 0)], z[row, np.minimum(right, points - 1)]
        step = np.log((high - low) / (points - 1))
        return r2, log_f + step[:, None]

    def log_overlap_density(self, overlap):
        """Log of :meth:`overlap_density`, which does not underflow.

        Parameters
        ----------
        overlap : array_like, shape (...)

        Returns
        -------
        numpy.ndarray, shape (...)
        """
        mu = np.asarray(overlap, dtype=float)
        _, log_f = self._rest(mu.ravel())
        prior = 0.5 * np.log(self.d / (2 * np.pi)) - self.d * mu**2 / 2
        return prior + logsumexp(log_f, axis=1).reshape(mu.shape) - self._log_z

    @cached_property
    def _log_z(self):
        return self.log_partition()

    def overlap_density(self, overlap):
        """Density of the overlap mu on the whole line (even in mu).

        Parameters
        ----------
        overlap : array_like, shape (...)

        Returns
        -------
        numpy.ndarray, shape (...)
        """
        return np.exp(self.log_overlap_density(overlap))

    def mean_r2(self, overlap):
        """Mean of ``r2 = |w|**2 - mu**2`` given the overlap, shape ``(...)`` as ``overlap``."""
        mu = np.asarray(overlap, dtype=float)
        r2, log_f = self._rest(mu.ravel())
        weight = np.exp(log_f - log_f.max(axis=1, keepdims=True))
        return ((weight * r2).sum(axis=1) / weight.sum(axis=1)).reshape(mu.shape)

    def probability_beyond(self, threshold):
        """Probability that ``|mu|`` exceeds a threshold.

        Parameters
        ----------
        threshold : float
            At least 0.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If ``threshold`` is negative or not finite.
        """
        if not 0 <= threshold < np.inf:
            raise ValueError(f"threshold = {threshold!r}: a finite number >= 0 is needed")
        return self._integral(lambda mu: 1.0, threshold)

    def overlap_moment(self, order):
        """Mean of ``|mu|**order``, for an order of at least 0."""
        if not 0 <= order < np.inf:
            raise ValueError(f"order = {order!r}: a finite number of at least 0 is needed")
        return self._integral(lambda mu: mu**order, 0.0)

    def _integral(self, f, low):
        """Mean of ``f(|mu|)`` over ``|mu| > low``, by Gauss-Legendre panels one sd wide."""
        reach = max(self.reach(largest_rest(self.d)), low + 10 / np.sqrt(self.d))
        panels = int(np.ceil((reach - low) * np.sqrt(self.d)))
        x, w = np.polynomial.legendre.leggauss(12)
        width = (reach - low) / panels
        mu = low + width * (np.arange(panels)[:, None] + (x + 1) / 2)
        return float((self.overlap_density(mu) * f(mu) @ w).sum() * width)

    # ---------------------------------------------------------------- peaks

    def _slope(self, overlap):
        """Derivative of the log density in mu; its tilt part is a mean over r2 at that mu."""
        mu = np.atleast_1d(np.asarray(overlap, dtype=float))
        r2, log_f = self._rest(mu)
        weight = np.exp(log_f - log_f.max(axis=1, keepdims=True))
        mu2 = mu[:, None] ** 2
        part = self.log_weight(mu[:, None], r2) * (1 + 2 * r2) / (1 + 2 * (mu2 + r2))
        mean = (weight * part).sum(axis=1) / weight.sum(axis=1)
        return 2 * self.degree * mean / mu - self.d * mu

    @cached_property
    def _turns(self):
        """Stationary points of the density at mu > 0, as (minima, maxima)."""
        sd = 1 / np.sqrt(self.d)
        mu = np.r_[1e-4 * sd, uniform_grid(self.reach(largest_rest(self.d)), 0.2 * sd)[1:]]
        sign = np.sign(self._slope(mu))
        found = {-1: [], 1: []}
        for i in np.flatnonzero(sign[:-1] * sign[1:] < 0):
            place = brentq(lambda x: self._slope(x)[0], mu[i], mu[i + 1], xtol=1e-12)
            found[int(sign[i])].append(float(place))
        return found[-1], found[1]

    def barrier(self):
        """Overlap of the minimum between the central and the side peak.

        Returns
        -------
        float or None
            None without two such peaks: at a small tilt, and for m = 1, whose single
            peak at 0 turns into two at +-mu rather than gaining companions.
        """
        minima, maxima = self._turns
        return minima[0] if minima and maxima and minima[0] < maxima[-1] else None

    def mode(self):
        """Overlap of the side peak, the outermost maximum at mu > 0.

        Returns
        -------
        float or None
            None when the only maximum is at zero.
        """
        return self._turns[1][-1] if self._turns[1] else None


def tilt_for_alignment(alignment, d, N, degree=3, sigma_a2=1.0):
    """The tilt t at which :meth:`NeuronLaw.mean_alignment` has a given value.

    ``N log Z_t`` is the cumulant generating function of A_f under the prior, thus
    convex; its derivative, the mean alignment, grows with t from 0 without bound.
    The one solution lies between ``alignment / (sigma_a2 sup g**2)`` and
    ``alignment / (sigma_a2 E_0[g**2])``, because ``E_t[g**2]`` grows with t too; it
    is found in log t.

    Parameters
    ----------
    alignment : float
        Mean alignment, positive.
    d, N : int
        Input dimension and width.
    degree : int
        Odd degree m of the target.
    sigma_a2 : float
        Readout variance before it is divided by N.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If ``alignment`` is not positive, or so large that its tilt is outside the
        range of :class:`NeuronLaw`; or if another argument is outside its range.
    """
    if not 0 < alignment < np.inf:
        raise ValueError(f"alignment = {alignment!r}: a positive finite number is needed")
    prior = NeuronLaw(d, N, 0.0, degree, sigma_a2)
    largest = _largest_tilt(N, degree, sigma_a2)

    def excess(log_tilt):
        law = replace(prior, tilt=min(float(np.exp(log_tilt)), largest))
        return np.log(law.mean_alignment() / alignment)

    g2 = alignment_constant(degree) ** 2 / 2.0**degree
    low = np.log(alignment / (sigma_a2 * g2)) - 1e-6
    linear = np.log(alignment / (sigma_a2 * hermite_eigenvalue(degree, d))) + 1e-6
    top = min(linear, np.log(largest))
    high = low
    while high < top:  # small steps: a far too large tilt costs a large grid
        high = min(high + 1.0, top)
        if excess(high) >= 0:
            return float(np.exp(brentq(excess, low, high, xtol=1e-13, rtol=1e-14)))
        low = high
    raise ValueError(
        f"alignment = {alignment!r}: it needs a tilt above {largest:.3g}, the largest resolved"
    )


def _largest_tilt(N, degree, sigma_a2):
    g2 = alignment_constant(degree) ** 2 / 2.0**degree
    return float(np.sqrt(2 * N * LARGEST_EXPONENT / (sigma_a2 * g2)))
