"""Points from evidence, and evidence that nobody expected."""

import copy

import numpy as np
import pytest

from course_lib.classroom.checking.probing import run_probes
from course_lib.classroom.grading.assignment import load_assignment
from course_lib.classroom.grading.marking import ONLY_THESE_NUMBERS, mark_all, tidy
from course_lib.classroom.grading.sandbox.messages import evidence_id

NAME = "90_toy"


@pytest.fixture(scope="module")
def assignment(new_classroom):
    return load_assignment(new_classroom().course, NAME)


@pytest.fixture
def right(assignment):
    """The evidence of the reference answer."""
    stages = (assignment.public, assignment.rehearsal, assignment.secret)
    return [dict(one for record in stage.values() for one in kept(record, record["expected"]).items())
            for stage in stages]


def kept(record, evidence):
    """Evidence by probe, under the ids that a box gives it."""
    return {evidence_id(record, {"id": id}): one for id, one in evidence.items()}


def points(assignment, evidence):
    return [mark.points for mark in mark_all(assignment, evidence)]


def test_partial_credit_needs_both_numbers_for_a_public_probe(assignment, right):
    assert points(assignment, right) == [3, 2]
    assert points(assignment, right[:2]) == [0, 0]
    assert points(assignment, [{}, {}, right[2]]) == [2, 1]
    del right[2]["90.1 very_large_scores_indeed"]
    assert points(assignment, right) == [1, 2]


@pytest.mark.parametrize(
    "said",
    [None, 1, [], {}, {"value": {}}, {"value": {"array": [1], "shape": [-1], "dtype": "O"}}, {"value": float("nan")},
     {"value": {"array": [True] * 12, "shape": [3, 4], "dtype": "float64"}}, {"error": "correct"}, {"error": {}},
     {"error": "wrong", "line": "x"}, {"value": 1, "error": "no"}, {"value": [[[[[[[[[1]]]]]]]]]},
     {"value": {"array": ["1"] * 12, "shape": [3, 4], "dtype": "float64"}}, {"value": {"dict": 3}}, {"value": 10**400}],
)
def test_no_strange_evidence_earns_points_or_stops_the_batch(assignment, right, said):
    hostile = [dict.fromkeys(stage, said) for stage in right]
    assert points(assignment, hostile) == [0, 0]


def test_evidence_is_brought_into_one_form():
    assert tidy({"value": 1}) == {"value": 1}
    told = tidy({"error": "correct", "type": 3, "message": "x" * 999, "line": ["a", 1]})
    assert told == {"error": "error", "type": "3", "message": "x" * 500, "line": None}


def test_what_the_box_is_asked_holds_no_answer(assignment):
    text = str(assignment.stages)
    assert "expected" not in text and "mistake" not in text and "BEGIN SOLUTION" not in text
    assert "very_large_scores_indeed" not in str(assignment.stages[0])


# ---- nothing that is told depends on the secret numbers -----------------------------------------------------------
def softmax(scores):
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def columns(scores):
    return softmax(scores.T).T


def overflow(scores):
    with np.errstate(all="ignore"):
        return np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True) * (1 + 1e-3)


def endless(scores):
    while True:
        pass


def forbidden(scores):
    return np.apply_along_axis(lambda row: softmax(row[None])[0], -1, scores)


def failing(scores):
    raise ValueError(str(scores))


ENDS = {"a mistake": columns, "another": overflow, "none of the known ones": lambda scores: scores, "an error": failing,
        "too slow": endless, "a forbidden name": forbidden, "ends": lambda scores: exit(), "stub": lambda scores: 1 / 0,
        "a text": lambda scores: str(scores), "another shape": lambda scores: scores[None]}  # fmt: skip


@pytest.fixture(scope="module")
def with_seeds(new_classroom):
    """The same assignment with six secret seeds."""
    course, found = new_classroom().course, []
    for seed in range(1, 7):
        load_assignment(course, NAME)
        (course.settings(NAME) / "seed.json").write_text(f'{{"seed": {seed}}}')
        found.append(load_assignment(course, NAME))
    assert {assignment.secret["90.1"]["seed"] for assignment in found} == set(range(1, 7))
    return found


