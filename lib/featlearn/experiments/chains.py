"""What the experiments that sample chains share in how they are declared.

Settings that make no sense are refused here, before hours are spent on them.
"""

from .experiment import Experiment, whole_sizes
from .spot import Spot

LEAST = {"warmup": 0, "draws": 20, "n_leapfrog": 1, "n_jumps": 0, "rungs": 1}
DTYPES = ("float32", "float64")


def check_chains(config):
    """Raise ValueError unless chains can be run with a configuration, in each of its rounds.

    Parameters
    ----------
    config : dict
        With ``warmup``, ``draws`` (at least 20, which the diagnostics need), ``n_leapfrog``,
        ``n_jumps``, ``rungs``, ``least_scale``, ``dtype`` and ``rounds``.
    """
    if config["dtype"] not in DTYPES:
        raise ValueError(f"dtype = {config['dtype']!r}: one of {DTYPES} is needed")
    for changes in ({}, *config["rounds"]):
        chains = config | changes
        numbers = {name: chains[name] for name in LEAST if chains[name] != "auto"}
        whole_sizes(numbers, least=LEAST)
        scale, rungs = chains["least_scale"], chains["rungs"]
        if not (0 < scale < 1 if rungs > 1 else scale == 1):
            raise ValueError(
                f"least_scale = {scale!r} with rungs = {rungs}: a number between 0 and 1 is "
                "needed on a ladder, and 1 without one"
            )


def declares(run_point, columns, units, errors):
    """What declares the experiments that measure points of one module.

    Parameters
    ----------
    run_point : function
        At the top of the module.
    columns, units : see :class:`~featlearn.experiments.experiment.Experiment`
    errors : dict
        Of the small points that are computed again; see
        :class:`~featlearn.experiments.spot.Spot`.

    Returns
    -------
    callable
        From a name, a claim, the points, and ``live``, some of them with fewer data sets or
        draws, to an :class:`~featlearn.experiments.experiment.Experiment`.
    """

    def experiment(name, claim, points, live):
        return Experiment(
            name=name,
            claim=claim,
            points=points,
            run_point=run_point,
            columns=columns,
            units=units,
            seeds=("data_seeds", "chain_seed"),
            gpu=True,
            spot=Spot(live, errors, sets="data_set"),
        )

    return experiment
