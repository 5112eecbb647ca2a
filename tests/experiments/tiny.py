"""A sweep whose points can be held or made to fail, by files in the folder that TINY names.

``python -m tests.experiments.tiny`` runs it as a reader would run a sweep of his own.
"""

import os
import sys
import time
from pathlib import Path

import numpy as np
import xarray as xr

from featlearn.experiments.command import main
from featlearn.experiments.experiment import Experiment, grid


def run_point(config):
    folder, d = Path(os.environ["TINY"]), config["d"]
    with open(folder / "log", "a") as file:
        file.write(f"{d} {os.getpid()} {os.environ.get('CUDA_VISIBLE_DEVICES', '')}\n")
    while (folder / f"hold-{d}").exists():
        time.sleep(0.02)
    if (folder / f"fail-{d}").exists():
        raise RuntimeError(f"stopped at d = {d}")
    if (folder / f"refuse-{d}").exists():
        raise ValueError(f"d = {d}: another is needed")
    draws = np.random.default_rng([d, config["seed"]]).normal(size=config["size"])
    if (folder / f"nan-{d}").exists():
        draws[0] = np.nan
    return xr.Dataset({"draws": ("draw", draws)})


def experiment(size=4, gpu=False):
    return Experiment(
        name="tiny",
        claim="Normal numbers are normal.",
        points=grid({"d": 2, "seed": 1, "size": size}, d=(2, 3, 5, 7)),
        run_point=run_point,
        columns=("d", "seed"),
        units={"draws": ("number", "1"), "d": ("dimension", "1"), "seed": ("seed", "1")},
        gpu=gpu,
    )


def log(folder):
    """Of each point that was begun, in their order: it, the process that did, and its GPU."""
    path = folder / "log"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(int(d), int(pid), gpu) for d, pid, gpu in (line.split(" ") for line in lines)]


def begun(folder):
    """Pairs of a point that was begun and the process that did, in their order."""
    return [(d, pid) for d, pid, _ in log(folder)]


def begun_points(folder):
    return [d for d, _ in begun(folder)]


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


if __name__ == "__main__":
    size, gpu = int(os.environ.get("TINY_SIZE", 4)), "TINY_GPU" in os.environ
    sys.exit(main([experiment(size, gpu)]))
