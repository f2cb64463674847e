"""Several cases at once: what they have in common, and when they agree."""

import numpy as np

from course_lib.classroom.checking.cases import Case, Cases, is_telling


def test_what_is_known_of_the_cases():
    tell = Cases([Case(np.ones((2, 3)), np.ones((2, 3))), Case(np.ones((4, 3)), np.ones(4))], 1e-4)
    assert (tell.one_shape, tell.n_axes, tell.n_axes_got, tell.exact, tell.boolean) == (False, 2, None, False, False)
    turned = tell.turned()
    assert (turned.n_axes, turned.n_axes_got) == (None, 2)


def test_whole_numbers_agree_to_the_last():
    counts = Cases([Case(np.array(10**6), np.array(10**6 + 1))], 1e-4)
    assert counts.exact and not counts.all_agree([np.array(10**6)]) and counts.all_agree([np.array(10**6 + 1)])
    shares = Cases([Case(np.array(1.0), np.array(1.00001))], 1e-4)
    assert shares.all_agree([np.array(1.0)]) and not shares.all_agree([None])
    assert not shares.agree(np.array([True]), np.array([1.0]))


def test_what_went_into_fitting_is_taken_off():
    x = np.random.default_rng(0).normal(size=2)
    assert is_telling([x]) and not is_telling([x], spent=13.0) and not is_telling([x], [np.ones(2)])
