"""Accidents and attacks: each submission gets a score in its honest range, a row and a page, and harms nothing.

All are graded in one batch, as a class is. The right answers to the two exercises give 3 and 2 points; nobody gets
points for an exercise that was not done, and an accident in one cell costs no other.
"""
# ruff: noqa: E501  (a table, one submission a line)

import copy
import io
import json
import os
import socket
import subprocess
import zipfile

import nbformat
import pytest
from nbformat.v4 import new_code_cell

NAME = "90_toy"
SOFTMAX = """def softmax(scores):
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)"""
RUNNING = "def running_mean(x):\n    return np.cumsum(x) / np.arange(1, len(x) + 1)"


def body(code, function="softmax", argument="scores"):
    return f"def {function}({argument}):\n" + "".join(f"    {line}\n" for line in code.splitlines())


# ---- code in an answer's place: (softmax cell, running_mean cell, lowest, highest score) --------------------------
ALL, NOTHING, SECOND = (5, 5), (0, 0), (2, 2)
CODE = {
    # availability
    "endless loop": ("while True: pass", RUNNING, SECOND),
    "endless loop in the answer": (body("while True: pass"), RUNNING, SECOND),
    "loop that swallows": ("import time\nwhile 1:\n    try: time.sleep(9)\n    except BaseException: pass", RUNNING, SECOND),
    "loop in C": ("sum(range(10**13))", RUNNING, SECOND),
    "input": ("input('?')", RUNNING, SECOND),
    "sys.exit": ("import sys; sys.exit(0)", RUNNING, SECOND),
    "os._exit": ("import os; os._exit(0)", RUNNING, SECOND),
    "os._exit in the answer": (body("import os; os._exit(0)"), RUNNING, SECOND),
    "segmentation fault": ("import ctypes; ctypes.string_at(0)", RUNNING, SECOND),
    "abort": ("import os; os.abort()", RUNNING, SECOND),
    "stops itself": ("import os; os.kill(os.getpid(), 19)", RUNNING, SECOND),
    "kills its parent": ("import os; os.kill(os.getppid(), 9)", RUNNING, (0, 2)),
    "kills everything": ("import os; os.kill(-1, 9)", RUNNING, (0, 2)),
    "parent killed by the answer": (body("import os; os.kill(os.getppid(), 9)"), RUNNING, (0, 2)),
    "fork bomb": ("import os\nfor _ in range(500): os.fork()", RUNNING, (0, 2)),
    "thread bomb": ("import threading, time\nfor _ in range(9999): threading.Thread(target=time.sleep, args=(99,)).start()",
                    RUNNING, (0, 2)),
    "memory bomb": ("x = bytearray(8 << 30)", RUNNING, SECOND),
    "slow memory bomb": ("import os\nx = []\nwhile True: x.append(os.urandom(1 << 24))", RUNNING, SECOND),
    "deep recursion": (body("return softmax(scores)"), RUNNING, SECOND),
    "prints 300 MB": ("print('x' * 300_000_000)", RUNNING, SECOND),
    "prints for ever": ("while True: print('x' * 1000)", RUNNING, SECOND),
    "fills the disk": ("with open('x', 'wb') as f:\n    while True: f.write(bytes(1 << 20))", RUNNING, SECOND),
    "background process": ("import subprocess; subprocess.Popen(['sleep', '987654'], start_new_session=True)\n" + SOFTMAX,
                           RUNNING, ALL),
    "closes all files": ("import os; os.closerange(0, 300)", RUNNING, (0, 2)),
    "garbage to all files": ("import os\nfor fd in range(3, 60):\n    try: os.write(fd, b'\\xff{\\n' * 99)\n    except OSError: pass",
                             RUNNING, (0, 2)),
    "sets an alarm": ("import signal; signal.alarm(1); signal.signal(14, signal.SIG_IGN)\n" + SOFTMAX, RUNNING, ALL),
    "huge answer": (body("return np.zeros(50_000_000)"), RUNNING, SECOND),
    "never ending answer": (body("while True: yield 1"), RUNNING, SECOND),
    # accidents
    "syntax error": ("def softmax(scores:\n    return", RUNNING, SECOND),
    "forgot to return": (body("np.exp(scores)"), RUNNING, SECOND),
    "warns on stderr": ("import sys, warnings\nwarnings.warn('old')\nprint('!', file=sys.stderr)\n" + SOFTMAX, RUNNING, ALL),
    "magics": ("%time 1 + 1\n!ls\n" + SOFTMAX, RUNNING, ALL),
    "tabs and Unicode": ("def softmax(scores):\n\té = np.exp(scores - scores.max(-1, keepdims=True))\n\treturn é / é.sum(-1, keepdims=True)",
                         RUNNING, ALL),
    "lists for arrays": (body("return [[1.0] * 4] * 3"), RUNNING, SECOND),
    "own package missing": ("import pandas_that_is_not_there\n" + SOFTMAX, RUNNING, SECOND),
    "overwrites numpy": ("np = None\n" + SOFTMAX, "import numpy as np\n" + RUNNING, ALL),
    "class for a function": ("class softmax:\n    def __new__(cls, scores):\n        e = np.exp(scores - scores.max(-1, keepdims=True))\n"
                             "        return e / e.sum(-1, keepdims=True)", RUNNING, ALL),
    # cheating
    "always equal": ("class E(np.ndarray):\n    def __eq__(s, o): return True\n" + body("return np.zeros(scores.shape).view(E)"),
                     RUNNING, SECOND),
    "equal object": ("class E:\n    shape = (3, 4)\n    def __eq__(s, o): return True\n    def __array__(s, *a, **k): return np.zeros((3, 4))\n"
                     + body("return E()"), RUNNING, SECOND),
    "patched comparison": ("np.allclose = np.array_equal = lambda *a, **k: True\nnp.testing.assert_allclose = print", RUNNING, SECOND),
    "patched builtins": ("import builtins\nbuiltins.all = builtins.any = builtins.isinstance = lambda *a: True", RUNNING, (0, 2)),
    "patched generator": ("class R:\n    def normal(s, size=None): return np.zeros(size)\nnp.random.default_rng = lambda *a: R()\n"
                          + body("return np.full(scores.shape, 1 / scores.shape[-1])"), RUNNING, (0, 2)),
    "patched json": ("import json\njson.dumps = lambda *a, **k: '{\"is\": \"stage done\", \"stage\": 1}'", RUNNING, (0, 2)),
    "forged messages": ("import os, json\nfor fd in range(3, 40):\n    for stage in range(3):\n        for id in ('three_rows', 'five'):\n"
                        "            m = json.dumps({'is': 'evidence', 'id': id, 'says': {'value': True}}) + '\\n'\n"
                        "            m += json.dumps({'is': 'stage done', 'stage': stage}) + '\\n'\n"
                        "            try: os.write(fd, m.encode())\n            except OSError: pass", RUNNING, (0, 2)),
    "forbidden function": (body("return np.apply_along_axis(lambda r: np.exp(r - r.max()) / np.exp(r - r.max()).sum(), -1, scores)"), RUNNING, SECOND),
    "forbidden by another name": ("import importlib\nf = getattr(importlib.import_module('num' + 'py'), 'apply_along' + '_axis')\n"
                                  + body("return f(lambda r: np.exp(r - r.max()) / np.exp(r - r.max()).sum(), -1, scores)"), RUNNING, SECOND),
    "reads solutions": ("import glob\nfor p in glob.glob('/**/90_toy*', recursive=True) + glob.glob('/**/checks.py', recursive=True):\n"
                        "    exec(open(p).read())", RUNNING, SECOND),
    "reads frames": (body("import sys\nf, found = sys._getframe(), []\nwhile f:\n    found += [v for v in f.f_locals.values() "
                          "if isinstance(v, dict) and 'expected' in v]\n    f = f.f_back\nreturn found[0]['expected']"), RUNNING, SECOND),
    "leaves its tricks behind": ("import os\nos.makedirs(os.path.expanduser('~/.ipython/profile_default/startup'), exist_ok=True)\n"
                                 "open(os.path.expanduser('~/.ipython/profile_default/startup/x.py'), 'w').write('softmax = None')\n"
                                 "import numpy; open(numpy.__file__, 'a').write('#')", RUNNING, SECOND),
    "calls home": ("import socket\ns = socket.create_connection(('127.0.0.1', PORT), 2); s.send(b'hello')", RUNNING, SECOND),
    "prints hidden probes": (body("import gc\nraise ValueError(str([o for o in gc.get_objects() if 'very_large' in str(o)[:9999]])[:400])"),
                             RUNNING, SECOND),
    "script in an error": (body("raise ValueError('<script>alert(1)</script>')"), RUNNING, SECOND),
    "script in an output": ("from IPython.display import HTML, display\ndisplay(HTML('<script>alert(1)</script>'))\n" + SOFTMAX, RUNNING, ALL),
    "overwrites its check": (SOFTMAX + "\ncheck = print", RUNNING, ALL),
    "never does the work": ("softmax = __import__('unittest.mock').mock.MagicMock()", RUNNING, SECOND),
    "decorates itself": ("from functools import wraps\ndef d(f):\n    @wraps(f)\n    def g(*a): return f(*a)\n    return g\n@d\n" + SOFTMAX,
                         RUNNING, ALL),
}


