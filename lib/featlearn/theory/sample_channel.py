r"""What one training sample says of a special neuron on a background: averages by quadrature.

The logarithm in the last line of the free energy of
:mod:`~featlearn.theory.learning_curve`, its derivatives by the shared fields, and the means
that its stationary point needs.
"""

from math import pi
from typing import NamedTuple

import numpy as np
from scipy.special import erf

from .hermite import normalised_hermite

LINEAR = 4 / (3 * pi)  # of the kernel E_w[erf erf] at |w| = 1, and the rest of its diagonal
NONLINEAR = 2 / pi * (np.arcsin(2 / 3) - 2 / 3)


class Model(NamedTuple):
    """The fixed numbers: N / d, ridge, readout variance, degree of the target."""

    ratio: float
    kappa: float
    sigma_a2: float
    degree: int


class State(NamedTuple):
    """What is solved for: a, t, m = omega, T and S0 of the module's text."""

    a: float
    t: float
    m: np.ndarray
    T: np.ndarray
    S0: np.ndarray


def ridge(t, model):
    """The ridge with the background's nonlinear part, ``kappa + t chi``."""
    return model.kappa + NONLINEAR * model.sigma_a2 * t


class Averages(NamedTuple):
    """Means over inputs and over the components that two draws share."""

    log_evidence: float
    force: np.ndarray  # E[G G^T], G the derivative of the log evidence by (u_0, g_0)
    curvature: np.ndarray  # -E[dG]
    along: np.ndarray  # E[z G]
    pull: float  # E<f r>, r the residual, f = erf(u)
    power: float  # E<f^2>
    residual: float  # E<r^2>


def _trapezoid(reach, spacing):
    """Rule for a standard normal number; converges faster than any power of the spacing."""
    x = np.arange(-reach, reach + spacing / 2, spacing)
    w = np.exp(-(x**2) / 2)
    return x, w / w.sum()


def _half(reach, spacing):
    """The same for even functions."""
    x = np.arange(spacing / 2, reach, spacing)
    w = np.exp(-(x**2) / 2)
    return x, w / w.sum()


ALONG, SHARED, OFFSET = _half(6.2, 0.15), _trapezoid(4.8, 0.48), _trapezoid(4.0, 0.8)
# Of delta u, about its posterior mean without the neuron's output, which can be far out: labels
# grow as z**m.
INNER = np.arange(-10.0, 10.1, 0.4)


def channel(state, model):
    """Averages over one sample: quadrature over z, u_0, g_0 and delta u; delta g in closed form."""
    (z, wz), (v, wv), (g, wg) = ALONG, SHARED, OFFSET
    weight = wz[:, None, None] * wv[:, None] * wg
    a, T, S0 = state.a, state.T, state.S0
    k = ridge(state.t, model)
    root = np.sqrt(S0[0, 0])
    mixed = S0[0, 1] / root
    own = np.sqrt(max(S0[1, 1] - mixed**2, 0.0))
    wide = np.sqrt(T[0, 0])
    slope = T[0, 1] / wide
    inner = T[1, 1] - slope**2  # variance of delta g given delta u
    wider = k + inner

    offset = normalised_hermite(model.degree, z) - state.m[1] * z
    offset = (offset[:, None, None] - (mixed * v[:, None] + own * g))[..., None]
    e = slope * offset / (wider + slope**2) + INNER
    f = erf((state.m[0] * z[:, None] + root * v)[:, :, None, None] + wide * e)
    r = offset - a * f - slope * e
    log_w = -(e**2) / 2 - r**2 / (2 * wider)
    top = log_w.max(-1, keepdims=True)
    w = np.exp(log_w - top)
    norm = w.sum(-1, keepdims=True)
    w /= norm
    spacing = (INNER[1] - INNER[0]) / np.sqrt(2 * pi)
    log_evidence = (top + np.log(spacing * norm))[..., 0] - 0.5 * np.log(wider / model.kappa)

    def inside(q):
        return (w * q).sum(-1)

    def mean(q):
        return float((weight * q).sum())

    # Posterior mean and covariance of (delta u, delta g)
    dg = slope * e + inner / wider * r
    mean_u, mean_g = wide * inside(e), inside(dg)
    both = mean(wide * inside(dg * e) - mean_u * mean_g)
    cov = np.array(
        [
            [mean(wide**2 * inside(e**2) - mean_u**2), both],
            [both, mean(inside(dg**2) - mean_g**2) + inner * k / wider],
        ]
    )
    inverse = np.linalg.inv(T)
    G = np.tensordot(inverse, np.stack([mean_u, mean_g]), 1)
    r = r * (k / wider)
    return Averages(
        mean(log_evidence),
        np.array([[mean(G[i] * G[j]) for j in (0, 1)] for i in (0, 1)]),
        inverse - inverse @ cov @ inverse,
        np.array([mean(z[:, None, None] * G[i]) for i in (0, 1)]),
        mean(inside(f * r)),
        mean(inside(f**2)),
        mean(inside(r**2)) + inner * k / wider,
    )
