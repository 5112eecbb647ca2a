"""Maxima of minima of monomials against plain arithmetic."""

from fractions import Fraction as F

from hypothesis import given, settings
from hypothesis import strategies as st

from featlearn.scaling.scale import Monomial, Scale, least_energy

powers = st.tuples(*[st.integers(-3, 3)] * 3)
scales = st.lists(st.lists(powers, min_size=1, max_size=3), min_size=1, max_size=3)
points = st.tuples(*[st.fractions(0, 4, max_denominator=5)] * 3)
settings.register_profile("scaling", deadline=None, derandomize=True)
fixed = settings(settings.get_profile("scaling"))


def scale(routes):
    return Scale([[Monomial(p) for p in route] for route in routes])


def value(s, point):
    def size(monomial):
        return sum(p * x for p, x in zip(monomial.powers, point, strict=True))

    return max(min(map(size, route)) for route in s.routes)


@fixed
@given(scales, scales, points, st.integers(1, 4))
def test_arithmetic(a, b, point, n):
    s, t = scale(a), scale(b)
    x, y = value(s, point), value(t, point)
    assert value(s + t, point) == max(x, y)
    assert value(s.at_most(t), point) == min(x, y)
    assert value(s * t, point) == x + y
    assert value(s**n, point) == n * x


@fixed
@given(scales, powers, points)
def test_division_by_a_monomial(a, p, point):
    t = scale([[p]])
    assert value(scale(a) / t, point) == value(scale(a), point) - value(t, point)


@fixed
@given(scales, points)
def test_dropped_terms_never_mattered(a, point):
    whole = max(
        min(sum(p * x for p, x in zip(t, point, strict=True)) for t in route) for route in a
    )
    assert value(scale(a), point) == whole


@fixed
@given(st.lists(st.lists(powers, min_size=1, max_size=3), min_size=1, max_size=3), points)
def test_least_energy_is_where_the_scale_becomes_one(a, point):
    routes = [[(abs(p[0]) + 1, *p[1:]) for p in route] for route in a]
    s = scale(routes)
    found, deciding = least_energy(
        s, lambda root: sum(r * x for r, x in zip(root, point[1:], strict=True))
    )
    if found >= 0:  # the order among monomials assumes an energy of at least one
        assert value(s, (found, *point[1:])) == 0
        assert value(s, (found + F(1, 7), *point[1:])) > 0
    assert deciding


def test_marks_travel_and_change_nothing():
    a = scale([[(1, 0, 0)]]).marked("seen")
    b = scale([[(0, 1, 0)], [(2, -1, 0)]])
    product = a * b
    assert all("seen" in term.marks for route in product.routes for term in route)
    assert product == scale([[(1, 1, 0)], [(3, -1, 0)]]) and hash(product)
    assert a != b and a != "scale"
