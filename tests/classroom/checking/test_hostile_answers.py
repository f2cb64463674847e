"""Whatever an answer does, `check` says what, and the kernel lives on: the next check of a right answer is correct.

Each answer runs in a real kernel, all in one after the other; those that import a library in a process of their own.
"""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from course_lib.classroom.authoring.lesson_checks import checks_of, dump
from course_lib.classroom.authoring.skeleton import new_exercise

REPOSITORY = Path(__file__).parents[3]
RIGHT = "x / x.sum()"
ANSWERS = {  # what it does: (its body, words of what is said)
    "catches everything, for ever": (
        "while True:\n        try:\n            x.sum()\n        except:\n            continue",
        "no answer after 0.3 s"),
    "catches everything while it sleeps": (
        "import time\n    while True:\n        try:\n            time.sleep(0.01)\n        except:\n            pass",
        "no answer after 0.3 s"),
    "sleeps": ("import time\n    time.sleep(600)", "no answer after 0.3 s"),
    "recurses for ever": ("return shares(x)", "RecursionError"),
    "exits": ("exit()", "ended the program (SystemExit)"),
    "quits": ("quit()", "ended the program (SystemExit)"),
    "exits by sys": ("import sys\n    sys.exit(3)", "ended the program (SystemExit)"),
    "exits at once": ("import os\n    os._exit(3)", "ended the program (SystemExit)"),
    "interrupts": ("raise KeyboardInterrupt", "ended the program (KeyboardInterrupt)"),
    "prints megabytes": (f"print('x' * 5_000_000)\n    return {RIGHT}", "which are not shown"),
    "prints line after line": (f"for i in range(99_999):\n        print(i)\n    return {RIGHT}", "which are not shown"),
    "takes stdout away": (f"import sys\n    sys.stdout = None\n    return {RIGHT}", "your code changes sys.stdout"),
    "closes stdout": (f"import sys\n    sys.stdout.close()\n    return {RIGHT}", "correct"),
    "changes how numpy prints": (f"np.set_printoptions(precision=1)\n    return {RIGHT}", "numpy.set_printoptions"),
    "changes numpy's errors": (f"np.seterr(all='raise')\n    return {RIGHT}", "changes numpy.seterr"),
    "changes the folder": (f"import os\n    os.chdir('/')\n    return {RIGHT}", "changes os.chdir"),
    "empties the environment": (f"import os\n    os.environ.clear()\n    return {RIGHT}", "changes os.environ"),
    "changes the default dtype": (f"import torch\n    torch.set_default_dtype(torch.double)\n    return {RIGHT}",
                                  "changes torch.set_default_dtype"),
    "turns gradients off": (f"import torch\n    torch.set_grad_enabled(False)\n    return {RIGHT}",
                            "changes torch.set_grad_enabled"),
    "replaces numpy.sum": (f"np.sum = max\n    return {RIGHT}", "gives numpy.sum another meaning"),
    "replaces torch.softmax": (f"import torch\n    torch.softmax = max\n    return {RIGHT}",
                               "gives torch.softmax another meaning"),
    "replaces a method": (f"import torch\n    torch.Tensor.sum = max\n    return {RIGHT}",
                          "gives torch.Tensor.sum another meaning"),
    "replaces the course's own": (
        f"import course_lib.classroom.checking.compare as c\n    c.compare = lambda *a, **k: 1\n    return {RIGHT}",
        "gives course_lib.classroom.checking.compare.compare another meaning"),
    "replaces print": (f"import builtins\n    builtins.print = max\n    return {RIGHT}", "gives builtins.print"),
    "seeds": (f"np.random.seed(0)\n    return {RIGHT}", "correct"),
    "starts threads": ("import threading as t, time\n    thread = t.Thread(target=time.sleep, args=(2,), daemon=True)\n"
                       f"    thread.start()\n    return {RIGHT}", "leaves 1 thread(s) running"),
    "takes the alarm away": ("import signal\n    signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
                             f"    return {RIGHT}", "changes signal.signal"),
    "changes its argument": ("x /= x.sum()\n    return x", "changes its argument `x` in place"),
}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A folder with the exercise 01.1 (`shares`), stopped after 0.3 seconds."""
    root = tmp_path_factory.mktemp("course")
    cells, _ = new_exercise(root, "01.1", "shares", "Shares")
    data = checks_of(cells).public()
    data["exercises"]["01.1"]["seconds"] = 0.3
    folder = root / "exercises" / "01_tokens"
    folder.mkdir(parents=True)
    (folder / "checks.json").write_text(dump(data))
    return folder


@pytest.fixture(scope="module")
def said(course, tmp_path_factory):
    """What each answer's check says, and what a right answer's check says after it; a kernel that dies fails here."""
    cells = ["import numpy as np\nfrom course_lib.classroom import check"]
    for body, _ in ANSWERS.values():
        cells += [f"def shares(x):\n    {body}", 'check("01.1", shares)']
        cells += [f"def shares(x):\n    return {RIGHT}", 'check("01.1", shares)']
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    os.environ["COURSE_WORK"] = str(tmp_path_factory.mktemp("work"))
    try:
        NotebookClient(nb, kernel_name="python3", timeout=120, resources={"metadata": {"path": str(course)}}).execute()
    finally:
        del os.environ["COURSE_WORK"]
    texts = ["".join(output.get("text", "") for output in cell.outputs) for cell in nb.cells[1:]]
    return dict(zip(ANSWERS, zip(texts[1::4], texts[3::4], strict=True), strict=True))


@pytest.mark.parametrize("what", ANSWERS)
def test_said_and_put_back(said, what):
    text, after = said[what]
    assert ANSWERS[what][1] in text and len(text) < 10_000
    assert after == "01.1 correct\n"


SLOW = """
import builtins
import time

