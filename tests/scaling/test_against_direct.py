"""The exact minima against the energy written out: grids, linear programs, certificates."""

import random
from fractions import Fraction as F
from itertools import product

import numpy as np
import pytest
from scipy.optimize import linprog, minimize

from featlearn.scaling import CNN, FCN, predict
from tests.scaling.direct import Direct

KIND = {
    "GP": "GP",
    "GFL": "GFL",
    "Specialization": "Sp",
    "Magnetization": "Mag",
    "Weak specialization": "Weak",
}


def direct(row, prediction):
    pattern = [(KIND[layer.name], layer.feature) for layer in row.pattern]
    sizes = prediction.exponents
    architecture = prediction.architecture
    readout = sum(sizes[name] for name in architecture.readout)
    if prediction.scaling == "mean-field":
        readout += sizes[architecture.layers[-1]]
    widths = [sizes[name] for name in architecture.layers]
    return Direct(widths, pattern, prediction.degree, sizes[architecture.input], readout)


def random_prediction(seed, depth, degree=3, denominator=4, highest=3, scaling="standard"):
    rng = random.Random(seed)
    names = FCN(depth).widths
    widths = {n: F(rng.randint(0, highest * denominator), denominator) for n in names}
    return predict(FCN(depth), degree, widths, scaling=scaling)


def values(row):
    return [law.exponent(row.solution._exponents) for law in row.solution.parameters.values()]


CASES = [(s, depth, m, "standard") for depth in (2, 3) for m in (1, 3) for s in (1, 2)]
CASES += [(3, 2, 5, "standard"), (4, 3, 3, "mean-field"), (5, 2, 3, "mean-field")]


@pytest.mark.parametrize("seed, depth, degree, scaling", CASES)
def test_parameters_are_allowed_and_reach_the_energy(seed, depth, degree, scaling):
    p = random_prediction(seed, depth, degree, scaling=scaling)
    for row in p.table():
        assert direct(row, p).energy(values(row)) == row.solution.exponent
        assert row.solution.exponent - p.energy_exponent == row.margin


@pytest.mark.parametrize("seed", range(6))
def test_parameters_reach_the_energy_at_depth_four(seed):
    p = random_prediction(seed, 4)
    for row in random.Random(seed).sample(list(p.table()), 40):
        assert direct(row, p).energy(values(row)) == row.solution.exponent


def lower_bound(energy, forms):
    """Exact lower bound on one linear program from its rounded dual solution.

    Weights w on the costs and v on the bounds with w >= 0, sum w = 1, v >= 0 and
    vanishing total coefficients prove max(costs) >= w . constants - v . constants.
    """
    n = energy.size
    upper = [[*map(float, f[1]), -1.0] for f in forms]
    upper += [[*map(float, (-c for c in f[1])), 0.0] for f in energy.bounds]
    right = [-float(f[0]) for f in forms] + [float(f[0]) for f in energy.bounds]
    free = [(None, None)] * (n + 1)
    found = linprog([0.0] * n + [1.0], A_ub=upper, b_ub=right, bounds=free, method="highs")
    assert found.status == 0
    weights = [F(-float(w)).limit_denominator(200) for w in found.ineqlin.marginals]
    on_costs, on_bounds = weights[: len(forms)], weights[len(forms) :]
    assert min(weights) >= 0 and sum(on_costs) == 1
    for i in range(n):
        total = sum(w * f[1][i] for w, f in zip(on_costs, forms, strict=True))
        assert total == sum(v * f[1][i] for v, f in zip(on_bounds, energy.bounds, strict=True))
    constant = sum(w * f[0] for w, f in zip(on_costs, forms, strict=True))
    return constant - sum(v * f[0] for v, f in zip(on_bounds, energy.bounds, strict=True))


@pytest.mark.parametrize("seed, depth, degree, scaling", CASES)
def test_no_parameters_do_better_by_an_exact_dual_certificate(seed, depth, degree, scaling):
    p = random_prediction(seed, depth, degree, scaling=scaling)
    for row in p.table():
        energy = direct(row, p)
        proven = min(lower_bound(energy, forms) for forms in energy.linear_programs())
        assert proven == row.solution.exponent


def test_certificates_also_at_depth_four():
    p = random_prediction(11, 4)
    checked = 0
    for row in random.Random(0).sample(list(p.table()), 30):
        energy = direct(row, p)
        programs = list(energy.linear_programs())
        if len(programs) <= 100:
            checked += 1
            assert min(lower_bound(energy, f) for f in programs) == row.solution.exponent
    assert checked >= 10


