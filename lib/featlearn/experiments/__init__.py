"""One module a measured claim, the sweeps that run it, and the stored results (xarray).

A sweep of one's own is a script, here ``means.py``::

    import numpy as np, xarray as xr
    from featlearn.experiments.command import main
    from featlearn.experiments.experiment import Experiment, grid

    def run_point(config):
        draws = np.random.default_rng(config["seed"]).normal(size=config["n"])
        return xr.Dataset({"mean": draws.mean()})

    if __name__ == "__main__":
        raise SystemExit(main([Experiment(
            name="means", claim="The mean of n numbers is of order n^(-1/2).",
            points=grid({"n": 10, "seed": 0}, n=(10, 100, 1000), seed=range(4)),
            run_point=run_point, columns=("n", "seed"),
            units={key: (key, "1") for key in ("mean", "n", "seed")})]))

``python means.py`` runs what is missing on all cores and stores the whole in
``results/means.nc``, or in the folder that FEATLEARN_RESULTS names; ``--workers 2`` takes two
processes. ``store.load("means", folder="results")`` reads the result. Stopped or killed, it goes
on where it was: a finished point is kept in the folder ``runs`` beside the result, or in that of
FEATLEARN_RUNS, under a hash of its configuration and of the code that computes it (what
``run_point`` needs of the script, of modules in the script's folder and of featlearn), so that a
change of either runs anew. If only the form of the code changed, ``python means.py --confirm 60``
runs some points again, a minute of them, and enters the code where all numbers are the same.

A point of hours takes an argument ``checkpoint``, with which it goes on where it was some
minutes ago, and can be made longer::

    def run_point(config, checkpoint):
        state = checkpoint.of({"seed": config["seed"]})  # all settings but the length
        draws = (state.load() or {"draws": []})["draws"]  # may be longer than asked for
        while len(draws) < config["n"]:
            draws = [*draws, draw(config["seed"], draws)]
            if state.due or len(draws) == config["n"]:
                state.save({"draws": draws})
        return xr.Dataset({"mean": np.mean(draws[: config["n"]])})

With ``EXECUTOR=slurm PARTITION=main`` before it each point is a job of that partition of a Slurm
cluster; TIME (minutes), CPUS, MEMORY (GB), GPUS and ACCOUNT say what each job asks for. With
``gpu=True`` in the Experiment a sweep has one process a GPU, which sees only that one; on Slurm
GPUS=1 asks for one a job.
"""
