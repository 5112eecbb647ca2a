r"""The variational bound on ``E(alpha) = -log p(alpha)`` of two layers, eq. (7) in full.

Trial networks: M neurons follow a trial law, the other N - M the prior. The trial law of
a neuron has ``mu ~ N(m, v/d)`` and, for the rest, ``r2 ~ rest * Gamma((d-1)/2, 2/d)``; the
prior is m = 0, v = 1, rest = 1. Gaussian feature learning is M = N with m = 0; specialization
is a few neurons at m of order one. Given the hidden weights the alignment is
Gaussian with variance ``s S``, ``S = sum_j g_j**2``, ``s = sigma_a2 / N``. With
``p(alpha) = E_0 p(alpha | S)``, the non-negative Kullback-Leibler divergence gives

.. math:: E(\alpha) \le M\,\mathrm{KL}(q\,\|\,p_0)
          + \frac{\alpha^2}{2s}\,\mathbb E_q[S^{-1}] + \frac12\,\mathbb E_q\log(2\pi s S).

The means over S need its Laplace transform alone, a product over neurons:
``E[1/S] = int phi(u) du`` and ``E[log S] = int (exp(-u) - phi(u)) du/u``.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import gammaln, roots_genlaguerre

from .alignment import neuron_alignment

RESTS = 6  # points of the quadrature over the rest of a trial neuron
# The Laplace variable. A sum S over few neurons may be very small: log u must range widely.
LOG_U = np.linspace(-12.0, 60.0, 289)
U, STEP = np.exp(LOG_U), LOG_U[1] - LOG_U[0]


@dataclass(frozen=True)
class TrialNeuron:
    """Law of a neuron in the trial network.

    Parameters
    ----------
    mean : float
        Mean m of the overlap.
    variance : float
        Variance v of the overlap, in units of the prior's 1/d; positive.
    rest : float
        Factor on the squared norm of the other weights; positive.
    """

    mean: float = 0.0
    variance: float = 1.0
    rest: float = 1.0

    def __post_init__(self):
        for name in ("variance", "rest"):
            if not 0 < getattr(self, name) < np.inf:
                raise ValueError(f"{name} = {getattr(self, name)!r}: a positive number is needed")

    def quadratic_cost(self, d):
        """What eq. (8) keeps of the divergence, halved: ``(d m^2 + v - 1) / 2``, nats."""
        return 0.5 * (d * self.mean**2 + self.variance - 1)

    def divergence(self, d):
        """Kullback-Leibler divergence from the prior, nats."""
        of_rest = 0.5 * (d - 1) * (self.rest - 1 - np.log(self.rest))
        return self.quadratic_cost(d) - 0.5 * np.log(self.variance) + of_rest

    def log_transform(self, u, d, degree):
        """Log of the Laplace transform ``E[exp(-u g**2)]`` of one neuron, shape of ``u``."""
        sd = np.sqrt(self.variance / d)
        if abs(self.mean) > 8 * sd:
            mu = self.mean + sd * np.linspace(-8, 8, 81)
            step = np.ones_like(mu)
        else:  # at large u only overlaps near 0 count: a grid that is fine there, at every scale
            y = np.linspace(-1, 1, 1201) * np.arcsinh(1e6)
            mu = (abs(self.mean) + 8 * sd) * 1e-6 * np.sinh(y)
            step = np.cosh(y)
        r, of_rest = roots_genlaguerre(RESTS, (d - 3) / 2)
        norm2 = mu[:, None] ** 2 + self.rest * 2 / d * r
        g2 = neuron_alignment(mu[:, None], norm2, degree) ** 2
        weight = np.outer(step * np.exp(-(((mu - self.mean) / sd) ** 2) / 2), of_rest)
        transform = np.exp(-np.outer(u, g2.ravel())) @ (weight / weight.sum()).ravel()
        # A neuron that is nowhere near zero overlap has a transform that underflows.
        return np.log(np.maximum(transform, 1e-300))


PRIOR = TrialNeuron()


@dataclass(frozen=True)
class Bound:
    """The variational bound of one trial network, and its parts, in nats.

    Attributes
    ----------
    neuron : TrialNeuron
    count : int
        Number M of neurons that follow it.
    quadratic : float
        ``M (d m^2 + v - 1)/2``: the cost that eq. (8) keeps.
    determinant : float
        ``-M log(v)/2``: the log-determinant along the feature.
    rest : float
        Divergence of the weights orthogonal to the feature, which eq. (8) does not move.
    readout : float
        ``alpha^2 E[1/S] / 2s``, the readout term of eq. (8).
    normaliser : float
        ``E log(2 pi s S) / 2``, the readout's log-determinant.
    choices : float
        ``log(2^M N!/(M! (N-M)!))``: which neurons, and which signs. A trial law that is a
        mixture over them all has a divergence that is lower by as much, if its
        components do not overlap; 0 for a law that is its own mirror image.
    """

    neuron: TrialNeuron
    count: int
    quadratic: float
    determinant: float
    rest: float
    readout: float
    normaliser: float
    choices: float

    @property
    def total(self):
        """float: the bound on E(alpha)."""
        return self.quadratic + self.determinant + self.rest + self.readout + self.normaliser

    @property
    def estimate(self):
        """float: the bound less ``choices``: an estimate, as components overlap a little."""
        return self.total - self.choices


class TwoLayerBound:
    """The bound for one problem; the prior neurons' transform is computed once.

    Parameters
    ----------
    alpha : float
        Alignment, positive.
    d, N : int
        Input dimension, at least 4, and width.
    degree : int
        Odd degree m of the target.
    sigma_a2 : float
        Readout variance before it is divided by N.
    """

    def __init__(self, alpha, d, N, degree=3, sigma_a2=1.0):
        if not 0 < alpha < np.inf:
            raise ValueError(f"alpha = {alpha!r}: a positive finite number is needed")
        if int(d) != d or d < 4:
            raise ValueError(f"d = {d!r}: an integer of at least 4 is needed")
        self.alpha, self.d, self.N, self.degree = alpha, int(d), N, degree
        self.s = sigma_a2 / N
        self.prior = PRIOR.log_transform(U, self.d, degree)

    def __call__(self, neuron, count):
        """The :class:`Bound` with ``count`` neurons (between 0 and N) of a trial law."""
        if not 0 <= count <= self.N:
            raise ValueError(f"count = {count!r}: between 0 and N = {self.N} is needed")
        log_phi = (self.N - count) * self.prior
        if count:
            log_phi = log_phi + count * neuron.log_transform(U, self.d, self.degree)
        phi = np.exp(log_phi)
        inverse = STEP * (phi * U).sum() + U[0]
        log_mean = STEP * (np.exp(-U) - phi).sum()
        along = -0.5 * np.log(neuron.variance)
        return Bound(
            neuron,
            count,
            quadratic=count * neuron.quadratic_cost(self.d),
            determinant=count * along,
            rest=count * (neuron.divergence(self.d) - neuron.quadratic_cost(self.d) - along),
            readout=0.5 * self.alpha**2 / self.s * inverse,
            normaliser=0.5 * (np.log(2 * np.pi * self.s) + log_mean),
            choices=self._choices(count) if neuron.mean else 0.0,
        )

    def _choices(self, count):
        N = self.N
        return count * np.log(2) + gammaln(N + 1) - gammaln(count + 1) - gammaln(N - count + 1)

    def gaussian_process(self):
        """No neuron leaves the prior."""
        return self(PRIOR, 0)

    def gaussian_feature_learning(self):
        """All neurons have a larger variance along the feature; the best one."""
        return self._least(
            lambda v: (TrialNeuron(0.0, np.exp(v[0]), np.exp(v[1])), self.N), [1.0, 0.0]
        )

    def specialization(self, free_rest=True, choices=False):
        """The best number of neurons at the best overlap.

        Parameters
        ----------
        free_rest : bool
            Let the rest of a specialised neuron's weights shrink; if not, it keeps the
            prior's law, as in the paper's pattern.
        choices : bool
            Minimise :attr:`Bound.estimate` instead of :attr:`Bound.total`.
        """
        value = (lambda b: b.estimate) if choices else (lambda b: b.total)

        def best(count, start):
            def trial(v):
                rest = np.exp(v[2]) if free_rest else 1.0
                return TrialNeuron(np.exp(v[0]), np.exp(v[1]), rest), count

            return self._least(trial, start)

        least, count = best(1, [0.2, -0.5, -0.5] if free_rest else [0.2, -0.5]), 1
        while count < self.N:  # the energy is a trough in M: go down until it rises
            neuron = least.neuron
            start = np.log([neuron.mean, neuron.variance, neuron.rest])[: 3 if free_rest else 2]
            following = best(count + 1, start)
            if value(following) >= value(least):
                break
            least, count = following, count + 1
        return least

    def _least(self, trial, start):
        simplex = np.vstack([start, start + 0.15 * np.eye(len(start))])
        found = minimize(
            lambda v: self(*trial(v)).total,
            start,
            method="Nelder-Mead",
            options={"xatol": 1e-3, "fatol": 1e-3, "initial_simplex": simplex},
        )
        return self(*trial(found.x))
