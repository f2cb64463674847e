"""Jobs, records and public checks: what goes where."""

import json

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
