r"""The bound on the posterior's alignment (paper eqs. 4, 5), and where it loses.

With L the squared error on the training set, and Z the mean of ``exp(-L / 2 kappa)`` over the
prior (the evidence),

.. math:: \log\Pr_\pi[A_f\ge\alpha]=\log\Pr_{p_0}[A_f\ge\alpha]
          +\log\mathbb E_{p_0}\big[e^{-L/2\kappa}\,\big|\,A_f\ge\alpha\big]-\log Z .

The second term is at most zero, and ``-log Z <= P k / 2 kappa`` by Jensen's inequality. The bound
drops the one and takes the other at its worst.
"""

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import gammaln

from .kernels import erf_kernel
from .large_deviations import log_tail_probability
from .weight_quadrature import NEGLIGIBLE


def mean_squared_error(x, y, sigma_a2=1.0):
    r"""The number k of eq. (4): mean squared error of a random network on a training set.

    .. math:: k=\frac1P\sum_\nu\Big[y_\nu^2+\frac{2\sigma_a^2}\pi
              \arcsin\frac{2q_\nu}{1+2q_\nu}\Big],\qquad q_\nu=|x_\nu|^2/d ,

    because outputs have mean zero and the variance of the erf kernel's diagonal, at any width.

    Parameters
    ----------
    x : array_like, shape (P, d)
    y : array_like, shape (P,)
    sigma_a2 : float
        Readout variance before it is divided by N.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the shapes do not fit or ``sigma_a2`` is not positive.
    """
    x, y = _data(x, y)
    _positive(sigma_a2=sigma_a2)
    return float((y**2).mean() + sigma_a2 * _output_variance((x**2).mean(1)).mean())


def expected_mean_squared_error(d, sigma_a2=1.0):
    """Mean of k over training sets of the normalised target, ``1 + sigma_a2 E_x[f**2]``.

    Parameters
    ----------
    d : int
        Input dimension, at least 1; infinity for the limit.
    sigma_a2 : float

    Returns
    -------
    float

    Examples
    --------
    >>> round(expected_mean_squared_error(20), 4), round(expected_mean_squared_error(np.inf), 4)
    (1.4545, 1.4646)
    """
    _positive(sigma_a2=sigma_a2)
    if d == np.inf:
        return float(1 + sigma_a2 * _output_variance(1.0))
    if isinstance(d, bool) or int(d) != d or d < 1:
        raise ValueError(f"d = {d!r}: an integer of at least 1, or infinity, is needed")
    shape = d / 2  # q ~ Gamma(d/2, scale 2/d), by the trapezoidal rule in log q
    step = min(0.25, 0.3 / np.sqrt(shape))
    u = np.arange(-NEGLIGIBLE / shape - 1, 2 + np.sqrt(2 * NEGLIGIBLE / shape), step)
    weight = np.exp(shape * (u + np.log(shape) - np.exp(u)) - gammaln(shape)) * step
    return float(1 + sigma_a2 * weight @ _output_variance(np.exp(u)))


def log_evidence(x, y, kappa, sigma_a2=1.0):
    """Log Z of an infinitely wide network: the exact value of what Jensen's inequality bounds.

    Parameters
    ----------
    x : array_like, shape (P, d)
    y : array_like, shape (P,)
    kappa : float
        Ridge.
    sigma_a2 : float

    Returns
    -------
    float
        ``-y^T C^-1 y / 2 - log det(C / kappa) / 2`` with ``C = kappa I + sigma_a2 K``, nats. Not
        positive.

    Raises
    ------
    ValueError
        If the shapes do not fit, or ``kappa`` or ``sigma_a2`` is not positive.
    """
    x, y = _data(x, y)
    _positive(kappa=kappa, sigma_a2=sigma_a2)
    C = kappa * np.eye(len(y)) + sigma_a2 * erf_kernel(x)
    factor = cho_factor(C, lower=True)
    half_log_det = np.log(np.diag(factor[0])).sum() - len(y) / 2 * np.log(kappa)
    return float(-0.5 * y @ cho_solve(factor, y) - half_log_det)


def log_posterior_bound(alpha, d, N, P, kappa, k=None, degree=3, sigma_a2=1.0):
    """Right-hand side of eq. (4), with the exact tail of the prior.

    Parameters
    ----------
    alpha : float
        Alignment, positive.
    d, N : int
        Input dimension and width.
    P : int
        Training size, at least 0.
    kappa : float
        Ridge.
    k : float, optional
        Mean squared error of a random network; its mean over training sets by default.
    degree, sigma_a2
        As in :func:`~featlearn.theory.large_deviations.log_tail_probability`.

    Returns
    -------
    float
        Nats; no statement where it is positive.

    Raises
    ------
    ValueError
        If an argument is outside its range.
    """
    _positive(kappa=kappa)
    if int(P) != P or P < 0:
        raise ValueError(f"P = {P!r}: an integer of at least 0 is needed")
    k = expected_mean_squared_error(d, sigma_a2) if k is None else k
    _positive(k=k)
    return P * k / (2 * kappa) + log_tail_probability(alpha, d, N, degree, sigma_a2)


def least_training_size(alpha, d, N, kappa, k=None, degree=3, sigma_a2=1.0):
    """P_* of eq. (5): below it the bound says that an alignment of alpha is unlikely.

    Arguments and errors as in :func:`log_posterior_bound`.

    Returns
    -------
    float

    Examples
    --------
    >>> round(least_training_size(1.0, 20, 20, kappa=0.1), 2)
    20.93
    """
    _positive(kappa=kappa)
    k = expected_mean_squared_error(d, sigma_a2) if k is None else k
    _positive(k=k)
    return -2 * kappa / k * log_tail_probability(alpha, d, N, degree, sigma_a2)


def _output_variance(q):
    return 2 / np.pi * np.arcsin(2 * q / (1 + 2 * q))


def _data(x, y):
    x, y = np.asarray(x, float), np.asarray(y, float)
    if x.ndim != 2 or len(x) == 0 or y.shape != x.shape[:1]:
        raise ValueError(f"x has shape {x.shape}, y {y.shape}: (P, d) and (P,) with P > 0 needed")
    return x, y


def _positive(**values):
    for name, value in values.items():
        if not 0 < value < np.inf:
            raise ValueError(f"{name} = {value!r}: a positive finite number is needed")
