"""Provenance: complete, canonical, and without a trace of the machine's owner."""

import json
import os
import platform
import subprocess
from fractions import Fraction

import numpy as np
import pytest

from featlearn.experiments import provenance

CONFIG = {"d": 10, "beta": Fraction(3, 2), "kappa": 0.1, "seeds": [[1, 2]]}


def collect(**changes):
    return provenance.collect(
        CONFIG, **({"device": "cpu", "dtype": "float32", "seeds": [[1, 2]]} | changes)
    )


def test_the_hash_is_of_the_content():
    assert provenance.config_hash({"a": 1, "b": 2}) == provenance.config_hash({"b": 2, "a": 1})
    assert provenance.config_hash({"a": 0.1}) != provenance.config_hash({"a": 0.1 + 2**-56})
    assert provenance.config_hash({"a": (1, 2)}) == provenance.config_hash({"a": [1, 2]})
    # Stored sweeps are named by it: it must not change between versions.
    assert provenance.config_hash({"a": 1}) == "f9d86028c6e0d64e"


def test_no_digit_of_a_float_is_lost():
    values = np.random.default_rng(0).normal(size=100).tolist()
    assert json.loads(provenance.canonical({"x": values}))["x"] == values


@pytest.mark.parametrize(
    "config, message",
    [
        ({"a": [1, float("nan")]}, r"config\['a'\]\[1\] = nan"),
        ({"a": {"b": object}}, r"config\['a'\]\['b'\]"),
        ({"a": np.float32(1)}, r"config\['a'\] = .*float32"),
        ({1: 2}, "config has the key 1"),
        ([1], r"config = \[1\]"),
    ],
)
def test_what_has_no_plain_form_is_named(config, message):
    with pytest.raises(ValueError, match=message):
        provenance.config_hash(config)


def test_everything_is_there_and_flat():
    found = collect(wall_seconds=3)
    assert all(isinstance(value, str | int | float) for value in found.values())
    assert json.loads(found["config"]) == CONFIG | {"beta": "3/2"}
    assert found["config_hash"] == provenance.config_hash(CONFIG)
    assert json.loads(found["seeds"]) == [[1, 2]]
    versions = json.loads(found["versions"])
    assert set(versions) == {"python", *provenance.PACKAGES}
    assert versions["python"] == platform.python_version()
    assert found["device_kind"] == "cpu" and found["dtype"] == "float32"
    assert found["wall_seconds"] == 3.0 and found["date"].endswith("Z")
    assert "wall_seconds" not in collect()


def test_no_host_user_or_path_is_recorded():
    text = json.dumps({k: v for k, v in collect().items() if k != "tree_clean_scope"})
    for private in (platform.node(), os.environ.get("USER", ""), str(provenance.ROOT)):
        assert len(private) < 4 or private not in text  # a short name is part of many words


def test_an_unknown_device_is_refused():
    with pytest.raises(ValueError, match="device = 'tpu'"):
        collect(device="tpu")


def commit(folder, monkeypatch):
    """Make a repository with one commit and let provenance look at it."""
    (folder / "lib").mkdir()
    (folder / "lib" / "a.py").write_text("1")
    who = ["-c", "user.name=n", "-c", "user.email=e", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "--no-verify", "-m", "m"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    monkeypatch.setattr(provenance, "ROOT", folder)


def test_the_tree_is_clean_until_the_sources_change(tmp_path, monkeypatch):
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    commit(tmp_path, monkeypatch)
    assert len(collect()["commit"]) == 40 and collect()["tree_clean"] == "true"
    (tmp_path / "notes.txt").write_text("outside the scope")
    assert collect()["tree_clean"] == "true"
    (tmp_path / "lib" / "b.py").write_text("untracked sources count")
    assert collect()["tree_clean"] == "false"
    monkeypatch.setenv("GIT_DIR", "elsewhere")  # as in a hook
    assert collect()["tree_clean"] == "false"
    # Inside somebody else's repository its commit is not ours.
    monkeypatch.setattr(provenance, "ROOT", tmp_path / "lib")
    assert collect()["commit"] == "unknown"


def test_without_git_it_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = collect()
    assert found["commit"] == found["tree_clean"] == "unknown"
