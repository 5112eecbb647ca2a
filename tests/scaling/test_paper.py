"""Every scaling of the paper's section 5, by hand, and what its lists leave out."""

from fractions import Fraction as F

import pytest
import sympy as sp

from featlearn.scaling import CNN, FCN, predict

d, N, N1, N2, S, Nw = sp.symbols("d N N1 N2 S Nw", positive=True)


def row(prediction, name, *features):
    for r in prediction.table():
        learned = tuple(layer.feature for layer in r.pattern if layer.feature)
        if str(r.pattern) == name and (not features or learned == features):
            return r
    raise LookupError(name)


def names(prediction):
    return [str(winner) for winner in prediction.winners]


@pytest.mark.parametrize("m", [1, 3, 5, 7])
def test_two_layers(m):
    p = predict(FCN(depth=2), degree=m, widths={"N": 1})
    assert row(p, "GP").energy == d**m
    gfl = row(p, "GFL")
    assert gfl.energy == (N * d) ** sp.Rational(m, m + 1)
    assert gfl.parameters == {"D": (d**m / N) ** sp.Rational(1, m + 1)}
    assert gfl.exponent == F(2 * m, m + 1)
    special = row(p, "Specialization")
    assert special.energy == sp.sqrt(d * N) and special.exponent == 1
    assert special.parameters == {"M": sp.sqrt(N / d)}
    assert p.exponent == 1


def test_two_layers_proportional_winner():
    p = predict(FCN(depth=2), degree=3, widths={"N": 1})
    assert names(p) == ["Specialization"] and p.energy == sp.sqrt(d * N)
    assert p.samples == p.energy and p.energy_exponent == p.exponent == 1
    assert str(p.runner_up.pattern) == "GFL" and p.runner_up.margin == F(1, 2)
    assert p.bounds == () and p.ranges == {}


@pytest.mark.parametrize("m", [3, 5])
def test_lazy_learning_wins_beyond_d_to_the_2m_minus_1(m):
    edge = 2 * m - 1
    assert names(predict(FCN(2), m, {"N": edge - F(1, 100)})) == ["Specialization"]
    assert names(predict(FCN(2), m, {"N": edge + F(1, 100)})) == ["GP"]
    # On the edge both regions meet, and both patterns win.
    assert names(predict(FCN(2), m, {"N": edge})) == ["GP", "Specialization"]


def test_a_linear_target_at_proportional_width_ties():
    p = predict(FCN(2), 1, {"N": 1})
    assert {r.exponent for r in p.table()} == {1}
    assert row(p, "GFL").energy == row(p, "Specialization").energy == sp.sqrt(d * N)
    # All cost d. In narrower networks GFL is cheaper; specialization never is, as M >= 1.
    assert names(p) == ["GP", "GFL", "Magnetization"]


def test_specialization_and_gfl_tie_on_a_linear_target_of_narrow_networks_only_by_one_neuron():
    p = predict(FCN(2), 1, {"N": "1/2"})
    assert names(p) == ["GFL", "Magnetization"] and p.exponent == F(3, 4)
    assert row(p, "Specialization").exponent == 1  # M >= 1
    assert row(p, "Specialization").bounds == ("M >= 1",)


@pytest.mark.parametrize("width", [F(1, 2), F(3, 4), F(99, 100)])
def test_one_neuron_is_the_least_that_can_specialise(width):
    p = predict(FCN(2), 3, {"N": width})
    assert p.energy == d and p.parameters == {"M": 1} and p.bounds == ("M >= 1",)


def test_a_very_wide_network_amplifies_nothing():
    r = row(predict(FCN(2), 3, {"N": 4}), "GFL")
    assert r.energy == N and r.parameters == {"D": 1} and r.bounds == ("D >= 1",)


@pytest.mark.parametrize("m", [1, 3, 5])
def test_weak_specialization_of_narrow_networks(m):
    p = predict(FCN(2), m, {"N": "1/2"}, patterns=["Weak specialization", "Specialization", "GFL"])
    weak = row(p, "Weak specialization")
    assert weak.energy == (N * d**m) ** sp.Rational(1, m + 1)
    assert weak.parameters == {"M": 1, "mu": (N / d) ** sp.Rational(1, 2 * m + 2)}
    assert str(p.winners[-1]) == "Weak specialization"


def test_weak_specialization_is_specialization_in_wide_networks():
    p = predict(FCN(2), 3, {"N": 2}, patterns=["Weak specialization", "Specialization"])
    assert names(p) == ["Specialization", "Weak specialization"]
    assert row(p, "Weak specialization").parameters == {"M": sp.sqrt(N / d), "mu": 1}


def test_three_layers_of_the_paper():
    p = predict(FCN(depth=3), degree=3, widths={"N1": 1, "N2": 1})
    assert row(p, "GP–GP").energy == d**3
    second = row(p, "GP–Specialization", 1)
    assert second.energy == sp.sqrt(N2 * d)
    assert second.parameters == {"M2": sp.sqrt(N2 / d)}
    both = row(p, "Specialization–Magnetization", 1, 3)
    E = (N1 * N2 * d) ** sp.Rational(1, 3)
    assert both.energy == E
    assert both.parameters["M1"] == (N1 * N2 / d**2) ** sp.Rational(1, 3)
    assert sp.simplify(both.parameters["beta2"] - N2 / E) == 0
    assert second.exponent == both.exponent == p.exponent == 1
    assert row(p, "GP–GP").exponent == 3