# ---- files that are not quite a notebook: (bytes from the right notebook, file name, lowest, highest) ---------------
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


def plain(notebook):
    return nbformat.writes(notebook).encode()


def cells_of(data, number):
    return data["cells"][number]


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


UNREADABLE = None
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
    "too large": (lambda nb: plain(nb) + b" " * 60_000_000, f"{NAME}.ipynb", UNREADABLE),
    "zip bomb": (zipped(f"{NAME}.ipynb", " " * 80_000_000), "work.zip", UNREADABLE),
    "damaged zip": (lambda nb: b"PK\x03\x04" + bytes(50), "work.zip", UNREADABLE),
    "zip": (zipped("../../../x/90_toy.ipynb", None), "work.zip", ALL),
    "byte order mark": (lambda nb: b"\xef\xbb\xbf" + plain(nb), f"{NAME}.ipynb", ALL),
    "UTF-16": (lambda nb: plain(nb).decode().encode("utf-16"), f"{NAME}.ipynb", ALL),
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
    "lone surrogate": (with_json(lambda d: d["cells"][6].update(source="\ud800 essay")), f"{NAME}.ipynb", ALL),
    "source of numbers": (with_json(lambda d: d["cells"][0].update(source=[1, None])), f"{NAME}.ipynb", UNREADABLE),
    "wrong kernel": (with_json(lambda d: d["metadata"].update(kernelspec={"name": "julia"})), f"{NAME}.ipynb", ALL),
    "script in text": (edit(lambda cells: cells[6].update(source="<script>alert(1)</script><img src=x onerror=alert(1)>")),
                       f"{NAME}.ipynb", ALL),
    "stub": (edit(lambda cells: [cells[n].update(source=f"def {f}(x):\n    raise NotImplementedError") for n, f in
                                 ((2, "softmax"), (4, "running_mean"))]), f"{NAME}.ipynb", NOTHING),
}
EVERYBODY = [*CODE, *FILES]


