"""The benchmark runs and prints its tables; inside it, the ids of all tokenizers are compared."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "tokenizer.py"


@pytest.mark.parametrize(
    ("options", "jobs"),
    [
        ([], [f"{job} {text}" for text in ("pydoc", "docstrings") for job in ("train", "encode", "encode")]),
        (["--large"], ["train on Python source"]),
    ],
)
def test_smoke(options, jobs, monkeypatch):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    done = subprocess.run([sys.executable, BENCHMARK, "--smoke", *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    machine, empty, *table = done.stdout.splitlines()
    assert f"Python {sys.version.split()[0]}" in machine and " core" in machine and empty == ""
    assert [row.split("|")[1].strip()[: len(job)] for row, job in zip(table[2:], jobs, strict=True)] == jobs
    assert {row.count("|") for row in table} == {table[0].count("|")}
