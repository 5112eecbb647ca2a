r"""How likely a random network is to be aligned: density and tail of A_f, exactly.

Given the hidden weights, the alignment of a prior network is Gaussian with variance
``V = (sigma_a2 / N) sum_j g_j**2``. So its tail is a mean over V alone,

.. math:: \Pr[A_f\ge\alpha]=\mathbb E_V\Big[\tfrac12\,\mathrm{erfc}\frac{\alpha}{\sqrt{2V}}\Big],
          \qquad \mathbb E\,e^{uV/2}=Z_{\sqrt u}^{\,N},

with the partition function of one tilted neuron
(:class:`~featlearn.theory.neuron_law.NeuronLaw`). The complementary error function is the
inverse Laplace transform of ``exp(-alpha sqrt(u)) / u`` at V/2, hence

.. math:: \Pr[A_f\ge\alpha]=\frac1{2\pi i}\int_{t^2-i\infty}^{t^2+i\infty}
          Z_{\sqrt u}^{\,N}\,\frac{e^{-\alpha\sqrt u}}{2u}\,du .

The line passes through the saddle point of the tilt t, where everything that may be as
small as ``exp(-30000)`` is a factor in front. The variable u = s**2 is better than s itself:
the factor ``exp(-alpha sqrt(u))`` falls along the line, so one neuron is as easy as many.
In shallow tails the path bends to the left far out, where it no longer oscillates.
Probabilities above a few per mille come from the characteristic function on the real axis.

Where no tilt singles the alignment out, between two numbers of condensed neurons or where one
neuron at a small overlap carries it, the saddle point is of no use. There the law of V is
convolved directly (:mod:`~featlearn.theory.variance_law`).
"""

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.integrate import quad, quad_vec
from scipy.special import log_ndtr, logsumexp

from .alignment import alignment_constant
from .neuron_law import NeuronLaw, tilt_for_alignment
from .variance_law import log_mean

PRECISION = 1e-9  # aimed at, relative
ACCEPTED = 1e-6  # largest relative error
SHALLOW = 6.0  # nats: above it, integrals on the real axis lose digits
DEEP = 20.0  # of alpha * tilt: the straight line is quick
PANELS = 60  # each twice as long as the last
STRAIGHT = 64.0  # standard deviations of A_f after which the path bends
LEFTWARDS = np.exp(2j * np.pi / 3)
UNSEEN = 1e-18  # share of a panel
NODES, WEIGHTS = (leggauss(10)[0] + 1) / 2, leggauss(10)[1] / 2  # on the unit interval


def log_tail_probability(alpha, d, N, degree=3, sigma_a2=1.0):
    r"""Log of the prior probability that the alignment is at least alpha: minus E(alpha).

    Parameters
    ----------
    alpha : float
        Alignment, positive.
    d, N : int
        Input dimension, at least 2, and width, at least 1.
    degree : int
        Odd degree m of the target.
    sigma_a2 : float
        Readout variance before it is divided by N.

    Returns
    -------
    float
        Nats. Its absolute error is below 1e-6 where a tilt singles the alignment out, and
        below 1e-3 elsewhere, or a millionth of the result where that is larger.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Examples
    --------
    >>> round(log_tail_probability(1.0, 20, 20), 2)
    -152.2
    """
    tilt, depth = _saddle(alpha, d, N, degree, sigma_a2)

    def log_given(V):
        return log_ndtr(-alpha / np.sqrt(V))

    if N == 1:
        return _one_neuron(tilt, d, degree, sigma_a2, log_given)
    if depth < SHALLOW:
        neuron = _Neuron(0.0, d, N, degree, sigma_a2)
        return float(np.log(0.5 - _fourier(alpha, neuron, "sin") / np.pi))
    found = _log_integral(alpha, tilt, d, N, degree, sigma_a2, lambda u: 2 * u)
    return log_mean(log_given, tilt, d, N, degree, sigma_a2)[0] if found is None else found


