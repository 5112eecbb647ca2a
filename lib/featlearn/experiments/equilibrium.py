"""Sample a posterior from several starts, again on ladders where they disagree, and diagnose.

Each data set of a point is sampled from each start. What is followed is compared between the
starts; data sets that are not in equilibrium are sampled again in the rounds that the point
declares, which change the settings of the chains.
"""

import numpy as np
import torch
import xarray as xr

from featlearn.inference.diagnostics import MAX_R_HAT, diagnose
from featlearn.inference.laws import DataScales
from featlearn.inference.network import choose_device
from featlearn.inference.posterior import CollapsedPosterior
from featlearn.inference.sampler import sample

CHAINS = ("warmup", "draws", "n_leapfrog", "n_jumps", "rungs", "least_scale")

SETTINGS = {
    "data_seeds": [[20, i] for i in range(8)],
    "chain_seed": 1,
    "warmup": 250,
    "draws": 400,
    "n_leapfrog": 16,
    "n_jumps": 0,
    "rungs": 1,
    "least_scale": 1.0,
    "dtype": "float32",
    "follow": ["alignment"],
    "rounds": [],
}


def tempered(P, least, **others):
    """A round on a ladder of data scales.

    The number of rungs follows the spread of the data energy, which grows as the root of P,
    so that neighbours exchange in about four of ten attempts.

    Parameters
    ----------
    P : int
        Training size.
    least : float
        The smallest data scale, between 0 and 1.
    **others
        Further changes of a point's settings.
    """
    if not 0 < least < 1:
        raise ValueError(f"least = {least!r}: a number between 0 and 1 is needed")
    rungs = 2 + round(0.5 * (P / 2) ** 0.5 * np.log(1 / least))
    return {"rungs": int(rungs), "least_scale": float(least)} | others


def check(config, followed):
    """Raise ValueError unless the rounds and what is followed make sense.

    Parameters
    ----------
    config : dict
        With all of ``SETTINGS``.
    followed : sequence of str
        What may be followed.
    """
    for i, changes in enumerate(config["rounds"]):
        unknown = set(changes) - set(CHAINS)
        if unknown:
            raise ValueError(
                f"rounds[{i}] changes {sorted(unknown)}: settings of chains are needed"
            )
    if not config["follow"] or set(config["follow"]) - set(followed):
        raise ValueError(f"follow = {config['follow']!r}: some of {list(followed)} are needed")


def measure(
    config, network, starts, observe, *, posterior=CollapsedPosterior, device="auto", progress=None
):
    """Sample every data set from every start.

    Parameters
    ----------
    config : dict
        With all of ``SETTINGS``.
    network : Network
    starts : dict
        Name of a start to a function from (chains, generator) to positions (chains, size).
    observe : callable
        From a mapping of names to recorded arrays (start, data_set, draw, ...) to a pair:
        what is diagnosed, name to (start, data_set, draw), and what is kept besides, name
        to (dimensions, array).
    posterior : type, optional
        Of a :class:`~featlearn.inference.posterior.CollapsedPosterior`.
    device : {"auto", "cpu", "cuda"}
    progress : str, optional
        Title of a progress bar.

    Returns
    -------
    xarray.Dataset
        For each quantity q that is diagnosed, ``q`` (data_set, start), and over data_set its
        Monte Carlo standard error over all starts ``q_mcse``, ``q_r_hat``, ``q_ess`` and
        ``q_equilibrium``; what is kept besides; ``round``, ``acceptance``, ``divergences``.
    """
    found, left = {}, list(range(len(config["data_seeds"])))
    for number, changes in enumerate([{}, *config["rounds"]]):
        others = {
            "data_seeds": [config["data_seeds"][i] for i in left],
            "chain_seed": config["chain_seed"] + 1000 * number,
        }
        chains = config | changes | others
        run = _round(chains, network, starts, observe, posterior, device, progress)
        run["round"] = ("data_set", np.full(len(left), float(number + 1)))
        found |= {i: run.isel(data_set=[k]) for k, i in enumerate(left)}
        left = [i for i in left if not all(_agree(found[i], name) for name in config["follow"])]
        if not left:
            break
    return xr.concat([found[i] for i in sorted(found)], "data_set", join="exact")


