"""Code that was changed and still computes what is stored: points of it run again, bit for bit.

A sweep of hours need not be measured anew because a function it uses was renamed. Chains are
chaotic: one rounding that differs, anywhere, gives other numbers at the end. So a few points
that come out the same to the last bit show that a change was one of form, where they pass
through what was changed.
"""

import json
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from multiprocessing import get_context

import numpy as np
from tqdm import tqdm

from . import code, provenance, store
from .threads import threads


def confirm(experiment, *, seconds=300.0, folder=None, progress=True):
    """Run points of a stored result by today's code; enter the code if all numbers are the same.

    Points are taken at random, those that fit in the time by what they took when they were
    measured, and the shortest in any case. What is measured in seconds is not compared.

    Parameters
    ----------
    experiment : Experiment
        Whose stored result is of other code.
    seconds : float
        What the points may have taken together, positive.
    folder : path, optional
        Of the stored result, as for :func:`featlearn.experiments.store.load`.
    progress : bool
        Show a progress bar.

    Returns
    -------
    list of int
        The points that were run, by their number in the stored result; empty if the code is
        the one that is stored.

    Raises
    ------
    ValueError
        If ``seconds`` is not positive, or the result does not say what made it.
    ResultError
        Naming the point and the variable that came out otherwise, or if the code changed while
        points ran. Nothing is stored then. On another kind of processor, or with other versions,
        numbers differ for unchanged code.
    """
    if not 0 < seconds < np.inf:
        raise ValueError(f"seconds = {seconds!r}: a positive finite number is needed")
    stored = store.load(experiment.name, folder=folder)
    today = code.attributes(*code.place(experiment.run_point))
    if "code_hash" not in stored.attrs or "runs" not in stored.attrs:
        raise ValueError(f"{experiment.name}: the stored result does not say what code made it")
    if today["code_hash"] in code.hashes(stored.attrs):
        return []
    runs = json.loads(stored.attrs["runs"])
    points = json.loads(stored.attrs["config"])["points"]
    chosen = _chosen([run["wall_seconds"] for run in runs], seconds)
    # A process of its own: ours may have loaded the code before its last change.
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        for i in tqdm(chosen, experiment.name, disable=not progress, leave=False):
            task = experiment.run_point, points[i], runs[i]["threads"]
            found = process.submit(_run, *task).result()
            _require_same(experiment, found, stored.isel(point=i), f"point {i}")
    if code.attributes(*code.place(experiment.run_point)) != today:
        raise store.ResultError(f"{experiment.name}: the code changed meanwhile; start again")
    entry = {key: today[key] for key in ("code_hash", "code_modules")}
    entry |= {"points": chosen, "commit": provenance.surroundings(False)["commit"]}
    store.save(
        experiment.name,
        stored.assign_attrs(code.confirmed(stored.attrs, **entry)),
        folder=folder,
    )
    return chosen


def _run(run_point, config, number):
    with threads(number) if isinstance(number, int) else nullcontext():
        return run_point(config)


def _chosen(took, seconds):
    """Numbers of the points to run, in order."""
    chosen = [int(np.argmin(took))]
    left = seconds - took[chosen[0]]
    for i in np.random.default_rng(0).permutation(len(took)).tolist():
        if i not in chosen and took[i] <= left:
            chosen.append(i)
            left -= took[i]
    return sorted(chosen)


def _require_same(experiment, found, row, shown):
    name = f"{experiment.name}, {shown}"
    lost = sorted(set(row.variables) - set(found.variables) - set(experiment.columns))
    if lost:
        raise store.ResultError(f"{name}: today's code does not compute {lost[0]!r}")
    for key, variable in found.variables.items():
        if key not in row:
            raise store.ResultError(f"{name}: today's code computes {key!r}, which is not stored")
        if experiment.units[key][1] != "s" and not _same(variable.values, row[key].values):
            raise store.ResultError(
                f"{name}: today's code computes another {key!r}; measure the sweep again"
            )


def _same(found, stored):
    return found.shape == stored.shape and bool((found == stored).all())
