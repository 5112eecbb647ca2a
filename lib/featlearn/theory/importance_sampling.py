r"""The tail of the alignment from random networks that have it, weighted back to the prior.

Given the hidden weights, A_f is Gaussian with variance ``V = s sum_j g_j**2``,
``s = sigma_a2 / N``, under the prior, so the tail is a mean over V. Networks with enough of
it are proposed in one of two ways, which use the law of one neuron's v only.

*Tilted.* Under the tilt neurons are independent, and with ``K = N log Z_t``

.. math:: \Pr[A_f\ge\alpha]=\mathbb E_t\Big[e^{K(t)-t^2V/2}\,
          \tfrac12\,\mathrm{erfc}\frac{\alpha}{\sqrt{2V}}\Big].

*Condensed.* Where few neurons carry the alignment no tilt has the right number of them. M
neurons, whichever, are drawn near the v of the condensate and the others from the prior. With
the ratios ``r_j = h(v_j) / p_0(v_j)`` the proposal over the prior is the elementary symmetric
polynomial ``e_M(r) / binom(N, M)``, averaged over a few M.

Where few neurons carry the alignment half of the networks come from each, and every one is
weighted by the mixture, so that neither needs to be good alone. The relative error does not
grow with the depth of the tail.
"""

from itertools import chain
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, log_ndtr, logsumexp

from .alignment import alignment_constant
from .condensate import at_count, condensate, neuron_cost
from .neuron_law import NeuronLaw, tilt_for_alignment

MOST_NUMBERS = 4_000_000  # held at once
FINE = 20_000  # points of the grid on which v is drawn
MOST_CONDENSED = 8  # neurons that are proposed one by one; more are proposed by the tilt
SHALLOW = 8.0  # nats: below it the bulk matters as much, and the tilt serves


class TailEstimate(NamedTuple):
    """A sampled log probability (nats) and the relative standard error of the probability."""

    log_probability: float
    relative_error: float


