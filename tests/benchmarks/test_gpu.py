"""The GPU's benchmark at toy sizes: every line is printed and recorded."""

import json
import os
import subprocess
import sys
from pathlib import Path

import torch

from course_lib.training.ladder import RUNGS, read_ladder

ROOT = Path(__file__).parents[2]
BENCHMARK = ROOT / "benchmarks" / "gpu.py"


def run(out, *options):
    command = [sys.executable, BENCHMARK, "--smoke", "--out", out, *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout, [json.loads(line) for line in out.read_text().splitlines()]


def test_smoke(tmp_path):
    printed, lines = run(tmp_path / "gpu.jsonl")
    names = [rung.name for rung in RUNGS]
    assert [line["name"] for line in lines if line["kind"] == "rung"] == names[::-1], "the last one first"
    assert [line["kind"] for line in lines[:6]] == ["machine", "ceilings", "rung", "preset", "preset", "rung"]
    assert [line["kind"] for line in lines if line["kind"] != "rung"][4:] == ["ladder", "decode", "decode"]
    assert not [line for line in lines if "error" in line]
    for line in lines[2:]:
        assert line["kind"] == "ladder" or line["tokens_per_second"] > 0 and f"| {line['name']} | " in printed
    rungs = read_ladder(lines)
    assert [line["name"] for line in rungs] == names and rungs[0]["times_the_first"] == 1
    assert all(0 < line["mfu_measured"] < 2 for line in rungs)
    ladder = next(line for line in lines if line["kind"] == "ladder")
    assert ladder["times_the_first"] == rungs[-1]["times_the_first"] and list(ladder["first_losses"]) == names
    assert 0 <= ladder["apart"] < 0.02, "every rung begins with the same weights and the same text"
    assert {"cuda", "cudnn", "driver"} < set(lines[0])


def test_what_comes_too_late_is_left_out_and_said(tmp_path):
    printed, lines = run(tmp_path / "gpu.jsonl", "--minutes", "0")
    measured = [line for line in lines[2:] if line["kind"] != "ladder"]
    assert {line.get("error") for line in measured} == {"left out: no time"}
    assert printed.count("left out: no time") == len(measured) == len(RUNGS) + 4
    assert "not to be compared" in printed


def record(out, minutes, python=sys.executable):
    environment = os.environ | {"GPU_RECORD_SMOKE": "1", "PYTHON": str(python)}
    command = ["sh", ROOT / "tools" / "gpu_record.sh", out, str(minutes)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)
    return done, [json.loads(line) for line in (out / "steps.jsonl").read_text().splitlines()]


def test_the_whole_record_is_made_by_one_script(tmp_path):
    done, steps = record(tmp_path / "out here", 9)
    assert [step["step"] for step in steps] == ["smoke", "benchmark", "tests"]
    assert [step["status"] for step in steps[:2]] == [0, 0], done.stdout
    for name in ("smoke", "gpu"):
        lines = [json.loads(line) for line in (tmp_path / "out here" / f"{name}.jsonl").read_text().splitlines()]
        assert len(read_ladder(lines)) == len(RUNGS)
    assert "skipped" in (tmp_path / "out here" / "tests.txt").read_text() or torch.cuda.is_available()


def test_the_record_ends_in_time_with_what_it_has(tmp_path):
    hangs = tmp_path / "hangs"
    hangs.write_text("#!/bin/sh\nexec sleep 300\n", encoding="utf-8", newline="\n")
    hangs.chmod(0o755)
    done, steps = record(tmp_path, 0.2, hangs)
    assert done.returncode == 1 and [step["step"] for step in steps] == ["smoke", "benchmark", "tests"]
    assert steps[0]["status"] == 124 and steps[2]["status"] == "left out", "the first is ended, the last not begun"
    assert sum(step["seconds"] for step in steps) < 60
