"""Expectations over one or two Gaussian variables by Gauss-Hermite quadrature."""

from functools import lru_cache

import numpy as np
from scipy.special import roots_hermitenorm


def gauss_hermite(order):
    """Nodes and weights of Gauss-Hermite quadrature for N(0, 1).

    Exact for polynomials up to degree ``2 * order - 1``.

    Parameters
    ----------
    order : int
        Number of nodes, at least 1.

    Returns
    -------
    nodes, weights : numpy.ndarray, shape (order,)
        Read-only. The weights sum to one.

    Raises
    ------
    ValueError
        If ``order`` is not an integer of at least 1.

    Examples
    --------
    >>> nodes, weights = gauss_hermite(3)
    >>> print(nodes.round(4), weights.round(4))
    [-1.7321  0.      1.7321] [0.1667 0.6667 0.1667]
    """
    if isinstance(order, bool) or int(order) != order or order < 1:
        raise ValueError(f"order = {order!r}: an integer of at least 1 is needed")
    return _rule(int(order))


@lru_cache(maxsize=32)
def _rule(order):
    nodes, weights = roots_hermitenorm(order)
    weights = weights / weights.sum()
    nodes.flags.writeable = weights.flags.writeable = False
    return nodes, weights


def expectation(f, order=100):
    """Mean of ``f(x)`` over ``x ~ N(0, 1)``.

    Parameters
    ----------
    f : callable
        Takes an array of shape ``(order,)`` and returns one of shape
        ``(..., order)``.
    order : int
        Number of nodes.

    Returns
    -------
    float or numpy.ndarray, shape (...)

    Raises
    ------
    ValueError
        If ``order`` is not an integer of at least 1.

    Examples
    --------
    >>> round(float(expectation(lambda x: x**4)), 10)
    3.0
    """
    nodes, weights = gauss_hermite(order)
    values = np.asarray(f(nodes))
    return (values * weights).sum(axis=-1)


def bivariate_expectation(f, cov, order=100):
    """Mean of ``f(u, z)`` over a centred Gaussian pair.

    A product rule in independent variables: ``z`` is one of them, and ``u`` is
    its regression on ``z`` plus a remainder. For an error function of ``u`` the
    error falls as ``(2q / (1 + 2q))**order`` with ``q`` the variance of ``u``.

    Parameters
    ----------
    f : callable
        Takes arrays ``u``, ``z`` of one shape and returns an array of that shape.
    cov : array_like, shape (2, 2)
        Covariance of ``(u, z)``: symmetric, positive semidefinite.
    order : int
        Number of nodes in each direction.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If ``cov`` is not a covariance, or ``order`` not an integer of at least 1.

    Examples
    --------
    >>> round(bivariate_expectation(lambda u, z: u * z, [[2.0, 0.3], [0.3, 1.0]]), 10)
    0.3
    """
    (uu, uz), (zz,) = _covariance(cov)
    nodes, weights = gauss_hermite(order)
    slope = uz / zz**0.5 if zz > 0 else 0.0
    rest = max(uu - slope**2, 0.0) ** 0.5
    z = np.broadcast_to(nodes, (len(nodes), len(nodes)))
    values = f(slope * z + rest * z.T, zz**0.5 * z)
    return float(weights @ np.broadcast_to(values, z.shape) @ weights)


def _covariance(cov):
    c = np.asarray(cov, dtype=float)
    if c.shape != (2, 2) or not np.isfinite(c).all() or c[0, 1] != c[1, 0]:
        raise ValueError(f"cov = {cov!r}: a symmetric finite (2, 2) matrix is needed")
    slack = 1e-12 * c[0, 0] * c[1, 1]
    if c[0, 0] < 0 or c[1, 1] < 0 or c[0, 1] ** 2 > c[0, 0] * c[1, 1] + slack:
        raise ValueError(f"cov = {cov!r}: a positive semidefinite matrix is needed")
    return c[0], c[1, 1:]