def tilted_variances(alpha, d, N, degree=3, sigma_a2=1.0, *, draws, rng):
    """Networks drawn at the tilt whose mean alignment is alpha: the variance V of each.

    Parameters
    ----------
    alpha : float
        Positive.
    d, N, degree, sigma_a2
        As in :class:`~featlearn.theory.neuron_law.NeuronLaw`.
    draws : int
        Number of networks.
    rng : numpy.random.Generator

    Returns
    -------
    tilt : float
        Given V, the alignment of a tilted network is Gaussian: mean ``tilt V``, variance V.
    variances : numpy.ndarray, shape (draws,)
    """
    _check(draws)
    tilt = tilt_for_alignment(alpha, d, N, degree, sigma_a2)
    per_neuron = _per_neuron(N, degree, sigma_a2)
    parts = _tilted(NeuronLaw(d, N, tilt, degree, sigma_a2), draws, max(1, MOST_NUMBERS // N), rng)
    return tilt, np.concatenate([per_neuron(v).sum(axis=1) for v in parts])


def _per_neuron(N, degree, sigma_a2):
    """What a neuron at v adds to V."""
    scale = sigma_a2 * alignment_constant(degree) ** 2 / N
    return lambda v: scale * (v**2 / (1 + 2 * v**2)) ** int(degree)


def _tilted(law, draws, size, rng):
    """Draws of v under the tilt, (size, N) at a time."""
    v = np.linspace(0, law.reach(), FINE)
    log_p, _ = law.combined(v)
    log_w = log_p + law.log_weight(v, 0.0)  # which depends on v alone
    density = np.exp(log_w - log_w.max())
    cumulative = np.r_[0.0, np.cumsum(density[1:] + density[:-1])]
    for start in range(0, draws, size):
        places = rng.random((min(draws - start, size), law.N)) * cumulative[-1]
        yield np.interp(places, cumulative, v)


def sampled_log_tail(alpha, d, N, degree=3, sigma_a2=1.0, *, draws=20_000, rng):
    """Estimate of the log tail probability at any depth.

    Arguments as in :func:`tilted_variances`.

    Returns
    -------
    TailEstimate

    Examples
    --------
    >>> found = sampled_log_tail(1.0, 20, 20, rng=np.random.default_rng(0))
    >>> found.relative_error < 0.03, round(found.log_probability)
    (True, -152)
    """
    _check(draws)
    tilt = tilt_for_alignment(alpha, d, N, degree, sigma_a2)
    law = NeuronLaw(d, N, tilt, degree, sigma_a2)
    few = condensate(alpha, N / d, degree, sigma_a2) if degree > 1 else None
    if few is None or few.count > MOST_CONDENSED or d * few.energy < SHALLOW:
        mixture = None
    else:
        mixture = _Condensed(law, alpha, few.count)
    per_neuron = _per_neuron(N, degree, sigma_a2)
    K = N * law.log_partition()
    log_w = []
    size = max(1, MOST_NUMBERS // (N * (MOST_CONDENSED + 2)))
    half = draws // 2 if mixture else 0
    proposals = [_tilted(law, draws - half, size, rng)]
    if mixture:
        proposals.append(mixture.draw(half, size, rng))
    for v in chain(*proposals):
        V = per_neuron(v).sum(axis=1)
        log_q = tilt**2 * V / 2 - K  # of the proposal over the prior
        if mixture:
            shares = np.log([(draws - half) / draws, half / draws])
            log_q = np.logaddexp(log_q + shares[0], mixture.log_ratio(v) + shares[1])
        log_w.append(log_ndtr(-alpha / np.sqrt(V)) - log_q)
    log_w = np.concatenate(log_w)
    weights = np.exp(log_w - log_w.max())
    mean = weights.mean()
    error = weights.std(ddof=1) / (mean * np.sqrt(draws))
    return TailEstimate(float(log_w.max() + np.log(mean)), float(error))


def _check(draws):
    if isinstance(draws, bool) or int(draws) != draws or draws < 2:
        raise ValueError(f"draws = {draws!r}: an integer of at least 2 is needed")


class _Condensed:
    """Networks with about ``count`` condensed neurons, which are drawn near the condensate's v."""

    def __init__(self, law, alpha, count):
        d, N = law.d, law.N
        pull = N / d * alpha**2 / (2 * law.sigma_a2)
        self.N = N
        self.options = [M for M in (count - 1, count, count + 1) if 1 <= M <= N]
        self.places = [_place(M, pull, d, law.degree) for M in self.options]
        reach = max(law.reach(), max(v + 15 * width for v, width in self.places))
        self.grid = np.linspace(0, reach, FINE)
        log_p, _ = law.combined(self.grid)
        self.log_p = log_p - logsumexp(log_p[1:-1]) - np.log(self.grid[1])
        density = np.exp(self.log_p)
        self.cumulative = np.r_[0.0, np.cumsum(density[1:] + density[:-1])]

    def draw(self, draws, size, rng):
        """Draws of v, (size, N) at a time; which neurons are condensed does not matter."""
        for start in range(0, draws, size):
            n = min(draws - start, size)
            places = rng.random((n, self.N)) * self.cumulative[-1]
            v = np.interp(places, self.cumulative, self.grid)
            which = rng.integers(len(self.options), size=n)
            for i, (M, (centre, width)) in enumerate(zip(self.options, self.places, strict=True)):
                rows = which == i
                wide = np.where(rng.random((rows.sum(), M)) < 0.3, 3.0, 1.0)
                v[rows, :M] = np.abs(centre + width * wide * rng.standard_normal(wide.shape))
            yield v

    def log_ratio(self, v):
        """Log of the proposal over the prior, both symmetric in the neurons."""
        log_prior = np.interp(v, self.grid, self.log_p)
        terms = [
            _log_symmetric(_log_bump(v, *place) - log_prior, M)
            for M, place in zip(self.options, self.places, strict=True)
        ]
        return logsumexp(terms, axis=0) - np.log(len(self.options))


def _place(M, pull, d, degree):
    """Where M condensed neurons lie, and how widely to propose them."""
    _, v = at_count(M, pull, degree)
    c2 = alignment_constant(degree) ** 2

    def energy(x):
        return M * neuron_cost(x) + pull / (M * c2 * (x**2 / (1 + 2 * x**2)) ** degree)

    step = 1e-3 * v
    curvature = (energy(v + step) - 2 * energy(v) + energy(v - step)) / step**2
    return v, 1.5 / np.sqrt(d * curvature / M)


def _log_bump(v, centre, width):
    """Log density on v >= 0 of ``|centre + width * s * normal|``, s = 1 (70 %) or 3 (30 %)."""
    parts = []
    for share, wide in ((0.7, 1.0), (0.3, 3.0)):
        for sign in (1, -1):
            z = (v - sign * centre) / (width * wide)
            norm = np.log(share / (width * wide * np.sqrt(2 * np.pi)))
            parts.append(norm - z**2 / 2)
    return logsumexp(parts, axis=0)


def _log_symmetric(log_r, M):
    """Log of ``e_M(r) / binom(N, M)`` for each row of log ratios (n, N)."""
    n, N = log_r.shape
    sums = np.full((M + 1, n), -np.inf)
    sums[0] = 0.0
    for j in range(N):
        sums[1:] = np.logaddexp(sums[1:], sums[:-1] + log_r[:, j])
    return sums[M] - (gammaln(N + 1) - gammaln(M + 1) - gammaln(N - M + 1))
