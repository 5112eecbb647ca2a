"""Code that was changed and still computes what is stored: points of it run again, bit for bit.

A sweep of hours need not be measured anew because a function it uses was renamed. Chains are
chaotic: one rounding that differs, anywhere, gives other numbers at the end. So a few points
that come out the same to the last bit show that a change was one of form, where they pass
through what was changed.
"""

import json
import tempfile

import numpy as np

from . import code, provenance, store, workers
from .sweep import Sweep


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
        If ``seconds`` is not positive.
    ResultError
        If the result does not say what made it or was measured on another kind of device, a
        point fails, or, naming the point and the variable, a number came out otherwise. Nothing
        is stored then. On another processor, or with other versions, numbers differ for
        unchanged code.
    """
    if not 0 < seconds < np.inf:
        raise ValueError(f"seconds = {seconds!r}: a positive finite number is needed")
    path = store.path_of(experiment.name, folder)
    stored, before = store.load(experiment.name, folder=folder), store.sha256(path)
    today = code.attributes(*code.place(experiment.run_point))
    if "code_hash" not in stored.attrs or "runs" not in stored.attrs:
        raise store.ResultError(f"{experiment.name}: the result does not say what code made it")
    if today["code_hash"] in code.hashes(stored.attrs):
        return []
    points, runs = _points(experiment, stored), json.loads(stored.attrs["runs"])
    chosen = _chosen(experiment, runs, seconds)
    # In processes of their own, so that the code is what is on disk now.
    with tempfile.TemporaryDirectory() as runs_folder:
        sweep = Sweep(
            experiment.name,
            [points[i] for i in chosen],
            experiment.run_point,
            folder=runs_folder,
            gpu=experiment.gpu,
            variables=experiment.units,
        )
        threads = runs[chosen[0]]["threads"]
        alone = isinstance(threads, int)  # else it says that nothing of ours had threads
        workers.run_sweep(sweep, threads=threads if alone else None, progress=progress)
        for i, found in zip(chosen, sweep.results(), strict=True):
            _require_same(experiment, found, stored.isel(point=i), f"point {i}")
        sweep.require_same_code()
    if store.sha256(path) != before:
        raise store.ResultError(f"{experiment.name}: another result was stored meanwhile")
    here = provenance.surroundings(False)
    entry = sweep.code | {key: here[key] for key in ("commit", "tree_clean")}
    entry["points"] = [provenance.config_hash(points[i]) for i in chosen]
    confirmed = code.confirmed(stored.attrs, **entry)
    store.save(experiment.name, stored.assign_attrs(confirmed), folder=folder)
    return chosen


def _points(experiment, stored):
    """Configurations of the stored points; those of the experiment as it has them."""
    own = {provenance.config_hash(point): point for point in experiment.points}
    found = json.loads(stored.attrs["config"])["points"]
    return [own.get(provenance.config_hash(point), point) for point in found]


def _chosen(experiment, runs, seconds):
    """Numbers of the points to run, in order: measured on such a device and alike in threads."""
    kind = provenance.surroundings(experiment.gpu)["device_kind"]
    took = {i: run["wall_seconds"] for i, run in enumerate(runs) if run["device_kind"] == kind}
    if not took:
        raise store.ResultError(f"{experiment.name}: no point was measured on a {kind}, as here")
    shortest = min(took, key=took.get)
    chosen, left = [shortest], seconds - took[shortest]
    for i in np.random.default_rng(0).permutation(sorted(took)).tolist():
        alike = runs[i]["threads"] == runs[shortest]["threads"]
        if i not in chosen and alike and took[i] <= left:
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
