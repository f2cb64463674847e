"""Rules in the grader: tried on values of its own, points for those kept, withheld from answers that are wrong."""

from types import SimpleNamespace

import numpy as np
import pytest

from course_lib.classroom.authoring.checks_files import load_lesson_checks
from course_lib.classroom.authoring.record import make_record
from course_lib.classroom.checking.probing import run_probes
from course_lib.classroom.grading.marking import mark_all
from course_lib.classroom.grading.sandbox.messages import evidence_id

CHECKS = '''
import numpy as np
from course_lib.classroom.checking.exercise import Exercise

shares = Exercise("90.1", "shares", hints=("a", "b", "c"))

@shares.probe()
def of_four(ns, rng):
    return ns["shares"](rng.uniform(1, 9, size=4))

@shares.probe(hidden=True)
def of_many(ns, rng):
    return ns["shares"](rng.uniform(1, 9, size=30))

@shares.property(points=3, n=(1, 200), seed=(0, 10**6))
def they_sum_to_one(ns, n, seed):
    """shares sum to one"""
    return ns["shares"](np.random.default_rng(seed).uniform(1, 9, size=n)).sum(), 1.0
'''


def right(x):
    return x / x.sum()


def small_only(x):
    return right(x) if len(x) < 40 else right(x) * 1.01


def first_only(x):
    return np.eye(len(x))[0]


def rule_by_force(x):
    return right(x) if len(x) == 4 else np.full(len(x), 1 / len(x))


def refuses_one(x):
    if len(x) == 1:
        raise ValueError("too short")
    return right(x)


@pytest.fixture(scope="module")
def assignment(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rules")
    (folder / "checks.py").write_text(CHECKS)
    (exercise,), _ = load_lesson_checks(folder)
    how = {"public": (0, False), "rehearsal": (0, True), "secret": (77, True)}
    records = {name: {"90.1": make_record(exercise, {"shares": right}, seed=seed, hidden=hidden)}
               for name, (seed, hidden) in how.items()}
    return SimpleNamespace(**records, points=lambda number: exercise.points)


@pytest.mark.parametrize(
    ("answer", "points", "kind", "words"),
    [
        (right, 5, "correct", "correct"),
        (small_only, 2, "hidden", "it breaks a rule: shares sum to one"),
        (refuses_one, 2, "hidden", "it breaks a rule: shares sum to one"),
        (rule_by_force, 4, "hidden", "right for the numbers in the notebook, not for others"),
        (first_only, 0, "wrong", "for of four"),  # it keeps the rule, and that alone is worth nothing
    ],
)
def test_points(assignment, answer, points, kind, words):
    stages = (assignment.public["90.1"], assignment.rehearsal["90.1"], assignment.secret["90.1"])
    said = [run_probes(record, {"shares": answer}, seed=record["seed"]) for record in stages]
    evidence = [{evidence_id(record, {"id": id}): one for id, one in found.items()}
                for record, found in zip(stages, said, strict=True)]
    mark = mark_all(assignment, evidence)[0]
    assert (mark.points, mark.out_of, mark.kind) == (points, 5, kind) and words in mark.message


def test_values_are_drawn_with_the_secret_seed(assignment):
    record, asked = assignment.secret["90.1"], []
    for seed in (1, 2):
        asked.append([])
        run_probes(record, {"shares": lambda x, into=asked[-1]: into.append(len(x)) or x}, seed=seed)
    assert len(asked[0]) == len(asked[1]) > 26 and asked[0] != asked[1]
