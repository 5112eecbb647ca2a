"""What a prediction reports: winners, idle patterns, runner-up, ranges, text, errors."""

import os
import random
import subprocess
import sys
from fractions import Fraction as F
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import featlearn
from featlearn.scaling import (
    CNN,
    FCN,
    GFL,
    GP,
    LayerPattern,
    Pattern,
    Specialization,
    phase_diagram,
    predict,
    propagation,
)
from tests.scaling.test_against_direct import direct

ONES = {"N1": 1, "N2": 1}


def random_prediction(seed, depth=3, patterns=None):
    rng = random.Random(seed)
    widths = {n: F(rng.randint(0, 9), 3) for n in FCN(depth).widths}
    return predict(FCN(depth), 3, widths, patterns=patterns)


def test_importing_loads_neither_numpy_nor_torch():
    code = (
        "import sys, featlearn.scaling as s; p = s.predict(s.FCN(3), 3, {'N1': 1, 'N2': 1});"
        "repr(p), p._repr_markdown_(), repr(p.table());"
        "s.phase_diagram(s.FCN(2), 3, {'N': (0, 6)});"
        "print([m for m in ('numpy', 'scipy', 'torch', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=path())
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def path():
    return {**os.environ, "PYTHONPATH": str(Path(featlearn.__file__).parents[1])}


def test_public_names_and_types():
    p = predict(FCN(depth=3), degree=3, widths=ONES)
    assert type(p.exponent) is F and type(p.winners) is tuple
    assert all(type(w) is Pattern for w in p.winners)
    assert isinstance(p.energy, sp.Expr) and all(s.is_positive for s in p.energy.free_symbols)
    assert p.parameters == {
        "M2": sp.sqrt(sp.Symbol("N2", positive=True) / sp.Symbol("d", positive=True))
    }
    assert str(p.winners[0]) == "GP–Specialization"
    assert repr(p.winners[0]) == "GP–Specialization(1)"
    assert len(p.table()) == 28


@pytest.mark.parametrize(
    "exponents", [(1, 1), (F(1), F(1)), ("1", "2/2"), (sp.Integer(1), sp.Rational(2, 2))]
)
def test_exponents_may_be_written_in_several_ways(exponents):
    p = predict(FCN(3), 3, dict(zip(("N1", "N2"), exponents, strict=True)))
    assert p.exponents == {"d": 1, "N1": 1, "N2": 1}
    assert all(type(e) is F for e in p.exponents.values())


@pytest.mark.parametrize("seed", range(12))
def test_idle_means_that_a_lazy_layer_would_do(seed):
    p = random_prediction(seed)
    energies = {row.pattern: row.exponent for row in p.table()}
    for row in p.table():
        lazier = [
            energies[row.pattern[:i] + (GP(),) + row.pattern[i + 1 :]]
            for i, layer in enumerate(row.pattern)
            if not isinstance(layer, GP)
        ]
        idle = any(energy <= row.exponent for energy in lazier)
        assert (row.verdict == "idle") == idle
        assert (row.verdict == "wins") == (not idle and row.exponent == p.exponent)


@pytest.mark.parametrize("seed", range(12))
def test_winners_and_runner_up(seed):
    p = random_prediction(seed)
    best = [row for row in p.table() if row.verdict == "wins"]
    assert {str(w) for w in p.winners} == {str(row.pattern) for row in best}
    assert len({str(w) for w in p.winners}) == len(p.winners)
    assert set(p.winners) <= {row.pattern for row in best}
    others = [row for row in p.table() if row.verdict == ""]
    assert p.runner_up.exponent == min(row.exponent for row in others) > p.exponent
    assert p.runner_up.margin == p.runner_up.exponent - p.exponent
    assert p.energy == best[0].energy and p.table()[0].pattern == p.winners[0]
    exponents = [row.exponent for row in p.table()]
    assert exponents == sorted(exponents)


def test_gfl_and_magnetization_always_tie():
    def renamed(pattern):
        return str(pattern).replace("Magnetization", "GFL"), *[x.feature for x in pattern]

    for seed in range(5):
        found = {}
        for row in random_prediction(seed).table():
            found.setdefault(renamed(row.pattern), set()).add(row.exponent)
        assert all(len(exponents) == 1 for exponents in found.values())


def test_without_rivals_there_is_no_runner_up():
    p = predict(FCN(2), 3, {"N": 1}, patterns=["GP"])
    assert p.winners == (Pattern([GP()]),) and p.runner_up is None
    assert "runner-up" not in repr(p) + p._repr_markdown_()


def test_free_parameters_are_reported():
    p = predict(FCN(3), 3, {"N1": "4/3", "N2": "1/2"})
    row = next(
        r for r in p.table() if str(r.pattern) == "Specialization–GFL" and r.verdict == "wins"
    )
    assert row.ranges == {"D2": (F(1, 3), F(1, 2))} and row.bounds == ("M1 >= 1",)
    assert "D2 free from d^(1/3) to sqrt(d)" in repr(p)


@pytest.mark.parametrize("width", [1, 2, 4, "9/2"])
def test_the_number_of_specialised_neurons_is_not_free(width):
    assert predict(FCN(2), 3, {"N": width}).ranges == {}


@pytest.mark.parametrize("seed", range(10))
def test_ranges_by_linear_programming(seed):
    """The numbers of neurons, whose bounds do not move with the layers below."""
    p = random_prediction(seed)
    for row in p.table():
        energy = direct(row, p)
        learning = [x for x in row.pattern if not isinstance(x, GP)]
        names = list(row.solution.parameters)
        for i, (layer, name) in enumerate(zip(learning, names, strict=True)):
            if layer.name != "Specialization":
                continue
            top = row.solution.parameters[name].exponent(p.exponents)
            low, high = row.ranges.get(name, (top, top))
            assert high == top
            found = []
            for forms in energy.linear_programs():
                upper = [list(map(float, f[1])) for f in forms]
                right = [float(row.solution.exponent - f[0]) for f in forms]
                upper += [[-float(c) for c in f[1]] for f in energy.bounds]
                right += [float(f[0]) for f in energy.bounds]
                right = [x + 1e-9 for x in right]
                for sign in (1, -1):
                    goal = [sign * float(i == j) for j in range(energy.size)]
                    done = linprog(goal, upper, right, bounds=[(None, None)] * energy.size)
                    if done.status == 0:
                        found.append(done.x[i])
            assert min(found) == pytest.approx(float(low), abs=1e-6)
            assert max(found) == pytest.approx(float(high), abs=1e-6)


def test_text():
    p = predict(FCN(depth=3), degree=3, widths=ONES)
    lines = repr(p).splitlines()
    assert lines[:4] == [
        "FCN(depth=3), degree 3, N1 = d, N2 = d, standard scaling",
        "P_* ~ d^1",
        "winner: GP–Specialization(1), energy sqrt(d*N2); M2 = sqrt(N2/d)",
        "winner: Specialization(1)–GP, energy sqrt(d*N1); M1 = sqrt(N1/d)",
    ]
    assert len(p.winners) == 6 and len(lines) == 10
    assert lines[-2].startswith("on par, but idle: ") and lines[-2].count(", ") == 4
    assert lines[-1] == "runner-up: GFL(1)–GFL(1), P_* ~ d^(9/7)"
    markdown = p._repr_markdown_()
    assert r"$P_*/\kappa\propto d^{1}$" in markdown
    assert r"| **GP–Specialization(1)** | $\sqrt{d N_{2}}$ |" in markdown


def test_a_bound_is_named_in_the_text():
    narrow = predict(FCN(2), 3, {"N": "1/2"})
    assert "bound M >= 1 binds" in repr(narrow)
    assert "bound `M >= 1` binds" in narrow._repr_markdown_()
    p = predict(CNN(), 3, {"S": "1/4", "N": 0})
    assert {b for row in p.table() for b in row.bounds} >= {"D*e0(1) <= 1", "beta <= N", "M <= N"}
    deep = predict(FCN(3), 3, {"N1": 0, "N2": 3})
    bounds = {b for row in deep.table() for b in row.bounds}
    assert {"D2 >= 1", "beta2/N2 >= e1(1)"} <= bounds


def test_many_winners_are_cut_short_in_text_only():
    p = predict(FCN(4), 3, {"N1": 0, "N2": 0, "N3": 0})
    assert len(p.winners) > 6
    assert f"... and {len(p.winners) - 6} more winners" in repr(p)
    assert f"| and {len(p.winners) - 6} more" in p._repr_markdown_()


def test_table():
    table = predict(FCN(depth=3), degree=3, widths=ONES).table()
    lines = repr(table).splitlines()
    assert len(lines) == 29 and lines[0].split()[:3] == ["pattern", "energy", "exponent"]
    assert lines[1].split()[:3] == ["GP–Specialization(1)", "sqrt(d*N2)", "1"]
    assert "idle" in repr(table) and lines[1].endswith("wins")
    gfl = next(line for line in lines if line.startswith("GFL(1)–GFL(1)"))
    assert gfl.split() == ["GFL(1)–GFL(1)", "(d*N1*N2)^(3/7)", "9/7", "2/7"]
    assert "| 9/7 | 2/7 |" in table._repr_markdown_()
    markdown = table._repr_markdown_().splitlines()
    assert markdown[0].startswith("| pattern |") and r"$\sqrt{d N_{2}}$" in markdown[2]
    assert type(table[:3]) is type(table) and len(table[:3]) == 3
    assert repr(table[0]) == "GP–Specialization(1): sqrt(d*N2), exponent 1 (wins)"


def test_long_tables_say_what_they_hide():
    table = predict(FCN(4), 3, {"N1": 1, "N2": 1, "N3": 1}).table()
    assert len(table) == 196
    assert "... and 156 more rows" in repr(table) and "156 more rows" in table._repr_markdown_()
    assert "more rows" not in repr(table[:40])


def test_adding_a_pattern_is_adding_one_class():
    class Halves(LayerPattern):
        """Half of the neurons specialise."""

        name = "Half"

        def learn(self, layer):
            amount = layer.buy(
                start=layer.width,
                rate=layer.strengths[self.feature] / layer.width,
                most=layer.width,
                bounds=("{M} >= {N}", "{M} <= {N}"),
            )
            return propagation.spiked(layer.strengths, amount / layer.width, layer.degrees)

        def read(self, amount, strength, width, size):
            return {"M": amount}

    p = predict(FCN(2), 3, {"N": 1}, patterns=[Halves])
    half = next(row for row in p.table() if str(row.pattern) == "Half")
    d, N = sp.symbols("d N", positive=True)
    assert half.energy == d * N and half.parameters == {"M": N} and half.bounds == ("M >= N",)
    assert str(p.winners[0]) == "Half" and p.exponent == 2


def test_patterns_may_be_named_or_passed():
    by_class = predict(FCN(2), 3, {"N": 1}, patterns=[GFL, Specialization])
    by_name = predict(FCN(2), 3, {"N": 1}, patterns=["GFL", "Specialization"])
    assert [r.pattern for r in by_class.table()] == [r.pattern for r in by_name.table()]
    assert len(by_class.table()) == 3
    assert len(predict(FCN(2), 3, {"N": 1}, patterns="GFL").table()) == 2


@pytest.mark.parametrize(
    "arguments, said",
    [
        (dict(degree=2), "degree = 2: an odd positive integer.*activation is odd"),
        (dict(degree=0), "degree = 0"),
        (dict(degree=-1), "degree = -1"),
        (dict(degree=3.0), r"degree = 3\.0"),
        (dict(degree=True), "degree = True"),
        (dict(degree="3"), "degree = '3'"),
        (dict(degree=sp.Integer(4)), "degree = 4"),
        (dict(patterns=3), "patterns = 3: a list of 'GP', 'GFL'"),
        (dict(widths=None), "widths has no N1, N2"),
        (dict(widths={"N1": 1}), r"widths has no N2: FCN\(depth=3\) needs N1, N2"),
        (dict(widths={"N": 1}), r"widths has 'N': FCN\(depth=3\) has N1, N2"),
        (dict(widths={**ONES, "d": 1}), "widths has 'd'"),
        (dict(widths=[1, 1]), "widths = .*a dict"),
        (dict(widths={"N1": 0.5, "N2": 1}), r"widths\['N1'\] = 0\.5: floats.*\"1/2\""),
        (dict(widths={"N1": -1, "N2": 1}), r"widths\['N1'\] = -1.*at least 0"),
        (dict(widths={"N1": "one", "N2": 1}), r"widths\['N1'\] = 'one'"),
        (dict(widths={"N1": "1/0", "N2": 1}), r"widths\['N1'\] = '1/0'"),
        (dict(widths={"N1": True, "N2": 1}), r"widths\['N1'\] = True"),
        (dict(widths={"N1": None, "N2": 1}), r"widths\['N1'\] = None"),
        (dict(scaling="ntk"), "scaling = 'ntk': 'standard' or 'mean-field'"),
        (dict(patterns=["lazy"]), "patterns has 'lazy': one of 'GP', 'GFL'"),
        (dict(patterns=[int]), "patterns has <class 'int'>"),
        (dict(patterns=[LayerPattern]), "patterns has"),
        (dict(architecture="FCN"), "architecture = 'FCN'"),
    ],
)
def test_bad_input(arguments, said):
    with pytest.raises(ValueError, match=said):
        predict(**{"architecture": FCN(3), "degree": 3, "widths": ONES, **arguments})


@pytest.mark.parametrize("three", [3, sp.Integer(3), np.int64(3), np.uint8(3)])
def test_any_type_of_integer_is_a_degree_or_depth(three):
    p = predict(FCN(three), three, ONES)
    assert p.exponent == 1 and p.winners == predict(FCN(3), 3, ONES).winners
    assert type(p.degree) is int and p.architecture == FCN(3) and repr(FCN(three)) == repr(FCN(3))
    assert predict(FCN(3), three, {"N1": sp.Symbol("a"), "N2": 1}).degree == 3
    assert phase_diagram(FCN(2), three, {"N": (0, 1)}).degree == 3


@pytest.mark.parametrize("depth", [1, 0, -2, 2.0, "3", True, None])
def test_bad_depth(depth):
    with pytest.raises(ValueError, match=f"depth = {depth!r}: an integer of at least 2"):
        FCN(depth=depth)


@pytest.mark.parametrize(
    "widths, said",
    [
        ({"N": 1}, "widths has no S, Nw"),
        ({"S": "1/2"}, "widths has no N:"),
        ({"S": "1/2", "Nw": "1/3", "N": 1}, r"S = d\^1/2 and Nw = d\^1/3.*sum is 1"),
        ({"S": 1, "Nw": 1, "N": 1}, "sum is 1"),
        ({"S": 2, "N": 1}, "from 0 to 1"),
    ],
)
def test_bad_patches(widths, said):
    with pytest.raises(ValueError, match=said):
        predict(CNN(), 1, widths)


def test_patches_need_one_of_two_sizes():
    full = predict(CNN(), 3, {"S": "1/3", "Nw": "2/3", "N": 1})
    for part in ({"S": "1/3"}, {"Nw": "2/3"}):
        p = predict(CNN(), 3, {**part, "N": 1})
        assert p.exponents == full.exponents and p.winners == full.winners


def test_layers_too_narrow_for_the_rules_are_named():
    p = predict(FCN(3), 3, {"N1": "1/2", "N2": 1})
    ((text, law),) = p.narrow
    assert text == "N1*e1(1)" and law.exponent(p.exponents) == F(-1, 6)  # beta1
    assert "too narrow" in repr(p) and "too narrow" in p._repr_markdown_()
    # One specialised neuron in the first layer stands out at any width.
    by_name = {str(row.pattern): row for row in p.table() if row.pattern[-1].feature == 1}
    assert by_name["Specialization–Specialization"].narrow == ()
    for wide in ({"N1": 1, "N2": 1}, {"N1": 2, "N2": "1/2"}, {"N1": "1/2", "N2": 2}):
        q = predict(FCN(3), 3, wide)
        assert q.narrow == () and "too narrow" not in repr(q)
    assert predict(FCN(2), 3, {"N": "1/3"}).narrow == ()  # the input is no sample


def row_of(prediction, text):
    return next(row for row in prediction.table() if repr(row.pattern) == text)


def test_a_feature_is_followed_down_through_lazy_layers():
    p = predict(FCN(4), 3, {"N1": "1/2", "N2": 2, "N3": 1})
    assert repr(p.winners[0]) == "GFL(1)–GP–Specialization(1)" and p.exponent == F(5, 6)
    ((text, law),) = p.narrow
    assert text == "N1*e1(1)" and law.exponent(p.exponents) == F(-1, 6)
    assert "N1*e1(1)" in repr(p) and "N1*e1(1)" in p._repr_markdown_()
    # All layers between are asked, each with its own width.
    q = predict(FCN(4), 3, {"N1": "1/2", "N2": "2/3", "N3": 1})
    found = dict(row_of(q, "GP–GP–Specialization(1)").narrow)
    sizes = {text: law.exponent(q.exponents) for text, law in found.items()}
    assert sizes == {"N1*e1(1)": F(-1, 2), "N2*e2(1)": F(-1, 3)}
    # One specialised neuron raises the feature, which layers below need not show.
    low = row_of(q, "Specialization(1)–GP–Specialization(1)")
    assert low.narrow == () and row_of(q, "Specialization(1)–GP–GP").narrow == ()


def test_patterns_on_par_are_listed_although_idle():
    p = predict(FCN(2), 1, {"N": 1})
    assert [repr(t) for t in p.ties] == ["GP", "GFL(1)", "Magnetization(1)", "Specialization(1)"]
    assert "on par, but idle: Specialization(1)" in repr(p) and "on par" in p._repr_markdown_()
    assert repr(p.table()).endswith("ties, idle") and "ties, idle" in p.table()._repr_markdown_()
    for seed in range(8):
        q = random_prediction(seed)
        assert set(q.ties) == {r.pattern for r in q.table() if r.exponent == q.exponent}
        assert set(q.winners) <= set(q.ties)
    alone = predict(FCN(2), 3, {"N": 2})
    assert alone.ties == alone.winners and "on par" not in repr(alone) + alone._repr_markdown_()


@pytest.mark.parametrize("seed", range(6))
def test_among_equal_exponents_winners_come_first_and_idle_patterns_last(seed):
    order = {"wins": 0, "": 1, "idle": 2}
    keys = [(row.exponent, order[row.verdict]) for row in random_prediction(seed).table()]
    assert keys == sorted(keys) and len({key[0] for key in keys}) < len(set(keys))


@given(st.fractions(0, 1, max_denominator=9), st.fractions(0, 3, max_denominator=9))
@settings(deadline=None, derandomize=True, max_examples=60)
def test_amplified_narrow_layers_below_d_are_always_too_narrow(w1, w2):
    """(N1 N2 d)^(1/3) < d means beta1 = (N1 N2/d^2)^(1/3) < 1."""
    p = predict(FCN(3), 3, {"N1": w1, "N2": w2})
    for row in p.table():
        if str(row.pattern) == "GFL–Specialization" and row.exponent < 1 and w1 < 1:
            assert row.narrow
