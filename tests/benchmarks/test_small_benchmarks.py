"""Each benchmark runs in smoke size and prints its table."""

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize("name, rows", [
    ("text", ["story world", "n-grams", "a batch"]),
    ("grading", ["first check of a session", "check by examples", "check by examples and rules"]),
    ("train_cpu", ["5-gram", "`baseline_tiny`", "`tiny`, to", "`tiny`, the same", "`tiny`, 0.01", "milliseconds a step",
                   "---", "`baseline_tiny`", "`tiny`"]),
    ("widgets", ["one figure", "lesson 07", "dashboard", "dashboard", "next token", "next token", "map"]),
    ("generate", ["`baseline_tiny`", "`baseline_tiny`", "`tiny`"]),
    ("main_job", ["`tiny` on", "---", "unigram", "6-gram", "GPT (this run)"]),
])
def test_smoke(name, rows):
    done = subprocess.run([sys.executable, FOLDER / f"{name}.py", "--smoke"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    machine, *lines = done.stdout.splitlines()
    table = [line.split("|")[1].strip() for line in lines if line.startswith("|")]
    assert "Python" in machine
    assert all(cell.startswith(row) for cell, row in zip(table[-len(rows):], rows, strict=True)), table
