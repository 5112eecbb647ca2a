"""What is read off the chains of a collapsed posterior."""

import torch


class Observables:
    """Alignment, and what the neurons of each hidden layer respond to.

    Calling it with positions z (B, size) gives a dict of tensors:

    - ``alignment`` (B,), the mean over the readout of eq. (3) given the hidden weights, and
      ``alignment_drawn``, with the readout drawn;
    - ``response_l`` (B, N_l) of the first two hidden layers l = 1, 2: linear response
      ``E[h (w_*.x)]`` of the pre-activations, for l = 1 the overlap of the weights with w_*;
    - ``cubic_2`` (B, N_2), their response to the third Hermite polynomial;
    - ``norm2_l`` (B, N_l), squared norms of the weights.

    Parameters
    ----------
    posterior : CollapsedPosterior
    generator : torch.Generator
        For the drawn readout.
    """

    def __init__(self, posterior, generator):
        self.posterior, self.generator = posterior, generator

    def __call__(self, z):
        posterior, network = self.posterior, self.posterior.network
        mean, sd = posterior.alignment(z)
        noise = torch.randn(mean.shape, generator=self.generator, dtype=z.dtype, device=z.device)
        found = {"alignment": mean, "alignment_drawn": mean + sd * noise}
        layers = network.layers(z)
        for l, response in enumerate(network.responses(layers), 1):  # noqa: E741
            found[f"response_{l}"] = response
            found[f"norm2_{l}"] = layers[l - 1].square().sum(-1)
        if len(layers) > 1:
            found["cubic_2"] = network.responses(layers, 3)[1]
        return found


def specialised(response, above=0.7):
    """Number of specialised neurons: those whose linear response passes ``above`` in size.

    Parameters
    ----------
    response : numpy.ndarray or torch.Tensor, shape (..., N)
    above : float

    Returns
    -------
    Same type, shape (...)
    """
    return (abs(response) > above).sum(-1)