@pytest.mark.parametrize("nw, n", [("1/2", "1/2"), ("1/3", 2), (0, 1), (1, "1/4")])
@pytest.mark.parametrize("degree", [1, 3])
@pytest.mark.parametrize("scaling", ["standard", "mean-field"])
def test_cnn_by_certificates(nw, n, degree, scaling):
    p = predict(CNN(), degree, {"Nw": nw, "N": n}, scaling=scaling)
    for row in p.table():
        energy = direct(row, p)
        assert energy.energy(values(row)) == row.solution.exponent
        programs = energy.linear_programs()
        assert min(lower_bound(energy, f) for f in programs) == row.solution.exponent


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("degree", [3, 5])
def test_weak_specialization_by_certificates(seed, degree):
    rng = random.Random(seed)
    widths = {n: F(rng.randint(0, 8), 4) for n in FCN(3).widths}
    p = predict(FCN(3), degree, widths, patterns=["Weak specialization", "Specialization"])
    checked = 0
    for row in p.table():
        energy = direct(row, p)
        assert energy.energy(values(row)) == row.solution.exponent
        programs = list(energy.linear_programs())
        if len(programs) <= 60:
            checked += any(layer.name.startswith("Weak") for layer in row.pattern)
            assert min(lower_bound(energy, f) for f in programs) == row.solution.exponent
    assert checked >= 5


def on_grid(energy, spacing, low=-3, high=6):
    """Least energy over a grid of all parameters' exponents, in floating point."""
    axis = np.arange(low / spacing, high / spacing + 1) * spacing
    grids = np.meshgrid(*[axis] * energy.size, indexing="ij", sparse=True)

    def at(form):
        return float(form[0]) + sum(c * x for c, x in zip(form[1], grids, strict=True))

    total = 0.0
    for cost in energy.costs:
        cheapest = np.inf
        for form in cost:
            cheapest = np.minimum(cheapest, at(form))
        total = np.maximum(total, cheapest)
    for bound in energy.bounds:
        total = np.where(np.asarray(at(bound)) < -1e-9, np.inf, total)
    return float(np.min(total))


@pytest.mark.parametrize("depth, spacing", [(2, 1 / 96), (3, 1 / 24), (4, 1 / 8)])
@pytest.mark.parametrize("seed", range(3))
def test_grid_search_comes_close_from_above(depth, spacing, seed):
    # Bounds of this grid's widths lie on its points. From the optimum, round the first
    # parameter down; each later one may then fall by at most a spacing more for each
    # layer below, and the readout rises by the degree times that.
    p = random_prediction(100 + seed, depth)
    rows = list(p.table())
    rows = rows if depth < 4 else random.Random(seed).sample(rows, 15)
    within = 3 ** (depth - 1) * depth * spacing
    for row in rows:
        found = on_grid(direct(row, p), spacing)
        assert -1e-9 <= found - float(row.solution.exponent) <= within


LOG_D = np.log(1e12)


def real_sum(energy, parameters):
    """log_d of eq. (8)'s sum with every strength a sum of its routes, at d = 1e12."""

    def log(form):
        return (float(form[0]) + np.dot(form[1], parameters)) * LOG_D

    costs = [-np.logaddexp.reduce([-log(f) for f in cost]) for cost in energy.costs]
    return np.logaddexp.reduce(costs) / LOG_D


@pytest.mark.parametrize("seed, depth", [(s, depth) for s in range(4) for depth in (2, 3, 4)])
def test_sums_minimised_at_large_d(seed, depth):
    # A sum of n terms is between its largest and n times that.
    p = random_prediction(200 + seed, depth)
    rng = np.random.default_rng(seed)
    rows = list(p.table())
    runs = feasible = 0
    for row in [rows[i] for i in rng.choice(len(rows), min(len(rows), 6), replace=False)]:
        energy, exact = direct(row, p), float(row.solution.exponent)
        optimum = np.array(values(row), dtype=float)
        assert real_sum(energy, optimum) <= exact + np.log(len(energy.costs)) / LOG_D + 1e-9
        if not energy.size:
            continue
        slopes = np.array([b[1] for b in energy.bounds], float)
        shifts = np.array([float(b[0]) for b in energy.bounds])
        inside = {"type": "ineq", "fun": lambda x, a=slopes, b=shifts: a @ x + b}
        least = exact - np.log(max(map(len, energy.costs))) / LOG_D
        starts = [optimum + rng.normal(0, 0.3, energy.size) for _ in range(2)]
        starts += [feasible_point(slopes, shifts, rng) for _ in range(3)]
        for start in starts:
            found = minimize(lambda x, e=energy: real_sum(e, x), start, constraints=inside)
            runs += 1
            if np.min(slopes @ found.x + shifts) >= -1e-6:
                feasible += 1
                assert found.fun >= least - 1e-4
    assert runs >= 5 and feasible >= 0.8 * runs


def feasible_point(slopes, shifts, rng):
    """A mean of random corners of the bounds, within 10 of the origin; knows no optimum."""
    size = slopes.shape[1]
    corners = [
        linprog(rng.normal(size=size), -slopes, shifts, bounds=[(-10, 10)] * size).x
        for _ in range(3)
    ]
    point = rng.dirichlet(np.ones(3)) @ np.array(corners)
    assert np.min(slopes @ point + shifts) >= -1e-9
    return point


def test_every_pattern_of_the_direct_list_is_in_the_table():
    p = random_prediction(0, 3)
    first = [("GP", None), ("GFL", 1), ("Sp", 1), ("Mag", 1)]
    second = first + [("GFL", 3), ("Sp", 3), ("Mag", 3)]
    listed = {tuple((KIND[x.name], x.feature) for x in row.pattern) for row in p.table()}
    assert listed == set(product(first, second)) and len(p.table()) == len(listed)
