"""The gradient check that the tests use, here so that a planted error can be tried on it."""

import torch


def largest_gradient_error(posterior, weights):
    """Largest difference between the coded gradient and automatic differentiation of the energy."""
    leaf = weights.clone().requires_grad_(True)
    (automatic,) = torch.autograd.grad(posterior.energy(leaf).sum(), leaf)
    energy, coded = posterior.energy_and_gradient(weights)
    torch.testing.assert_close(energy, posterior.energy(weights))
    return float((automatic - coded).abs().max())


class WrongGradient:
    """A posterior whose data gradient is scaled by ``factor``: the planted error."""

    def __init__(self, posterior, factor=0.95):
        self.posterior, self.factor = posterior, factor
        self.network, self.prior_precision = posterior.network, posterior.prior_precision

    def energy(self, weights):
        return self.posterior.energy(weights)

    def energy_and_gradient(self, weights):
        energy, gradient = self.posterior.energy_and_gradient(weights)
        prior = self.prior_precision * weights
        return energy, prior + self.factor * (gradient - prior)
