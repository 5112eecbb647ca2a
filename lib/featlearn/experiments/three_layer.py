"""What every experiment of the three-layer chapter measures at one point of its sweep.

Chains start from the prior, with specialised neurons planted in the first hidden layer, and
with specialised neurons planted in the second, so that either mechanism is offered.
"""

import numpy as np

from featlearn.inference.network import Network
from featlearn.inference.observables import specialised
from featlearn.theory.alignment import neuron_alignment

from . import equilibrium
from .chains import check_chains, declares
from .experiment import settings, whole_sizes

COUNTED_UP_TO = 6  # specialised neurons of a layer, in the table of joint shares
BIN = 0.05  # width of a bin of |linear response|
EDGES = np.round(np.arange(0, 3 + BIN / 2, BIN), 4)
LINEAR_EDGES = np.round(np.linspace(0, 2.2, 45), 4)
CUBIC_EDGES = np.round(np.linspace(-0.8, 0.8, 41), 4)
FOLLOWED = {
    "alignment": ("alignment A_f", "1"),
    "first": ("number of specialised neurons of the first layer", "neurons"),
    "second": ("number of specialised neurons of the second layer", "neurons"),
    "magnetization": ("mean squared cubic response of the second layer, random weights 1", "1"),
}
ERRORS = {name: f"{name}_mcse" for name in ("alignment", "first", "second")}

DEFAULTS = equilibrium.SETTINGS | {
    "d": 20,
    "N1": 20,
    "N2": 20,
    "P": 120,
    "degree": 3,
    "kappa": 0.1,
    "sigma_a2": 1.0,
    "planted": 2,
}


def point(d, N1, N2, P, *, data_sets=8, **others):
    """Configuration of one point.

    Parameters
    ----------
    d, N1, N2, P : int
        Input dimension, widths from the input upwards, training size.
    data_sets : int
        Number of independent training sets; those of a larger P hold the smaller ones.
    **others
        Override ``DEFAULTS``.

    Returns
    -------
    dict
    """
    sizes = dict(d=d, N1=N1, N2=N2, P=P, data_sets=data_sets)
    whole_sizes(sizes, least={"d": 2, "P": 0})
    sizes = {name: int(value) for name, value in sizes.items()}
    seeds = [[sizes["d"], i] for i in range(sizes.pop("data_sets"))]
    config = settings(DEFAULTS, **sizes, **{"data_seeds": seeds} | others)
    check_chains(config)
    equilibrium.check(config, FOLLOWED)
    return config


def network_of(config):
    """The network of a configuration."""
    names = ("d", "kappa", "sigma_a2", "degree")
    return Network(widths=[config["N1"], config["N2"]], **{name: config[name] for name in names})


def run_point(config, device="auto", progress=None):
    r"""Sample one point and reduce it to what the figures need.

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
        From :func:`~featlearn.experiments.equilibrium.measure`, for the ``alignment``; the
        numbers ``first`` and ``second`` of neurons of each layer whose linear response passes
        0.7; and the ``magnetization``, the mean squared cubic response of the second layer's
        pre-activations over what random weights on the same first layer give,
        ``sum_i g_3(i)**2 / N1``. Besides, over (data_set, start): ``share``, of networks with
        each pair of those numbers; ``histogram_1`` and ``histogram_2``, mean numbers of each
        layer's neurons by the size of their linear response. And in the plane of linear and
        cubic response ``portrait_1`` (of the outputs ``erf(h)`` of the first layer, whose
        pre-activations are linear) and ``portrait_2`` (of the pre-activations of the second),
        mean numbers of neurons a network. A neuron and its negative count as the same.
    """
    network = network_of(config)
    starts = {
        "prior": network.prior,
        "first": _planted(network, min(config["planted"], config["N1"]), 0),
        "second": _planted(network, min(config["planted"], config["N2"]), 1),
    }

    def observe(draws):
        overlap, linear, cubic = (draws[n] for n in ("response_1", "response_2", "cubic_2"))
        g1, g3 = (neuron_alignment(overlap, draws["norm2_1"], m) for m in (1, 3))
        counts = specialised(overlap), specialised(linear)
        followed = {
            "alignment": draws["alignment"],
            "first": counts[0],
            "second": counts[1],
            "magnetization": np.square(cubic).mean(-1) / np.square(g3).mean(-1),
        }
        kept = {
            "share": (("data_set", "start", "number_1", "number_2"), _shares(*counts)),
            "histogram_1": (("data_set", "start", "bin"), _histogram(overlap)),
            "histogram_2": (("data_set", "start", "bin"), _histogram(linear)),
            "portrait_1": (("data_set", "start", "linear", "cubic"), _portrait(g1, g3)),
            "portrait_2": (("data_set", "start", "linear", "cubic"), _portrait(linear, cubic)),
        }
        return followed, kept

    found = equilibrium.measure(config, network, starts, observe, device=device, progress=progress)
    numbers = np.arange(COUNTED_UP_TO + 1)
    # The portraits of single data sets are not needed, and large.
    portraits = {n: found[n].mean(("data_set", "start")) for n in ("portrait_1", "portrait_2")}
    return found.assign(portraits).assign_coords(
        number_1=numbers,
        number_2=numbers,
        bin=0.5 * (EDGES[1:] + EDGES[:-1]),
        linear=0.5 * (LINEAR_EDGES[1:] + LINEAR_EDGES[:-1]),
        cubic=0.5 * (CUBIC_EDGES[1:] + CUBIC_EDGES[:-1]),
    )


