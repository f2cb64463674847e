"""The tables of what people do to numbers: each says in words what it does."""

import numpy as np
import pytest

from course_lib.classroom.checking.changed import along, of_each_number, over

X = np.array([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]])


@pytest.mark.parametrize(("table", "words", "wanted"), [
    (along(2), "summed up from the beginning, in each row", [[1, 3, 7], [8, 24, 56]]),
    (along(2), "summed up from the end, in each column", [[9, 18, 36], [8, 16, 32]]),
    (along(2), "differences of neighbours, in each row", [[1, 1, 2], [8, 8, 16]]),
    (along(2), "the mean so far, in each column", [[1, 2, 4], [4.5, 9, 18]]),
    (along(2), "divided by the largest, in each row", [[0.25, 0.5, 1], [0.25, 0.5, 1]]),
    (along(2), "moved so that the largest is 0", [[-31, -30, -28], [-24, -16, 0]]),
    (over(2), "the sum of each row", [7, 56]),
    (over(2), "the mean of each column", [4.5, 9, 18]),
    (over(2), "the largest of all numbers", 32),
    (of_each_number(), "1 divided by what is expected", 1 / X),
    (of_each_number(), "the logarithm to base 2 of what is expected", [[0, 1, 2], [3, 4, 5]]),
])
def test_what_the_words_say(table, words, wanted):
    assert np.allclose(dict(table)[words](X), wanted)


def test_names_are_different():
    for table in (of_each_number(), along(1), along(2), along(3), over(1), over(3)):
        names = [name for name, _ in table]
        assert len(set(names)) == len(names)
