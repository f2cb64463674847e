"""Entry by entry, and over all probes: what a student reads."""

import numpy as np
import pytest

from course_lib.classroom.checking.explain import explain

RNG = np.random.default_rng(3)


def runs(change, n=2, sizes=({"B": 3.0}, {"B": 5.0})):
    """Probes of a function that returns a matrix, a vector, and a number."""
    rng = np.random.default_rng(1)
    expected = [[rng.normal(size=(3, 4)), rng.normal(size=5), rng.normal()] for _ in range(n)]
    return [(f"case {i}", x, change(x, s), [s]) for i, (x, s) in enumerate(zip(expected, sizes, strict=False))]


def test_one_thing_that_is_wrong_everywhere_is_said_once():
    assert explain(runs(lambda x, s: [-part for part in x]), 1e-4) == (
        "the sign is wrong: yours is −1 times what is expected")
    assert explain(runs(lambda x, s: [part / s["B"] for part in x]), 1e-4) == "yours is B times too small (B = 3 and 5)"


def test_each_entry_has_its_own():
    found = explain(runs(lambda x, s: [x[0][::-1], x[1] * s["B"], x[2]]), 1e-4)
    assert found.splitlines() == [
        "result 1: yours is what is expected, with its rows in reverse",
        "result 2: yours is B times too large (B = 3 and 5)",
        "(result 3: right)",
    ]
    found = explain(runs(lambda x, s: [x[0] + RNG.normal(size=x[0].shape), -x[1], x[2]]), 1e-4)
    assert "result 2: the sign is wrong" in found and "result 1: wrong in another way" in found


def test_entries_of_a_dict():
    named = [(name, dict(zip("abc", x, strict=True)), dict(zip("abc", y, strict=True)), s)
             for name, x, y, s in runs(lambda x, s: [x[0], -x[1], x[2]])]
    assert explain(named, 1e-4).splitlines() == [
        "b: the sign is wrong: yours is −1 times what is expected", "(a, c: right)"]
    swapped = [(name, x, x | {"b": x["c"], "c": x["b"]}, s) for name, x, _, s in named]
    assert explain(swapped, 1e-4) == "`b` and `c` are exchanged"


def test_results_exchanged():
    assert explain(runs(lambda x, s: [x[1], x[0], x[2]]), 1e-4) == "result 1 and result 2 are exchanged"
    assert explain(runs(lambda x, s: [x[1], x[2], x[0]]), 1e-4) == (
        "the results are right, but in another order: result 1 of yours is result 2, result 2 of yours is result 3, "
        "result 3 of yours is result 1")
    places = [(f"case {i}", [i, 9 - i], [9 - i, i], []) for i in range(5)]
    assert explain(places, 1e-4) == "result 1 and result 2 are exchanged"
    assert explain([("zeros", [0, 0], [0, 0], [])] * 3, 1e-4) == ""
    assert explain(places[:1], 1e-4) == "", "one pair of small numbers may be anything"


def test_results_exchanged_where_a_probe_calls_twice():
    one, two = [(f"case {i}", [i, 9 - i], [9 - i, i], [{}]) for i in range(5)], [[0, 8], [3, 5]]
    both = ("both", two, [pair[::-1] for pair in two], [{}, {}])
    assert explain([both, *one], 1e-4) == explain([*one, both], 1e-4) == "result 1 and result 2 are exchanged"


def test_an_entry_inside_an_entry_has_the_name_of_the_outer_one():
    """Of a list of texts and arrays, none of them alone; and what has no entries at all has a name, too."""
    inside = [(name, [x[:2], x[2]], [[x[0], noise], -x[2]], s) for (name, x, _, s), noise
              in zip(runs(lambda x, s: x), RNG.normal(size=(2, 5)), strict=True)]
    assert explain(inside, 1e-4).splitlines()[-1] == "result 1: wrong in another way"
    told = explain([*runs(lambda x, s: [x[0], -x[1], x[2]]), ("a number", 2.5, 7.25, [])], 1e-4)
    assert told.splitlines()[1:] == ["the rest: wrong in another way", "(result 1, result 3: right)"]


def test_what_is_wrong_in_some_cases_only():
    found = explain(runs(lambda x, s: x if s["B"] == 3 else [2 * part for part in x]), 1e-4)
    assert found == "for case 1, yours is 2 times too large"


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_said_of_noise(seed):
    rng = np.random.default_rng(100 + seed)
    for change in (lambda x, s: [part + rng.normal(size=np.shape(part)) for part in x], lambda x, s: [None, "a", {}],
                   lambda x, s: [x[0] * 0, x[1] * 0, 0.0], lambda x, s: x[:2], lambda x, s: [x[0], x[1], rng.normal()]):
        assert explain(runs(change), 1e-4) == ""
