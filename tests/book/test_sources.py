"""The library and the tracked texts keep the rules, and every rule catches what it forbids."""

import subprocess

import pytest

from _tools import source_guards as guards
from _tools.chapters import ROOT

GUARDS = (
    guards.modules_short,
    guards.modules_named,
    guards.imports_downward,
    guards.no_machine_named,
    guards.documented,
)


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.__name__)
def test_sources_keep_the_rule(guard):
    assert guard(ROOT) == []


def test_imports_were_read():
    """The check of imports has something to check: it sees the library's own imports."""
    path = ROOT / "lib" / "featlearn" / "inference" / "sampler.py"
    assert any(
        name.startswith("featlearn.") for name in guards.imports(path, ("featlearn", "inference"))
    )


# Planted defects.


def plant(root, layer, statement):
    folder = root / "lib" / "featlearn" / layer
    folder.mkdir(exist_ok=True)
    (folder / "planted.py").write_text(statement + "\n")


@pytest.mark.parametrize(
    "layer, statement",
    [
        ("theory", "import torch"),
        ("theory", "from torch import nn"),
        ("theory", "def f():\n    import featlearn.inference.hmc"),
        ("theory", "from ..inference import hmc"),
        ("theory", "from .. import experiments"),
        ("inference", "from featlearn import experiments"),
        ("inference", "from featlearn.experiments.store import load"),
        ("scaling", "import numpy as np"),
        ("plotting", "from ..theory.hermite import hermite"),
    ],
)
def test_upward_import_is_caught(tiny, layer, statement):
    plant(tiny, layer, statement)
    assert len(guards.imports_downward(tiny)) >= 1


@pytest.mark.parametrize(
    "layer, statement",
    [
        ("inference", "import torch\nfrom featlearn.theory.kernels import kernel"),
        ("experiments", "from ..inference import hmc\nfrom . import store"),
        ("theory", "from .hermite import hermite\nimport numpy"),
    ],
)
def test_downward_import_passes(tiny, layer, statement):
    plant(tiny, layer, statement)
    assert guards.imports_downward(tiny) == []


def test_long_module_is_caught(tiny):
    plant(tiny, "theory", "x = 1\n" * 401)
    assert len(guards.modules_short(tiny)) == 1


def test_vague_name_is_caught(tiny):
    (tiny / "lib" / "featlearn" / "utils.py").touch()
    assert len(guards.modules_named(tiny)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "see /" + "work/main/x",
        "cd /home/" + "someone",
        "pip install --index" + "-url x",
        "https://py" + "pi.org/simple",
    ],
)
def test_machine_path_is_caught(tiny, text):
    subprocess.run(("git", "init", "-q", str(tiny)), check=True)
    assert guards.no_machine_named(tiny) == []
    (tiny / "page.md").write_text(text)
    assert len(guards.no_machine_named(tiny)) == 1


def test_undocumented_module_is_caught(tiny):
    (tiny / "book" / "api.md").write_text("automodule:: featlearn.theory.other\n")
    plant(tiny, "theory", "")
    assert guards.documented(tiny) == ["book/api.md: featlearn.theory.planted is missing"]
