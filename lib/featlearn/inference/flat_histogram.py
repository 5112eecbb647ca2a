r"""A bias under which a coordinate is visited evenly, learned from where chains have been.

Stochastic approximation Monte Carlo (Liang, Liu and Carroll 2007): every visit of a bin raises
the bias there; where the caller lets the steps fall like one over the time, it tends to minus
the free energy of the coordinate, up to a constant. It is kept within ``height`` of its highest
value: what lies that far above the lowest free energy, and no more, is visited evenly.
"""

import torch

BIN = 0.05  # width of a bin


class FlatHistogram:
    """The bias B for coordinates between 0 and ``highest``.

    Parameters
    ----------
    highest : float
        Largest value of the coordinate; positive.
    height : float
        Free energies up to this height above the lowest are flattened; nats, positive.
    like : torch.Tensor
        Its type and device.

    Attributes
    ----------
    centre, log_visits : torch.Tensor, shape (bins,)
        Middle of each bin, and what visits have added up to, nats.
    """

    def __init__(self, highest, height, like):
        for name, value in (("highest", highest), ("height", height)):
            if not 0 < value < float("inf"):
                raise ValueError(f"{name} = {value!r}: a positive finite number is needed")
        n = max(2, int(highest / BIN) + 1)
        options = dict(dtype=like.dtype, device=like.device)
        self.height = height
        self.centre = BIN * (torch.arange(n, **options) + 0.5)
        self.log_visits = torch.zeros(n, **options)

    @property
    def bias(self):
        """torch.Tensor (bins,): B at the centres, between 0 and ``height``, nats."""
        return (self.log_visits - self.log_visits.max() + self.height).clamp_min(0)

    def __call__(self, coordinate):
        """B and its derivative at values of the coordinate (B,); linear between centres."""
        n, V = len(self.centre), self.bias
        place = coordinate / BIN - 0.5
        inside = (place > 0) & (place < n - 1)
        place = place.nan_to_num().clamp(0, n - 1)
        low = place.long().clamp_max(n - 2)
        rise = V[low + 1] - V[low]
        return V[low] + rise * (place - low), torch.where(inside, rise / BIN, 0)

    def learn(self, coordinate, gain):
        """Take a visit of each chain into account: half in its bin, a quarter beside it.

        Parameters
        ----------
        coordinate : torch.Tensor, shape (B,)
        gain : float
            By how much a visit raises the bias, nats.
        """
        n = len(self.centre)
        own = (coordinate / BIN).long().clamp(0, n - 1)
        for aside, part in ((-1, 0.25), (0, 0.5), (1, 0.25)):
            raised = torch.full_like(coordinate, part * gain)
            self.log_visits.index_add_(0, (own + aside).clamp(0, n - 1), raised)
