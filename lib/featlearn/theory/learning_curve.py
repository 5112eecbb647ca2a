r"""Alignment against training size, without a fitted constant: one neuron on a background.

The tail of the prior says what an alignment costs, and the data say what it gains. In the
limit of large d with ``N / d = ratio`` and ``P / d = p`` both can be computed for a network in
which one neuron, ``a erf(w.x)`` with a of order one, carries the alignment. All others are a
background. Given ``t``, the sum of their squared readouts over ``sigma_a2``,

- its linear part is ``b.x`` with ``b ~ N(0, t lambda I / d)``, ``lambda = 4 sigma_a2 / 3 pi``;
- its nonlinear part can't be told from noise by P << d^3 samples, and adds ``t chi`` to the
  ridge, ``chi = (2 sigma_a2 / pi)(arcsin(2/3) - 2/3)``.

The free energy of a data set averages itself as d grows. It is computed with replicas: two
draws of (w, b) from one posterior share ``omega = (w.w_*, b.w_*) = (mu, b_*)``, and their other
components have the self-overlap ``S0 + T`` and the overlap ``S0`` (2 x 2 matrices). Per
dimension (nats), with ``Lambda = diag(1, 1/(t lambda))``,

.. math::

   \mathcal F = &-\frac{N}{2d}\Big[\frac{a^2}{\sigma_a^2}+t-1-\log t\Big]
   +\tfrac12\log\det\Lambda T+\tfrac12\mathrm{tr}\,T^{-1}S_0
   -\tfrac12\mathrm{tr}\,\Lambda(S_0+T)+1-\tfrac12\omega^T\Lambda\omega\\
   &+p\;\mathbb E_{z,u_0,g_0}\log\mathbb E_{\delta u,\delta g}\sqrt{\tfrac\kappa k}\,
   \exp\Big[-\frac{(y(z)-a\,\mathrm{erf}(\mu z+u_0+\delta u)-b_*z-g_0-\delta g)^2}{2k}\Big],

with ``k = kappa + t chi``, ``(u_0, g_0) ~ N(0, S_0)`` and ``(delta u, delta g) ~ N(0, T)``.
Without data and with ``S_0 = 0`` the first line is minus the energy of one condensed neuron
(:mod:`~featlearn.theory.condensate`). The stationary point gives the posterior's means.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from .alignment import neuron_alignment
from .sample_channel import LINEAR, NONLINEAR, Model, State, channel, ridge

TOLERANCE, MOST_STEPS, MEMORY = 1e-7, 1000, 6


class Saddle(NamedTuple):
    """Means of the posterior at one training size.

    Attributes
    ----------
    samples : float
        p = P / d.
    alignment : float
        Of the network, carried by the special neuron.
    readout, overlap, rest : float
        The special neuron's a, mu, and squared norm of its other weights.
    shared_rest : float
        Overlap of these other weights between two draws: what the data fix of them.
    linear : float
        Component of the background along ``w_*.x``, which cancels the neuron's.
    scale : float
        t, sum of the background's squared readouts over its prior mean.
    background_scale : float
        The same without the special neuron.
    gain : float
        Free energy that the special neuron saves, nats per dimension.
    """

    samples: float
    alignment: float
    readout: float
    overlap: float
    rest: float
    shared_rest: float
    linear: float
    scale: float
    background_scale: float
    gain: float


START = State(-1.5, 3.0, np.array([1.2, 0.5]), np.diag([0.3, 0.3]), np.diag([0.05, 0.3]))


def learning_curve(samples, ratio=1.0, degree=3, kappa=0.1, sigma_a2=1.0):
    """Follow the network with one special neuron from large training sizes to small ones.

    Parameters
    ----------
    samples : sequence of float
        Values of P / d, positive.
    ratio : float
        N / d.
    degree : int
        Degree m of the target, 3.
    kappa : float
        Ridge.
    sigma_a2 : float
        Readout variance before it is divided by N.

    Returns
    -------
    list of Saddle
        In the order of ``samples``.

    Raises
    ------
    ValueError
        If an argument is outside its range, or the equations are not solved.

    Examples
    --------
    >>> (point,) = learning_curve([5.0])
    >>> round(point.alignment, 2), round(point.overlap, 1)
    (0.21, 1.1)
    """
    samples = np.atleast_1d(np.asarray(samples, float))
    if degree != 3:
        raise ValueError(f"degree = {degree!r}: 3 is needed; no other target has been solved")
    checked = dict(samples=samples, ratio=ratio, kappa=kappa, sigma_a2=sigma_a2)
    for name, value in checked.items():
        if np.size(value) == 0 or not (np.all(np.asarray(value) > 0) and np.isfinite(value).all()):
            raise ValueError(f"{name} = {value!r}: positive finite numbers are needed")
    model = Model(float(ratio), float(kappa), float(sigma_a2), int(degree))
    state, found = START, {}
    for p in np.sort(samples)[::-1]:
        state = solve(state, p, model)
        found[p] = _summary(state, p, model)
    return [found[p] for p in samples]


def threshold(level=0.1, ratio=1.0, degree=3, kappa=0.1, sigma_a2=1.0, high=8.0):
    """P_* / d: the training size at which the alignment is ``level``.

    Parameters
    ----------
    level : float
        Between 0 and the alignment at ``high``.
    ratio, degree, kappa, sigma_a2
        As in :func:`learning_curve`.
    high : float
        Value of P / d from which to come down.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the level is not passed between ``high`` and an eighth of it.
    """
    settings = ratio, degree, kappa, sigma_a2
    first = learning_curve([high], *settings)[0]  # checks the arguments
    if not 0 < level < first.alignment:
        raise ValueError(
            f"level = {level!r}: between 0 and {first.alignment:.3g}, the alignment at "
            f"P = {high:g} d, is needed"
        )
    model = Model(float(ratio), float(kappa), float(sigma_a2), int(degree))
    states = [(high, solve(START, high, model))]
    while _alignment(states[-1][1], model) >= level:
        p = 0.85 * states[-1][0]
        if p < high / 8:
            raise ValueError(f"level = {level!r}: not passed down to P = {p:g} d")
        states.append((p, solve(states[-1][1], p, model)))
    (above, start), (below, _) = states[-2:]
    return float(
        brentq(lambda p: _alignment(solve(start, p, model), model) - level, below, above, xtol=1e-3)
    )


def background_free_energy(p, model):
    """F without a special neuron, and the scale t that maximises it.

    Parameters
    ----------
    p : float
    model : Model

    Returns
    -------
    free_energy, scale : float
    """

    def at(log_t):
        t = np.exp(log_t)
        k, slope = ridge(t, model), t * LINEAR * model.sigma_a2
        # (1/P) tr of the inverse label covariance, by Marchenko and Pastur
        tau = brentq(lambda x: 1 / x - k - slope / (1 + slope * p * x), 1e-12, 1 / k)
        log_det = np.log(1 / tau) + np.log1p(slope * p * tau) / p
        log_det -= slope * tau / (1 + slope * p * tau)
        return _scale_cost(t, model) - p / 2 * (tau + log_det - np.log(model.kappa))

    best = minimize_scalar(
        lambda x: -at(x), bounds=(-4, 5), method="bounded", options={"xatol": 1e-10}
    )
    return float(-best.fun), float(np.exp(best.x))


def free_energy(state, p, model):
    """F of the module's text at any State, stationary or not; nats per dimension."""
    prior = np.diag([1, 1 / (state.t * LINEAR * model.sigma_a2)])
    entropy = 0.5 * np.linalg.slogdet(prior @ state.T)[1] + 1
    entropy += 0.5 * np.trace(np.linalg.solve(state.T, state.S0))
    entropy -= 0.5 * (np.trace(prior @ (state.S0 + state.T)) + state.m @ prior @ state.m)
    readout = -model.ratio * state.a**2 / (2 * model.sigma_a2)
    return float(
        readout + _scale_cost(state.t, model) + entropy + p * channel(state, model).log_evidence
    )


