"""What the reference answer says to slightly other questions: one more, one less, two arguments exchanged.

Part of the authors' tools; no lesson derives it. The answers are recorded beside the expected ones, so that a student
whose loop ends one too early reads just that.
"""

import functools
import inspect
import itertools
from collections.abc import Callable, Iterator

import numpy as np

from course_lib.classroom.checking.forbid import Watch
from course_lib.classroom.checking.known import telling
from course_lib.classroom.checking.probing import load_probes, run_probe, run_probes
from course_lib.classroom.checking.sizes import sizes_of_call

Call = inspect.BoundArguments
DIGITS = 7
SAME = 3  # arguments are exchanged among so many of one kind, at the most


def noting(fn: Callable, calls: list[Call]) -> Callable:
    """`fn`, which notes the arguments of every call in `calls`."""

    @functools.wraps(fn)
    def call(*args, **named):
        calls.append(inspect.signature(fn).bind(*args, **named))
        return fn(*args, **named)

    return call


def sizes_by_probe(job: dict, answers: dict, *, seed: int) -> dict[str, list[dict[str, float]]]:
    """The sizes of each call that the probes of a job make of `fn`, by probe; rules are left out."""
    fn = answers[job["function"]]
    return {id: [sizes_of_call(fn, call.args, call.kwargs) for call in calls]
            for id, calls in _calls(job, answers, seed).items()}


def variants(job: dict, answers: dict, expected: dict[str, dict], *, seed: int) -> list[dict]:
    """[{"name", "evidence"}] of the reference answer, asked something else; those that tell a difference."""
    found, fn = [], answers[job["function"]]
    for name, change in _changes([call for calls in _calls(job, answers, seed).values() for call in calls]):
        asked = _asked_otherwise(fn, change)
        evidence = run_probes(job | {"forbidden": []}, answers | {job["function"]: asked}, seed=seed)
        if any("error" in one for one in evidence.values()):
            continue
        variant = {"name": name, "evidence": {id: _short(one) for id, one in evidence.items()}}
        if telling(job | {"expected": expected}, variant) and all(variant["evidence"] != v["evidence"] for v in found):
            found.append(variant)
    return found


def _calls(job, answers, seed):
    asked = [one["id"] for one in job["probes"] if "ranges" not in one and "example" not in one]
    found = {}
    for id, probe in load_probes(job["source"], asked).items():
        found[id] = []
        ns = answers | {job["function"]: noting(answers[job["function"]], found[id])}
        run_probe(probe, ns, id, seed=seed, function=job["function"], watch=Watch([]), silent=True)
    return found


def _changes(calls: list[Call]) -> Iterator[tuple[str, Callable[[dict], None]]]:
    """(for which question the answer is right, what makes it of the arguments)."""
    names = [name for name in calls[0].arguments if all(name in call.arguments for call in calls)] if calls else []
    values = {name: [call.arguments[name] for call in calls] for name in names}
    for name in names:
        for text, change in _other_values(name, values[name]):
            yield text, functools.partial(_put, name=name, change=change)
    kinds = {name: [_kind(value) for value in values[name]] for name in names}
    alike = [(a, b) for a, b in itertools.combinations(names, 2) if kinds[a] == kinds[b] and None not in kinds[a]]
    for a, b in alike[:SAME]:
        yield f"when `{a}` and `{b}` are exchanged", functools.partial(_exchange, a=a, b=b)


def _other_values(name, values):
    if all(isinstance(value, bool) for value in values):
        yield f"for the opposite of `{name}`", lambda value: not value
    elif all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        yield f"for `{name}` + 1", lambda value: value + 1
        yield f"for `{name}` − 1", lambda value: value - 1
    elif all(isinstance(value, float) for value in values):
        yield f"for 1 / `{name}`", lambda value: 1 / value
        yield f"for −`{name}`", lambda value: -value
        yield f"for 1 − `{name}`", lambda value: 1 - value
        yield f"for `{name}` = 1", lambda value: 1.0


def _put(arguments, name, change):
    arguments[name] = change(arguments[name])


def _exchange(arguments, a, b):
    arguments[a], arguments[b] = arguments[b], arguments[a]


def _kind(value):
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return type(value).__name__, tuple(value.shape), str(value.dtype)
    return type(value).__name__ if isinstance(value, (int, float, str)) and not isinstance(value, bool) else None


def _asked_otherwise(fn, change):
    @functools.wraps(fn)
    def call(*args, **named):
        asked = inspect.signature(fn).bind(*args, **named)
        change(asked.arguments)
        return fn(*asked.args, **asked.kwargs)

    return call


def _short(data):
    """Evidence with numbers of fewer digits: it is only compared within a tolerance."""
    if isinstance(data, dict):
        return {key: _short(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_short(value) for value in data]
    return float(f"{data:.{DIGITS}g}") if isinstance(data, float) and np.isfinite(data) else data
