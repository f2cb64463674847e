"""The workflow of continuous integration says what pyproject.toml says, and calls what exists."""

import re
import tomllib

import pytest
import yaml

import course
from tools import pythons, run_tests

SYSTEMS = {"ubuntu-latest", "macos-latest", "windows-latest"}


@pytest.fixture(scope="module")
def jobs(repository):
    """Name → job, of .github/workflows/test.yml."""
    return yaml.safe_load((repository / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))["jobs"]


@pytest.fixture(scope="module")
def project(repository):
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def runs(job):
    return [step["run"] for step in job["steps"] if "run" in step]


def test_the_whole_suite_runs_on_linux(jobs, repository):
    assert runs(jobs["test"])[-1] == ".ci/run" and "--privileged" in jobs["test"]["container"]["options"]
    script = repository / ".ci" / "run"
    assert script.read_text(encoding="utf-8").rstrip().endswith("exec make test")
    assert "needs" not in jobs["student"] and "needs" not in jobs["test"], "each says on its own what fails"


def test_students_have_three_systems_and_every_python_that_is_promised(jobs, project):
    strategy = jobs["student"]["strategy"]
    assert strategy["fail-fast"] is False and set(strategy["matrix"]) == {"os", "python"}
    assert set(strategy["matrix"]["os"]) == SYSTEMS
    versions = strategy["matrix"]["python"]
    assert all(isinstance(version, str) for version in versions), "unquoted, 3.10 would be 3.1"
    promised = [c.rsplit(" ", 1)[1] for c in project["classifiers"] if re.search(r":: Python :: 3\.\d+$", c)]
    assert versions == promised
    assert project["requires-python"] == f">={versions[0]}"
    assert versions == [f"3.{minor}" for minor in range(pythons.OLDEST[1], pythons.NEWEST_TESTED[1] + 1)]


def test_the_job_uses_its_matrix(jobs):
    job = jobs["student"]
    assert job["runs-on"] == "${{ matrix.os }}"
    chosen = [step["with"]["python-version"] for step in job["steps"] if "setup-python" in step.get("uses", "")]
    assert chosen == ["${{ matrix.python }}"]


def test_what_students_are_tested_with_exists(jobs):
    commands = [re.fullmatch(r"python course\.py (\w+)(.*)", line) for line in runs(jobs["student"])]
    assert all(commands), "one command a step, and no shell: PowerShell and sh read other languages"
    assert [command[1] for command in commands] == ["setup", "doctor", "test"]
    assert {command[1] for command in commands} <= set(course.COMMANDS)
    assert commands[-1][2].split() == ["--student"] and "--student" in run_tests.__doc__


def test_skips_follow_the_students_rule(jobs):
    """With CI=true, which the runner sets, a skip is a failure; a student has neither Chromium nor bubblewrap."""
    assert jobs["student"]["env"]["CI"] == "false" and "env" not in jobs["test"]