def log_alignment_density(alpha, d, N, degree=3, sigma_a2=1.0):
    r"""Log of the prior density of the alignment, ``-E(alpha)`` of the paper's sec. 4.1.

    Arguments, units and errors as for :func:`log_tail_probability`, of which it is minus
    the derivative: the integrand has ``2 sqrt(u)`` in the place of ``2 u``.

    Examples
    --------
    >>> round(log_alignment_density(1.0, 20, 20), 2)
    -147.18
    """
    tilt, depth = _saddle(alpha, d, N, degree, sigma_a2)

    def log_given(V):
        return _log_normal(alpha, V)

    if N == 1:
        return _one_neuron(tilt, d, degree, sigma_a2, log_given)
    if depth < SHALLOW:
        neuron = _Neuron(0.0, d, N, degree, sigma_a2)
        return float(np.log(_fourier(alpha, neuron, "cos") / np.pi))
    found = _log_integral(alpha, tilt, d, N, degree, sigma_a2, lambda u: 2 * np.sqrt(u))
    return log_mean(log_given, tilt, d, N, degree, sigma_a2)[0] if found is None else found


def saddle_point_log_density(alpha, d, N, degree=3, sigma_a2=1.0):
    """The density to leading order and with the Gaussian prefactor, without the integral.

    Returns
    -------
    float
        ``N log Z_t - t alpha - log(2 pi K'') / 2`` at the saddle point, nats.
    """
    tilt = tilt_for_alignment(alpha, d, N, degree, sigma_a2)
    neuron = _Neuron(tilt, d, N, degree, sigma_a2)
    return float(
        N * neuron.log_z - tilt * alpha - 0.5 * np.log(2 * np.pi * neuron.network_variance())
    )


def saddle_point_log_tail(alpha, d, N, degree=3, sigma_a2=1.0):
    """The tail to leading order: the density divided by the tilt."""
    density = saddle_point_log_density(alpha, d, N, degree, sigma_a2)
    return density - float(np.log(tilt_for_alignment(alpha, d, N, degree, sigma_a2)))


def _log_integral(alpha, tilt, d, N, degree, sigma_a2, divisor):
    """Log of the inversion integral with ``exp(-alpha sqrt(u)) / divisor(u)``.

    None where the integral is small against its integrand at the saddle point.
    """
    neuron = _Neuron(tilt, d, N, degree, sigma_a2)
    end = 2 * tilt / np.sqrt(neuron.network_variance())  # one standard deviation of A_f
    bend = STRAIGHT * end if alpha * tilt < DEEP else np.inf

    def path(y):
        """The contour, relative to tilt**2, and its direction."""
        if y <= bend:
            return 1j * y, 1j
        return 1j * bend + (y - bend) * LEFTWARDS, LEFTWARDS

    def integrand(y):
        step, direction = path(y)
        u = tilt**2 + step
        decay = np.exp(-alpha * (np.sqrt(u) - tilt)) / divisor(u)
        return (neuron.turned(step) ** N * decay * direction).imag

    total = error = start = 0.0
    for _ in range(PANELS):
        neuron.resolve(path(end)[0])
        part, uncertainty = quad_vec(
            integrand, start, end, epsabs=PRECISION * abs(total), epsrel=PRECISION, limit=500
        )
        total, error = total + part, error + uncertainty
        if abs(part) < PRECISION * abs(total) and abs(integrand(end)) * end < abs(total) * 1e-7:
            break
        start, end = end, 2 * end
    else:
        error = np.inf
    if not error < ACCEPTED * total:
        return None
    return float(N * neuron.log_z - tilt * alpha + np.log(total / np.pi))


def _saddle(alpha, d, N, degree, sigma_a2):
    """The tilt, and minus the log probability to leading order."""
    if not 0 < alpha < np.inf:
        raise ValueError(f"alpha = {alpha!r}: a positive finite number is needed")
    tilt = tilt_for_alignment(alpha, d, N, degree, sigma_a2)
    return tilt, tilt * alpha - N * NeuronLaw(d, N, tilt, degree, sigma_a2).log_partition()


def _one_neuron(tilt, d, degree, sigma_a2, log_given):
    """Log mean, over the variance V of one neuron's alignment, of a function of V."""
    # All panels count: what the tilt leaves out may matter here.
    neuron = _Neuron(tilt, d, 1, degree, sigma_a2, unseen=0.0)
    log_w, V = neuron.log_prior_and_variance()
    return float(logsumexp(log_w + log_given(V)))


def _log_normal(alpha, V):
    return -(alpha**2) / (2 * V) - 0.5 * np.log(2 * np.pi * V)