def test_three_layers_proportional_winners():
    p = predict(FCN(depth=3), degree=3, widths={"N1": 1, "N2": 1})
    assert p.energy == sp.sqrt(d * N2)
    # The paper's two, and all others whose regions end at the proportional corner.
    assert names(p) == [
        "GP–Specialization",
        "Specialization–GP",
        "GFL–Specialization",
        "Magnetization–Specialization",
        "Specialization–GFL",
        "Specialization–Magnetization",
    ]
    assert row(p, "Specialization–Specialization").verdict == "idle"


@pytest.mark.parametrize("w1", ["3/2", 2, 3])
def test_wide_first_layers_leave_the_learning_to_the_second(w1):
    """For N2 = d and N1 > d the paper's third pattern costs more than its second."""
    p = predict(FCN(depth=3), degree=3, widths={"N1": w1, "N2": 1})
    assert names(p) == ["GP–Specialization"] and p.exponent == 1
    both = row(p, "Specialization–Magnetization", 1, 3)
    assert both.exponent == (F(w1) + 2) / 3 > 1


def test_specialization_magnetization_never_wins_alone():
    """Where M1 >= 1 holds, (N1 N2 d)^(1/3) is not below both sqrt(d N1) and sqrt(d N2)."""
    for w1 in range(7):
        for w2 in range(7):
            p = predict(FCN(3), 3, {"N1": F(w1, 2), "N2": F(w2, 2)})
            assert "Specialization–Magnetization" not in names(p) or len(p.winners) > 1


@pytest.mark.parametrize("w1, w2", [(2, "3/2"), (3, 1), ("4/3", "5/4")])
def test_the_narrower_of_two_wide_layers_specialises(w1, w2):
    assert names(predict(FCN(3), 3, {"N1": w1, "N2": w2})) == ["GP–Specialization"]
    assert names(predict(FCN(3), 3, {"N1": w2, "N2": w1})) == ["Specialization–GP"]


def test_the_papers_third_pattern_never_wins_alone():
    # It needs one specialised neuron in the first layer, so it costs d at least, and at
    # widths above d the narrower layer specialises more cheaply.
    for i in range(0, 13):
        for j in range(0, 13):
            p = predict(FCN(3), 3, {"N1": F(i, 4), "N2": F(j, 4)})
            if "Specialization–Magnetization" in names(p):
                assert "GP–Specialization" in names(p)


def test_a_narrow_first_layer_amplifies_and_the_second_specialises():
    p = predict(FCN(3), 3, {"N1": "1/2", "N2": 1})
    assert names(p) == ["GFL–Specialization", "Magnetization–Specialization"]
    assert p.energy == (d * N1 * N2) ** sp.Rational(1, 3) and p.exponent == F(5, 6)
    assert p.runner_up.margin == F(1, 6)


def test_patches():
    p = predict(CNN(), degree=1, widths={"S": "1/2", "Nw": "1/2", "N": "1/2"})
    assert p.exponent == F(3, 4)  # S^(3/2)
    assert names(p) == ["GFL", "Magnetization", "Specialization"]
    assert row(p, "GP").energy == Nw * S and row(p, "GP").exponent == 1
    for r in (row(p, "GFL"), row(p, "Specialization")):
        assert r.energy == sp.sqrt(S * Nw * N)
    assert row(p, "GFL").parameters == {"D": sp.sqrt(Nw * S / N)}
    assert row(p, "Specialization").parameters == {"M": sp.sqrt(Nw * N / S)}


@pytest.mark.parametrize("m", [3, 5])
def test_patches_with_a_nonlinear_target(m):
    p = predict(CNN(), degree=m, widths={"S": "1/2", "N": "1/2"})
    assert row(p, "GP").energy == Nw * S**m
    expected = (N * S) ** sp.Rational(m, m + 1) * Nw ** sp.Rational(1, m + 1)
    assert sp.simplify(row(p, "GFL").energy / expected) == 1
    assert names(p) == ["Specialization"] and p.exponent == F(3, 4)


@pytest.mark.parametrize("m", [1, 3, 5])
def test_mean_field_bounds_do_not_depend_on_the_width(m):
    p = predict(FCN(2), m, {"N": 1}, scaling="mean-field")
    assert row(p, "GP").energy == N * d**m and row(p, "GP").exponent == m
    gfl = row(p, "GFL")
    assert gfl.parameters == {"D": d ** sp.Rational(m, m + 1)}
    assert gfl.exponent == F(m, m + 1)
    special = row(p, "Specialization")
    assert special.energy == N * sp.sqrt(d) and special.exponent == F(1, 2)
    assert special.parameters == {"M": N / sp.sqrt(d)}
    assert p.samples == sp.sqrt(d) and p.energy_exponent - p.exponent == 1


def test_mean_field_divides_by_the_last_width():
    standard = predict(FCN(3), 3, {"N1": "1/2", "N2": 2})
    scaled = predict(FCN(3), 3, {"N1": "1/2", "N2": 2}, scaling="mean-field")
    assert row(scaled, "GP–GP").exponent == 3 == row(standard, "GP–GP").exponent
    assert scaled.energy_exponent - scaled.exponent == 2
    assert sp.simplify(scaled.samples * N2 / scaled.energy) == 1
