"""Phase diagrams against predictions point by point."""

import random
from fractions import Fraction as F

import pytest
import sympy as sp

from featlearn.scaling import (
    CNN,
    FCN,
    GP,
    PAPER,
    Pattern,
    envelope,
    phase_diagram,
    polygons,
    predict,
)

d, N, N1, N2 = sp.symbols("d N N1 N2", positive=True)
EVERYTHING = ["GFL", "Specialization", "Magnetization", "Weak specialization"]
CASES = {
    "two layers": (FCN(2), 3, {"N": (0, 6)}, {}, "standard", None),
    "two layers, linear": (FCN(2), 1, {"N": ("1/3", 3)}, {}, "standard", None),
    "mean field": (FCN(2), 5, {"N": (0, 4)}, {}, "mean-field", EVERYTHING),
    "three layers": (FCN(3), 3, {"N1": (0, 3), "N2": (0, 3)}, {}, "standard", None),
    "three layers, wide": (FCN(3), 3, {"N2": (0, 6), "N1": (0, 6)}, {}, "mean-field", None),
    "three layers, weak": (FCN(3), 3, {"N1": (0, 3), "N2": (0, 3)}, {}, "standard", EVERYTHING),
    "three layers, one fixed": (FCN(3), 5, {"N1": (0, 3)}, {"N2": "1/2"}, "standard", None),
    "three layers, linear": (FCN(3), 1, {"N1": (0, 2), "N2": (0, 2)}, {}, "standard", None),
    "four layers": (FCN(4), 3, {"N1": (0, 2), "N3": (0, 2)}, {"N2": "1/2"}, "standard", None),
    "patches": (CNN(), 3, {"S": (0, 1), "N": (0, 3)}, {}, "standard", None),
    "patches by number": (CNN(), 1, {"Nw": (0, 1), "N": (0, 3)}, {}, "standard", None),
    "patches, one fixed": (CNN(), 3, {"N": (0, 4)}, {"S": "2/3"}, "mean-field", None),
}


@pytest.fixture(scope="module", params=list(CASES))
def case(request):
    architecture, degree, vary, widths, scaling, patterns = CASES[request.param]
    options = dict(scaling=scaling, patterns=patterns)
    diagram = phase_diagram(architecture, degree, vary, widths, **options)

    def at(point):
        chosen = {**widths, **dict(zip(vary, point, strict=True))}
        return predict(architecture, degree, chosen, **options)

    return diagram, at


def test_regions_tile_the_box_exactly(case):
    diagram, _ = case
    whole = polygons.measure(polygons.box(tuple(diagram.ranges.values())))
    assert sum(region.area for region in diagram.regions) == whole
    for region in diagram.regions:
        assert sum(map(polygons.measure, region.outlines)) == region.area > 0
        assert all(polygons.measure(cell) > 0 for cell in region.cells)
    kinds = {(region.winners, region.function) for region in diagram.regions}
    assert len(kinds) == len(diagram.regions)  # merged


def test_predictions_inside_regions_agree(case):
    diagram, at = case
    rng = random.Random(1)
    for region in diagram.regions:
        for cell in region.cells:
            # An inner point off every special line: random weights with a large prime.
            weights = [rng.randint(1, 10**6) for _ in cell]
            point = tuple(
                sum(w * x for w, x in zip(weights, xs, strict=True)) / F(sum(weights))
                for xs in zip(*cell, strict=True)
            )
            p = at(point)
            assert p.winners == region.winners
            assert p.energy_exponent == polygons.value(region.function, point)
            assert p.energy_exponent == region.law.exponent(p.exponents)
            assert p.exponent == (region.law / region.ridge).exponent(p.exponents)
            assert diagram.at(*point) == (region,)


def test_random_points_agree(case):
    diagram, at = case
    rng = random.Random(2)
    for _ in range(25):
        point = tuple(
            low + (high - low) * F(rng.randint(1, 10**6), 10**6 + 3)
            for low, high in diagram.ranges.values()
        )
        (region,) = diagram.at(*point)
        p = at(point)
        assert p.winners == region.winners
        assert p.energy_exponent == polygons.value(region.function, point)


