"""The identity of code: what counts, what does not, and what is said of stored results."""

import functools
import json
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import xarray as xr

from featlearn.experiments import bound_margin, code, provenance, store, two_layer
from featlearn.experiments.__main__ import EXPERIMENTS

from .conftest import ROOT


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package of our name, whose files can be changed."""
    files = {
        "__init__.py": "",
        "plotting.py": "COLOUR = 1",
        "experiments/__init__.py": '"""Only words."""',
        "experiments/run.py": '''
            """A module."""
            from featlearn import plotting
            from featlearn.inference import sampler
            from . import fits
            from ..theory.law import law as the_law
            GRID = [1, 2]
            SCALE = 2.0
            def run_point(config):
                """Run."""
                from featlearn.theory import late
                return sampler.go(SCALE) + the_law() + late.f()
            def verdict():
                return fits.fit(GRID, plotting.COLOUR)
        ''',
        "experiments/fits.py": "def fit(): pass",
        "inference/__init__.py": "",
        "inference/sampler.py": "import numpy\nfrom featlearn.theory import NUMBER\ndef go(x): ...",
        "theory/__init__.py": "NUMBER = 3",
        "theory/law.py": "def law(): return 1",
        "theory/late.py": "def f(): return 1",
    }
    for name, text in files.items():
        path = tmp_path / "featlearn" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    monkeypatch.setattr(code, "ROOT", tmp_path)
    return tmp_path / "featlearn"


def place(package):
    return "featlearn.experiments.run", "run_point", str(package / "experiments" / "run.py")


def test_the_closure_is_what_run_point_reaches(package):
    assert set(code.modules_at(*place(package))) == {
        "featlearn.experiments.run",
        "featlearn.inference.sampler",
        "featlearn.theory",  # for NUMBER
        "featlearn.theory.law",
        "featlearn.theory.late",  # imported inside the function
    }


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    "file, old, new, changed",
    [
        ("experiments/run.py", "SCALE = 2.0", "SCALE = 3.0", ["featlearn.experiments.run"]),
        ("theory/law.py", "return 1", "return 2", ["featlearn.theory.law"]),
        ("theory/late.py", "return 1", "return 2", ["featlearn.theory.late"]),
        ("theory/__init__.py", "3", "4", ["featlearn.theory"]),
        ("experiments/run.py", '"""Run."""', '"""Runs."""', []),
        ("experiments/run.py", "SCALE = 2.0", "SCALE  =  2.0  # a comment", []),
        ("experiments/run.py", "[1, 2]", "[1, 2, 3]", []),  # another grid, not other code
        ("experiments/run.py", "fits.fit(", "fits.fit(0, ", []),  # a verdict
        ("experiments/fits.py", "pass", "return 1", []),
        ("plotting.py", "1", "2", []),
        ("experiments/__init__.py", "Only words", "Other words", []),
    ],
)
def test_what_counts_as_a_change(package, file, old, new, changed):
    attributes = code.attributes(*place(package))
    assert code.state(attributes) == "current"
    edit(package / file, old, new)
    assert code.state(attributes) == (f"changed: {', '.join(changed)}" if changed else "current")


def test_a_new_import_and_a_lost_function_are_told(package):
    attributes = code.attributes(*place(package))
    edit(
        package / "theory/law.py",
        "def law",
        "from . import late\nfrom ..inference import x\ndef law",
    )
    (package / "inference/x.py").write_text("X = 1")
    assert code.state(attributes) == "changed: featlearn.inference.x, featlearn.theory.law"
    edit(package / "experiments/run.py", "def run_point", "def gone")
    assert code.state(attributes) == "changed: featlearn.experiments.run"
    assert code.state({}) == "unknown code"
    assert code.state(attributes | {"code_entry": "elsewhere:f"}) == "unknown code"
    with pytest.raises(ValueError, match="does not define it"):
        code.modules_at(*place(package))


@pytest.fixture
def own(tmp_path):
    """A script of one's own, with modules beside it."""
    files = {
        "script.py": """
            import numpy, absent, helper as h
            import unused
            from tools import deep
            def run_point(config):
                from featlearn.theory import hermite
                from . import sibling, SCALE
                return h.f() + deep.f() + sibling.f() + absent.f() + numpy.pi * SCALE
        """,
        "__init__.py": "SCALE = 1",
        "helper.py": "from constants import C\ndef f(): return C",
        "constants.py": "C = 1",
        "sibling.py": "def f(): return 1",
        "unused.py": "A = 1",
        "tools/__init__.py": "A = 1",
        "tools/deep.py": "from .deeper import f",
        "tools/deeper.py": "def f(): return 1",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(textwrap.dedent(text))
    return "script", "run_point", str(tmp_path / "script.py")


def test_a_script_rests_on_the_modules_beside_it(own, tmp_path):
    attributes = code.attributes(*own)
    found = {name for name in json.loads(attributes["code_modules"]) if "featlearn" not in name}
    counted = {"helper", "constants", "sibling", "__init__", "tools.deep", "tools.deeper"}
    assert found == {"script"} | counted
    assert "featlearn.theory.hermite" in attributes["code_modules"]
    edit(tmp_path / "unused.py", "1", "2")
    assert code.state(attributes, own) == "current"
    for name in counted:
        path = tmp_path.joinpath(*name.split(".")).with_suffix(".py")
        before = path.read_text()
        path.write_text(before + "\nNEW = 1")
        assert code.state(attributes, own) == f"changed: {name}"
        path.write_text(before)


def test_a_module_of_ours_rests_on_nothing_beside_it(package):
    (package / "experiments" / "numpy.py").write_text("A = 1")  # not what `import numpy` finds
    edit(package / "experiments/run.py", '"""Run."""', "import numpy")
    assert "numpy" not in code.modules_at(*place(package))


def test_a_decorated_function_is_where_it_is_written():
    wrapper = functools.wraps(bound_margin.run_point)(lambda config: None)
    assert code.place(wrapper) == code.place(bound_margin.run_point)


def test_the_book_s_experiments_rest_on_samplers_and_not_on_the_machinery():
    machinery = {"sweep", "store", "experiment", "workers", "slurm", "spot", "fits", "verdicts"}
    for experiment in EXPERIMENTS:
        modules = code.modules_at(*code.place(experiment.run_point))
        names = {name.rpartition(".")[2] for name in modules if ".experiments." in name}
        # `equilibrium` is how several of them sample, so a change of it is a change of theirs.
        assert len(names - {"equilibrium"}) == 1 and not names & machinery
        assert not any("plotting" in name for name in modules)
    assert "featlearn.inference.laws" in code.modules_at(*code.place(bound_margin.run_point))
    assert "featlearn.inference.sampler" in code.modules_at(*code.place(two_layer.run_point))


def test_functions_that_cannot_be_found_again_are_refused():
    for bad in (lambda config: None, np.sum, two_layer.DEFAULTS, xr.Dataset.mean):
        with pytest.raises(ValueError, match="run_point = "):
            code.place(bad)


def stored(name, **attributes):
    one = {"long_name": "something", "units": "1"}
    attrs = provenance.collect({"d": 3}, device="cpu", dtype="float64", seeds=[1], wall_seconds=2.0)
    store.save(name, xr.Dataset({"a": ((), 1.0, one)}, attrs=attrs | attributes))


def test_the_suite_reports_stale_results_and_passes(folder):
    now = code.attributes(*code.place(two_layer.run_point))
    old = now["code_modules"].replace(
        '"featlearn.theory.hermite": "', '"featlearn.theory.hermite": "0'
    )
    stored("fresh", **now)
    stored("stale", **now | {"code_hash": "0" * 16, "code_modules": old})
    stored("old")
    test = "tests/experiments/test_code.py::test_functions_that_cannot_be_found_again_are_refused"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/experiments"]
    done = subprocess.run(
        [*command, "-k", test.partition("::")[2]],
        cwd=ROOT,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "stored results whose code has changed" in done.stdout
    assert "stale: changed: featlearn.theory.hermite\n" in done.stdout
    assert "old: unknown code" in done.stdout and "fresh:" not in done.stdout
