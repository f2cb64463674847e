"""Keep a finished run for the lessons to replay: config, metrics, samples, and on what it was made.

    python tools/record_run.py runs/gpt runs/reference/small_cpu

Run it on the machine that trained. Weights stay where they are; numbers are kept to six digits.
"""

import argparse
import json
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from _machine import describe_machine  # noqa: E402

from course_lib.doors.json_file import read_json, read_lines  # noqa: E402
from course_lib.training.run_folder import find_checkpoint  # noqa: E402


def record(run: Path, out: Path) -> None:
    """Write config.json, metrics.jsonl, samples.jsonl, scores.json and machine.json into `out`."""
    checkpoint = find_checkpoint(run)
    out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(checkpoint / "config.json", out / "config.json")
    for name in ("samples.jsonl", "scores.json"):
        (out / name).unlink(missing_ok=True)  # of an earlier run: not this one's
        if (run / name).exists():
            shutil.copyfile(run / name, out / name)
    metrics = checkpoint / "metrics.jsonl"
    records = read_lines(metrics, "a record of a run", keys={"step": int, "seconds": float})
    short = [{key: float(f"{x:.6g}") if isinstance(x, float) else x for key, x in r.items()} for r in records]
    (out / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in short), encoding="utf-8", newline="\n")
    training = read_json(out / "config.json", "a checkpoint's config", keys={"training": dict})["training"]
    made = metrics.stat().st_mtime
    git = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    about = {"machine": describe_machine().rpartition(", ")[0], "device": training["device"],
             "threads": training["threads"], "seconds": round(records[-1]["seconds"]),
             "date": str(date.fromtimestamp(made)), "commit": git.stdout.strip()}
    (out / "machine.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    record(options.run, options.out)
