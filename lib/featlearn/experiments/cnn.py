"""What every experiment of the CNN chapter measures at one point of its sweep.

A target on patches, ``y = sum_i He_m(w_*.x_i) / sqrt(m! Nw)``, learned by the patch network
or, for a linear target, by a control on the same data: a network without weight sharing, or
a fully connected one.
"""

from math import sqrt

import numpy as np

from featlearn.inference.locally_connected import LocallyConnected, LocallyConnectedPosterior
from featlearn.inference.network import Network
from featlearn.inference.observables import specialised
from featlearn.inference.posterior import CollapsedPosterior

from . import equilibrium
from .chains import check_chains, declares
from .experiment import settings, whole_sizes
from .fits import crossing_per_set

ARCHITECTURES = ("cnn", "local", "full")
BIN = 0.05  # width of a bin of |overlap|
EDGES = np.round(np.arange(0, 3 + BIN / 2, BIN), 4)
# The count of a few filters has too few effective samples in a small run.
ERRORS = {"alignment": "alignment_mcse", "amplification": "amplification_mcse"}

DEFAULTS = equilibrium.SETTINGS | {
    "architecture": "cnn",
    "S": 8,
    "Nw": 8,
    "N": 8,
    "P": 32,
    "degree": 1,
    "kappa": 0.1,
    "sigma_a2": 1.0,
    "planted": 2,
    "n_leapfrog": 12,
}


