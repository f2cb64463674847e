"""An exercise from writing to grade. Students call `check`, `hint` and `solution`; the rest serves those who teach.

`checking` answers a student's try, `authoring` makes and proves the checks, `grading` marks what was handed in.
"""

from course_lib.classroom.checking.checks import check, hint, solution

__all__ = ["check", "hint", "solution"]
