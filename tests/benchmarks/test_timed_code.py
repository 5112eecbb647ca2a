"""Timings name the code that was timed, and the suite says when it is no longer today's."""

import inspect
import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from benchmarks import cost, integrators, scaling
from benchmarks.sampling import __main__ as sampling
from benchmarks.sampling import entries, ours

from featlearn.experiments import code

from ..conftest import BENCHMARKS, HERE, pytest_terminal_summary, stale_benchmarks

TIMED = {  # file of results: what made it
    "cost.json": cost.measure,
    "integrators.json": integrators.measure,
    "sampling.json": ours.ours,
    "scaling.json": scaling.measure,
}
INFERENCE = ["cost.json", "integrators.json", "sampling.json"]


def reached(name):
    return set(code.modules_at(*code.place(TIMED[name])))


def test_every_file_of_results_is_of_a_benchmark_that_is_known():
    found = {path.name for path in (BENCHMARKS / "results").glob("*.json")}
    assert found - {"cost-cuda.json"} == set(TIMED)


def test_what_is_timed_counts_and_what_writes_it_down_does_not():
    assert "featlearn.inference.posterior" in reached("cost.json")
    assert "featlearn.inference.two_stage" in reached("integrators.json")
    samplers = ("sampler", "jumps", "hmc", "network")
    assert {f"featlearn.inference.{m}" for m in samplers} < reached("sampling.json")
    assert "featlearn.scaling.prediction" in reached("scaling.json")
    assert "featlearn.inference.sampler" not in reached("cost.json")
    for name in TIMED:
        assert not any(m.startswith("featlearn.experiments") for m in reached(name))
        assert "featlearn.inference.flattened" not in reached(name)


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """A copy of the library and of the benchmarks, with results of the code as it is."""
    monkeypatch.setattr(code, "ROOT", tmp_path)
    shutil.copytree(Path(code.__file__).parents[1], tmp_path / "featlearn")
    shutil.copytree(BENCHMARKS, tmp_path / "benchmarks")
    for name, function in TIMED.items():
        script, function, file = code.place(function)
        file = tmp_path / "benchmarks" / Path(file).relative_to(BENCHMARKS)
        origin = code.attributes(script, function, file)
        (tmp_path / "benchmarks/results" / name).write_text(json.dumps({"provenance": origin}))
    return tmp_path


def states(bench):
    return dict(line.split(": ", 1) for line in stale_benchmarks(bench / "benchmarks"))


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_module_that_nothing_timed_imports_leaves_them_current(bench):
    assert states(bench) == {}
    (bench / "featlearn/inference/unrelated.py").write_text("NUMBER = 1\n")
    edit(bench / "featlearn/inference/hmc.py", "kicks the momentum", "gives the momentum a kick")
    (bench / "benchmarks/sampling/table.py").write_text("HEAD = None\n")
    assert states(bench) == {}


@pytest.mark.parametrize(
    "file, module, stale",
    [
        ("featlearn/inference/network.py", "featlearn.inference.network", INFERENCE),
        ("featlearn/inference/jumps.py", "featlearn.inference.jumps", ["sampling.json"]),
        ("featlearn/scaling/prediction.py", "featlearn.scaling.prediction", ["scaling.json"]),
    ],
)
def test_a_change_of_a_module_makes_stale_what_timed_it(bench, file, module, stale):
    with open(bench / file, "a") as text:
        text.write("\nADDED = 1\n")
    assert states(bench) == dict.fromkeys(stale, f"changed: {module}")


@pytest.mark.parametrize(
    "file, old, new, stale",
    [
        ("cost.py", "for _ in range(3)", "for _ in range(5)", {"cost.json": "changed: cost"}),
        ("sampling/ours.py", "JUMPS, WARMUP", "WARMUP, JUMPS", {"sampling.json": "changed: ours"}),
        ("scaling.py", "degree=3", "degree=5", {"scaling.json": "changed: scaling"}),
        ("cost.py", "def measure", "def gone", {"cost.json": "changed: cost"}),
    ],
)
def test_a_change_of_how_it_is_timed_counts(bench, file, old, new, stale):
    edit(bench / "benchmarks" / file, old, new)
    assert states(bench) == stale


def test_files_that_do_not_say_their_code_are_told(bench):
    results = bench / "benchmarks/results"
    (results / "cost.json").write_text('{"provenance": {"commit": "0"}}')
    (results / "scaling.json").write_text('{"provenance": {"comm')
    (bench / "benchmarks/integrators.py").unlink()
    assert states(bench) == {
        "cost.json": "made by code that was not recorded",
        "integrators.json": "unknown code",
        "scaling.json": "not readable",
    }


