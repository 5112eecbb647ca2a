"""How entries are judged: the same functions for everyone, none of which runs a sampler."""

from math import hypot, isfinite

import arviz
import numpy as np

from featlearn.inference.diagnostics import MAX_R_HAT, MIN_BULK_ESS, diagnose

TOLERANCE = 0.02  # relative bias of the mean alignment that is allowed to Langevin
NORMAL_95 = 1.96


def summarise(draws, seconds, gradients, settle=0.0):
    """What the table shows of one entry.

    Parameters
    ----------
    draws : numpy.ndarray, shape (chain, draw)
    seconds, gradients : float
        What all draws together cost.
    settle : float
        Share of the draws, and of their cost, that is left out first.

    Returns
    -------
    dict
        With ``converged`` False if R-hat or the effective samples are not good enough, so
        that ``ess_per_second`` is only an upper bound; all of it zero if a draw is not finite.
    """
    draws = np.asarray(draws, float)
    first = int(settle * draws.shape[1])
    share = 1 - first / draws.shape[1]
    draws, seconds, gradients = draws[:, first:], share * seconds, share * gradients
    found = {"chains": draws.shape[0], "draws": draws.shape[1], "seconds": seconds}
    if draws.shape[1] < 20 or not np.isfinite(draws).all():
        nothing = dict.fromkeys(("mean", "mcse", "r_hat", "gradients_per_ess"), None)
        return found | nothing | {"ess": 0.0, "ess_per_second": 0.0, "converged": False}
    q = diagnose(draws)
    return found | {
        "mean": q.mean,
        "mcse": q.mcse,
        "r_hat": q.r_hat,
        "ess": q.bulk_ess,
        "ess_per_second": q.bulk_ess / seconds,
        "gradients_per_ess": gradients / q.bulk_ess if q.bulk_ess else None,
        "converged": q.r_hat <= MAX_R_HAT and q.bulk_ess >= MIN_BULK_ESS,
    }


def of_a_typical_chain(draws, summary):
    """The effective samples of an entry as if all chains were like the median one.

    A chain that changes to another number of specialised neurons, once in a run, or stays with
    another than the rest, leaves hardly any effective samples of all chains together. Whether
    that happens to one of four chains is luck.

    Parameters
    ----------
    draws : numpy.ndarray, shape (chain, draw)
        All of the entry.
    summary : dict
        From :func:`summarise`.

    Returns
    -------
    dict
        The summary with these effective samples and what they cost; ``ess_together`` are those
        of all chains together, by which it has converged or not.
    """
    if not summary["ess"]:
        return summary | {"ess_together": summary["ess"]}
    kept = np.asarray(draws, float)[:, -summary["draws"] :]
    alone = [
        # arviz takes a chain that never moves for all independent.
        float(arviz.ess(chain[None], method="bulk")) if np.ptp(chain) else 1.0
        for chain in kept
    ]
    ess, together = len(alone) * float(np.median(alone)), summary["ess"]
    return summary | {
        "ess": ess,
        "ess_together": together,
        "ess_per_second": ess / summary["seconds"],
        "gradients_per_ess": summary["gradients_per_ess"] * together / ess,
    }


def z_score(summary, reference):
    """Difference of the two means in combined standard errors; None without a mean."""
    if summary["mean"] is None:
        return None
    error = hypot(summary["mcse"], reference["mcse"])
    return (summary["mean"] - reference["mean"]) / error if error > 0 else None


def relative_bias(summary, reference):
    """Bias of the mean relative to the reference, and its standard error; None without a mean."""
    if summary["mean"] is None or not isfinite(summary["mean"]):
        return None
    ratio = summary["mean"] / reference["mean"]
    error = hypot(summary["mcse"], ratio * reference["mcse"]) / abs(reference["mean"])
    return ratio - 1, error


def possibly_unbiased(rungs, reference, tolerance=TOLERANCE):
    """Steps, largest first, whose bias is not surely beyond the tolerance; else the smallest."""
    kept = []
    for step, summary in rungs:
        bias = relative_bias(summary, reference)
        if bias and verdict_on(bias, tolerance) != "too large":
            kept.append(step)
    return sorted(kept, reverse=True) or [min(step for step, _ in rungs)]


def largest_unbiased(rungs, reference, tolerance=TOLERANCE):
    """The step that Langevin is measured at: the largest whose estimated bias is small.

    Where the errors are too large to tell, this favours Langevin: a step passes unless
    its estimate is beyond the tolerance.

    Parameters
    ----------
    rungs : list of (float, dict)
        Step sizes and their summaries.
    reference : dict
        Summary of the exact sampler.
    tolerance : float

    Returns
    -------
    step : float
    verdict : {"resolved", "not resolved", "none"}
        ``resolved``: the whole 95 % interval of its bias is within the tolerance;
        ``none``: no step passed and this is the smallest.
    """
    for step, summary in sorted(rungs, key=lambda rung: -rung[0]):
        bias = relative_bias(summary, reference)
        if bias and abs(bias[0]) < tolerance:
            return step, verdict_on(bias, tolerance)
    return min(step for step, _ in rungs), "none"


def verdict_on(bias, tolerance=TOLERANCE):
    """Whether a bias and its error lie within the tolerance at 95 %: yes, maybe or no."""
    size, error = abs(bias[0]), NORMAL_95 * bias[1]
    if size + error < tolerance:
        return "resolved"
    return "not resolved" if size - error < tolerance else "too large"
