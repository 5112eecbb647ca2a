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
        raise ValueError(f"values has {n} repetition(s) on axis {axis}: at least 2 are needed")
    return values.mean(axis), values.std(axis, ddof=1) / np.sqrt(n)


def crossing(x, y, level, *, increasing=True):
    """Where a monotone curve passes a level.

    The points are first replaced by the closest rising sequence (isotonic
    regression), so that noise cannot make several crossings; between points the
    curve is linear in log x. A level that is not reached is an error, never a NaN
    or an extrapolation: left out silently, such curves would bias a mean.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Abscissae, positive and increasing, and values.
    level : float
    increasing : bool
        Whether the curve rises; if not, it falls.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the curve does not pass the level within the range of x, or x or y is
        not finite.

    Examples
    --------
    >>> float(round(crossing([1, 10, 100], [0, 1, 2], 1.5), 6))
    31.622777
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if x.shape != y.shape or x.ndim != 1 or len(x) < 2:
        raise ValueError(f"x has shape {x.shape}, y {y.shape}: the same (n,), n > 1, is needed")
    _check_finite(x=x, y=y)
    if (x <= 0).any() or (np.diff(x) <= 0).any():
        raise ValueError(f"x = {x}: positive and increasing numbers are needed")
    sign = 1 if increasing else -1
    rising = isotonic_regression(sign * y).x
    if not rising[0] < sign * level <= rising[-1]:
        first, last = sign * rising[0], sign * rising[-1]
        raise ValueError(
            f"level = {level!r}: not passed; the curve goes from {first:.3g} to {last:.3g}"
        )
    i = int(np.argmax(rising >= sign * level))
    share = (sign * level - rising[i - 1]) / (rising[i] - rising[i - 1])
    return float(np.exp(np.log(x[i - 1]) + share * np.log(x[i] / x[i - 1])))


def crossing_per_set(x, curves, level):
    """Where the mean of several rising curves passes a level, with its scatter.

    A single curve need not pass the level; the mean does. Its scatter is given by the
    jackknife: pseudo-value i of n is n times the result of all curves minus (n - 1) times the
    result without curve i, and their mean and standard error are those of the crossing.

    Parameters
    ----------
    x : array_like, shape (points,)
        In any order.
    curves : array_like, shape (points, n)
    level : float

    Returns
    -------
    numpy.ndarray, shape (n,)
        Pseudo-values.

    Raises
    ------
    ValueError
        As for :func:`crossing`; also for a single curve.
    """
    x, curves = np.asarray(x, float), np.asarray(curves, float)
    if curves.ndim != 2 or curves.shape[1] < 2 or curves.shape[:1] != x.shape:
        raise ValueError(
            f"curves has shape {curves.shape}: ({x.size}, n) with n > 1 is needed, x has {x.shape}"
        )
    _check_finite(x=x, curves=curves)
    order = np.argsort(x)
    return jackknife(curves[order], lambda some: crossing(x[order], some.mean(1), level))


def jackknife(samples, statistic):
    """Pseudo-values of a statistic of several repetitions, whose mean is free of bias in 1/n.

    Parameters
    ----------
    samples : numpy.ndarray, shape (..., n)
        Repetitions along the last axis, at least two.
    statistic : callable
        From an array like ``samples``, of any number of repetitions, to a number.

    Returns
    -------
    numpy.ndarray, shape (n,)
        ``n T - (n - 1) T_i``, with T_i the statistic without repetition i.

    Examples
    --------
    >>> jackknife(np.array([1.0, 2.0, 6.0]), np.mean).round(6).tolist()
    [1.0, 2.0, 6.0]
    """
    n = samples.shape[-1]
    without = [statistic(np.delete(samples, i, -1)) for i in range(n)]
    return n * statistic(samples) - (n - 1) * np.array(without)


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
    n_sizes : int
    confidence : float
    bootstrap, regression : tuple of float
        The two intervals that ``low`` and ``high`` enclose.
    """

    exponent: float
    low: float
    high: float
    log_prefactor: float
    chi2_per_dof: float
    n_sizes: int
    confidence: float
    bootstrap: tuple[float, float]
    regression: tuple[float, float]

    def predict(self, x):
        """Value of the fit at x."""
        return np.exp(self.log_prefactor) * np.asarray(x, float) ** self.exponent

    def excludes(self, value):
        """Whether a value of the exponent lies outside the interval."""
        return not self.low <= value <= self.high


