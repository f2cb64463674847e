"""Whose file it is, by every system's names; whole classes of names are in test_handed_in.py."""

import pytest

from course_lib.classroom.grading.naming import attempt, likeness, numbered, whose

NAME = "12_gpt"


@pytest.mark.parametrize(
    ("path", "student", "file", "attachment"),
    [
        ("doejane_4711_99_12_gpt.ipynb", "doejane_4711", "12_gpt.ipynb", 99),
        ("doejane_LATE_4711_99_12_gpt-1.ipynb", "doejane_4711", "12_gpt-1.ipynb", 99),
        ("doejane_4711_text.html", "doejane_4711", "text.html", 0),
        ("Jane Doe_4711_assignsubmission_file_/12_gpt.ipynb", "Jane-Doe_4711", "12_gpt.ipynb", 0),
        ("Jane Doe_4711_assignsubmission_file_12_gpt.ipynb", "Jane-Doe_4711", "12_gpt.ipynb", 0),
        ("Jane Doe_4711_assignsubmission_onlinetext_/onlinetext.html", "Jane-Doe_4711", "onlinetext.html", 0),
        ("jane/12_gpt.ipynb", "jane", "12_gpt.ipynb", 0),
        ("jane/deep/er/x.ipynb", "jane", "x.ipynb", 0),
        ("jane.ipynb", "jane", "12_gpt.ipynb", 0),
        ("jane_12_gpt.ipynb", "jane", "12_gpt.ipynb", 0),
        ("王小明/12_gpt.ipynb", "王小明", "12_gpt.ipynb", 0),
    ],
)
def test_whose(path, student, file, attachment):
    owner = whose(tuple(path.split("/")), NAME)
    assert (owner.student, owner.file, owner.attachment, owner.doubt) == (student, file, attachment, "")


def test_file_and_text_of_one_student_belong_together():
    moodle = {whose((f"Jane Doe_4711_assignsubmission_{kind}_", "x"), NAME).key for kind in ("file", "onlinetext")}
    canvas = {whose((f"doejane_4711_{rest}",), NAME).key for rest in ("text.html", "9_12_gpt.ipynb", "10_a-1.ipynb")}
    assert len(moodle) == len(canvas) == 1 and moodle != canvas


@pytest.mark.parametrize("first", [
    "Ann_1_assignsubmission_file__66_assignsubmission_file_", "evil_66_77_Ann_1_assignsubmission_file_x.ipynb",
    "evil_66_assignsubmission_file_Ann_1_assignsubmission_file_.ipynb"])
def test_what_reads_two_ways_is_nobody_else_s_and_has_no_platform_s_number(first):
    owner = whose((first,), NAME)
    assert "more than one student" in owner.doubt and "~" in owner.student and not owner.student.endswith("_1")


def test_attempts():
    assert attempt("a.ipynb") == ("a.ipynb", 0)
    assert attempt("a-1.ipynb") == ("a.ipynb", 1) and attempt("a-10.ipynb") == ("a.ipynb", 10)
    assert all(attempt(name) == (name, 0) for name in ("a-2024.ipynb", "a-1", "12-gpt.ipynb"))


def test_names_that_are_mistaken_for_one_another():
    assert likeness("Ann-Lee") == likeness("ann.lee") == likeness("ＡＮＮ_LEE~0123456789") == "annlee"
    assert likeness("José") == likeness("Jose\u0301") and likeness("ann_1") != likeness("ann_2")
    assert numbered("Ann  Lee", "7") == "Ann-Lee_7" and numbered("😀", "7") != numbered("😁", "7")
