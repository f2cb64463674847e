"""Judging evidence: points, known mistakes, and what is said first."""

import numpy as np
import pytest

from course_lib.classroom.checking.diagnose import diagnose
from course_lib.classroom.checking.plain import decode, encode


def probe(id, points):
    return {"id": id, "name": f"case {id}", "points": points, "hidden": False, "axes": ""}


def value(x):
    return {"value": encode(x)}


def error(kind, type="E", message="m", line=None):
    return {"error": kind, "type": type, "message": message, "line": line}


RECORD = {
    "function": "f",
    "tolerance": 1e-4,
    "probes": [probe("a", 1), probe("b", 2)],
    "expected": {"a": value([1.0, 2.0]), "b": value(3.0)},
    "mistakes": [
        {"name": "doubled", "hint": "half", "evidence": {"a": value([2.0, 4.0]), "b": value(6.0)}},
        {"name": "index error", "hint": "count",
         "evidence": {"a": error("error", "IndexError"), "b": error("error", "IndexError")}},
    ],
}


@pytest.mark.parametrize(
    ("a", "b", "kind", "points", "words"),
    [
        (value([1.0, 2.00001]), value(3.0), "correct", 3, "correct"),
        (value([1.0, 2.0]), value(4.0), "wrong", 1, "for case b: your answer is 4, it should be 3"),
        (value([2.0, 4.0]), value(6.0), "mistake", 0, "doubled"),
        (value([2.0, 4.0]), value(5.0), "wrong", 0, "for case a: result 1 and result 2 are wrong\nyour result 1 is 2"),
        (error("error", "IndexError"), error("error", "IndexError"), "mistake", 0, "index error"),
        (value([1.0, 2.0]), error("error", "IndexError"), "error", 1, "for case b: IndexError: m"),
        (value([1.0, 2.0]), error("error", "KeyError"), "error", 1, "for case b: KeyError: m"),
        (error("not started"), error("not started"), "not started", 0, "not started yet"),
        (error("missing"), error("missing"), "missing", 0, "m"),
        (error("not started"), value(3.0), "not started", 2, "for case a: not started yet"),
        (value([1.0]), error("forbidden", message="x.y"), "forbidden", 0, "for case b: you call x.y; this exercise"),
        (error("timeout", message="no answer after 5 s"), value(3.0), "timeout", 2, "a loop that never ends"),
        (error("exit", "SystemExit"), value(3.0), "exit", 2, "ended the program (SystemExit)"),
        (error("error", line=[3, "x = 1 / 0"]), value(3.0), "error", 2, "your line 3: x = 1 / 0"),
        (error("error", line=[3, ""]), value(3.0), "error", 2, "in your line 3"),
        ({"value": {"code": 1}}, value(3.0), "wrong", 2, "cannot be read"),
        ({"nonsense": 1}, value(3.0), "error", 2, "cannot be read"),
        ([1], value(3.0), "error", 2, "cannot be read"),
        ({"error": ["odd"], "type": 3, "line": [[], {}]}, value(3.0), "error", 2, "for case a: 3: "),
    ],
)
def test_outcomes(a, b, kind, points, words):
    outcome = diagnose(RECORD, {"a": a, "b": b})
    assert (outcome.kind, outcome.points, outcome.out_of) == (kind, points, 3)
    assert words in (outcome.message + outcome.mistake)
    assert outcome.correct == (kind == "correct")


def test_evidence_that_is_missing_earns_nothing():
    outcome = diagnose(RECORD, {"b": value(3.0)})
    assert (outcome.kind, outcome.points, outcome.passed) == ("error", 2, ("b",))
    assert diagnose(RECORD, {}).points == 0


RULE = {"id": "r", "name": "it is even", "points": 4, "hidden": True, "axes": "", "ranges": {"n": [1, 2]}}
WITH_RULE = RECORD | {"probes": [*RECORD["probes"], RULE], "mistakes": [],
                      "expected": RECORD["expected"] | {"r": value([[0, 0]])}}


@pytest.mark.parametrize(
    ("a", "pairs", "points", "words"),
    [
        ([1.0, 2.0], [[2, 2], [4.0, 4.00001]], 7, "correct"),
        ([1.0, 2.0], [[2, 2], [3, 4]], 3, "for it is even: what was measured is 3, it should be 4"),
        ([1.0, 9.0], [[2, 2], [4, 4]], 2, "for case a"),  # zeros keep a rule: it counts with the public probes only
        ([1.0, 2.0], [2, 2], 3, "two values that must agree"),
        ([1.0, 2.0], 7, 3, "two values that must agree"),
    ],
)
def test_a_rule_earns_its_points_with_the_public_probes(a, pairs, points, words):
    outcome = diagnose(WITH_RULE, {"a": value(a), "b": value(3.0), "r": value(pairs)})
    assert (outcome.points, outcome.out_of) == (points, 7) and words in outcome.message
    assert ("r" in outcome.passed) == outcome.correct


def test_of_an_answer_that_lacks_a_part_the_others_tell_no_story():
    first = encode(np.random.default_rng(0).normal(size=(4, 4)))
    two = {"function": "f", "tolerance": 1e-4, "probes": [probe("a", 1)], "mistakes": [],
           "expected": {"a": {"value": encode([decode(first), 2.0, 3.0])}}}
    got = decode(first)[:, [2, 0, 3, 1]]
    outcome = diagnose(two, {"a": value([got, {"keys": 2.0, "values": 3.0}])})
    assert outcome.kind == "wrong" and "your answer has 2 parts, it should have 3" in outcome.message
