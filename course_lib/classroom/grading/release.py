"""What students get: the course with the chosen exercises, without answers. Part of grading; no lesson derives it.

The archive holds no `solutions/`, no hidden probe, no gradebook and no `work/`; before it is written, every exercise
file is searched for the lines of every answer and hidden probe.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path

from course_lib.classroom.authoring.checks_files import load_lesson_checks
from course_lib.classroom.authoring.leaks import leaks
from course_lib.doors.json_file import read_json

FOLDERS = ("course_lib", "notebooks", "runs/reference", "tools")
NEVER = ("__pycache__", ".ipynb_checkpoints", ".nbgrader")
NOT_OURS = (".git", ".part", ".venv")
DATE = (2020, 1, 1, 0, 0, 0)  # the same course gives the same archive


def release(root: Path, names: list[str], out: Path, *, with_solutions: bool = False) -> list[str]:
    """Write the archive `out` for the lessons `names`; returns the names of its files.

    Raises ValueError, and writes nothing, when a line of an answer or of a hidden probe would go along.
    """
    files = sorted({path.relative_to(root).as_posix() for path in _files(root, names, with_solutions)})
    if not with_solutions and (told := told_by(root, names)):
        raise ValueError("the release would tell: " + "; ".join(told[:5]))
    part = out.with_name(out.name + ".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            entry = zipfile.ZipInfo(f"{out.stem}/{file}", DATE)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, (root / file).read_bytes())
    part.replace(out)
    return files


def told_by(root: Path, names: list[str]) -> list[str]:
    """Lines of answers, wrong answers and hidden probes that stand in an exercise's files; one message each."""
    told = []
    for name in names:
        source = root / "solutions" / name
        notebook = (source / f"{name}.nb.py").read_text(encoding="utf-8")
        exercises, _ = load_lesson_checks(source)
        for path in sorted((root / "exercises" / name).glob("*")):
            strings = list(_strings(path))
            told += [f"{path.relative_to(root)} holds {line!r}" for line in leaks(notebook, exercises, strings)]
    return told


def _strings(path) -> Iterator[str]:
    """Every text in a file: of JSON, notebooks included, the strings; of others, all of it."""
    if path.suffix in (".json", ".ipynb"):
        waiting = [read_json(path, "JSON", way_out="build it again")]
    else:
        waiting = [path.read_text(encoding="utf-8", errors="replace")]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, (dict, list)):
            waiting += one.values() if isinstance(one, dict) else one


def _files(root, names, with_solutions) -> Iterator[Path]:
    yield from (path for path in root.iterdir() if path.is_file() and not path.name.startswith(NOT_OURS))
    folders = [*FOLDERS, *(f"exercises/{name}" for name in names)]
    folders += [f"solutions/{name}" for name in names] if with_solutions else []
    for folder in folders:
        for path in (root / folder).rglob("*"):
            if path.is_file() and not path.is_symlink() and not set(NEVER) & set(path.parts):
                yield path
