"""The reference answer, asked something else: one more, one less, two arguments exchanged."""

import numpy as np
import pytest

from course_lib.classroom.authoring.variants import sizes_by_probe, variants
from course_lib.classroom.checking.diagnose import diagnose
from course_lib.classroom.checking.probing import run_probes

SOURCE = """
import numpy as np

def small(ns, rng):
    return ns['f'](rng.normal(size=(3, 4)), rng.normal(size=(3, 4)), 2, 0.5, True)

def larger(ns, rng):
    return ns['f'](rng.normal(size=(5, 2)), rng.normal(size=(5, 2)), n=3, lr=0.25, flag=False)
"""
JOB = {
    "function": "f", "source": SOURCE, "forbidden": [], "seconds": 5, "tolerance": 1e-4,
    "probes": [{"id": id, "name": id, "points": 1.0, "hidden": False, "axes": ""} for id in ("small", "larger")],
}


def right(q, k, n, lr, flag):
    """q and k (T, D), n, lr -> (T, D)."""
    return lr * q**n + k * (2 if flag else 3)


def record():
    expected = run_probes(JOB, {"f": right}, seed=0)
    return JOB | {"seed": 0, "expected": expected, "mistakes": [], "sizes": sizes_by_probe(JOB, {"f": right}, seed=0),
                  "variants": variants(JOB, {"f": right}, expected, seed=0)}


def test_the_sizes_of_every_call():
    assert record()["sizes"] == {"small": [{"T": 3.0, "D": 4.0, "`n`": 2.0, "`lr`": 0.5}],
                                 "larger": [{"T": 5.0, "D": 2.0, "`n`": 3.0, "`lr`": 0.25}]}


@pytest.mark.parametrize(("answer", "words"), [
    (lambda q, k, n, lr, flag: right(q, k, n + 1, lr, flag), "for `n` + 1"),
    (lambda q, k, n, lr, flag: right(q, k, n - 1, lr, flag), "for `n` − 1"),
    (lambda q, k, n, lr, flag: right(k, q, n, lr, flag), "when `q` and `k` are exchanged"),
    (lambda q, k, n, lr, flag: right(q, k, n, 1 / lr, flag), "for 1 / `lr`"),
    (lambda q, k, n, lr, flag: right(q, k, n, -lr, flag), "for −`lr`"),
    (lambda q, k, n, lr, flag: right(q, k, n, lr, not flag), "for the opposite of `flag`"),
])
def test_an_answer_to_another_question_is_told(answer, words):
    told = diagnose(record(), run_probes(JOB, {"f": answer}, seed=0))
    assert (told.kind, told.message, told.explained) == ("wrong", f"yours is what is expected {words}", True)


def test_other_answers_are_not():
    for seed in range(10):
        rng = np.random.default_rng(seed)
        noise = {"f": lambda q, k, n, lr, flag, rng=rng: rng.normal(size=q.shape)}
        told = diagnose(record(), run_probes(JOB, noise, seed=0))
        assert told.kind == "wrong" and not told.explained


def test_numbers_have_fewer_digits_and_what_changes_nothing_is_left_out():
    found = variants(JOB, {"f": lambda q, k, n, lr, flag: q / 3}, record()["expected"], seed=0)
    assert all(len(repr(abs(x)).replace(".", "").strip("0")) <= 8 for v in found for one in v["evidence"].values()
               for x in one["value"]["array"])

    def only_q(q, k, n, lr, flag):
        return q

    names = [v["name"] for v in variants(JOB, {"f": only_q}, run_probes(JOB, {"f": only_q}, seed=0), seed=0)]
    assert names == ["when `q` and `k` are exchanged"]
