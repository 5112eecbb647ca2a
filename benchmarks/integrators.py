"""How many gradients a trajectory takes, leapfrog and two kicks a step: `make bench`.

From states near equilibrium, trajectories of one length are cut into more and more steps; what is
measured is their mean acceptance. Both are steps of :mod:`featlearn.inference.two_stage`, which
with equal kicks are leapfrog steps: so the rounding of the turns is the same. Prints a table, and
writes it with its provenance to `benchmarks/results/integrators.json`. One thread and single
precision.
"""

import json
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from featlearn.experiments import code, provenance
from featlearn.inference import hmc, two_stage
from featlearn.inference.adaptation import DualAveraging
from featlearn.inference.laws import POSTERIOR, Rungs
from featlearn.inference.network import Network
from featlearn.inference.posterior import CollapsedPosterior

RESULTS = Path(__file__).with_name("results") / "integrators.json"
ANGLE, WANTED, BETWEEN, LAW = 1.6, 0.75, 3, Rungs(POSTERIOR)
SIZES = [  # d, widths, P, specialised neurons at the start, chains, warm-up, repetitions
    (40, [40], 240, 1, 32, 200, 6),
    (100, [800], 1200, 6, 4, 60, 10),
    (100, [800, 800], 1200, 4, 1, 60, 20),
]
INTEGRATORS = {  # first kick of a step, numbers of steps tried; a step takes two gradients
    "leapfrog": (1 / 4, (4, 6, 8, 10, 12, 16)),
    "two-stage": (two_stage.KICK, (3, 4, 5, 6, 7, 8, 10)),
}


@contextmanager
def first_kick(kick):
    """Steps with another first kick, 1/4 for leapfrog."""
    before, two_stage.KICK = two_stage.KICK, kick
    try:
        yield
    finally:
        two_stage.KICK = before


def measure(sizes=SIZES):
    """Rows of the table: the acceptance of each integrator by its number of gradients."""
    rows = []
    for d, widths, P, planted, chains, warmup, repetitions in sizes:
        network, generator = Network(d, widths), torch.Generator().manual_seed(0)
        x, y = network.datasets([0] * chains, P, dtype=torch.float32)
        posterior = CollapsedPosterior(network, x, y)
        z = network.planted(chains, generator, planted, layer=0).float()
        state = hmc.initial_state(posterior, z)
        averaging = DualAveraging(torch.ones_like(state.statistic) / z.shape[1] ** 0.25, WANTED)
        found = {}
        for i in tqdm(range(warmup + BETWEEN * repetitions), desc=f"{widths}", leave=False):
            state, info = two_stage.step(posterior, LAW, state, averaging.step_size, 6, generator)
            if i < warmup:
                averaging.update(info.acceptance)
            elif i % BETWEEN == 0:
                for name, (kick, tried) in INTEGRATORS.items():
                    for n in tried:
                        size = torch.full_like(state.statistic, ANGLE / n)
                        with first_kick(kick):
                            _, info = two_stage.step(posterior, LAW, state, size, n, generator)
                        found.setdefault((name, 2 * n), []).append(info.acceptance)
        for (name, gradients), values in found.items():
            values = torch.cat(values)
            rows.append(
                dict(d=d, widths=widths, P=P, integrator=name, gradients=gradients)
                | dict(acceptance=float(values.mean()))
                | dict(error=float(values.std() / len(values) ** 0.5))
            )
    return rows


def gradients_needed(rows, integrator):
    """Gradients at which a size's acceptance passes ``WANTED``; None if not among those tried."""
    mine = [row for row in rows if row["integrator"] == integrator]
    gradients, acceptance = (
        np.array([row[k] for row in mine]) for k in ("gradients", "acceptance")
    )
    if not acceptance[0] < WANTED < acceptance[-1]:
        return None
    i = int(np.argmax(acceptance >= WANTED))
    share = (WANTED - acceptance[i - 1]) / (acceptance[i] - acceptance[i - 1])
    return float(gradients[i - 1] + share * (gradients[i] - gradients[i - 1]))


def by_size(rows):
    """Rows of each size, in the order in which they were measured."""
    found = {}
    for row in rows:
        found.setdefault((row["d"], *row["widths"]), []).append(row)
    return found


def main():
    torch.set_num_threads(1)
    timed = code.attributes(*code.place(measure))  # not what it is edited to meanwhile
    rows = measure()
    needed = []
    for size, mine in by_size(rows).items():
        for row in mine:
            print(
                f"{size} {row['integrator']:>10}: {row['gradients']:3d} gradients, "
                f"acceptance {row['acceptance']:.2f} +- {row['error']:.2f}"
            )
        needed.append({name: gradients_needed(mine, name) for name in INTEGRATORS})
        print(f"{size} for an acceptance of {WANTED}: {needed[-1]}")
    origin = provenance.collect(
        {"benchmark": "integrators", "angle": ANGLE, "wanted": WANTED},
        device="cpu",
        dtype="float32",
        seeds={"all": 0},
    )
    content = {"provenance": origin | timed, "wanted": WANTED, "needed": needed, "rows": rows}
    RESULTS.write_text(json.dumps(content, indent=1) + "\n", "utf8")


if __name__ == "__main__":
    main()
