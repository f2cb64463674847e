"""From exercises and the reference answers, what is expected: for the public checks and for the grader.

A *job* is what runs: probe source and settings, plain data without a single expected value. A *record* is a job with
the evidence of the reference answer and of each known mistake, from the same seed; it stays outside the sandbox. Used
for all lessons.
"""

from course_lib.classroom.authoring.further_runs import further_runs
from course_lib.classroom.authoring.probe_source import probe_source
from course_lib.classroom.authoring.variants import sizes_by_probe, variants
from course_lib.classroom.checking.exercise import Exercise
from course_lib.classroom.checking.known import RUNS, telling
from course_lib.classroom.checking.open_question import OpenQuestion
from course_lib.classroom.checking.probing import run_probes

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
    }


def make_record(exercise: Exercise, answers: Namespace, *, seed: int, hidden: bool) -> dict:
    """A job with what it should return, from the reference `answers`, and what each known mistake returns.

    Raises ValueError when the reference answer itself does not answer a probe.
    """
    job = make_job(exercise, hidden=hidden)
    expected = run_probes(job, answers, seed=seed)
    for id, evidence in expected.items():
        if "error" in evidence:
            what = f"{evidence['type']}: {evidence['message']}"
            raise ValueError(f"{exercise.number} {id}: the solution fails with {what}")
    mistakes = [
        {"name": m.name, "hint": m.hint, "evidence": run_mistake(job, m.fn, seed=seed)}
        for m in exercise.mistakes
        if not m.memorised
    ]
    return job | {"seed": seed, "expected": expected, "mistakes": mistakes}


def run_mistake(job: dict, fn: object, *, seed: int) -> dict:
    """Evidence of a wrong answer, without its lines and messages: its code stays at home.

    It may use what is forbidden to students: what counts is what it returns.
    """
    evidence = run_probes(job | {"forbidden": []}, {job["function"]: fn}, seed=seed)
    return {id: one if "value" in one else one | {"line": None, "message": ""} for id, one in evidence.items()}


def public_checks(lesson: str, exercises: list[Exercise], answers: Namespace) -> dict:
    """All that a student receives to check the exercises of one lesson, ready for `json`."""
    records = {}
    for exercise in exercises:
        record = make_record(exercise, answers, seed=exercise.seed, hidden=False)
        ids = [one.id for one in exercise.properties]
        ranges = [{"id": one.id, "name": one.name, "ranges": one.ranges} for one in exercise.properties]
        record |= _matching(exercise, record, answers[exercise.function])
        told = {name: getattr(exercise, name) for name in ("difficulty", "minutes", "hints", "solution")}
        properties = {"source": probe_source(exercise.text, ids), "list": ranges}
        records[exercise.number] = record | told | {"properties": properties}
    return {"format": 1, "lesson": lesson, "exercises": records}


def _matching(exercise, record, fn):
    """What helps to name what is wrong: sizes, right answers to other questions, further runs of some mistakes."""
    job = make_job(exercise, hidden=False)
    rules = _rules(exercise)
    jobs = [job, job | {"source": probe_source(exercise.text, [one["id"] for one in rules]), "probes": rules}]
    code = {mistake.name: mistake.fn for mistake in exercise.mistakes}
    mistakes = []
    for known in record["mistakes"]:
        n = RUNS - len(telling(record, known))
        runs = further_runs(jobs, fn, code[known["name"]], seed=exercise.seed, n=n) if n > 0 else []
        mistakes.append(known | ({"again": runs} if runs else {}))
    return {
        "mistakes": mistakes,
        "sizes": sizes_by_probe(job, fn, seed=exercise.seed),
        "variants": variants(job, fn, record["expected"], seed=exercise.seed),
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
