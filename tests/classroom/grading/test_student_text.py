"""The door for students' text: what it does to each text, and that no text goes round it."""

import csv
import io
import json
import os
import sqlite3
import unicodedata
from html import unescape

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_lib.classroom.grading import student_text as door
from course_lib.cli.classroom import COMMANDS

NAME = "90_toy"
SOFTMAX = """def softmax(scores):
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)"""
RUNNING = "def running_mean(x):\n    return np.cumsum(x) / np.arange(1, len(x) + 1)"
ANY = st.text(st.characters())  # surrogates, controls and all
UNSEEN = (  # one of each kind
    "\ud800", "\udfff", "\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\x00", "\x08", "\x7f", "\x85", "\u2028", "\u2029",
    "\u202e", "\u2066", "\u200f", "\u061c", "\ufeff", "\u200b", "\u00ad", "\u115f", "\u3164", "\U000e0041", "\ufffe",
    "\uffff", "\r", "\v", "\f",
)
REFERENCE = f"&#{'5' * 5000};"


def is_bad(text):
    """What may stand in no page, table, notebook or line of a terminal."""
    return any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") and letter not in "\n\t"
               or unicodedata.category(letter) == "Cf" and letter not in "\u200c\u200d"
               or letter in "\u115f\u1160\u3164\uffa0\ufffe\uffff" for letter in text)


@pytest.mark.parametrize("bad", UNSEEN, ids=ascii)
def test_what_cannot_be_seen_is_shown_as_its_escape(bad):
    shown = door.legible(f"a{bad}b")
    assert not is_bad(shown) and shown.startswith("a") and shown.endswith("b") and len(shown) > 3
    assert not is_bad(door.one_line(f"a{bad}b")) and "\n" not in door.one_line(f"a\n{bad}\nb")
    assert is_bad(f"a{bad}b"), "else this test says nothing"


def test_what_people_write_stays_as_it_is():
    for text in ("a\n\tb", "naïve Ångström", "王小明", "مرحبا", "❤️ 👩‍👩‍👧", "नमस्ते", "x < y & z", "می‌خواهم"):
        assert door.legible(text) == door.stored(text) == text
    assert door.legible("\x1b[31mred\x1b[0m\r\n") == "red\n"
    assert len(door.legible("e" + "\u0301" * 5000)) == 9, "no tower of accents"
    assert door.stored("x = '\ud800'\r\n\0") == "x = '\\ud800'\n", "the escape means the same in Python"


@given(ANY)
@settings(database=None, deadline=None, max_examples=300)
def test_every_text_can_be_written(text):
    for made in (door.stored(text), door.legible(text), door.one_line(text), door.file_name(text)):
        made.encode()
    assert not is_bad(door.legible(text)) and not is_bad(door.one_line(text))
    assert len(door.one_line(text)) <= door.LONGEST_LINE


@given(ANY, ANY)
@settings(database=None, deadline=None, max_examples=300)
def test_names_are_short_and_lead_nowhere_and_two_are_two(one, other):
    made = door.file_name(one)
    assert 0 < len(made.encode()) <= door.LONGEST_NAME and "/" not in made and not made.startswith((".", "-", "+", "@"))
    assert not is_bad(made) and made == door.file_name(one)
    assert (made == door.file_name(other)) == (one == other)
    assert door.file_name(made.replace("~", "")) == made.replace("~", "") or "~" in made
    assert one == other or door.file_name(one, key=other) != made


def test_numbers_of_thousands_of_digits_in_html():
    """Why nobody resolves them in what students wrote."""
    with pytest.raises(ValueError):
        unescape(REFERENCE)


class Silent(Exception):
    def __str__(self):
        raise MemoryError


@pytest.mark.parametrize("error", [ValueError("\ud800\x1b[2J"), UnicodeEncodeError("utf-8", "\ud800", 0, 1, "x"),
                                   MemoryError(), Silent(), OSError(28, "No space"), ValueError("x" * 10**6)])
def test_any_error_can_be_told(error):
    said = door.reason(error)
    assert said.startswith(type(error).__name__) and not is_bad(said) and len(said) < 400


def test_few_notes():
    assert door.few(["a", "a", "b\nc"]) == ["a", "b c"]
    assert door.few([str(n) for n in range(1000)])[-1] == "and 980 more notes"
    assert len(door.few([str(n) for n in range(1000)])) == 21


# ---- no text goes round the door -------------------------------------------------------------------------------------
EVIL = f"{''.join(UNSEEN)}{REFERENCE}"


