"""Free energies from samples of several biased laws, by MBAR (Shirts and Chodera 2008; pymbar).

MBAR's own errors take all draws as independent. Where chains exchange their states, the
:func:`jackknife` over runs that share nothing is the error to go by.
"""

import logging
from typing import NamedTuple

import numpy as np


class FreeEnergies(NamedTuple):
    """Free energies relative to the first law, nats.

    Attributes
    ----------
    value, error : numpy.ndarray, shape (laws,)
    between : numpy.ndarray, shape (laws, laws)
        Error of the difference of each two.
    """

    value: np.ndarray
    error: np.ndarray
    between: np.ndarray


class Basins(NamedTuple):
    """Shares of a law, by a label of its states.

    Attributes
    ----------
    label : numpy.ndarray, shape (labels,)
    value, error : numpy.ndarray, shape (labels,)
        Free energy of each, minus the log of its probability, nats, and its error.
    """

    label: np.ndarray
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


def independent(*observables):
    """Every how many draws are nearly independent for the slowest of several observables.

    Parameters
    ----------
    *observables : numpy.ndarray, shape (chain, draw)
        Those that never change are left out.

    Returns
    -------
    int
        At least 1, at most half of all draws.
    """
    from .diagnostics import diagnose

    total = observables[0].size
    moving = [values.astype(float) for values in observables if np.ptp(values) > 0]
    slowest = min((diagnose(values).bulk_ess for values in moving), default=0.0)
    return int(np.ceil(total / max(2.0, slowest)))


def jackknife(estimate, runs, draws, parts=5):
    """Standard errors of what is estimated from several runs together.

    Each run is cut into parts in time. Each part of each run is left out in turn. So nothing is
    taken as independent but the parts, which should be long beside the correlation times. Of runs
    that differ for good, each stuck where it is, only ``parts=1`` knows.

    Parameters
    ----------
    estimate : callable
        From a mask (runs, draws) of what is used to an array (k,); NaN where that says nothing.
    runs : int
        Of chains or ladders that share nothing with each other.
    draws : int
        Length of each.
    parts : int
        Of each run; with the number of runs more than one part in all.

    Returns
    -------
    numpy.ndarray, shape (k,)
        NaN where an estimate without one of the parts says nothing.

    Raises
    ------
    ValueError
        If there are fewer than two parts, or more of them than draws.
    """
    if not 1 <= parts <= draws or runs * parts < 2:
        raise ValueError(f"parts = {parts!r}: at most draws = {draws}, and two in all are needed")
    part, found = np.arange(draws) * parts // draws, []
    for run in range(runs):
        for i in range(parts):
            used = np.ones((runs, draws), bool)
            used[run, part == i] = False
            found.append(estimate(used))
    n = len(found)
    return np.sqrt((n - 1) / n * np.square(found - np.mean(found, 0)).sum(0))


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
    return FreeEnergies(found["Delta_f"][0], found["dDelta_f"][0], found["dDelta_f"])


def basins(ladder, statistic, label):
    """Free energies of the basins of a ladder's last law, from the draws of all its laws.

    A basin that the last rung leaves once in a run is entered and left often further down; its
    weight up there follows by reweighting.

    Parameters
    ----------
    ladder : DataScales
        Of K laws.
    statistic : sequence of array_like
        Nearly independent draws of the data energy under each of the K laws.
    label : sequence of array_like of int
        Basin of each of these draws, such as a number of specialised neurons.

    Returns
    -------
    Basins

    Raises
    ------
    ValueError
        As :func:`free_energies`, and if labels and draws do not match.
    """
    for k, (draws, labels) in enumerate(zip(statistic, label, strict=True)):
        if np.shape(draws) != np.shape(labels):
            raise ValueError(
                f"label[{k}] has shape {np.shape(labels)}: that of statistic[{k}], "
                f"{np.shape(draws)}, is needed"
            )
    scale, K = np.asarray(ladder.scale, float), len(ladder)
    s, labels = (np.concatenate([np.asarray(v) for v in rows]) for rows in (statistic, label))
    found = np.unique(labels)
    targets = [np.where(labels == value, scale[-1] * s, np.inf) for value in found]
    result = free_energies(lambda s: scale[:, None] * s, statistic, targets)
    return Basins(found, result.value[K:] - result.value[K - 1], result.between[K:, K - 1])
