"""Properties of the least energy over random widths and depths."""

from fractions import Fraction as F

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from featlearn.scaling import FCN, predict

sizes = st.fractions(0, 4, max_denominator=12)
fixed = settings(deadline=None, derandomize=True, max_examples=40)


def widths(depth):
    return st.tuples(*[sizes] * (depth - 1))


def least(values, degree=3, scaling="standard", patterns=None):
    architecture = FCN(len(values) + 1)
    named = dict(zip(architecture.widths, values, strict=True))
    return predict(architecture, degree, named, scaling=scaling, patterns=patterns)


@fixed
@given(st.one_of(widths(2), widths(3)), st.sampled_from([1, 3, 5]))
def test_never_above_any_pattern_nor_above_the_kernel(values, degree):
    p = least(values, degree)
    assert all(p.exponent <= row.exponent for row in p.table())
    assert 0 < p.exponent <= degree


@fixed
@given(st.one_of(widths(2), widths(3)), st.integers(0, 1), sizes)
def test_wider_layers_never_cost_less(values, index, more):
    index %= len(values)
    wider = tuple(v + more * (i == index) for i, v in enumerate(values))
    assert least(values).energy_exponent <= least(wider).energy_exponent


@fixed
@given(st.one_of(widths(2), widths(3)), sizes)
def test_continuous_in_the_widths(values, step):
    # Raising one width's exponent by s raises costs by s at most: every layer may spend
    # s more, so each strength is kept.
    step /= 100
    for i in range(len(values)):
        moved = tuple(v + step * (i == j) for j, v in enumerate(values))
        assert abs(least(moved).energy_exponent - least(values).energy_exponent) <= step


@fixed
@given(st.one_of(widths(2), widths(3)))
def test_more_patterns_never_cost_more(values):
    few = least(values, patterns=["Specialization"])
    paper = least(values)
    all_of_them = least(values, patterns=["GFL", "Specialization", "Weak specialization"])
    assert all_of_them.exponent <= paper.exponent <= few.exponent


@fixed
@given(widths(2), sizes)
def test_a_lazy_layer_changes_nothing(values, other):
    """Depth helps or does not: with a lazy layer added, the shallower network is recovered."""
    shallow = least(values)
    assert least((*values, other)).exponent <= shallow.exponent
    assert least((other, *values)).exponent <= shallow.exponent


@pytest.mark.parametrize("depth", [2, 3, 4, 5])
def test_deep_narrow_networks_keep_falling(depth):
    """With all widths d^(1/2), depth helps; the exponents are those of a direct argument."""
    p = least((F(1, 2),) * (depth - 1))
    expected = {2: F(1), 3: F(3, 4), 4: F(2, 3), 5: F(5, 8)}
    assert p.exponent == expected[depth]
