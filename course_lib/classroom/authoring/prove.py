"""Proof that a lesson's checks do what they promise. Part of the authors' tools; no lesson derives it.

The solution must get everything, the untouched stub nothing, and each wrong answer of the gallery must fail, be
recognised by its own name, and fail the hidden probes, too. What a check does not catch, students will find.
"""

import doctest
import inspect
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from course_lib.classroom.authoring.record import make_record, run_mistake
from course_lib.classroom.authoring.ways_round import WAYS, answer_with
from course_lib.classroom.checking.diagnose import diagnose
from course_lib.classroom.checking.exercise import HINTS, Exercise, Forbid, Mistake
from course_lib.classroom.checking.forbid import resolve
from course_lib.classroom.checking.known import run_again
from course_lib.classroom.checking.open_question import OpenQuestion
from course_lib.classroom.checking.probing import run_probes
from course_lib.classroom.checking.properties import first_broken

SEEDS = (20_260_101, 20_260_102)  # stand for the grader's secret ones
MISTAKES = 4
ZERO = re.compile(r"\bsums? to (zero|0)\b")
OPENS = ("after three tries", "always", "never")


@dataclass(frozen=True)
class Row:
    """One line of the table: what an exercise has, and how many of its wrong answers are caught as they should be."""

    number: str
    public: int
    hidden: int
    wrong_answers: int
    killed: int


def prove(exercise: Exercise, answers: dict, stubs: dict, public: dict) -> tuple[Row, list[str]]:
    """The exercise's row and everything that is wrong with it, a line each.

    Args:
        answers: the names of the solution; stubs: the same as a student receives them.
        public: the exercise's record as released (course_lib.classroom.authoring.record.public_checks).
    """
    found = list(_complete(exercise))
    record = make_record(exercise, answers, seed=SEEDS[0], hidden=True)
    other = make_record(exercise, answers, seed=SEEDS[1], hidden=True, mistakes=False)
    found += _solution(exercise, record, other, answers, public)
    found += _stub(exercise, record, stubs, public)
    survivors = [list(_mistake(exercise, mistake, record, public, answers)) for mistake in exercise.mistakes]
    ways = [(forbid, way) for forbid in exercise.forbids for way in WAYS]
    survivors += [list(_forbidden(exercise, forbid, way, record, answers)) for forbid, way in ways]
    found += [line for lines in survivors for line in lines]
    found += [*_rules(exercise, answers, public), *_docstring(exercise, answers)]
    hidden = sum(probe.hidden for probe in exercise.probes)
    counts = (len(exercise.probes) - hidden, hidden, len(survivors), sum(not lines for lines in survivors))
    return Row(exercise.number, *counts), [f"{exercise.number}: {line}" for line in found]


def prove_question(question: OpenQuestion) -> list[str]:
    """What an open question lacks, a line each."""
    found = list(_described(question))
    if not question.rubric or not all(points > 0 and what for points, what in question.rubric):
        found.append("give it a rubric: (points, what they are given for), each worth more than nothing")
    return [f"{question.number}: {line}" for line in found]


def table(rows: list[Row]) -> str:
    """The rows as text, with a kill rate at the end."""
    lines = [f"{'exercise':<9}{'public':>8}{'hidden':>8}{'wrong answers':>15}{'killed':>8}"]
    lines += [f"{r.number:<9}{r.public:>8}{r.hidden:>8}{r.wrong_answers:>15}{r.killed:>8}" for r in rows]
    killed, wrong = sum(row.killed for row in rows), sum(row.wrong_answers for row in rows)
    return "\n".join([*lines, f"killed: {killed} of {wrong} wrong answers"])


def _described(exercise: Exercise | OpenQuestion) -> Iterator[str]:
    if exercise.difficulty not in range(1, 6):
        yield f"difficulty={exercise.difficulty}; say 1 to 5"
    if not exercise.minutes > 0 or not exercise.title:
        yield "give it a title and its minutes"


def _complete(exercise: Exercise) -> Iterator[str]:
    yield from _described(exercise)
    if len(exercise.hints) != HINTS or not all(exercise.hints):
        yield f"{len(exercise.hints)} hints; it needs {HINTS}"
    if len(exercise.mistakes) < MISTAKES:
        yield f"{len(exercise.mistakes)} wrong answers in the gallery; it needs at least {MISTAKES}"
    if exercise.solution not in OPENS:
        yield f"solution={exercise.solution!r}; say one of {', '.join(OPENS)}"
    if {probe.hidden for probe in exercise.probes} != {True, False}:
        yield "it needs public probes and hidden ones"


