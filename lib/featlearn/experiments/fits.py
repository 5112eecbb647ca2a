"""Crossings and power laws, with intervals that come from the scatter between data sets."""

from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.optimize import isotonic_regression


def mean_and_se(values, axis=-1):
    """Mean along an axis and its standard error.

    Parameters
    ----------
    values : array_like
    axis : int
        Axis of the independent repetitions, of at least two.

    Returns
    -------
    mean, standard_error : numpy.ndarray
    """
    values = np.asarray(values, float)
    n = values.shape[axis]
    if n < 2:
        raise ValueError(f"values has {n} repetition(s) along axis {axis}: at least 2 are needed")
    return values.mean(axis), values.std(axis, ddof=1) / np.sqrt(n)


def crossing(x, y, level):
    """Where a rising curve passes a level.

    The points are first replaced by the closest rising sequence (isotonic
    regression), so that noise cannot make several crossings; between points the
    curve is linear in log x.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Abscissae, positive and increasing, and values.
    level : float

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the curve does not pass the level within the range of x.

    Examples
    --------
    >>> float(round(crossing([1, 10, 100], [0, 1, 2], 1.5), 6))
    31.622777
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if x.shape != y.shape or x.ndim != 1 or len(x) < 2:
        raise ValueError(f"x has shape {x.shape}, y {y.shape}: the same (n,) with n >= 2 is needed")
    if (x <= 0).any() or (np.diff(x) <= 0).any():
        raise ValueError(f"x = {x}: positive and increasing numbers are needed")
    rising = isotonic_regression(y).x
    if not rising[0] < level <= rising[-1]:
        raise ValueError(
            f"level = {level!r}: not passed; the curve goes from {rising[0]:.3g} to {rising[-1]:.3g}"
        )
    i = int(np.argmax(rising >= level))
    share = (level - rising[i - 1]) / (rising[i] - rising[i - 1])
    return float(np.exp(np.log(x[i - 1]) + share * np.log(x[i] / x[i - 1])))


@dataclass(frozen=True)
class PowerLaw:
    """A fitted ``y = exp(log_prefactor) * x**exponent``.

    Attributes
    ----------
    exponent : float
    low, high : float
        Ends of the interval of the exponent: the wider of the bootstrap's and the
        regression's.
    log_prefactor : float
    chi2_per_dof : float
        Squared residuals of the means over their squared errors, a degree of
        freedom; well above one when a single power law does not describe the data.
    """

    exponent: float
    low: float
    high: float
    log_prefactor: float
    chi2_per_dof: float

    def predict(self, x):
        """Value of the fit at x."""
        return np.exp(self.log_prefactor) * np.asarray(x, float) ** self.exponent

    def excludes(self, exponent):
        """Whether an exponent lies outside the interval."""
        return not self.low <= exponent <= self.high


def power_law(x, y, *, seed, confidence=0.95, resamples=2000):
    """Fit a power law to repeated measurements.

    A weighted straight line through the logarithms of the means. Two intervals
    are formed and the ends of both together are reported: a percentile bootstrap that
    resamples repetitions jointly at all x (a repetition may share its random
    numbers between x), and Student's interval of the regression, with the
    residuals' scatter, which also sees a curve that is not a power law.

    Parameters
    ----------
    x : array_like, shape (sizes,)
        At least three.
    y : array_like, shape (sizes, repetitions)
        Positive on average at each x.
    seed : int
        Seed of the bootstrap.
    confidence : float
    resamples : int

    Returns
    -------
    PowerLaw
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if y.ndim != 2 or x.shape != y.shape[:1] or y.shape[0] < 3 or y.shape[1] < 2:
        raise ValueError(
            f"x has shape {x.shape}, y {y.shape}: (sizes,) and (sizes, repetitions) "
            "with at least 3 sizes and 2 repetitions are needed"
        )
    if not 0 < confidence < 1:
        raise ValueError(f"confidence = {confidence!r}: a number between 0 and 1 is needed")
    if (x <= 0).any() or (y.mean(1) <= 0).any():
        raise ValueError("x and the means of y must be positive to have logarithms")
    mean, error = mean_and_se(y, 1)
    relative = error / mean
    # Errors from few repetitions scatter; none may dominate the fit.
    relative = np.maximum(relative, 0.5 * np.median(relative)) + 1e-12
    weights = 1 / relative**2

    def line(means):
        u, v = np.log(x), np.log(means)
        centre = np.average(u, weights=weights)
        slope = np.average((u - centre) * (v - np.average(v, weights=weights)), weights=weights)
        slope /= np.average((u - centre) ** 2, weights=weights)
        return slope, np.average(v, weights=weights) - slope * centre

    slope, intercept = line(mean)
    residuals = (np.log(mean) - intercept - slope * np.log(x)) / relative
    dof = len(x) - 2
    chi2 = float((residuals**2).sum() / dof)
    spread = np.log(x) - np.average(np.log(x), weights=weights)
    slope_error = np.sqrt(max(chi2, 1.0) / (weights * spread**2).sum())
    student = stats.t.ppf(0.5 + confidence / 2, dof) * slope_error

    rng = np.random.default_rng(seed)
    n = y.shape[1]
    slopes = []
    for _ in range(resamples):
        means = y[:, rng.integers(n, size=n)].mean(1)
        if (means > 0).all():
            slopes.append(line(means)[0])
    if len(slopes) < 0.9 * resamples:
        raise ValueError("y is too noisy: resampled means are often not positive")
    low, high = np.quantile(slopes, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return PowerLaw(
        float(slope),
        float(min(low, slope - student)),
        float(max(high, slope + student)),
        float(intercept),
        chi2,
    )
