"""The GPU's benchmark at toy sizes: every line is printed and recorded."""

import json
import subprocess
import sys
from pathlib import Path

from course_lib.training.ladder import RUNGS

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "gpu.py"


def run(out, *options):
    command = [sys.executable, BENCHMARK, "--smoke", "--out", out, *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout, [json.loads(line) for line in out.read_text().splitlines()]


def test_smoke(tmp_path):
    printed, lines = run(tmp_path / "gpu.jsonl")
    assert [line["name"] for line in lines if line["kind"] == "rung"] == [rung.name for rung in RUNGS]
    assert [line["kind"] for line in lines if line["kind"] != "rung"] == [
        "machine", "ceilings", "preset", "preset", "decode", "decode"]
    assert not [line for line in lines if "error" in line]
    for line in lines[2:]:
        assert line["tokens_per_second"] > 0 and f"| {line['name']} | " in printed
    rungs = [line for line in lines if line["kind"] == "rung"]
    assert rungs[0]["times_the_first"] == 1 and all(0 < line["mfu_measured"] < 2 for line in rungs)


def test_what_comes_too_late_is_left_out_and_said(tmp_path):
    printed, lines = run(tmp_path / "gpu.jsonl", "--minutes", "0")
    assert {line.get("error") for line in lines[2:]} == {"left out: no time"}
    assert printed.count("left out: no time") == len(lines) - 2 == len(RUNGS) + 4
