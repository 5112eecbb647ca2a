r"""Alignment of an erf network with a Hermite target, from its weights alone (paper eq. 3).

Derivation of ``g(mu, q) = E_x[erf(w.x) He_m(w_*.x)] / sqrt(m!)``, m = 2k + 1:

1. Integrating by parts m times (Stein), with ``u = w.x ~ N(0, q)`` and
   ``w.w_* = mu``: ``E[erf(u) He_m(w_*.x)] = mu**m E[erf^(m)(u)]``.
2. ``erf^(m)(u) = (2 / sqrt(pi)) H_{2k}(u) exp(-u**2)``, with H the physicists'
   polynomial (the sign is + because m - 1 is even).
3. ``exp(-u**2)`` turns N(0, q) into ``(1 + 2q)**(-1/2)`` times N(0, v) with
   ``v = q / (1 + 2q)``. Under N(0, v) the generating function averages to
   ``E[exp(2us - s**2)] = exp((2v - 1) s**2)``, and ``2v - 1 = -1 / (1 + 2q)``, so
   ``E_v[H_{2k}] = (-1)**k (2k)!/k! (1 + 2q)**(-k)``.
4. Together: ``g = (-1)**k (2 / sqrt(pi)) (2k)! / (k! sqrt(m!)) (mu / sqrt(1 + 2q))**m``.
"""

from math import factorial, pi

import numpy as np


def alignment_constant(degree):
    r"""The number ``c_m`` in ``g(mu, q) = c_m (mu / sqrt(1 + 2q))**m``.

    .. math:: c_m = (-1)^k\,\frac{2}{\sqrt\pi}\,\frac{(2k)!}{k!\,\sqrt{m!}},\qquad m = 2k+1.

    Parameters
    ----------
    degree : int
        Odd degree m of the target.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If ``degree`` is not an odd positive integer.

    Examples
    --------
    >>> [round(alignment_constant(m), 6) for m in (1, 3, 5)]
    [1.128379, -0.921318, 1.23608]
    """
    if isinstance(degree, bool) or int(degree) != degree or degree < 1 or degree % 2 == 0:
        raise ValueError(f"degree = {degree!r}: an odd positive integer is needed")
    k = (int(degree) - 1) // 2
    size = 2 * factorial(2 * k) / (factorial(k) * (pi * factorial(2 * k + 1)) ** 0.5)
    return -size if k % 2 else size


def neuron_alignment(overlap, norm2, degree):
    r"""Alignment of one neuron with unit readout: ``E_x[erf(w.x) y(x)]``.

    For ``y(x) = He_m(w_*.x) / sqrt(m!)``, ``x ~ N(0, I_d)`` and odd m = 2k + 1,

    .. math::

       g(\mu, q) = (-1)^k\,\frac{2}{\sqrt\pi}\,\frac{(2k)!}{k!\,\sqrt{m!}}
       \left(\frac{\mu}{\sqrt{1+2q}}\right)^{m}.

    Plain arithmetic: it keeps the type, device and gradients of its arguments.

    Parameters
    ----------
    overlap : number, numpy.ndarray or torch.Tensor, shape (...)
        Overlap mu = w.w_* with the target's unit vector.
    norm2 : same, shape (...)
        Squared norm q = w.w, at least ``overlap**2`` for real weights.
    degree : int
        Odd degree m.

    Returns
    -------
    Same type, shape (...). Its size is below ``|c_m| 2**(-m/2)``.

    Raises
    ------
    ValueError
        If ``degree`` is not an odd positive integer, or if a number or numpy
        array ``norm2`` is negative somewhere (tensors are not inspected, so that
        no sampler waits for its device).

    Examples
    --------
    >>> round(neuron_alignment(1.0, 1.0, 3), 6)
    -0.177308
    """
    constant = alignment_constant(degree)
    inspected = isinstance(norm2, (int, float, np.ndarray, np.generic))
    if inspected and np.any(np.asarray(norm2) < 0):
        raise ValueError(f"norm2 = {norm2!r}: a squared norm is at least 0")
    return constant * (overlap / (1 + 2 * norm2) ** 0.5) ** int(degree)


def network_alignment(readout, overlap, norm2, degree):
    """Alignment A_f of a two-layer network, ``sum_j a_j g(mu_j, q_j)`` (paper eq. 3).

    Parameters
    ----------
    readout : numpy.ndarray or torch.Tensor, shape (..., N)
        Readout weights a_j.
    overlap, norm2 : same, shape (..., N)
        Overlap and squared norm of each neuron.
    degree : int
        Odd degree m of the target.

    Returns
    -------
    Same type, shape (...).

    Raises
    ------
    ValueError
        As :func:`neuron_alignment`.
    """
    return (readout * neuron_alignment(overlap, norm2, degree)).sum(-1)
