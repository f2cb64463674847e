"""Statistics of a class whose numbers can be counted by hand."""

import numpy as np
import pytest

from course_lib.classroom.grading.stats import as_page, as_table, correlation, statistics

NAME = "90_toy"
SOFTMAX = """def softmax(scores):
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)"""
COLUMNS = SOFTMAX.replace("axis=-1, keepdims=True", "axis=0")
RUNNING = "def running_mean(x):\n    return np.cumsum(x) / np.arange(1, len(x) + 1)"


def test_a_class_of_four(classroom, toy):
    with pytest.raises(ValueError, match="nothing is graded yet"):
        statistics(classroom.course, NAME)
    for student, answers in {"a": (SOFTMAX, RUNNING), "b": (COLUMNS, RUNNING), "c": (COLUMNS,), "d": ()}.items():
        classroom.put(student, toy(*answers))
    classroom.put("e", b"")
    classroom.collect()
    classroom.grade_all()
    first, second = statistics(classroom.course, NAME)
    assert first.students == 4, "what cannot be read tells nothing about an exercise"
    assert (first.passed, first.started, first.mean) == (0.25, 0.75, 0.25)
    assert first.mistakes == (("the softmax over columns", 2),) and first.attempts == 1
    assert (second.passed, second.started) == (0.5, 0.5)
    assert np.isclose(first.discrimination, np.corrcoef([3, 0, 0, 0], [2, 2, 0, 0])[0, 1])
    assert "the softmax over columns ×2" in as_table([first]) and "<td>25%</td>" in as_page(NAME, [first, second])


def test_a_constant_has_no_correlation():
    assert np.isnan(correlation(np.ones(3), np.arange(3.0)))
    assert correlation(np.arange(3.0), -np.arange(3.0)) == pytest.approx(-1)
