"""Where a result came from: configuration, seeds, versions, machine, commit, date."""

import hashlib
import json
import math
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parents[3]
PACKAGES = ("numpy", "scipy", "torch", "xarray", "h5netcdf", "arviz", "featlearn")
RUN = ("versions", "device", "device_kind", "threads", "commit", "tree_clean")
SOURCES = ("lib", "requirements.lock")  # what tree_clean looks at: all that computes a result


def canonical(config):
    """JSON of a configuration with sorted keys; fractions as strings.

    Parameters
    ----------
    config : dict
        Of numbers, strings, booleans, None, lists, dicts with string keys, and
        Fractions. Floats are written with all their digits.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If a value has no such form; it names where the value stands.

    Examples
    --------
    >>> canonical({"d": 10, "beta": Fraction(1, 3), "kappa": 0.1})
    '{"beta": "1/3", "d": 10, "kappa": 0.1}'
    """
    if not isinstance(config, dict):
        raise ValueError(f"config = {config!r}: a dict is needed")
    return json.dumps(_plain(config, "config"), sort_keys=True, allow_nan=False)


def _plain(value, where):
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):  # JSON would turn 1 and "1" into the same key
                raise ValueError(f"{where} has the key {key!r}: strings are needed")
        return {key: _plain(item, f"{where}[{key!r}]") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where} = {value!r}: a finite number is needed")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    kind = type(value).__name__
    raise ValueError(f"{where} = {value!r} of type {kind}: plain values are needed")


def config_hash(config):
    """First 16 hexadecimal digits of the SHA-256 of the canonical configuration."""
    return hashlib.sha256(canonical(config).encode()).hexdigest()[:16]


def collect(config, *, device, dtype, seeds, wall_seconds=None):
    """Provenance as attributes for a netCDF file: strings and numbers only.

    It names no host, user or path.

    Parameters
    ----------
    config : dict
        Everything that determines the result.
    device : {"cpu", "cuda", "cuda:0", ...}
        Device that computed it.
    dtype : str
        Floating-point type of the computation.
    seeds : list or dict
        Every seed.
    wall_seconds : float, optional
        What the result cost. Without it the caller adds it before storing.

    Returns
    -------
    dict
        ``tree_clean`` says whether what ``tree_clean_scope`` lists was as committed
        when this was called: "true", "false", or "unknown" outside a checkout.

    Raises
    ------
    ValueError
        If ``config`` or ``seeds`` is not plain, or the device is of another kind.
    """
    kind = device.partition(":")[0]
    if kind not in ("cpu", "cuda"):
        raise ValueError(f"device = {device!r}: 'cpu' or 'cuda' is needed")
    found = _of_run(device) | {
        "config": canonical(config),
        "config_hash": config_hash(config),
        "seeds": json.dumps(_plain(seeds, "seeds"), sort_keys=True),
        "dtype": str(dtype),
        "tree_clean_scope": " ".join(SOURCES),
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if wall_seconds is not None:
        found["wall_seconds"] = float(wall_seconds)
    return found


def surroundings(gpu):
    """Attributes of one run: on what it was computed, and with which versions.

    Parameters
    ----------
    gpu : bool
        Whether it used a GPU if there was one.
    """
    torch = sys.modules.get("torch")
    return _of_run("cuda" if gpu and torch and torch.cuda.is_available() else "cpu")


def together(runs):
    """Attributes of several runs as one's: what differs is listed, separated by ``"; "``.

    Parameters
    ----------
    runs : list of mapping
        Each with what :func:`surroundings` gives.

    Returns
    -------
    dict
    """
    found = {key: _joined([run[key] for run in runs]) for key in RUN if key != "versions"}
    versions = [json.loads(run["versions"]) for run in runs]
    names = versions[0]
    merged = {name: _joined([v.get(name, "unknown") for v in versions]) for name in names}
    return found | {"versions": json.dumps(merged)}


def _joined(values):
    distinct = sorted(set(values), key=str)
    return distinct[0] if len(distinct) == 1 else "; ".join(map(str, distinct))


def _of_run(device):
    commit, clean = _commit()
    values = (
        json.dumps(_versions()),
        _device_name(device),
        device.partition(":")[0],
        _threads(),
        commit,
        clean,
    )
    return dict(zip(RUN, values, strict=True))


def _versions():
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            # Without the suffix of the build, which computes nothing else.
            found[name] = version(name).partition("+")[0]
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _threads():
    torch = sys.modules.get("torch")  # what did not load it was not computed by it
    return torch.get_num_threads() if torch else os.environ.get("OMP_NUM_THREADS", "unknown")


def _device_name(device):
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _commit():
    # In a hook git sets GIT_DIR and the like, which would name another repository.
    environment = {key: value for key, value in os.environ.items() if key[:4] != "GIT_"}

    def git(*arguments):
        command = ["git", "-C", str(ROOT), *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, check=True, env=environment
        ).stdout.strip()

    try:
        # An installed copy may lie in some other project's repository.
        if Path(git("rev-parse", "--show-toplevel")).resolve() != ROOT.resolve():
            return "unknown", "unknown"
        changed = git("status", "--porcelain", "--untracked-files=all", "--", *SOURCES)
        return git("rev-parse", "HEAD"), "false" if changed else "true"
    except (OSError, subprocess.CalledProcessError):  # no git, or not a checkout
        return "unknown", "unknown"
