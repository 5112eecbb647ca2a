"""An experiment as it is declared: what is claimed, the grid that tests it, what computes it."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from operator import itemgetter

import numpy as np
import xarray as xr

from . import code, provenance, store, workers
from .spot import Spot
from .sweep import Sweep


def settings(defaults, **changes):
    """A configuration: the defaults with some settings changed, numpy's scalars made plain.

    Raises
    ------
    ValueError
        Naming the settings that the defaults do not have.

    Examples
    --------
    >>> settings({"d": 10, "seed": 0}, seed=3)
    {'d': 10, 'seed': 3}
    """
    unknown = set(changes) - set(defaults)
    if unknown:
        raise ValueError(f"unknown settings {sorted(unknown)}: known are {sorted(defaults)}")
    return {key: _plain(value) for key, value in (dict(defaults) | changes).items()}


def _plain(value):
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def whole_sizes(sizes, least):
    """Raise ValueError unless all sizes are whole numbers, and large enough.

    Parameters
    ----------
    sizes : dict
    least : dict
        Of some of them the smallest allowed value; that of the others is 1.

    Examples
    --------
    >>> whole_sizes({"N": 3, "P": 0}, least={"P": 0})
    """
    for name, value in sizes.items():
        smallest = least.get(name, 1)
        if isinstance(value, bool) or int(value) != value or value < smallest:
            raise ValueError(f"{name} = {value!r}: an integer of at least {smallest} is needed")


def grid(defaults, **values):
    """Every combination of some settings' values, the other settings at their defaults.

    Parameters
    ----------
    defaults : dict
        All settings.
    **values : iterable
        Values of those that vary, numpy's as well; the last one varies fastest.

    Returns
    -------
    list of dict

    Raises
    ------
    ValueError
        Naming the settings that the defaults do not have.

    Examples
    --------
    >>> grid({"d": 10, "seed": 0}, d=(2, 3), seed=range(2))
    [{'d': 2, 'seed': 0}, {'d': 2, 'seed': 1}, {'d': 3, 'seed': 0}, {'d': 3, 'seed': 1}]
    """
    settings(defaults, **dict.fromkeys(values))  # refuse unknown names of an empty grid as well
    combinations = product(*values.values())
    return [settings(defaults, **dict(zip(values, found, strict=True))) for found in combinations]


@dataclass(frozen=True)
class Experiment:
    """A declared experiment.

    Parameters
    ----------
    name : str
        Of lower-case letters, digits and hyphens; the stored file has it.
    claim : str
        What is measured, in one line.
    points : list of dict
        Plain configurations, all that determines a result: :func:`grid` makes them.
    run_point : function
        At the top of a module, from a configuration to an ``xarray.Dataset``. All points
        give the same variables and sizes. It takes its randomness from seeds in the
        configuration.
    columns : sequence of str or dict
        What tells the points apart in the stored result: settings by name, or names to
        functions of the configuration.
    units : dict
        Name of each variable to its long name and its units.
    seeds : sequence of str or dict
        The settings that hold seeds, for the provenance, or what else is to be said of them.
    gpu : bool
        Whether ``run_point`` computes on a GPU where there is one.
    spot : Spot, optional
        The small points that the tests compute again.

    Raises
    ------
    ValueError
        Naming the argument that is not of its kind.
    """

    name: str
    claim: str
    points: list
    run_point: Callable
    columns: Sequence | Mapping
    units: Mapping
    seeds: Sequence | Mapping = ("seed",)
    gpu: bool = False
    spot: Spot | None = None

    def __post_init__(self):
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.name):
            raise ValueError(
                f"name = {self.name!r}: lower-case letters, digits and hyphens are needed"
            )
        code.place(self.run_point)
        if not self.claim or "\n" in self.claim:
            raise ValueError(f"claim = {self.claim!r}: one line is needed")
        if not self.points:
            raise ValueError(f"points = {self.points!r}: at least one is needed")
        for key in self._functions():
            if key not in self.units:
                raise ValueError(f"columns has {key!r}, whose units are missing")
        for key, pair in self.units.items():
            if isinstance(pair, str) or len(pair) != 2:
                raise ValueError(f"units[{key!r}] = {pair!r}: a long name and units are needed")

    def columns_of(self, config):
        """Values of the columns at a configuration."""
        return {key: function(config) for key, function in self._functions().items()}

    def measure(self, *, workers=None, run_sweep=None, folder=None, stored=None, progress=True):
        """Run the points that are missing, and put all together.

        Points that the stored result has, computed by this code or by code that was confirmed
        to compute the same, are taken from it: a longer grid runs what it adds.

        Parameters
        ----------
        workers : int, optional
            Processes on this machine, as in :func:`featlearn.experiments.workers.run_sweep`.
        run_sweep : callable, optional
            What completes a sweep instead; called with ``progress`` beside it.
        folder : path, optional
            Where finished points are kept.
        stored : path, optional
            Where the stored result is, as for :func:`featlearn.experiments.store.load`.
        progress : bool
            Show a progress bar.

        Returns
        -------
        xarray.Dataset
            The points along ``point`` with their columns; the provenance and the code in
            its attributes. ``wall_seconds`` is the sum over the points.
        """
        options = {"folder": folder, "gpu": self.gpu, "variables": self.units}
        sweep = Sweep(self.name, self.points, self.run_point, **options)
        confirmed = self._adopt_stored(sweep, stored)
        (run_sweep or _here(workers))(sweep, progress=progress)
        return self._merge(sweep.results(), sweep.code | confirmed)

    def state(self, folder=None):
        """What is stored of this experiment.

        Returns
        -------
        str
            ``"current"``, ``"missing"``, ``"another grid"``, or what
            :func:`featlearn.experiments.code.state` says of the code.

        Raises
        ------
        ResultError
            If the stored file is corrupt.
        """
        if not store.path_of(self.name, folder).exists():
            return "missing"
        attributes = store.load(self.name, folder=folder).attrs
        if attributes["config_hash"] != provenance.config_hash(self._config()):
            return "another grid"
        return code.state(attributes, code.place(self.run_point))

    def row(self, stored, config):
        """The stored point with a configuration's columns.

        Parameters
        ----------
        stored : xarray.Dataset
        config : dict

        Returns
        -------
        xarray.Dataset

        Raises
        ------
        ValueError
            If there is none, or several.
        """
        same = np.ones(stored.sizes["point"], bool)
        for key, value in self.columns_of(config).items():
            same &= stored[key].values == value
        if same.sum() != 1:
            shown = " ".join(f"{key}={value}" for key, value in self.columns_of(config).items())
            raise ValueError(f"{shown}: not a point of the stored {self.name}")
        return stored.isel(point=int(np.flatnonzero(same)[0]))

    def _adopt_stored(self, sweep, folder):
        """Take points over; returns what the stored result says of code that computes the same."""
        if not store.path_of(self.name, folder).exists():
            return {}
        stored = store.load(self.name, folder=folder)
        if "code_hash" not in stored.attrs or "runs" not in stored.attrs:
            return {}
        if sweep.code["code_hash"] not in code.hashes(stored.attrs):
            return {}
        of_points = json.loads(stored.attrs["config"])["points"]
        runs = json.loads(stored.attrs["runs"])
        bare = stored.drop_vars([key for key in self._functions() if key in stored])
        taken = [
            sweep.adopt(point, bare.isel(point=i).drop_attrs(deep=False).assign_attrs(run))
            for i, (point, run) in enumerate(zip(of_points, runs, strict=True))
        ]
        return code.confirmed(stored.attrs) if any(taken) else {}

    def _functions(self):
        if isinstance(self.columns, Mapping):
            return self.columns
        return {key: itemgetter(key) for key in self.columns}

    def _config(self):
        return {"experiment": self.name, "points": list(self.points)}

    def _merge(self, results, of_code):
        data = xr.concat(
            results, "point", combine_attrs="drop", join="exact", data_vars="all", coords="minimal"
        )
        columns = [self.columns_of(config) for config in self.points]
        for key in columns[0]:
            data[key] = ("point", [values[key] for values in columns])
        for key in data.variables:
            if key not in self.units:
                raise ValueError(f"units lacks the variable {key!r} of {self.name}")
            long_name, unit = self.units[key]
            data[key].attrs.update(long_name=long_name, units=unit)
        seeds = self.seeds
        if not isinstance(seeds, Mapping):
            seeds = {key: [point[key] for point in self.points if key in point] for key in seeds}
        data.attrs = provenance.collect(
            self._config(),
            device="cpu",
            dtype=self.points[0].get("dtype", "float64"),
            seeds=seeds,
            wall_seconds=sum(float(result.attrs["wall_seconds"]) for result in results),
        )
        runs = [result.attrs for result in results]
        data.attrs |= provenance.together(runs) | of_code
        kept = (*provenance.RUN, "wall_seconds")
        data.attrs["runs"] = json.dumps(
            [{key: np.asarray(run[key]).item() for key in kept} for run in runs]
        )
        return data


def _here(count):
    def run_sweep(sweep, progress):
        workers.run_sweep(sweep, workers=count, progress=progress)

    return run_sweep
