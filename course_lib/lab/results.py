"""The student's results: one row a lesson, from which all lessons draw the course's one curve.

Rows are lines of JSON in `work/results.jsonl` (COURSE_WORK moves `work/`). Under COURSE_HEADLESS=1 curves and
maps are drawn from the recorded rows in `runs/reference/results.jsonl`, so that stored pictures do not depend
on who built them.
"""

import json
import os
from pathlib import Path

from course_lib.json_file import read_lines
from course_lib.lab.progress import headless
from course_lib.settings import plain

FIELDS = {"lesson": str, "model": str, "corpus": str, "parameters": int, "tokens": int, "seconds": float,
          "bits_per_byte": float}


def course_root() -> Path:
    """The folder that holds `notebooks/`: found from the package, else from the current folder upwards."""
    here = Path(__file__).resolve().parents[2]
    for folder in (here, Path.cwd(), *Path.cwd().parents):
        if (folder / "notebooks").is_dir():
            return folder
    return Path.cwd()


def work_folder() -> Path:
    """Where the student's own files live: COURSE_WORK, or `work/` in the course. Made when missing."""
    folder = Path(os.environ.get("COURSE_WORK") or course_root() / "work")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def record_result(*, lesson: str, model: str, corpus: str, parameters: int, tokens: int, seconds: float,
                  bits_per_byte: float) -> dict:
    """Append one row to the results file and return it.

    Args:
        lesson: two digits, e.g. "12".
        model: what was measured, e.g. "GPT tiny".
        corpus: the text it was measured on; rows of different corpora do not share a curve.
        parameters: number of trained numbers (for a counting model: of stored counts).
        tokens: how many tokens it has seen in training.
        seconds: how long that took.
        bits_per_byte: held-out bits a byte of text.
    """
    given = zip(FIELDS.items(), (lesson, model, corpus, parameters, tokens, seconds, bits_per_byte), strict=True)
    row = {name: plain(name, value, kind) for (name, kind), value in given}
    row |= {"seconds": round(row["seconds"], 1), "bits_per_byte": round(row["bits_per_byte"], 4)}
    with (work_folder() / "results.jsonl").open("a", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return row


def load_results() -> list[dict]:
    """The newest row of each (lesson, model, corpus) in the order of lessons; recorded rows fill the gaps.

    A line that is not a row (a half-written last line, say) is skipped: results are a diary, not a database.
    """
    files = [course_root() / "runs" / "reference" / "results.jsonl"]
    if not headless():
        files.append(work_folder() / "results.jsonl")
    rows = {}
    for file in files:
        for row in read_lines(file, "a row of results", keys=FIELDS, skip=True) if file.exists() else ():
            rows[row["lesson"], row["model"], row["corpus"]] = {name: row[name] for name in FIELDS}
    return [rows[key] for key in sorted(rows)]
