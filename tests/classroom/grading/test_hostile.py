"""Accidents and attacks: each submission gets a score in its honest range, a row and a page, and harms nothing.

All are graded in one batch, as a class is. The right answers to the two exercises give 3 and 2 points; nobody gets
points for an exercise that was not done, and an accident in one cell costs no other.
"""
# ruff: noqa: E501  (a table, one submission a line)

import contextlib
import copy
import gzip
import io
import json
import os
import re
import select
import socket
import subprocess
import tracemalloc
import zipfile
from pathlib import Path

import nbformat
import numpy
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_lib.classroom.grading.student_text import file_name as safe

NAME = "90_toy"
TOKEN = "swordfish-of-the-instructor"
SOFTMAX = """def softmax(scores):
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)"""
STANDS_FOR = "# the right answer"
SAYS = "# say(bytes, …)"
SAY = """import os
def say(*texts):
    for fd in range(3, 40):
        for text in texts:
            try: os.write(fd, text + b'\\n')
            except OSError: break"""
RUNNING = "def running_mean(x):\n    return np.cumsum(x) / np.arange(1, len(x) + 1)"
ALL, NOTHING, SECOND = (5, 5), (0, 0), (2, 2)


def attacks():
    """attacks.txt: name → (softmax cell, running_mean cell, lowest, highest score)."""
    text, found = (Path(__file__).parent / "attacks.txt").read_text(encoding="utf-8"), {}
    for section in re.split(r"^# %% ", re.sub(r"^# ====.*\n", "", text, flags=re.MULTILINE), flags=re.MULTILINE)[1:]:
        head, code = section.split("\n", 1)
        name, score = head.split(" · ")
        lowest, _, highest = score.partition(" to ")
        softmax, _, running = code.partition("# ---- running_mean\n")
        softmax, running = softmax.replace(STANDS_FOR, SOFTMAX), running.replace(STANDS_FOR, RUNNING) or RUNNING
        assert name not in found, name
        softmax = softmax.replace(SAYS, SAY)
        found[name] = (softmax.rstrip("\n"), running, (int(lowest), int(highest or lowest)))
    return found


# ---- files that are not quite a notebook: name → (bytes from the right notebook, file name, (lowest, highest)) ------
def with_json(change):
    def make(notebook):
        data = json.loads(nbformat.writes(notebook))
        change(data)
        return json.dumps(data).encode()

    return make


def edit(change):
    def make(notebook):
        notebook = copy.deepcopy(notebook)
        change(notebook.cells)
        return nbformat.writes(notebook).encode()

    return make


def zipped(name, content):
    def make(notebook):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content or nbformat.writes(notebook))
        return out.getvalue()

    return make


def encrypted(notebook):
    raw = bytearray(zipped(f"{NAME}.ipynb", None)(notebook))
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(signature) + place] |= 1
    return bytes(raw)


def plain(notebook):
    return nbformat.writes(notebook).encode()


def wipe(data):
    for cell in data["cells"]:
        cell["metadata"] = {}
        cell.pop("id")
    data["nbformat_minor"] = 4


def split(cells):
    head, tail = SOFTMAX.split("\n", 1)[0] + "\n    pass", SOFTMAX
    first = copy.deepcopy(cells[2])
    first.source, first.id = head, "first-half"
    cells.insert(2, first)
    cells[3].source = tail


def merge(cells):
    cells[2].source += "\n\n" + cells[4].source
    del cells[4]


def moved(cells):
    answer = cells.pop(2)
    answer.source = "raise NotImplementedError"
    cells.insert(2, answer)
    cells.append(new_code_cell(SOFTMAX))


def version3(notebook):
    cells = [{"cell_type": "code", "input": c.source, "language": "python", "outputs": [], "metadata": dict(c.metadata),
              "collapsed": False} for c in notebook.cells if c.cell_type == "code"]
    return json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""},
                       "worksheets": [{"cells": cells, "metadata": {}}]}).encode()


