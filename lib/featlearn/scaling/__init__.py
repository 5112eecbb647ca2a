r"""The paper's scaling argument as code: which pattern of feature learning is cheapest.

>>> from featlearn.scaling import FCN, predict
>>> p = predict(FCN(depth=3), degree=3, widths={"N1": 1, "N2": 1})
>>> p.exponent, str(p.winners[0]), p.parameters["M2"]
(Fraction(1, 1), 'GP–Specialization', sqrt(N2)/sqrt(d))

:func:`predict` compares all patterns at given widths, :func:`phase_diagram` over
ranges of one or two of them. All results are exact: rational exponents, power laws,
polygons with rational corners. The package needs sympy and nothing else.

Modules, from the bottom: ``scale`` (maxima of minima of monomials), ``powers``
(power laws in print), ``propagation`` (claims i to iii), ``patterns`` (what a layer
may do), ``architectures``, ``energy`` (eq. 8 and its minimum), ``solution`` (the
minimiser), ``table``, ``nearby`` (ties, with ``changes`` and ``cones``) and ``prediction``;
``polygons`` and ``envelope`` (the least energy over a region) for ``symbolic``, ``phases``
and ``drawing``.
"""

from .architectures import CNN, FCN, Architecture
from .patterns import (
    GFL,
    GP,
    PAPER,
    LayerPattern,
    Magnetization,
    Pattern,
    Specialization,
    WeakSpecialization,
)
from .phases import phase_diagram
from .prediction import predict

__all__ = [
    "CNN",
    "FCN",
    "GFL",
    "GP",
    "PAPER",
    "Architecture",
    "LayerPattern",
    "Magnetization",
    "Pattern",
    "Specialization",
    "WeakSpecialization",
    "phase_diagram",
    "predict",
]
