"""Grades as CSV: complete, quoted, and nothing that a table program would run."""

import csv
import re
from datetime import UTC, datetime

import pytest

from course_lib.classroom.grading.marking import Mark
from course_lib.classroom.grading.records import Result
from course_lib.classroom.grading.rows import Part, Row
from course_lib.classroom.grading.student_text import file_name
from course_lib.classroom.grading.tables import as_text, write_canvas, write_csv

SIGN = re.compile(r"(^|[;,|\"])\s*[=+\-@]")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def row(student, score):
    parts = {"90.1": Part(3.0, 3.0), "90.2": Part(1.5, 2.0, by_hand=True), "90.3": Part(0.0, 4.0, waits=True)}
    return Row(student, score, 5.0, 0.5, NOON, 0.0, parts)


def result(student, unreadable="", notes=()):
    marks = [Mark("90.1", "Softmax", 3.0, 3.0, "correct"), Mark("90.2", "Mean", 1.5, 2.0, "wrong")]
    return Result(student, marks, list(notes), unreadable, NOON, 1.0)


def test_csv(tmp_path):
    rows = [row("Doe, Jane_1", 4.5), row("=cmd_2", 0.0)]
    found = {"Doe, Jane_1": result("Doe, Jane_1"), "=cmd_2": result("=cmd_2", "it is\nempty", ["@x", "b"])}
    write_csv(tmp_path / "a.csv", rows, found)
    with open(tmp_path / "a.csv", newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [line["student"] for line in lines] == ["Doe, Jane_1", "'=cmd_2"]
    assert lines[0]["score"] == "4.5" and lines[0]["90.2"] == "1.5" and lines[0]["status"] == "graded"
    assert lines[0]["90.3"] == "" and lines[0]["waits_for"] == "90.3", "no points yet is not nought"
    assert lines[1]["status"] == "UNREADABLE: it is empty" and lines[1]["notes"] == "'@x | b"


def test_canvas(tmp_path):
    unknown = write_canvas(tmp_path / "a.csv", "90_toy", [row("janedoe_4711", 4.5), row("someone", 1.0)])
    assert unknown == ["someone"]
    assert (tmp_path / "a.csv").read_text().splitlines() == [
        "Student,ID,SIS Login ID,Section,90_toy", "Points Possible,,,,5", "janedoe,4711,,,4.5"]


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "﹦", "﹢", "﹣", "﹫", "−", "⁼", "₊"])
@pytest.mark.parametrize("before", ["", " \t", "\r", "\n", "\x00", "\x1b", "\u200b", "\u202e", "\ufeff", "\xa0",
                                    "a;", "b, ", 'c"', "d|"])
def test_formulas_become_text(before, sign):
    assert as_text(f"{before}{sign}cmd").endswith(f"'{sign}cmd")


@pytest.mark.parametrize("text", ["a=1", "line 3: x - y", "5 of 7", "Ångström, Doe-Müller", "2026-03-01"])
def test_other_text_stays(text):
    assert as_text(text) == text


@pytest.mark.parametrize("text", ["\x1b]8;;http://evil.example\x07click\x1b]8;;\x07", "\x9b31mred", "\u202egnp.exe",
                                  "a\ud800b", "a\x07"])
def test_nothing_steers_a_terminal_or_turns_a_line_around(text):
    clean = as_text(text)
    assert clean.isprintable() and clean.encode()


def test_every_field_of_every_table_is_text(tmp_path):
    """Whatever comes from a student: a name, a reason, a note; and the name of the column in Canvas."""
    evil = "=cmd|' /C calc'!A0\x1b[2J\n"
    rows, found = [row(f"{evil}_{n}", 1.0) for n in (1, 2)], {f"{evil}_1": result(f"{evil}_1", evil, [evil, "+a;-b"])}
    write_csv(tmp_path / "a.csv", rows, found)
    write_canvas(tmp_path / "b.csv", "=90_toy", rows)
    for name in ("a.csv", "b.csv"):
        with open(tmp_path / name, newline="", encoding="utf-8") as file:
            fields = [field for line in csv.reader(file) for field in line]
        assert not [field for field in fields if SIGN.search(field)] and "cmd" in str(fields)
        assert all(field.isprintable() for field in fields)


def test_a_students_name_begins_like_no_formula():
    """nbgrader's own export writes names as they are."""
    assert all(file_name(name)[0] in "1xas" for name in ("=1+1", "+1", "@sum", "-x", "＝a"))