def own_points(cells):
    mine = {"grade": True, "solution": False, "locked": True, "points": 100, "grade_id": "mine", "schema_version": 3}
    cells.append(new_code_cell("100", metadata={"nbgrader": mine}))


DEAF = "import time\nwhile True:\n    try: time.sleep(9)\n    except BaseException: pass"


def slow(source):
    return lambda cells: cells.__setitem__(slice(2, 2), [new_code_cell(source) for _ in range(30)])


def parts(number):
    return lambda notebook: plain(notebook)[:-2] + b', "parts": [' + b"{}," * number + b"1]}"


def nested(depth):
    return lambda notebook: plain(notebook)[:-2] + b', "deep": ' + b"[" * depth + b"]" * depth + b"}"


UNREADABLE = None
LONG = f"&#{'5' * 5000};"
LARGE = ("300 MB", "300 MB archive")  # made so when they lie on the disk, where they take no room
FILES = {
    "corrupt": (lambda nb: plain(nb)[:200], f"{NAME}.ipynb", UNREADABLE),
    "empty file": (lambda nb: b"", f"{NAME}.ipynb", UNREADABLE),
    "zeros": (lambda nb: bytes(1000), f"{NAME}.ipynb", UNREADABLE),
    "not a notebook": (lambda nb: b'{"a": 1}', f"{NAME}.ipynb", UNREADABLE),
    "a list": (lambda nb: b"[]", f"{NAME}.ipynb", UNREADABLE),
    "no cells": (with_json(lambda d: d.update(cells=[])), f"{NAME}.ipynb", UNREADABLE),
    "nested": (lambda nb: b"[" * 200_000, f"{NAME}.ipynb", UNREADABLE),
    "a picture": (lambda nb: b"\x89PNG\r\n\x1a\n" + bytes(range(256)), f"{NAME}.ipynb", UNREADABLE),
    "no notebook": (lambda nb: b"%PDF", "answers.pdf", UNREADABLE),
    "300 MB": (plain, f"{NAME}.ipynb", UNREADABLE),
    "300 MB archive": (zipped(f"{NAME}.ipynb", None), "work.zip", UNREADABLE),
    "two million parts": (parts(2_000_000), f"{NAME}.ipynb", UNREADABLE),
    "deep": (nested(100_000), f"{NAME}.ipynb", UNREADABLE),
    "a little deep": (nested(500), f"{NAME}.ipynb", ALL),
    "a number too long": (lambda nb: plain(nb).replace(b'"nbformat": 4', b'"nbformat": ' + b"4" * 9999),
                          f"{NAME}.ipynb", UNREADABLE),
    "cells in a dict": (with_json(lambda d: d.update(cells={"0": d["cells"]})), f"{NAME}.ipynb", UNREADABLE),
    "compressed": (lambda nb: gzip.compress(plain(nb)), f"{NAME}.ipynb", UNREADABLE),
    "encrypted zip": (encrypted, "work.zip", UNREADABLE),
    "zip in a zip": (lambda nb: zipped("work.zip", zipped(f"{NAME}.ipynb", None)(nb))(nb), "work.zip", ALL),
    "saved as a page": (lambda nb: b"<html>" + plain(nb), f"{NAME}.html", UNREADABLE),
    "saved as a page, called a notebook": (lambda nb: b"<html>" + plain(nb), f"{NAME}.ipynb", UNREADABLE),
    "conflicts of a merge": (lambda nb: plain(nb).replace(b'"cells"', b'<<<<<<< HEAD\n "cells"'), f"{NAME}.ipynb", UNREADABLE),
    "zip bomb": (zipped(f"{NAME}.ipynb", " " * 80_000_000), "work.zip", UNREADABLE),
    "damaged zip": (lambda nb: b"PK\x03\x04" + bytes(50), "work.zip", UNREADABLE),
    "zip": (zipped("../../../x/90_toy.ipynb", None), "work.zip", ALL),
    "byte order mark": (lambda nb: b"\xef\xbb\xbf" + plain(nb), f"{NAME}.ipynb", ALL),
    "UTF-16": (lambda nb: plain(nb).decode().encode("utf-16"), f"{NAME}.ipynb", ALL),
    "UTF-16 without a mark": (lambda nb: plain(nb).decode().encode("utf-16-le"), f"{NAME}.ipynb", ALL),
    "Latin-1": (lambda nb: plain(nb).replace(b"# Toy", "# Töy".encode("latin-1")), f"{NAME}.ipynb", ALL),
    "CRLF": (lambda nb: plain(nb).replace(b"\\n", b"\\r\\n").replace(b"\n", b"\r\n"), f"{NAME}.ipynb", ALL),
    "other name": (plain, "90 toy (1) final-FINAL.ipynb", ALL),
    "version 3": (version3, f"{NAME}.ipynb", ALL),
    "wiped metadata": (with_json(wipe), f"{NAME}.ipynb", ALL),
    "Python file": (lambda nb: f"import numpy as np\n{SOFTMAX}\n{RUNNING}\n".encode(), f"{NAME}.py", ALL),
    "doubled cells": (edit(lambda cells: cells.extend(copy.deepcopy(cells[2:5]))), f"{NAME}.ipynb", ALL),
    "duplicate ids": (with_json(lambda d: [c.update(id="same") for c in d["cells"]]), f"{NAME}.ipynb", ALL),
    "split cell": (edit(split), f"{NAME}.ipynb", ALL),
    "merged cells": (edit(merge), f"{NAME}.ipynb", ALL),
    "answered below": (edit(moved), f"{NAME}.ipynb", ALL),
    "no checks": (edit(lambda cells: [cells.pop(5), cells.pop(3)]), f"{NAME}.ipynb", ALL),
    "edited check": (edit(lambda cells: cells[3].update(source="print('5 points')")), f"{NAME}.ipynb", ALL),
    "more points": (edit(lambda cells: cells[3].metadata["nbgrader"].update(points=1000)), f"{NAME}.ipynb", ALL),
    "reversed": (edit(lambda cells: cells.reverse()), f"{NAME}.ipynb", ALL),
    "answer deleted": (edit(lambda cells: cells.pop(2)), f"{NAME}.ipynb", SECOND),
    "lone surrogate": (with_json(lambda d: d["cells"][-1].update(source="\ud800 essay")), f"{NAME}.ipynb", ALL),
    "half a character in an answer": (with_json(lambda d: d["cells"][2].update(source=f"# \ud800\n{SOFTMAX}")), f"{NAME}.ipynb", ALL),
    "half a character in names of cells": (with_json(lambda d: [
        d["cells"][1].update(id="\ud800"), d["cells"][0]["metadata"].update(nbgrader={"grade_id": "\udfff"})]), f"{NAME}.ipynb", ALL),
    "a long number in prose": (edit(lambda cells: cells[-1].update(source=LONG)), f"{NAME}.ipynb", ALL),
    "a long number in a cell": (edit(lambda cells: cells.append(new_code_cell(f"x = '{LONG}'"))), f"{NAME}.ipynb", ALL),
    "a long number in a comment": (edit(lambda cells: cells[2].update(source=f"# {LONG}\n{SOFTMAX}")), f"{NAME}.ipynb", ALL),
    "a long number of references": (edit(lambda cells: cells[-1].update(source=f"&amp;#{'&#53;' * 5000};")), f"{NAME}.ipynb", ALL),
    "a long number behind references": (edit(lambda cells: cells[-1].update(source=f"&amp;amp;&num;{'5' * 5000};")), f"{NAME}.ipynb", ALL),
    "marks that turn text round": (edit(lambda cells: cells[2].update(source=f"# \u202e\u2066 x\n{SOFTMAX}")), f"{NAME}.ipynb", ALL),
    "escape sequences in prose": (edit(lambda cells: cells[-1].update(source="\x1b[2J\x9b31m \x07")), f"{NAME}.ipynb", ALL),
    "王" * 84: (plain, f"{NAME}.ipynb", ALL),
    "\u202e\x1b[2J\x07 title": (plain, "\u202e\x1b[2J.ipynb", ALL),
    "😀😀": (plain, f"{NAME}.ipynb", ALL),
    "😀😁": (lambda nb: b"", f"{NAME}.ipynb", UNREADABLE),
    "x" * 240: (plain, f"{NAME}.ipynb", ALL),
    "source of numbers": (with_json(lambda d: d["cells"][0].update(source=[1, None])), f"{NAME}.ipynb", ALL),
    "source in a dict": (with_json(lambda d: d["cells"][0].update(source={"a": 1})), f"{NAME}.ipynb", ALL),
    "cells of no kind": (with_json(lambda d: [d["cells"][0].pop("cell_type"), d["cells"].insert(0, 3)]), f"{NAME}.ipynb", ALL),
    "metadata of no kind": (with_json(lambda d: [d.update(metadata=7), d["cells"][2].update(metadata=[1], outputs=9)]),
                            f"{NAME}.ipynb", ALL),
    "nbgrader's marks of no kind": (with_json(lambda d: [c["metadata"].update(nbgrader=[]) for c in d["cells"]]),
                                    f"{NAME}.ipynb", ALL),
    "format 99": (with_json(lambda d: d.update(nbformat=99, nbformat_minor="x")), f"{NAME}.ipynb", ALL),
    "no format": (with_json(lambda d: [d.pop("nbformat"), d.pop("nbformat_minor"), d.pop("metadata")]), f"{NAME}.ipynb", ALL),
    "five thousand cells": (edit(lambda cells: cells.extend(new_markdown_cell("x") for _ in range(5000))), f"{NAME}.ipynb", ALL),
    "a text of 5 MB": (edit(lambda cells: cells[0].update(source="# x\n" * 1_250_000)), f"{NAME}.ipynb", ALL),
    "an answer of 5 MB": (edit(lambda cells: cells[2].update(source="x = 1\n" * 900_000 + SOFTMAX)), f"{NAME}.ipynb", SECOND),
    "thirty slow cells": (edit(slow("import time; time.sleep(9.5)")), f"{NAME}.ipynb", ALL),
    "thirty cells that will not be stopped": (edit(slow(DEAF)),
                                              f"{NAME}.ipynb", ALL),
    "thirty cells slow in C": (edit(slow("sum(range(10**12))")), f"{NAME}.ipynb", ALL),
    "thirty cells that end the program": (edit(slow("import os; os._exit(0)")), f"{NAME}.ipynb", ALL),
    "thirty cells that stop it": (edit(slow("import os; os.kill(os.getpid(), 19)")), f"{NAME}.ipynb", ALL),
    "an answer in Markdown": (edit(lambda cells: cells[2].update(cell_type="markdown")), f"{NAME}.ipynb", ALL),
    "points of its own": (edit(own_points), f"{NAME}.ipynb", ALL),
    "another's points": (edit(lambda cells: cells[2].metadata["nbgrader"].update(grade=True, points=50)), f"{NAME}.ipynb", ALL),
    "a name that runs": (plain, "<script>alert(1)<script>=cmd.ipynb", ALL),
    "wrong kernel": (with_json(lambda d: d["metadata"].update(kernelspec={"name": "julia"})), f"{NAME}.ipynb", ALL),
    "script in text": (edit(lambda cells: cells[-1].update(source="<script>alert(1)</script><img src=x onerror=alert(1)>")),
                       f"{NAME}.ipynb", ALL),
    "nine hundred cells with twenty outputs each": (
        edit(lambda cells: cells.extend(new_code_cell("for i in range(20): display(i)") for _ in range(900))),
        f"{NAME}.ipynb", ALL),
    "nine hundred cells that fail": (edit(lambda cells: cells.extend(new_code_cell("1 / 0 # " + 900 * "x") for _ in range(900))),
                                     f"{NAME}.ipynb", ALL),
    "a hundred cells that print all they may": (
        edit(lambda cells: cells.extend(new_code_cell("print('\\u4e2d' * 60_000)") for _ in range(100))), f"{NAME}.ipynb", ALL),
    "a cell with a hundred pictures": (
        edit(lambda cells: cells.append(new_code_cell("from IPython.display import Image\nfor _ in range(100): "
                                                      "display(Image(b'\\x89PNG\\r\\n\\x1a\\n' + bytes(600_000), format='png'))"))),
        f"{NAME}.ipynb", ALL),
    "forty cells of 190,000 letters": (edit(lambda cells: cells.extend(new_code_cell("#" * 190_000) for _ in range(40))),
                                       f"{NAME}.ipynb", UNREADABLE),
    "stub": (edit(lambda cells: [cells[n].update(source=f"def {f}(x):\n    raise NotImplementedError") for n, f in
                                 ((2, "softmax"), (4, "running_mean"))]), f"{NAME}.ipynb", NOTHING),
}
CODE = attacks()
EVERYBODY = [*CODE, *FILES]
BESIDE = ("numpy.py", "sitecustomize.py", "ipykernel_launcher.py", "timestamp.txt", "receipt.json", "gradebook.db")


