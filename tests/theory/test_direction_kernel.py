"""The kernel along one direction against the closed form at large d and sampled kernels."""

import numpy as np
import pytest

from featlearn.theory.direction_kernel import direction_kernel, nearest_eigenfunction
from featlearn.theory.hermite import normalised_hermite
from featlearn.theory.kernels import erf_kernel, hermite_eigenvalue


@pytest.mark.parametrize("degree", [1, 3, 5])
@pytest.mark.parametrize("variance", [0.01, 0.3, 4.0])
def test_forms_are_those_of_the_closed_form_at_large_dimension(degree, variance):
    z, weight = np.polynomial.hermite_e.hermegauss(200)
    f = normalised_hermite(degree, z) * weight / weight.sum()
    form = f @ direction_kernel(z[:, None], z, variance) @ f
    assert form == pytest.approx(hermite_eigenvalue(degree, 10**7, variance * 10**7), rel=1e-3)


def test_powers_of_the_variance():
    for degree, expected in ((1, 1), (3, 3), (5, 5)):
        low, high = (nearest_eigenfunction(degree, v)[0] for v in (1e-3, 1.1e-3))
        assert np.log(high / low) / np.log(1.1) == pytest.approx(expected, rel=0.015)
        assert nearest_eigenfunction(degree, 1e-3)[1] > 0.99


@pytest.mark.parametrize(
    "degree, variance, below_half",
    [(1, 2.0, False), (3, 0.3, False), (3, 2.0, True), (5, 0.1, False), (5, 0.25, True)],
)
def test_another_discretisation_has_the_same_eigenfunction(degree, variance, below_half):
    """An even grid; also where the feature has spread and the share is below a half."""
    z = np.linspace(-9, 9, 801)
    root = np.exp(-(z**2) / 4)
    root /= np.linalg.norm(root)
    values, vectors = np.linalg.eigh(
        root[:, None] * direction_kernel(z[:, None], z, variance) * root
    )
    shares = (vectors.T @ (root * normalised_hermite(degree, z))) ** 2
    best = shares.argmax()
    value, share = nearest_eigenfunction(degree, variance)
    assert value == pytest.approx(values[best], rel=1e-5)
    assert share == pytest.approx(shares[best], rel=1e-5)
    assert value > 0 and (share < 0.5) == below_half


def test_sampled_kernels_approach_it():
    d, D, n = 40, 20.0, 1200  # the eigenvalue lies far from those of the other directions
    rng = np.random.default_rng(5)
    values, shares = [], []
    for _ in range(3):
        x = rng.standard_normal((n, d))
        covariance = np.eye(d) / d
        covariance[0, 0] *= D
        eigenvalues, vectors = np.linalg.eigh(erf_kernel(x, weight_covariance=covariance) / n)
        f = normalised_hermite(3, x[:, 0])
        share = (vectors.T @ f) ** 2 / (f @ f)
        values.append(eigenvalues[share.argmax()])
        shares.append(share.max())
    value, share = nearest_eigenfunction(3, D / d)
    # Corrections of order 1/d, d/n and the sample's fluctuations of order 1/sqrt(n).
    assert np.mean(values) == pytest.approx(value, rel=0.3)
    assert np.mean(shares) == pytest.approx(share, abs=0.08)


@pytest.mark.parametrize(
    "degree, variance, said",
    [(2, 0.1, "degree = 2"), (7, 0.1, "degree = 7"), (3, 1e-4, "variance = 0.0001")],
)
def test_bad_input(degree, variance, said):
    with pytest.raises(ValueError, match=said):
        nearest_eigenfunction(degree, variance)
