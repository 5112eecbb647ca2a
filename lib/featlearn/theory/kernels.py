"""The output kernel of a wide erf layer (paper eq. 9), and its size along a Hermite target."""

from math import factorial

import numpy as np

from .alignment import alignment_constant


def erf_kernel(X, X2=None, weight_covariance=None):
    r"""Kernel of an infinitely wide erf layer (Williams 1997; paper eq. 9 with unit readout).

    .. math::

       K(x, x') = \mathbb E_{w\sim\mathcal N(0,\Sigma)}
       [\mathrm{erf}(w\cdot x)\,\mathrm{erf}(w\cdot x')]
       = \frac2\pi\arcsin\frac{2x^T\Sigma x'}
         {\sqrt{(1+2x^T\Sigma x)(1+2x'^T\Sigma x')}} .

    Parameters
    ----------
    X : array_like, shape (P, d)
        Inputs, one a row.
    X2 : array_like, shape (P2, d), optional
        Second inputs; ``X`` by default.
    weight_covariance : array_like, shape (d, d), optional
        Covariance Sigma of the weights; ``I_d / d``, the prior, by default.

    Returns
    -------
    numpy.ndarray, shape (P, P2)

    Raises
    ------
    ValueError
        If a shape does not fit, or ``weight_covariance`` is not symmetric and
        positive semidefinite.

    Examples
    --------
    >>> erf_kernel([[1.0, 0.0], [0.0, 1.0]]).round(6).tolist()
    [[0.333333, 0.0], [0.0, 0.333333]]
    """
    X = _inputs("X", X)
    d = X.shape[1]
    X2 = X if X2 is None else _inputs("X2", X2)
    if X2.shape[1] != d:
        raise ValueError(f"X2 has shape {X2.shape}: rows of length d = {d} are needed")
    if weight_covariance is None:
        left, right = X / d, X2 / d
    else:
        sigma = _weight_covariance(weight_covariance, d)
        left, right = X @ sigma, X2 @ sigma
    norm, norm2 = (1 + 2 * np.sum(a * b, axis=1) for a, b in ((left, X), (right, X2)))
    return 2 / np.pi * np.arcsin(2 * left @ X2.T / np.sqrt(norm[:, None] * norm2))


def hermite_eigenvalue(degree, d, amplification=1.0):
    r"""The kernel's quadratic form along a Hermite target, ``<y, K, y>``, exactly.

    For the target of unit norm ``y = He_m(w_*.x) / sqrt(m!)``, inputs
    ``x ~ N(0, I_d)`` and weights of covariance
    ``(I + (D - 1) w_* w_*^T) / d``, with ``D`` the amplification along the target,

    .. math::

       \langle y, K, y\rangle = \mathbb E_w[g(\mu, q)^2]
       = c_m^2\,(2m-1)!!\,\frac{v^m}{\Gamma(m)}\int_0^\infty
         \frac{\tau^{m-1}e^{-\tau}\,d\tau}{(1+4v\tau)^{m+1/2}\,(1+4\tau/d)^{(d-1)/2}},
       \qquad v = D/d .

    It follows from ``A**-m = int tau**(m-1) exp(-A tau) dtau / Gamma(m)`` at
    ``A = 1 + 2q`` and the Gaussian means over the weights. The target is an
    eigenfunction only to leading order in 1/d, hence "quadratic form". With the
    readout variance the output kernel has ``sigma_a2`` times this value.

    Parameters
    ----------
    degree : int
        Odd degree m of the target.
    d : int
        Input dimension, at least 1.
    amplification : float
        D of claim (ii), positive: the variance along w_* is D/d.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Examples
    --------
    >>> round(hermite_eigenvalue(3, 1000) * 1000**3, 5)
    0.46844
    """
    constant = alignment_constant(degree)
    _check(d, amplification)
    m, v = int(degree), amplification / d
    # Trapezoidal rule in log(tau): converges geometrically in 1 / spacing.
    low = -np.log1p(4 * v) - 40 / m
    y = np.arange(low, np.log(800), 0.05)
    tau = np.exp(y)
    log_f = m * y - tau - (m + 0.5) * np.log1p(4 * v * tau)
    log_f -= (d - 1) / 2 * np.log1p(4 * tau / d)
    integral = 0.05 * np.exp(log_f).sum()
    return float(constant**2 * _odd_moment(m) * v**m * integral / factorial(m - 1))


def asymptotic_hermite_eigenvalue(degree, d, amplification=1.0):
    r"""Leading behaviour of :func:`hermite_eigenvalue` for ``D << d``.

    .. math:: \langle y,K,y\rangle\to c_m^2\,(2m-1)!!\left(\frac{D}{3d}\right)^m
       = \frac{4\,(2m-1)!!\,[(m-1)!]^2}{\pi\,m!\,[(\frac{m-1}2)!]^2}
         \left(\frac{D}{3d}\right)^m ,

    because ``q -> 1``. The next factor is
    ``1 + [2m/3 + 4m(m+1)/9 - (4m**2 + 2m) D/3] / d``.

    Parameters
    ----------
    degree : int
        Odd degree m of the target.
    d : int
        Input dimension, at least 1.
    amplification : float
        D, positive.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Examples
    --------
    >>> round(asymptotic_hermite_eigenvalue(3, 1), 6)
    0.471570
    """
    constant = alignment_constant(degree)
    _check(d, amplification)
    m = int(degree)
    return float(constant**2 * _odd_moment(m) * (amplification / (3 * d)) ** m)


def _odd_moment(m):
    """(2m - 1)!!, the moment of order 2m of N(0, 1)."""
    return factorial(2 * m) // (2**m * factorial(m))


def _check(d, amplification):
    if isinstance(d, bool) or int(d) != d or d < 1:
        raise ValueError(f"d = {d!r}: an integer of at least 1 is needed")
    if not 0 < amplification < np.inf:
        raise ValueError(f"amplification = {amplification!r}: it must be positive and finite")


def _inputs(name, X):
    X = np.asarray(X, dtype=float)
    if X.ndim != 2 or X.shape[1] == 0:
        raise ValueError(f"{name} has shape {X.shape}: inputs of shape (P, d) are needed")
    return X


def _weight_covariance(sigma, d):
    sigma = np.asarray(sigma, dtype=float)
    if sigma.shape != (d, d):
        raise ValueError(f"weight_covariance has shape {sigma.shape}: ({d}, {d}) is needed")
    if not np.allclose(sigma, sigma.T, rtol=1e-12, atol=0):
        raise ValueError("weight_covariance is not symmetric: a covariance is needed")
    least = np.linalg.eigvalsh(sigma)[0]
    if not least >= -1e-12 * np.abs(sigma).max():
        raise ValueError(f"weight_covariance has the eigenvalue {least:.3g}: at least 0 is needed")
    return sigma
