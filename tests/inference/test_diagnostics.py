"""Diagnostics of chains whose law is known, and of chains that must not pass."""

import numpy as np
import pytest

from featlearn.inference.diagnostics import WORST_R_HAT, Diagnosis, diagnose, effective_draws


class TestDiagnose:
    """Known chains, and chains that must not pass."""

    def test_independent_draws_pass(self):
        draws = np.random.default_rng(0).standard_normal((4, 500))
        found = diagnose(draws)
        assert found.equilibrium and found.bulk_ess == pytest.approx(2000, rel=0.2)
        assert found.mcse == pytest.approx(2000**-0.5, rel=0.2)

    def test_autoregressive_chain_has_the_known_effective_size(self):
        rng, rho = np.random.default_rng(1), 0.9
        noise = rng.standard_normal((4, 5000)) * (1 - rho**2) ** 0.5
        draws = np.zeros((4, 5000))
        draws[:, 0] = rng.standard_normal(4)
        for i in range(1, 5000):
            draws[:, i] = rho * draws[:, i - 1] + noise[:, i]
        exact = 20000 * (1 - rho) / (1 + rho)
        assert diagnose(draws).bulk_ess == pytest.approx(exact, rel=0.15)

    def test_starts_that_disagree_are_refused(self):
        draws = np.random.default_rng(0).standard_normal((2, 500))
        draws[1] += 1
        assert not diagnose(draws).equilibrium

    def test_constant_chains(self):
        assert diagnose(np.ones((2, 30))).r_hat == 1
        found = diagnose(np.repeat([[1.0], [2.0]], 30, 1))
        assert found.r_hat == WORST_R_HAT and found.mcse == 0.5 and not found.equilibrium
        one_moves = np.repeat([[1.0], [2.0]], 30, 1)
        one_moves[1, ::2] += 0.5
        found = diagnose(one_moves)
        assert np.isfinite([found.r_hat, found.mcse, found.bulk_ess]).all() and found.r_hat > 1.5

    def test_bad_draws_are_named(self):
        with pytest.raises(ValueError, match="draws has shape"):
            diagnose(np.zeros((1, 50)))
        with pytest.raises(ValueError, match="draws has shape"):
            diagnose(np.zeros((2, 19)))
        with pytest.raises(ValueError, match="draws has shape"):
            diagnose(np.zeros(50))
        with pytest.raises(ValueError, match="NaN"):
            diagnose(np.full((2, 50), np.nan))


@pytest.mark.parametrize(
    "r_hat, bulk_ess, expected",
    [(1.04, 150, True), (1.06, 150, False), (1.0, 90, False), (WORST_R_HAT, 0, False)],
)
def test_equilibrium_needs_both_agreement_and_effective_samples(r_hat, bulk_ess, expected):
    """The limits that the chapters state: R-hat at most 1.05, at least 100 effective samples."""
    assert Diagnosis(r_hat, bulk_ess, 0.0, 0.1).equilibrium is expected


def test_effective_draws_of_known_chains():
    rng, rho = np.random.default_rng(0), 0.8
    assert effective_draws(np.ones(50)) == 1
    assert 1600 < effective_draws(rng.standard_normal(2000)) <= 2000
    x = np.zeros(20_000)
    for i in range(1, len(x)):
        x[i] = rho * x[i - 1] + rng.standard_normal()
    assert effective_draws(x) == pytest.approx(20_000 * (1 - rho) / (1 + rho), rel=0.15)
    assert effective_draws([1.0, -1.0] * 100) <= 200  # more than independent counts as that
