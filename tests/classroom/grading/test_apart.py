"""What a helper reads is what this process would read, and takes no memory here."""

import io
import json
import tracemalloc
import zipfile

import pytest

from course_lib.classroom.grading.intake import apart
from course_lib.classroom.grading.intake.apart import SMALL, read_safely
from course_lib.classroom.grading.intake.choosing import read_submission
from course_lib.classroom.grading.intake.reading import Unreadable


def notebook(*sources, room=0):
    cells = [{"cell_type": "code", "source": source, "metadata": {}} for source in sources]
    return json.dumps({"cells": cells, "room": "x" * room}).encode()


def zipped(raw):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("90_toy.ipynb", raw)
    return out.getvalue()


LARGE = {
    "a large file": ("90_toy.ipynb", notebook("a = 1", "\ud800 é", room=3 * SMALL)),
    "a small archive": ("90_toy.zip", zipped(notebook("a = 1", "b = 2"))),
    "no JSON": ("90_toy.ipynb", b"[" + b" " * 3 * SMALL),
    "a million parts": ("90_toy.ipynb", b'{"cells": [' + b"[]," * 999_000 + b"[]]}"),
    "another name": ("toy (1).ipynb", notebook("a = 1", room=3 * SMALL)),
}


def told(read, folder):
    try:
        return read(folder, "90_toy")
    except Unreadable as error:
        return str(error)


@pytest.mark.parametrize("what", LARGE)
def test_a_helper_reads_what_this_process_reads(what, tmp_path):
    file, raw = LARGE[what]
    (tmp_path / file).write_bytes(raw)
    tracemalloc.start()
    found = told(read_safely, tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == told(read_submission, tmp_path) and peak < 1_000_000


@pytest.mark.parametrize("sources", [["#" * 180_000] * 6, ["#" * 190_000] * 9, ["é" * 1200] * 900])
def test_more_text_than_anyone_writes_is_refused_with_the_reason(sources, tmp_path):
    (tmp_path / "90_toy.ipynb").write_bytes(notebook(*sources))
    assert told(read_safely, tmp_path) == "its cells hold more than 1 MB of text: hand in the answers only"


def test_a_helper_that_fails_or_hangs_makes_the_submission_unreadable(tmp_path, monkeypatch):
    (tmp_path / "90_toy.ipynb").write_bytes(notebook("a = 1", room=3 * SMALL))
    with monkeypatch.context() as patch:
        patch.setattr(apart.sys, "executable", "/bin/false")
        assert "too much memory" in told(read_safely, tmp_path)
    monkeypatch.setattr(apart, "SECONDS", 0.01)
    assert "longer than 0.01 s" in told(read_safely, tmp_path)