def _agree(run, name):
    """Whether the starts of a data set agree."""
    if name == "alignment":
        return bool(run.alignment_equilibrium.all())
    # A count that hardly ever changes has few effective samples.
    return bool((run[f"{name}_r_hat"] <= MAX_R_HAT).all())


def _round(config, network, starts, observe, posterior, device, progress):
    where, dtype = choose_device(device), getattr(torch, config["dtype"])
    n, K = len(config["data_seeds"]), config["rungs"]
    x, y = network.datasets(list(config["data_seeds"]) * len(starts), config["P"], where, dtype)
    generator = torch.Generator(device=where).manual_seed(config["chain_seed"])
    z = torch.cat([start(n * K, generator) for start in starts.values()]).to(dtype)
    ladder = DataScales(np.geomspace(config["least_scale"], 1, K)) if K > 1 else None
    draws = sample(
        posterior(network, x.repeat_interleave(K, 0), y.repeat_interleave(K, 0)),
        z if ladder is None else z.reshape(len(starts) * n, K, -1),
        ladder=ladder,
        warmup=config["warmup"],
        draws=config["draws"],
        seed=config["chain_seed"] + 1,
        n_leapfrog=config["n_leapfrog"],
        n_jumps=config["n_jumps"],
        progress=progress,
    )
    last = draws.isel(rung=-1) if ladder is not None else draws

    def by_start(name):
        values = last[name].values.astype(float)
        return values.reshape(len(starts), n, *values.shape[1:])

    followed, kept = observe(
        {name: by_start(name) for name in last if last[name].dims[:2] == ("chain", "draw")}
    )
    variables = {name: (dims, np.asarray(values, float)) for name, (dims, values) in kept.items()}
    for name, values in followed.items():
        variables |= _diagnosed(name, np.asarray(values, float))
    both = ("data_set", "start")
    variables["acceptance"] = (both, by_start("acceptance").T)
    variables["divergences"] = (both, by_start("divergent").sum(-1).T)
    return xr.Dataset(variables, coords={"start": list(starts)})


def _diagnosed(name, values):
    """The variables of one quantity (start, data_set, draw)."""
    each = [diagnose(values[:, i]) for i in range(values.shape[1])]
    return {
        name: (("data_set", "start"), values.mean(-1).T),
        f"{name}_mcse": ("data_set", [q.mcse for q in each]),
        f"{name}_r_hat": ("data_set", [q.r_hat for q in each]),
        f"{name}_ess": ("data_set", [q.bulk_ess for q in each]),
        f"{name}_equilibrium": ("data_set", [q.equilibrium for q in each]),
    }


def units_of(**followed):
    """Long names and units of what :func:`measure` gives for quantities that are followed.

    Parameters
    ----------
    **followed
        Name to a pair: long name and units.
    """
    found = {
        "round": ("round of sampling: beyond 1 where the one before was not in equilibrium", "1"),
        "acceptance": ("mean acceptance of trajectories", "1"),
        "divergences": ("number of divergent trajectories", "1"),
        "start": ("start of the chain", "1"),
    }
    for name, (long_name, unit) in followed.items():
        found |= {
            name: (f"posterior mean of the {long_name}", unit),
            f"{name}_mcse": (f"Monte Carlo standard error of the {long_name}, all starts", unit),
            f"{name}_r_hat": (f"rank-normalised R-hat of the {long_name}", "1"),
            f"{name}_ess": (f"bulk effective sample size of the {long_name}", "1"),
            f"{name}_equilibrium": (f"whether the starts agree on the {long_name}", "1"),
        }
    return found