class FullyConnected(Network):
    """A fully connected network that learns the linear target on ``of`` patches.

    That target is one direction of the whole input. A reflection takes it to the first axis,
    and nothing else changes: the network's prior and the law of the data have no axes. So the
    samples are those of the patch network of the same seed.
    """

    def __init__(self, of, **others):
        object.__setattr__(self, "of", of)
        super().__init__(**others)
        if isinstance(of, bool) or int(of) != of or of < 1 or self.d % of:
            raise ValueError(f"of = {of!r}: a divisor of d = {self.d} is needed")

    def data(self, seed, P, device="cpu", dtype=None):
        """As for the network on patches, reflected."""
        patch_network = Network(self.d, [1], degree=self.degree, patches=self.of)
        x, y = patch_network.data(seed, P)
        mirror = x.new_zeros(self.d)
        mirror[:: self.d // self.of] = 1 / sqrt(self.of)
        mirror[0] -= 1
        if self.of > 1:
            mirror /= mirror.norm()
            x = x - 2 * (x @ mirror)[:, None] * mirror
        return x.to(device, dtype or x.dtype), y.to(device, dtype or y.dtype)


def point(S, Nw, N, P, *, data_sets=8, **others):
    """Configuration of one point.

    Parameters
    ----------
    S, Nw : int
        Size and number of patches.
    N : int
        Filters; neurons of each patch without weight sharing; or neurons in all.
    P : int
        Training size.
    data_sets : int
        Number of independent training sets; those of a larger P hold the smaller ones.
    **others
        Override ``DEFAULTS``; ``architecture`` is one of ``ARCHITECTURES``.

    Returns
    -------
    dict
    """
    sizes = dict(S=S, Nw=Nw, N=N, P=P, data_sets=data_sets)
    whole_sizes(sizes, least={"S": 2, "P": 0})
    sizes = {name: int(value) for name, value in sizes.items()}
    seeds = [[sizes["S"], sizes["Nw"], i] for i in range(sizes.pop("data_sets"))]
    config = settings(DEFAULTS, **sizes | {"data_seeds": seeds} | others)
    if config["architecture"] not in ARCHITECTURES:
        raise ValueError(
            f"architecture = {config['architecture']!r}: one of {ARCHITECTURES} is needed"
        )
    if config["architecture"] == "full" and config["degree"] != 1:
        raise ValueError(
            f"degree = {config['degree']}: 1 is needed for a fully connected network, whose "
            "alignment with other targets on patches has no closed form here"
        )
    jumps = max([config["n_jumps"], *(changes.get("n_jumps", 0) for changes in config["rounds"])])
    if config["architecture"] == "local" and jumps:
        raise ValueError(
            f"n_jumps = {jumps}: 0 is needed without weight sharing, where jumps are not offered"
        )
    check_chains(config)
    equilibrium.check(config, ("alignment", "count", "amplification"))
    return config


def network_of(config):
    """The network of a configuration and the kind of its posterior."""
    d = config["S"] * config["Nw"]
    common = {name: config[name] for name in ("kappa", "sigma_a2", "degree")}
    common |= {"d": d, "widths": [config["N"]]}
    if config["architecture"] == "full":
        return FullyConnected(of=config["Nw"], **common), CollapsedPosterior
    if config["architecture"] == "local":
        return LocallyConnected(patches=config["Nw"], **common), LocallyConnectedPosterior
    return Network(patches=config["Nw"], **common), CollapsedPosterior


def run_point(config, device="auto", progress=None):
    """Sample one point and reduce it to what the figures need.

    Parameters
    ----------
    config : dict
        From :func:`point`.
    device : {"auto", "cpu", "cuda"}
    progress : str, optional
        Title of a progress bar.

    Returns
    -------
    xarray.Dataset
        From :func:`~featlearn.experiments.equilibrium.measure`, for the ``alignment``, the
        ``count`` of neurons with \\|overlap\\| beyond 0.7, and the ``amplification``, the mean
        squared overlap over the prior's; and ``histogram`` (data_set, start, bin), the mean
        number of neurons a network in each bin of \\|overlap\\|.
    """
    network, posterior = network_of(config)
    planted = min(config["planted"], config["N"])
    starts = {
        "prior": network.prior,
        "planted": lambda chains, generator: network.planted(chains, generator, planted),
    }
    fan_in = network.shapes[0][1]

    def observe(draws):
        overlap = draws["response_1"]
        followed = {
            "alignment": draws["alignment"],
            "count": specialised(overlap),
            "amplification": fan_in * np.square(overlap).mean(-1),
        }
        bins = np.clip(np.digitize(np.abs(overlap), EDGES) - 1, 0, len(EDGES) - 2)
        shares = [(bins == b).sum(-1).mean(-1) for b in range(len(EDGES) - 1)]
        return followed, {
            "histogram": (("data_set", "start", "bin"), np.stack(shares, -1).swapaxes(0, 1))
        }

    found = equilibrium.measure(
        config, network, starts, observe, posterior=posterior, device=device, progress=progress
    )
    return found.assign_coords(bin=0.5 * (EDGES[1:] + EDGES[:-1]))


UNITS = equilibrium.units_of(
    alignment=("alignment A_f", "1"),
    count=("number of neurons with |overlap| > 0.7", "neurons"),
    amplification=("mean squared overlap over the prior's", "1"),
) | {
    "histogram": (
        "mean number of neurons a network in a bin of |overlap|, the last open",
        "neurons",
    ),
    "bin": ("centre of a bin of |overlap|", "1"),
    "architecture": ("cnn: shared filters; local: none shared; full: fully connected", "1"),
    "S": ("size of a patch", "1"),
    "Nw": ("number of patches", "1"),
    "N": ("filters, neurons of a patch, or neurons (counts are of all patches)", "1"),
    "P": ("training size", "1"),
}

COLUMNS = ("architecture", "S", "Nw", "N", "P")


experiment = declares(run_point, COLUMNS, UNITS, ERRORS)


def thresholds(data, along, level):
    """P_* of a family of networks: where the mean alignment passes a level.

    Parameters
    ----------
    data : xarray.Dataset
        Points of one family, which differ in ``along`` and in P.
    along : str
        Column that tells the networks apart.
    level : float
        Alignment that defines P_*.

    Returns
    -------
    sizes : numpy.ndarray, shape (sizes,)
    P_star : numpy.ndarray, shape (sizes, data sets)
        Pseudo-values of :func:`~featlearn.experiments.fits.crossing_per_set`.
    """
    if along not in ("S", "Nw", "N"):
        raise ValueError(f"along = {along!r}: 'S', 'Nw' or 'N' is needed")
    sizes = np.unique(data[along].values)
    found = []
    for size in sizes:
        rows = data.isel(point=np.flatnonzero(data[along].values == size))
        found.append(crossing_per_set(rows.P.values, rows.alignment.mean("start").values, level))
    return sizes, np.array(found)