def listing(*folders):
    """Every file's name, size and time."""
    command = ["find", *folders, "-not", "-path", "*/.nbgrader*", "-type", "f", "-printf", "%p %s %T@\n"]
    return sorted(subprocess.run(command, capture_output=True).stdout.splitlines())


@contextlib.contextmanager
def listening():
    """(port, whoever called) on TCP, UDP and an abstract socket: all that might be reached without a network."""
    tcp, kinds = socket.create_server(("127.0.0.1", 0)), ((socket.AF_INET, "127.0.0.1"), (socket.AF_UNIX, None))
    port, called = tcp.getsockname()[1], []
    listeners = [tcp, *(socket.socket(kind, socket.SOCK_DGRAM) for kind, _ in kinds)]
    listeners[1].bind(("127.0.0.1", port))
    listeners[2].bind(f"\0course-{port}")
    try:
        yield str(port), called
        called += select.select(listeners, [], [], 0.1)[0]
    finally:
        for one in listeners:
            one.close()


@pytest.fixture(scope="module")
def graded(new_classroom, toy, repository):
    """The whole class, graded once; with what changed on the host meanwhile."""
    room, right = new_classroom(), toy(SOFTMAX, RUNNING)
    watched = (room.course.root, room.downloads, repository / "course_lib", Path(numpy.__file__).parent)
    with listening() as (port, room.called), pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADEBOOK_TOKEN", TOKEN)
        for student, (softmax, running, _) in CODE.items():
            room.put(student, toy(softmax.replace("PORT", port), running))
        for student, (make, file, _) in FILES.items():
            room.put(student, make(right), file)
            if student in LARGE:
                os.truncate(room.downloads / student / file, 300_000_000)
        for file in BESIDE:
            room.put("files-beside-it", right)
            room.put("files-beside-it", b"raise SystemExit", file)
        links = room.downloads / "links"
        links.mkdir()
        (links / f"{NAME}.ipynb").symlink_to(room.course.root / "solutions" / NAME / "checks.py")
        os.mkfifo(links / "pipe.ipynb")
        odd = os.fsencode(room.downloads) + b"/\xff\xfeodd<img src=x onerror=alert(1)>"
        os.mkdir(odd)
        with open(odd + b"/\xe9\xff.ipynb", "wb") as file:
            file.write(plain(right))
        before = listing(*watched)
        tracemalloc.start()
        room.collect()
        room.peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        room.results, room.rows = room.grade_all()
        room.changed = set(before) ^ set(listing(*watched))
    room.lines = room.table()
    return room