def _planted(network, specialised_neurons, layer):
    return lambda chains, generator: network.planted(chains, generator, specialised_neurons, layer)


def _shares(first, second):
    """Share of draws with each pair of numbers, (data_set, start, number_1, number_2)."""
    size = COUNTED_UP_TO + 1
    pair = np.minimum(first, COUNTED_UP_TO) * size + np.minimum(second, COUNTED_UP_TO)
    shares = np.stack([(pair == k).mean(-1) for k in range(size**2)], -1)
    return shares.swapaxes(0, 1).reshape(*shares.shape[1::-1], size, size)


def _histogram(linear):
    """Neurons a network in each bin of the linear response's size, (data_set, start, bin)."""
    bins = np.clip(np.digitize(np.abs(linear), EDGES) - 1, 0, len(EDGES) - 2)
    return _counted(bins, len(EDGES) - 1)


def _portrait(linear, cubic):
    """Neurons a network in each cell of the plane, (data_set, start, linear, cubic)."""
    cubic = cubic * np.where(linear < 0, -1, 1)
    cells = [
        np.clip(np.digitize(values, edges) - 1, 0, len(edges) - 2)
        for values, edges in ((np.abs(linear), LINEAR_EDGES), (cubic, CUBIC_EDGES))
    ]
    shape = (len(LINEAR_EDGES) - 1, len(CUBIC_EDGES) - 1)
    found = _counted(np.ravel_multi_index(cells, shape), shape[0] * shape[1])
    return found.reshape(*found.shape[:2], *shape)


def _counted(index, size):
    """Mean number of neurons with each index a draw: from (start, data_set, draw, neuron)."""
    starts, sets, draws, _ = index.shape
    found = np.empty((sets, starts, size))
    for i in range(sets):
        for start in range(starts):
            found[i, start] = np.bincount(index[start, i].ravel(), minlength=size) / draws
    return found


UNITS = equilibrium.units_of(**FOLLOWED) | {
    "share": ("share of networks with these numbers of specialised neurons", "1"),
    "histogram_1": (
        "first layer's neurons a network by |linear response|, last bin open",
        "neurons",
    ),
    "histogram_2": ("second layer's neurons a network by |linear response|, the same", "neurons"),
    "bin": ("centre of a bin of |linear response|", "1"),
    "portrait_1": ("first layer's neurons a network, by output; outer cells open", "neurons"),
    "portrait_2": ("second layer's neurons a network, by pre-activation; the same", "neurons"),
    "number_1": (f"specialised neurons of the first layer, at most {COUNTED_UP_TO}", "neurons"),
    "number_2": (f"specialised neurons of the second layer, at most {COUNTED_UP_TO}", "neurons"),
    "linear": ("centre of a bin of the linear response's size", "1"),
    "cubic": ("centre of a bin of the cubic response, in the linear one's direction", "1"),
    "d": ("input dimension", "1"),
    "N1": ("width of the first hidden layer", "1"),
    "N2": ("width of the second hidden layer", "1"),
    "P": ("training size", "1"),
}

COLUMNS = ("d", "N1", "N2", "P")


experiment = declares(run_point, COLUMNS, UNITS, ERRORS)


def basin_free_energy(data):
    r"""Free energy of networks with specialised neurons in the second layer over those without.

    ``-log(p / (1 - p))`` in nats, with p the share of networks that have some, over all starts;
    negative where the second layer learns the feature.

    Parameters
    ----------
    data : xarray.Dataset
        With ``share``.

    Returns
    -------
    numpy.ndarray, shape (points, data sets)
        Infinite where one of the two was never seen.
    """
    share = data.share.mean("start").sum("number_1")
    without = share.isel(number_2=0).values
    some = share.isel(number_2=slice(1, None)).sum("number_2").values
    with np.errstate(divide="ignore"):
        return np.log(without) - np.log(some)
