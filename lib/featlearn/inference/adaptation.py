"""What the warm-up learns and then freezes: step sizes and the length of a trajectory."""

from math import ceil, pi, sqrt

import torch


class DualAveraging:
    """Step sizes that bring each chain's acceptance to ``target`` (Hoffman and Gelman 2014).

    Parameters
    ----------
    initial : torch.Tensor, shape (B,)
        First step size of each chain.
    target : float
        Wanted mean acceptance probability.
    """

    gamma, t0, exponent = 0.05, 10.0, 0.75  # the constants of Hoffman and Gelman (2014)

    def __init__(self, initial, target=0.8):
        if not 0 < target < 1:
            raise ValueError(f"target = {target!r}: a number between 0 and 1 is needed")
        self.target, self.n = target, 0
        self.centre = torch.log(10 * initial)
        self.deficit = torch.zeros_like(initial)
        self.log_mean = torch.log(initial)
        self.step_size = initial

    def update(self, acceptance):
        """Take one trajectory's acceptance (B,) into account."""
        self.n += 1
        rate = 1 / (self.n + self.t0)
        self.deficit = (1 - rate) * self.deficit + rate * (self.target - acceptance)
        log_step = self.centre - sqrt(self.n) / self.gamma * self.deficit
        weight = self.n**-self.exponent
        self.log_mean = weight * log_step + (1 - weight) * self.log_mean
        self.step_size = log_step.exp()

    def final(self):
        """The averaged step size (B,), to be frozen."""
        return self.log_mean.exp()


class TrajectoryLength:
    """The number of steps that moves an observable most for its cost.

    A few lengths, given as angles in the prior's phase space, take turns. What is maximised is
    the mean squared change of the observable from one draw to the next, over its variance and
    over the root of the number of steps. Over the number itself it would favour short
    trajectories, which move fast parts of the observable and diffuse along its slow ones (Wang,
    Mohamed and de Freitas 2013).

    Parameters
    ----------
    step_size : float
        Typical angle of one step.
    angles : sequence of float
        Lengths to be tried.
    limit : int
        Most steps a trajectory may take.
    """

    def __init__(self, step_size, angles=(pi / 8, pi / 4, pi / 2, 3 * pi / 4, pi), limit=128):
        steps = {min(limit, max(1, ceil(angle / step_size))) for angle in angles}
        self.lengths = sorted(steps)
        self.rows = {length: [] for length in self.lengths}
        self.values, self.last, self.n = [], None, 0

    def next(self):
        """Length of the next trajectory."""
        self.n += 1
        return self.lengths[(self.n - 1) % len(self.lengths)]

    def update(self, length, values):
        """Take the observable (B,) after a trajectory of this length into account."""
        if self.last is not None:
            self.rows[length].append((values - self.last).square())
        self.values.append(values)
        self.last = values

    def best(self):
        """The best length so far."""
        if any(not rows for rows in self.rows.values()):
            return self.lengths[len(self.lengths) // 2]
        values = torch.stack(self.values)
        variance = values.var(0, correction=0).clamp_min(torch.finfo(values.dtype).tiny)

        def gain(length):
            moved = torch.stack(self.rows[length]).mean(0) / variance
            return float(moved.mean()) / sqrt(length)

        return max(self.lengths, key=gain)