@pytest.mark.parametrize("student", EVERYBODY)
def test_score_row_and_page(graded, student):
    expected = (CODE | FILES)[student][-1]
    row, result, page = graded.rows[safe(student)], graded.results[safe(student)], graded.page(safe(student))
    lowest, highest = expected or NOTHING
    assert lowest <= row.score <= highest, (result.marks, result.notes)
    assert row.max_score == 9
    assert bool(result.unreadable) == (expected is UNREADABLE)
    assert ("UNREADABLE" in page) == (expected is UNREADABLE)
    line = graded.lines[safe(student)]
    assert line["score"] == f"{row.score:g}"
    assert line["status"] == (f"UNREADABLE: {result.unreadable}" if expected is UNREADABLE else "graded")
    assert result.seconds < 40
    assert not any("the run failed" in note for note in result.notes), "no box makes an error on this side"
    assert graded.course.autograded(safe(student), NAME).stat().st_size < 9_000_000
    kept = graded.course.evidence(NAME) / f"{safe(student)}.run"
    assert kept.exists() == (not result.unreadable) and (result.unreadable or kept.stat().st_size < 9_000_000)


def test_there_are_enough_of_them():
    assert len(EVERYBODY) >= 150


def test_300_MB_are_refused_with_the_reason_and_never_in_memory(graded):
    for student in map(safe, LARGE):
        assert "larger than 50 MB: hand it in without outputs" in graded.lines[student]["status"]
        assert "larger than 50 MB: hand it in without outputs" in graded.page(student)
        assert [path.name for path in graded.course.inbox(student, NAME).iterdir()] == ["receipt.json"]
    assert graded.peak < 150_000_000


