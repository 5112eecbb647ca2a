"""What a gradient costs: against its operation count, the matrix rate, and automatic gradients.

`make bench` prints a table, and writes it with its provenance to `benchmarks/results/cost.json`.
Single precision. On a processor: one thread, and enough chains at once that their arrays still
fit the cache. On a GPU, `python benchmarks/cost.py --device cuda` (then `cost-cuda.json`): more
chains until more make it no faster.
"""

import argparse
import json
from pathlib import Path
from time import perf_counter

import torch

from featlearn.experiments import code, provenance
from featlearn.inference.linear_algebra import fast_products
from featlearn.inference.network import Network
from featlearn.inference.posterior import CollapsedPosterior

RESULTS = Path(__file__).with_name("results")
SECONDS = 1.0
SQUARE = {"cpu": 1000, "cuda": 8192}  # size of the large matrices
SIZES = [  # d, widths, P, patches; a doubling of each, and the size of the field
    *[(d, [d], 6 * d, 1) for d in (10, 20, 40, 80, 160)],
    *[(40, [N], 240, 1) for N in (20, 80, 160, 320)],
    *[(40, [40], P, 1) for P in (480, 960, 1920)],
    *[(d, [40], 240, 1) for d in (80, 160, 320)],
    *[(d, [d, d], 6 * d, 1) for d in (20, 40, 80)],
    (64, [8], 180, 8),
    (100, [800], 1200, 1),
    (100, [800, 800], 1200, 1),
]


def operations(network, P):
    """Multiplications and additions of one gradient, matrix products and factorisation only.

    A layer costs three products, forward and twice back (the first one two: inputs have no
    gradient). The readout costs the Gram matrix, the inverse and one product with it.
    """
    layers = sum(a * b for a, b in network.shapes) * 3 - network.shapes[0][0] * network.shapes[0][1]
    m, F = min(P, network.features), network.features
    return 2 * P * network.patches * layers + 4 * P * F * m + m**3


def time_of(function, device="cpu"):
    """Seconds of a call, the fastest of a few batches."""

    def batch(calls):
        began = perf_counter()
        for _ in range(calls):
            function()
        if device == "cuda":
            torch.cuda.synchronize()
        return (perf_counter() - began) / calls

    batch(1)
    calls = max(1, int(SECONDS / 3 / batch(1)))
    return min(batch(calls) for _ in range(3))


def fastest(time_with, most=4096):
    """Seconds a chain and number of chains, doubled while that saves more than a tenth.

    Parameters
    ----------
    time_with : callable
        From a number of chains to the seconds of a call.
    most : int
    """
    chains, best = 1, time_with(1)
    while 2 * chains <= most:
        try:
            seconds = time_with(2 * chains) / (2 * chains)
        except torch.OutOfMemoryError:
            break
        if seconds > 0.9 * best:
            break
        chains, best = 2 * chains, seconds
    return best, chains


def with_fewer(time_with, chains):
    """Seconds a chain with this number of chains, or a part of them that fits the memory."""
    while True:
        try:
            return time_with(chains) / chains
        except torch.OutOfMemoryError:
            if chains == 1:
                raise
            chains //= 2


def gradients(network, P, chains, device):
    """The gradient of our own and that of torch's autograd, as functions of nothing."""
    x, y = network.datasets([0] * chains, P, device, torch.float32)
    posterior = CollapsedPosterior(network, x, y)
    generator = torch.Generator(device=device).manual_seed(0)
    z = network.prior(chains, generator).float()
    leaf = z.clone().requires_grad_()

    def automatic():
        return torch.autograd.grad(posterior.statistic(leaf).sum(), leaf)[0]

    return lambda: posterior.statistic_and_gradient(z)[1], automatic


@fast_products()
def measure(device="cpu", sizes=SIZES):
    """Rows of the table, and the rate of large matrix products in operations a second."""
    generator = torch.Generator(device=device).manual_seed(0)
    square = torch.randn(SQUARE[device], SQUARE[device], generator=generator, device=device)
    rate = 2 * SQUARE[device] ** 3 / time_of(lambda: square @ square, device)
    rows = []
    for d, widths, P, patches in sizes:
        network = Network(d, widths, patches=patches)

        def with_chains(chains, kind, network=network, P=P):
            return time_of(gradients(network, P, chains, torch.device(device))[kind], device)

        if device == "cuda":
            seconds, chains = fastest(lambda chains: with_chains(chains, 0))
        else:
            chains = max(1, min(16, 2_000_000 // (P * max(network.features, d))))
            seconds = with_chains(chains, 0) / chains
        automatic = with_fewer(lambda chains: with_chains(chains, 1), chains)
        count = operations(network, P)
        rows.append(
            dict(d=d, widths=widths, P=P, patches=patches, chains=chains, operations=count)
            | dict(seconds=seconds, automatic=automatic, fraction=count / seconds / rate)
        )
    return rows, rate


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", choices=tuple(SQUARE))
    device = parser.parse_args(arguments).device
    if device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: there is none here")
    torch.set_num_threads(1)
    timed = code.attributes(*code.place(measure))  # not what it is edited to meanwhile
    rows, rate = measure(device)
    print(f"large matrix products: {rate / 1e9:.0f} G operations a second")
    head = ("d", "widths", "P", "Nw", "chains", "operations", "us", "of rate", "autograd / ours")
    print("{:>4} {:>11} {:>5} {:>3} {:>6} {:>11} {:>9} {:>7} {:>15}".format(*head))
    for row in rows:
        widths = ", ".join(map(str, row["widths"]))
        print(
            f"{row['d']:4} {widths:>11} {row['P']:5} {row['patches']:3} {row['chains']:6} "
            f"{row['operations']:11.3g} {1e6 * row['seconds']:9.1f} {row['fraction']:7.0%} "
            f"{row['automatic'] / row['seconds']:15.2f}"
        )
    config = {"benchmark": "cost", "square": SQUARE[device]}
    origin = provenance.collect(config, device=device, dtype="float32", seeds={"all": 0})
    content = {"provenance": origin | timed, "rate": rate, "rows": rows}
    name = "cost.json" if device == "cpu" else f"cost-{device}.json"
    (RESULTS / name).write_text(json.dumps(content, indent=1) + "\n", "utf8")


if __name__ == "__main__":
    main()