def test_boundaries_satisfy_their_equations_and_energies_meet(case):
    diagram, at = case
    assert diagram.boundaries
    for boundary in diagram.boundaries:
        left, right = boundary.sides
        for part in boundary.parts:
            corners = [part] if len(diagram.ranges) == 1 else part
            for corner in corners:
                sizes = {"d": F(1), **dict(zip(diagram.ranges, corner, strict=True))}
                assert left.exponent(sizes) == right.exponent(sizes)
                energies = {polygons.value(r.function, corner) for r in boundary.regions}
                assert energies == {at(corner).energy_exponent}
                assert all(corner in region for region in boundary.regions)


def test_at_a_corner_the_patterns_of_all_regions_win(case):
    diagram, at = case
    corners = {c for region in diagram.regions for outline in region.outlines for c in outline}
    for corner in corners:
        inside = all(
            lo < x < hi for x, (lo, hi) in zip(corner, diagram.ranges.values(), strict=True)
        )
        if inside:
            meeting = {str(w) for region in diagram.at(*corner) for w in region.winners}
            assert meeting <= set(map(str, at(corner).winners))


@pytest.mark.parametrize("depth, degree", [(3, 3), (4, 3)])
def test_no_energy_of_a_learning_layer_is_that_of_a_lazy_one(depth, degree):
    """Routes that bypass a layer belong to the pattern in which it is lazy."""
    names = FCN(depth).widths
    affine = {"d": (F(1), F(0), F(0)), **dict.fromkeys(names, (F(1), F(0), F(0)))}
    affine[names[0]], affine[names[-1]] = (F(0), F(1), F(0)), (F(0), F(0), F(1))
    whole = polygons.box(((F(0), F(6)),) * 2)
    found = envelope.candidates(FCN(depth), degree, "standard", PAPER, affine, whole)
    energies = {}
    for functions, patterns in found.items():
        for pattern in patterns:
            energies.setdefault(pattern, []).append(functions)
    assert energies[Pattern([GP()] * (depth - 1))]
    for pattern, mine in energies.items():
        for i, layer in enumerate(pattern):
            if not isinstance(layer, GP):
                lazier = Pattern(pattern[:i] + (GP(),) + pattern[i + 1 :])
                assert not set(mine) & set(energies.get(lazier, ()))


def test_two_layers_by_hand():
    diagram = phase_diagram(FCN(2), 3, {"N": (0, 6)})
    found = {
        region.outlines: (*map(str, region.winners), region.energy) for region in diagram.regions
    }

    def between(a, b):
        return (((F(a),), (F(b),)),)

    assert found == {
        between(0, F(1, 3)): ("GFL", "Magnetization", (d * N) ** sp.Rational(3, 4)),
        between(F(1, 3), 1): ("Specialization", d),
        between(1, 5): ("Specialization", sp.sqrt(d * N)),
        between(5, 6): ("GP", d**3),
    }
    equations = {boundary.equation for boundary in diagram.boundaries}
    assert equations == {sp.Eq(N, d ** sp.Rational(1, 3)), sp.Eq(N, d), sp.Eq(N, d**5)}


def test_three_layers_by_hand():
    diagram = phase_diagram(FCN(3), 3, {"N1": (0, 3), "N2": (0, 3)})
    assert len(diagram.regions) == 10
    largest = diagram.regions[0]
    assert largest.energy == sp.sqrt(d * N2) and largest.area == 2
    assert largest.outlines == (((1, 1), (3, 1), (3, 3)),)
    equations = {boundary.equation for boundary in diagram.boundaries}
    assert {sp.Eq(N1, N2), sp.Eq(N1 * N2, d**2), sp.Eq(d * N1, N2**2)} <= equations


def test_on_a_boundary_both_regions_are_found():
    diagram = phase_diagram(FCN(2), 3, {"N": (0, 6)})
    assert {region.energy for region in diagram.at(5)} == {d**3, sp.sqrt(d * N)}


