r"""Laws on the hidden weights: the prior times ``exp(-u(s))`` with one statistic s of them.

Two statistics are used:

- the data energy U of the collapsed posterior: ``u = b U`` leads from the prior, b = 0, to
  the posterior, b = 1;
- the variance V of a random network's alignment given its hidden weights. A restraint
  ``stiffness (A - centre)**2 / 2`` on the alignment, with the Gaussian readout integrated out, is

  .. math:: u(V)=\tfrac12\log(1+\lambda V)+\frac{\lambda c^2}{2(1+\lambda V)} .

A ladder is K such laws of the same statistic. Anything with ``energy``, ``slope`` and a
length is one.
"""

from dataclasses import dataclass, field

import numpy as np
import torch


@dataclass(frozen=True)
class _Law:
    """What laws share: their numbers as tensors, copied once to each device."""

    _copies: dict = field(default_factory=dict, init=False, repr=False, compare=False)

    def _like(self, name, tensor):
        key = name, tensor.dtype, tensor.device
        if key not in self._copies:
            self._copies[key] = torch.as_tensor(
                np.asarray(getattr(self, name)), dtype=tensor.dtype, device=tensor.device
            )
        return self._copies[key]


@dataclass(frozen=True)
class DataScales(_Law):
    """Factors on the data energy.

    Attributes
    ----------
    scale : numpy.ndarray, shape (K,)
        Increasing; from 0, the prior, to 1, the posterior.
    """

    scale: np.ndarray

    def energy(self, s):
        """``b_k U``, for U of shape (..., K) or (..., 1)."""
        return self._like("scale", s) * s

    def slope(self, s):
        """``b_k``."""
        return self._like("scale", s).expand(s.shape)

    def __len__(self):
        return len(self.scale)


POSTERIOR = DataScales(np.ones(1))  # a ladder of one rung


@dataclass(frozen=True)
class Restraints(_Law):
    """Umbrella windows on the alignment.

    Attributes
    ----------
    centre, stiffness : numpy.ndarray, shape (K,)
        The first stiffness is 0, the prior; the others are positive.
    """

    centre: np.ndarray
    stiffness: np.ndarray

    def energy(self, s):
        """Bias of each law at the statistic V, for s of shape (..., K) or (..., 1)."""
        centre, stiffness = (self._like(name, s) for name in ("centre", "stiffness"))
        soft = 1 + stiffness * s
        return 0.5 * soft.log() + 0.5 * stiffness * centre**2 / soft

    def slope(self, s):
        """Its derivative by V."""
        centre, stiffness = (self._like(name, s) for name in ("centre", "stiffness"))
        soft = 1 + stiffness * s
        return 0.5 * stiffness / soft * (1 - stiffness * centre**2 / soft)

    def __len__(self):
        return len(self.centre)


def restraints(alpha, windows, sharpness=4.0):
    """Windows from the prior to the alignment alpha, closer where the energy is steeper.

    Parameters
    ----------
    alpha : float
        Alignment of the last window, positive.
    windows : int
        Number of windows, the prior included, at least 3.
    sharpness : float
        Width of a window's restraint is the distance to the previous centre over the root of it.

    Returns
    -------
    Restraints
    """
    if not 0 < alpha < np.inf:
        raise ValueError(f"alpha = {alpha!r}: a positive finite number is needed")
    if isinstance(windows, bool) or int(windows) != windows or windows < 3:
        raise ValueError(f"windows = {windows!r}: an integer of at least 3 is needed")
    centre = alpha * (np.arange(windows) / (windows - 1)) ** 2
    step = np.diff(centre)[np.r_[0, np.arange(windows - 1)]]
    stiffness = sharpness / step**2
    stiffness[0] = 0.0
    return Restraints(centre, stiffness)


class Rungs:
    """The energy of R ladders of K rungs, chains in the order ladder, rung."""

    def __init__(self, ladder):
        self.ladder = ladder

    def energy(self, s):
        """u of each chain at its statistic, for s of shape (R * K,)."""
        return self.ladder.energy(s.reshape(-1, len(self.ladder))).reshape(s.shape)

    def slope(self, s):
        """Its derivative, (R * K,)."""
        return self.ladder.slope(s.reshape(-1, len(self.ladder))).reshape(s.shape)

    def exchange(self, s, parity, generator):
        """Propose to exchange the states of rungs (parity, parity + 1), (parity + 2, ...), ...

        Parameters
        ----------
        s : torch.Tensor, shape (R * K,)
        parity : {0, 1}
        generator : torch.Generator

        Returns
        -------
        order : torch.Tensor of int, shape (R * K,)
            Where each chain's new state stands.
        acceptance, swapped : torch.Tensor, shape (R, K)
            Probability that rung k exchanged with k + 1, and whether it did; 0 where it
            was not proposed.
        """
        K = len(self.ladder)
        s = s.reshape(-1, K)
        order = torch.arange(s.numel(), device=s.device).reshape(s.shape)
        acceptance, swapped = torch.zeros_like(s), torch.zeros_like(s)
        low = torch.arange(parity, K - 1, 2, device=s.device)
        if len(low):
            own = self.ladder.energy(s)
            up = self.ladder.energy(s.roll(-1, 1))  # rung k at the statistic of k + 1
            down = self.ladder.energy(s.roll(1, 1))  # rung k at the statistic of k - 1
            gain = own[:, low] + own[:, low + 1] - up[:, low] - down[:, low + 1]
            u = torch.rand(gain.shape, generator=generator, dtype=s.dtype, device=s.device)
            take = u.log() < gain
            acceptance[:, low] = gain.clamp_max(0).exp()
            swapped[:, low] = take.to(s.dtype)
            order[:, low] += take.long()
            order[:, low + 1] -= take.long()
        return order.flatten(), acceptance, swapped


def even_scales(scale, rejection):
    """Data scales at which neighbours would exchange equally often (Syed et al. 2022).

    The rejection rate between neighbours adds up along the ladder to a function of the scale;
    equal parts of it are equally hard to cross.

    Parameters
    ----------
    scale : array_like, shape (K,)
        Increasing; the first and the last stay.
    rejection : array_like, shape (K - 1,)
        Measured rejection rate of each pair of neighbours.

    Returns
    -------
    numpy.ndarray, shape (K,)
    """
    scale, rejection = np.asarray(scale, float), np.asarray(rejection, float)
    if scale.ndim != 1 or len(scale) < 2 or (np.diff(scale) <= 0).any():
        raise ValueError(f"scale = {scale}: at least two increasing numbers are needed")
    if rejection.shape != (len(scale) - 1,) or not ((rejection >= 0) & (rejection <= 1)).all():
        raise ValueError(f"rejection = {rejection}: {len(scale) - 1} shares of 1 are needed")
    # A pair that always exchanges still keeps some distance, so that the scales stay distinct.
    barrier = np.r_[0, np.cumsum(rejection + 0.01)]
    even = np.interp(np.linspace(0, barrier[-1], len(scale)), barrier, scale)
    even[0], even[-1] = scale[0], scale[-1]
    return even
