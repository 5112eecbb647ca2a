"""Effective samples of the alignment a second, ours and the rivals': part of `make bench`.

Prints a table for each size. A whole run writes `benchmarks/results/sampling.json`, a
partial one `_build/bench/sampling.json`. Finished entries are kept in `_build/bench` and
not run again while their settings, the code they run and the machine are as they were.
"""

import argparse
import hashlib
import json
import os
import time
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from featlearn.experiments import code, provenance

from . import entries, judge, table
from . import ours as our_settings

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results" / "sampling.json"
STORE = provenance.ROOT / "_build" / "bench"
# Seconds of sampling of one entry; warm-up and compilation come on top.
BUDGET = {15: 40.0, 40: 80.0, 80: 80.0}
OURS, NAMES = "ours", ("ours", *entries.RIVALS)


def rivals_hash(*patterns):
    """What a rival's kept result depends on besides its settings."""
    files = sorted(path for pattern in patterns for path in provenance.ROOT.glob(pattern))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


OUR_CODE = code.attributes(*code.place(our_settings.ours))
RIVAL_CODE = rivals_hash(
    "benchmarks/sampling/rivals/*.py", "benchmarks/sampling/entries.py", "benchmarks/rivals.lock"
)


class Bench:
    """Entries of all sizes, each run once and kept."""

    def __init__(self, options):
        self.options = options
        machine = provenance.collect({}, device="cpu", dtype="", seeds={})["device"]
        self.common = {
            "dataset": options.dataset,
            "seed": options.seed,
            "threads": options.threads,
            "machine": machine,
        }

    def config(self, d, name):
        """Everything that determines an entry but the time of the day."""
        seconds = options_seconds(self.options, d)
        config = self.common | {"d": d, "entry": name, "seconds": seconds}
        if name == OURS:
            return config | {"dtype": our_settings.DTYPE, "code": OUR_CODE["code_hash"]}
        fields = ("target", "method", "chains", "tunings")
        rival = dict(zip(fields, entries.RIVALS[name], strict=True))
        basis = provenance.config_hash(self.config(d, OURS))  # starts and reference are ours
        own = {"dtype": self.options.dtype, "code": RIVAL_CODE, "ours": basis}
        return config | rival | own

    def run(self, d, name, bar):
        """An entry's summary and arrays, measured or kept."""
        config = self.config(d, name)
        path = STORE / "sampling" / f"{provenance.config_hash(config)}.json"
        if path.exists() and not self.options.fresh:
            return self.load(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        if name == OURS:
            summary, arrays = entries.run_ours(d, config)
        else:
            summary, arrays = self.run_rival(d, name, config, path.parent, bar)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        summary |= {"config": config, "date": now, "load_before": load}
        np.savez(path.with_suffix(".npz"), **arrays)
        partial = path.with_suffix(".partial")  # a kill in between leaves no half entry
        partial.write_text(json.dumps(summary), "utf8")
        os.replace(partial, path)
        return summary, arrays

    def run_rival(self, d, name, config, folder, bar):
        # Fresh asks for new measurements of each entry, not of ours once a rival.
        reference, arrays = self.load(self.path_of_ours(d))
        problem = folder / f"problem-{d}.npz"
        entries.write_problem(problem, d, config, arrays["weights"])

        def launch(settings):
            python = self.options.rivals_python
            return entries.run_rival(python, problem, settings, folder, bar.refresh)

        return entries.run_rival_entry(name, config, reference, launch)

    def path_of_ours(self, d):
        name = provenance.config_hash(self.config(d, OURS))
        return STORE / "sampling" / f"{name}.json"

    @staticmethod
    def load(path):
        with np.load(path.with_suffix(".npz")) as stored:
            return json.loads(path.read_text("utf8")), dict(stored)


def options_seconds(options, d):
    """Seconds of sampling: as asked for, or by size."""
    if options.budget:
        return options.budget
    return BUDGET.get(d, max(BUDGET.values()))


def limit_threads(threads):
    """Give this process and its children as many cores as threads, and no more."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < threads:
            raise SystemExit(f"--threads {threads}: this machine offers {len(cores)} cores")
        os.sched_setaffinity(0, cores[:threads])
    torch.set_num_threads(threads)


def compare(summary, reference):
    """What is said of an entry only beside ours."""
    speed, ours = summary["ess_per_second"], reference["ess_per_second"]
    return summary | {
        "ratio": ours / speed if speed else None,
        "z": None if summary is reference else judge.z_score(summary, reference),
        "bias": None if summary is reference else judge.relative_bias(summary, reference),
    }


def parse():
    parser = argparse.ArgumentParser(prog="benchmarks.sampling", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(BUDGET), help="values of d")
    parser.add_argument("--entries", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--budget", type=float, help="seconds of sampling of each entry")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--dataset", type=int, default=0, help="number of the data set")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument("--fresh", action="store_true", help="measure kept entries again")
    python = provenance.ROOT / "_build" / "rivals" / "bin" / "python"
    parser.add_argument("--rivals-python", type=Path, default=python)
    return parser, parser.parse_args()


def is_whole(parser, options):
    """Whether this run measures everything at its default settings."""
    names = ("entries", "budget", "dataset", "seed", "dtype")
    same = all(getattr(options, name) == parser.get_default(name) for name in names)
    return same and sorted(options.sizes) == sorted(BUDGET)


def main():
    parser, options = parse()
    if set(options.entries) - {OURS} and not options.rivals_python.exists():
        parser.error("--rivals-python: there is none; `make bench` installs the rivals first")
    limit_threads(options.threads)
    bench, rows = Bench(options), []
    names = [OURS] + [name for name in options.entries if name != OURS]
    total = len(options.sizes) * len(names)
    with tqdm(total=total, unit="entry", desc="bench") as bar:
        for d in options.sizes:
            for name in names:
                bar.set_postfix_str(f"d = {d}, {name}")
                summary, arrays = bench.run(d, name, bar)
                summary = judge.of_a_typical_chain(arrays["alignment"], summary)
                if name == OURS:
                    reference, first = summary, len(rows)
                rows.append({"d": d, "entry": name} | compare(summary, reference))
                bar.update()
            bar.write(table.of_size(d, rows[first:]))
    settings = {"benchmark": "sampling", "sizes": options.sizes, "entries": names}
    settings |= bench.common | {"budget": {str(d): options_seconds(options, d) for d in BUDGET}}
    origin = provenance.collect(
        settings,
        device="cpu",
        dtype=f"{our_settings.DTYPE} (ours), {options.dtype} (rivals)",
        seeds={"data": [[d, options.dataset] for d in options.sizes], "chains": options.seed},
    )
    versions = next((row["versions"] for row in rows if "versions" in row), {})
    saved = RESULTS if is_whole(parser, options) else STORE / "sampling.json"
    content = {
        "provenance": origin | OUR_CODE,
        "rivals": versions,
        "notes": table.NOTES,
        "rows": rows,
    }
    saved.write_text(json.dumps(content, indent=1) + "\n", "utf8")
    print("\n".join(table.NOTES), f"\nwritten: {saved.relative_to(provenance.ROOT)}", sep="")


if __name__ == "__main__":
    main()
