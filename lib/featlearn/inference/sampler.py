"""Warm up, freeze, sample: chains of the collapsed posterior and what they record."""

import torch
import xarray as xr
from tqdm import tqdm

from featlearn.theory.alignment import neuron_alignment

from . import hmc, jumps


def sample(
    posterior,
    weights,
    *,
    warmup,
    draws,
    seed,
    n_leapfrog=16,
    n_jumps=8,
    target_acceptance=0.8,
    thin=1,
    progress=None,
):
    """Sample the hidden weights from given starts.

    One iteration is a trajectory of Hamiltonian Monte Carlo followed by
    ``n_jumps`` neuron jumps. Step sizes adapt during the warm-up and are frozen
    before the first kept draw.

    Parameters
    ----------
    posterior : CollapsedPosterior
        With B chains.
    weights : torch.Tensor, shape (B, N, d)
        Starting points.
    warmup, draws : int
        Iterations before and after freezing.
    seed : int
        Seed of every random number of the chains.
    n_leapfrog : int
        Leapfrog steps a trajectory.
    n_jumps : int
        Neuron jumps an iteration; 0 leaves them out.
    target_acceptance : float
        Acceptance that the step sizes are adapted to.
    thin : int
        Keep every ``thin``-th draw.
    progress : str, optional
        Shows a progress bar with this title.

    Returns
    -------
    xarray.Dataset
        Over (chain, draw): ``alignment``, the mean over the readout of eq. (3)
        given the hidden weights; ``alignment_drawn``, with the readout drawn;
        ``data_energy`` (nats); ``divergent``. Over (chain, draw, neuron):
        ``overlap`` and ``norm2``. Over chain: ``step_size``, ``acceptance``,
        ``moved`` (share of jumps that changed the neuron).
    """
    for name, value, least in (
        ("warmup", warmup, 0),
        ("draws", draws, 1),
        ("n_leapfrog", n_leapfrog, 1),
        ("n_jumps", n_jumps, 0),
        ("thin", thin, 1),
    ):
        if int(value) != value or value < least:
            raise ValueError(f"{name} = {value!r}: an integer of at least {least} is needed")
    expected = (posterior.B, posterior.network.N, posterior.network.d)
    if tuple(weights.shape) != expected:
        raise ValueError(f"weights has shape {tuple(weights.shape)}: {expected} is needed")

    generator = torch.Generator(device=weights.device).manual_seed(seed)
    state = hmc.initial_state(posterior, weights)
    first = torch.full_like(state.energy, 0.5 / (expected[1] * expected[2]) ** 0.25)
    adaptation = hmc.DualAveraging(first, target_acceptance)
    step_size, records, accepted, moved = first, [], 0.0, 0.0
    for i in tqdm(range(warmup + draws), desc=progress, disable=progress is None, leave=False):
        if i <= warmup:
            step_size = adaptation.step_size if i < warmup or not warmup else adaptation.final()
        state, info = hmc.step(posterior, state, step_size, n_leapfrog, generator)
        if n_jumps:
            state, moved_now = jumps.sweep(posterior, state, n_jumps, generator)
        if i < warmup:
            adaptation.update(info.acceptance)
            continue
        accepted = accepted + info.acceptance / draws
        if n_jumps:
            moved = moved + moved_now / draws
        if (i - warmup) % thin == 0:
            records.append(_record(posterior, state, info, generator))
    columns = {
        name: torch.stack([record[name] for record in records], 1).cpu().numpy()
        for name in records[0]
    }
    chains = {"step_size": step_size, "acceptance": accepted}
    if n_jumps:
        chains["moved"] = moved
    dims = ("chain", "draw", "neuron")
    return xr.Dataset(
        {name: (dims[: values.ndim], values) for name, values in columns.items()}
        | {name: ("chain", values.cpu().numpy()) for name, values in chains.items()}
    )


def _record(posterior, state, info, generator):
    w = state.weights
    overlap, norm2 = w[..., 0], w.square().sum(-1)
    g = neuron_alignment(overlap, norm2, posterior.network.degree)
    mean, covariance = posterior.readout(posterior.solve(w))
    variance = torch.einsum("bi,bij,bj->b", g, covariance, g).clamp_min(0)
    noise = torch.randn(variance.shape, generator=generator, dtype=w.dtype, device=w.device)
    alignment = (mean * g).sum(-1)
    return {
        "alignment": alignment,
        "alignment_drawn": alignment + variance.sqrt() * noise,
        "data_energy": state.energy - posterior.prior_energy(w),
        "divergent": info.divergent,
        "overlap": overlap,
        "norm2": norm2,
    }
