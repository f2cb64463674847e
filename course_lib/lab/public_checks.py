"""The public part of the checks, as data: `exercises/NN_name/checks.json`. Read by the checks of all lessons.

It holds the public probes' source, their seed, what they should return, and what known mistakes return, with each
mistake's name and hint: no wrong answer's code, no hidden probe, no solution. The builder writes it.
"""

import functools
import re
from pathlib import Path

from course_lib.json_file import read_json, require
from course_lib.lab.results import course_root

FILE = "checks.json"
AGAIN = "take it from the course again"


class NoChecks(Exception):
    """There are no checks for this exercise here; the message says where they were looked for."""


def load_checks(number: str) -> dict:
    """The record of exercise "12.1": a job with seed, hints, expected answers and known mistakes.

    Looked for in the current folder and above it, then in the course. Raises NoChecks.
    """
    if not isinstance(number, str):
        raise NoChecks(f'the number of an exercise stands in quotes: "{number}"')
    if not re.fullmatch(r"\d\d\.\d+", number):
        raise NoChecks(f"an exercise has a number such as 12.1, not {number!r}")
    lesson = number.partition(".")[0]
    for folder in (Path.cwd(), *Path.cwd().parents, course_root()):
        for path in (folder / FILE, *sorted(folder.glob(f"exercises/{lesson}_*/{FILE}"))):
            if not path.is_file():
                continue
            if record := read_checks(path)["exercises"].get(number):
                return record | {"folder": path.parent}
            if number in read_checks(path).get("questions", ()):
                raise NoChecks(f"{number} is an open question: a person reads your answer, there is nothing to run")
    raise NoChecks(f"there is no exercise {number} in exercises/{lesson}_…/{FILE}, seen from this folder or the course")


def read_checks(path: Path) -> dict:
    """A checks.json: {"format", "lesson", "exercises": {number: record}}. Raises NoChecks for another format."""
    found = path.stat()
    return _read(path, (found.st_mtime_ns, found.st_size))  # some disks keep time in whole seconds only


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
