"""Grades as CSV: complete, quoted, and nothing that a table program would run."""

import csv
from datetime import UTC, datetime

from course_lib.classroom.grading.marking import Mark
from course_lib.classroom.grading.records import Result
from course_lib.classroom.grading.rows import Part, Row
from course_lib.classroom.grading.tables import as_text, write_canvas, write_csv

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


def test_formulas_become_text():
    assert [as_text(x) for x in ("=1", "+1", "-1", "@x", "a=1", " \t=1")] == ["'=1", "'+1", "'-1", "'@x", "a=1", "'=1"]
