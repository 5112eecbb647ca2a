"""Run experiments at full size: ``python -m featlearn.experiments [NAME ...]``."""

import argparse
from functools import partial

import torch

from . import (
    bound_margin,
    prior_energy,
    propagation,
    two_layer_linear,
    two_layer_overlap,
    two_layer_specialised,
    two_layer_threshold,
)

SINGLE = (
    bound_margin,
    prior_energy,
    two_layer_overlap,
    two_layer_threshold,
    two_layer_specialised,
    two_layer_linear,
)
# What each experiment measures, and what runs it.
EXPERIMENTS = {module.NAME: (module.__doc__.splitlines()[0], module.run) for module in SINGLE}
EXPERIMENTS |= {
    name: (title, partial(propagation.run, name)) for name, title in propagation.NAMES.items()
}


def main():
    parser = argparse.ArgumentParser(
        prog="python -m featlearn.experiments",
        description="Measure at full size and store the results in book/results. "
        "A run that was stopped goes on from its last finished point.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="experiments; all by default")
    parser.add_argument("--list", action="store_true", help="list the experiments")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--threads", type=int, help="processor threads; all cores by default")
    options = parser.parse_args()
    if options.list:
        for name, (title, _) in EXPERIMENTS.items():
            print(f"{name:24}{title}")
        return
    unknown = set(options.names) - set(EXPERIMENTS)
    if unknown:
        parser.error(f"NAME = {sorted(unknown)}: one of {sorted(EXPERIMENTS)} is needed")
    if options.threads is not None:
        if options.threads < 1:
            parser.error(f"--threads = {options.threads}: at least 1 is needed")
        torch.set_num_threads(options.threads)
    for name in options.names or EXPERIMENTS:
        print(f"{name}: stored in {EXPERIMENTS[name][1](options.device)}")


if __name__ == "__main__":
    main()
