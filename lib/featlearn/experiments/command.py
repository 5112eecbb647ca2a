"""The command line of experiments: list them, or run what is missing and store it."""

import argparse
import os
import sys
from functools import partial

from . import slurm, store, workers
from .confirm import confirm

EXECUTORS = ("local", "slurm")


def main(experiments, arguments=None, *, results="results", runs=None):
    """Run experiments by name and store what they measured.

    Parameters
    ----------
    experiments : sequence of Experiment
    arguments : list of str, optional
        Instead of the command line's.
    results : path
        Folder of the results, unless FEATLEARN_RESULTS names another.
    runs : path, optional
        Folder of finished points, unless FEATLEARN_RUNS names another; ``runs`` in that of
        the results by default.

    Returns
    -------
    int
        Exit code. What stands against a folder, a file or a setting is said in one line. If the
        code of a point fails, that line names the point, after the traceback of the error.
    """
    known = {experiment.name: experiment for experiment in experiments}
    parser = argparse.ArgumentParser(
        description="Measure what is missing and store the results. What was stopped goes on "
        "from its last finished point. EXECUTOR=slurm in the environment sends each point to "
        "a cluster; PARTITION, ACCOUNT, TIME (minutes), CPUS, MEMORY (GB) and GPUS say what "
        "each job asks for.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="experiments; all by default")
    parser.add_argument("--list", action="store_true", help="list the experiments and their state")
    parser.add_argument(
        "--confirm",
        type=float,
        metavar="SECONDS",
        help="measure nothing: where the code has changed, run points of the stored result "
        "again, as many as took that long, and enter the code if all numbers are the same",
    )
    parser.add_argument("--device", default="auto", choices=("auto", "cpu"))
    parser.add_argument(
        "--workers", type=int, help="processes; by default one a core, or one a GPU if used"
    )
    options = parser.parse_args(arguments)
    unknown = set(options.names) - set(known)
    if unknown:
        parser.error(f"NAME = {sorted(unknown)}: one of {sorted(known)} is needed")
    chosen = [known[name] for name in options.names or known]
    results = store.results_folder(results)
    runs = store.runs_folder(runs or results / "runs")
    try:
        if options.list:
            for experiment in chosen:
                print(f"{experiment.name:24}{experiment.state(results):16}{experiment.claim}")
            return 0
        run_sweep = _executor(options)
        if options.confirm is not None:
            return max([_confirm(experiment, options.confirm, results) for experiment in chosen])
        store.require_writable(results)
        store.require_writable(runs)
        for experiment in chosen:
            _run(experiment, run_sweep, results, runs)
    except (ValueError, OSError) as error:
        _say(error)
        return 1
    except KeyboardInterrupt:
        print("stopped: what is finished is kept, start again to go on", file=sys.stderr)
        return 130
    return 0


def _say(error):
    for trace in getattr(error, "__notes__", ()):
        print(trace, file=sys.stderr)
    print(f"error: {error}", file=sys.stderr)


def _confirm(experiment, seconds, results):
    """0 if the stored result is of today's code, or of code that computes the same; else 1."""
    if experiment.state(results) == "missing":
        print(f"{experiment.name}: missing")
        return 0
    try:
        points = confirm(experiment, seconds=seconds, folder=results)
    except store.ResultError as error:  # the next ones may be well
        _say(error)
        return 1
    if points:
        of = store.load(experiment.name, folder=results).sizes["point"]
        print(f"{experiment.name}: {len(points)} of {of} points came out the same; code entered")
    else:
        print(f"{experiment.name}: stored, with this code")
    return 0


def _run(experiment, run_sweep, results, runs):
    state = experiment.state(results)
    if state == "current":
        print(f"{experiment.name}: stored, with this grid and this code")
        return
    print(f"{experiment.name}: {state}; measuring")
    data = experiment.measure(run_sweep=run_sweep, folder=runs, stored=results)
    path = store.save(experiment.name, data, folder=results)
    print(f"{experiment.name}: stored in {path}")


def _executor(options):
    name = os.environ.get("EXECUTOR", "local")
    if name not in EXECUTORS:
        raise ValueError(f"EXECUTOR = {name!r}: one of {EXECUTORS} is needed")
    if options.workers is not None and options.workers < 1:
        raise ValueError(f"--workers = {options.workers}: at least 1 is needed")
    if options.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    if name == "slurm":
        return partial(slurm.run_sweep, cluster=slurm.Cluster.from_environment())
    return partial(workers.run_sweep, workers=options.workers)
