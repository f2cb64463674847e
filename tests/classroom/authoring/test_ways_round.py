"""Answers that call what is forbidden: one for each way, right where it is allowed, caught where it is not."""

import numpy as np
import pytest

from course_lib.classroom.authoring.ways_round import WAYS, answer_with
from course_lib.classroom.checking.exercise import Forbid
from course_lib.classroom.checking.forbid import Forbidden, Watch, forbidding, resolve
from course_lib.classroom.checking.students_code import student_globals


def through(call, *args):
    return call(*args)


FORBIDS = [
    Forbid("numpy.linalg.norm", lambda call, x: through(call, x)),
    Forbid("numpy.dot", lambda call, x: call(x, x[0])),
    Forbid("numpy.logaddexp", lambda call, x: call(x, x[0])),
]


@pytest.mark.parametrize("forbid", FORBIDS, ids=lambda forbid: forbid.name)
@pytest.mark.parametrize("way", WAYS)
def test_every_way(way, forbid):
    answer, x = answer_with(forbid, way), np.ones(4)
    assert np.array_equal(answer(x), forbid.fn(resolve(forbid.name), x))
    watch = Watch([forbid.name])
    with pytest.raises(Forbidden), forbidding(watch, student_globals(answer)):
        answer(x)
    assert watch.caught == [forbid.name]
