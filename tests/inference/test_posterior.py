"""The collapsed posterior against direct formulas, autograd, and the un-collapsed one."""

from contextlib import nullcontext

import pytest
import torch

from featlearn.inference import langevin
from featlearn.inference import posterior as module
from featlearn.inference.linear_algebra import fast_products
from featlearn.inference.network import Network
from featlearn.inference.posterior import CollapsedPosterior
from tests.inference.cases import compute, generator, network_of, on_all_kinds, posterior_of
from tests.inference.gradients import WrongGradient, largest_gradient_error

KINDS = {
    "two layers": dict(d=5, widths=[7]),
    "wide two layers": dict(d=5, widths=[5]),
    "three layers": dict(d=5, widths=[4, 6]),
    "four layers": dict(d=5, widths=[4, 3, 6]),
    "patches": dict(d=6, widths=[3], patches=2),
    "deep patches": dict(d=6, widths=[4, 3], patches=2),
}
CASES = [(P, kind, s) for kind in KINDS for P in (4, 12) for s in ("standard", "mean-field")]
on_all_cases = pytest.mark.parametrize("P, kind, scaling", CASES)


def case(P, kind, scaling="standard", algebra="auto", kappa=0.3):
    network = Network(kappa=kappa, sigma_a2=1.7, scaling=scaling, **KINDS[kind])
    return posterior_of(network, [0, 1], P, algebra=algebra), network.prior(2, generator(3))


@on_all_cases
def test_energy_is_the_gaussian_evidence(P, kind, scaling):
    posterior, z = case(P, kind, scaling)
    network, x = posterior.network, posterior.x.numpy()
    for chain in range(2):
        weights = [w[chain].numpy() for w in network.layers(z)]
        phi = torch.as_tensor(compute(network, weights, x[chain])[0])
        C = network.ridge * torch.eye(P, dtype=phi.dtype) + network.readout_variance * phi @ phi.mT
        law = torch.distributions.MultivariateNormal(torch.zeros(P, dtype=C.dtype), C)
        constant = 0.5 * P * torch.log(torch.tensor(2 * torch.pi, dtype=C.dtype))
        torch.testing.assert_close(
            posterior.statistic(z)[chain], -law.log_prob(posterior.y[chain]) - constant
        )


@on_all_cases
@pytest.mark.parametrize("algebra", ["P", "F"])
def test_gradient_and_both_algebras(P, kind, scaling, algebra):
    posterior, z = case(P, kind, scaling, algebra)
    assert largest_gradient_error(posterior, z) < 1e-10
    assert largest_gradient_error(posterior, z + 1) < 1e-10  # the buffers hold nothing over
    other, _ = case(P, kind, scaling, "F" if algebra == "P" else "P")
    torch.testing.assert_close(posterior.statistic(z), other.statistic(z))
    for mine, theirs in zip(
        posterior.readout(posterior.solve(z)), other.readout(other.solve(z)), strict=True
    ):
        torch.testing.assert_close(mine, theirs)


@on_all_kinds
def test_a_wrong_gradient_is_caught(kind):
    network = network_of(kind)
    posterior, z = posterior_of(network, [0] * 5, 12), network.prior(5, generator())
    assert largest_gradient_error(posterior, z) < 1e-10
    assert largest_gradient_error(WrongGradient(posterior), z) > 1e-2


def test_the_gradient_of_the_data_energy_leaves_the_prior_out():
    network = Network(3, [2], kappa=0.5)
    posterior = posterior_of(network, [0], 0)
    value, gradient = posterior.statistic_and_gradient(network.prior(1, generator()))
    assert not value.any() and not gradient.any()


def test_auto_takes_the_smaller_matrix():
    assert case(4, "two layers")[0].algebra == "P"
    assert case(12, "two layers")[0].algebra == "F"
    assert case(4, "patches")[0].algebra == "P"  # 6 features of 3 neurons
    assert case(12, "patches")[0].algebra == "F"


@on_all_kinds
def test_readout_integrates_the_full_posterior(kind):
    """exp(-U_full) integrated over the readout is exp(-U_collapsed), up to one constant."""
    widths = {"two layers": [1], "three layers": [2, 1], "patches": [1]}[kind]
    network = network_of(kind, widths=widths, kappa=0.4)
    a = torch.linspace(-8, 8, 401 if network.features > 1 else 4001, dtype=torch.float64)
    grid = torch.cartesian_prod(*[a] * network.features).reshape(-1, network.features)
    n = len(grid)
    x, y = network.datasets([0], 5)
    posterior = CollapsedPosterior(network, x.expand(n, -1, -1), y.expand(n, -1))
    differences = []
    for seed in (0, 1):
        z = 1.5 * network.prior(1, generator(seed))
        state = langevin.State(z.expand(n, -1), grid)
        uncollapsed, _, _ = langevin.energy_and_gradient(posterior, state)
        integral = torch.logsumexp(-uncollapsed, 0)
        collapsed = posterior.subset([0]).statistic(z)[0] + 0.5 * z.square().sum()
        differences.append(float(integral + collapsed))
    assert differences[0] == pytest.approx(differences[1], abs=1e-9)


