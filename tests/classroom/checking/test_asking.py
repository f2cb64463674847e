"""An answer that is called through a watch: arguments are named, those that may change are left alone."""

import numpy as np

from course_lib.classroom.checking.arguments import whole
from course_lib.classroom.checking.asking import Asked


def shifts(logits, by=1):
    logits -= by
    return logits.tolist()


def test_a_changed_argument_has_the_exercises_name():
    asked = Asked(lambda a: shifts(a), {"arguments": ["logits"], "returns": "array"})
    assert isinstance(asked(np.ones(2)), np.ndarray)
    assert asked.changed == "logits"
    assert "its argument `logits` in place (2 of 2 values; 1 at [0] became 0)" in asked.change


def test_by_its_keyword_and_without_a_name():
    asked = Asked(shifts, {})
    asked(logits=np.ones(2))
    assert asked.changed == "logits"
    asked = Asked(shifts, {})
    asked(np.ones(2))
    assert asked.changed == "argument 1"


def test_what_is_to_change_may():
    asked = Asked(shifts, {"arguments": ["logits", "by"], "changes": ["logits"]})
    asked(np.ones(2), by=2)
    assert asked.change == "" and asked.returned == [-1, -1] and asked.calls == 1


def test_arguments_on_their_way():
    seen = []
    Asked(lambda *args, **named: seen.append((args, named)), {}, whole)(np.array([0.6, 2.0]), x=np.array([1.4]))
    (args, named), = seen
    assert args[0].tolist() == [1, 2] and named["x"].tolist() == [1] and named["x"].dtype == np.int64
