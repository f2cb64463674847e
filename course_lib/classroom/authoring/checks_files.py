"""Where a lesson's checks stand, and what they define. Part of the authors' tools; no lesson derives it.

    solutions/NN_name/checks/NN_1.py …    one exercise or open question a file, called after its number
    solutions/NN_name/checks.py           all of them in one file, for as long as that is short

A file stands for itself: what students receive is cut out of the file that defines the exercise
(course_lib.classroom.authoring.probe_source), so the helpers of an exercise stand there, too.
"""

import importlib.util
import sys
from pathlib import Path

from course_lib.classroom.checking.exercise import Exercise
from course_lib.classroom.checking.open_question import OpenQuestion

WHOLE, PARTS = "checks.py", "checks"


def checks_files(folder: Path) -> list[Path]:
    """The files of the checks in `solutions/NN_name`, by name; [] where there is neither a checks.py nor checks/.

    Raises ValueError when there are both, or when checks/ holds no file.
    """
    whole, parts = folder / WHOLE, folder / PARTS
    if not parts.is_dir():
        return [whole] if whole.is_file() else []
    if whole.exists():
        raise ValueError(f"{folder} has {WHOLE} and {PARTS}/; move what {WHOLE} defines into {PARTS}/, and delete it")
    if not (found := sorted(parts.glob("*.py"))):
        raise ValueError(f"{parts} holds no file, such as {folder.name[:2]}_1.py; write one, or delete the folder")
    return found


def load_lesson_checks(folder: Path) -> tuple[list[Exercise], list[OpenQuestion]]:
    """The exercises, each with the text of its file, and the open questions, in the order of their numbers.

    Runs the files of `solutions/NN_name`: they must be the course's own. Raises ValueError, with the file's name, when
    a file in checks/ does not define what it is called after and nothing else, when a number is given twice, when a
    file gives two functions one name, and when there is no exercise.
    """
    found = [one for path in checks_files(folder) for one in _defined_in(path, f"checks_of_{folder.name}")]
    found.sort(key=lambda one: [int(part) for part in one.number.split(".")])  # 07.10 stands after 07.9
    exercises = [one for one in found if isinstance(one, Exercise)]
    if not exercises:
        raise ValueError(f"{folder} defines no exercise in {WHOLE} or {PARTS}/; `course new-exercise` begins one")
    return exercises, [one for one in found if isinstance(one, OpenQuestion)]


def _defined_in(path, module):
    """The exercises and questions of one file; refused when they are not what its name promises."""
    text = path.read_text(encoding="utf-8")
    found = [value for value in _run(path, module).values() if isinstance(value, (Exercise, OpenQuestion))]
    numbers = [one.number for one in found]
    if path.name != WHOLE and numbers != [path.stem.replace("_", ".")]:
        what = " and ".join(numbers) or "no exercise and no open question"
        raise ValueError(f"{path} defines {what}; a file in {PARTS}/ defines one, its own: 07_2.py defines 07.2")
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"{path} defines {', '.join(numbers)}; each number must stand there once")
    exercises = [one for one in found if isinstance(one, Exercise)]
    ids = [part.id for e in exercises for part in (*e.probes, *e.properties, *e.mistakes)]
    if twice := sorted({one for one in ids if ids.count(one) > 1}):
        raise ValueError(f"{path} gives two functions the name {', '.join(twice)}; the second hides the first")
    for exercise in exercises:
        exercise.text = text
    return found


def _run(path, module):
    """The names that a file defines."""
    spec = importlib.util.spec_from_file_location(module, path)
    made = importlib.util.module_from_spec(spec)
    sys.modules[module] = made  # so that inspect and dataclasses find it
    try:
        spec.loader.exec_module(made)
    finally:
        del sys.modules[module]
    return vars(made)