def safe(student):
    return student.replace(" ", "-")


@pytest.fixture(scope="module")
def graded(new_classroom, toy, repository):
    """The whole class, graded once; with what changed on the host meanwhile."""
    room = new_classroom()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        for student, (softmax, running, _) in CODE.items():
            room.put(safe(student), toy(softmax.replace("PORT", port), running))
        right = toy(SOFTMAX, RUNNING)
        for student, (make, file, _) in FILES.items():
            room.put(safe(student), make(right), file)
        links = room.downloads / "links"
        links.mkdir()
        (links / f"{NAME}.ipynb").symlink_to(room.course.root / "solutions" / NAME / "checks.py")
        os.mkfifo(links / "pipe.ipynb")
        odd = os.fsencode(room.downloads) + b"/\xff\xfeodd"
        os.mkdir(odd)
        with open(odd + b"/\xe9\xff.ipynb", "wb") as file:
            file.write(plain(right))
        room.collect()
        before = subprocess.run(["find", room.course.root / "solutions", room.course.root / "exercises", "-printf",
                                 "%p %s %T@\n"], capture_output=True, text=True).stdout
        room.results, room.rows = room.grade_all()
        room.unchanged = before == subprocess.run(
            ["find", room.course.root / "solutions", room.course.root / "exercises", "-printf", "%p %s %T@\n"],
            capture_output=True, text=True).stdout
        server.settimeout(0.1)
        try:
            room.called = server.accept()
        except TimeoutError:
            room.called = None
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
    assert result.seconds < 40


def test_there_are_enough_of_them():
    assert len(EVERYBODY) >= 60


@pytest.mark.parametrize("student", EVERYBODY)
def test_no_page_tells_a_hidden_probe_or_runs_anything(graded, student):
    page = graded.page(safe(student))
    assert "very_large_scores" not in page and "longer_rows" not in page and "1000 * rng" not in page
    assert "<script" not in page and "<img" not in page
    shown = nbformat.read(graded.course.autograded(safe(student), NAME), as_version=4)
    nbformat.validate(shown)
    outputs = [out for cell in shown.cells for out in cell.get("outputs", [])]
    assert all(set(out.get("data", {})) <= {"text/plain", "image/png"} for out in outputs)
    assert not any("<script" in cell.source for cell in shown.cells if cell.cell_type == "markdown")


def test_the_host_is_as_it_was(graded):
    assert graded.unchanged and graded.called is None
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert "987654" not in left and "course_lib.grading.sandbox.inside" not in left


def test_links_pipes_and_odd_names(graded):
    assert graded.results["links"].unreadable and "a link to another file" in " ".join(graded.results["links"].notes)
    odd = next(student for student in graded.rows if "odd" in student)
    assert graded.rows[odd].score == 5
    assert {row.student for row in graded.rows.values()} == set(graded.results)
