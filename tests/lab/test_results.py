import json

import pytest

from course_lib.lab import results

ROW = dict(lesson="12", model="GPT tiny", corpus="storyworld", parameters=10, tokens=100, seconds=1.26,
           bits_per_byte=0.71234)


@pytest.fixture
def course(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "work"))
    monkeypatch.delenv("COURSE_HEADLESS", raising=False)
    monkeypatch.setattr(results, "course_root", lambda: tmp_path)
    return tmp_path


def reference(course, **changes):
    file = course / "runs" / "reference" / "results.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as lines:
        lines.write(json.dumps(ROW | changes) + "\n")


def test_a_row_comes_back_rounded(course):
    results.record_result(**ROW)
    assert results.load_results() == [ROW | {"seconds": 1.3, "bits_per_byte": 0.7123}]


def test_the_newest_row_of_a_kind_wins_and_recorded_rows_fill_gaps(course):
    reference(course, bits_per_byte=0.9)
    reference(course, lesson="02", model="6-gram", bits_per_byte=1.1)
    results.record_result(**ROW)
    results.record_result(**ROW | {"bits_per_byte": 0.6})
    assert [(r["lesson"], r["bits_per_byte"]) for r in results.load_results()] == [("02", 1.1), ("12", 0.6)]


def test_headless_sees_recorded_rows_only(course, monkeypatch):
    reference(course, bits_per_byte=0.9)
    results.record_result(**ROW)
    monkeypatch.setenv("COURSE_HEADLESS", "1")
    assert [r["bits_per_byte"] for r in results.load_results()] == [0.9]


def test_half_written_and_foreign_lines_are_skipped(course):
    results.record_result(**ROW)
    with (course / "work" / "results.jsonl").open("a") as file:
        file.write('[1, 2]\n{"lesson": "13"}\n{"lesson": "14", "mod')
    assert [r["lesson"] for r in results.load_results()] == ["12"]
