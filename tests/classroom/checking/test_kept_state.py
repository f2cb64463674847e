"""What a body changes in the kernel is put back and said; what it prints is shown in part.

In a real kernel: test_hostile_answers.
"""

import importlib
import math
import os
import random
import sys
import threading
import warnings

import numpy as np
import pytest
import torch

from course_lib.byhand import functional
from course_lib.classroom.checking.kept_state import SHOWN, kept_state, shown_in_part

torch.use_deterministic_algorithms(False)  # imports what it needs, once

CHANGES = {
    "sys.stdout": lambda: setattr(sys, "stdout", None),
    "sys.stderr": lambda: setattr(sys, "stderr", None),
    "sys.setrecursionlimit": lambda: sys.setrecursionlimit(12_345),
    "sys.excepthook": lambda: setattr(sys, "excepthook", print),
    "os.chdir": lambda: os.chdir("/"),
    "os.environ": lambda: os.environ.update(SOMETHING="new"),
    "warnings.filters": lambda: warnings.simplefilter("error", UserWarning),
    "numpy.set_printoptions": lambda: np.set_printoptions(precision=1),
    "numpy.seterr": lambda: np.seterr(all="raise"),
    "torch.set_default_dtype": lambda: torch.set_default_dtype(torch.float64),
    "torch.set_grad_enabled": lambda: torch.set_grad_enabled(False),
    "torch.set_num_threads": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "torch.use_deterministic_algorithms": lambda: torch.use_deterministic_algorithms(True),
}


@pytest.mark.parametrize("name", CHANGES)
def test_settings(name):
    before, remarks = state(), []
    with kept_state(remarks):
        CHANGES[name]()
    assert state() == before
    assert remarks == [f"your code changes {name}; it was put back"]


def state():
    return (sys.stdout, sys.stderr, sys.getrecursionlimit(), sys.excepthook, os.getcwd(), dict(os.environ),
            list(warnings.filters), np.get_printoptions(), np.geterr(), torch.get_default_dtype(),
            torch.is_grad_enabled(), torch.get_num_threads(), torch.are_deterministic_algorithms_enabled())


FUNCTIONS = [(np, "sum"), (np.linalg, "norm"), (math, "exp"), (random, "random"), (torch, "softmax"),
             (torch.nn.functional, "softmax"), (torch.Tensor, "sum"), (torch.Tensor, "backward"),
             (functional, "softmax")]


@pytest.mark.parametrize(("where", "name"), FUNCTIONS, ids=lambda value: getattr(value, "__name__", value))
def test_functions(where, name):
    real, remarks = getattr(where, name), []
    with kept_state(remarks):
        setattr(where, name, max)
    called = "torch.Tensor" if where is torch.Tensor else where.__name__
    assert getattr(where, name) is real
    assert remarks == [f"your code gives {called}.{name} another meaning; it was put back"]


def test_put_back_after_an_error_and_silent_where_nothing_was_changed():
    remarks = []
    with pytest.raises(KeyError), kept_state(remarks):
        np.sum = max
        raise KeyError
    assert len(remarks) == 1 and np.sum([1, 2]) == 3
    with kept_state(remarks):
        np.random.seed(0)
        np.random.new_name = 3
    del np.random.new_name
    assert len(remarks) == 1


def test_threads_that_are_left():
    remarks, end = [], threading.Event()
    with kept_state(remarks):
        thread = threading.Thread(target=end.wait)
        thread.start()
    end.set()
    thread.join()
    with kept_state(remarks):
        thread = threading.Thread(target=end.wait)
        thread.start()
        thread.join()
    assert remarks == ["your code leaves 1 thread(s) running; wait for them with .join()"]


@pytest.mark.parametrize("way", ["_exit", "abort"])
def test_no_way_out(way):
    real = getattr(os, way)
    with pytest.raises(SystemExit), kept_state([]):
        getattr(os, way)(*([1] if way == "_exit" else []))
    assert getattr(os, way) is real


def test_what_is_printed(capsys):
    remarks = []
    with shown_in_part(remarks):
        print("x" * SHOWN)
        print("more")
    assert capsys.readouterr().out == "x" * SHOWN
    assert remarks == ["your code prints 6 characters more, which are not shown"]
    with shown_in_part(remarks, silent=True):
        print("nothing")
    assert capsys.readouterr().out == "" and len(remarks) == 1


def test_a_library_that_is_imported_may_wrap_a_function(tmp_path, monkeypatch):
    """As torch's compiler wraps torch.manual_seed: no student did that, and it stays."""
    (tmp_path / "wraps_as_it_comes.py").write_text(
        "import functools\nimport math\n\ntheirs = math.exp\n\n\n@functools.wraps(theirs)\ndef exp(x):\n"
        "    return theirs(x)\n\n\nmath.exp = exp\n", encoding="utf-8", newline="\n")
    monkeypatch.syspath_prepend(tmp_path)
    before, remarks = math.exp, []
    try:
        with kept_state(remarks):
            wrapper = importlib.import_module("wraps_as_it_comes").exp
        assert remarks == [] and math.exp is wrapper
    finally:
        math.exp = before
        sys.modules.pop("wraps_as_it_comes", None)
