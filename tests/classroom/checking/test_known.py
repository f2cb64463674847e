"""A known mistake is named where all agrees and enough tells it from the truth; near misses by what they share."""

import numpy as np
import pytest

from course_lib.classroom.checking.known import is_sure, known_mistake, run_again, same_evidence, telling
from course_lib.classroom.checking.plain import encode

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(3, 4)), RNG.normal(size=(2, 5))


def value(x):
    return {"value": encode(x)}


def error(type):
    return {"error": "error", "type": type, "message": "", "line": None}


def record(expected, *mistakes, **more):
    known = [{"name": name, "hint": "h", "evidence": {id: one if "error" in one else one for id, one in said.items()}}
             for name, said in mistakes]
    return {"tolerance": 1e-4, "expected": {id: value(x) for id, x in expected.items()}, "mistakes": known} | more


TWO = record({"a": A, "b": B}, ("squared", {"a": value(A**2), "b": value(B**2)}))


def named(record, answers, again=None):
    found = known_mistake(record, answers, again)
    return (found[0]["name"], found[1]) if found else None


def test_all_probes_must_agree():
    assert named(TWO, {"a": value(A**2), "b": value(B**2)}) == ("squared", "")
    assert named(TWO, {"a": value(A**2), "b": value(B)}) is None
    assert named(TWO, {"a": value(A**2), "b": error("ValueError")}) is None
    assert named(TWO, {"a": value(A), "b": value(B)}) is None


def test_one_probe_tells_by_enough_numbers_or_by_what_anyone_sees():
    right = {"a": np.array([0.2, 0.3, 0.5]), "b": B}
    for wrong, sure in (
        (np.array([0.2, 0.3, 0.77123]), True),  # one number of many digits, and all else is right
        (np.array([0.2, 0.3, 1.0]), False), (np.array([0.0, 0.3, 0.5]), False),
        (np.array([0.0, 0.0, 0.0]), True), (np.array([np.nan, np.nan, 0.5]), True),
    ):
        one = record(right, ("it", {"a": value(wrong), "b": value(B)}))
        assert telling(one, one["mistakes"][0]) == ["a"]
        assert is_sure(one, one["mistakes"][0], None) is sure, wrong
    for right, wrong, sure in ((3, 4, False), (124439808, 124439040, True), ("cat", "dogs in a row", True),
                               (True, False, False)):
        one = record({"a": right}, ("it", {"a": value(wrong)}))
        assert is_sure(one, one["mistakes"][0], None) is sure, wrong
    one = record({"a": 3}, ("it", {"a": error("KeyError")}))
    assert not is_sure(one, one["mistakes"][0], None), "a KeyError has many reasons"


def test_further_runs_decide_where_the_probes_say_too_little():
    one = record({"a": 3, "b": 5}, ("a step too far", {"a": value(4), "b": value(5)}))
    one["mistakes"][0]["again"] = [{"probe": "a", "seed": 7, "evidence": value(9)}]
    answers = {"a": value(4), "b": value(5)}
    assert named(one, answers, lambda id, seed: value({"a": {7: 9}}[id][seed])) == ("a step too far", "")
    assert named(one, answers, lambda id, seed: value(8)) is None
    assert named(one, answers) is None, "nothing that can be run, nothing that is named"


def test_running_a_probe_or_a_rule_again():
    job = {
        "function": "f", "forbidden": [], "seconds": 5, "probes": [{"id": "a"}],
        "source": "def a(ns, rng):\n    return ns['f'](int(rng.integers(99)))\n",
        "properties": {"source": "def r(ns, n):\n    return ns['f'](n), n\n",
                       "list": [{"id": "r", "ranges": {"n": [1, 9]}}]},
    }
    again = run_again(job, {"f": lambda n: 2 * n})
    assert again("a", 1) != again("a", 2) and again("a", 1) == again("a", 1)
    assert all(left == 2 * right for left, right in again("r", 1)["value"])


