"""The control with a linear target (m = 1): no neuron stands apart from the others."""

from . import two_layer
from .two_layer_specialised import D

NAME = "two-layer-linear"
WIDTHS = (5, 10, 20, 40, 80, 160, 320)  # lazy learning is cheapest from N = d
P = 80  # a linear target needs fewer data: this is far above its threshold


def points(size="full"):
    """Widths from N < d to N >> d. ``live`` is one of them, smaller."""
    if size == "live":
        return [two_layer.point(D, 40, P, degree=1, data_sets=2, warmup=100, draws=80)]
    return [two_layer.point(D, N, P, degree=1, warmup=200, draws=800) for N in WIDTHS]


EXPERIMENTS = (two_layer.experiment(NAME, __doc__.splitlines()[0], points("full"), points("live")),)
