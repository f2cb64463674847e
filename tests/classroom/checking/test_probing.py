"""Evidence: what an answer returns or how it fails, and nothing that the student's code does gets out."""

import functools
import random
import sys
import warnings

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


COUNT = [0]
STREAM = iter(np.arange(100.0))
SEEN = {}


def counts_its_calls(x):
    COUNT[0] += 1
    return COUNT[0]


def grows_its_default(x, seen=[]):  # noqa: B006
    seen.append(x.sum())
    return len(seen)


def uses_up_a_stream(x):
    return next(STREAM)


def remembers_shapes(x):
    return SEEN.setdefault(x.shape, len(SEEN) + float(x[0, 0])) if x.shape not in SEEN else SEEN[x.shape] + 1


@pytest.mark.parametrize("answer", [counts_its_calls, grows_its_default, uses_up_a_stream, remembers_shapes])
def test_a_second_call_must_say_the_same(answer):
    note = evidence(answer)["note"]
    assert note["kind"] == "again" and "called again with the same arguments" in note["message"]


def test_an_answer_that_draws_says_something_else():
    assert "note" not in evidence(lambda x: np.random.default_rng(3).normal()), "the same each time"
    assert "draw at random" in evidence(lambda x: np.random.rand())["note"]["message"]
    assert evidence(lambda x: np.random.rand())["value"] == evidence(lambda x: np.random.rand())["value"]
    rng = np.random.default_rng(3)
    assert evidence(lambda x: rng.normal())["note"]["kind"] == "again", "a generator of its own goes on"


def test_the_second_answer_may_differ_in_its_last_digits_only():
    signs = iter([1, -1] * 10)
    assert "note" not in evidence(lambda x: x * (1 + 1e-12 * next(signs)))


def test_a_changed_argument_is_named_unless_it_is_to_change():
    def sorts(x):
        x.sort()
        return x

    note = evidence(sorts, manner={"arguments": ["rows"]})["note"]
    assert (note["kind"], note["about"]) == ("changed", "rows") and "`rows` in place" in note["message"]
    assert "note" not in evidence(sorts, manner={"arguments": ["rows"], "changes": ["rows"]})
    assert "note" not in evidence(lambda x: sorts(x.copy()))


def test_whole_numbers_are_asked_where_the_job_says_so():
    probes = [{"id": "square", "whole": True}]
    assert evidence(lambda x: x.dtype.kind == "i", probes=probes)["whole"] == {"value": True}
    found = evidence(lambda x: np.exp(x, out=np.zeros_like(x)), probes=probes)
    assert found["whole"]["error"] == "error" and "value" in found


PASSED_ON = """
def square(ns, rng):
    start, length = ns["f"](rng.normal(size=(2, 2)))
    return ["abcdefgh"[start:start + length], [start, length]]
"""


def test_a_probe_goes_on_with_the_form_that_the_solution_has():
    for pair in ((1.0, 2.0), [np.float64(1), np.int64(2)], np.array([1.0, 2.0]), torch.tensor([1, 2])):
        found = evidence(lambda x, pair=pair: pair, source=PASSED_ON, manner={"returns": ["tuple", "int", "int"]},
                         probes=[{"id": "square"}])
        assert found == {"value": ["bc", [1, 2]]}


class Object:
    def __call__(self, x):
        return x @ x


class Model(torch.nn.Module):
    def forward(self, x):
        return x @ x


@functools.lru_cache
def _kept(key):
    return key


@functools.wraps(_kept)
def wrapped(x):
    return x @ x


CALLABLE = [
    lambda x: x @ x, Object(), Object().__call__, functools.partial(lambda f, x: f(x, x), np.matmul), Model(), wrapped,
    np.vectorize(lambda x: x @ x, signature="(n,n)->(n,n)"), functools.partial(np.linalg.matrix_power, n=2),
]


@pytest.mark.parametrize("answer", CALLABLE, ids=lambda answer: type(answer).__name__)
def test_whatever_can_be_called_is_an_answer(answer):
    assert evidence(answer) == evidence(lambda x: x @ x)


def test_a_function_of_torch_is_an_answer():
    found = evidence(torch.linalg.det, source="import torch\ndef square(ns, rng):\n    return ns['f'](torch.eye(2))",
                     probes=[{"id": "square"}], manner={"returns": "tensor"})
    assert found["value"]["array"] == [1.0]


def test_only_the_first_run_warns():
    """The second, and the one with whole numbers, say nothing that a student would look for in their own code."""
    def divides(x):
        return np.log(x)

    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        source = "import numpy as np\n\n\ndef probe(ns, rng):\n    return ns['divides'](np.array([0.5, 2.0]))\n"
        job = {"source": source, "function": "divides",
               "probes": [{"id": "probe", "whole": True}], "forbidden": [], "seconds": 5.0, "manner": {}}
        evidence = run_probes(job, {"divides": divides}, seed=1)["probe"]
    assert "whole" in evidence and not heard
