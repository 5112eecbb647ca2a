r"""Moves that take neurons across the barrier between bulk and specialised.

A gradient-driven chain crosses the barrier of a neuron's overlap law rarely. The teacher's
direction is known here, so a neuron of the last hidden layer can be offered new values of the
component ``mu`` of its weights along that direction and of the norm of the rest at once, with
the direction of the rest kept. With the neuron's features taken out of the label covariance
(leaving C_-), candidates phi, of shape (P, Nw) for Nw patches, change the log-evidence by

    s b^T (I + s X)^-1 b / 2 - log det(I + s X) / 2,   X = phi^T C_-^-1 phi,  b = phi^T C_-^-1 y.

The neuron's next value is drawn among the candidates and its present value in proportion to
the law's density over the proposal's (iterated sampling-importance-resampling; Andrieu, Lee and
Vihola 2018), which leaves the law invariant.

A new specialised neuron appears with the probability that one of all neurons finds itself with a
rest that fits; so whole layers are swept. One factorisation serves a sweep: what
``C_-^-1`` needs is the inverse of ``A = kappa I + s Phi^T Phi``, in which a neuron is replaced
by a correction of rank Nw.
"""

from math import lgamma, log, pi, sqrt

import torch

from .linear_algebra import inverse_of, times

# Where the wide half of the candidates lies: the linear response of a pre-activation and the
# squared norm of the rest, in specialised neurons. Other moves reach beyond; only the speed
# depends on these numbers.
RESPONSES = (0.4, 2.2)
RESTS = (0.1, 1.0)


def sweep(posterior, z, scale, n_jumps, generator, candidates=24):
    """Offer ``n_jumps`` neurons of the last hidden layer, picked at random, new values.

    Parameters
    ----------
    posterior : CollapsedPosterior
    z : torch.Tensor, shape (B, size)
    scale : torch.Tensor, shape (B,)
        Factor on the data energy in each chain's law; 1 is the posterior.
    n_jumps : int
        All neurons when it passes their number.
    generator : torch.Generator
    candidates : int
        Values offered besides the present one, at least 1.

    Returns
    -------
    z : torch.Tensor, shape (B, size)
    moved : torch.Tensor, shape (B,)
        Share of the jumps that changed the neuron.

    Raises
    ------
    ValueError
        If there are more than two hidden layers, a neuron has a single input, or patches do
        not share their weights.
    """
    network = posterior.network
    if not posterior.offers_jumps:
        raise ValueError(
            f"posterior of {network}: jumps need at most two hidden layers, neurons of at least "
            "two inputs, and patches that share their weights"
        )
    layer = _Layer(posterior, network.layers(z), scale, candidates, generator)
    order = torch.randperm(network.widths[-1], generator=generator, device=z.device)[:n_jumps]
    moved = sum(layer.jump(j) for j in order.tolist())
    return network.position(layer.layers), moved / len(order)


