"""From what was handed in to gradebook, page and table; interrupted, repeated, resubmitted, unprotected."""

from course_lib.classroom.grading import jobs
from course_lib.classroom.grading.stats import as_page, as_table, statistics

NAME = "90_toy"
SOFTMAX = """def softmax(scores):
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)"""
COLUMNS = SOFTMAX.replace("axis=-1, keepdims=True", "axis=0")
RUNNING = "def running_mean(x):\n    return np.cumsum(x) / np.arange(1, len(x) + 1)"


def test_a_class_of_four(classroom, toy):
    classroom.hand_in("right", toy(SOFTMAX, RUNNING, "An essay."))
    classroom.hand_in("columns", toy(COLUMNS, RUNNING))
    classroom.hand_in("empty", toy())
    classroom.hand_in("broken", b"{")
    results, rows = classroom.grade_all()
    assert {s: row.score for s, row in rows.items()} == {"right": 5, "columns": 2, "empty": 0, "broken": 0}
    assert {s: row.waiting for s, row in rows.items()} == dict.fromkeys(rows, []) | {"right": ["90.3"]}
    assert all(row.max_score == 9 for row in rows.values())
    assert [m.kind for m in results["right"].marks] == ["correct", "correct"]
    assert results["columns"].marks[0].mistake == "the softmax over columns"
    assert [m.kind for m in results["empty"].marks] == ["not started"] * 2
    assert "UNREADABLE: it is not a notebook" in classroom.page("broken")
    page = classroom.page("columns")
    assert "the softmax over columns" in page and "Which axis should sum to one?" in page and "An essay" not in page


def test_an_interrupted_batch_goes_on_and_a_second_one_runs_what_changed(classroom, toy, monkeypatch):
    ran, really = [], jobs.run_job
    monkeypatch.setattr(jobs, "run_job", lambda cells, *rest: ran.append(cells) or really(cells, *rest))
    for student in ("a", "b", "c"):
        classroom.hand_in(student, toy(SOFTMAX, RUNNING, f"By {student}."))
    classroom.grade_all(students=["a"])
    assert len(ran) == 1
    _, rows = classroom.grade_all()
    assert len(ran) == 3 and len(rows) == 3
    classroom.hand_in("b", toy(SOFTMAX, None, "By b."))
    _, rows = classroom.grade_all()
    assert len(ran) == 4 and rows["b"].score == 3
    classroom.grade_all(again=True)
    assert len(ran) == 7


def test_one_bad_submission_never_stops_a_batch(classroom, toy, monkeypatch):
    def fail(cells, *rest):
        raise MemoryError("no room")

    for student in ("a", "b"):
        classroom.hand_in(student, toy(SOFTMAX, RUNNING))
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "run_job", fail)
        results, rows = classroom.grade_all()
    assert [row.score for row in rows.values()] == [0, 0] and "MemoryError: no room" in results["a"].notes[0]
    _, rows = classroom.grade_all()
    assert [row.score for row in rows.values()] == [5, 5], "what failed on our side is tried again"


def test_without_a_sandbox_every_report_says_so(classroom, toy):
    classroom.hand_in("ann", toy(SOFTMAX, RUNNING))
    results, rows = classroom.grade_all(sandboxed=False)
    assert rows["ann"].score == 5 and "graded WITHOUT a sandbox" in results["ann"].notes
    found = statistics(classroom.course, NAME)
    for report in (classroom.page("ann"), classroom.table()["ann"]["notes"], as_table(found), as_page(NAME, found)):
        assert "graded WITHOUT a sandbox" in report


def test_answers_that_only_know_the_numbers_of_the_notebook_get_nothing(classroom, toy):
    from course_lib.classroom.grading.assignment import load_assignment

    value = load_assignment(classroom.course, NAME).public["90.1"]["expected"]["three_rows"]["value"]
    memorised = f"def softmax(scores):\n    return np.array({value['array']}).reshape({value['shape']})"
    classroom.hand_in("parrot", toy(memorised, RUNNING))
    results, rows = classroom.grade_all()
    assert rows["parrot"].score == 2 and results["parrot"].marks[0].kind in ("hidden", "wrong")
