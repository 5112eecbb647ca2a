r"""The energy of an alignment when d and N are large in proportion: a few neurons carry it.

One neuron with ``v = mu / sqrt(1 + 2 r2)`` has the alignment ``g(v)`` and the prior cost
``d I(v)``. Both the overlap mu and the rest r2 of its weights are free; the cheapest way
to a given v costs

.. math:: I(v)=\min_{\mu,r}\Big[\tfrac{\mu^2}2+\tfrac{r-1-\log r}2\Big]
          =\tfrac{v^2}2+\tfrac12\log(1+2v^2),\qquad r=\frac1{1+2v^2}.

The readouts of M such neurons reach the alignment alpha at the cost
``alpha**2 / (2 V)`` with ``V = sigma_a2 M g**2 / N``. The energy is the least sum,

.. math:: \frac Ed=\min_{M,v}\Big[M\,I(v)+\frac Nd\frac{\alpha^2}{2\sigma_a^2Mg(v)^2}\Big],

over whole numbers M >= 1. At N >> d the number is large, its wholeness is not felt, and
``E = c sqrt(d N)`` with ``c = (alpha / sigma_a) sqrt(2) min_v sqrt(I(v)) / |g(v)|``.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar

from .alignment import alignment_constant

WIDEST = 30.0  # v beyond which nothing is gained: g saturates, I grows


class Condensate(NamedTuple):
    """The neurons that carry an alignment.

    Attributes
    ----------
    energy : float
        E / d, nats.
    count : float
        Number M of condensed neurons; whole unless the ratio is infinite.
    overlap, rest : float
        Their mu, and squared norm r of their other weights.
    """

    energy: float
    count: float
    overlap: float
    rest: float


def neuron_cost(v):
    """Least prior cost of a neuron at v, in nats per dimension; v of any shape."""
    v2 = np.square(v)
    return v2 / 2 + np.log1p(2 * v2) / 2


def condensate(alpha, ratio, degree=3, sigma_a2=1.0):
    """The cheapest group of neurons that carries an alignment.

    Parameters
    ----------
    alpha : float
        Alignment, positive.
    ratio : float
        N / d, positive.
    degree : int
        Odd degree m of the target. For m = 1 there is no condensate: the cost of an
        alignment is least when all neurons share it, and the formula does not apply.
    sigma_a2 : float
        Readout variance before it is divided by N.

    Returns
    -------
    Condensate

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Examples
    --------
    >>> found = condensate(1.0, ratio=1.0)
    >>> found.count, round(found.energy, 3)
    (3, 8.02)
    """
    _check(alpha, ratio, degree, sigma_a2)
    pull = alpha**2 * ratio / (2 * sigma_a2)  # E/d = M I + pull / (M g^2)
    best = None
    count = 1
    while True:
        found = at_count(count, pull, degree)
        if best is not None and found[0] >= best[0]:
            energy, v, count = best
            break
        best = (*found, count)
        count += 1
    rest = 1 / (1 + 2 * v**2)
    return Condensate(energy, count, v * np.sqrt(1 + 2 * rest), rest)


def scaling_constant(alpha=1.0, degree=3, sigma_a2=1.0):
    """The constant c of ``E = c sqrt(d N)`` at N >> d, nats."""
    _check(alpha, 1.0, degree, sigma_a2)
    return float(alpha * np.sqrt(2 / sigma_a2) * _constant(degree)[0])


class CondensationPoint(NamedTuple):
    """Where neurons begin to condense as the tilt grows, for many neurons and large d.

    Attributes
    ----------
    strength : float
        ``tilt**2 sigma_a2 / (2 N d)`` at which a condensed neuron costs what it gains.
    v : float
        Its v; 0 if the transition is continuous.
    """

    strength: float
    v: float


def condensation_point(degree):
    """The tilt at which condensed neurons appear: ``min_v I(v) / g(v)**2``.

    A neuron at v has the weight ``exp(-d [I(v) - strength g(v)**2])``. For m > 1 the least
    ratio lies at a finite v, so a second peak takes over at once. For m = 1 it lies at v = 0,
    and the only peak moves away from there continuously.

    Parameters
    ----------
    degree : int
        Odd degree m.

    Returns
    -------
    CondensationPoint

    Examples
    --------
    >>> found = condensation_point(3)
    >>> round(found.strength, 1), round(found.v, 2)
    (32.2, 1.19)
    >>> condensation_point(1).v
    0.0
    """
    constant = alignment_constant(degree)
    if degree == 1:  # I / g^2 grows from v = 0, where I = 3 v^2 / 2
        return CondensationPoint(1.5 / constant**2, 0.0)
    root, v = _constant(degree)
    return CondensationPoint(root**2, v)


def _constant(degree):
    """Least ``sqrt(I) / |g|``, and its v."""

    def at(log_v):
        v = np.exp(log_v)
        return 0.5 * np.log(neuron_cost(v)) - np.log(_alignment(v, degree))

    found = minimize_scalar(at, bounds=(-4, np.log(WIDEST)), method="bounded")
    return float(np.exp(found.fun)), float(np.exp(found.x))


def at_count(count, pull, degree):
    """Energy and v of M condensed neurons.

    Parameters
    ----------
    count : int
        M.
    pull : float
        ``(N / d) alpha**2 / (2 sigma_a2)``.
    degree : int

    Returns
    -------
    energy, v : float
        ``min_v M I(v) + pull / (M g(v)**2)``, nats per dimension, and where it is.
    """

    def at(log_v):
        v = np.exp(log_v)
        return count * neuron_cost(v) + pull / (count * _alignment(v, degree) ** 2)

    found = minimize_scalar(at, bounds=(-12, np.log(WIDEST)), method="bounded")
    return float(found.fun), float(np.exp(found.x))


def _alignment(v, degree):
    return abs(alignment_constant(degree)) * (v**2 / (1 + 2 * v**2)) ** (degree / 2)


def _check(alpha, ratio, degree, sigma_a2):
    alignment_constant(degree)
    if degree < 3:
        raise ValueError(f"degree = {degree!r}: at least 3 is needed; nothing condenses below")
    for name, value in (("alpha", alpha), ("ratio", ratio), ("sigma_a2", sigma_a2)):
        if not 0 < value < np.inf:
            raise ValueError(f"{name} = {value!r}: a positive finite number is needed")
