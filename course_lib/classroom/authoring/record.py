"""From exercises and the reference answers, what is expected: for the public checks and for the grader.

A *job* is what runs: probe source and settings, plain data without a single expected value. A *record* is a job with
the evidence of the reference answer and of each known mistake, from the same seed; it stays outside the sandbox. Used
for all lessons.
"""

import inspect
import json

from course_lib.classroom.authoring.further_runs import further_runs
from course_lib.classroom.authoring.probe_source import probe_source
from course_lib.classroom.authoring.variants import sizes_by_probe, variants
from course_lib.classroom.checking.arguments import rounded, whole
from course_lib.classroom.checking.asking import Asked
from course_lib.classroom.checking.examples import docstring_examples
from course_lib.classroom.checking.exercise import Exercise
from course_lib.classroom.checking.forbid import Watch
from course_lib.classroom.checking.known import RUNS, same_evidence, telling
from course_lib.classroom.checking.open_question import OpenQuestion
from course_lib.classroom.checking.probing import load_probes, run_probe, run_probes
from course_lib.classroom.checking.returned import form

Namespace = dict[str, object]


def make_job(exercise: Exercise, *, hidden: bool) -> dict:
    """What must run to judge an answer. `hidden`: with the hidden probes, too."""
    probes = [probe for probe in exercise.probes if hidden or not probe.hidden]
    fields = ("id", "name", "points", "hidden", "axes")
    asked = [{name: getattr(probe, name) for name in fields} for probe in probes]
    if hidden:
        asked += _rules(exercise)
    return {
        "number": exercise.number,
        "function": exercise.function,
        "title": exercise.title,
        "source": probe_source(exercise.text, [one["id"] for one in asked]),
        "probes": asked,
        "forbidden": exercise.forbidden,
        "seconds": exercise.seconds,
        "tolerance": exercise.tolerance,
        "integers": exercise.integers,
        "manner": {"changes": list(exercise.changes)},
    }


def make_record(exercise: Exercise, answers: Namespace, *, seed: int, hidden: bool, mistakes: bool = True) -> dict:
    """A job with what it should return, from the reference `answers`, and what each known mistake returns.

    hidden, mistakes: whether the hidden probes, and the known mistakes, are in it.

    The examples of the answer's docstring become public probes worth no points. The first public probe whose answer
    is the same for arrays of whole numbers as for the same numbers as floats is marked to be asked with them, too.
    Raises ValueError when the reference answer itself does not answer a probe.
    """
    job = make_job(exercise, hidden=hidden)
    answer = answers[exercise.function]
    job["manner"] |= {"arguments": _arguments(answer), "returns": _returned(job, answers, seed)}
    job["probes"] += _examples(answer)
    if takes := _takes_whole_numbers(job, answers, seed):
        takes["whole"] = True
    expected = run_probes(job, answers, seed=seed)
    for id, evidence in expected.items():
        if "error" in evidence:
            what = f"{evidence['type']}: {evidence['message']}"
            raise ValueError(f"{exercise.number} {id}: the solution fails with {what}")
    expected = {id: _kept(evidence) for id, evidence in expected.items()}
    known = [
        {"name": m.name, "hint": m.hint, "evidence": run_mistake(job, m.fn, answers, seed=seed, expected=expected)}
        for m in (exercise.mistakes if mistakes else ())
        if not m.memorised
    ]
    return job | {"seed": seed, "expected": expected, "mistakes": known}


def run_mistake(job: dict, fn: object, answers: Namespace, *, seed: int, expected: dict | None = None) -> dict:
    """Evidence of a wrong answer, without its lines and messages: its code stays at home.

    It may use what is forbidden to students: what counts is what it returns. What stands beside that counts only where
    all that students see would be right without.

    Args:
        answers: the other names of the notebook. expected: evidence of the right answer.
    """
    job, names = job | {"forbidden": []}, answers | {job["function"]: fn}
    evidence = run_probes(job, names, seed=seed, once=True)
    right = expected is not None and all(
        "value" in evidence[id] and same_evidence({"value": expected[id]["value"]}, evidence[id], job["tolerance"])
        for id in (probe["id"] for probe in job["probes"] if not probe["hidden"])
    )
    evidence = run_probes(job, names, seed=seed) if right else evidence
    return {id: _kept(one, beside=right) for id, one in evidence.items()}


