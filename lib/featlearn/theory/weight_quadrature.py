"""Points and weights for integrals over one neuron's weights under the prior.

The trapezoidal rule on a smooth function that decays at both ends converges faster than
any power of the spacing, thus the rules here are uniform grids, cut where the integrand
is 45 nats (``NEGLIGIBLE``) below its largest value.
"""

import numpy as np

NEGLIGIBLE = 45.0  # nats below the largest term of a sum


def uniform_grid(reach, spacing):
    """Points from 0 to at least ``reach``.

    Parameters
    ----------
    reach, spacing : float
        Positive.

    Returns
    -------
    numpy.ndarray, shape (n,)
    """
    return spacing * np.arange(int(np.ceil(reach / spacing)) + 1)


def largest_rest(d):
    """Squared norm of the weights orthogonal to w_* beyond which their prior is negligible.

    A tilt towards the target only makes that norm smaller.

    Parameters
    ----------
    d : int
        Input dimension, at least 2.

    Returns
    -------
    float
    """
    return 1.2 + 1.5 * np.sqrt(4 * NEGLIGIBLE / d) + 3 * NEGLIGIBLE / d


def rest_rule(d):
    """Rule for means over ``r2 ~ Gamma((d-1)/2, scale 2/d)``, uniform in its logarithm.

    Parameters
    ----------
    d : int
        Input dimension, at least 2.

    Returns
    -------
    r2, weight : numpy.ndarray, shape (n,)
        The weights sum to one.
    """
    shape = (d - 1) / 2
    spacing = min(0.25, 0.5 / np.sqrt(shape))
    low, high = -(NEGLIGIBLE / shape + 1), np.sqrt(2 * NEGLIGIBLE / shape)
    x = np.arange(low, high + spacing, spacing)
    weight = np.exp(shape * (1 + x - np.exp(x)))
    return (d - 1) / d * np.exp(x), weight / weight.sum()
