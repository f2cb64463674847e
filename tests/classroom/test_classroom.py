"""What students import from the house of exercises."""

import course_lib.classroom
from course_lib.classroom.checking import checks


def test_students_find_their_three_functions_at_the_door():
    for name in ("check", "hint", "solution"):
        assert getattr(course_lib.classroom, name) is getattr(checks, name)
    assert sorted(course_lib.classroom.__all__) == ["check", "hint", "solution"]
