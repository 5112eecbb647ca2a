"""The gradient check that the tests use, here so that a planted error can be tried on it."""

import torch


def largest_gradient_error(target, z):
    """Largest difference between the coded gradient and automatic differentiation of the energy."""
    leaf = z.clone().requires_grad_(True)
    (automatic,) = torch.autograd.grad(target.statistic(leaf).sum(), leaf)
    value, coded = target.statistic_and_gradient(z)
    torch.testing.assert_close(value, target.statistic(z))
    return float((automatic - coded).abs().max())


class WrongGradient:
    """A target whose gradient is scaled by ``factor``: the planted error."""

    def __init__(self, target, factor=0.95):
        self.target, self.factor, self.network = target, factor, target.network

    def statistic(self, z):
        return self.target.statistic(z)

    def statistic_and_gradient(self, z):
        value, gradient = self.target.statistic_and_gradient(z)
        return value, self.factor * gradient
