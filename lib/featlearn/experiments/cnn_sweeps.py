"""The sweeps of the CNN chapter: collapse, controls, separate dependence, a cubic target."""

from math import sqrt

from . import cnn
from .equilibrium import tempered

COLLAPSE, CONTROLS, SIZES, CUBIC = "cnn-collapse", "cnn-controls", "cnn-sizes", "cnn-cubic"
LEVEL = 0.5  # alignment with a linear target that defines P_*
LEVEL_CUBIC = 0.1  # the same for the cubic target
BASE = 8  # S, Nw and N while another of them varies


def _linear(S, Nw, N, ratio, **others):
    """A point at P = ratio * sqrt(S Nw N)."""
    return cnn.point(S, Nw, N, round(ratio * sqrt(S * Nw * N)), **others)


def collapse(size="full"):
    """S = Nw = N, against P / S^(3/2)."""
    if size == "live":
        return [_linear(4, 4, 4, ratio, data_sets=2, warmup=150, draws=200) for ratio in (1, 2)]
    ratios = (0.5, 1, 1.5, 2, 3)
    return [_linear(S, S, S, r, draws=300) for S in (4, 6, 8, 12, 16, 24) for r in ratios]


def controls(size="full"):
    """The same data learned without weight sharing, and by fully connected networks."""
    if size == "live":
        points = [("local", 4, 4, 1), ("full", 4, 16, 1), ("full", 4, 4, 1)]
        others = dict(data_sets=2, warmup=150, draws=200)
    else:
        ratios = (0.25, 0.5, 0.75, 1)
        points = [("local", S, S, r) for S in (4, 6, 8, 12) for r in ratios]
        points += [("full", S, S**2, r) for S in (4, 6, 8, 12) for r in ratios]
        points += [("full", S, S, r) for S in (4, 6, 8, 12, 16) for r in ratios]
        # One neuron a patch: the energy of the patch network, without its sharing.
        points += [("local", S, 1, r) for S in (4, 6, 8, 12, 16) for r in (*ratios, 1.5)]
        others = dict(draws=300)
    return [
        cnn.point(S, S, N, round(ratio * S**2), architecture=kind, **others)
        for kind, S, N, ratio in points
    ]


def sizes(size="full"):
    """N, Nw and S one by one, the other two fixed."""
    if size == "live":
        return [_linear(BASE, BASE, 2 * BASE, 2, data_sets=2, warmup=150, draws=150)]
    found = []
    for name in ("N", "Nw", "S"):
        for value in (2, 4, 8, 16, 32):
            if value == BASE and name != "N":
                continue
            shape = dict(S=BASE, Nw=BASE, N=BASE) | {name: value}
            found += [_linear(**shape, ratio=r, draws=300) for r in (0.75, 1.25, 2, 3)]
    return found


def cubic(size="full"):
    """A cubic target at S = Nw = N, where specialised filters stand apart."""
    others = dict(degree=3, dtype="float64", n_jumps=4, follow=["alignment", "count"])
    if size == "live":
        return [_linear(4, 4, 4, 4, data_sets=2, warmup=200, draws=400, **others)]
    found = []
    for S in (4, 6, 8, 12):
        for ratio in (4, 7) if S == 12 else (3, 4, 6, 8, 12):
            P = round(ratio * S**1.5)
            # A ladder for every filter and patch of a larger network takes hours.
            rounds = [tempered(P, 0.4, draws=600)] if S <= 6 else []
            found.append(_linear(S, S, S, ratio, warmup=200, rounds=rounds, **others))
    return found


EXPERIMENTS = (
    cnn.experiment(
        COLLAPSE,
        "Alignment of the patch network with a linear target against P / S^(3/2).",
        collapse(),
        collapse("live"),
    ),
    cnn.experiment(
        CONTROLS,
        "The same data without weight sharing, and by fully connected networks.",
        controls(),
        controls("live"),
    ),
    cnn.experiment(
        SIZES,
        "P_* of the patch network against N, Nw and S one by one.",
        sizes(),
        sizes("live"),
    ),
    cnn.experiment(
        CUBIC,
        "Alignment of the patch network with a cubic target, and its specialised filters.",
        cubic(),
        cubic("live"),
    ),
)
