"""Run the entries of one size: ours here, every rival in its own environment."""

import json
import os
import subprocess
from pathlib import Path
from time import sleep

import numpy as np
import torch

from featlearn.inference import langevin
from featlearn.inference.posterior import CollapsedPosterior
from featlearn.theory.alignment import alignment_constant

from . import judge
from .ours import ours, problem

# Langevin's steps in units of the prior's variance: the first ones are unstable.
LADDER = [0.02 * 2 ** (-k / 2) for k in range(11)]
COARSE, FINE = 0.25, 0.35  # shares of Langevin's time that find its step
SETTLE = 0.2  # share of Langevin's draws that are left to its bias to set in
# Name: target, method, chains, tuning (warm-up iterations; for MCLMC the run it plans for,
# three tenths of which and a little more tune it).
RIVALS = {
    "langevin": ("full", "langevin", 8, LADDER),
    "numpyro-nuts": ("full", "numpyro-nuts", 4, [1000]),
    "blackjax-nuts": ("full", "blackjax-nuts", 4, [1000]),
    "blackjax-mclmc": ("full", "blackjax-mclmc", 4, [50_000]),
    "numpyro-nuts-collapsed": ("collapsed", "numpyro-nuts", 4, [1000]),
    "blackjax-mclmc-collapsed": ("collapsed", "blackjax-mclmc", 4, [50_000]),
}


def run_ours(d, config):
    """Our entry: its summary, and what the rivals need of it."""
    found = ours(d, config["dataset"], seconds=config["seconds"], seed=config["seed"])
    about = {key: found[key] for key in ("warmup_seconds", "jumps", "divergences")}
    cost = found["seconds"], found["gradients"]
    about["given_weights"] = judge.summarise(found["alignment_given_weights"], *cost)
    summary = judge.summarise(found["alignment"], *cost) | about
    order = np.random.default_rng(config["seed"]).permutation(len(found["weights"]))
    # float32 holds what float32 chains drew.
    arrays = {"weights": found["weights"].numpy()[order][:64].astype("float32")}
    return summary, arrays | {"alignment": found["alignment"]}


def write_problem(path, d, config, weights):
    """The file a rival reads: data, starting points, and values to check its energies by."""
    network, x, y = problem(d, config["dataset"])
    weights = torch.as_tensor(weights).double()
    n = len(weights)
    posterior = CollapsedPosterior(network, x.expand(n, *x.shape), y.expand(n, *y.shape))
    generator = torch.Generator().manual_seed(config["seed"])
    readout = _draw_readout(posterior, network.position([weights]), generator)
    # Rivals count in weights and readouts, we in units of the prior.
    by_weight, by_readout = d**0.5, network.readout_variance**-0.5
    z = network.prior(4, generator)
    check = langevin.State(z, langevin.prior_readout(network, 4, generator))
    some = CollapsedPosterior(network, x.expand(4, *x.shape), y.expand(4, *y.shape))
    energy, by_z, by_b = langevin.energy_and_gradient(some, check)
    collapsed, collapsed_by_z = some.statistic_and_gradient(z)

    def of_weights(gradient):
        return by_weight * gradient.reshape(4, d, d)

    tensors = {
        "x": x,
        "y": y,
        "start_weights": weights,
        "start_readout": readout,
        "check_weights": network.layers(z)[0],
        "check_readout": check.b / by_readout,
        "check_full_energy": energy,
        "check_full_by_w": of_weights(by_z),
        "check_full_by_a": by_readout * by_b,
        "check_collapsed_energy": collapsed + 0.5 * z.square().sum(-1),
        "check_collapsed_by_w": of_weights(collapsed_by_z + z),
        "check_alignment": langevin.alignment(some, check),
    }
    scalars = {
        "readout_variance": network.readout_variance,
        "ridge": network.ridge,
        "degree": network.degree,
        "constant": alignment_constant(network.degree),
    }
    np.savez(path, **scalars, **{name: tensor.numpy() for name, tensor in tensors.items()})


def _draw_readout(posterior, z, generator):
    mean, covariance = posterior.readout(posterior.solve(z))
    noise = torch.randn(mean.shape, generator=generator, dtype=mean.dtype)
    return mean + (torch.linalg.cholesky(covariance) @ noise[..., None])[..., 0]


