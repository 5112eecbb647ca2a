"""Predictions at symbolic widths against predictions at numbers."""

import random
from fractions import Fraction as F

import pytest
import sympy as sp

from featlearn.scaling import CNN, FCN, predict

a, b, c = sp.symbols("a b c")
d, N = sp.symbols("d N", positive=True)
CASES = {
    "two layers": (FCN(2), 3, {"N": a}, "standard"),
    "mean field": (FCN(2), 5, {"N": a}, "mean-field"),
    "falling": (FCN(2), 1, {"N": 3 - a / 2}, "standard"),
    "a ray": (FCN(3), 3, {"N1": a, "N2": 2 * a}, "standard"),
    "three layers": (FCN(3), 3, {"N1": a, "N2": b}, "standard"),
    "three layers, mean field": (FCN(3), 3, {"N1": a, "N2": b}, "mean-field"),
    "four layers": (FCN(4), 3, {"N1": a, "N2": 1 + b, "N3": "1/2"}, "standard"),
    "patches": (CNN(), 3, {"S": a, "N": b}, "standard"),
}


@pytest.mark.parametrize("name", list(CASES))
def test_numbers_put_in_agree_with_predictions_at_numbers(name):
    architecture, degree, widths, scaling = CASES[name]
    p = predict(architecture, degree, widths, scaling=scaling)
    table = dict(p.table())
    rng, inside = random.Random(3), 0
    while inside < 12:
        values = {s: F(rng.randint(0, 7 * 10**5), 10**5 + 3) for s in p.symbols}
        numbers = {s: sp.Rational(v.numerator, v.denominator) for s, v in values.items()}
        try:
            at = p.subs(values)
        except ValueError:  # a width is below one there
            assert p.exponent.subs(numbers) is sp.nan
            continue
        inside += 1
        assert p.exponent.subs(numbers) == at.exponent
        (case,) = [case for case in p.cases if case.condition.subs(numbers)]
        assert case.winners == at.winners and set(at.winners) <= set(p.winners)
        sizes = {s: d**x for s, x in at.exponents.items()}
        quantities = {sp.Symbol(n, positive=True): size for n, size in sizes.items()}
        assert sp.simplify(p.energy.subs(numbers).subs(quantities) / d**at.energy_exponent) == 1
        assert sp.simplify(p.samples.subs(numbers).subs(quantities) / d**at.exponent) == 1
        for row in at.table():
            assert table[row.pattern].subs(numbers) == row.exponent


def test_two_layers_by_hand():
    p = predict(FCN(2), 3, {"N": a})
    assert [case.exponent for case in p.cases] == [
        3 * a / 4 + sp.Rational(3, 4),
        1,
        a / 2 + sp.Rational(1, 2),
        3,
    ]
    assert [str(case.winners[0]) for case in p.cases] == [
        "GFL",
        "Specialization",
        "Specialization",
        "GP",
    ]
    assert p.cases[2].energy == sp.sqrt(d * N)
    assert p.exponent.subs(a, 10**6) == 3 and p.exponent.subs(a, -1) is sp.nan


def test_assumptions_of_a_symbol_are_used():
    s = sp.Symbol("s", positive=True)
    assert predict(FCN(2), 3, {"N": s}).cases[0].condition == (s <= sp.Rational(1, 3))


def intervals(expression, symbol):
    """Ends of the pieces of a Piecewise, which have to be plain: s <= x, s >= x or both."""
    found = []
    for _, condition in expression.args:
        parts = condition.args if isinstance(condition, sp.And) else (condition,)
        assert len(parts) <= 2 and all(part.free_symbols == {symbol} for part in parts)
        assert all(isinstance(part, (sp.Le, sp.Ge)) for part in parts)
        found.append(condition.as_set())
    return found


