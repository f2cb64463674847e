"""Who waits for a human, and for which answer."""

from course_lib.classroom.grading.rows import Part, Row, waiting_line


def row(student, **parts):
    return Row(student, 1.0, 9.0, 0.0, None, 0.0, parts)


def test_waiting():
    done, new, again = Part(1, 4, by_hand=True), Part(0, 4, waits=True), Part(2, 4, waits=True, by_hand=True)
    assert row("ann", a=done, b=new, c=again).waiting == ["b", "c"]
    assert waiting_line([row("ann", a=done)]) == "" == waiting_line([])
    line = waiting_line([row("ann", a=new, b=again), row("bob", a=done)])
    assert line.startswith("1 of 2 wait for a score by hand") and line.endswith(": ann (a, b)")
    assert waiting_line([row(f"s{n}", a=new) for n in range(30)]).endswith("s9 (a) and 20 more")
