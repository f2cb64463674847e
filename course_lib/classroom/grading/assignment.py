"""All that grading needs to know about one lesson's exercises. Part of grading; no lesson derives it.

Every exercise has three records (authoring.record): the public one, with the seed that students have; the rehearsal,
hidden probes included, with the same seed; and the secret one, with a seed that nobody has. Points of a public probe
need the first and the last. What a student is told of a hidden probe comes from the rehearsal alone.
"""

import ast
import json
import re
import secrets
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_lib.classroom.authoring.answers import answer_namespace
from course_lib.classroom.authoring.checks_files import load_lesson_checks
from course_lib.classroom.authoring.record import make_job, make_record
from course_lib.classroom.grading.folders import Folders, read_json, write_safely

CHECKS = re.compile(r"""^check\(\s*["'](\d\d\.\d+)["']""", re.MULTILINE)
NUMBER = re.compile(r"^answer-(\d\d)-(\d+)$")
HEADING = re.compile(r"^#+ +(?:\d\d\.\d+ · )?(.+?)(?: \(.*\))?$", re.MULTILINE)
INTO_THE_BOX = ("number", "function", "source", "probes", "forbidden", "seconds", "seed", "manner")


@dataclass
class Assignment:
    """A release notebook and the keys to it.

    public, rehearsal, secret: exercise number → record; cells: grade_id of a check cell → exercise number; parts:
    grade_id of any check or answer → number of the exercise or question it belongs to; by_hand: number of a question
    that a human grades → its title.
    """

    name: str
    release: NotebookNode
    public: dict[str, dict]
    rehearsal: dict[str, dict]
    secret: dict[str, dict]
    cells: dict[str, str] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    by_hand: dict[str, str] = field(default_factory=dict)

    @property
    def stages(self) -> list[dict]:
        """What the box is asked, in this order; holds no expected value and no mistake.

        Public probes come first, and the secret seed last: so nothing that is said before can depend on it.
        """
        asked = {number: record | {"probes": [probe for probe in record["probes"] if probe["hidden"]]}
                 for number, record in self.rehearsal.items()}
        jobs = [[{key: record[key] for key in INTO_THE_BOX} for record in records.values() if record["probes"]]
                for records in (self.public, asked, self.secret)]
        return [{"jobs": own, "imports": imports_of(own)} for own in jobs]

    def points(self, number: str) -> float:
        """What an exercise is worth."""
        return float(sum(probe["points"] for probe in self.secret[number]["probes"]))


def imports_of(jobs: list[dict]) -> list[str]:
    """Names of the modules that the probes of these jobs import or forbid something of, and nothing else of them.

    The box imports them once, before any cell: each probe has a process of its own, which would import torch anew.
    """
    found = {name.rpartition(".")[0] for job in jobs for name in job["forbidden"]}
    for source in {job["source"] for job in jobs}:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module)
    return sorted(found - {""})


def load_assignment(folders: Folders, name: str, *, new_seed: bool = False, to_grade: bool = True) -> Assignment:
    """Read the exercises of a lesson and run the reference answers with the batch's secret seed.

    to_grade: without it nothing runs and there are no records: enough for a table of what has been graded.
    Raises ValueError when the release has no check cell for an exercise, or gives points for anything else that runs.
    """
    source = folders.root / "solutions" / name
    release = nbformat.read(folders.root / "exercises" / name / f"{name}.ipynb", as_version=4)
    cells = {
        _marks(cell)["grade_id"]: found[1]
        for cell in release.cells
        if _marks(cell).get("grade") and not _marks(cell).get("solution") and (found := CHECKS.search(cell.source))
    }
    exercises, _ = load_lesson_checks(source)
    numbers = [exercise.number for exercise in exercises]
    if sorted(cells.values()) != sorted(numbers):
        checked = sorted(cells.values())
        raise ValueError(f"exercises/{name} checks {checked}, solutions/{name} defines {numbers}: build it again")
    parts, by_hand = _parts_of(release, cells)
    if not to_grade:
        return Assignment(name, release, {}, {}, {}, cells, parts, by_hand)
    answers, seed = answer_namespace(source / f"{name}.nb.py"), secret_seed(folders.settings(name), new=new_seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # wrong answers overflow and divide by zero
        rehearsal = {e.number: make_record(e, answers, seed=e.seed, hidden=True) for e in exercises}
        secret = {e.number: make_record(e, answers, seed=seed, hidden=True, mistakes=False) for e in exercises}
        public = {e.number: _public(e, rehearsal[e.number]) for e in exercises}
    return Assignment(name, release, public, rehearsal, secret, cells, parts, by_hand)


def _public(exercise, record):
    """The record without the hidden probes, as one makes it without them: all of it has been computed already."""
    probes = [dict(probe) for probe in record["probes"] if not probe["hidden"]]
    kept = lambda evidence: {probe["id"]: evidence[probe["id"]] for probe in probes}  # noqa: E731
    mistakes = [mistake | {"evidence": kept(mistake["evidence"])} for mistake in record["mistakes"]]
    source = make_job(exercise, hidden=False)["source"]
    return record | {"source": source, "probes": probes, "expected": kept(record["expected"]), "mistakes": mistakes}


def secret_seed(folder: Path, *, new: bool = False) -> int:
    """The seed of hidden numbers, kept in `folder` so that an interrupted batch goes on with the same."""
    path = folder / "seed.json"
    kept = read_json(path) or {}
    if new or not isinstance(kept.get("seed"), int):
        kept = {"seed": secrets.randbits(62)}
        write_safely(path, json.dumps(kept))
        path.chmod(0o600)
    return kept["seed"]


def _parts_of(release, cells):
    """(parts, by_hand) of an Assignment: an answer belongs to the check that follows it, or is graded by a human."""
    parts, by_hand, answers, title = {}, {}, [], ""
    for cell in release.cells:
        marks = _marks(cell)
        name = marks.get("grade_id")
        if cell.cell_type == "markdown" and not marks and (found := HEADING.findall(cell.source)):
            title = found[-1]
        if name in cells:
            parts |= dict.fromkeys([*answers, name], cells[name])
            answers = []
        elif marks.get("grade") and marks.get("solution"):
            number = ".".join(found.groups()) if (found := NUMBER.match(name)) else name
            parts[name], by_hand[number] = number, title or number
        elif marks.get("grade"):
            raise ValueError(f"the cell {name} gives points but calls no check, and nothing else is run for points")
        elif marks.get("solution"):
            answers.append(name)
    return parts, by_hand


def _marks(cell):
    return cell.metadata.get("nbgrader", {})
