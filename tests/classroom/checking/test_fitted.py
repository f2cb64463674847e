"""Factors and sums that are fitted: believed only with numbers left over."""

import numpy as np

from course_lib.classroom.checking.cases import Case, Cases
from course_lib.classroom.checking.fitted import by_a_factor, by_a_sum, by_any_factor, line_by_line

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4))


def tell(*pairs):
    return Cases([Case(np.asarray(a), np.asarray(b)) for a, b in pairs], 1e-4)


def test_a_factor_without_a_name_takes_more_numbers():
    assert list(by_any_factor(tell((X, 0.37 * X)))) == ["yours is 0.37 times what is expected, everywhere"]
    assert list(by_any_factor(tell((X[0, :2], 0.37 * X[0, :2])))) == []
    assert list(by_any_factor(tell((X, 0.37 * X), (X[0], 2.6 * X[0])))) == [
        "yours is right but for a factor, another one in each case: 0.37, 2.6"]
    assert list(by_a_factor(tell((X, 0.37 * X)))) == [""]


def test_zeros_must_stay_zeros_and_infinity_what_it_was():
    hidden = np.where(X > 0, X, -np.inf)
    assert "2 times too large" in next(by_a_factor(tell((hidden, 2 * hidden), (np.zeros(3), np.zeros(3)))))
    assert list(by_a_factor(tell((X, 2 * X), (np.zeros(3), np.ones(3))))) == []
    assert list(by_a_factor(tell((np.zeros(3), np.zeros(3))))) == []


def test_a_sum():
    assert list(by_a_sum(tell((X, X + 1)))) == ["yours is 1 too large"]
    assert list(by_a_sum(tell((X, X + 1e-3)))) == [], "so little is rather something else"
    counts = np.array([101, 2003, 40009])
    assert list(by_a_sum(tell((counts, counts - 1)))) == ["yours is 1 too small"]


def test_lines():
    wide = RNG.normal(size=(2, 9))
    by_rows = wide * np.array([[2.0], [3.0]])
    assert next(line_by_line(tell((wide, by_rows)), 1)).startswith("each row of yours is right but for a number")
    assert list(line_by_line(tell((wide, by_rows)), 0)) == [] == list(line_by_line(tell((wide, 0 * wide)), 1))
