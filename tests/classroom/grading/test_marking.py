"""Points from evidence, and evidence that nobody expected."""

import pytest

from course_lib.classroom.grading.assignment import load_assignment
from course_lib.classroom.grading.marking import mark_all, tidy

NAME = "90_toy"


@pytest.fixture(scope="module")
def assignment(new_classroom):
    return load_assignment(new_classroom().course, NAME)


@pytest.fixture
def right(assignment):
    """The evidence of the reference answer."""
    stages = (assignment.public, assignment.secret)
    return [{id: one for record in stage.values() for id, one in record["expected"].items()} for stage in stages]


def points(assignment, evidence):
    return [mark.points for mark in mark_all(assignment, evidence)]


def test_partial_credit_needs_both_numbers_for_a_public_probe(assignment, right):
    assert points(assignment, right) == [3, 2]
    assert points(assignment, [right[0], {}]) == [0, 0]
    assert points(assignment, [{}, right[1]]) == [2, 1]
    del right[1]["very_large_scores_indeed"]
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
