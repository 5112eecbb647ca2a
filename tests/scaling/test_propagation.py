"""The product rule against polynomials multiplied by sympy, and the three claims."""

from itertools import combinations_with_replacement

import pytest
import sympy as sp

from featlearn.scaling import propagation
from featlearn.scaling.energy import Frame
from featlearn.scaling.powers import ScalingLaw
from tests.scaling.direct import hermite_product

x = sp.Symbol("x")


def he(k):
    return sp.Poly(sp.expand(2 ** sp.Rational(-k, 2) * sp.hermite(k, x / sp.sqrt(2))), x)


def degrees_in(polynomial):
    """Hermite degrees of a polynomial, by dividing off the leading one."""
    found = set()
    while not polynomial.is_zero:
        k = polynomial.degree()
        assert polynomial.LC() > 0  # nothing cancels
        found.add(k)
        polynomial -= polynomial.LC() * he(k)
    return found


@pytest.mark.parametrize("number", [1, 2, 3])
def test_which_degrees_a_product_contains(number):
    for factors in combinations_with_replacement((1, 2, 3, 5), number):
        product = sp.Poly(1, x)
        for k in factors:
            product *= he(k)
        expected = degrees_in(product)
        assert hermite_product(factors) == expected
        assert {j for j in range(20) if propagation.contains(factors, j)} == expected


@pytest.mark.parametrize("available", [(1,), (1, 3), (3, 5), (1, 3, 5), (5, 7)])
@pytest.mark.parametrize("degree", [1, 3, 5, 7])
def test_recipes_are_the_least_products(available, degree):
    recipes = propagation.recipes(degree, available)
    for factors in recipes:
        assert len(factors) % 2 and propagation.contains(factors, degree)
    for number in (1, 3, 5, 7, 9, 11):  # beyond the largest that is searched
        for factors in combinations_with_replacement(available, number):
            if propagation.contains(factors, degree):
                assert any(all(factors.count(k) >= r.count(k) for k in r) for r in recipes)
    for a in recipes:
        for b in recipes:
            assert a == b or any(a.count(k) > b.count(k) for k in a)


@pytest.fixture
def frame():
    return Frame(("d", "N"))


def test_claim_iii_a_lazy_layer_keeps_strengths(frame):
    below = {1: frame(ScalingLaw({"d": -1}))}
    first = propagation.lazy(below, (1, 3, 5))
    assert first == {k: frame(ScalingLaw({"d": -k})) for k in (1, 3, 5)}
    assert propagation.lazy(first, (1, 3, 5)) == first


def test_claim_ii_amplification_by_D_lifts_degree_m_by_D_to_the_m(frame):
    first = propagation.lazy({1: frame(ScalingLaw({"d": -1}))}, (1, 3, 5))
    q = frame(ScalingLaw({"d": -1, "N": 1}))  # D = N here
    after = propagation.amplified(first, 1, q, (1, 3, 5))
    assert after == {k: frame(ScalingLaw({"d": -k, "N": k})) for k in (1, 3, 5)}


def test_claim_ii_on_a_higher_degree_lifts_what_it_helps_to_make(frame):
    first = propagation.lazy({1: frame(ScalingLaw({"d": -1}))}, (1, 3, 5))
    q = frame(ScalingLaw({"d": -3, "N": 1}))
    after = propagation.amplified(first, 3, q, (1, 3, 5))
    assert after[1] == first[1] + q**3  # He_3^3 contains He_1
    assert after[3] == q
    assert after[5] == first[1] ** 2 * q + first[1] * q**2 + q**3


def test_claim_i_specialised_neurons_make_one_spike_for_all_degrees(frame):
    first = propagation.lazy({1: frame(ScalingLaw({"d": -1}))}, (1, 3))
    spike = frame(ScalingLaw({"N": -1}))
    assert propagation.spiked(first, spike, (1, 3)) == {k: first[k] + spike for k in (1, 3)}
