r"""The Bayesian erf network: fully connected of any depth, or the same network on patches.

One forward pass serves all: a network with ``patches = 1`` sees the whole input; with more it
is applied to each patch with the same weights, and every patch has its own readouts (paper
eqs. 1, 2 and 12). Positions are standard normal numbers z; weights are z over the root of
their fan-in, so that the prior is the unit of length for every sampler.
"""

from dataclasses import dataclass
from math import pi, prod, sqrt

import numpy as np
import torch

from featlearn.theory.alignment import neuron_alignment
from featlearn.theory.hermite import normalised_hermite

SCALINGS = ("standard", "mean-field")


@dataclass(frozen=True)
class Network:
    r"""Prior, ridge and target of an erf network.

    With one hidden layer and one patch,

    .. math::

       f(x) = \sum_{j=1}^{N} a_j\,\mathrm{erf}(w_j\cdot x),\qquad
       w_j\sim\mathcal N(0, I_d/d),\qquad a_j\sim\mathcal N(0, s),

    trained on :math:`y(x) = \mathrm{He}_m(w_*\cdot x)/\sqrt{m!}` with
    :math:`x\sim\mathcal N(0, I_d)`. With ``Nw`` patches :math:`x_i` of size S = d / Nw it is
    :math:`f(x) = \sum_{i,j} a_{ij}\,\mathrm{erf}(w_j\cdot x_i)` and
    :math:`y(x) = \sum_i\mathrm{He}_m(w_*\cdot x_i)/\sqrt{m!\,N_w}`, so that
    :math:`\langle y,y\rangle = 1` in every case. The law of the data and the prior are
    invariant under rotations of a patch, so the teacher's direction is the first axis.

    Parameters
    ----------
    d : int
        Input dimension, at least 2 a patch.
    widths : sequence of int
        Hidden widths from the input upwards, at least one. Two "weight layers" of the paper
        are one width here, three are two.
    kappa : float
        Ridge, before the scaling; positive.
    sigma_a2 : float
        Readout variance, before the scaling; positive.
    degree : int
        Degree m of the target; odd.
    scaling : {"standard", "mean-field"}
        ``standard``: readouts have the variance ``s = sigma_a2 / F``, F their number, and the
        ridge is ``kappa``. ``mean-field``: both are divided by the last width, so that the
        infinitely wide predictor is the same while fluctuations of the output are smaller.
    patches : int
        Number Nw of patches, a divisor of d.

    Raises
    ------
    ValueError
        If a parameter is outside its range; the message names it.

    Examples
    --------
    >>> Network(20, [40]).shapes, Network(20, [40, 30]).shapes
    (((40, 20),), ((40, 20), (30, 40)))
    >>> Network(20, [8], patches=5).features
    40
    """

    d: int
    widths: tuple
    kappa: float = 0.1
    sigma_a2: float = 1.0
    degree: int = 3
    scaling: str = "standard"
    patches: int = 1

    def __post_init__(self):
        if isinstance(self.widths, int) or not len(self.widths):
            raise ValueError(f"widths = {self.widths!r}: a list of at least one width is needed")
        object.__setattr__(self, "widths", tuple(self.widths))
        named = [("d", self.d, 2), ("degree", self.degree, 1), ("patches", self.patches, 1)]
        named += [(f"widths[{i}]", width, 1) for i, width in enumerate(self.widths)]
        for name, value, least in named:
            if isinstance(value, bool) or int(value) != value or value < least:
                raise ValueError(f"{name} = {value!r}: an integer of at least {least} is needed")
        if self.d % self.patches or self.d // self.patches < 2:
            raise ValueError(
                f"patches = {self.patches}: a divisor of d = {self.d} that leaves patches of at "
                "least 2 is needed"
            )
        if self.degree % 2 == 0:
            raise ValueError(
                f"degree = {self.degree}: an erf network is odd in x and learns odd degrees only"
            )
        for name in ("kappa", "sigma_a2"):
            value = getattr(self, name)
            if not 0 < value < float("inf"):
                raise ValueError(f"{name} = {value!r}: a positive finite number is needed")
        if self.scaling not in SCALINGS:
            raise ValueError(f"scaling = {self.scaling!r}: one of {SCALINGS} is needed")

    # Sizes

    @property
    def patch_size(self):
        """int: dimension S of a patch; d itself for one patch."""
        return self.d // self.patches

    @property
    def shapes(self):
        """tuple of (out, in): shape of each hidden layer's weights."""
        return tuple(zip(self.widths, (self.patch_size, *self.widths[:-1]), strict=True))

    @property
    def size(self):
        """int: number of hidden weights."""
        return sum(map(prod, self.shapes))

    @property
    def features(self):
        """int: number F of features, which is that of readout weights."""
        return self.widths[-1] * self.patches

    @property
    def readout_variance(self):
        """float: prior variance ``s`` of one readout weight."""
        return self.sigma_a2 / self.features / self._mean_field

    @property
    def ridge(self):
        """float: variance of the label noise, the effective ``kappa`` of eq. (2)."""
        return self.kappa / self._mean_field

    @property
    def _mean_field(self):
        return self.widths[-1] if self.scaling == "mean-field" else 1

    # Data

    def data(self, seed, P, device="cpu", dtype=torch.float64):
        """One training set. The first rows of a larger set are the smaller set of the same seed.

        Parameters
        ----------
        seed : int or sequence of int
            Seed of the data set.
        P : int
            Training size, at least 0.

        Returns
        -------
        x : torch.Tensor, shape (P, d)
        y : torch.Tensor, shape (P,)
        """
        if int(P) != P or P < 0:
            raise ValueError(f"P = {P!r}: an integer of at least 0 is needed")
        x = np.random.default_rng(seed).standard_normal((int(P), self.d))
        y = normalised_hermite(self.degree, x[:, :: self.patch_size]).sum(1) / sqrt(self.patches)
        return (torch.as_tensor(a, dtype=dtype, device=device) for a in (x, y))

    def datasets(self, seeds, P, device="cpu", dtype=torch.float64):
        """Stack one training set a seed: shapes ``(B, P, d)`` and ``(B, P)``."""
        pairs = [tuple(self.data(seed, P, device, dtype)) for seed in seeds]
        return torch.stack([x for x, _ in pairs]), torch.stack([y for _, y in pairs])

    # Weights

    def prior(self, chains, generator):
        """Positions drawn from the prior, shape ``(chains, size)``, in float64."""
        shape = (chains, self.size)
        return torch.randn(shape, generator=generator, device=generator.device, dtype=torch.float64)

    def layers(self, z):
        """Weights of each hidden layer, ``(B, out, in)``, with prior variance ``1 / in``.

        Parameters
        ----------
        z : torch.Tensor, shape (B, size)
        """
        parts = z.split([prod(shape) for shape in self.shapes], 1)
        return [
            part.reshape(-1, *shape) / sqrt(shape[1])
            for part, shape in zip(parts, self.shapes, strict=True)
        ]

    def position(self, layers):
        """The position z (B, size) of given weights: the inverse of :meth:`layers`."""
        return torch.cat([w.flatten(1) * sqrt(w.shape[2]) for w in layers], 1)

    def planted(self, chains, generator, specialised, layer=0, response=1.0):
        """Prior positions with specialised neurons: their linear response is the given one.

        Parameters
        ----------
        chains : int
        generator : torch.Generator
        specialised : int
            How many neurons, from 0 to the layer's width.
        layer : int
            Hidden layer, 0 or 1.
        response : float
            ``E[h (w_*.x)]`` of their pre-activations; the overlap of the weights with w_*
            in the first layer.

        Returns
        -------
        torch.Tensor, shape (chains, size)
        """
        if not 0 <= layer < min(2, len(self.widths)):
            raise ValueError(f"layer = {layer!r}: a hidden layer, 0 or 1, is needed")
        if not 0 <= specialised <= self.widths[layer]:
            raise ValueError(
                f"specialised = {specialised!r}: between 0 and {self.widths[layer]} is needed"
            )
        w = self.layers(self.prior(chains, generator))
        unit, strength = self.teacher(w, layer)
        chosen = w[layer][:, :specialised]
        # A rest that is orthogonal to the unit vector still responds in the second layer.
        present = self.responses(w)[layer][:, :specialised, None]
        missing = (response - present) / strength[:, None, None]
        w[layer][:, :specialised] = chosen + missing * unit[:, None, :]
        return self.position(w)

    # What neurons respond to

    def teacher(self, layers, layer):
        """Direction in the inputs of a hidden layer that stands for ``w_*.x``.

        Parameters
        ----------
        layers : list of torch.Tensor
            From :meth:`layers`.
        layer : int
            0 or 1.

        Returns
        -------
        unit : torch.Tensor, shape (B, in)
            Unit vector: the first axis for the inputs themselves. For the second hidden layer
            it is along the coefficients of the best linear estimate of ``w_*.x`` from the
            first layer's neurons.
        strength : torch.Tensor, shape (B,)
            Linear response of a pre-activation with these unit weights.
        """
        first = layers[0]
        if layer == 0:
            unit = torch.zeros_like(first[:, 0])
            unit[:, 0] = 1
            return unit, torch.ones_like(unit[:, 0])
        soft = 1 + 2 * first.square().sum(-1)
        gram = 2 * (first @ first.mT) / (soft[:, :, None] * soft[:, None, :]).sqrt()
        gram = 2 / pi * torch.asin(gram.clamp(-1, 1))  # E[erf(h_i) erf(h_j)], Williams (1998)
        # Neurons that compute the same leave the Gram matrix singular.
        gram.diagonal(dim1=1, dim2=2).add_(1e-6)
        linear = neuron_alignment(first[..., 0], first.square().sum(-1), 1)
        unit = torch.linalg.solve(gram, linear)
        unit = unit / unit.norm(dim=1, keepdim=True)
        return unit, (unit * linear).sum(1)

    def responses(self, layers, degree=1):
        """``E[h He_k(w_*.x)] / sqrt(k!)`` of each pre-activation of the first two hidden layers.

        Parameters
        ----------
        layers : list of torch.Tensor
            From :meth:`layers`.
        degree : int
            k, odd.

        Returns
        -------
        list of torch.Tensor, shape (B, width)
        """
        first = layers[0]
        overlap = first[..., 0]
        found = [overlap if degree == 1 else torch.zeros_like(overlap)]
        if len(layers) > 1:
            g = neuron_alignment(overlap, first.square().sum(-1), degree)
            found.append((layers[1] @ g[..., None])[..., 0])
        return found

    # Forward and back

    def forward(self, layers, x):
        """Features of inputs.

        Parameters
        ----------
        layers : list of torch.Tensor
            From :meth:`layers`.
        x : torch.Tensor, shape (B, P, d)

        Returns
        -------
        torch.Tensor, shape (B, P, F)
            A patch's features stand together: ``i * N + j`` is neuron j on patch i.
        """
        phi = self.split(x)
        for w in layers:
            phi = torch.erf(phi @ w.mT)
        return phi.reshape(*x.shape[:-1], self.features)

    def split(self, x):
        """Patches of inputs (..., P, d) as rows: (..., P * Nw, S)."""
        return x.reshape(*x.shape[:-2], -1, self.patch_size)

    def of_patches(self, w):
        """Weights (B, out, in) of a layer as each patch has them, (B, Nw, out, in)."""
        return w[:, None].expand(-1, self.patches, -1, -1)

    def over_patches(self, gradient):
        """Gradient by the weights (B, out, in), from that by each patch's, (B, Nw, out, in)."""
        return gradient.sum(1) if self.patches > 1 else gradient[:, 0]


def choose_device(device="auto"):
    """``torch.device`` for "auto" (CUDA when it is there), "cpu" or "cuda"."""
    if device not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device = {device!r}: 'auto', 'cpu' or 'cuda' is needed")
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise ValueError("device = 'cuda': no CUDA device is available; use 'auto' or 'cpu'")
    return torch.device("cuda" if available and device != "cpu" else "cpu")