def told(assignment, answer, seconds=0.2):
    """What a student is told of exercise 90.1, and the points."""
    evidence = []
    for records in (assignment.public, assignment.rehearsal, assignment.secret):
        job = records["90.1"] | {"seconds": seconds}
        evidence.append(kept(job, run_probes(job, {"softmax": answer, "np": np}, seed=job["seed"])))
    mark = mark_all(assignment, evidence)[0]
    return (mark.kind, mark.message, mark.mistake, mark.hint), mark.points


@pytest.mark.parametrize("other", [name for name in ENDS if name != "a mistake"])
def test_choosing_a_mistake_by_the_secret_numbers_tells_nothing_of_them(with_seeds, other):
    """Code that is right where one knows what is asked, and elsewhere wrong in a way that it chooses by the numbers."""
    chosen = set()

    def chooses(scores):
        if scores.shape != (2, 5):
            return softmax(scores)
        chosen.add(name := "a mistake" if scores[0, 0] > 0 else other)
        return ENDS[name](scores)

    said, points = zip(*(told(assignment, chooses) for assignment in with_seeds), strict=True)
    assert chosen == {"a mistake", other} and len(set(said)) == 1 and set(points) == {1}


@pytest.mark.parametrize("how", ENDS)
def test_of_the_secret_stage_come_points_and_nothing_else(assignment, right, how):
    """Whatever it says: the same words for all that are not right."""
    record = assignment.secret["90.1"]
    ends = kept(record, run_probes(record | {"seconds": 0.2}, {"softmax": ENDS[how]}, seed=record["seed"]))
    for some, points in ((ends, 0), ({name: one for name, one in ends.items() if "large" in name}, 1)):
        mark = mark_all(assignment, [*right[:2], right[2] | some])[0]
        assert (mark.points, mark.kind, mark.message) == (points, "hidden", ONLY_THESE_NUMBERS)
        assert mark.mistake == mark.hint == ""


def test_a_mistake_that_shows_only_in_a_hidden_probe_is_named_all_the_same(assignment):
    def mistaken(scores):
        return overflow(scores) if scores.shape == (2, 5) else softmax(scores)

    alike = copy.deepcopy(assignment)
    record = alike.rehearsal["90.1"]
    for mistake in record["mistakes"]:
        mistake["evidence"]["three_rows"] = record["expected"]["three_rows"]
    named = ("a softmax without the maximum taken off", "Subtract the largest score first.")
    assert told(alike, mistaken)[0] == ("hidden", ONLY_THESE_NUMBERS, *named)


HOW = {"too slow": "it takes too long", "a forbidden name": "a forbidden name"}


@pytest.mark.parametrize(("how", "words"), HOW.items())
def test_how_a_hidden_probe_ends_is_told_by_known_numbers(assignment, how, words):
    def answer(scores):
        return ENDS[how](scores) if scores.shape == (2, 5) else softmax(scores)

    assert words in told(assignment, answer)[0][1]


def test_exercises_may_call_their_probes_alike(assignment, right):
    """Each has evidence of its own: what one lacks the other does not answer for."""
    alike = copy.deepcopy(assignment)
    for records in (alike.public, alike.rehearsal, alike.secret):
        for record in records.values():
            first = record["probes"][0]
            record["expected"]["the same"] = record["expected"].pop(first["id"])
            for mistake in record["mistakes"]:
                mistake["evidence"]["the same"] = mistake["evidence"].pop(first["id"], {})
            first["id"] = "the same"
    stages = [dict(one for record in records.values() for one in kept(record, record["expected"]).items())
              for records in (alike.public, alike.rehearsal, alike.secret)]
    assert [len(stage) for stage in stages] == [len(stage) for stage in right]
    assert points(alike, stages) == points(assignment, right) == [3, 2]
