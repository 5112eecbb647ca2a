"""Run the book's experiments at full size: ``python -m featlearn.experiments [NAME ...]``."""

import sys

from . import (
    bound_margin,
    cnn_sweeps,
    field_size,
    prior_energy,
    propagation,
    store,
    three_layer_sweeps,
    two_layer_flattened,
    two_layer_ladder,
    two_layer_linear,
    two_layer_memory,
    two_layer_overlap,
    two_layer_specialised,
    two_layer_threshold,
)
from .command import main

MODULES = (
    bound_margin,
    prior_energy,
    propagation,
    two_layer_overlap,
    two_layer_threshold,
    two_layer_specialised,
    two_layer_linear,
    two_layer_ladder,
    two_layer_memory,
    two_layer_flattened,
    field_size,
    cnn_sweeps,
    three_layer_sweeps,
)
EXPERIMENTS = tuple(experiment for module in MODULES for experiment in module.EXPERIMENTS)

if __name__ == "__main__":
    sys.exit(main(EXPERIMENTS, results=store.results_folder(), runs=store.runs_folder()))
