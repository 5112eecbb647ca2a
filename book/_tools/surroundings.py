"""The one environment in which chapters are executed and validated."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

THREADS = 2
REPORTED = ("numpy", "scipy", "sympy", "torch", "arviz", "xarray", "matplotlib")


def environment(root, device="cpu", threads=THREADS):
    """Return environment variables for a reproducible run.

    Parameters
    ----------
    root : pathlib.Path
        The repository.
    device : {"cpu", "cuda"}
        ``"cpu"`` hides every GPU.
    threads : int
        Threads of the numerical libraries. Sums depend on it in their last digits.

    Returns
    -------
    dict
        The present environment with the changes.

    Raises
    ------
    ValueError
        If the device is another.
    """
    if device not in ("cpu", "cuda"):
        raise ValueError(f"device must be 'cpu' or 'cuda'; got {device!r}")
    ipython = root / "_build" / "ipython"
    ipython.mkdir(parents=True, exist_ok=True)
    fixed = {
        # The library of this tree, whatever else is installed.
        "PYTHONPATH": str(root / "lib"),
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        # A kernel or a start-up file of the user's own must not slip in.
        "JUPYTER_PREFER_ENV_PATH": "1",
        "IPYTHONDIR": str(ipython),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        # matplotlib writes the date into SVG files, unless told which.
        "SOURCE_DATE_EPOCH": "0",
    }
    if device == "cpu":
        fixed["CUDA_VISIBLE_DEVICES"] = ""
    return {**os.environ, **fixed}


def processor():
    """Name the processor, as well as the system knows it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def versions():
    """Return the versions of the packages that determine the numbers."""
    found = {}
    for name in REPORTED:
        try:
            # A local suffix such as +cpu says where a build came from, not what it computes.
            found[name] = version(name).partition("+")[0]
        except PackageNotFoundError:
            continue
    return found


def library_commit(root):
    """Return the last commit that touched ``lib/``; ``-dirty`` if it was changed since."""
    def git(*arguments):
        done = subprocess.run(("git", *arguments), cwd=root, capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        commit = git("log", "-1", "--format=%h", "--", "lib")
        return commit and commit + ("-dirty" if git("status", "--porcelain", "--", "lib") else "")
    except OSError:
        return ""
