r"""Lazy layers on top of each other: their kernels, and what is left of a Hermite target.

With Gaussian pre-activations of kernel K, an erf layer has the kernel

.. math:: K'(x,x') = \frac2\pi\arcsin\frac{2K(x,x')}{\sqrt{(1+2K(x,x))(1+2K(x',x'))}},

and K_0 = x.x'/d starts the chain (paper eq. 9, all layers GP). These kernels depend on
``|x|``, ``|x'|`` and the angle alone, so a quadratic form with a target ``He_k(w_*.x)`` is

1. a sum over spherical harmonics of degree j <= k, by the formula of Funk and Hecke, and
2. a mean over the two radii, which are chi-distributed.

All integrals are Gauss rules for their own weight, so a few dozen points are exact to
rounding.
"""

from functools import lru_cache

import numpy as np
from scipy.linalg import eigh_tridiagonal

from .hermite import normalised_hermite

ANGLES, RADII = 64, 24  # points of the rules; doubling them changes no digit that is shown


def lazy_layer(K, diagonal, diagonal2):
    """Kernel after one erf layer with Gaussian pre-activations.

    Parameters
    ----------
    K : array_like, shape (...)
        Pre-activation kernel at pairs (x, x').
    diagonal, diagonal2 : array_like, broadcastable to ``(...)``
        The same kernel at (x, x) and at (x', x').

    Returns
    -------
    numpy.ndarray, shape (...)

    Examples
    --------
    >>> round(float(lazy_layer(1.0, 1.0, 1.0)), 6)
    0.464559
    """
    norm = np.sqrt((1 + 2 * np.asarray(diagonal)) * (1 + 2 * np.asarray(diagonal2)))
    return 2 / np.pi * np.arcsin(2 * np.asarray(K) / norm)


def lazy_kernel(layers, product, norm2, norm2_other, weight_variance=1.0):
    """Kernel after several erf layers, from inner products per dimension.

    Parameters
    ----------
    layers : int
        Number of erf layers, at least 0; 0 gives K_0 itself.
    product, norm2, norm2_other : array_like, of shapes that broadcast
        ``x.x'/d``, ``x.x/d`` and ``x'.x'/d``.
    weight_variance : float
        Factor between a layer's kernel and the next pre-activation's, positive.

    Returns
    -------
    numpy.ndarray
    """
    _check(layers, 1, 2, 1)
    if not 0 < weight_variance < np.inf:
        raise ValueError(f"weight_variance = {weight_variance!r}: a positive number is needed")
    K, here, there = (np.asarray(value, float) for value in (product, norm2, norm2_other))
    for layer in range(layers):
        scale = weight_variance if layer else 1.0
        K, here, there = (
            lazy_layer(scale * K, scale * here, scale * there),
            lazy_layer(scale * here, scale * here, scale * here),
            lazy_layer(scale * there, scale * there, scale * there),
        )
    return K


def lazy_hermite_eigenvalue(degree, d, layers, weight_variance=1.0):
    r"""Quadratic form ``<y, K_l, y>`` of a Hermite target after lazy layers, exactly.

    For ``y = He_k(w_*.x)/sqrt(k!)`` and ``x ~ N(0, I_d)``. It is the *strength* of degree k
    in the kernel: claim (iii) of the paper says that it scales as ``d**-k`` at every depth.

    Parameters
    ----------
    degree : int
        Degree k of the target, odd and positive (an even one gives 0).
    d : int
        Input dimension, at least 3.
    layers : int
        Number of erf layers l, at least 0.
    weight_variance : float
        As in :func:`lazy_kernel`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Examples
    --------
    One layer is :func:`featlearn.theory.kernels.hermite_eigenvalue`:

    >>> round(lazy_hermite_eigenvalue(3, 1000, 1) * 1000**3, 5)
    0.46844
    """
    _check(layers, degree, d, 3)
    t, angle_weight = _angle_rule(d, ANGLES)
    norm2, radius_weight = _radius_rule(d, RADII)  # |x|^2 / d
    polynomials = _zonal_polynomials(degree, d, t)
    here, there = norm2[:, None, None], norm2[None, :, None]
    K = lazy_kernel(layers, np.sqrt(here * there) * t, here, there, weight_variance)
    # Target on the sphere of each radius, as a sum of zonal polynomials.
    target = normalised_hermite(degree, np.sqrt(norm2 * d)[:, None] * t)
    total = 0.0
    for j in range(degree % 2, degree + 1, 2):
        weighted = angle_weight * polynomials[j]
        of_target = target @ weighted  # (radii,)
        of_kernel = K @ weighted  # (radii, radii): the Funk-Hecke eigenvalue
        norm = angle_weight @ polynomials[j] ** 2
        total += (radius_weight * of_target) @ of_kernel @ (radius_weight * of_target) / norm
    return float(total)


def _zonal_polynomials(degree, d, t):
    """Gegenbauer polynomials of S^(d-1), one at t = 1, degrees 0 to ``degree``."""
    found = [np.ones_like(t), t]
    for j in range(1, degree):
        found.append(((2 * j + d - 2) * t * found[j] - j * found[j - 1]) / (j + d - 2))
    return found


@lru_cache(maxsize=64)
def _angle_rule(d, points):
    """Gauss rule for the law of one coordinate on S^(d-1), weight (1 - t^2)^((d-3)/2)."""
    n = np.arange(1, points)
    lam = (d - 2) / 2
    off = np.sqrt(n * (n + 2 * lam - 1) / (4 * (n + lam) * (n + lam - 1)))
    if d == 2:
        off[0] = np.sqrt(0.5)  # the ratio's limit
    t, vectors = eigh_tridiagonal(np.zeros(points), off)
    return t, vectors[0] ** 2


@lru_cache(maxsize=64)
def _radius_rule(d, points):
    """Gauss rule for |x|^2 / d with |x|^2 chi-squared of d degrees: Gamma(d/2), scale 2/d."""
    shape, n = d / 2, np.arange(points)
    values, vectors = eigh_tridiagonal(2 * n + shape, np.sqrt(n[1:] * (n[1:] + shape - 1)))
    return values * 2 / d, vectors[0] ** 2


def _check(layers, degree, d, least_d):
    for name, value, least in (("layers", layers, 0), ("degree", degree, 1), ("d", d, least_d)):
        if isinstance(value, bool) or int(value) != value or value < least:
            raise ValueError(f"{name} = {value!r}: an integer of at least {int(least)} is needed")
