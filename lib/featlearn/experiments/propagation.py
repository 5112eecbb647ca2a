"""How features pass from layer to layer (paper claims i-iii), measured on sampled kernels.

Inputs are n draws of N(0, I_d), a kernel is an n x n Gram matrix K, and a function f
is the vector of its values. Three numbers say how strong f is in the kernel; for an
eigenfunction they are its eigenvalue:

- ``form``, the quadratic form ``<f, K, f>`` of a function with ``<f, f> = 1`` (the diagonal
  left out, which would bias it, and so would a normalisation on the sample);
- ``median_eigenvalue``, the eigenvalue below which half of the squared projections of f lie;
- ``inverse_norm``, the inverse of the squared RKHS norm ``f^T K^-1 f`` on the sample, for f
  with ``|f|**2 = n`` there.
"""

import numpy as np
import xarray as xr
from scipy.special import erf

from featlearn.theory.hermite import normalised_hermite
from featlearn.theory.kernels import erf_kernel

from .experiment import Experiment, grid
from .spot import Spot

SPIKE, AMPLIFY, LAZY = "propagation-spike", "propagation-amplify", "propagation-lazy"
NAMES = {
    SPIKE: "Claim (i): specialised neurons add a spike to the next kernel.",
    AMPLIFY: "Claim (ii): an amplified feature lifts its powers in the next kernel.",
    LAZY: "Claim (iii): random networks of two layers keep the strength of each degree.",
}


def points(name, size="full"):
    """Configurations of one of the three experiments. ``live`` is a part of ``full``."""
    if name == SPIKE:
        counts = (1, 2, 5, 10, 20, 50, 100, 200)
        sizes = (300, 1200) if size == "full" else (300,)
        seeds = 32 if size == "full" else 3
        settings = {"claim": "i", "d": 20, "n": 300, "N": 2000, "M": 1, "seeds": seeds}
        return grid(settings, n=sizes, M=counts if size == "full" else counts[::3])
    if name == AMPLIFY:
        seeds = 12 if size == "full" else 1
        amplifications = {
            12: (1, 2, 3, 4, 6, 8, 12, 24, 48, 96),
            40: (1, 2, 4, 6, 8, 10, 13, 16, 20, 40, 80, 160, 320),
        }
        if size != "full":
            amplifications = {12: (2, 6)}
        return [
            {"claim": "ii", "d": d, "n": 2000, "D": D, "seeds": seeds}
            for d, values in amplifications.items()
            for D in values
        ]
    if name == LAZY:
        dimensions = (4, 6, 8, 12, 16) if size == "full" else (4, 8)
        n, seeds = (2000, 16) if size == "full" else (1000, 6)
        settings = {"claim": "iii", "d": 4, "n": n, "N": 2 * n, "seeds": seeds}
        return grid(settings, d=dimensions)
    raise ValueError(f"name = {name!r}: one of {list(NAMES)} is needed")


def _form(K, f):
    """U-statistic of ``<f, K, f>``: pairs of distinct inputs only, hence without bias."""
    n = len(f)
    return float((f @ K @ f - (f**2) @ np.diag(K)) / (n * (n - 1)))


def run_point(config):
    """Measure one point; the variables have the dimensions (seed, ...)."""
    measure = {"i": _spike, "ii": _amplified, "iii": _lazy}[config["claim"]]
    rows = [measure(config, np.random.default_rng([7, i])) for i in range(config["seeds"])]
    return xr.concat(rows, "seed")


def _spike(config, rng):
    """M of N neurons are erf(w_*.x), the others random; the function is erf(w_*.x) itself."""
    d, n, N, M = (config[key] for key in ("d", "n", "N", "M"))
    x = rng.standard_normal((n, d))
    phi = erf(x @ rng.standard_normal((d, N)) / np.sqrt(d))
    z = x[:, 0]
    spike, cubic = erf(z), normalised_hermite(3, z)
    replaced = phi[:, :M].copy()
    phi[:, :M] = spike[:, None]
    K = phi @ phi.T / N
    bulk = erf_kernel(x)

    def inverse_norm(K, f):
        return 1 / (f @ np.linalg.solve(K, f))

    return xr.Dataset(
        {
            "inverse_norm": inverse_norm(K, spike),
            "bulk_inverse_norm": inverse_norm(bulk, spike),
            "cubic_form": _form(K, cubic),
            "cubic_gain": _form(K - (phi[:, M:] @ phi[:, M:].T + replaced @ replaced.T) / N, cubic),
            "cubic_inverse_norm": inverse_norm(K, cubic * np.sqrt(n / (cubic @ cubic))),
        }
    )


