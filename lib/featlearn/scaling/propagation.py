r"""How strengths pass through a layer: claims (i), (ii) and (iii) of the paper.

The *strength* of degree k in a kernel is the scale of
:math:`\langle\phi_k, K, \phi_k\rangle`, with :math:`\phi_k` the normalised Hermite
polynomial of odd degree k along the target's direction. For the lazy kernel, and along
an amplified feature, it is the inverse RKHS norm. After a spike the feature that is cheap
to learn is :math:`\sigma(\Phi)`, which overlaps with every odd degree, and "degree k" stands
for it; the polynomial :math:`\phi_k` alone keeps the RKHS norm of the bulk.

Expanding the next kernel in powers of the pre-activations' kernel, its strength
at degree j gathers every product of an odd number of strengths q(k) whose product
of features contains :math:`\phi_j`. Hermite polynomials multiply with positive
coefficients, so nothing cancels, and the product of degrees a and b contains
exactly :math:`|a-b|, |a-b|+2, \dots, a+b`.

Strengths are at most one, so a product counts only if none of its sub-products
contains j already. Passing through the rule twice is the same as once.

The chapter on feature propagation measures the three rules; each names its test here.
"""

from functools import cache
from itertools import combinations_with_replacement
from math import prod


def lazy(strengths, degrees):
    """Claim (iii): a layer that learns nothing keeps the strengths.

    Degrees that the kernel below lacks (the input has only degree one) appear as
    products of those it has.

    Measured by the experiment ``propagation-lazy``; sampled forms meet the closed form in
    ``test_lazy_forms_are_the_closed_form`` (tests/experiments/test_propagation.py), and the
    kernels behind it are tested in tests/theory/test_deep_kernels.py.

    Parameters
    ----------
    strengths : dict of int to Scale
        By degree, in the kernel below.
    degrees : tuple of int
        Odd degrees to follow.

    Returns
    -------
    dict of int to Scale
    """
    available = tuple(strengths)
    return {
        j: strengths[j] if j in strengths else _sum_of_products(strengths, recipes(j, available))
        for j in degrees
    }


def amplified(strengths, feature, strength, degrees):
    """Claim (ii): amplifying one degree lifts every degree that its powers contain.

    Measured by the experiment ``propagation-amplify`` for an amplified linear feature; sampled
    forms meet the closed form in ``test_amplified_forms_are_the_closed_form``
    (tests/experiments/test_propagation.py), and ``test_powers_of_the_variance``
    (tests/theory/test_direction_kernel.py) finds the power m for an eigenvalue.
    Amplified higher degrees are not measured.

    Parameters
    ----------
    strengths : dict of int to Scale
        By degree, in the kernel below.
    feature : int
        The amplified degree.
    strength : Scale
        Its strength in the pre-activations, not below ``strengths[feature]``.
    degrees : tuple of int

    Returns
    -------
    dict of int to Scale
    """
    after = lazy(strengths, degrees)
    after[feature] = strength
    changed = {**strengths, feature: strength}
    for j in degrees:
        new = [r for r in recipes(j, tuple(strengths)) if feature in r and r != (j,)]
        if new:
            after[j] = after[j] + _sum_of_products(changed, new)
    return after


def spiked(strengths, spike, degrees):
    """Claim (i): specialised neurons add a spike that overlaps with every odd degree.

    Measured by the experiment ``propagation-spike``, and on known cases by
    ``test_a_spike_adds_its_share_to_the_bulk`` and
    ``test_a_spike_lifts_the_form_of_the_cubic_target_and_not_its_norm``
    (tests/experiments/test_propagation.py).

    Parameters
    ----------
    strengths : dict of int to Scale
        By degree, in the kernel below.
    spike : Scale
        Fraction of specialised neurons, M / N.
    degrees : tuple of int

    Returns
    -------
    dict of int to Scale
    """
    return {j: strength + spike for j, strength in lazy(strengths, degrees).items()}


@cache
def recipes(degree, available):
    """Smallest products of features that contain a degree.

    Parameters
    ----------
    degree : int
        Odd degree j.
    available : tuple of int
        Odd degrees to multiply.

    Returns
    -------
    tuple of tuple of int
        Each an odd number of degrees in ascending order, none containing another.

    Examples
    --------
    >>> recipes(5, (1, 3, 5))
    ((5,), (1, 1, 3), (1, 3, 3), (3, 3, 3), (1, 1, 1, 1, 1))
    >>> recipes(1, (1, 3))
    ((1,), (3, 3, 3))
    """
    found = []
    for number in range(1, max(degree, 3) + 1, 2):
        for product in combinations_with_replacement(sorted(available), number):
            if contains(product, degree) and not any(_inside(r, product) for r in found):
                found.append(product)
    return tuple(found)


def contains(product, degree):
    """Whether a product of Hermite polynomials contains a degree.

    The degrees must be able to close a polygon and be odd or even together.

    Parameters
    ----------
    product : tuple of int
    degree : int

    Returns
    -------
    bool

    Examples
    --------
    >>> contains((1, 1, 1), 3), contains((1, 1, 1), 5), contains((3, 3, 3), 1)
    (True, False, True)
    """
    sides = (*product, degree)
    return sum(sides) % 2 == 0 and 2 * max(sides) <= sum(sides)


def _inside(small, large):
    return all(small.count(k) <= large.count(k) for k in set(small))


def _sum_of_products(strengths, products):
    first, *rest = (_product(strengths, factors) for factors in products)
    return sum(rest, first)


def _product(strengths, factors):
    powers = [strengths[k] ** factors.count(k) for k in sorted(set(factors))]
    return prod(powers[1:], start=powers[0])