@on_all_kinds
def test_langevin_gradients_are_the_automatic_ones(kind):
    network = network_of(kind, kappa=0.4)
    posterior, g = posterior_of(network, [0, 1], 6), generator(2)
    z = network.prior(2, g).requires_grad_(True)
    b = langevin.prior_readout(network, 2, g).requires_grad_(True)
    phi = network.forward(network.layers(z), posterior.x)
    f = network.readout_variance**0.5 * (phi @ b[..., None])[..., 0]
    energy = (f - posterior.y).square().sum(-1) / (2 * network.ridge)
    energy = energy + 0.5 * z.square().sum(-1) + 0.5 * b.square().sum(-1)
    automatic = torch.autograd.grad(energy.sum(), (z, b))
    state = langevin.State(z.detach(), b.detach())
    found, by_z, by_b = langevin.energy_and_gradient(posterior, state)
    torch.testing.assert_close(found, energy.detach())
    torch.testing.assert_close(by_z, automatic[0])
    torch.testing.assert_close(by_b, automatic[1])


@pytest.mark.parametrize("kind", ["wide two layers", "three layers", "patches"])
def test_alignment_is_the_readout_average(kind):
    posterior, z = case(12, kind)
    mean, covariance = posterior.readout(posterior.solve(z))
    expected, sd = posterior.alignment(z)
    draws = torch.distributions.MultivariateNormal(mean, covariance)
    torch.manual_seed(0)
    a = draws.sample((20000,))  # (draws, B, F)
    root = posterior.network.readout_variance**0.5
    # Of one position the feature alignments are the same in every draw.
    g = posterior.feature_alignments(z)
    sampled = torch.stack([(r * g).sum(-1) for r in a])
    one = langevin.alignment(posterior, langevin.State(z, a[0] / root))
    torch.testing.assert_close(one, sampled[0])
    standard_error = sd / 20000**0.5
    assert ((sampled.mean(0) - expected).abs() < 5 * standard_error).all()
    assert ((sampled.std(0) / sd - 1).abs() < 5 / 40000**0.5).all()


@pytest.mark.parametrize("algebra", ["P", "F"])
@pytest.mark.parametrize("P", [4, 12])
def test_readout_is_bayesian_regression_on_the_features(P, algebra):
    posterior, z = case(P, "deep patches", algebra=algebra)
    network, phi = (
        posterior.network,
        posterior.network.forward(posterior.network.layers(z), posterior.x),
    )
    precision = phi.mT @ phi / network.ridge
    precision = precision + torch.eye(network.features, dtype=phi.dtype) / network.readout_variance
    mean = torch.linalg.solve(precision, phi.mT @ posterior.y[..., None] / network.ridge)[..., 0]
    found, covariance = posterior.readout(posterior.solve(z))
    torch.testing.assert_close(found, mean)
    torch.testing.assert_close(covariance, torch.linalg.inv(precision))


def single_precision(network, P, products=nullcontext, **settings):
    """Largest errors of energy (nats) and gradient (relative), at labels of the network's kind."""
    z, g = network.prior(3, generator(0)), generator(1)
    x, _ = network.datasets(range(3), P)
    a = network.readout_variance**0.5 * langevin.prior_readout(network, 3, g)
    y = (network.forward(network.layers(z), x) @ a[..., None])[..., 0]
    y = y + network.ridge**0.5 * torch.randn(y.shape, generator=g, dtype=y.dtype)
    energy, gradient = CollapsedPosterior(network, x, y).statistic_and_gradient(z)
    posterior = CollapsedPosterior(network, x.float(), y.float(), **settings)
    with products():
        found, by_z = posterior.statistic_and_gradient(z.float())
    assert found.dtype == by_z.dtype == torch.float32
    wrong = (by_z - gradient).norm() / gradient.norm()
    return float((energy - found).abs().max()), float(wrong)


SINGLE = {
    "two layers": dict(d=40, widths=[40]),
    "three layers": dict(d=40, widths=[40, 30]),
    "patches": dict(d=40, widths=[10], patches=4),
}


