"""Is it equilibrium? Rank-normalised R-hat and effective sample size, by arviz.

Both are defined by Vehtari et al. (2021).
"""

import warnings
from dataclasses import dataclass

import numpy as np

with warnings.catch_warnings():
    # arviz announces its next major version at import; the version here is pinned.
    warnings.simplefilter("ignore", FutureWarning)
    import arviz

MAX_R_HAT = 1.05
MIN_BULK_ESS = 100.0
WORST_R_HAT = 1000.0  # stands for infinity, so that every stored number is finite


@dataclass(frozen=True)
class Diagnosis:
    """Diagnostics of one scalar observable over the chains of one data set.

    Attributes
    ----------
    r_hat : float
        Split, rank-normalised R-hat; ``WORST_R_HAT`` where it is not defined because
        chains are constant and differ.
    bulk_ess : float
        Bulk effective sample size of all chains together.
    mean, mcse : float
        Mean over chains and draws, and its Monte Carlo standard error.
    """

    r_hat: float
    bulk_ess: float
    mean: float
    mcse: float

    @property
    def equilibrium(self):
        """bool: R-hat at most ``MAX_R_HAT`` and at least ``MIN_BULK_ESS`` effective samples."""
        return self.r_hat <= MAX_R_HAT and self.bulk_ess >= MIN_BULK_ESS


def diagnose(draws):
    """Diagnose one observable.

    Parameters
    ----------
    draws : array_like, shape (chain, draw)
        At least two chains, started differently, of at least 20 draws.

    Returns
    -------
    Diagnosis
    """
    draws = np.asarray(draws, float)
    if draws.ndim != 2 or draws.shape[0] < 2 or draws.shape[1] < 20:
        raise ValueError(
            f"draws has shape {draws.shape}: (chain, draw) with at least 2 chains "
            "of at least 20 draws is needed"
        )
    if not np.isfinite(draws).all():
        raise ValueError("draws holds NaN or infinity: every draw must be finite")
    mean, within = float(draws.mean()), draws.var(axis=1)
    if np.ptp(draws) == 0:  # nothing moved, and nothing disagrees
        return Diagnosis(1.0, 0.0, mean, 0.0)
    if not within.any():  # constant chains that differ: half their range is all that is known
        return Diagnosis(WORST_R_HAT, 0.0, mean, float(np.ptp(draws)) / 2)
    r_hat = float(arviz.rhat(draws, method="rank"))
    ess = float(arviz.ess(draws, method="bulk"))
    mcse = float(draws.std(ddof=1) / np.sqrt(float(arviz.ess(draws, method="mean"))))
    return Diagnosis(min(r_hat, WORST_R_HAT), ess, mean, mcse)


def effective_draws(draws):
    """Effective sample size of the mean of one chain.

    Parameters
    ----------
    draws : array_like, shape (n,)

    Returns
    -------
    float
        Between 1 and n; 1 for a constant chain, which says nothing about how it moves.
    """
    draws = np.asarray(draws, float)
    if np.ptp(draws) == 0:
        return 1.0
    return float(np.clip(arviz.ess(draws[None], method="mean"), 1, len(draws)))
