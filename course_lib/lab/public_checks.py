"""The public part of the checks, as data: `exercises/NN_name/checks.json`. Read by the checks of all lessons.

It holds the public probes' source, their seed, what they should return, and what known mistakes return, with each
mistake's name and hint: no wrong answer's code, no hidden probe, no solution. The builder writes it.
"""

import functools
import os
import re
from pathlib import Path

from course_lib.doors.folders import above, course_root, current_folder, reason
from course_lib.doors.json_file import read_json, require

FILE = "checks.json"
AGAIN = "take it from the course again"


class NoChecks(Exception):
    """There are no checks for this exercise here; the message says where they were looked for."""


def load_checks(number: str) -> dict:
    """The record of exercise "12.1": a job with seed, hints, expected answers and known mistakes.

    Looked for in the current folder and above it, then in the course. A file of that name that is not one of ours,
    or cannot be read, is passed over, and named where there is no other. Raises NoChecks.
    """
    if not isinstance(number, str):
        raise NoChecks(f'the number of an exercise stands in quotes: "{number}"')
    if not re.fullmatch(r"\d\d\.\d+", number):
        raise NoChecks(f"an exercise has a number such as 12.1, not {number!r}")
    lesson = number.partition(".")[0]
    passed_over = {}
    for folder in (*above(current_folder()), course_root()):
        for path in (folder / FILE, *released(folder, f"{lesson}_*")):
            if not os.path.isfile(path):
                continue
            try:
                checks = read_checks(path)
            except NoChecks as error:
                passed_over[path] = str(error)
                continue
            if isinstance(record := checks["exercises"].get(number), dict):
                return record | {"folder": path.parent}
            if number in checks.get("questions", ()):
                raise NoChecks(f"{number} is an open question: a person reads your answer, there is nothing to run")
    where = f"there is no exercise {number} in exercises/{lesson}_…/{FILE}, seen from this folder or the course"
    raise NoChecks("; ".join([where, *(f"in {path.parent}, {why}" for path, why in passed_over.items())]))


def released(root: Path, lessons: str = "*") -> list[Path]:
    """The checks.json of the exercises below `root`, sorted; of a folder that cannot be read, none."""
    try:
        return sorted(root.glob(f"exercises/{lessons}/{FILE}"))
    except OSError:
        return []


def read_checks(path: Path) -> dict:
    """A checks.json: {"format", "lesson", "exercises": {number: record}}. Raises NoChecks for anything else."""
    try:
        found = path.stat()
        return _read(path, (found.st_mtime_ns, found.st_size))  # some disks keep time in whole seconds only
    except OSError as error:
        raise NoChecks(f"{path.name} cannot be read ({reason(error)})") from None


@functools.lru_cache(maxsize=8)
def _read(path, changed):
    try:
        data = read_json(path, "a file of checks", keys={"format": int}, way_out=AGAIN)
    except ValueError as error:
        raise NoChecks(str(error)) from None
    if data["format"] != 1:
        raise NoChecks(f"{path.name} has the format {data.get('format')}, this course reads 1: update the course")
    try:
        require(data, {"exercises": dict})
        require(data["exercises"], dict.fromkeys(data["exercises"], dict))
    except ValueError as error:
        raise NoChecks(f"{path} is damaged: {error}; {AGAIN}") from None
    return data