def power_law(x, y, y_se=None, groups=None, *, seed, confidence=0.95, resamples=2000):
    """Fit a power law to repeated measurements.

    A weighted straight line through the logarithms of the means. Two intervals
    are formed and the ends of both together are reported: a percentile bootstrap that
    resamples repetitions jointly at all x (a repetition may share its random
    numbers between x), and that of the regression: the normal interval from the
    errors of the means, or Student's from the residuals' scatter where that is
    wider, since scatter also sees a curve that is not a power law.

    Assumed: repetitions are independent draws from one law at each x; errors of the
    means are small, so that the logarithm is linear over them; the power law holds
    over the whole range, which ``chi2_per_dof`` and :func:`local_exponents` test.

    Parameters
    ----------
    x : array_like, shape (sizes,)
        At least three.
    y : array_like, shape (sizes, repetitions)
        Positive on average at each x.
    y_se : array_like, shape (sizes, repetitions), optional
        Known error of each value, such as that of its Markov chain. The scatter
        between repetitions holds it already; it only keeps a scatter that is small
        by chance from giving a size too much weight.
    groups : {"shared", "independent"}, optional
        Whether the repetition of one index shares its randomness between sizes,
        so that it is resampled at all of them together, or does not. Shared by
        default, which is right for both and noisier for the second.
    seed : int
        Seed of the bootstrap.
    confidence : float
    resamples : int

    Returns
    -------
    PowerLaw

    Examples
    --------
    >>> fit = power_law([1, 2, 4], [[3.1, 2.9], [12.1, 11.9], [47, 49]], seed=0)
    >>> round(fit.exponent, 2), fit.excludes(2), fit.excludes(3)
    (2.0, False, True)
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if y.ndim != 2 or x.shape != y.shape[:1] or y.shape[0] < 3 or y.shape[1] < 2:
        raise ValueError(
            f"x has shape {x.shape}, y {y.shape}: (sizes,) and (sizes, repetitions) "
            "with at least 3 sizes and 2 repetitions are needed"
        )
    _check_finite(x=x, y=y)
    if groups not in (None, "shared", "independent"):
        raise ValueError(f"groups = {groups!r}: 'shared' or 'independent' is needed")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence = {confidence!r}: a number between 0 and 1 is needed")
    if (x <= 0).any() or (y.mean(1) <= 0).any():
        raise ValueError("x and the means of y must be positive to have logarithms")
    mean, error = mean_and_se(y, 1)
    if y_se is not None:
        y_se = np.asarray(y_se, float)
        if y_se.shape != y.shape or not (y_se >= 0).all():
            raise ValueError(f"y_se has shape {y_se.shape}: errors >= 0 like y's {y.shape}")
        error = np.maximum(error, np.sqrt((y_se**2).sum(1)) / y.shape[1])
    relative = error / mean
    # Errors from few repetitions scatter; none may dominate the fit.
    relative = np.maximum(relative, 0.5 * np.median(relative)) + 1e-12
    weights = 1 / relative**2

    centre = np.average(np.log(x), weights=weights)
    spread = np.log(x) - centre
    # The slope is linear in the logarithms of the means.
    slope_of = weights * spread / (weights * spread**2).sum()
    slope = slope_of @ np.log(mean)
    intercept = np.average(np.log(mean), weights=weights) - slope * centre
    residuals = (np.log(mean) - intercept - slope * np.log(x)) / relative
    dof = len(x) - 2
    chi2 = float((residuals**2).sum() / dof)
    tail = 0.5 + confidence / 2
    factor = max(stats.norm.ppf(tail), stats.t.ppf(tail, dof) * np.sqrt(chi2))
    half_width = factor / np.sqrt((weights * spread**2).sum())

    rng = np.random.default_rng(seed)
    sizes, n = y.shape
    together = 1 if groups != "independent" else sizes
    drawn = rng.integers(n, size=(resamples, together, n))
    means = np.take_along_axis(y[None], drawn, 2).mean(2)
    means = means[(means > 0).all(1)]
    if len(means) < 0.9 * resamples:
        raise ValueError("y is too noisy: resampled means are often not positive")
    slopes = np.log(means) @ slope_of
    low, high = np.quantile(slopes, [0.5 - confidence / 2, 0.5 + confidence / 2])
    bootstrap = float(low), float(high)
    regression = float(slope - half_width), float(slope + half_width)
    return PowerLaw(
        exponent=float(slope),
        low=min(bootstrap[0], regression[0]),
        high=max(bootstrap[1], regression[1]),
        log_prefactor=float(intercept),
        chi2_per_dof=chi2,
        n_sizes=len(x),
        confidence=confidence,
        bootstrap=bootstrap,
        regression=regression,
    )


def local_exponents(x, y):
    """Exponents between successive sizes: a drift with size shows corrections to scaling.

    Parameters
    ----------
    x : array_like, shape (sizes,)
        Increasing.
    y : array_like, shape (sizes, repetitions)
        Positive on average at each x, and independent between sizes.

    Returns
    -------
    middle, exponent, standard_error : numpy.ndarray, shape (sizes - 1,)
        Geometric mean of each pair of sizes, slope in log-log, and its error.
        Neighbours share a size, so their errors are anticorrelated.

    Examples
    --------
    >>> middle, exponent, error = local_exponents([1, 4], [[2, 2], [32, 32]])
    >>> middle.tolist(), exponent.tolist(), error.tolist()
    ([2.0], [2.0], [0.0])
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if x.ndim != 1 or y.ndim != 2 or x.shape != y.shape[:1] or len(x) < 2:
        raise ValueError(
            f"x has shape {x.shape}, y {y.shape}: (sizes,) and (sizes, repetitions) "
            "with at least 2 sizes are needed"
        )
    _check_finite(x=x, y=y)
    mean, error = mean_and_se(y, 1)
    if (x <= 0).any() or (np.diff(x) <= 0).any() or (mean <= 0).any():
        raise ValueError("x must be positive and increasing, and the means of y positive")
    step = np.diff(np.log(x))
    relative2 = (error / mean) ** 2
    slope = np.diff(np.log(mean)) / step
    return np.sqrt(x[1:] * x[:-1]), slope, np.sqrt(relative2[1:] + relative2[:-1]) / step


def _check_finite(**arrays):
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            where = np.argwhere(~np.isfinite(array))[0].tolist()
            raise ValueError(f"{name} is not finite at {where}: finite numbers are needed")
