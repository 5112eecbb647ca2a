"""One environment: pyproject.toml, requirements.lock, environment.yml and what is installed."""

from importlib.metadata import PackageNotFoundError, requires, version

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from _tools import lock
from _tools.chapters import ROOT

PINS = dict(pin.split("==") for pin in lock.read_lock(ROOT))


def test_lock_is_sorted_and_exact():
    assert list(PINS) == sorted(PINS)
    assert len(PINS) == len(lock.read_lock(ROOT))
    assert "featlearn" not in PINS


@pytest.mark.parametrize("wanted", lock.requirements(ROOT))
def test_lock_satisfies_pyproject(wanted):
    requirement = Requirement(wanted)
    assert PINS[canonicalize_name(requirement.name)] in requirement.specifier


def test_lock_holds_what_its_packages_require():
    missing = set()
    for name in PINS:
        for line in requires(name) or ():
            requirement = Requirement(line)
            needed = canonicalize_name(requirement.name)
            wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if wanted and not lock.LEFT_OUT.match(needed) and needed not in PINS:
                missing.add(f"{needed}, for {name}")
    assert missing == set()


def test_installed_is_what_is_locked():
    wrong = {}
    for name, pin in PINS.items():
        try:
            found = version(name).partition("+")[0]
        except PackageNotFoundError:
            found = None
        if found != pin:
            wrong[name] = (pin, found)
    assert wrong == {}


def test_conda_environment_is_the_lock():
    text = (ROOT / "environment.yml").read_text("utf8")
    assert text == lock.environment_yml(lock.read_lock(ROOT))
    python, pip, pinned = yaml.safe_load(text)["dependencies"]
    assert python == f"python={lock.PYTHON}" and pip == "pip"
    assert pinned["pip"] == lock.read_lock(ROOT)


@pytest.mark.parametrize(
    "line",
    [
        "numpy>=2",
        "torch==2.13.0+cpu",
        "-r other.txt",
        "",
        "package @ file:" + "//somewhere",
        "numpy==2.4.6 --hash=x",
    ],
)
def test_line_that_is_no_pin_is_refused(tmp_path, line):
    (tmp_path / "requirements.lock").write_text(f"scipy==1.17.1\n{line}\n")
    with pytest.raises(ValueError, match="name==version"):
        lock.read_lock(tmp_path)


def test_changed_lock_changes_conda_environment():
    pins = lock.read_lock(ROOT)
    assert lock.environment_yml(pins[1:]) != (ROOT / "environment.yml").read_text("utf8")