if hasattr(builtins, "begun"):
    raise RuntimeError("function 'conv1d' already has a docstring")
builtins.begun = True
end = time.process_time() + 1.0
while time.process_time() < end:
    pass


def shares(x):
    return x / x.sum()
"""
PROGRAM = """
import signal, sys
if not {alarm}:
    for name in ("setitimer", "SIGALRM"):
        if hasattr(signal, name):
            delattr(signal, name)
import numpy as np
from course_lib.classroom import check
assert "torch" not in sys.modules

def helper():
    import slow_library
    return slow_library

def shares(x):
    {answer}

check("01.1", shares)
check("01.1", lambda x: x / x.sum())
print("end")
"""
ANSWER_WITH = {
    "a line": "import slow_library; return slow_library.shares(x)",
    "a helper's line": "return helper().shares(x)",
    "a part of it": "from slow_library import shares as s; return s(x)",
    "a name put together": "return __import__('slow' + '_library').shares(x)",
    "torch": "torch = __import__('tor' + 'ch'); return (torch.tensor(x) / torch.tensor(x).sum()).numpy()",
}


@pytest.mark.parametrize("alarm", [True, False])
@pytest.mark.parametrize("way", ANSWER_WITH)
def test_an_import_is_never_cut(course, tmp_path, way, alarm):
    """Each import takes longer than the limit of 0.3 s lets an answer run, and half an import cannot be repeated."""
    (tmp_path / "slow_library.py").write_text(SLOW)
    program = PROGRAM.format(answer=ANSWER_WITH[way], alarm=alarm)
    environment = os.environ | {"COURSE_WORK": str(tmp_path), "PYTHONPATH": f"{tmp_path}{os.pathsep}{REPOSITORY}"}
    done = subprocess.run([sys.executable, "-c", program], cwd=course, capture_output=True, text=True, timeout=300,
                          env=environment)
    assert done.stdout == "01.1 correct\n01.1 correct\nend\n", done.stdout + done.stderr
    assert done.returncode == 0 and done.stderr == ""
