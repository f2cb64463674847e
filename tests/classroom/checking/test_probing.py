"""Evidence: what an answer returns or how it fails, and nothing that the student's code does gets out."""

import random
import sys

import numpy as np
import pytest
import torch

from course_lib.classroom.checking.forbid import Watch
from course_lib.classroom.checking.probing import load_probes, run_probe, run_probes

SOURCE = """
import numpy as np
SIDE = 3

def square(ns, rng):
    return ns["f"](rng.normal(size=(SIDE, SIDE)))

def other(ns, rng):
    return ns["f"](rng.normal(size=2))
"""
JOB = {"function": "f", "source": SOURCE, "probes": [{"id": "square"}, {"id": "other"}], "forbidden": [], "seconds": 5}


def evidence(f, **settings):
    return run_probes(JOB | settings, {"f": f}, seed=3, only=["square"])["square"]


def test_evidence_depends_on_the_seed_and_the_probe_only():
    first = run_probes(JOB, {"f": lambda x: x}, seed=3)
    assert first == run_probes(JOB, {"f": lambda x: x}, seed=3)
    assert first["other"] == run_probes(JOB, {"f": lambda x: x}, seed=3, only=["other"])["other"]
    assert first != run_probes(JOB, {"f": lambda x: x}, seed=4)


def forgets(x):
    raise NotImplementedError("your turn")


def divides(x):
    y = x
    return y.reshape(
        7)


def loops(x):
    while True:
        try:
            x = x + 1
        except Exception:
            pass


def leaves(x):
    sys.exit(0)


@pytest.mark.parametrize(
    ("answer", "kind", "type", "words"),
    [
        (forgets, "not started", "NotImplementedError", "your turn"),
        (divides, "error", "ValueError", "cannot reshape"),
        (leaves, "exit", "SystemExit", "0"),
        (lambda x: print, "unreadable", "TypeError", "it should hold arrays"),
        (lambda x, y: x, "unreadable", "TypeError", "missing 1 required positional argument"),
        (lambda x: np.linalg.norm(x), "forbidden", "Forbidden", "numpy.linalg.norm"),
        (np.linalg.norm, "forbidden", "Forbidden", "numpy.linalg.norm"),
    ],
)
def test_failures(answer, kind, type, words):
    found = evidence(answer, forbidden=["numpy.linalg.norm"])
    assert (found["error"], found["type"]) == (kind, type)
    assert words in found["message"]


def test_the_students_own_line_is_kept():
    number, text = evidence(divides)["line"]
    assert text in ("return y.reshape(", "7)") and number > divides.__code__.co_firstlineno


def test_an_endless_loop_is_stopped():
    found = evidence(loops, seconds=0.1)
    assert found["error"] == "timeout" and "0.1 s" in found["message"]


def test_a_name_that_is_missing():
    assert run_probes(JOB, {}, seed=3)["square"]["error"] == "missing"


def test_random_states_are_put_back():
    def draws(x):
        return [random.random(), np.random.rand(), torch.rand(1)]

    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    assert evidence(draws) == evidence(draws), "the answer's own draws are seeded"
    assert states == (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())


def test_arguments_instead_of_a_generator():
    fn = load_probes("def same(ns, a, b):\n    return ns['f'](a), b\n", ["same"])["same"]
    found = run_probe(fn, {"f": lambda a: a}, "same", seed=0, function="f", watch=Watch([]), arguments={"a": 2, "b": 3})
    assert found == {"value": [2, 3]}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NotImplementedError("your turn"), "not started"),
        (NotImplementedError(), "not started"),
        (NotImplementedError("no kernel for this"), "error"),  # torch and ipykernel (for `input`) raise such ones
        (type("Other", (NotImplementedError,), {})("your turn"), "error"),
    ],
)
def test_only_a_stub_is_not_started(error, kind):
    def f(x):
        raise error

    assert evidence(f)["error"] == kind


def test_too_deep_a_recursion_is_no_use_of_a_forbidden_name():
    def f(x):
        return f(x)

    found = evidence(f, forbidden=["torch.softmax"])
    assert (found["error"], found["type"]) == ("error", "RecursionError")
