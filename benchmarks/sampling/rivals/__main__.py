"""Run one rival: ``python -m rivals PROBLEM.npz SETTINGS.json DRAWS.npz``.

It runs in an environment of its own, which has jax but not featlearn. Each thread
takes chains of its own, one XLA thread a chain: on small matrices that keeps all
threads busy, which splitting each product would not.
"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from time import perf_counter

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"

import jax  # noqa: E402 - XLA reads its flags once
import numpy as np  # noqa: E402

from . import methods, targets  # noqa: E402

TARGETS = {"full": targets.Full, "collapsed": targets.Collapsed}
METHODS = {
    "langevin": methods.Langevin,
    "numpyro-nuts": methods.NumpyroNUTS,
    "blackjax-nuts": methods.BlackjaxNUTS,
    "blackjax-mclmc": methods.MCLMC,
}
CHUNK = 25  # draws a compiled call returns
MOST_DRAWS = 60_000  # of a chain, about: beyond them draws are thinned, which then costs little


class Runner:
    """One method on one target, compiled; chains run on threads of their own."""

    def __init__(self, problem, settings):
        self.settings = settings
        self.target = TARGETS[settings["target"]](problem, settings["dtype"])
        self.method = METHODS[settings["method"]](self.target)
        self.problem, self.threads = problem, min(settings["threads"], settings["chains"])
        self.compile_seconds = 0.0
        static = () if settings["method"] == "langevin" else 2  # a step size is no constant
        self.start = jax.jit(self.method.start, static_argnums=static)

    def advance(self, state, key, thin):
        """``CHUNK`` draws, each after ``thin`` steps."""

        def step(_, carry):
            state, key, gradients, divergences = carry
            key, now = jax.random.split(key)
            state, spent, diverged = self.method.step(state, now)
            return state, key, gradients + spent, divergences + diverged

        def draw(carry, _):
            state, key, *counts = jax.lax.fori_loop(0, thin, step, carry)
            key, now = jax.random.split(key)
            found = self.target.alignment(self.method.position(state), now)
            return (state, key, *counts), found

        carry, draws = jax.lax.scan(draw, (state, key, 0, 0), None, length=CHUNK)
        return carry, draws

    def compiled(self, function, *arguments, static=()):
        started = perf_counter()
        found = jax.jit(function, static_argnums=static).lower(*arguments).compile()
        self.compile_seconds += perf_counter() - started
        return found

    def begin(self, tuning):
        """States and keys of all chains at their starting points, and the compiled calls."""
        chains, self.keys = self.settings["chains"], jax.random.key(self.settings["seed"])
        self.keys = list(jax.random.split(self.keys, chains))
        started = perf_counter()
        states = []
        for i in range(chains):
            weights, readout = (self.problem[f"start_{name}"] for name in ("weights", "readout"))
            position = self.target.position(weights[i % len(weights)], readout[i % len(weights)])
            states.append(jax.block_until_ready(self.start(position, self.keys[i], tuning)))
        self.compile_seconds += perf_counter() - started
        return states

    def warm_up(self, states, tuning):
        """Tune every chain; states, seconds and gradient evaluations."""
        chains = range(len(states))
        if self.method.adapts:  # in its first steps, whose draws are thrown away
            calls = -(-tuning // CHUNK)

            def tune(i):
                state, key, spent = states[i], self.keys[i], 0
                for _ in range(calls):
                    (state, key, gradients, _), _ = self.call(state, key, 1)
                    spent += int(gradients)
                self.keys[i] = key
                return state, spent

        elif hasattr(self.method, "tune"):
            call = self.compiled(self.method.tune, states[0], self.keys[0], tuning, static=2)

            def tune(i):
                self.keys[i], now = jax.random.split(self.keys[i])
                return jax.block_until_ready(call(states[i], now))

        else:
            return states, 0.0, 0
        started = perf_counter()
        with ThreadPoolExecutor(self.threads) as pool:
            found = list(pool.map(tune, chains))
        return (
            [state for state, _ in found],
            perf_counter() - started,
            sum(int(n) for _, n in found),
        )

    def prepare(self, states):
        self.call = self.compiled(self.advance, states[0], self.keys[0], 1)

    def thinning(self, states, seconds):
        """Steps a draw: one for NUTS, more for chains of many cheap steps."""
        if "nuts" in self.settings["method"]:
            return 1
        jax.block_until_ready(self.call(states[0], self.keys[0], 1))  # the first call is slower
        started = perf_counter()
        jax.block_until_ready(self.call(states[0], self.keys[0], 20))
        step = (perf_counter() - started) / (20 * CHUNK)
        return max(1, round(seconds * self.threads / len(states) / step / MOST_DRAWS))

    def sample(self, states, seconds):
        """Draw for about ``seconds``: what one entry is judged by."""
        thin = self.thinning(states, seconds)
        deadline = perf_counter() + seconds

        def work(thread):
            mine = range(thread, len(states), self.threads)
            kept = {i: [] for i in mine}
            while perf_counter() < deadline or len(kept[thread]) < 2:
                for i in mine:
                    began = perf_counter()
                    (states[i], self.keys[i], gradients, divergent), draws = self.call(
                        states[i], self.keys[i], thin
                    )
                    draws = np.asarray(draws)
                    took = perf_counter() - began
                    kept[i].append((draws, int(gradients), int(divergent), took))
                if not np.isfinite(draws).all():  # it will not come back
                    break
            return kept

        with ThreadPoolExecutor(self.threads) as pool:
            parts = list(pool.map(work, range(self.threads)))
        kept = [part[i] for i in range(len(states)) for part in parts if i in part]
        calls = min(len(chain) for chain in kept)  # threads may differ by one: cut and not charged
        kept = [chain[:calls] for chain in kept]
        return {
            "alignment": np.array([np.concatenate([c[0] for c in chain]) for chain in kept]),
            "gradients": sum(c[1] for chain in kept for c in chain),
            "divergences": sum(c[2] for chain in kept for c in chain),
            "seconds": sum(c[3] for chain in kept for c in chain) / self.threads,
            "thin": thin,
        }


def run(problem, settings):
    """Every tuning in turn (step sizes for Langevin), each for ``seconds``."""
    targets.check(problem, settings["dtype"])
    runner, results = Runner(problem, settings), []
    for i, tuning in enumerate(settings["tunings"]):
        states = runner.begin(tuning)
        if i == 0:
            runner.prepare(states)
        states, seconds, gradients = runner.warm_up(states, tuning)
        result = runner.sample(states, settings["seconds"])
        tuned = [runner.method.tuned(state) for state in states]
        result["tuned"] = {key: [float(t[key]) for t in tuned] for key in tuned[0]}
        result |= {"warmup_seconds": seconds, "warmup_gradients": gradients}
        results.append(result)
    return results, runner.compile_seconds


def main():
    problem_file, settings_file, result_file = sys.argv[1:]
    with np.load(problem_file) as stored:
        problem = dict(stored)
    with open(settings_file, encoding="utf8") as file:
        settings = json.load(file)
    jax.config.update("jax_enable_x64", settings["dtype"] == "float64")
    results, compile_seconds = run(problem, settings)
    about = {
        "compile_seconds": compile_seconds,
        "versions": {name: version(name) for name in ("jax", "jaxlib", "numpyro", "blackjax")},
        "runs": [{k: v for k, v in result.items() if k != "alignment"} for result in results],
    }
    draws = {f"alignment_{i}": result["alignment"] for i, result in enumerate(results)}
    np.savez(result_file, about=json.dumps(about), **draws)


if __name__ == "__main__":
    main()
