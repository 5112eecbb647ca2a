r"""Chains on a ladder of biased laws that exchange their states.

Every law of a ladder is the prior times ``exp(-u_k(s))`` with one statistic s of the weights,
and ``u_0 = 0``. Two statistics are used:

- the variance V of a random network's alignment given its hidden weights. A restraint
  ``stiffness (A - centre)**2 / 2`` on the alignment, with the Gaussian readout integrated out, is

  .. math:: u(V)=\tfrac12\log(1+\lambda V)+\frac{\lambda c^2}{2(1+\lambda V)} ;

- the data energy U of the collapsed posterior: ``u_k = b_k U`` leads from the prior, b = 0, to
  the posterior, b = 1.

Neighbours propose to exchange their states after every trajectory. What was sampled is the
statistic alone, and :mod:`~featlearn.inference.reweighting` turns it into free energies.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
import torch
import xarray as xr
from tqdm import tqdm

from . import hmc


@dataclass(frozen=True)
class Restraints:
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
        centre, stiffness = (_like(v, s) for v in (self.centre, self.stiffness))
        soft = 1 + stiffness * s
        return 0.5 * soft.log() + 0.5 * stiffness * centre**2 / soft

    def slope(self, s):
        """Its derivative by V."""
        centre, stiffness = (_like(v, s) for v in (self.centre, self.stiffness))
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


@dataclass(frozen=True)
class DataScales:
    """Factors on the data energy.

    Attributes
    ----------
    scale : numpy.ndarray, shape (K,)
        From 0, the prior, to 1, the posterior, increasing.
    """

    scale: np.ndarray

    def energy(self, s):
        """``b_k U``, for U of shape (..., K) or (..., 1)."""
        return _like(self.scale, s) * s

    def slope(self, s):
        """``b_k``."""
        return _like(self.scale, s).expand(s.shape)

    def __len__(self):
        return len(self.scale)


class AlignmentVariance:
    """The statistic V of a :class:`~featlearn.inference.random_network.RandomNetwork`.

    Weights have the shape (B, 1, size) and are standard normal under the prior.
    """

    prior_precision = 1

    def __init__(self, network):
        self.network = network
        self.shape = (1, network.size)

    def __call__(self, weights):
        """V (B,) and its gradient, the shape of the weights."""
        V, gradient = self.network.variance_and_gradient(weights[:, 0])
        return V, gradient[:, None]


class DataEnergy:
    """The statistic U of a :class:`~featlearn.inference.posterior.CollapsedPosterior`."""

    def __init__(self, posterior):
        self.posterior = posterior
        self.prior_precision = posterior.prior_precision
        self.shape = (posterior.network.N, posterior.network.d)

    def __call__(self, weights):
        """U (B,), nats, and its gradient, the shape of the weights."""
        energy, gradient = self.posterior.energy_and_gradient(weights)
        prior = self.posterior.prior_energy(weights)
        return energy - prior, gradient - self.prior_precision * weights


class _Biased:
    """Energy of all chains, each under the law of its rung; R ladders of K rungs, in this order."""

    def __init__(self, statistic, ladder):
        self.statistic, self.ladder = statistic, ladder
        self.prior_precision = statistic.prior_precision

    def energy_and_gradient(self, weights):
        s, gradient = self.statistic(weights)
        rungs = s.reshape(-1, len(self.ladder))
        bias, slope = (f(rungs).reshape(s.shape) for f in (self.ladder.energy, self.ladder.slope))
        prior = 0.5 * self.prior_precision * weights.square().sum((-2, -1))
        total = self.prior_precision * weights + slope[:, None, None] * gradient
        return prior + bias, total


def sample_ladder(
    statistic,
    ladder,
    starts,
    *,
    warmup,
    draws,
    seed,
    n_leapfrog=12,
    target_acceptance=0.8,
    thin=1,
    record=None,
    progress=None,
):
    """Sample all laws of a ladder at once, from several starts.

    Parameters
    ----------
    statistic : AlignmentVariance or DataEnergy
    ladder : Restraints or DataScales
        Of K laws.
    starts : torch.Tensor, shape (R, K, N, d)
        Starting weights of each of R independent ladders.
    warmup, draws : int
        Trajectories before and after the step sizes are frozen.
    seed : int
    n_leapfrog : int
    target_acceptance : float
    thin : int
        Keep every ``thin``-th draw.
    record : callable, optional
        From weights (B, N, d) to a dict of tensors (B,), kept with every kept draw.
    progress : str, optional
        Shows a progress bar with this title.

    Returns
    -------
    xarray.Dataset
        Over (ladder, rung, draw): ``statistic`` and what ``record`` gives. Over (ladder,
        rung): ``acceptance``, ``step_size``, ``swapped`` (share of accepted exchanges with the
        next rung; the last rung has none). ``walker`` over (ladder, rung, draw) is the rung
        whose start the state descends from.

    Raises
    ------
    ValueError
        If an argument is outside its range or a shape does not fit.
    """
    for name, value, least in (("warmup", warmup, 0), ("draws", draws, 1), ("thin", thin, 1)):
        if isinstance(value, bool) or int(value) != value or value < least:
            raise ValueError(f"{name} = {value!r}: an integer of at least {least} is needed")
    K = len(ladder)
    if starts.ndim != 4 or tuple(starts.shape[1:]) != (K, *statistic.shape):
        raise ValueError(
            f"starts has shape {tuple(starts.shape)}: (R, {K}, *{statistic.shape}) is needed"
        )
    R = len(starts)
    target = _Biased(statistic, ladder)
    generator = torch.Generator(device=starts.device).manual_seed(seed)
    state = hmc.initial_state(target, starts.flatten(0, 1))
    first = torch.full_like(state.energy, 0.3 / sqrt(sqrt(starts[0, 0].numel())))
    adaptation = hmc.DualAveraging(first, target_acceptance)
    walker = torch.arange(K, device=starts.device).repeat(R, 1)
    step_size, accepted = first, 0.0
    swaps = torch.zeros(R, K, dtype=starts.dtype, device=starts.device)
    records = []
    for i in tqdm(range(warmup + draws), desc=progress, disable=progress is None, leave=False):
        if i <= warmup:
            step_size = adaptation.step_size if i < warmup or not warmup else adaptation.final()
        state, info = hmc.step(target, state, step_size, n_leapfrog, generator)
        s, _ = statistic(state.weights)
        order, swapped = _exchange(ladder, s.reshape(R, K), i % 2, generator)
        index = (order + K * torch.arange(R, device=s.device)[:, None]).flatten()
        state = hmc.initial_state(target, state.weights[index])
        walker = walker.gather(1, order)
        if i < warmup:
            adaptation.update(info.acceptance)
            continue
        accepted = accepted + info.acceptance.reshape(R, K) / draws
        swaps += swapped
        if (i - warmup) % thin == 0:
            row = {"statistic": s[index], "walker": walker.flatten()}
            if record is not None:
                row |= record(state.weights)
            records.append({name: v.reshape(R, K).cpu() for name, v in row.items()})
    # Rung k proposes to rung k + 1 at every other trajectory.
    proposed = [sum((i - k) % 2 == 0 for i in range(warmup, warmup + draws)) for k in range(K)]
    chains = {
        "acceptance": accepted,
        "step_size": step_size.reshape(R, K),
        "swapped": swaps / torch.tensor(proposed, device=swaps.device).clamp_min(1),
    }
    dims = ("ladder", "rung", "draw")
    return xr.Dataset(
        {
            name: (dims, torch.stack([r[name] for r in records], 2).numpy().astype(float))
            for name in records[0]
        }
        | {name: (dims[:2], v.cpu().numpy().astype(float)) for name, v in chains.items()}
    )


def _exchange(ladder, s, parity, generator):
    """Order of the states after exchanges of rungs (parity, parity + 1), ..., and which took."""
    R, K = s.shape
    order = torch.arange(K, device=s.device).repeat(R, 1)
    swapped = torch.zeros_like(s)
    low = torch.arange(parity, K - 1, 2, device=s.device)
    if len(low):
        own = ladder.energy(s)
        # u_k at the neighbour's statistic, for both of each pair
        up = ladder.energy(s.roll(-1, 1))  # rung k at the statistic of k + 1
        down = ladder.energy(s.roll(1, 1))  # rung k at the statistic of k - 1
        gain = own[:, low] + own[:, low + 1] - up[:, low] - down[:, low + 1]
        u = torch.rand(gain.shape, generator=generator, dtype=s.dtype, device=s.device)
        take = u.log() < gain
        swapped[:, low] = take.to(s.dtype)
        order[:, low] += take.long()
        order[:, low + 1] -= take.long()
    return order, swapped


def _like(values, tensor):
    return torch.as_tensor(np.asarray(values), dtype=tensor.dtype, device=tensor.device)