@pytest.mark.parametrize("student", EVERYBODY)
def test_no_page_tells_a_hidden_probe_or_runs_anything(graded, student):
    page = graded.page(safe(student))
    for secret in ("very_large_scores", "longer_rows", "1000 * rng"):
        assert secret not in page and secret not in str(graded.results[safe(student)])
    assert "<script" not in page and "<img" not in page
    shown = nbformat.read(graded.course.autograded(safe(student), NAME), as_version=4)
    nbformat.validate(shown)
    outputs = [out for cell in shown.cells for out in cell.get("outputs", [])]
    assert all(set(out.get("data", {})) <= {"text/plain", "image/png"} for out in outputs)
    assert not any("1000 * rng" in str(out) for out in outputs)
    assert not any("<script" in cell.source for cell in shown.cells if cell.cell_type == "markdown")


def test_no_file_that_is_written_holds_what_the_grader_knows(graded):
    """Pages, tables, notebooks, results; nor does any page say where on this machine something lies."""
    files = [path for path in graded.course.private.rglob("*") if path.is_file()]
    assert {".html", ".csv", ".json", ".ipynb"} <= {path.suffix for path in files}
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []
    home = os.path.expanduser("~")
    assert [student for student in EVERYBODY if home in graded.page(safe(student))] == []


def test_the_host_is_as_it_was(graded):
    assert not graded.changed and not graded.called
    ours = {process.pid for process in psutil.Process().children(recursive=True)}
    for process in psutil.process_iter(["cmdline", "ppid"]):
        arguments = " ".join(process.info["cmdline"] or [])
        assert "987654" not in arguments, "something that a submission started is still there"
        # A class that is graded beside this one has its own boxes; a box of nobody has outlived its grader.
        if process.pid in ours or process.info["ppid"] == 1:
            assert "course_lib.classroom.grading.sandbox.inside" not in arguments
    assert not [folder for folder in ("/tmp", "/var/tmp", "/dev/shm") if Path(folder, "course-was-here").exists()]


def test_links_pipes_odd_names_and_files_beside_it(graded):
    assert graded.results["links"].unreadable and "a link to another file" in " ".join(graded.results["links"].notes)
    odd = next(student for student in graded.rows if "odd" in student)
    assert graded.rows[odd].score == 5 and "<" not in odd
    assert graded.rows["files-beside-it"].score == 5
    assert {row.student for row in graded.rows.values()} == set(graded.results)
