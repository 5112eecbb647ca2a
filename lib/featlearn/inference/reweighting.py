"""Free energies from samples of several biased laws, by MBAR (Shirts and Chodera 2008; pymbar)."""

import logging
from typing import NamedTuple

import numpy as np


class FreeEnergies(NamedTuple):
    """Free energies relative to the first law, nats.

    Attributes
    ----------
    value, error : numpy.ndarray, shape (laws,)
    """

    value: np.ndarray
    error: np.ndarray


def thin(draws):
    """Indices of draws that are nearly independent.

    Parameters
    ----------
    draws : array_like, shape (n,)
        One chain of a scalar.

    Returns
    -------
    numpy.ndarray of int
        Every g-th draw, g being the integrated autocorrelation time (arviz's), rounded up.
    """
    from .diagnostics import effective_draws

    draws = np.asarray(draws, float)
    step = int(np.ceil(len(draws) / max(1.0, effective_draws(draws))))
    return np.arange(0, len(draws), min(step, len(draws)))


def free_energies(bias, statistic, targets=()):
    r"""Free energies of the sampled laws and of others, from independent draws.

    Law k has the density ``p_0 exp(-u_k(s)) / Z_k``; its free energy is ``-log Z_k``.

    Parameters
    ----------
    bias : callable
        From statistics (n,) to the biases of all K laws, ``(K, n)``.
    statistic : sequence of array_like
        Draws of s under each of the K laws.
    targets : sequence of array_like
        Biases of further laws at the draws, in the order of the laws; inf where a law has
        no weight.

    Returns
    -------
    FreeEnergies
        Of the K laws and then of the targets, with ``f[0] = 0``. Its errors hold only the
        scatter of the draws given; what chains did not visit they can't know.

    Raises
    ------
    ValueError
        If the number of laws does not fit, a law has no draws, or a draw is not finite.
    """
    logging.getLogger("pymbar").setLevel(logging.ERROR)  # it advertises jax on import
    from pymbar import MBAR

    counts = np.array([len(draws) for draws in statistic])
    if (counts == 0).any():
        raise ValueError(f"statistic[{int(np.argmin(counts))}] is empty: draws of each law needed")
    s = np.concatenate([np.asarray(draws, float) for draws in statistic])
    if not np.isfinite(s).all():
        raise ValueError("statistic holds NaN or infinity: every draw must be finite")
    u = np.asarray(bias(s), float)
    if u.shape != (len(counts), len(s)):
        raise ValueError(f"bias gives shape {u.shape}: ({len(counts)}, {len(s)}) is needed")
    others = [np.asarray(target, float) for target in targets]
    for i, target in enumerate(others):
        if target.shape != s.shape or np.isnan(target).any():
            raise ValueError(f"targets[{i}] has shape {target.shape}: ({len(s)},) without NaN")
    # The default protocol starts with a method that fails from afar and takes long to say so.
    solver = MBAR(
        np.vstack([u, *others]),
        np.r_[counts, np.zeros(len(others), int)],
        initialize="BAR",
        relative_tolerance=1e-9,
        solver_protocol=({"method": "adaptive", "options": {"maxiter": 500}},),
    )
    found = solver.compute_free_energy_differences()
    return FreeEnergies(found["Delta_f"][0], found["dDelta_f"][0])