@pytest.mark.parametrize("asked, told", [("tests", True), ("tests/theory", False)])
def test_the_suite_reports_them(bench, monkeypatch, asked, told):
    (bench / "benchmarks/results/cost.json").write_text('{"provenance": {}}')
    monkeypatch.setitem(pytest_terminal_summary.__globals__, "BENCHMARKS", bench / "benchmarks")
    monkeypatch.setitem(pytest_terminal_summary.__globals__, "stale", list)
    said = []
    reporter = SimpleNamespace(section=said.append, write_line=said.append)
    place = SimpleNamespace(dir=HERE.parent)
    pytest_terminal_summary(reporter, SimpleNamespace(invocation_params=place, args=[asked]))
    expected = [
        "benchmarks whose timed code has changed",
        "cost.json: made by code that was not recorded",
        "`make bench` times them again (40 minutes).",
    ]
    assert said == (expected if told else [])


# New runs


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def written(path, function):
    """State of a file against the function that made it."""
    return code.state(json.loads(path.read_text())["provenance"], code.place(function))


def test_a_run_of_cost_records_its_code(tmp_path, monkeypatch, threads):
    monkeypatch.setattr(cost, "RESULTS", tmp_path)
    monkeypatch.setattr(inspect.unwrap(cost.measure), "__defaults__", ("cpu", [(4, [3], 8, 1)]))
    monkeypatch.setattr(cost, "SECONDS", 0.01)
    monkeypatch.setitem(cost.SQUARE, "cpu", 10)
    cost.main([])
    assert written(tmp_path / "cost.json", cost.measure) == "current"
    (row,) = json.loads((tmp_path / "cost.json").read_text())["rows"]
    assert row["chains"] == 16 and row["seconds"] > 0 and row["automatic"] > 0


def test_a_run_of_integrators_records_its_code(tmp_path, monkeypatch, threads):
    monkeypatch.setattr(integrators, "RESULTS", tmp_path / "integrators.json")
    tiny = ([(6, [5], 12, 1, 4, 20, 3)],)
    monkeypatch.setattr(integrators.measure, "__defaults__", tiny)
    integrators.main()
    assert written(integrators.RESULTS, integrators.measure) == "current"


def test_a_run_of_scaling_records_its_code(tmp_path, monkeypatch):
    """It also runs what it times, which it hands on as source text."""
    monkeypatch.setattr(scaling, "RESULTS", tmp_path)
    monkeypatch.setattr(scaling, "DEPTHS", (2,))
    monkeypatch.setattr(scaling, "REPEATS", 1)
    monkeypatch.setattr(scaling, "LIMITS", {2: 1e6})
    scaling.main()
    assert written(tmp_path / "scaling.json", scaling.measure) == "current"
    (row,) = json.loads((tmp_path / "scaling.json").read_text())["rows"]
    assert row["patterns"] == 4 and row["loading"] > 0 and row["seconds"] > 0


def test_a_run_of_the_samplers_records_the_code_of_ours(tmp_path, monkeypatch):
    store = tmp_path / "_build" / "bench"
    monkeypatch.setattr(sampling.provenance, "ROOT", tmp_path)
    monkeypatch.setattr(sampling, "STORE", store)
    monkeypatch.setattr(sampling, "limit_threads", lambda threads: None)
    draws = np.random.default_rng(0).standard_normal((4, 100))
    summary = entries.judge.summarise(draws, 1.0, 1000) | {"warmup_seconds": 1.0}
    monkeypatch.setattr(entries, "run_ours", lambda d, config: (summary, {"alignment": draws}))
    monkeypatch.setattr(sys, "argv", ["bench", "--sizes", "15", "--entries", "ours"])
    sampling.main()
    assert written(store / "sampling.json", ours.ours) == "current"
    (row,) = json.loads((store / "sampling.json").read_text())["rows"]
    # Finished entries are kept by the same hash.
    assert row["config"]["code"] == code.attributes(*code.place(ours.ours))["code_hash"]


def test_rivals_that_are_not_installed_are_named_before_any_work(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(entries, "run_ours", lambda *_: pytest.fail("it has begun"))
    absent = str(tmp_path / "python")
    monkeypatch.setattr(sys, "argv", ["bench", "--sizes", "15", "--rivals-python", absent])
    with pytest.raises(SystemExit):
        sampling.main()
    assert "`make bench` installs the rivals first" in capsys.readouterr().err
