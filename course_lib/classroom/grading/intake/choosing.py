"""Which of the files that somebody handed in is the submission. Part of grading; no lesson derives it.

All notebooks are read, in archives as well. Of several attempts at one file the later counts, by the platform's own
number; then whichever holds the most answers: so the release as it was, an early copy and another lesson's notebook do
not stand in the way of the answers. Whenever there was something to choose, the notes say what was left.
"""

import difflib
import os
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode

from course_lib.classroom.grading.folders import read_json
from course_lib.classroom.grading.intake.archive import is_spare, notebooks
from course_lib.classroom.grading.intake.matching import bare
from course_lib.classroom.grading.intake.reading import Cell, Unreadable, read_cells, read_file, read_script
from course_lib.classroom.grading.intake.rebuilding import rebuild
from course_lib.classroom.grading.naming import attempt
from course_lib.classroom.grading.student_text import one_line, reason

MOST_READ = 30  # files
NAMED = 5


@dataclass
class Candidate:
    """A file that could be the submission. number: of the upload and of the attempt, larger is later."""

    called: str
    cells: list[Cell]
    notes: list[str] = field(default_factory=list)
    number: tuple[int, int] = (0, 0)
    answers: int = 0

    @property
    def family(self) -> str:
        """What its attempts have in common; another one's number means nothing beside it."""
        return attempt(self.called)[0].lower()


def read_submission(folder: Path, name: str, release: NotebookNode | None = None) -> tuple[list[Cell], list[str]]:
    """The cells of the notebook in `folder` that is graded as `name`; and notes for humans.

    Archives are looked into; a Python file counts as one cell, where no notebook holds an answer. `release` tells what
    an answer is. Raises Unreadable.
    """
    told = {one.get("file"): one for one in _receipt(folder)}
    here = sorted(one.name for one in os.scandir(folder) if one.is_file(follow_symlinks=False))
    here.sort(key=lambda file: -_resemblance(file, name))
    found: list[Candidate] = []
    problems: list[tuple[str, str]] = []
    for ending in (".ipynb", ".zip", ".py"):
        files = [file for file in here if file.lower().endswith(ending)]
        if ending == ".py" and files and found:
            _count(found, release)
            if not release or any(one.answers for one in found):
                break
        if len(files) > MOST_READ:
            problems.append((f"*{ending}", f"only {MOST_READ} of {len(files)} files were looked at"))
        more = []
        for file in files[:MOST_READ]:
            more += _read(folder / file, told.get(file) or {}, ending, problems)
        if ending == ".py" and found:
            _count(more, release)
            more = [one for one in more if one.answers]
        found += more
    if not found:
        raise Unreadable(_nothing(problems, folder))
    if len(found) > 1:
        _count(found, release)
    best = choose(found, name)
    notes = [*best.notes] if best.called == f"{name}.ipynb" else [*best.notes, f"the file was called {best.called}"]
    return best.cells, [*notes, *_left(best, found), *(f"{called}: {what}" for called, what in problems)]


def choose(found: list[Candidate], name: str) -> Candidate:
    """The latest attempt at each file, if it holds answers or no other does; of those, the one with most answers."""
    latest: dict[str, Candidate] = {}
    for one in sorted(found, key=lambda one: one.number):
        before = latest.get(one.family)
        if not before or one.answers or not before.answers:
            latest[one.family] = one

    def worth(one):
        same = one.family == f"{name}.ipynb".lower()
        return one.answers, not is_spare(one.called), same, _resemblance(one.called, name)

    return max(sorted(latest.values(), key=lambda one: one.called), key=worth)


def count_answers(cells: list[Cell], release: NotebookNode) -> int:
    """How many answers of the release a submission has changed."""
    given = {_name(cell): bare(cell.source) for cell in release.cells if _name(cell)}
    built, _ = rebuild(cells, release)
    return sum(bare(cell.source) != given[_name(cell)] for cell in built.cells if _name(cell))


def _count(found, release):
    for one in found if release else []:
        one.answers = count_answers(one.cells, release)


def _name(cell):
    marks = cell.metadata.get("nbgrader", {})
    return marks.get("grade_id") if marks.get("solution") else None


def _receipt(folder):
    files = (read_json(folder / "receipt.json", files=list) or {}).get("files", [])
    return [one for one in files if isinstance(one, dict)]


def _read(path, told, ending, problems):
    """The candidates in one file; what is wrong with it, to `problems`."""
    called = one_line(told.get("called") or path.name, 200)
    number = tuple(told.get("attempt") or (0, attempt(called)[1]))
    if told.get("spare"):
        problems.append((called, "this is what JupyterLab kept of a save: there was no other"))
    found, inside = [], []
    try:
        raw = read_file(path)
        for name, content in notebooks(raw, inside) if ending == ".zip" else [("", raw)]:
            notes = []
            try:
                cells = read_script(content, notes) if ending == ".py" else read_cells(content, notes)
            except Unreadable as error:
                inside.append(f"{name}: {error}" if name else str(error))
                continue
            found.append(Candidate(f"{called}/{name}" if name else called, cells, notes, number))
    except Unreadable as error:
        inside = ["; ".join([str(error), *inside])]
    except OSError as error:
        inside = [f"it cannot be opened ({reason(error)})"]
    problems += [(called, what) for what in inside]
    return found


def _nothing(problems, folder):
    """Why there is nothing to grade: of the file that is most like it, which comes first."""
    if problems:
        more = f" (and {len(problems) - 1} more that cannot be read)" if len(problems) > 1 else ""
        return (problems[0][1] if not more else ": ".join(problems[0])) + more
    links = any(one.is_symlink() for one in os.scandir(folder))
    return "there is no notebook in it" + (", only links to other files" if links else "")


def _left(best, found):
    """What was there beside it."""
    others = [one for one in found if one is not best]
    if not others:
        return []
    said = []
    for one in others[:NAMED]:
        earlier = one.family == best.family and one.number < best.number
        said.append(f"{one.called} ({_answers(one)}{', an earlier attempt' if earlier else ''})")
    more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
    return [f"{best.called} ({_answers(best)}) is graded, not {', '.join(said)}{more}"]


def _answers(one):
    return f"{one.answers} answers" if one.answers != 1 else "1 answer"


def _resemblance(called, name):
    last = called.rpartition("/")[2]
    return 2.0 if last == f"{name}.ipynb" else difflib.SequenceMatcher(None, last[:200], name).ratio()
