"""The doctor's table."""

from course_lib.doctor.finding import Finding, report


def test_the_table():
    table = report([Finding("cores", "2"), Finding("Chinese font", "none", False, "install one")])
    assert table.splitlines() == [
        "ok    cores         2",
        "look  Chinese font  none",
        "                    → install one",
        "1 to look at: lines with → say how.",
    ]
    assert report([Finding("cores", "2")]).splitlines()[-1] == "Everything is there."
