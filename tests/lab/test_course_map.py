import json
import re

import pytest

from course_lib.lab import course_map, results, standing_table
from course_lib.lab.attempts import record_event
from course_lib.lab.course_map import LESSONS, CourseMap


@pytest.fixture
def course(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    for stem in ("00_start_here", "12_gpt"):
        (tmp_path / "notebooks" / f"{stem}.ipynb").write_text("{}")
    for module in (course_map, results, standing_table):
        monkeypatch.setattr(module, "course_root", lambda: tmp_path)
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "work"))
    monkeypatch.setenv("COURSE_HEADLESS", "0")
    return tmp_path


def test_lessons_are_numbered_in_order():
    assert [lesson.number for lesson in LESSONS] == [f"{n:02}" for n in range(27)]


def test_only_lessons_that_exist_are_links(course):
    html = CourseMap()._repr_html_()
    assert re.findall(r'href="([^"]+)"', html) == ["00_start_here.ipynb", "12_gpt.ipynb"]
    assert html.count("not written yet") == 25 and "✓" not in html


def test_a_result_marks_the_lesson_done_with_its_best(course):
    for bits in (0.9, 0.7, 0.8):
        results.record_result(lesson="12", model=f"m{bits}", corpus="c", parameters=1, tokens=1, seconds=1,
                              bits_per_byte=bits)
    here = CourseMap()
    assert "done: 0.70 bits per byte" in here._repr_html_() and repr(here).endswith("2 here, 1 done.")


def test_exercises_are_counted_once_one_is_correct(course):
    folder = course / "exercises" / "12_gpt"
    folder.mkdir(parents=True)
    records = {f"12.{n}": {"title": "t", "minutes": 5} for n in (1, 2, 3)}
    (folder / "checks.json").write_text(json.dumps({"format": 1, "lesson": "12_gpt", "exercises": records}))
    record_event("12.2", "wrong")
    assert "exercises" not in CourseMap()._repr_html_()
    record_event("12.2", "correct")
    assert "open · 1 of 3 exercises" in CourseMap()._repr_html_()


def test_the_page_needs_nothing_from_outside(course):
    html = CourseMap()._repr_html_()
    assert "http" not in html and "<script" not in html and 'aria-label="Map of the course"' in html
