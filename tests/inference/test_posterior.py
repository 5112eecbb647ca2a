"""The collapsed posterior against direct formulas, autograd, and the un-collapsed one."""

import pytest
import torch

from featlearn.inference import langevin
from featlearn.inference.network import TwoLayerNetwork
from featlearn.inference.posterior import CollapsedPosterior
from tests.inference.gradients import largest_gradient_error

CASES = [(4, 7, "standard"), (12, 5, "standard"), (4, 7, "mean-field"), (12, 5, "mean-field")]


def case(P, N, scaling, algebra="auto"):
    network = TwoLayerNetwork(d=5, N=N, kappa=0.3, sigma_a2=1.7, scaling=scaling)
    x, y = network.datasets([0, 1], P)
    weights = network.prior_weights(2, torch.Generator().manual_seed(3))
    return CollapsedPosterior(network, x, y, algebra), weights


@pytest.mark.parametrize("P, N, scaling", CASES)
def test_energy_is_the_gaussian_evidence(P, N, scaling):
    posterior, w = case(P, N, scaling)
    phi = torch.erf(posterior.x @ w.mT)
    network = posterior.network
    C = network.ridge * torch.eye(P) + network.readout_variance * phi @ phi.mT
    law = torch.distributions.MultivariateNormal(torch.zeros(P, dtype=C.dtype), C)
    constant = 0.5 * P * torch.log(torch.tensor(2 * torch.pi, dtype=C.dtype))
    torch.testing.assert_close(
        posterior.solve(w).data_energy, -law.log_prob(posterior.y) - constant
    )


@pytest.mark.parametrize("P, N, scaling", CASES)
@pytest.mark.parametrize("algebra", ["P", "N"])
def test_gradient_and_both_algebras(P, N, scaling, algebra):
    posterior, w = case(P, N, scaling, algebra)
    assert largest_gradient_error(posterior, w) < 1e-10
    other, _ = case(P, N, scaling, "N" if algebra == "P" else "P")
    torch.testing.assert_close(posterior.energy(w), other.energy(w))
    for mine, theirs in zip(
        posterior.readout(posterior.solve(w)), other.readout(other.solve(w)), strict=True
    ):
        torch.testing.assert_close(mine, theirs)


def test_auto_takes_the_smaller_matrix():
    assert case(4, 7, "standard")[0].algebra == "P"
    assert case(12, 5, "standard")[0].algebra == "N"


def test_readout_integrates_the_full_posterior():
    """exp(-U_full) integrated over one readout weight is exp(-U_collapsed), up to one constant."""
    network = TwoLayerNetwork(d=2, N=1, kappa=0.4)
    x, y = network.datasets([0] * 4001, 5)
    a = torch.linspace(-8, 8, 4001, dtype=torch.float64)[:, None]
    differences = []
    for overlap in (0.3, 1.2):
        w = torch.tensor([[[overlap, -0.5]]], dtype=torch.float64)
        full, _, _ = langevin.energy_and_gradient(
            CollapsedPosterior(network, x, y), langevin.State(w.expand(4001, 1, 2), a)
        )
        integral = torch.logsumexp(-full, 0)
        collapsed = CollapsedPosterior(network, x[:1], y[:1]).energy(w)[0]
        differences.append(float(integral + collapsed))
    assert differences[0] == pytest.approx(differences[1], abs=1e-9)


def test_alignment_is_the_readout_average():
    posterior, w = case(12, 5, "standard")
    mean, covariance = posterior.readout(posterior.solve(w))
    expected, sd = posterior.alignment(w)
    draws = torch.distributions.MultivariateNormal(mean, covariance)
    torch.manual_seed(0)
    a = draws.sample((20000,))  # (draws, B, N)
    sampled = torch.stack([langevin.alignment(posterior.network, langevin.State(w, r)) for r in a])
    standard_error = sd / 20000**0.5
    assert ((sampled.mean(0) - expected).abs() < 5 * standard_error).all()
    assert ((sampled.std(0) / sd - 1).abs() < 5 / 40000**0.5).all()


def test_single_precision_changes_energies_by_far_less_than_one_nat():
    network = TwoLayerNetwork(d=40, N=40)
    w = network.prior_weights(2, torch.Generator().manual_seed(0))
    x, y = network.datasets([0, 1], 320)
    double = CollapsedPosterior(network, x, y).energy(w)
    single = CollapsedPosterior(network, x.float(), y.float()).energy(w.float())
    assert (double - single).abs().max() < 0.01


def test_shapes_are_checked():
    network = TwoLayerNetwork(d=3, N=2)
    with pytest.raises(ValueError, match="x has shape"):
        CollapsedPosterior(network, torch.zeros(2, 4, 5), torch.zeros(2, 4))
    with pytest.raises(ValueError, match="y has shape"):
        CollapsedPosterior(network, torch.zeros(2, 4, 3), torch.zeros(2, 5))
    with pytest.raises(ValueError, match="algebra = 'Q'"):
        CollapsedPosterior(network, torch.zeros(2, 4, 3), torch.zeros(2, 4), "Q")