@pytest.mark.parametrize(("known", "answer", "near"), [
    (value(np.array([1.0, np.nan])), value(np.array([1.0, np.inf])), True),
    (value([np.nan, {"a": -np.inf}]), value([np.inf, {"a": np.nan}]), True),
    (value(np.nan), error("ZeroDivisionError"), True),
    (error("OverflowError"), value(np.array([np.inf, np.nan])), True),
    (error("OverflowError"), value(np.array([np.inf, 1.0])), False), (error("ValueError"), value(np.nan), False),
    (value(np.array([1.0, np.nan])), value(np.array([2.0, np.inf])), False),
    (error("ValueError"), error("KeyError"), False),
])
def test_whatever_is_no_number_is_alike(known, answer, near):
    assert not same_evidence(known, answer, 1e-4)
    assert same_evidence(known, answer, 1e-4, near=True) is near


def test_a_near_miss_is_named_if_it_is_near_to_one_only():
    lost = np.where(A > 0, A, np.nan)
    one = record({"a": A, "b": B}, ("nan for some", {"a": value(lost), "b": value(B * 3)}))
    answers = {"a": value(np.where(A > 0, A, np.inf)), "b": value(B * 3)}
    assert named(one, answers) == ("nan for some", "")
    two = record({"a": A, "b": B}, ("nan for some", {"a": value(lost), "b": value(B * 3)}),
                 ("minus infinity", {"a": value(np.where(A > 0, A, -np.inf)), "b": value(B * 3)}))
    assert named(two, answers) is None


@pytest.mark.parametrize(("top", "words"), [
    (lambda x: -x, "the sign is wrong"), (lambda x: x / np.log(2), "the logarithm to base 2"),
    (lambda x: 2 * x, "2 times too large"), (lambda x: x[::-1], "its rows in another order"),
])
def test_another_unit_or_order_on_top_of_a_mistake(top, words):
    name, more = named(TWO, {"a": value(top(A**2)), "b": value(top(B**2))})
    assert name == "squared" and words in more
    assert named(TWO, {"a": value(top(A**2)), "b": value(B)}) is None


@pytest.mark.parametrize("seed", range(20))
def test_noise_has_no_name(seed):
    rng = np.random.default_rng(seed)
    many = record({"a": A, "b": B}, *((str(i), {"a": value(A**i), "b": value(B * i)}) for i in range(2, 9)))
    assert named(many, {"a": value(rng.normal(size=A.shape)), "b": value(B)}) is None
    assert named(many, {"a": value(A**3 + 0.1 * rng.normal(size=A.shape)), "b": value(3 * B)}) is None


def test_nothing_comes_on_top_of_a_mistake_in_an_answer_of_another_form():
    right = {"weights": 4135672.25, "activations": 1294316.5}
    roots = {name: size**0.5 for name, size in right.items()}
    one = record({"a": right, "b": {k: 3 * v for k, v in right.items()}},
                 ("a root", {"a": value(roots), "b": value({k: 3 * v for k, v in roots.items()})}))
    larger = {id: value({k: times * v * 1e3 for k, v in roots.items()}) for id, times in (("a", 1), ("b", 3))}
    assert named(one, larger) == ("a root", "yours is 1000 times too large")
    misnamed = {"weights": 4135672.25, "kept": 1294316.5}
    assert named(one, {"a": value(misnamed), "b": value({k: 3 * v for k, v in misnamed.items()})}) is None
    assert named(one, {id: value({k: 1e3 * v for k, v in roots.items()} | {"total": 0.0}) for id in "ab"}) is None


def test_nothing_comes_on_top_of_a_mistake_where_it_says_the_same_of_the_right_answer():
    """A sign and a factor of the truth, beside a gallery that has the sign: the truth is nearer."""
    climbs = record({"a": A, "b": B}, ("climbs", {"a": value(-A), "b": value(-B)}))
    assert named(climbs, {"a": value(-A), "b": value(-B)}) == ("climbs", "")
    assert named(climbs, {"a": value(-A / 2), "b": value(-B / 2)}) is None
    assert named(climbs, {"a": value(A / 2), "b": value(B / 2)}) is None
    assert named(climbs, {"a": value(A) | {"note": {"kind": "changed", "about": "x"}}, "b": value(B)}) is None


def test_arrays_without_numbers_are_near_whatever_their_shape():
    lost = record({"a": A, "b": B}, ("lost", {"a": value(A[1:]), "b": value(np.zeros((0, 5)))}))
    assert named(lost, {"a": value(A[1:]), "b": value(np.zeros(0))}) == ("lost", "")
    assert named(lost, {"a": value(A[1:]), "b": value(B)}) is None