class _Layer:
    """The last hidden layer, with the linear algebra that a jump changes."""

    def __init__(self, posterior, layers, scale, candidates, generator):
        self.posterior, self.layers, self.scale = posterior, list(layers), scale
        self.network, self.candidates, self.generator = posterior.network, candidates, generator
        self.unit, self.strength = self.network.teacher(layers, len(layers) - 1)
        self.layers[-1] = layers[-1].clone()
        tape = posterior.tape
        self.phi = tape.forward(layers).clone()  # (B, F, P)
        inputs = tape.phi[-2] if len(layers) > 1 else tape.x
        self.inputs = inputs.unflatten(0, (-1, self.network.patches))  # (B, Nw, in, P)
        self.of_unit = self.unit[:, None, None] @ self.inputs
        gram = torch.bmm(self.phi, self.phi.mT).mul_(self.network.readout_variance)
        gram.diagonal(dim1=-2, dim2=-1).add_(self.network.ridge)
        self.inverse = inverse_of(torch.linalg.cholesky_ex(gram)[0])
        self.of_labels = times(self.phi, posterior.y)
        self.buffer = None  # of the candidates' features

    def jump(self, j):
        """Draw neuron j anew; returns which chains changed it, (B,)."""
        B, N, n = self.layers[-1].shape
        Nw, K = self.network.patches, self.candidates + 1
        present = self.layers[-1][:, j]  # (B, n)
        along = (present * self.unit).sum(1, keepdim=True)
        rest = present - along * self.unit
        norm = rest.norm(dim=1, keepdim=True)
        direction = rest / norm

        options = dict(generator=self.generator, device=present.device)
        shape = (B, self.candidates)
        response, rest2 = _propose(shape, n, self.strength, present.dtype, options)
        mu = torch.cat([along, response / self.strength[:, None]], 1)  # 0 is the present value
        rest2 = torch.cat([norm.square(), rest2], 1)
        # Pre-activations of all candidates: the two parts of w . x are known once.
        parts = torch.cat([self.of_unit, direction[:, None, None] @ self.inputs], 2)
        values = torch.stack([mu, rest2.sqrt()], 2)[:, None].expand(-1, Nw, -1, -1)
        if self.buffer is None:
            self.buffer = parts.new_empty(B * Nw, K, parts.shape[-1])
        torch.bmm(values.flatten(0, 1), parts.flatten(0, 1), out=self.buffer).erf_()
        rows = self.buffer.view(B, Nw * K, -1)  # in the order (patch, candidate)

        own = slice(j, None, N)
        without, of_others, gain = self._evidence_gain(rows, own)
        ratio = _log_prior_over_proposal(mu, rest2, n, self.strength)
        probability = torch.softmax(self.scale[:, None] * gain + ratio, -1)
        choice = torch.multinomial(probability, 1, generator=self.generator)[:, 0]
        chains = torch.arange(B, device=choice.device)
        new = direction * rest2[chains, choice, None].sqrt() + self.unit * mu[chains, choice, None]
        changed = choice > 0
        self.layers[-1][:, j] = torch.where(changed[:, None], new, present)
        rows = rows.unflatten(1, (Nw, K))[chains, :, choice]
        of_others = of_others.unflatten(2, (Nw, K))[chains, :, :, choice]
        self._replace(own, without, rows, of_others)
        return changed.to(present.dtype)

    def _evidence_gain(self, rows, own):
        """Log-evidence (B, K) of candidates with these features, relative to no such neuron.

        Also the inverse of A without the neuron (zero in its rows and columns), and the other
        features' products with the candidates'.
        """
        s, kappa = self.network.readout_variance, self.network.ridge
        cross = self.inverse[:, :, own]  # (B, F, Nw)
        without = self.inverse - cross @ torch.linalg.solve_ex(cross[:, own], cross.mT)[0]
        of_others = self.phi @ rows.mT  # (B, F, Nw * K)
        of_others[:, own] = 0
        labels = self.of_labels.clone()
        labels[:, own] = 0
        projected = without @ of_others
        b = (times(rows, self.posterior.y) - s * times(projected.mT, labels)) / kappa
        Nw = self.network.patches
        if Nw == 1:
            own_norm2 = torch.linalg.vector_norm(rows, dim=-1).square()  # without a copy
            X = (own_norm2 - s * (of_others * projected).sum(1)) / kappa
            soft = 1 + s * X
            return without, of_others, 0.5 * s * b.square() / soft - 0.5 * soft.log()
        X = (_blocks(rows, rows, Nw) - s * _blocks(of_others.mT, projected.mT, Nw)) / kappa
        b = b.unflatten(1, (Nw, -1)).mT  # (B, K, Nw)
        soft = torch.eye(Nw, dtype=X.dtype, device=X.device) + s * X
        factor, _ = torch.linalg.cholesky_ex(soft)
        white = torch.linalg.solve_triangular(factor, b[..., None], upper=False)
        log_det = 2 * factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        return without, of_others, 0.5 * s * white.square().sum((-2, -1)) - 0.5 * log_det

    def _replace(self, own, without, rows, of_others):
        """Put a neuron's new features (B, Nw, P) in, and border the inverse with them."""
        s, kappa = self.network.readout_variance, self.network.ridge
        side = s * (without @ of_others)  # (B, F, Nw)
        corner = s * (rows @ rows.mT - of_others.mT @ side)
        corner.diagonal(dim1=-2, dim2=-1).add_(kappa)
        corner = torch.linalg.inv_ex(corner)[0]
        # What rounding makes unsymmetric would grow tenfold with every jump.
        corner = 0.5 * (corner + corner.mT)
        bordered = side @ corner
        self.inverse = without + bordered @ side.mT
        self.inverse[:, :, own] = -bordered
        self.inverse[:, own, :] = -bordered.mT
        self.inverse[:, own, own] = corner
        self.phi[:, own] = rows
        self.of_labels[:, own] = times(rows, self.posterior.y)


def _blocks(left, right, Nw):
    """Products (B, K, Nw, Nw) of each candidate's rows in two (B, Nw * K, n)."""
    left, right = (v.unflatten(1, (Nw, -1)).transpose(1, 2) for v in (left, right))
    return left @ right.mT


def _propose(shape, n, strength, dtype, options):
    """Responses and squared norms of the rest: half from the prior, half uniform in the box."""
    options = dict(options, dtype=dtype)
    narrow = strength[:, None] * torch.randn(shape, **options) / sqrt(n)
    narrow_rest2 = torch.randn((*shape, n - 1), **options).square().sum(-1) / n
    low, high = RESPONSES
    wide = low + (high - low) * torch.rand(shape, **options)
    wide = wide * torch.where(torch.rand(shape, **options) < 0.5, 1.0, -1.0).to(dtype)
    low, high = RESTS
    wide_rest2 = low + (high - low) * torch.rand(shape, **options)
    pick = torch.rand(shape, **options) < 0.5
    return torch.where(pick, narrow, wide), torch.where(pick, narrow_rest2, wide_rest2)


def _log_prior_over_proposal(mu, rest2, n, strength):
    """Log ratio of the densities in (mu, rest2); at most log 2: half proposes the prior."""
    shape, rate = (n - 1) / 2, n / 2  # rest2 ~ Gamma(shape, rate) under the prior
    log_prior = 0.5 * log(n / (2 * pi)) - 0.5 * n * mu.square()
    log_prior = log_prior + (
        shape * log(rate) - lgamma(shape) + (shape - 1) * rest2.log() - rate * rest2
    )
    (low, high), (least, most) = RESPONSES, RESTS
    response = (strength[:, None] * mu).abs()
    inside = (response > low) & (response < high) & (rest2 > least) & (rest2 < most)
    log_box = strength.log()[:, None] - log(2 * (high - low) * (most - least))
    log_wide = log_box.expand_as(mu).masked_fill(~inside, -torch.inf)
    return log_prior - torch.logaddexp(log_prior, log_wide) + log(2)
