r"""How likely a random network is to have a given alignment: the density of A_f, exactly.

The alignment of a prior network is a sum over independent neurons, with the cumulant
generating function ``N log Z_t`` of :class:`~featlearn.theory.neuron_law.NeuronLaw`. Its
density is the inverse Laplace transform of that function. On the vertical line through the
saddle point, where ``N d log Z_t / dt = alpha``, the integrand is a characteristic function:
that of the *tilted* network's alignment, which is of order one where the density itself may
be ``exp(-30000)``.
"""

import numpy as np

from .alignment import alignment_constant
from .neuron_law import NeuronLaw, tilt_for_alignment

WINDOW = 60.0  # tilted standard deviations between copies of the density (aliasing)
NEGLIGIBLE = 1e-9  # of the integrand, beside its start
MOST_POINTS = 200_000


def log_alignment_density(alpha, d, N, degree=3, sigma_a2=1.0):
    r"""Log of the prior density of the alignment, ``-E(alpha)`` of the paper's sec. 4.1.

    .. math:: p(\alpha) = \frac{e^{N\log Z_t - t\alpha}}{\pi}\int_0^\infty \mathrm{Re}
              \Big[\Big(\frac{Z_{t+i\omega}}{Z_t}\Big)^{N}e^{-i\omega\alpha}\Big]d\omega ,

    at the saddle point t, by the trapezoidal rule, which converges faster than any power.

    Parameters
    ----------
    alpha : float
        Alignment, positive.
    d, N : int
        Input dimension and width.
    degree : int
        Odd degree m of the target.
    sigma_a2 : float
        Readout variance before it is divided by N.

    Returns
    -------
    float
        Nats.

    Raises
    ------
    ValueError
        If an argument is outside its range, or so few neurons are given that the density
        is too peaked for the rule (the characteristic function falls as omega^(-N/m)).

    Examples
    --------
    >>> round(log_alignment_density(1.0, 20, 20), 2)
    -147.18
    """
    tilt = tilt_for_alignment(alpha, d, N, degree, sigma_a2)
    law = NeuronLaw(d, N, tilt, degree, sigma_a2)
    log_p, g2 = law.grid
    rate = sigma_a2 * alignment_constant(degree) ** 2 / (2 * N)  # exponent = rate t^2 g2
    log_z = law.log_partition()
    weights = np.exp(log_p + rate * tilt**2 * g2 - log_z)
    seen = weights > 1e-18 * weights.max()
    weights, exponent = weights[seen], rate * g2[seen]
    mean = weights @ exponent
    variance = N * (2 * mean + 4 * tilt**2 * (weights @ exponent**2 - mean**2))
    spacing = 2 * np.pi / (WINDOW * np.sqrt(variance))
    total, first = 0.5, 1
    while first < MOST_POINTS:
        omega = spacing * np.arange(first, first + 512)
        # (t + i omega)^2 - t^2; the real part damps, the imaginary part turns.
        shift = 2j * tilt * omega - omega**2
        integrand = (np.exp(np.outer(shift, exponent)) @ weights) ** N
        total += (integrand * np.exp(-1j * omega * alpha)).real.sum()
        if abs(integrand[-1]) < NEGLIGIBLE:
            return float(N * log_z - tilt * alpha + np.log(total * spacing / np.pi))
        first += 512
    raise ValueError(f"N = {N!r}: more neurons are needed for a smooth density")


def saddle_point_log_density(alpha, d, N, degree=3, sigma_a2=1.0):
    """The same to leading order and with the Gaussian prefactor, without the integral.

    Returns
    -------
    float
        ``N log Z_t - t alpha - log(2 pi K'') / 2`` at the saddle point, nats.
    """
    tilt = tilt_for_alignment(alpha, d, N, degree, sigma_a2)
    law = NeuronLaw(d, N, tilt, degree, sigma_a2)
    log_p, g2 = law.grid
    rate = sigma_a2 * alignment_constant(degree) ** 2 / (2 * N)
    weights = np.exp(log_p + rate * tilt**2 * g2 - law.log_partition())
    mean = rate * (weights @ g2)
    variance = N * (2 * mean + 4 * tilt**2 * (rate**2 * (weights @ g2**2) - mean**2))
    return float(N * law.log_partition() - tilt * alpha - 0.5 * np.log(2 * np.pi * variance))
