"""Pin the environment: requirements.lock for pip, environment.yml for conda."""

import json
import re
import subprocess
import sys
import tomllib
import venv

# Not the book's business: the package itself, and the pip that installs it.
# CUDA libraries come with torch's own exact pins, and only where torch wants them.
LEFT_OUT = re.compile(r"(featlearn|pip|triton|nvidia-.*|cuda-.*)$")
PIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[0-9][0-9A-Za-z.]*")
PYTHON = "3.11"


def requirements(root):
    """Return what pyproject.toml asks for: runtime, book and test, as requirement strings."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf8"))["project"]
    return [*project["dependencies"],
            *(line for extra in project["optional-dependencies"].values() for line in extra)]


def read_lock(root):
    """Read requirements.lock.

    Returns
    -------
    list of str
        Its pins, ``name==version``.

    Raises
    ------
    ValueError
        If a line is not an exact pin.
    """
    pins = (root / "requirements.lock").read_text("utf8").splitlines()
    for pin in pins:
        if not PIN.fullmatch(pin):
            raise ValueError(f"requirements.lock: each line must be name==version; got {pin!r}")
    return pins


def frozen(installed):
    """Turn installed packages into sorted pins, free of where they came from.

    Parameters
    ----------
    installed : iterable of (str, str)
        Names and versions.

    Returns
    -------
    list of str

    Examples
    --------
    >>> frozen([("torch", "2.13.0+cpu"), ("pip", "23.2"), ("Sphinx", "7.4.7")])
    ['sphinx==7.4.7', 'torch==2.13.0']
    """
    names = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in installed}
    return [f"{name}=={version.partition('+')[0]}"
            for name, version in sorted(names.items()) if not LEFT_OUT.match(name)]


def resolve(root, torch=None):
    """Install pyproject's requirements in a fresh environment and return the pins.

    Parameters
    ----------
    root : pathlib.Path
        The repository.
    torch : str, optional
        Version of torch; the locked one if not given. Its newest build may be gigabytes,
        and stored results name the version, so it moves only when told to.
    """
    folder = root / "_build" / "lock"
    venv.create(folder, with_pip=True, clear=True)
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    held = [f"torch=={torch}"] if torch else [
        pin for pin in read_lock(root) if pin.startswith("torch==")]
    pip = [python, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", *held, *requirements(root)], check=True)
    listed = subprocess.run([*pip, "list", "--format", "json"], check=True,
                            capture_output=True, text=True).stdout
    return frozen((package["name"], package["version"]) for package in json.loads(listed))


def environment_yml(pins):
    """Return the conda environment with the same pins."""
    lines = "".join(f"      - {pin}\n" for pin in pins)
    return ("# Written by `make lock` from requirements.lock. After `conda env create`:\n"
            "# pip install --no-deps --no-build-isolation -e .\n"
            "name: featlearn\nchannels:\n  - conda-forge\ndependencies:\n"
            f"  - python={PYTHON}\n  - pip\n  - pip:\n{lines}")


def write(root, pins):
    """Write both files."""
    (root / "requirements.lock").write_text("\n".join(pins) + "\n", "utf8")
    (root / "environment.yml").write_text(environment_yml(pins), "utf8")
