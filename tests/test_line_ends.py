"""A clone on a machine whose git turns line ends into \\r\\n holds the same bytes, and loads what has checksums."""

import os
import subprocess
import sys

import pytest

READ_BY_BYTES = """
import sys
from pathlib import Path
import course_lib
from course_lib.lab.public_checks import read_checks
from course_lib.lab.widgets.training import Dashboard
from course_lib.training.pretrained import SHIPPED, load_pretrained

root = Path(sys.argv[1])
assert Path(course_lib.__file__).parents[1] == root, course_lib.__file__
for config in SHIPPED.glob("*/config.json"):
    model, tokenizer, *_ = load_pretrained(config.parent.name)
    print(config.parent.name, tokenizer.vocab_size)
print(len([read_checks(path) for path in root.glob("exercises/*/checks.json")]))
print(len([Dashboard.replay(path) for path in root.glob("runs/reference/*/metrics.jsonl")]))
"""


@pytest.fixture(scope="module")
def clone(repository, tmp_path_factory):
    """What `git clone -c core.autocrlf=true` makes of the last commit: git's way on most Windows machines."""
    folder = tmp_path_factory.mktemp("windows") / "clone"
    command = ["git", "clone", "-q", "-c", "core.autocrlf=true", repository.as_uri(), folder]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def test_no_text_has_other_line_ends(clone):
    listed = subprocess.run(["git", "ls-files", "--eol"], cwd=clone, capture_output=True, text=True, check=True).stdout
    lines = [line.split(maxsplit=3) for line in listed.splitlines()]
    assert len(lines) > 500 and [line[-1] for line in lines if line[1] not in ("w/lf", "w/-text", "w/none")] == []


def test_the_clone_is_clean(clone):
    command = ["git", "status", "--porcelain"]
    assert subprocess.run(command, cwd=clone, capture_output=True, text=True, check=True).stdout == ""


def test_the_shipped_model_the_checks_and_the_recorded_runs_load(clone):
    environment = os.environ | {"PYTHONPATH": str(clone)}
    done = subprocess.run([sys.executable, "-c", READ_BY_BYTES, clone], cwd=clone, env=environment,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *models, n_lessons, n_runs = done.stdout.splitlines()
    assert "small 1536" in models and int(n_lessons) >= 6 and int(n_runs) >= 1
