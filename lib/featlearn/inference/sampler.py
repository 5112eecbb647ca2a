"""Warm up, freeze, sample: chains of one law, or of a ladder of laws that exchange states.

One iteration is a trajectory of Hamiltonian Monte Carlo, then neuron jumps where they are
offered, then one round of exchanges between neighbouring rungs. The warm-up learns each
chain's step size, the length of a trajectory, and the spacing of the ladder; all are frozen
before the first kept draw.
"""

import re
from statistics import median

import torch
import xarray as xr
from tqdm import tqdm

from . import hmc, jumps
from .adaptation import DualAveraging, TrajectoryLength
from .laws import POSTERIOR, DataScales, Rungs, even_scales
from .linear_algebra import fast_products
from .observables import Observables

# Quantities of hidden layer l are named with it, and so is the dimension of its neurons.
PER_NEURON = re.compile(r"(?:response|norm2|cubic)_(\d+)")
PLAIN_LENGTH = 16  # steps of a trajectory before its length is learned
SCALES_LEARNED = (0.1, 0.2, 0.3, 0.4)  # shares of the warm-up at which a ladder is spaced anew
STEPS_LEARNED, LENGTH_LEARNED = 0.5, 0.75


@fast_products()
def sample(
    target,
    z,
    *,
    warmup,
    draws,
    seed,
    ladder=None,
    n_leapfrog="auto",
    n_jumps=None,
    target_acceptance=0.7,
    thin=1,
    record=None,
    record_rungs=None,
    progress=None,
):
    """Sample the hidden weights from given starts.

    Parameters
    ----------
    target : CollapsedPosterior or AlignmentVariance
        Of B chains.
    z : torch.Tensor, shape (B, size), or (R, K, size) with a ladder of K laws
        Starting positions; ``B = R * K`` chains in this order.
    warmup, draws : int
        Iterations before and after freezing.
    seed : int
        Seed of every random number of the chains.
    ladder : DataScales or Restraints, optional
        Laws of the rungs; the posterior itself by default. The scales between the first and
        the last are spaced so that neighbours exchange equally often.
    n_leapfrog : int or "auto"
        Steps a trajectory; learned by default.
    n_jumps : int, optional
        Neuron jumps an iteration; 0 leaves them out. By default 8 where they are offered: by a
        posterior with at most two hidden layers whose patches share their weights.
    target_acceptance : float
        Acceptance that the step sizes are adapted to.
    thin : int
        Keep every ``thin``-th draw.
    record : callable, optional
        From z (R, size) of the last rung, or (B, size) without a ladder, to a dict of tensors
        (R, ...) that are kept with every kept draw;
        :class:`~featlearn.inference.observables.Observables` for a posterior by default.
    record_rungs : callable, optional
        The same for the z (B, size) of all rungs.
    progress : str, optional
        Shows a progress bar with this title.

    Returns
    -------
    xarray.Dataset
        Over (chain, rung, draw), without ``rung`` when there is no ladder: ``statistic``
        (the data energy, nats), ``divergent``, what ``record_rungs`` gives and, with a ladder,
        ``walker``, the rung whose start the state descends from. Over (chain, draw): what
        ``record`` gives. Over (chain, rung): ``step_size``, ``acceptance``, ``moved`` (share
        of jumps that changed the neuron), ``swapped`` (share of exchanges with the next rung
        that took place). Over rung: ``scale``. Attribute ``n_leapfrog``.

    Raises
    ------
    ValueError
        If an argument is outside its range or a shape does not fit.
    """
    posterior = hasattr(target, "solve_features")
    offered = posterior and target.offers_jumps
    if n_jumps is None:
        n_jumps = 8 if offered else 0
    counts = [("warmup", warmup, 0), ("draws", draws, 1), ("n_jumps", n_jumps, 0)]
    counts += [("thin", thin, 1)]
    counts += [] if n_leapfrog == "auto" else [("n_leapfrog", n_leapfrog, 1)]
    for name, value, least in counts:
        if isinstance(value, bool | str) or int(value) != value or value < least:
            raise ValueError(f"{name} = {value!r}: an integer of at least {least} is needed")
    if posterior and not isinstance(ladder, DataScales | None):
        raise ValueError(f"ladder = {ladder!r}: DataScales are needed for a posterior")
    K = 1 if ladder is None else len(ladder)
    wanted = (target.network.size,) if ladder is None else (K, target.network.size)
    if z.ndim != 1 + len(wanted) or tuple(z.shape[1:]) != wanted:
        raise ValueError(f"z has shape {tuple(z.shape)}: (chains, *{wanted}) is needed")
    if posterior and z.shape[0] * K != target.B:
        raise ValueError(f"z has {z.shape[0] * K} chains: B = {target.B} of them is needed")
    if n_jumps and not offered:
        raise ValueError(f"n_jumps = {n_jumps}: 0 is needed, {type(target).__name__} offers none")
    chains = _Chains(target, z, ladder, seed, n_leapfrog, n_jumps, target_acceptance, warmup)
    last = slice(K - 1, None, K)
    if record is None and posterior:
        record = Observables(target.subset(last), chains.generator)
    records, of_rungs = [], []
    for i in tqdm(range(warmup + draws), desc=progress, disable=progress is None, leave=False):
        if i < warmup:
            chains.warm_up(i)
            continue
        chains.advance()
        if (i - warmup) % thin == 0:
            z = chains.state.z
            row = chains.row() | (record_rungs(z) if record_rungs else {})
            of_rungs.append({name: value.cpu() for name, value in row.items()})
            row = record(z[last]) if record else {}
            records.append({name: value.cpu() for name, value in row.items()})
    lead = ("chain",) if ladder is None else ("chain", "rung")
    variables = _stacked(records, ("chain",)) | _stacked(of_rungs, lead, K)
    return xr.Dataset(variables | chains.summary(lead), attrs={"n_leapfrog": chains.length})


