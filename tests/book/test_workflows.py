"""The workflow files parse, ask for no right that they don't need, and call targets that exist."""

import re

import pytest
import yaml

from _tools.chapters import ROOT

FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text("utf8"), re.M))


def steps(workflow):
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def commands(workflow):
    """The lines that a workflow runs."""
    return [line for step in steps(workflow) for line in step.get("run", "").splitlines()]


def unknown_targets(workflow):
    called = [line.split()[1] for line in commands(workflow) if line.startswith("make ")]
    return [target for target in called if target not in TARGETS]


def rights(workflow):
    """Every right that a workflow or one of its jobs asks for."""
    asked = [workflow.get("permissions", "all")]
    asked += [job["permissions"] for job in workflow["jobs"].values() if "permissions" in job]
    return {(name, level) for one in asked for name, level in dict(one).items()}


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def workflow(request):
    return yaml.safe_load(request.param.read_text("utf8"))


def test_there_are_two():
    assert [path.stem for path in FILES] == ["pages", "rerun"]


def test_it_calls_targets_that_exist(workflow):
    assert commands(workflow) and unknown_targets(workflow) == []


def test_it_writes_nothing_to_the_repository(workflow):
    allowed = {("contents", "read"), ("pages", "write"), ("id-token", "write")}
    assert ("contents", "read") in rights(workflow) <= allowed


def test_its_steps_are_the_platforms_own_and_its_jobs_end(workflow):
    actions = [step["uses"] for step in steps(workflow) if "uses" in step]
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", action) for action in actions)
    assert all(job["timeout-minutes"] for job in workflow["jobs"].values())


def test_it_uses_the_python_of_the_book(workflow):
    versions = [step["with"]["python-version"] for step in steps(workflow) if "python" in str(step)]
    stated = re.search(r"requires-python = \">=(.*)\"", (ROOT / "pyproject.toml").read_text())[1]
    assert versions == [stated]


def test_the_twins_are_compared_before_they_are_made_anew():
    """After `make book` the tests would compare today's outputs with themselves."""
    again = yaml.safe_load((FOLDER / "rerun.yml").read_text("utf8"))
    order = [line for line in commands(again) if line.startswith("make ")]
    assert order.index("make test") < order.index("make book")


def test_only_rendered_pages_are_published():
    pages = yaml.safe_load((FOLDER / "pages.yml").read_text("utf8"))
    paths = [step["with"]["path"] for step in steps(pages) if "path" in step.get("with", {})]
    assert commands(pages) == ["make html"] and paths == ["_build/html"]
    assert pages["jobs"]["publish"]["needs"] == "render"


def test_a_target_that_does_not_exist_is_caught():
    made = {"jobs": {"one": {"steps": [{"run": "make book\nmake bok"}, {"uses": "x"}]}}}
    assert unknown_targets(made) == ["bok"]
