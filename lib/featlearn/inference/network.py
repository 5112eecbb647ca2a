"""The Bayesian two-layer network and its teacher's data (paper eqs. 1, 2, 12 with N_w = 1)."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
import torch

from featlearn.theory.hermite import normalised_hermite

SCALINGS = ("standard", "mean-field")


@dataclass(frozen=True)
class TwoLayerNetwork:
    r"""Prior, ridge and target of a two-layer erf network.

    .. math::

       f(x) = \sum_{j=1}^{N} a_j\,\mathrm{erf}(w_j\cdot x),\qquad
       w_j\sim\mathcal N(0, I_d/d),\qquad a_j\sim\mathcal N(0, s),

    trained on :math:`y(x) = \mathrm{He}_m(x_1)/\sqrt{m!}` with
    :math:`x\sim\mathcal N(0, I_d)`. The law of the data and the prior are both
    invariant under rotations, so the teacher's direction is the first axis,
    :math:`w_* = e_1`, and the overlap of a neuron with it is the first
    component of its weights.

    Parameters
    ----------
    d : int
        Input dimension, at least 2.
    N : int
        Width, at least 1.
    kappa : float
        Ridge, before the scaling; positive.
    sigma_a2 : float
        Readout variance, before the scaling; positive.
    degree : int
        Degree m of the target; odd.
    scaling : {"standard", "mean-field"}
        ``standard``: ``s = sigma_a2 / N`` and ridge ``kappa``.
        ``mean-field``: ``s = sigma_a2 / N**2`` and ridge ``kappa / N``, so that
        the infinitely wide predictor is the same while fluctuations of the
        output are smaller by ``sqrt(N)``.

    Raises
    ------
    ValueError
        If a parameter is outside its range; the message names it.
    """

    d: int
    N: int
    kappa: float = 0.1
    sigma_a2: float = 1.0
    degree: int = 3
    scaling: str = "standard"

    def __post_init__(self):
        for name, least in (("d", 2), ("N", 1), ("degree", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or int(value) != value or value < least:
                raise ValueError(f"{name} = {value!r}: an integer of at least {least} is needed")
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

    @property
    def readout_variance(self):
        """float: prior variance ``s`` of one readout weight."""
        return self.sigma_a2 / (self.N if self.scaling == "standard" else self.N**2)

    @property
    def ridge(self):
        """float: variance of the label noise, the effective ``kappa`` of eq. (2)."""
        return self.kappa if self.scaling == "standard" else self.kappa / self.N

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
        y = normalised_hermite(self.degree, x[:, 0])
        return (torch.as_tensor(a, dtype=dtype, device=device) for a in (x, y))

    def datasets(self, seeds, P, device="cpu", dtype=torch.float64):
        """Stack one training set a seed: shapes ``(B, P, d)`` and ``(B, P)``."""
        pairs = [tuple(self.data(seed, P, device, dtype)) for seed in seeds]
        return torch.stack([x for x, _ in pairs]), torch.stack([y for _, y in pairs])

    def prior_weights(self, chains, generator):
        """First-layer weights drawn from the prior, shape ``(chains, N, d)``, in float64."""
        shape = (chains, self.N, self.d)
        device = generator.device
        z = torch.randn(shape, generator=generator, device=device, dtype=torch.float64)
        return z / sqrt(self.d)

    def planted_weights(self, chains, generator, specialised, overlap=1.0):
        """Prior weights, but the first ``specialised`` neurons have the given overlap with w_*."""
        if not 0 <= specialised <= self.N:
            raise ValueError(f"specialised = {specialised!r}: between 0 and N = {self.N} is needed")
        w = self.prior_weights(chains, generator)
        w[:, :specialised, 0] = overlap
        return w


def choose_device(device="auto"):
    """``torch.device`` for "auto" (CUDA when it is there), "cpu" or "cuda"."""
    if device not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device = {device!r}: 'auto', 'cpu' or 'cuda' is needed")
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise ValueError("device = 'cuda': no CUDA device is available; use 'auto' or 'cpu'")
    return torch.device("cuda" if available and device != "cpu" else "cpu")
