r"""Networks whose scaling can be predicted: fully connected of any depth, and the CNN of eq. (12).

An architecture lists its widths, says how strong the linear feature is in the
input's kernel, and what multiplies the cost of the readout.
"""

from dataclasses import dataclass
from fractions import Fraction
from numbers import Rational
from operator import index


class Architecture:
    """A network as the energy of eq. (8) sees it.

    Attributes
    ----------
    widths : tuple of str
        Names that the caller gives exponents for.
    layers : tuple of str
        Widths of the hidden layers, from the input upwards.
    input : str
        Quantity whose inverse is the linear feature's strength in the input's kernel.
    readout : tuple of str
        Quantities that multiply the readout's cost.
    names : tuple of str
        Every quantity in a result, in the order of printing.
    free : tuple of dict of str to int
        Independent changes of the widths: by how much each exponent moves.
    """

    readout = ()

    @property
    def free(self):
        """Every hidden width by itself."""
        return tuple({name: 1} for name in self.layers)

    def parameter(self, name, layer):
        """Name of a pattern's parameter in a layer (counted from one): ``M`` or ``M2``."""
        return name if len(self.layers) == 1 else f"{name}{layer}"

    def derive(self, exponents):
        """Exponents of d of all ``names``: an affine function of those of the widths.

        Parameters
        ----------
        exponents : dict of str to Fraction
            Known names only; some may be missing.

        Returns
        -------
        dict of str to Fraction

        Raises
        ------
        ValueError
            If a width is missing.
        """
        missing = [name for name in self.widths if name not in exponents]
        if missing:
            raise ValueError(
                f"widths has no {', '.join(missing)}: {self!r} needs {', '.join(self.widths)}"
            )
        return {"d": Fraction(1), **exponents}

    def complete(self, exponents):
        """As :meth:`derive`; raises ValueError also if the exponents contradict each other."""
        return self.derive(exponents)


@dataclass(frozen=True)
class FCN(Architecture):
    """Fully connected network (paper eq. 1).

    Parameters
    ----------
    depth : int
        Number of weight layers, at least 2. A two-layer network has the width
        ``N``, a deeper one ``N1``, ``N2``, ... from the input upwards.

    Raises
    ------
    ValueError
        If ``depth`` is not an integer of at least 2.

    Examples
    --------
    >>> FCN(depth=3).widths
    ('N1', 'N2')
    """

    depth: int

    def __post_init__(self):
        depth = whole(self.depth)
        if depth is None or depth < 2:
            raise ValueError(f"depth = {self.depth!r}: an integer of at least 2 is needed")
        object.__setattr__(self, "depth", depth)

    @property
    def widths(self):
        """``N``, or ``N1``, ``N2``, ..."""
        return ("N",) if self.depth == 2 else tuple(f"N{i}" for i in range(1, self.depth))

    layers = widths
    input = "d"

    @property
    def names(self):
        """``d`` and the widths."""
        return ("d", *self.widths)


@dataclass(frozen=True)
class CNN(Architecture):
    """Two layers with N filters on Nw patches of size S that do not overlap (paper eq. 12).

    Since d = Nw S, the exponents of ``S`` and ``Nw`` sum to one; either may be left
    out.

    Examples
    --------
    >>> CNN().complete({"S": Fraction(1, 3), "N": Fraction(1)})["Nw"]
    Fraction(2, 3)
    """

    widths = names = ("S", "Nw", "N")
    layers = ("N",)
    input = "S"
    readout = ("Nw",)
    free = ({"S": 1, "Nw": -1}, {"N": 1})

    def derive(self, exponents):
        """As :meth:`Architecture.derive`; d = Nw S gives S or Nw if it is left out."""
        full = dict(exponents)
        if "S" in full and "Nw" not in full:
            full["Nw"] = 1 - full["S"]
        elif "Nw" in full and "S" not in full:
            full["S"] = 1 - full["Nw"]
        return super().derive(full)

    def complete(self, exponents):
        """As :meth:`Architecture.complete`: d = Nw S has to hold."""
        full = self.derive(exponents)
        if full["S"] + full["Nw"] != 1 or min(full["S"], full["Nw"]) < 0:
            raise ValueError(
                f"widths has S = d^{full['S']} and Nw = d^{full['Nw']}: d = Nw*S needs exponents "
                "from 0 to 1 whose sum is 1 (exponents are of d; leave out S or Nw to derive it)"
            )
        return full


def exponent(value, argument, least=0):
    """Read an exponent of d exactly.

    Parameters
    ----------
    value : int, Fraction or str
    argument : str
        What to call it in an error.
    least : int or None
        The smallest allowed value, if any.

    Returns
    -------
    Fraction

    Raises
    ------
    ValueError
        If it is a float or another inexact value, cannot be read, or is negative.

    Examples
    --------
    >>> exponent("3/2", "widths['N']")
    Fraction(3, 2)
    """
    allowed = 'an int, a Fraction or a string such as "1/2", at least 0, is needed'
    if isinstance(value, float):
        raise ValueError(f'{argument} = {value!r}: floats are not exact; write "1/2" for 0.5')
    if isinstance(value, bool) or not isinstance(value, (str, Rational)):
        raise ValueError(f"{argument} = {value!r}: {allowed}")
    try:
        number = Fraction(value) if isinstance(value, str) else _fraction(value)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{argument} = {value!r}: {allowed}") from None
    if least is not None and number < least:
        raise ValueError(f"{argument} = {value!r}: {allowed}; a width below one has no meaning")
    return number


def _fraction(rational):
    # int() also for sympy's numbers, whose parts are sympy's own integers
    return Fraction(int(rational.numerator), int(rational.denominator))


def check_architecture(architecture):
    """Raise ValueError unless it is an architecture."""
    if not isinstance(architecture, Architecture):
        raise ValueError(f"architecture = {architecture!r}: FCN(depth=...) or CNN() is needed")


def whole(value):
    """An int from any integer type but bool; None from all else."""
    try:
        return None if isinstance(value, bool) else index(value)
    except TypeError:
        return None


def read_degree(degree):
    """The degree as an int; raises ValueError unless it is an odd positive integer."""
    number = whole(degree)
    if number is None or number < 1 or number % 2 == 0:
        raise ValueError(
            f"degree = {degree!r}: an odd positive integer is needed, "
            "since the activation is odd and has no even part"
        )
    return number


def check_scaling(scaling):
    """Raise ValueError unless it is one of the two scalings."""
    if scaling not in ("standard", "mean-field"):
        raise ValueError(f"scaling = {scaling!r}: 'standard' or 'mean-field' is needed")


def check_names(architecture, widths, argument="widths"):
    """Raise ValueError unless it is a dict of the architecture's widths."""
    if not hasattr(widths, "items"):
        raise ValueError(f"{argument} = {widths!r}: a dict from width to exponent is needed")
    for name in widths:
        if name not in architecture.widths:
            raise ValueError(
                f"{argument} has {name!r}: {architecture!r} has {', '.join(architecture.widths)}"
            )


def read_widths(architecture, widths, argument="widths"):
    """Exponents of the widths that are given, checked one by one."""
    widths = {} if widths is None else widths
    check_names(architecture, widths, argument)
    return {name: exponent(value, f"{argument}[{name!r}]") for name, value in widths.items()}
