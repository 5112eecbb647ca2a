"""How long predictions take, against depth: `make bench`.

Prints a table, and writes it with its provenance to `benchmarks/results/scaling.json`
and as a picture beside it. Each prediction runs in a fresh interpreter, so nothing is
cached; the widths are all d, where most patterns tie, which is the slowest case.
"""

import inspect
import json
import subprocess
import sys
from pathlib import Path

from matplotlib import pyplot as plt

from featlearn.experiments import code, provenance
from featlearn.plotting import COLOURS, use_book_style

RESULTS = Path(__file__).with_name("results")
LIMITS = {2: 1.0, 3: 2.0, 6: 30.0}  # seconds, the import included
DEPTHS = (2, 3, 4, 5, 6)
REPEATS = 3


def prediction(depth):
    """What is timed. A fresh interpreter runs it from its source, with nothing imported before."""
    from time import perf_counter

    start = perf_counter()
    from featlearn.scaling import FCN, predict

    imported = perf_counter()
    network = FCN(depth=depth)
    p = predict(network, degree=3, widths=dict.fromkeys(network.widths, 1))
    str(p)
    print(imported - start, perf_counter() - imported, len(p.table()))


def time_one(depth):
    """Seconds for the import and for the prediction, and the number of patterns."""
    script = f"{inspect.getsource(prediction)}\nprediction({int(depth)})"
    command = [sys.executable, "-c", script]
    words = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(words[0]), float(words[1]), int(words[2])


def measure():
    """The fastest of a few runs for each depth."""
    rows = []
    for depth in DEPTHS:
        runs = [time_one(depth) for _ in range(REPEATS)]
        loading, seconds, patterns = min(runs, key=lambda run: run[0] + run[1])
        rows.append(dict(depth=depth, patterns=patterns, loading=loading, seconds=seconds))
    return rows


def draw(rows, path):
    """Seconds against depth, with the limits."""
    use_book_style()
    fig, ax = plt.subplots()
    depths = [row["depth"] for row in rows]
    seconds = [row["seconds"] for row in rows]
    ax.plot(depths, seconds, "o", color=COLOURS["blue"], label="prediction")
    reach = [seconds[-1] * (row["patterns"] / rows[-1]["patterns"]) for row in rows]
    ax.plot(depths, reach, color=COLOURS["grey"], lw=1, label="in proportion to the patterns")
    ax.plot(list(LIMITS), list(LIMITS.values()), "_", color=COLOURS["orange"], ms=18, label="limit")
    ax.set(xlabel="weight layers", ylabel="seconds", yscale="log", xticks=depths)
    ax.legend()
    fig.savefig(path, facecolor="white")


def main():
    timed = code.attributes(*code.place(measure))  # not what it is edited to meanwhile
    rows = measure()
    print(f"{'layers':>6} {'patterns':>8} {'import s':>8} {'predict s':>9} {'limit s':>7}")
    late = []
    for row in rows:
        limit = LIMITS.get(row["depth"])
        print(
            f"{row['depth']:6} {row['patterns']:8} {row['loading']:8.2f} {row['seconds']:9.3f} "
            f"{limit if limit else '':>7}"
        )
        if limit and row["loading"] + row["seconds"] > limit:
            late.append(row["depth"])
    RESULTS.mkdir(exist_ok=True)
    origin = provenance.collect(
        {
            "benchmark": "scaling",
            "repeats": REPEATS,
            "limits": {str(k): v for k, v in LIMITS.items()},
        },
        device="cpu",
        dtype="exact",
        seeds={},
    )
    saved = RESULTS / "scaling.json"
    saved.write_text(
        json.dumps({"provenance": origin | timed, "rows": rows}, indent=1) + "\n", "utf8"
    )
    draw(rows, saved.with_suffix(".png"))
    if late:
        sys.exit(f"over the limit at {late} layers")


if __name__ == "__main__":
    main()
