"""npm packages: fetched once, whole or not at all; without a network the build goes on."""

import json
import re
import shutil

import pytest

from _tools import web
from _tools.chapters import ROOT

NOWHERE = "http://127.0.0.1:9"  # no service answers there


@pytest.fixture
def book(tmp_path):
    """A book with the real list of packages, and nothing fetched."""
    shutil.copytree(ROOT / "book" / "_web", tmp_path / "book" / "_web")
    return tmp_path


def fetching(monkeypatch, problem=None):
    """Replace npm by one that puts a package there, and fails if told to; count its calls."""
    calls = []

    def install(folder):
        calls.append(folder)
        (folder / "node_modules" / "one").mkdir(parents=True)
        return problem

    monkeypatch.setattr(web, "install", install)
    return calls


def test_packages_are_fetched_once(book, monkeypatch):
    calls = fetching(monkeypatch)
    target = web.packages(book)
    assert target == book / "_build" / "web" / "node_modules"
    assert (target / "one").is_dir()
    assert web.packages(book) == target and len(calls) == 1


def test_another_version_is_fetched_again(book, monkeypatch):
    calls = fetching(monkeypatch)
    web.packages(book)
    listed = book / "book" / "_web" / "package.json"
    listed.write_text(listed.read_text().replace("6.0.2", "6.0.1"))
    (web.packages(book) / "one" / "mark").touch()
    assert len(calls) == 2


def test_failure_is_said_and_leaves_nothing(book, monkeypatch, capsys):
    calls = fetching(monkeypatch, "no network")
    assert web.packages(book) is None
    said = capsys.readouterr().out
    assert "no calculator and no slides" in said and "no network" in said
    assert [path.name for path in (book / "_build").iterdir()] == []
    web.packages(book)
    assert len(calls) == 2  # tried again: the network may be back


def test_interrupted_fetch_is_not_taken_for_a_whole_one(book, monkeypatch):
    calls = fetching(monkeypatch)
    (book / "_build" / "web" / "node_modules").mkdir(parents=True)
    web.packages(book)
    assert len(calls) == 1


def test_npm_without_a_network_gives_a_reason(book, monkeypatch):
    monkeypatch.setenv("npm_config_registry", NOWHERE)
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    monkeypatch.setenv("npm_config_cache", str(book / "cache"))
    reason = web.install(book / "book" / "_web")
    assert reason and "\n" not in reason
    assert "ECONNREFUSED" in reason or "127.0.0.1" in reason


def test_missing_npm_gives_a_reason(book, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(web.sys, "executable", str(book / "python"))
    assert "npm" in web.install(book)


def test_versions_are_pinned_and_the_lock_names_no_address():
    """Names, versions and the hashes of what must come; nothing on where from."""
    folder = ROOT / "book" / "_web"
    asked = json.loads((folder / "package.json").read_text())
    pins = asked["dependencies"] | asked["devDependencies"]
    assert all(re.fullmatch(r"[\d.]+", version) for version in pins.values())
    locked = json.loads((folder / "package-lock.json").read_text())["packages"]
    for name, version in pins.items():
        assert locked[f"node_modules/{name}"]["version"] == version
    packages = [package for name, package in locked.items() if name]
    assert all(package["integrity"].startswith("sha512-") for package in packages)
    assert not any("resolved" in package for package in packages)
