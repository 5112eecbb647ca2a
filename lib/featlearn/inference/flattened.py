"""Sampling where the number of specialised neurons is metastable: pairs of chains that exchange.

One chain of a pair follows the posterior. The other follows the posterior times
``exp(-B)``, with a bias B of the soft count of specialised neurons under which counts are
visited about evenly. It crosses the barriers that lie along the count, and exchanges carry what
it finds to the chain beside it. No law in between is needed: conditioned on the count the two
are identical.

All pairs learn one bias during the warm-up. It is frozen before the first kept draw, so that the
posterior is the exact stationary law of the other chain, whatever was learned.
"""

import torch
import xarray as xr
from tqdm import tqdm

from . import hmc
from .adaptation import DualAveraging
from .flat_histogram import FlatHistogram
from .laws import POSTERIOR, Rungs
from .linear_algebra import fast_products
from .observables import specialised
from .soft_count import SoftCount

LAWS = ("flattened", "posterior")
HEIGHT = 8.0  # of what is flattened, above the lowest free energy, nats
GAIN = 2.0  # by which all pairs together raise the bias in one early iteration, nats
SLOWING = 0.1  # share of the warm-up after which this falls like one over the time


@fast_products()
def sample_flattened(
    posterior,
    z,
    *,
    warmup,
    draws,
    seed,
    n_leapfrog=32,
    height=HEIGHT,
    target_acceptance=0.8,
    progress=None,
):
    """Sample the hidden weights in pairs of chains, of the flattened law and of the posterior.

    Parameters
    ----------
    posterior : CollapsedPosterior
        Of B = 2 R chains; one hidden layer, no patches, degree at least 3.
    z : torch.Tensor, shape (R, 2, size)
        Starting positions of R pairs.
    warmup, draws : int
        Iterations before and after freezing. An iteration is a trajectory of each chain and
        one proposal to exchange in each pair.
    seed : int
        Seed of every random number of the chains.
    n_leapfrog : int
        Steps of a trajectory.
    height : float
        Counts with a free energy up to this height above the lowest are flattened, nats.
    target_acceptance : float
        Acceptance that the step sizes are adapted to.
    progress : str, optional
        Shows a progress bar with this title.

    Returns
    -------
    xarray.Dataset
        Over (chain, draw) of the posterior's chains: ``alignment``, the mean over the readout.
        Over (chain, law, draw): ``statistic`` (the data energy, nats), ``soft_count``,
        ``bias`` (at that count, nats), ``number`` of specialised neurons, ``divergent``.
        Over (chain, law): ``step_size``, ``acceptance``. Over chain: ``swapped``, the share of
        exchanges that took place. Over bin: ``flattening``, the frozen bias at the bins'
        centres.

    Raises
    ------
    ValueError
        If an argument is outside its range or a shape does not fit.
    """
    counts = [("warmup", warmup, 1), ("draws", draws, 1), ("n_leapfrog", n_leapfrog, 1)]
    for name, value, least in counts:
        if isinstance(value, bool | str) or int(value) != value or value < least:
            raise ValueError(f"{name} = {value!r}: an integer of at least {least} is needed")
    wanted = (2, posterior.network.size)
    if z.ndim != 3 or tuple(z.shape[1:]) != wanted:
        raise ValueError(f"z has shape {tuple(z.shape)}: (pairs, *{wanted}) is needed")
    if 2 * z.shape[0] != posterior.B:
        raise ValueError(f"z has {2 * z.shape[0]} chains: B = {posterior.B} of them is needed")
    pairs = _Pairs(posterior, z, seed, n_leapfrog, height, target_acceptance)
    rows = []
    bar = tqdm(range(warmup + draws), desc=progress, disable=progress is None, leave=False)
    for i in bar:
        if i < warmup:
            pairs.warm_up(i, warmup)
        else:
            pairs.advance()
            rows.append(pairs.row())
    return _gathered(rows, pairs)


