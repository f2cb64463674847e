"""The student's results: one row a lesson, from which all lessons draw the course's one curve.

Rows are lines of JSON in `work/results.jsonl` (COURSE_WORK moves `work/`). Under COURSE_HEADLESS=1 curves and
maps are drawn from the recorded rows in `runs/reference/results.jsonl`, so that stored pictures do not depend
on who built them.
"""

import contextlib
import json

from course_lib.doors.folders import FolderError, course_root, make_work_folder, work_folder
from course_lib.doors.json_file import read_lines
from course_lib.doors.settings import plain
from course_lib.doors.terminal import say
from course_lib.lab.progress import headless

FIELDS = {"lesson": str, "model": str, "corpus": str, "parameters": int, "tokens": int, "seconds": float,
          "bits_per_byte": float}


def record_result(*, lesson: str, model: str, corpus: str, parameters: int, tokens: int, seconds: float,
                  bits_per_byte: float) -> dict:
    """Append one row to the results file and return it. Where it cannot be written, that is printed, not raised.

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
    try:
        with open(make_work_folder() / "results.jsonl", "a", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    except OSError as error:
        say(f"(this result could not be kept: {error})")
    return row


def load_results() -> list[dict]:
    """The newest row of each (lesson, model, corpus) in the order of lessons; recorded rows fill the gaps.

    A line that is not a row (a half-written last line, say) is skipped: results are a diary, not a database.
    """
    rows = {}
    for file in _files():
        with contextlib.suppress(OSError):
            for row in read_lines(file, "a row of results", keys=FIELDS, skip=True):
                rows[row["lesson"], row["model"], row["corpus"]] = {name: row[name] for name in FIELDS}
    return [rows[key] for key in sorted(rows)]


def _files():
    """The recorded rows, then the student's own, where they can be had."""
    files = [course_root() / "runs" / "reference" / "results.jsonl"]
    with contextlib.suppress(FolderError):
        files += [] if headless() else [work_folder() / "results.jsonl"]
    return files
