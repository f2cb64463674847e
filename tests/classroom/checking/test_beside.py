"""A right value is spoiled by a changed argument, another second answer, or whole numbers; evidence is made tidy."""

import pytest

from course_lib.classroom.checking.beside import WHOLE, readable, same_beside, spoiled
from course_lib.classroom.checking.diagnose import diagnose, judge

PROBE = {"id": "p", "name": "three rows", "points": 2, "hidden": False, "axes": ""}
CHANGED = {"kind": "changed", "about": "x", "message": "it changes `x`"}
EXAMPLE = {"id": "e", "name": "the example", "points": 0.0, "hidden": False, "axes": "", "example": ["f(1)"]}
RECORD = {"function": "f", "tolerance": 1e-4, "mistakes": [], "probes": [PROBE, EXAMPLE],
          "expected": {"p": {"value": 3.0, "whole": {"value": 2.0}}, "e": {"value": 1.0}}}
RIGHT = {"p": {"value": 3.0, "whole": {"value": 2.0}}, "e": {"value": 1.0}}


def told(**beside):
    return diagnose(RECORD, RIGHT | {"p": {"value": 3.0, "whole": {"value": 2.0}} | beside})


@pytest.mark.parametrize(
    ("beside", "words"),
    [
        ({"note": CHANGED}, "for three rows: it changes `x`"),
        ({"note": {"kind": "again", "about": "", "message": "twice"}}, "for three rows: twice"),
        ({"whole": {"value": 2.5}}, f"for three rows: {WHOLE}: your answer is 2.5, it should be 2"),
        ({"whole": {"error": "error", "type": "TypeError", "message": "no", "line": None}}, f"{WHOLE}: TypeError: no"),
        ({"whole": None}, f"{WHOLE}: nothing came back"),
        ({"note": {}}, "for three rows: None"),
    ],
)
def test_a_right_value_is_not_all(beside, words):
    outcome = told(**beside)
    assert outcome.kind == "wrong" and words in outcome.message and outcome.points == 0


def test_a_wrong_value_that_comes_by_chance_is_said_to():
    drawn = {"value": 3.5, "note": {"kind": "again", "about": "", "message": "does it draw?"}}
    message = diagnose(RECORD, RIGHT | {"p": drawn}).message
    assert message == "for three rows: your answer is 3.5, it should be 3\ndoes it draw?"
    assert "draw" not in diagnose(RECORD, RIGHT | {"p": drawn | {"note": CHANGED}}).message


def test_what_spoils_nothing():
    assert told().correct
    assert told(whole={"error": "error", "type": "RuntimeError", "message": "floats only", "line": None}).correct
    assert told(remarks=["your code prints"], note="not ours").correct


def test_an_example_that_cannot_be_tried_is_no_fault_and_earns_nothing():
    absent = {"error": "absent", "type": "NotHere", "message": "the notebook has no np", "line": None}
    assert diagnose(RECORD, RIGHT | {"e": absent}).correct
    outcome = diagnose(RECORD, {"p": absent, "e": absent})
    assert not outcome.correct and outcome.points == 0, "evidence comes out of a box: anyone can say so"


def test_a_failing_example_is_shown_as_that():
    outcome = diagnose(RECORD, RIGHT | {"e": {"value": 2.0}})
    assert not outcome.correct and outcome.message == "for the example: your answer is 2, it should be 1"
    assert outcome.points == 2


def test_the_same_beside():
    def same(a, b):
        return a == b

    assert same_beside({"value": 1}, {"value": 1, "note": CHANGED}, same)
    assert same_beside({"note": CHANGED}, {"note": CHANGED | {"message": "other numbers"}}, same)
    assert not same_beside({"note": CHANGED}, {"note": CHANGED | {"about": "y"}}, same)
    assert not same_beside({"note": CHANGED}, {}, same) and not same_beside({"whole": {"value": 1}}, {}, same)


def test_readable_goes_one_level_deep():
    deep = {"value": 1}
    for _ in range(50):
        deep = {"value": 1, "whole": deep}
    assert readable(deep, dict) == {"whole": {"value": 1}}
    assert readable({"note": {"kind": "x" * 999, "about": [1], "message": "m" * 9999}}, dict) == {
        "note": {"kind": "again", "about": "[1]", "message": "m" * 500}}


def test_a_rule_is_spoiled_as_well():
    rule = PROBE | {"ranges": {"T": [1, 2]}}
    assert not judge(RECORD, rule, {"value": [[1.0, 1.0]], "note": CHANGED}).ok
    assert spoiled({}, {"value": 1}, None).ok