def run_rival(python, problem_file, settings, scratch, tick):
    """Runs of a rival's program: what it says of itself, and draws (chain, draw) of each."""
    where = Path(__file__).parent
    paths = [scratch / f"rival.{end}" for end in ("json", "npz")]
    paths[0].write_text(json.dumps(settings), "utf8")
    environment = os.environ | {"PYTHONPATH": str(where), "JAX_PLATFORMS": "cpu"}
    environment["OMP_NUM_THREADS"] = environment["OPENBLAS_NUM_THREADS"] = "1"  # of each chain
    command = [str(python), "-m", "rivals", str(problem_file), *map(str, paths)]
    with open(scratch / "rival.log", "w+", encoding="utf8") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            while process.poll() is None:
                sleep(0.5)
                tick()
        finally:
            process.kill()
        if process.returncode:
            log.seek(0)
            raise RuntimeError(f"the rivals' program failed:\n{log.read()[-2000:]}")
    with np.load(paths[1]) as stored:
        about = json.loads(str(stored["about"]))
        return about, [stored[f"alignment_{i}"] for i in range(len(about["runs"]))]


def run_rival_entry(name, config, reference, launch):
    """One rival's entry; ``launch(settings)`` runs its program."""
    target, method, chains, tunings = RIVALS[name]
    settings = dict(target=target, method=method, chains=chains, tunings=tunings)
    settings |= {key: config[key] for key in ("threads", "dtype", "seed", "seconds")}
    if name == "langevin":
        return _run_langevin(settings, reference, launch)
    about, (draws,) = launch(settings)
    return _entry(about, draws), {"alignment": draws}


def _run_langevin(settings, reference, launch):
    """Find the step in two passes, then measure at it with a seed of its own.

    The first pass rules out steps that are surely biased; the second spends its time on
    the three largest that are left, and goes on to smaller ones while none of them passes.
    Where the measurement itself finds the bias too large, it is made again at the next smaller
    step.
    """
    total, seed = settings["seconds"], settings["seed"]

    def climb(steps, share, seed):
        seconds = share * total / len(steps)
        asked = {"seconds": seconds, "tunings": steps, "seed": seed}
        about, draws = launch(settings | asked)
        return [
            (step, judge.summarise(d, run["seconds"], run["gradients"], SETTLE))
            for step, d, run in zip(steps, draws, about["runs"], strict=True)
        ]

    rungs = climb(LADDER, COARSE, seed)
    chosen = judge.possibly_unbiased(rungs, reference)[:3]
    fine = climb(chosen, FINE, seed + 1)
    step, verdict = judge.largest_unbiased(fine, reference)
    for smaller in [s for s in LADDER if s < min(chosen)]:
        if verdict != "none":
            break
        fine += climb([smaller], FINE / 3, seed + 1)
        step, verdict = judge.largest_unbiased(fine, reference)
    tried = rungs + fine
    for more, step in enumerate([s for s in LADDER if s <= step]):
        asked = {"seconds": (1 - COARSE - FINE) * total, "tunings": [step], "seed": seed + 2 + more}
        about, (draws,) = launch(settings | asked)
        entry = _entry(about, draws, SETTLE)
        bias = judge.relative_bias(entry, reference)
        if step == LADDER[-1] or judge.largest_unbiased([(step, entry)], reference)[1] != "none":
            break
        tried, verdict = [*tried, (step, entry)], "by measurement"
    ladder = [
        dict(step=s, bias=judge.relative_bias(q, reference), ess=q["ess"], seconds=q["seconds"])
        for s, q in tried
    ]
    entry |= {"step": step, "verdict": verdict, "ladder": ladder}
    entry["verdict_measured"] = judge.verdict_on(bias) if bias else "too large"
    return entry, {"alignment": draws}


def _entry(about, draws, settle=0.0):
    run = about["runs"][0]
    summary = judge.summarise(draws, run.pop("seconds"), run.pop("gradients"), settle)
    return summary | run | {key: about[key] for key in ("compile_seconds", "versions")}
