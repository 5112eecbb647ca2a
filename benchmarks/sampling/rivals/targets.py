"""The posterior in jax: with all weights, and with the readout integrated out.

Coordinates are standard normal under the prior (non-centred): ``w = z_w / sqrt(d)``
and ``a = sqrt(s) z_a``. Energies are in nats, up to constants.
"""

from functools import partial
from math import log, sqrt

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import cho_solve, solve_triangular
from jax.scipy.special import erf

TOLERANCE = {"float64": 1e-9, "float32": 2e-4}  # of the comparison with featlearn, relative


class Full:
    """Hidden weights and readout, ``{"w": (N, d), "a": (N,)}``."""

    def __init__(self, problem, dtype):
        self.s, self.kappa = float(problem["readout_variance"]), float(problem["ridge"])
        self.constant, self.degree = float(problem["constant"]), int(problem["degree"])
        self.x = jnp.asarray(problem["x"], dtype)
        self.y = jnp.asarray(problem["y"], dtype)
        self.d, self.dtype = self.x.shape[1], dtype

    def position(self, weights, readout):
        """Coordinates of given weights (N, d) and readout (N,)."""
        w = jnp.asarray(weights * sqrt(self.d), self.dtype)
        return {"w": w, "a": jnp.asarray(readout / sqrt(self.s), self.dtype)}

    def features(self, position):
        return erf(self.x @ position["w"].T / sqrt(self.d))

    def energy(self, position):
        residual = self.features(position) @ position["a"] * sqrt(self.s) - self.y
        prior = jnp.sum(position["w"] ** 2) + jnp.sum(position["a"] ** 2)
        return jnp.sum(residual**2) / (2 * self.kappa) + prior / 2

    def neurons(self, position):
        """Alignment of each neuron at unit readout, (N,)."""
        w = position["w"] / sqrt(self.d)
        root = jnp.sqrt(1 + 2 * jnp.sum(w**2, 1))
        return self.constant * (w[:, 0] / root) ** self.degree

    def alignment(self, position, key):
        """The observable, E_x[f y]."""
        return sqrt(self.s) * jnp.dot(position["a"], self.neurons(position))


class Collapsed(Full):
    """Hidden weights only, ``{"w": (N, d)}``; the readout is drawn for the observable."""

    def position(self, weights, readout):
        return {"w": super().position(weights, readout)["w"]}

    def energy(self, position):
        data = _data_energy(self.features(position), self.y, self.s, self.kappa)
        return data + jnp.sum(position["w"] ** 2) / 2

    def alignment(self, position, key):
        # a ~ N(s A^-1 Phi^T y, s kappa A^-1), so g.a needs one triangular solve.
        phi, g = self.features(position), self.neurons(position)
        factor = _factor(phi, self.s, self.kappa)
        mean = self.s * jnp.dot(g, cho_solve((factor, True), phi.T @ self.y))
        half = solve_triangular(factor, g, lower=True)
        deviation = jnp.sqrt(self.s * self.kappa * jnp.dot(half, half))
        return mean + deviation * jax.random.normal(key, (), g.dtype)


def _factor(phi, s, kappa):
    """Cholesky factor of A = kappa I + s Phi^T Phi; N is below P everywhere here."""
    return jnp.linalg.cholesky(s * (phi.T @ phi) + kappa * jnp.eye(phi.shape[1], dtype=phi.dtype))


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _data_energy(phi, y, s, kappa):
    """y^T C^-1 y / 2 + log det C / 2 with C = kappa I + s Phi Phi^T.

    Its gradient is written out, as in featlearn: about twice as fast as through Cholesky.
    """
    return _data_energy_forward(phi, y, s, kappa)[0]


def _data_energy_forward(phi, y, s, kappa):
    factor = _factor(phi, s, kappa)
    inverse = cho_solve((factor, True), jnp.eye(phi.shape[1], dtype=phi.dtype))
    residual = (y - s * (phi @ (inverse @ (phi.T @ y)))) / kappa
    log_det = 2 * jnp.sum(jnp.log(jnp.diag(factor))) + (len(y) - phi.shape[1]) * log(kappa)
    return (jnp.dot(y, residual) + log_det) / 2, (phi, inverse, residual)


def _data_energy_backward(s, kappa, kept, upstream):
    phi, inverse, residual = kept
    slope = s * (phi @ inverse - jnp.outer(residual, residual @ phi))
    return upstream * slope, jnp.zeros_like(residual)  # nothing asks for the slope by y


_data_energy.defvjp(_data_energy_forward, _data_energy_backward)


def check(problem, dtype):
    """Energies, gradients and alignments must be featlearn's, in float64 and in ``dtype``."""
    with jax.enable_x64(True):
        _check(problem, "float64")
    _check(problem, dtype)


def _check(problem, dtype):
    for name, kind in (("full", Full), ("collapsed", Collapsed)):
        target = kind(problem, dtype)
        evaluate = jax.jit(jax.value_and_grad(target.energy))
        scale = {"w": 1 / sqrt(target.d), "a": sqrt(target.s)}  # slopes by the coordinates
        for i, weights in enumerate(problem["check_weights"]):
            position = target.position(weights, problem["check_readout"][i])
            energy, gradient = evaluate(position)
            _agree(energy, problem[f"check_{name}_energy"][i], dtype, f"{name} energy")
            for key, value in gradient.items():
                wanted = problem[f"check_{name}_by_{key}"][i] * scale[key]
                _agree(value, wanted, dtype, f"{name} slope by {key}")
            if kind is Full:
                found = target.alignment(position, None)
                _agree(found, problem["check_alignment"][i], dtype, "alignment")


def _agree(found, wanted, dtype, what):
    error = np.abs(np.asarray(found, float) - wanted).max() / np.abs(wanted).max()
    if not error < TOLERANCE[dtype]:
        raise AssertionError(f"{what}: differs from featlearn's by {error:.1e} in {dtype}")