def _solution(exercise, record, other, answers, public):
    notes = [evidence["note"] for evidence in record["expected"].values() if "note" in evidence]
    changed = {note["about"]: note["message"] for note in notes if note["kind"] == "changed"}
    for name, message in changed.items():
        yield f"the solution is refused: {message}. If it is to change, say changes=({name!r},)"
    again = run_probes(record, answers, seed=record["seed"])
    if len(notes) > len(changed) or not changed and not diagnose(record, again).correct:
        yield "the solution does not give the same answer twice"
    if not diagnose(public, run_probes(public, answers, seed=public["seed"])).correct:
        yield "the solution does not pass its own public probes"
    for probe in exercise.probes:
        if probe.hidden and record["expected"][probe.id] == other["expected"][probe.id]:
            yield f"hidden probe {probe.id} has one answer for every seed: it can be guessed; draw from rng"


def _stub(exercise, record, stubs, public):
    for one in (record, public):
        outcome = diagnose(one, run_probes(one, stubs, seed=one["seed"]))
        if (outcome.kind, outcome.points) != ("not started", 0.0):
            yield f"the untouched stub is '{outcome.kind}' with {outcome.points:g} points"
            return


def _mistake(exercise: Exercise, mistake: Mistake, record: dict, public: dict, answers: dict) -> Iterator[str]:
    ns = answers | {exercise.function: mistake.fn}
    asked = {(one["name"], one["hint"]): one["evidence"] for one in record["mistakes"]}
    evidence = asked.get((mistake.name, mistake.hint)) or run_mistake(record, mistake.fn, answers, seed=record["seed"])
    passed = diagnose(record | {"mistakes": []}, evidence).passed
    if all(probe.id in passed for probe in exercise.probes if probe.hidden):
        yield f"'{mistake.name}' passes every hidden probe"
    allowed = public | {"forbidden": []}
    outcome = diagnose(public, run_probes(allowed, ns, seed=public["seed"]), run_again(allowed, ns))
    if mistake.memorised:
        return
    if outcome.correct:
        yield f"'{mistake.name}' passes every public probe; is it memorised=True?"
    elif outcome.hint != mistake.hint:
        yield f"'{mistake.name}' is taken for '{outcome.mistake or outcome.message}'"


def _forbidden(exercise: Exercise, forbid: Forbid, way: str, record: dict, answers: dict) -> Iterator[str]:
    try:
        resolve(forbid.name)
    except ValueError as error:
        yield str(error)
        return
    ns = answers | {exercise.function: answer_with(forbid, way)}
    outcome = diagnose(record, run_probes(record, ns, seed=record["seed"]))
    if outcome.kind != "forbidden" or outcome.points:
        yield f"an answer that calls {forbid.name} {way} is '{outcome.kind}' with {outcome.points:g} points"
    if forbid.exact and way == "by its name":
        values = {id: {"value": said["value"]} for id, said in record["expected"].items()}
        free = record | {"forbidden": [], "expected": values}  # an oracle need not take whole numbers
        allowed = diagnose(free, run_probes(free, ns, seed=record["seed"]))
        if not allowed.correct:
            yield f"{forbid.name} disagrees with the solution: {allowed.message}"


def _rules(exercise, answers, public):
    """Every property holds for the solution, and some wrong answer breaks it."""
    if broken := first_broken(public, answers):
        yield f"the solution breaks a rule: {broken}"
        return
    for rule in public["properties"]["list"]:
        alone = public | {"properties": public["properties"] | {"list": [rule]}, "forbidden": []}
        if not any(first_broken(alone, {exercise.function: mistake.fn}) for mistake in exercise.mistakes):
            yield f"no wrong answer breaks the rule '{rule['name']}': it may say nothing"
        code = next(one for one in exercise.properties if one.id == rule["id"]).fn
        lowest = {name: low for name, (low, _) in rule["ranges"].items()}
        if ZERO.search(rule["name"]) and not _zeros(code(answers, **lowest)[1]):
            yield f"the rule '{rule['name']}' compares with something else than 0: students would read that"


def _zeros(wanted):
    parts = [wanted] if not isinstance(wanted, (tuple, list)) else wanted
    return any(not np.any(np.asarray(part)) for part in parts)


def _docstring(exercise, answers):
    """The examples of the docstring are true."""
    answer = answers[exercise.function]
    test = doctest.DocTestParser().get_doctest(answer.__doc__ or "", dict(answers), exercise.function, None, 0)
    said = io.StringIO()
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=said.write)
    if said.getvalue():
        yield f"its docstring's example is not true: {' '.join(said.getvalue().split())[:300]}"
    if unknown := set(exercise.changes) - set(inspect.signature(answer).parameters):
        yield f"changes={exercise.changes}, but {exercise.function} has no {', '.join(sorted(unknown))}"
