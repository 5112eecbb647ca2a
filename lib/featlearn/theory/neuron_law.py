r"""The law of one hidden neuron in a random network that is conditioned on its alignment.

Under the tilt exp(tau A_f) of the prior the neurons are independent, and with
the readout integrated out each has the density

    p(w)  proportional to  p_0(w) exp(tau^2 sigma_a2 g(mu, q)^2 / (2 N)),

since A_f is a sum over neurons and E_a exp(tau a g) = exp(tau^2 s g^2 / 2) for
a ~ N(0, s), s = sigma_a2 / N. The law depends on w through the overlap mu and
the rest, |w|^2 - mu^2, only.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from .alignment import alignment_constant, neuron_alignment

SMALLEST_REST = 0.02  # of the grids; the cheapest specialised neuron has a rest near 0.3


def rest_grid(d, lowest=SMALLEST_REST):
    """Grid and log weights of the prior of ``|w|^2 - mu^2``, Gamma((d-1)/2, scale 2/d).

    The grid is uniform in the logarithm, where the trapezoidal rule converges
    geometrically; sums of smooth functions with these weights are expectations.

    Parameters
    ----------
    d : int
        Input dimension, at least 2.
    lowest : float
        The grid reaches down to here, for laws that shift mass to small values.

    Returns
    -------
    rest2, log_weight : numpy.ndarray, shape (n,)
        The weights sum to one.
    """
    shape, width = (d - 1) / 2, np.sqrt(2 / d)
    low = min(-12 * width - 45 / shape, np.log(lowest))
    spacing = width / 6
    log_rest2 = np.arange(low, 10 * width + spacing, spacing)
    log_weight = shape * log_rest2 - d / 2 * np.exp(log_rest2)
    log_weight -= np.logaddexp.reduce(log_weight)
    return np.exp(log_rest2), log_weight


@dataclass(frozen=True)
class NeuronLaw:
    """The tilted law of one neuron.

    Parameters
    ----------
    d, N : int
        Input dimension (at least 2) and width.
    tilt : float
        tau, at least 0; 0 is the prior.
    degree : int
        Odd degree of the target.
    sigma_a2 : float
        Readout variance before it is divided by N.
    """

    d: int
    N: int
    tilt: float
    degree: int = 3
    sigma_a2: float = 1.0

    def __post_init__(self):
        alignment_constant(self.degree)  # refuses an even degree
        for name, least in (("d", 2), ("N", 1)):
            value = getattr(self, name)
            if int(value) != value or value < least:
                raise ValueError(f"{name} = {value!r}: an integer of at least {least} is needed")
        if not 0 <= self.tilt < np.inf:
            raise ValueError(f"tilt = {self.tilt!r}: a finite number of at least 0 is needed")
        if not 0 < self.sigma_a2 < np.inf:
            raise ValueError(f"sigma_a2 = {self.sigma_a2!r}: a positive number is needed")

    def log_weight(self, overlap, rest2):
        """Exponent of the tilt at an overlap and a rest, in nats."""
        g = neuron_alignment(overlap, overlap**2 + rest2, self.degree)
        return self.tilt**2 * self.sigma_a2 / (2 * self.N) * g**2

    @cached_property
    def _rest(self):
        return rest_grid(self.d)

    @cached_property
    def _overlap(self):
        """Positive half of the grid of overlaps; the trapezoidal rule on an even function."""
        width = 1 / np.sqrt(self.d)
        reach = max(12 * width, 3.5)
        return np.linspace(0, reach, int(np.ceil(reach / (width / 8))) + 1)

    def _log_joint(self, overlap):
        """Log of density in mu times weight of each rest, unnormalised: (n, rests)."""
        rest2, log_prior = self._rest
        overlap = np.asarray(overlap, float)[:, None]
        gaussian = -self.d * overlap**2 / 2 + 0.5 * np.log(self.d / (2 * np.pi))
        return gaussian + log_prior + self.log_weight(overlap, rest2)

    @cached_property
    def _grid_log_joint(self):
        return self._log_joint(self._overlap)

    @cached_property
    def _grid_log_step(self):
        """Log weights of the trapezoidal rule over the whole line, folded on its half."""
        steps = np.full(len(self._overlap), 2 * (self._overlap[1] - self._overlap[0]))
        steps[0] /= 2
        return np.log(steps)

    def log_partition(self):
        """Log of the mean of the tilt's weight under the prior, nats."""
        return float(np.logaddexp.reduce(self._grid_log_joint + self._grid_log_step[:, None], axis=None))

    def _mean(self, values):
        weight = np.exp(self._grid_log_joint + self._grid_log_step[:, None] - self.log_partition())
        return float((weight * values).sum())

    def overlap_density(self, overlap):
        """Density of the overlap mu.

        Parameters
        ----------
        overlap : array_like, shape (n,)

        Returns
        -------
        numpy.ndarray, shape (n,)
        """
        overlap = np.atleast_1d(np.asarray(overlap, float))
        return np.exp(np.logaddexp.reduce(self._log_joint(overlap), axis=1) - self.log_partition())

    def mean_rest2(self, overlap):
        """Mean of ``|w|^2 - mu^2`` at given overlaps, shape (n,)."""
        log_joint = self._log_joint(np.atleast_1d(np.asarray(overlap, float)))
        weight = np.exp(log_joint - log_joint.max(1, keepdims=True))
        return weight @ self._rest[0] / weight.sum(1)

    def mean_alignment(self):
        """Mean alignment of the whole network, ``tilt * sigma_a2 * E[g^2]``."""
        overlap, rest2 = self._overlap[:, None], self._rest[0]
        g = neuron_alignment(overlap, overlap**2 + rest2, self.degree)
        return self.tilt * self.sigma_a2 * self._mean(g**2)

    def probability_beyond(self, threshold):
        """Probability that ``|mu|`` exceeds a threshold."""
        if not 0 <= threshold < self._overlap[-1]:
            raise ValueError(f"threshold = {threshold!r}: at least 0 and below {self._overlap[-1]:.3g}")
        fine = np.linspace(threshold, self._overlap[-1], 4 * len(self._overlap))
        return float(2 * np.trapezoid(self.overlap_density(fine), fine))

    def barrier(self):
        """Overlap of the minimum between the central and the side peak; None if there is none."""
        found = self._side_structure
        return None if found is None else found[0]

    def mode(self):
        """Overlap of the side peak; None if there is none."""
        found = self._side_structure
        return None if found is None else found[1]

    @cached_property
    def _side_structure(self):
        # Steps of at least one standard deviation over eight; minima are refined below.
        grid = self._overlap
        log_density = np.logaddexp.reduce(self._grid_log_joint, axis=1)
        rising = np.flatnonzero(np.diff(log_density) > 0)
        if not len(rising):
            return None
        first, last = rising[0], rising[-1] + 1

        def refined(i, sign):
            low, high = grid[max(i - 1, 0)], grid[min(i + 1, len(grid) - 1)]
            return minimize_scalar(
                lambda v: sign * float(np.log(self.overlap_density(v))[0]),
                bounds=(low, high),
                method="bounded",
                options={"xatol": 1e-6},
            ).x

        return float(refined(first, 1)), float(refined(last, -1))


def tilt_for_alignment(alignment, d, N, degree=3, sigma_a2=1.0):
    """The tilt at which the mean alignment of the network has a given value.

    The mean alignment is N times the derivative of the convex
    :meth:`NeuronLaw.log_partition` and so grows with the tilt: there is one solution.

    Parameters
    ----------
    alignment : float
        Positive.
    d, N, degree, sigma_a2
        As in :class:`NeuronLaw`.

    Returns
    -------
    float
    """
    if not 0 < alignment < np.inf:
        raise ValueError(f"alignment = {alignment!r}: a positive finite number is needed")

    def excess(log_tilt):
        law = NeuronLaw(d, N, float(np.exp(log_tilt)), degree, sigma_a2)
        return np.log(law.mean_alignment() / alignment)

    low = high = 0.0
    while excess(low) > 0:
        low -= 2.0
    while excess(high) < 0:
        high += 1.0
    return float(np.exp(brentq(excess, low, high, xtol=1e-10)))
