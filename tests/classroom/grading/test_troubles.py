"""What fails for one student is written down, and the next one is looked at."""

import pytest

from course_lib.classroom.grading.troubles import Troubles


def test_troubles_are_kept_by_student():
    troubles, done = Troubles(), []
    for student in ("bob", "ann", "cid"):
        with troubles.of(student, "reading it"):
            if student != "ann":
                raise {"bob": MemoryError(), "cid": ValueError("a\nb \ud800")}[student]
            done.append(student)
    assert done == ["ann"]
    said = "cid: reading it failed (ValueError: a b \\ud800)"
    assert troubles.lines() == ["bob: reading it failed (MemoryError)", said]


def test_whoever_stops_the_command_stops_it():
    with pytest.raises(KeyboardInterrupt), Troubles().of("ann", "reading it"):
        raise KeyboardInterrupt
