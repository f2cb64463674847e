"""Jobs, records and public checks: what goes where."""

import json

import numpy as np
import pytest

from course_lib.classroom.authoring.lesson_checks import checks_of, dump
from course_lib.classroom.authoring.record import make_job, make_record, run_mistake
from course_lib.classroom.authoring.skeleton import new_exercise
from course_lib.classroom.checking.diagnose import diagnose
from course_lib.classroom.checking.probing import run_probes


@pytest.fixture(scope="module")
def checks(tmp_path_factory):
    cells, _ = new_exercise(tmp_path_factory.mktemp("course"), "01.1", "shares", "Shares")
    return checks_of(cells)


def right(x):
    return x / x.sum()


def test_a_job_holds_nothing_that_is_expected(checks):
    job = make_job(checks.exercises[0], hidden=True)
    assert job == json.loads(json.dumps(job)), "plain data"
    assert [probe["id"] for probe in job["probes"]] == ["shares_of_four", "shares_of_any", "shares_sums_to_one"]
    assert "x / x.mean" not in job["source"] and "mistake" not in job["source"] and "expected" not in job


def test_a_record_judges_answers_with_its_seed(checks):
    record = make_record(checks.exercises[0], {"shares": right}, seed=99, hidden=True)
    assert diagnose(record, run_probes(record, {"shares": right}, seed=99)).points == 3
    assert diagnose(record, run_probes(record, {"shares": right}, seed=98)).points == 0
    assert len(record["mistakes"]) == 4, "those that are memorised have no evidence of their own"


def test_a_solution_that_fails_is_refused(checks):
    with pytest.raises(ValueError, match="01.1 shares_of_four: the solution fails with TypeError"):
        make_record(checks.exercises[0], {"shares": lambda: 1}, seed=1, hidden=False)


def test_public_checks_hold_no_code_that_students_should_not_have(checks):
    text = dump(checks.public())
    for secret in ("shares_of_any", "x.mean()", "x.max()", "zeros_like", "whole = x.sum()"):
        assert secret not in text
    record = json.loads(text)["exercises"]["01.1"]
    assert [m["name"] for m in record["mistakes"]][0] == "the numbers themselves"
    assert len(record["hints"]) == 3 and record["properties"]["list"][0]["ranges"] == {"n": [1, 9], "seed": [0, 99]}
    assert text == dump(checks.public())


def test_a_mistakes_error_tells_nothing_of_its_code(checks):
    def wrong(x):
        raise KeyError("a line of the wrong answer")

    job = make_job(checks.exercises[0], hidden=False)
    found = run_mistake(job, wrong, {}, seed=0)["shares_of_four"]
    assert found == {"error": "error", "type": "KeyError", "message": "", "line": None}


def shares(x):
    """x (N,) -> its shares.

    >>> whole = 4.0
    >>> shares(np.array([1.0, 3.0])) * whole
    array([1., 3.])
    """
    return x / x.sum()


def test_the_manner_of_calling_and_the_docstrings_example(checks):
    record = make_record(checks.exercises[0], {"shares": shares, "np": np}, seed=1, hidden=False)
    assert record["manner"] == {"changes": [], "arguments": ["x"], "returns": "array"}
    example = record["probes"][-1]
    assert example["example"] == ["whole = 4.0", "shares(np.array([1.0, 3.0])) * whole"] and example["points"] == 0
    assert record["expected"][example["id"]]["value"]["array"] == [1.0, 3.0]
    assert all(example["id"] in mistake["evidence"] for mistake in record["mistakes"])
    assert json.loads(json.dumps(record)) == json.loads(json.dumps(record, default=list)), "plain data"


def test_whole_numbers_where_the_solution_takes_them(checks):
    record = make_record(checks.exercises[0], {"shares": shares, "np": np}, seed=1, hidden=True)
    assert [probe["id"] for probe in record["probes"] if probe.get("whole")] == ["shares_of_four"]
    assert "whole" in record["expected"]["shares_of_four"]
    truncated = {"shares": lambda x: np.divide(x, x.sum(), out=np.zeros_like(x), casting="unsafe"), "np": np}
    outcome = diagnose(record, run_probes(record, truncated, seed=1))
    assert outcome.kind == "wrong" and "with whole numbers (integers) in the arrays" in outcome.message
    record = make_record(checks.exercises[0], truncated, seed=1, hidden=True)
    assert not any(probe.get("whole") for probe in record["probes"]), "the solution itself does not take them"


def test_a_mistake_is_recorded_by_its_values_and_by_what_stands_beside_only_where_they_are_right(checks):
    exercise = checks.exercises[0]
    answers = {"shares": right, "np": np}
    record = make_record(exercise, answers, seed=1, hidden=False)

    def in_place(x):
        x /= x.sum()
        return x

    def doubled(x):
        x *= 2
        return x

    found = [run_mistake(record, fn, answers, seed=1, expected=record["expected"]) for fn in (in_place, doubled)]
    assert [set(one["shares_of_four"]) for one in found] == [{"value", "note", "whole"}, {"value"}]