@on_all_kinds
def test_single_precision_changes_energies_by_far_less_than_one_nat(kind):
    network = Network(**SINGLE[kind])
    z, (x, y) = network.prior(2, generator()), network.datasets([0, 1], 320)
    double = CollapsedPosterior(network, x, y).statistic(z)
    single = CollapsedPosterior(network, x.float(), y.float()).statistic(z.float())
    assert (double - single).abs().max() < 0.01
    energy, gradient = single_precision(network, 320)
    assert energy < 0.01 and gradient < 1e-4


@on_all_kinds
@pytest.mark.parametrize("products", [nullcontext, fast_products])
@pytest.mark.parametrize("P, algebra", [(25, "auto"), (120, "auto"), (120, "P"), (25, "F")])
def test_single_precision_at_a_small_ridge(kind, P, algebra, products):
    """Energies are good as they are, gradients too with the smaller matrix or refinement."""
    network = Network(**SINGLE[kind], kappa=1e-3)
    plain = single_precision(network, P, products, algebra=algebra)
    refined = single_precision(network, P, products, algebra=algebra, refine=True)
    assert plain[0] < 2e-3 and refined[0] < 2e-3, (plain, refined)
    assert plain[1] > 3 * refined[1] and refined[1] < 1e-4, (plain, refined)
    assert algebra != "auto" or plain[1] < 2e-4


@pytest.mark.parametrize("P, algebra", [(25, "P"), (25, "F"), (120, "P"), (120, "F")])
def test_a_wrong_solution_makes_the_energy_wrong_in_second_order_only(P, algebra, monkeypatch):
    """The inverse is tilted by a small random matrix, in the energy and in its gradient."""
    network = Network(d=8, widths=[40], kappa=0.1)
    posterior, z = posterior_of(network, [1, 2], P, algebra=algebra), network.prior(2, generator())
    n = P if algebra == "P" else 40
    tilt = torch.randn(n, n, generator=generator(1), dtype=z.dtype) / n**0.5

    def off(size):
        def tilted(of):
            return lambda matrix, v: of(matrix, v + size * v @ tilt)

        exact = posterior.statistic(z)
        with monkeypatch.context() as patch:
            patch.setattr(module, "solved", tilted(module.solved))
            direct = posterior.statistic(z) - exact
        with monkeypatch.context() as patch:
            inverse_of = module.inverse_of
            patch.setattr(
                module,
                "inverse_of",
                lambda factor: inverse_of(factor) @ (torch.eye(n, dtype=z.dtype) + size * tilt.mT),
            )
            beside = posterior.statistic_and_gradient(z)[0] - exact
        return torch.cat([direct, beside]).abs()

    ratio = off(1e-2) / off(5e-3)
    assert ((ratio > 3.9) & (ratio < 4.1)).all(), ratio


def test_refinement_changes_nothing_in_double_precision():
    for algebra in ("P", "F"):
        posterior, z = case(12, "three layers", algebra=algebra, kappa=1e-3)
        refined = CollapsedPosterior(
            posterior.network, posterior.x, posterior.y, algebra, refine=True
        )
        for mine, theirs in zip(
            posterior.statistic_and_gradient(z), refined.statistic_and_gradient(z), strict=True
        ):
            torch.testing.assert_close(mine, theirs)


@on_all_kinds
def test_a_subset_is_the_same_posterior_of_some_chains(kind):
    network = network_of(kind)
    posterior = posterior_of(network, range(4), 7, algebra="P", refine=True)
    z = network.prior(4, generator())
    for chains in ([2, 0], slice(1, None, 2)):
        part = posterior.subset(chains)
        assert (part.algebra, part.refine, part.rule) == ("P", True, posterior.rule)
        for mine, theirs in (
            (posterior.statistic(z)[chains], part.statistic(z[chains])),
            (posterior.alignment(z)[0][chains], part.alignment(z[chains])[0]),
        ):
            torch.testing.assert_close(mine, theirs)


def test_a_matrix_that_is_not_positive_gives_nan():
    posterior, z = case(12, "two layers")
    z[0] = torch.nan
    value, _ = posterior.statistic_and_gradient(z)
    assert value.isnan().tolist() == [True, False]
    assert posterior.statistic(z).isnan().tolist() == [True, False]


def test_shapes_are_checked():
    network = Network(3, [2])
    with pytest.raises(ValueError, match="x has shape"):
        CollapsedPosterior(network, torch.zeros(2, 4, 5), torch.zeros(2, 4))
    with pytest.raises(ValueError, match="y has shape"):
        CollapsedPosterior(network, torch.zeros(2, 4, 3), torch.zeros(2, 5))
    with pytest.raises(ValueError, match="algebra = 'Q'"):
        CollapsedPosterior(network, torch.zeros(2, 4, 3), torch.zeros(2, 4), "Q")