@pytest.mark.parametrize(
    "vary, point, said",
    [
        ({"N1": (0, 3), "N2": (0, 3)}, (1,), r"point = \(1,\): one exponent for each of N1, N2"),
        ({"N1": (0, 3)}, (1, 2), r"point = \(1, 2\): one exponent for each of N1 "),
        ({"N1": (0, 3)}, (), r"point = \(\)"),
        ({"N1": (0, 3)}, (0.5,), r"point\['N1'\] = 0.5: floats"),
        ({"N1": (0, 3)}, ("one",), r"point\['N1'\] = 'one'"),
        ({"N1": ("1/2", 3)}, (4,), r"point\['N1'\] = 4: from 1/2 to 3"),
        ({"N1": ("1/2", 3)}, ("1/3",), r"point\['N1'\] = '1/3': from 1/2 to 3"),
    ],
)
def test_bad_points(vary, point, said):
    fixed = {} if len(vary) == 2 else {"N2": 1}
    with pytest.raises(ValueError, match=said):
        phase_diagram(FCN(3), 3, vary, fixed).at(*point)


def test_points_may_be_written_in_several_ways():
    diagram = phase_diagram(FCN(2), 3, {"N": (0, 6)})
    for point in ("1/2", F(1, 2), sp.Rational(1, 2)):
        assert [region.energy for region in diagram.at(point)] == [d]


def test_regions_warn_of_layers_too_narrow_for_the_rules():
    diagram = phase_diagram(FCN(3), 3, {"N1": (0, 3), "N2": (0, 3)})
    for region in diagram.regions:
        seen = set()
        for cell in region.cells:
            middle = polygons.centre(cell)
            for corner in cell:
                for share in (F(1, 50), F(1, 3), F(4, 5)):
                    point = [x + share * (y - x) for x, y in zip(corner, middle, strict=True)]
                    p = predict(FCN(3), 3, dict(zip(("N1", "N2"), point, strict=True)))
                    seen |= {text for text, _ in p.narrow}
        assert set(region.narrow) == seen
    assert diagram.at("1/2", 1)[0].narrow == ("N1*e1(1)",) and diagram.at(2, "3/2")[0].narrow == ()
    assert "; too narrow in part: N1*e1(1) < 1" in repr(diagram)
    assert "; too narrow in part: `N1*e1(1) < 1` |" in diagram._repr_markdown_()


def test_it_shows_itself():
    diagram = phase_diagram(FCN(3), 3, {"N1": (0, 3)}, {"N2": 1})
    text, markdown = repr(diagram), diagram._repr_markdown_()
    assert "N2 = d" in text and "GP–Specialization(1)" in text and "boundaries: " in text
    assert "| winners | energy |" in markdown and "$N_{1} = d$" in markdown
    assert "N2 = $d$" in markdown
    alone = phase_diagram(FCN(2), 3, {"N": (6, 7)})
    assert "boundaries" not in repr(alone) and "Boundaries" not in alone._repr_markdown_()


@pytest.mark.parametrize(
    "vary, widths, said",
    [
        (None, None, "vary = None"),
        ({}, None, "vary = {}"),
        ({"N1": (0, 1), "N2": (0, 1), "N3": (0, 1)}, None, "one or two of N1, N2"),
        ({"N": (0, 1)}, {"N2": 1}, "vary has 'N'.*N1, N2"),
        ({"N1": 1}, {"N2": 1}, r"vary\['N1'\] = 1.*pair"),
        ({"N1": (0, 1, 2)}, {"N2": 1}, "pair"),
        ({"N1": (1, 1)}, {"N2": 1}, "second must exceed"),
        ({"N1": (0.5, 1)}, {"N2": 1}, "floats are not exact"),
        ({"N1": (-1, 1)}, {"N2": 1}, "at least 0"),
        ({"N1": (0, 1)}, None, "widths has no N2"),
        ({"N1": (0, 1)}, {"N1": 1, "N2": 1}, "'N1', which is in vary"),
        ({"N1": (0, 1)}, {"N2": 1.0}, "floats are not exact"),
    ],
)
def test_bad_ranges(vary, widths, said):
    with pytest.raises(ValueError, match=said):
        phase_diagram(FCN(3), 3, vary, widths)


def test_patches_stay_between_one_and_d():
    with pytest.raises(ValueError, match="whose sum is 1"):
        phase_diagram(CNN(), 1, {"S": (0, 2)}, {"N": 1})
    with pytest.raises(ValueError, match="degree = 2"):
        phase_diagram(CNN(), 2, {"S": (0, 1)}, {"N": 1})