def _fourier(alpha, neuron, kind):
    """Integral over omega of ``phi sin(omega alpha) / omega``, or of ``phi cos(omega alpha)``.

    ``phi`` is the characteristic function of A_f, real and falling. The logarithm of
    omega resolves it up to half a period; beyond, QUADPACK sums over periods.
    """
    wave, power = (np.sin, 0) if kind == "sin" else (np.cos, 1)
    half = np.pi / alpha

    def inner(x):
        omega = half * np.exp(x)
        return neuron.characteristic(omega) * wave(omega * alpha) * omega**power

    near, _ = quad_vec(inner, -60, 0, epsabs=0, epsrel=PRECISION, limit=500)
    far, _ = quad(
        lambda omega: neuron.characteristic(omega) * omega ** (power - 1),
        half,
        np.inf,
        weight=kind,
        wvar=alpha,
        epsabs=PRECISION * abs(near),
        limlst=500,
    )
    return near + far


class _Neuron:
    """One neuron under the tilt: Gauss-Legendre panels, short enough for its phases."""

    def __init__(self, tilt, d, N, degree, sigma_a2, unseen=UNSEEN):
        self._law = NeuronLaw(d, N, tilt, degree, sigma_a2)
        self.log_z = self._law.log_partition()
        self._N, self._rate = N, sigma_a2 * alignment_constant(degree) ** 2 / (2 * N)
        # A standard deviation of v is at least this; below it, panels shrink towards zero.
        unit = 1 / np.sqrt(d * (3 + 2 * int(degree)))
        central = unit * np.exp(-np.arange(40.0, 0.0, -0.5))
        self._edges = np.r_[0.0, central, np.arange(unit, self._law.reach() + unit, unit)]
        self._place()
        seen = self._weights.reshape(-1, len(NODES)).sum(axis=1) > unseen
        self._edges = np.c_[self._edges[:-1], self._edges[1:]][seen].T
        self._place()

    def _place(self):
        """Nodes, their tilted weights, and their exponents per unit of u."""
        low, high = (self._edges[:-1], self._edges[1:]) if self._edges.ndim == 1 else self._edges
        v = low[:, None] + (high - low)[:, None] * NODES
        log_p, g2 = self._law.combined(v.ravel())
        self._exponent = self._rate * g2
        log_w = log_p + self._law.tilt**2 * self._exponent
        self._log_p = log_p + np.log((high - low)[:, None] * WEIGHTS).ravel()
        weights = np.exp(log_w - log_w.max()) * ((high - low)[:, None] * WEIGHTS).ravel()
        self._weights = weights / weights.sum()

    def resolve(self, step):
        """Cut panels in which ``step * exponent`` turns by more than three radians.

        Where its real part has made the integrand negligible, nothing needs resolving.
        """
        exponent = self._exponent.reshape(-1, len(NODES))
        turns = step.imag * np.ptp(exponent, axis=1) / 3
        turns[step.real * exponent.min(axis=1) < np.log(UNSEEN)] = 0
        if turns.max() > 1:
            parts = np.maximum(1, np.ceil(turns)).astype(int)
            low, high = self._edges
            width = np.repeat((high - low) / parts, parts)
            first = np.repeat(np.cumsum(parts) - parts, parts)
            low = np.repeat(low, parts) + width * (np.arange(parts.sum()) - first)
            self._edges = np.array([low, low + width])
            self._place()

    def turned(self, step):
        """``Z(u) / Z_t`` at u = t**2 + step."""
        return np.exp(step * self._exponent) @ self._weights

    def log_prior_and_variance(self):
        """Log prior weights, and the variance V that one neuron gives the alignment."""
        return self._log_p - logsumexp(self._log_p), 2 * self._exponent

    def characteristic(self, omega):
        """Characteristic function of the network's alignment (without a tilt)."""
        return (np.exp(-(omega**2) * self._exponent) @ self._weights) ** self._N

    def network_variance(self):
        """Variance of the alignment under the tilt: the second derivative of N log Z_t."""
        mean = self._weights @ self._exponent
        spread = self._weights @ self._exponent**2 - mean**2
        return self._N * (2 * mean + 4 * self._law.tilt**2 * spread)