def strings(value):
    """Every text in plain data, keys included."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            waiting += one


def written(folder):
    """(file, text) of all that an instructor or a student may look at."""
    for path in folder.rglob("*"):
        yield "a name", path.name
        if path.suffix == ".html":
            yield path.name, path.read_text(encoding="utf-8")
        elif path.suffix == ".csv":
            for line in csv.reader(io.StringIO(path.read_text(encoding="utf-8"))):
                yield from ((path.name, cell) for cell in line)
        elif path.suffix == ".ipynb" and "autograded" in path.parts:
            yield from ((path.name, text) for text in strings(json.loads(path.read_text(encoding="utf-8"))))
        elif path.name == "receipt.json":
            yield from ((path.name, text) for text in json.loads(path.read_text(encoding="utf-8"))["notes"])
        elif path.parent.parent.name == "results":
            kept = json.loads(path.read_text(encoding="utf-8"))["result"]
            yield from ((path.name, text) for text in strings(kept))
        elif path.suffix == ".db":
            with sqlite3.connect(path) as book:
                for table, in book.execute("select name from sqlite_master where type = 'table'").fetchall():
                    for row in book.execute(f"select * from {table}"):
                        yield from ((table, cell) for cell in row if isinstance(cell, str))


def evil_run(cells, run):
    """What a box says, with hostile text wherever there is room for text."""
    if not any("# evil" in cell["source"] for cell in cells):
        return run
    wrong = {"error": "error", "type": EVIL, "message": EVIL, "line": [1, EVIL]}
    values = ({"value": {EVIL: EVIL}}, {"value": EVIL}, {"value": {"dict": [[EVIL, 1]]}}, {"error": EVIL}, {EVIL: EVIL})
    stages = [{name: (wrong, *values)[number % 6] for number, name in enumerate(stage)} for stage in run["evidence"]]
    outputs = [
        {"output_type": "stream", "name": EVIL, "text": EVIL},
        {"output_type": "error", "ename": EVIL, "evalue": EVIL, "traceback": [EVIL, f"\x1b[31m{EVIL}"]},
        {"output_type": "display_data", "data": {"text/plain": EVIL, EVIL: EVIL, "image/png": EVIL},
         "metadata": {EVIL: 1}},
    ]
    shown = {cell["id"]: outputs for cell in cells} | {EVIL: outputs}
    return run | {"cells": shown, "evidence": stages, "notes": [EVIL]}


def test_hostile_text_at_every_entrance_comes_out_nowhere(classroom, without_boxes, toy):
    without_boxes(classroom, evil_run)
    right = toy(SOFTMAX, RUNNING, "An essay.")
    evil = toy(f"{SOFTMAX}\n# evil {EVIL}", f"{RUNNING}\n# {EVIL}", f"An essay. {EVIL}")
    evil.cells += [new_markdown_cell(f"own {EVIL}"), new_code_cell(f"x = '{EVIL}'")]
    raw = json.loads(json.dumps(evil))
    for cell in raw["cells"][-2:]:
        cell["id"] = cell["metadata"]["nbgrader"] = EVIL
    raw["cells"][0]["metadata"] = {"nbgrader": {"grade_id": EVIL, "solution": True}, EVIL: EVIL}
    raw["metadata"] = {EVIL: EVIL, "kernelspec": {"name": EVIL}}
    classroom.put("bystander", right)
    short = b"\xff\xfe\x1b[2J" + "\u202e\ufeff\u2028\u3164王".encode() * 5
    for number, content in enumerate((json.dumps(raw).encode(), b"{", b"PK")):
        folder = os.fsencode(classroom.downloads) + b"/%d" % number + short
        os.mkdir(folder)
        for ending in (b".ipynb", b".zip", b".pdf"):
            with open(folder + b"/" + short + ending, "wb") as file:
                file.write(content)
        os.symlink("/etc", folder + b"/link" + short)
    said = ""
    for options in (["collect", NAME, str(classroom.downloads)], ["grade", NAME, "--no-sandbox"], ["similar", NAME],
                    ["export", NAME, "--canvas"], ["stats", NAME]):
        command = next(one for one in COMMANDS if one.name == options[0])
        done = CliRunner().invoke(command, [*options[1:], "--course", str(classroom.course.root)])
        assert done.exit_code == 0, (options, done.output[-1000:], done.exception)
        said += done.output
    assert not is_bad(said.replace("\r", "")), [line for line in said.splitlines() if is_bad(line)][:3]
    found = [(where, text) for where, text in written(classroom.course.private)]
    assert len(found) > 300 and any("\\u202e" in text for _, text in found), "the entrances are shut"
    assert [(where, text[:200]) for where, text in found if is_bad(text)] == []
    table = classroom.table()
    assert table["bystander"]["score"] == "5" and len(table) == 4
    assert sorted(line["status"][:10] for line in table.values()) == ["UNREADABLE", "UNREADABLE", "graded", "graded"]