class _Flattened:
    """The energy of both laws; the first of every two chains is flattened."""

    def __init__(self, posterior, flattening):
        self.count, self.flattening = SoftCount(posterior), flattening
        self.flat = torch.arange(posterior.B, device=posterior.y.device) % 2 == 0

    def statistic_and_gradient(self, z):
        """U + B of the flattened chains and U of the others, with the gradient."""
        U, C, energy, gradient = self.count.energy_and_gradient(z, self._bias)
        self.seen = U, C  # of the last position looked at
        return energy, gradient

    def _bias(self, count):
        V, slope = self.flattening(count)
        return V.where(self.flat, 0), slope.where(self.flat, 0)


class _Pairs:
    """All chains with what is being learned about them."""

    def __init__(self, posterior, z, seed, n_leapfrog, height, acceptance):
        network = posterior.network
        self.posterior, self.n_leapfrog = posterior, n_leapfrog
        self.of_posterior = posterior.subset(slice(1, None, 2))
        self.flattening = FlatHistogram(network.widths[0], height, z)
        self.target, self.law = _Flattened(posterior, self.flattening), Rungs(POSTERIOR)
        self.generator = torch.Generator(device=z.device).manual_seed(seed)
        self.state = hmc.initial_state(self.target, z.reshape(-1, z.shape[-1]))
        self.step_size = torch.full_like(self.state.statistic, 0.5 / z.shape[-1] ** 0.25)
        self.averaging = DualAveraging(self.step_size, acceptance)
        self._restart_counts()

    def _restart_counts(self):
        self.accepted = torch.zeros_like(self.state.statistic)
        self.swaps, self.iterations = torch.zeros_like(self.accepted[::2]), 0

    def advance(self):
        """One iteration."""
        state, self.info = hmc.step(
            self.target, self.law, self.state, self.step_size, self.n_leapfrog, self.generator
        )
        V = self.flattening(self.target.count(state.z))[0]
        gain = V[::2] - V[1::2]  # of the log probability of both states together
        u = torch.rand(gain.shape, generator=self.generator, dtype=V.dtype, device=V.device)
        swap = (u.log() < gain).long()
        order = torch.arange(len(V), device=V.device)
        order[::2] += swap
        order[1::2] -= swap
        self.state = hmc.initial_state(self.target, state.z[order])
        self.accepted += self.info.acceptance
        self.swaps += swap
        self.iterations += 1

    def warm_up(self, i, warmup):
        """Iteration ``i`` of the warm-up."""
        self.step_size = self.averaging.step_size
        self.advance()
        self.averaging.update(self.info.acceptance)
        visited = self.target.seen[1][::2]
        start = max(1, SLOWING * warmup)
        self.flattening.learn(visited, GAIN / len(visited) * min(1, start / (i + 1)))
        self.state = hmc.initial_state(self.target, self.state.z)
        if i + 1 == warmup:
            self.step_size = self.averaging.final()
            self._restart_counts()

    def row(self):
        """What is kept of one iteration."""
        z = self.state.z
        U, C = self.target.seen
        kept = {
            "alignment": self.of_posterior.alignment(z[1::2])[0],
            "statistic": U,
            "soft_count": C,
            "bias": self.flattening(C)[0],
            "number": specialised(self.posterior.network.layers(z)[0][..., 0]),
            "divergent": self.info.divergent,
        }
        return {name: value.cpu() for name, value in kept.items()}


def _gathered(rows, pairs):
    variables = {}
    for name in rows[0]:
        values = torch.stack([row[name] for row in rows], 1).numpy()
        if name == "alignment":
            variables[name] = (("chain", "draw"), values)
        else:
            values = values.reshape(-1, 2, values.shape[1])
            variables[name] = (("chain", "law", "draw"), values)
    by_law = {"step_size": pairs.step_size, "acceptance": pairs.accepted / pairs.iterations}
    for name, value in by_law.items():
        variables[name] = (("chain", "law"), value.reshape(-1, 2).cpu().numpy())
    variables["swapped"] = ("chain", (pairs.swaps / pairs.iterations).cpu().numpy())
    variables["flattening"] = ("bin", pairs.flattening.bias.cpu().numpy())
    centres = pairs.flattening.centre.cpu().numpy()
    return xr.Dataset(variables, coords={"law": list(LAWS), "bin": centres})
