"""Power laws in print."""

import re
from fractions import Fraction as F

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from featlearn.scaling.powers import ScalingLaw, symbol

exponents = st.fractions(-3, 3, max_denominator=4)


@pytest.mark.parametrize(
    "powers, text, latex",
    [
        ({"d": F(1, 2), "N": F(1, 2)}, "sqrt(d*N)", r"\sqrt{d N}"),
        ({"d": F(1, 3), "N1": F(1, 3)}, "(d*N1)^(1/3)", r"\left(d N_{1}\right)^{1/3}"),
        ({"d": F(3, 2)}, "d^(3/2)", "d^{3/2}"),
        ({"d": 3}, "d^3", "d^{3}"),
        ({}, "1", "1"),
        ({"N": 1, "d": F(-1, 2)}, "N/sqrt(d)", r"\frac{N}{\sqrt{d}}"),
        ({"d": F(-1, 3)}, "1/d^(1/3)", r"\frac{1}{d^{1/3}}"),
        ({"N": F(1, 2), "S": F(-1, 2), "d": -1}, "sqrt(N/S)/d", r"\frac{\sqrt{\frac{N}{S}}}{d}"),
        ({"Nw": 1, "S": -2, "N": -1}, "Nw/(S^2*N)", r"\frac{N_{w}}{S^{2} N}"),
    ],
)
def test_print(powers, text, latex):
    law = ScalingLaw(powers)
    assert repr(law) == text and law.latex() == latex


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.dictionaries(st.sampled_from(["d", "N1", "N2", "Nw"]), exponents))
def test_text_and_sympy_say_the_same(powers):
    law = ScalingLaw(powers)
    names = {name: symbol(name) for name in ("d", "N1", "N2", "Nw")}
    read = sp.sympify(re.sub(r"\^", "**", repr(law)), locals=names)
    assert sp.simplify(read / law.sympy()) == 1
    assert law.latex().count("{") == law.latex().count("}")


@settings(deadline=None, derandomize=True)
@given(*[st.dictionaries(st.sampled_from(["d", "N"]), exponents)] * 2, exponents)
def test_arithmetic(a, b, n):
    a, b, sizes = ScalingLaw(a), ScalingLaw(b), {"d": F(1), "N": F(5, 3)}
    x, y = a.exponent(sizes), b.exponent(sizes)
    assert (a * b).exponent(sizes) == x + y and (a / b).exponent(sizes) == x - y
    assert (a**n).exponent(sizes) == n * x
    assert a / b * b == a and hash(a / b * b) == hash(a)
