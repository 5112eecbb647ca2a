"""The tiny sweep, run by commands of its own in a folder of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder that holds what the tiny sweep writes."""
    for key, value in {
        "TINY": tmp_path,
        "FEATLEARN_RUNS": tmp_path / "runs",
        "FEATLEARN_RESULTS": tmp_path / "results",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "lib"), str(ROOT)]),
    }.items():
        monkeypatch.setenv(key, str(value))
    for key in ("EXECUTOR", "PARTITION", "TIME", "CPUS", "MEMORY", "GPUS", "ACCOUNT"):
        monkeypatch.delenv(key, raising=False)
    return tmp_path


@pytest.fixture
def start(folder):
    """Start the tiny sweep as a command; whatever still runs at the end is killed."""
    running = []

    def start(*arguments, **environ):
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.experiments.tiny", *arguments],
            cwd=ROOT,
            env=os.environ | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()
