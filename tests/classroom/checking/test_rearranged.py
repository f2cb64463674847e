"""The tables of what people do to places."""

import numpy as np

from course_lib.classroom.checking.rearranged import lost_moves, moves, reordered

X = np.arange(6.0).reshape(2, 3)


def test_what_the_words_say():
    found = dict(moves(2))
    assert (found["transposed"](X) == X.T).all()
    assert found["with its rows in reverse"](X).tolist() == [[3, 4, 5], [0, 1, 2]]
    assert found["with its columns one place later, round the end"](X).tolist() == [[2, 0, 1], [5, 3, 4]]
    assert found["reshaped where it should be transposed"](X).tolist() == [[0, 3, 1], [4, 2, 5]]
    assert found["sorted within each row, the largest first"](X).tolist() == [[2, 1, 0], [5, 4, 3]]
    assert "with axes 0 and 2 exchanged" in dict(moves(3)) and "with its axes in the order (1, 2, 0)" in dict(moves(3))


def test_what_falls_off():
    found = {text: parts for text, *parts in lost_moves(1)}
    kept, stands = found["with its entries one place later"]
    assert kept(np.arange(4)).tolist() == [0, 1, 2] and stands(np.arange(4)).tolist() == [1, 2, 3]
    kept, stands = found["with one entry less: the first is missing"]
    assert kept(np.arange(4)).tolist() == [1, 2, 3] == stands(np.arange(1, 4)).tolist()


def test_reordered():
    same = np.array_equal
    assert reordered(X, X[::-1], 0, same) and not reordered(X, X[::-1], 1, same)
    assert not reordered(X, X[[0, 0]], 0, same) and not reordered(X, X.T, 0, same)