def solve(state, p, model):
    """Stationary point of F nearest to a start, by Anderson's acceleration of its fixed point.

    Parameters
    ----------
    state : State
        Start.
    p : float
    model : Model

    Returns
    -------
    State

    Raises
    ------
    ValueError
        If it does not converge.
    """
    x = _pack(state)
    steps, images = [], []
    for _ in range(MOST_STEPS):
        image = _pack(_update(_unpack(x), p, model))
        step = image - x
        if np.abs(step).max() < TOLERANCE:
            return _unpack(image)
        steps, images = [*steps, step][-MEMORY:], [*images, image][-MEMORY:]
        new = 0.5 * (x + image)
        if len(steps) > 2 and np.abs(step).max() < 0.05:
            differences = np.diff(steps, axis=0)
            weights, *_ = np.linalg.lstsq(differences.T, step, rcond=1e-10)
            accelerated = image - weights @ np.diff(images, axis=0)
            if np.abs(accelerated - x).max() < 0.3 and _valid(accelerated):
                new = accelerated
        x = new
    raise ValueError(f"samples = {p!r}: the equations were not solved in {MOST_STEPS} steps")


def _update(state, p, model):
    """One step of the fixed point whose solution makes F stationary."""
    found = channel(state, model)
    k, slope = ridge(state.t, model), LINEAR * model.sigma_a2
    prior = np.diag([1, 1 / (state.t * slope)])
    # Half of the old precision keeps T positive where the curvature is not.
    T = np.linalg.inv(0.5 * (np.linalg.inv(state.T) + prior + p * found.curvature))
    m = T @ (p * (found.along + found.curvature @ state.m))
    a = p * (found.pull + state.a * found.power) / k
    a /= model.ratio / model.sigma_a2 + p * found.power / k
    size = state.T[1, 1] + state.S0[1, 1] + state.m[1] ** 2  # |b|^2

    def by_scale(t):
        at = ridge(t, model)
        noise = p * NONLINEAR * model.sigma_a2 * (found.residual / at**2 - 1 / at)
        return -model.ratio * (1 - 1 / t) + size / (t**2 * slope) - 1 / t + noise

    return State(a, brentq(by_scale, 1e-4, 1e4), m, (T + T.T) / 2, p * T @ found.force @ T)


