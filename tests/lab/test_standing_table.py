"""The table of exercises: states, hints and mistakes, as text and as HTML."""

import json

import pytest

from course_lib.lab.attempts import record_event
from course_lib.lab.standing_table import StandingTable


@pytest.fixture(autouse=True)
def course(tmp_path, monkeypatch):
    for stem, number, title in (("01_tokens", "01.1", "Merge <b>"), ("02_ngrams", "02.1", "Count")):
        folder = tmp_path / "exercises" / stem
        folder.mkdir(parents=True)
        data = {"format": 1, "lesson": stem, "exercises": {number: {"title": title, "minutes": 5}}}
        (folder / "checks.json").write_text(json.dumps(data))
    monkeypatch.setattr("course_lib.lab.standing_table.course_root", lambda: tmp_path)
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "work"))
    monkeypatch.delenv("COURSE_HEADLESS", raising=False)


def test_it_says_how_far_you_are():
    assert str(StandingTable()).splitlines() == [
        "01.1   Merge <b>    5 min  open",
        "02.1   Count        5 min  open",
        "Exercises: 0 of 2 correct.",
    ]
    for kind, detail in (("hint", "1"), ("mistake", "off by one"), ("mistake", "off by one"), ("correct", "")):
        record_event("01.1", kind, detail)
    record_event("02.1", "wrong")
    assert str(StandingTable()).splitlines() == [
        "01.1   Merge <b>    5 min  ✓ correct  1 of 3 hints; off by one (2×)",
        "02.1   Count        5 min  1 try",
        "Exercises: 1 of 2 correct.",
    ]
    html = StandingTable()._repr_html_()
    assert "Merge &lt;b&gt;" in html and "✓ correct" in html


def test_it_counts_what_it_lists(tmp_path):
    for number, more in (("02.2", " 1 open question, which"), ("02.3", " 2 open questions, which")):
        path = tmp_path / "exercises" / "02_ngrams" / "checks.json"
        data = json.loads(path.read_text())
        data.setdefault("questions", {})[number] = {"title": "Why?", "minutes": 5}
        path.write_text(json.dumps(data))
        *rows, last = str(StandingTable()).splitlines()
        assert last == f"Exercises: 0 of 2 correct, and{more} a person reads."
        assert len(rows) == len(StandingTable()._repr_html_().split("<tr>")) - 2


def test_headless_nobody_has_begun(monkeypatch):
    record_event("01.1", "correct")
    monkeypatch.setenv("COURSE_HEADLESS", "1")
    assert repr(StandingTable()) == "Exercises: 0 of 2 correct."
