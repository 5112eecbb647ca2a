"""Where a result came from: configuration, seeds, versions, machine, commit, date."""

import hashlib
import json
import platform
import subprocess
from datetime import UTC, datetime
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

ROOT = Path(__file__).parents[3]
PACKAGES = ("numpy", "scipy", "torch", "xarray", "h5netcdf", "arviz", "featlearn")


def canonical(config):
    """JSON of a configuration with sorted keys; fractions as strings.

    Parameters
    ----------
    config : dict
        Of numbers, strings, booleans, None, lists, dicts and Fractions.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If a value has no such form.
    """

    def simplify(value):
        if isinstance(value, Fraction):
            return str(value)
        raise ValueError(f"config holds {value!r} of type {type(value).__name__}: plain values are needed")

    return json.dumps(config, sort_keys=True, default=simplify, allow_nan=False)


def config_hash(config):
    """First 16 hexadecimal digits of the SHA-256 of the canonical configuration."""
    return hashlib.sha256(canonical(config).encode()).hexdigest()[:16]


def collect(config, *, device, dtype, seeds):
    """Provenance as attributes for a netCDF file: strings and numbers only.

    Parameters
    ----------
    config : dict
        Everything that determines the result.
    device : {"cpu", "cuda"}
        Kind of device that computed it.
    dtype : str
        Floating-point type of the computation.
    seeds : list or dict
        Every seed.

    Returns
    -------
    dict
        ``tree_clean`` says whether lib/ and requirements.lock were as committed.
    """
    commit, clean = _commit()
    return {
        "config": canonical(config),
        "config_hash": config_hash(config),
        "seeds": json.dumps(seeds),
        "versions": json.dumps(_versions()),
        "device": _device_name(device),
        "device_kind": device,
        "dtype": dtype,
        "threads": torch.get_num_threads(),
        "commit": commit,
        "tree_clean": clean,
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _versions():
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name).partition("+")[0]  # a build suffix computes nothing else
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _device_name(device):
    if device.startswith("cuda"):
        return torch.cuda.get_device_name()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _commit():
    def git(*arguments):
        command = ["git", "-C", str(ROOT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", "lib", "requirements.lock")
        return git("rev-parse", "HEAD"), "false" if changed else "true"
    except (OSError, subprocess.CalledProcessError):  # no git, or not a checkout
        return "unknown", "unknown"