def _scale_cost(t, model):
    return -model.ratio / 2 * (t - 1 - np.log(t))


def _summary(state, p, model):
    background, scale = background_free_energy(p, model)
    rest = state.T[0, 0] + state.S0[0, 0]
    return Saddle(
        float(p),
        _alignment(state, model),
        float(state.a),
        float(state.m[0]),
        float(rest),
        float(state.S0[0, 0]),
        float(state.m[1]),
        float(state.t),
        scale,
        free_energy(state, p, model) - background,
    )


def _alignment(state, model):
    norm2 = state.m[0] ** 2 + state.T[0, 0] + state.S0[0, 0]
    return float(state.a * neuron_alignment(state.m[0], norm2, model.degree))


def _pack(state):
    upper = [(0, 0), (0, 1), (1, 1)]
    return np.r_[
        state.a, state.t, state.m, [state.T[i] for i in upper], [state.S0[i] for i in upper]
    ]


def _unpack(x):
    T, S0 = (np.array([[q[0], q[1]], [q[1], q[2]]]) for q in (x[4:7], x[7:10]))
    return State(float(x[0]), float(x[1]), x[2:4], T, S0)


def _valid(x):
    state = _unpack(x)
    definite = all(m[0, 0] > 0 and np.linalg.det(m) > 0 for m in (state.T, state.S0))
    return state.t > 0 and definite
