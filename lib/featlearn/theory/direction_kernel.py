r"""The kernel of an erf layer along one direction, when the input dimension is large.

The weights have variance D/d along w_* and 1/d elsewhere. As d grows at fixed
``variance`` v = D/d, the other directions only contribute their norm, and functions of
z = w_*.x alone are mapped to such functions by

    k(z, z') = (2/pi) asin(2 v z z' / sqrt((3 + 2 v z^2) (3 + 2 v z'^2))).

Its spectrum is computed by Gauss-Hermite quadrature (Nystrom's method).
"""

import numpy as np

from .hermite import normalised_hermite


def direction_kernel(z, other, variance):
    """The kernel k(z, z') above.

    Parameters
    ----------
    z, other : array of shapes that broadcast
    variance : float
        v = D/d, positive.

    Returns
    -------
    array
    """
    _check(variance)
    norms = (3 + 2 * variance * z**2) * (3 + 2 * variance * other**2)
    return 2 / np.pi * np.arcsin(2 * variance * z * other / np.sqrt(norms))


def nearest_eigenfunction(degree, variance, nodes=200):
    """The eigenfunction of largest squared overlap with the normalised Hermite polynomial.

    Parameters
    ----------
    degree : int
        Odd, up to 5: the eigenvalues of higher degrees drown in rounding.
    variance : float
        v = D/d, at least 1e-3 for the same reason.
    nodes : int
        Of the quadrature.

    Returns
    -------
    eigenvalue, share : float
        The share is the squared overlap of the normalised functions.

    Raises
    ------
    ValueError
        For other degrees and variances.
    """
    if degree not in (1, 3, 5):
        raise ValueError(f"degree = {degree!r}: 1, 3 or 5 is needed")
    _check(variance, least=1e-3)
    z, weight = np.polynomial.hermite_e.hermegauss(nodes)
    root = np.sqrt(weight / weight.sum())
    kernel = root[:, None] * direction_kernel(z[:, None], z, variance) * root
    values, vectors = np.linalg.eigh(kernel)
    shares = (vectors.T @ (root * normalised_hermite(degree, z))) ** 2
    best = shares.argmax()
    return float(values[best]), float(shares[best])


def _check(variance, least=0.0):
    if not (np.isfinite(variance) and variance > 0 and variance >= least):
        raise ValueError(f"variance = {variance!r}: a finite number of at least {least} is needed")