def _amplified(config, rng):
    """Weights with covariance (I + (D - 1) w_* w_*^T)/d; the functions are Hermite degrees."""
    d, n, D = (config[key] for key in ("d", "n", "D"))
    x = rng.standard_normal((n, d))
    covariance = np.eye(d) / d
    covariance[0, 0] *= D
    K = erf_kernel(x, weight_covariance=covariance)
    values, vectors = np.linalg.eigh(K / n)
    rows, degrees = [], [1, 3, 5]
    for degree in degrees:
        f = normalised_hermite(degree, x[:, 0])
        share = (vectors.T @ f) ** 2 / (f @ f)  # of |f|^2, on each eigenvector
        median = values[np.searchsorted(share.cumsum(), 0.5)]
        rows.append(
            (
                _form(K, f),
                median,
                1 / (share / values).sum(),
                share.max(),
                values[share.argmax()],
            )
        )
    names = ("form", "median_eigenvalue", "inverse_norm", "largest_share", "nearest_eigenvalue")
    columns = zip(names, np.transpose(rows), strict=True)
    return xr.Dataset(
        {name: ("degree", column) for name, column in columns}, coords={"degree": degrees}
    )


def _lazy(config, rng):
    """Random networks of two layers: quadratic forms after each, at finite width."""
    d, n, N = (config[key] for key in ("d", "n", "N"))
    x = rng.standard_normal((n, d))
    first = erf(x @ rng.standard_normal((d, N)) / np.sqrt(d))
    second = erf(first @ rng.standard_normal((N, N)) / np.sqrt(N))
    forms = [
        [_form(phi @ phi.T / N, normalised_hermite(k, x[:, 0])) for k in (1, 3)]
        for phi in (first, second)
    ]
    return xr.Dataset(
        {"form": (("layer", "degree"), forms)}, coords={"layer": [1, 2], "degree": [1, 3]}
    )


UNITS = {
    "form": "quadratic form <f, K, f> of the normalised function",
    "median_eigenvalue": "median eigenvalue, weighted by squared projections",
    "inverse_norm": "inverse squared RKHS norm on the sample",
    "largest_share": "largest squared projection on one eigenvector",
    "nearest_eigenvalue": "eigenvalue of that eigenvector",
    "bulk_inverse_norm": "the same in the kernel of infinitely many random neurons",
    "cubic_form": "quadratic form of the cubic target",
    "cubic_gain": "that form less the form of the same kernel with random neurons only",
    "cubic_inverse_norm": "inverse squared RKHS norm of the cubic target on the sample",
    "d": "input dimension",
    "n": "number of inputs",
    "N": "width of each layer",
    "M": "number of specialised neurons",
    "D": "amplification along w_*",
    "degree": "Hermite degree of the function",
    "layer": "number of erf layers",
}


def _declare(name):
    full = points(name)
    columns = [key for key in ("d", "n", "N", "M", "D") if key in full[0]]
    # A point of the sweep, with its first seed alone.
    smallest = min(full, key=lambda config: (config["n"], config["d"]))
    return Experiment(
        name=name,
        claim=NAMES[name],
        points=full,
        run_point=run_point,
        columns=columns,
        units={key: (long_name, "1") for key, long_name in UNITS.items()},
        seeds={"inputs and weights": "(7, i)"},
        spot=Spot([smallest | {"seeds": 1}], dict.fromkeys(EXACT[name]), sets="seed"),
    )


# Every variable is compared, for the numbers repeat up to rounding.
EXACT = {
    SPIKE: (
        "inverse_norm",
        "bulk_inverse_norm",
        "cubic_form",
        "cubic_gain",
        "cubic_inverse_norm",
    ),
    AMPLIFY: (
        "form",
        "median_eigenvalue",
        "inverse_norm",
        "largest_share",
        "nearest_eigenvalue",
    ),
    LAZY: ("form",),
}
EXPERIMENTS = tuple(_declare(name) for name in NAMES)
