"""The energy of a pattern written out term by term, with nothing eliminated.

It shares no code with the library. Parameters are kept, every product of features is
enumerated, and Hermite polynomials are multiplied by their linearisation formula.
A monomial is an exact linear form in the logarithms: ``(constant, coefficients)`` with
one coefficient for each parameter. A strength is a list of them (their maximum).
"""

from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement, product
from math import comb

PARAMETERS = {"GP": 0, "GFL": 1, "Sp": 1, "Mag": 1, "Weak": 2}


@cache
def hermite_product(degrees):
    """Degrees in a product of Hermite polynomials: He_a He_b = sum_s C(a,s)C(b,s)s! He_{a+b-2s}."""
    found = {0}
    for b in degrees:
        found = {
            a + b - 2 * s for a in found for s in range(min(a, b) + 1) if comb(a, s) * comb(b, s)
        }
    return found


def times(*forms):
    return sum(f[0] for f in forms), tuple(map(sum, zip(*(f[1] for f in forms), strict=True)))


def inverse(form):
    return -form[0], tuple(-c for c in form[1])


def thinned(forms):
    """Forms that differ only in their constant: the largest."""
    best = {}
    for constant, coefficients in forms:
        best[coefficients] = max(constant, best.get(coefficients, constant))
    return [(constant, coefficients) for coefficients, constant in best.items()]


class Direct:
    """Costs and bounds of one pattern.

    Parameters
    ----------
    widths : list of Fraction
        Exponents of the hidden layers' widths.
    pattern : list of (kind, degree)
    degree : int
    input_size, readout : Fraction
        Exponents of what the linear feature's strength is the inverse of, and of what
        multiplies the readout's cost.
    """

    def __init__(self, widths, pattern, degree, input_size=Fraction(1), readout=Fraction(0)):
        self.size = sum(PARAMETERS[kind] for kind, _ in pattern)
        self.zero = (0,) * self.size
        self.costs, self.bounds = [], []  # each cost a list (their minimum); each bound >= 0
        self.degrees = range(1, degree + 1, 2)
        strengths, which = {1: [(-input_size, self.zero)]}, 0
        for width, (kind, k) in zip(widths, pattern, strict=True):
            number = (width, self.zero)
            parameter = (0, tuple(int(i == which) for i in range(self.size)))
            amplitude = (0, tuple(int(i == which + 1) for i in range(self.size)))
            which += PARAMETERS[kind]
            q, spike = dict(strengths), []
            stronger = None
            if kind == "GFL":
                self.costs.append([times(number, parameter)])
                q[k] = [times(parameter, e) for e in strengths[k]]
                self.bounds += [parameter, *map(inverse, q[k])]
            if kind == "Mag":
                self.costs.append([times(parameter, inverse(e)) for e in strengths[k]])
                moment = times(parameter, inverse(number))
                self.bounds += [times(moment, inverse(e)) for e in strengths[k]]
                self.bounds.append(inverse(moment))
                q[k] = [moment]
            if kind == "Sp":
                self.costs.append([times(parameter, inverse(e)) for e in strengths[k]])
                spike = [times(parameter, inverse(number))]
                self.bounds += [parameter, inverse(spike[0])]
            if kind == "Weak":
                moment = times(amplitude, amplitude)
                self.costs.append([times(parameter, moment, inverse(e)) for e in strengths[k]])
                self.bounds += [times(moment, inverse(e)) for e in strengths[k]]
                fraction = times(parameter, inverse(number))
                self.bounds += [parameter, inverse(fraction), inverse(amplitude)]
                stronger = {**q, k: [moment]}
            above = {j: self.products(q, j) + spike for j in self.degrees}
            if stronger:
                for j in self.degrees:
                    above[j] += [times(fraction, f) for f in self.products(stronger, j)]
            strengths = {j: thinned(forms) for j, forms in above.items()}
        self.costs.append([times((readout, self.zero), inverse(e)) for e in strengths[degree]])

    def products(self, q, j):
        found = []
        for number in range(1, max(self.degrees[-1], 3) + 1, 2):
            for degrees in combinations_with_replacement(sorted(q), number):
                if j in hermite_product(degrees):
                    found += [times(*choice) for choice in product(*(q[k] for k in degrees))]
            found = thinned(found)
        return found

    def energy(self, parameters):
        """Largest cost at some parameters, or None outside the bounds. Exact on Fractions."""
        if any(value(bound, parameters) < 0 for bound in self.bounds):
            return None
        return max(min(value(form, parameters) for form in cost) for cost in self.costs)

    def linear_programs(self):
        """All choices of one form per cost; the energy is the least of their minima."""
        return product(*self.costs)


def value(form, parameters):
    return form[0] + sum(c * x for c, x in zip(form[1], parameters, strict=True))
