"""The sweeps of the three-layer chapter: the threshold, the mechanism, the second width."""

from . import three_layer
from .equilibrium import tempered

THRESHOLD, MECHANISM, SECOND_WIDTH = (
    "three-layer-threshold",
    "three-layer-mechanism",
    "three-layer-second-width",
)
LEVEL = 0.1  # the paper's alignment at P_*
D = 20  # input dimension, where it is fixed
P_FIXED = 8 * D


def threshold(size="full"):
    """Paper fig. 2(a): N1 = N2 = d, against P / d."""
    if size == "live":
        return [
            three_layer.point(10, 10, 10, 10 * ratio, data_sets=2, warmup=150, draws=200)
            for ratio in (3, 6)
        ]
    found = []
    for d in (10, 14, 20, 28, 40):
        for P in (ratio * d for ratio in (2, 3, 4, 6)):
            rounds = [{"draws": 1500}] if d <= 20 else []
            rounds.append(tempered(P, 0.2, draws=600))
            found.append(three_layer.point(d, d, d, P, draws=300, rounds=rounds))
    return found


def mechanism(size="full"):
    """Paper fig. 2(b): N1 over two decades at fixed P, d and N2 = d."""
    if size == "live":
        return [three_layer.point(D, 5, D, P_FIXED, data_sets=2, warmup=200, draws=200)]
    both = dict(follow=["alignment", "first", "second"])
    found = []
    for N1 in (5, 10, 20, 40, 80, 113, 160, 320, 500):
        rounds = [{"draws": 1500}] if N1 <= 160 else []
        found.append(three_layer.point(D, N1, D, P_FIXED, draws=400, rounds=rounds, **both))
    return found


def second_width(size="full"):
    """N2 at and beyond d, N1 = d: does the second width raise the threshold?"""
    if size == "live":
        return [three_layer.point(D, D, 2 * D, 4 * D, data_sets=2, warmup=150, draws=150)]
    return [
        three_layer.point(D, D, N2, ratio * D, rounds=[{"draws": 1500}])
        for N2 in (20, 40, 80, 160, 320)
        for ratio in (2, 3, 4, 5, 6, 8)
    ]


EXPERIMENTS = (
    three_layer.experiment(
        THRESHOLD,
        "Paper fig. 2(a): the alignment of three layers with N1 = N2 = d against P / d.",
        threshold(),
        threshold("live"),
    ),
    three_layer.experiment(
        MECHANISM,
        "Paper fig. 2(b): specialised neurons of both layers against the first width.",
        mechanism(),
        mechanism("live"),
    ),
    three_layer.experiment(
        SECOND_WIDTH,
        "The training size at which three layers learn, against the second width.",
        second_width(),
        second_width("live"),
    ),
)
