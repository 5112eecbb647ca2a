"""A small point of a stored sweep, recomputed and compared with what is stored."""

from dataclasses import dataclass, field

import numpy as np

ROUNDING = 1e-6  # relative: other processors and libraries sum in another order


@dataclass(frozen=True)
class Spot:
    """Points to recompute, and what their numbers may differ by.

    Parameters
    ----------
    points : list of dict
        Points of the grid, with fewer data sets or fewer draws.
    errors : dict
        Name of a variable to that of its standard error; None where the numbers repeat
        exactly, up to rounding.
    sets : str, optional
        Dimension of the data sets: the point has the first ones of the stored sweep.
    repeats : str, optional
        Dimension of equal repetitions of one measurement, whose scatter is a second
        estimate of the error; the larger counts.
    """

    points: list
    errors: dict = field(default_factory=dict)
    sets: str | None = None
    repeats: str | None = None

    def distances(self, run, row):
        """How far a run is from the stored point.

        Parameters
        ----------
        run, row : xarray.Dataset
            A recomputed point, and the one that is stored.

        Returns
        -------
        dict
            For each variable the largest distance, in standard errors of the mean over data
            sets and repetitions; where no error is due, 0 if equal up to rounding, else
            infinity.
        """
        if self.sets:
            row = row.isel({self.sets: slice(run.sizes[self.sets])})
        return {
            name: _inexact(run[name], row[name])
            if error is None
            else self._standard_errors(run, row, name, error)
            for name, error in self.errors.items()
        }

    def _standard_errors(self, run, row, name, error):
        variance = sum(self._variance(data, name, error) for data in (run, row))
        # What has no error of its own, like the start of a chain, is averaged first.
        over = [d for d in run[name].dims if d not in run[error].dims]
        over += [d for d in (self.sets, self.repeats) if d in run[error].dims]
        difference = (run[name] - row[name]).mean(over)
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = np.abs(difference) / np.sqrt(variance)
        # Equal numbers without an error are no distance apart, different ones infinitely far.
        return float(distance.where(difference != 0, 0.0).max(skipna=False))

    def _variance(self, data, name, error):
        """Squared standard error of the mean over data sets and repetitions."""
        square = data[error] ** 2
        for dim in (self.repeats, self.sets):
            if dim in square.dims:
                n = data.sizes[dim]
                square = square.sum(dim) / n**2
                if dim == self.repeats and n > 1:
                    square = np.maximum(square, data[name].var(dim, ddof=1) / n)
        return square


def _inexact(found, stored):
    equal = np.allclose(found.values, stored.values, rtol=ROUNDING, atol=0)
    return 0.0 if equal else float("inf")