def _stacked(records, lead, K=1):
    """Draws of each recorded quantity, with the dimensions of one record and ``draw``."""
    variables = {}
    for name in records[0]:
        values = torch.stack([record[name] for record in records], 1).numpy()
        if lead[1:]:
            values = values.reshape(-1, K, *values.shape[1:])
        axes = range(values.ndim - len(lead) - 1)
        extra = [f"{name}_dim_{axis}" for axis in axes]
        if match := PER_NEURON.fullmatch(name):
            extra[:1] = [f"neuron_{match[1]}"] if extra else []
        variables[name] = ((*lead, "draw", *extra), values)
    return variables


class _Chains:
    """All chains with what is being learned about them."""

    def __init__(self, target, z, ladder, seed, n_leapfrog, n_jumps, acceptance, warmup):
        self.target, self.ladder, self.n_jumps, self.warmup = target, ladder, n_jumps, warmup
        self.law = Rungs(POSTERIOR if ladder is None else ladder)
        self.R, self.K = z.shape[0], len(self.law.ladder)
        self.generator = torch.Generator(device=z.device).manual_seed(seed)
        self.state = hmc.initial_state(target, z.reshape(-1, z.shape[-1]))
        first = torch.full_like(self.state.statistic, 0.5 / z.shape[-1] ** 0.25)
        self.step_size, self.wanted = first, acceptance
        self.averaging = DualAveraging(first, acceptance)
        self.learn_length = n_leapfrog == "auto"
        self.length = PLAIN_LENGTH if self.learn_length else n_leapfrog
        self.trial = None
        self.walker = torch.arange(self.K, device=z.device).repeat(self.R)
        self.parity = 0
        self._restart_counts()

    def _restart_counts(self):
        zero = torch.zeros(self.R, self.K, device=self.state.z.device, dtype=self.state.z.dtype)
        self.accepted, self.moved = torch.zeros_like(zero.flatten()), torch.zeros_like(zero)
        self.swaps, self.chances = torch.zeros_like(zero), torch.zeros_like(zero)
        self.proposed, self.iterations = torch.zeros_like(zero), 0

    def advance(self):
        """One iteration."""
        self.state, self.info = hmc.step(
            self.target, self.law, self.state, self.step_size, self.length, self.generator
        )
        self.accepted += self.info.acceptance
        self.iterations += 1
        if self.n_jumps:
            scale = self.law.slope(self.state.statistic)
            z, moved = jumps.sweep(self.target, self.state.z, scale, self.n_jumps, self.generator)
            self.state = hmc.initial_state(self.target, z)
            self.moved += moved.reshape(self.moved.shape)
        if self.K > 1:
            order, acceptance, swapped = self.law.exchange(
                self.state.statistic, self.parity, self.generator
            )
            self.state = hmc.State(*(part[order] for part in self.state))
            self.walker = self.walker[order]
            self.chances += acceptance
            self.swaps += swapped
            self.proposed[:, self.parity : self.K - 1 : 2] += 1
            self.parity = 1 - self.parity

    def warm_up(self, i):
        """Iteration ``i`` of the warm-up."""
        share = self.warmup
        if self.learn_length and i == int(STEPS_LEARNED * share):
            self._restart_averaging()
            self.trial = TrajectoryLength(median(self.step_size.tolist()))
        if self.trial is not None and i == int(LENGTH_LEARNED * share):
            self.length, self.trial = self.trial.best(), None
            self._restart_averaging()
        if self.trial is not None:
            self.length = self.trial.next()
        self.step_size = self.averaging.step_size
        self.advance()
        self.averaging.update(self.info.acceptance)
        if self.trial is not None:
            self.trial.update(self.length, self._observable())
        if i + 1 in [int(part * share) for part in SCALES_LEARNED]:
            self._space_ladder()
        if i + 1 == self.warmup:
            self.step_size = self.averaging.final()
            self._restart_counts()

    def _restart_averaging(self):
        """Forget how the chains behaved on their way to equilibrium."""
        self.step_size = self.averaging.final()
        self.averaging = DualAveraging(self.step_size, self.wanted)
        # Of the ten-fold that dual averaging starts above nothing is needed any more.
        self.averaging.centre = torch.log(self.step_size)

    def _observable(self):
        if hasattr(self.target, "alignment"):
            return self.target.alignment(self.state.z)[0]
        return self.state.statistic.log()

    def _space_ladder(self):
        if isinstance(self.ladder, DataScales) and self.K > 2 and (self.proposed[0, :-1] > 0).all():
            acceptance = (self.chances.sum(0) / self.proposed.sum(0).clamp_min(1))[:-1]
            rejection = (1 - acceptance).clamp(0, 1).cpu().numpy()
            self.ladder = DataScales(even_scales(self.ladder.scale, rejection))
            self.law = Rungs(self.ladder)
            self._restart_counts()

    def row(self):
        """What is kept of one iteration for any target."""
        kept = {"statistic": self.state.statistic, "divergent": self.info.divergent}
        return kept | ({"walker": self.walker} if self.K > 1 else {})

    def summary(self, lead):
        """What was measured of each chain since the warm-up."""
        found = {"step_size": self.step_size, "acceptance": self.accepted / self.iterations}
        if self.n_jumps:
            found["moved"] = self.moved / self.iterations
        if self.K > 1:
            found["swapped"] = self.swaps / self.proposed.clamp_min(1)
        shape = (self.R, self.K)[: len(lead)]
        variables = {
            name: (lead, value.reshape(shape).cpu().numpy()) for name, value in found.items()
        }
        if isinstance(self.ladder, DataScales):
            variables["scale"] = ("rung", self.ladder.scale)
        return variables
