"""What a gradient costs, against its operation count and this machine's matrix rate: `make bench`.

Prints a table, and writes it with its provenance to `benchmarks/results/cost.json`. One thread
and single precision; enough chains at once that their arrays still fit the processor's cache.
"""

import json
from pathlib import Path
from time import perf_counter

import torch

from featlearn.experiments import code, provenance
from featlearn.inference.network import Network
from featlearn.inference.posterior import CollapsedPosterior

RESULTS = Path(__file__).with_name("results") / "cost.json"
SECONDS, SQUARE = 1.0, 1000
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


def time_of(function):
    """Seconds of a call, the fastest of a few batches."""
    function()
    began = perf_counter()
    function()
    calls = max(1, int(SECONDS / 3 / (perf_counter() - began)))
    batches = []
    for _ in range(3):
        began = perf_counter()
        for _ in range(calls):
            function()
        batches.append((perf_counter() - began) / calls)
    return min(batches)


def measure():
    """Rows of the table, and the rate of large matrix products in operations a second."""
    generator = torch.Generator().manual_seed(0)
    square = torch.randn(SQUARE, SQUARE, generator=generator)
    rate = 2 * SQUARE**3 / time_of(lambda: square @ square)
    rows = []
    for d, widths, P, patches in SIZES:
        network = Network(d, widths, patches=patches)
        chains = max(1, min(16, 2_000_000 // (P * max(network.features, d))))
        x, y = network.datasets([0] * chains, P, dtype=torch.float32)
        posterior = CollapsedPosterior(network, x, y)
        z = network.prior(chains, generator).float()
        seconds = time_of(lambda p=posterior, z=z: p.statistic_and_gradient(z)) / chains
        count = operations(network, P)
        rows.append(
            dict(d=d, widths=widths, P=P, patches=patches, chains=chains, operations=count)
            | dict(seconds=seconds, fraction=count / seconds / rate)
        )
    return rows, rate


def main():
    torch.set_num_threads(1)
    timed = code.attributes(*code.place(measure))  # not what it is edited to meanwhile
    rows, rate = measure()
    print(f"large matrix products: {rate / 1e9:.0f} G operations a second")
    print(f"{'d':>4} {'widths':>11} {'P':>5} {'Nw':>3} {'operations':>11} {'us':>9} {'of rate':>7}")
    for row in rows:
        widths = ", ".join(map(str, row["widths"]))
        print(
            f"{row['d']:4} {widths:>11} {row['P']:5} {row['patches']:3} {row['operations']:11.3g} "
            f"{1e6 * row['seconds']:9.1f} {row['fraction']:7.0%}"
        )
    origin = provenance.collect(
        {"benchmark": "cost", "square": SQUARE}, device="cpu", dtype="float32", seeds={"all": 0}
    )
    content = {"provenance": origin | timed, "rate": rate, "rows": rows}
    RESULTS.write_text(json.dumps(content, indent=1) + "\n", "utf8")


if __name__ == "__main__":
    main()