@pytest.mark.parametrize("widths", [("a", "a", "2a"), ("a", 1, "1/2"), ("a", "a", "a")])
def test_conditions_on_one_symbol_are_plain_intervals(widths):
    s = sp.Symbol("a", positive=True)
    values = {"a": s, "2a": 2 * s}
    p = predict(FCN(4), 3, {f"N{i}": values.get(w, w) for i, w in enumerate(widths, 1)})
    for expression in (p.exponent, p.energy, p.samples, *(row[1] for row in p.table()[::9])):
        if isinstance(expression, sp.Piecewise):
            pieces = intervals(expression, s)
            assert len(pieces) == len({value for value, _ in expression.args})
    assert len(intervals(p.exponent, s)) > 1


@pytest.mark.parametrize(
    "assumption, value, said",
    [
        (dict(negative=True), 1, r"widths\['N'\] = n: at least 0 is needed.*assumptions"),
        (dict(positive=True), -1, r"widths\['N'\] = -n: at least 0"),
        (dict(real=True, positive=False), 1, None),
        (dict(real=True), 1, None),
    ],
)
def test_assumptions_that_leave_no_width_are_refused(assumption, value, said):
    n = sp.Symbol("n", **assumption)
    if said is None:
        assert predict(FCN(2), 3, {"N": value * n}).cases
        return
    with pytest.raises(ValueError, match=said):
        predict(FCN(2), 3, {"N": value * n})


def test_changes_of_pattern_at_large_values_are_found():
    p = predict(FCN(2), 3, {"N": a / 30})
    assert p.cases[-1].condition == sp.Le(150, a) and p.exponent.subs(a, 10**8) == 3
    assert p.exponent.subs(a, 149) == sp.Rational(149, 60) + sp.Rational(1, 2)
    far = predict(FCN(3), 3, {"N1": a / 30, "N2": b / 30})
    assert far.exponent.subs({a: 10**6, b: 10**6}) == 3
    assert far.exponent.subs({a: 10**6, b: 30}) == 1


def test_it_shows_itself():
    p = predict(FCN(3), 3, {"N1": a, "N2": 2 * a})
    assert "N2 = d^(2*a)" in repr(p) and "GP–GP" in repr(p)
    assert "$N_{2} = d^{2 a}$" in p._repr_markdown_()
    table = p.table()
    assert len(table) == 28 and len(table[:3]) == 3
    assert "GP–GP: " in repr(table[:1]) and r"\begin{cases}" in table._repr_markdown_()


@pytest.mark.parametrize(
    "widths, said",
    [
        ({"N1": a**2, "N2": 1}, r"widths\['N1'\] = a\*\*2.*linear"),
        ({"N1": sp.exp(a), "N2": 1}, "linear in the symbols"),
        ({"N1": sp.sqrt(2) * a, "N2": 1}, "rational coefficients"),
        ({"N1": 0.5 * a, "N2": 1}, "rational coefficients"),
        ({"N1": a}, "widths has no N2"),
        ({"N3": a, "N1": 1}, "widths has 'N3'"),
        ({"N1": -1 - a, "N2": a}, "below one"),
        ({"N1": a, "N2": 0.5}, "floats are not exact"),
        ({"N1": a + b, "N2": c}, "symbols a, b, c: one or two"),
    ],
)
def test_bad_widths(widths, said):
    with pytest.raises(ValueError, match=said):
        predict(FCN(3), 3, widths)


def test_bad_numbers():
    p = predict(FCN(2), 3, {"N": a - 1})
    assert p.subs({"a": 2}).exponent == 1
    with pytest.raises(ValueError, match="values has no a"):
        p.subs({b: 1})
    with pytest.raises(ValueError, match=r"values\['a'\] = 0.5"):
        p.subs({a: 0.5})
    with pytest.raises(ValueError, match=r"widths\['N'\]"):
        p.subs({a: 0})


def test_patches_have_to_fill_the_input():
    assert predict(CNN(), 3, {"S": a, "Nw": 1 - a, "N": 1}).exponent.subs(a, 2) is sp.nan
    with pytest.raises(ValueError, match="whose sum is 1"):
        predict(CNN(), 3, {"S": a, "Nw": a, "N": 1})