def _kept(evidence, *, beside=True):
    if "value" not in evidence:
        return evidence | {"line": None, "message": ""}
    return {key: one for key, one in evidence.items() if key == "value" or beside and key in ("note", "whole")}


def _arguments(answer):
    try:
        return list(inspect.signature(answer).parameters)
    except (TypeError, ValueError):
        return []


def _returned(job, answers, seed):
    """The form of what the solution returns when the first probe calls it."""
    probe = next(one for one in job["probes"] if "ranges" not in one)
    asked = Asked(answers[job["function"]], {})
    run_probes(job | {"probes": [probe], "forbidden": [], "manner": {}}, answers | {job["function"]: asked}, seed=seed)
    return form(asked.returned)


def _examples(answer):
    return [
        {"id": f"example {number}", "name": f"the example in its docstring, {statements[-1]}", "points": 0.0,
         "hidden": False, "axes": "", "example": statements}
        for number, statements in enumerate(docstring_examples(answer.__doc__), start=1)
    ]


def _takes_whole_numbers(job, answers, seed):
    """The first public probe for which whole numbers make sense: the same answer whatever their type; or None."""
    for probe in job["probes"]:
        if not probe["hidden"] and "example" not in probe:
            fn = load_probes(job["source"], [probe["id"]])[probe["id"]]
            settings = {"seed": seed, "function": job["function"], "watch": Watch([]), "manner": job["manner"]}
            plain, floats, ints = (
                run_probe(fn, answers, probe["id"], **settings, silent=True, given=given)
                for given in (None, rounded, whole)
            )
            if all("value" in one for one in (plain, floats, ints)) and _finite(ints) >= _finite(plain):
                changed = not same_evidence(plain, floats, job["tolerance"])
                if changed and same_evidence(floats, ints, job["tolerance"]):
                    return probe
    return None


def _finite(evidence):
    return "NaN" not in (text := json.dumps(evidence["value"])) and "Infinity" not in text


def public_checks(lesson: str, exercises: list[Exercise], answers: Namespace) -> dict:
    """All that a student receives to check the exercises of one lesson, ready for `json`."""
    records = {}
    for exercise in exercises:
        record = make_record(exercise, answers, seed=exercise.seed, hidden=False)
        ids = [one.id for one in exercise.properties]
        ranges = [{"id": one.id, "name": one.name, "ranges": one.ranges} for one in exercise.properties]
        record |= _matching(exercise, record, answers)
        told = {name: getattr(exercise, name) for name in ("difficulty", "minutes", "hints", "solution")}
        properties = {"source": probe_source(exercise.text, ids), "list": ranges}
        records[exercise.number] = record | told | {"properties": properties}
    return {"format": 1, "lesson": lesson, "exercises": records}


def _matching(exercise, record, answers):
    """What helps to name what is wrong: sizes, right answers to other questions, further runs of some mistakes."""
    job, asked = record | {"manner": {}, "forbidden": []}, record | {"forbidden": []}  # asked: as a check asks again
    rules = _rules(exercise)
    jobs = [
        asked | {"probes": [one for one in job["probes"] if "example" not in one]},
        asked | {"source": probe_source(exercise.text, [one["id"] for one in rules]), "probes": rules},
    ]
    code = {mistake.name: mistake.fn for mistake in exercise.mistakes}
    mistakes = []
    for known in record["mistakes"]:
        n = RUNS - len(telling(record, known))
        runs = further_runs(jobs, answers, code[known["name"]], seed=exercise.seed, n=n) if n > 0 else []
        mistakes.append(known | ({"again": runs} if runs else {}))
    return {
        "mistakes": mistakes,
        "sizes": sizes_by_probe(job, answers, seed=exercise.seed),
        "variants": variants(job, answers, record["expected"], seed=exercise.seed),
    }


def _rules(exercise):
    """Rules as probes: in the notebook they are tried on other values (course_lib.classroom.checking.properties)."""
    return [
        {"id": rule.id, "name": rule.name, "points": rule.points, "hidden": True, "axes": "",
         "ranges": {name: list(ends) for name, ends in rule.ranges.items()}}
        for rule in exercise.properties
    ]


def public_questions(questions: list[OpenQuestion]) -> dict:
    """What a student's progress shows of the open questions; nothing where there are none."""
    told = ("title", "difficulty", "minutes", "points")
    found = {question.number: {name: getattr(question, name) for name in told} for question in questions}
    return {"questions": found} if found else {}
