"""Run an exercise's probes on a student's code and keep what they say, as plain data. Used by all lessons.

Nothing is judged here and nothing expected is known here: this part runs inside the grader's sandbox as well as in
the notebook. Evidence is one entry a probe: {"value": data} or {"error": kind, "type": …, "message": …, "line": …}.
"""

import contextlib
import functools
import hashlib
import inspect
import linecache
import random
import sys
from collections.abc import Callable

import numpy as np

from course_lib.classroom.checking.examples import at_examples
from course_lib.classroom.checking.forbid import Forbidden, Watch, forbidding
from course_lib.classroom.checking.plain import encode
from course_lib.classroom.checking.time_limit import TooLong, time_limit

YOUR_TURN = "your turn"  # what a stub raises, with NotImplementedError


def load_probes(source: str, ids: list[str], *, name: str = "<probes>") -> dict[str, Callable]:
    """The functions called `ids` in a piece of probe source, run in a namespace of its own."""
    namespace = {"__name__": "course_probes"}
    exec(compile(source, name, "exec"), namespace)
    return {one: namespace[one] for one in ids}


def run_probes(job: dict, ns: dict, *, seed: int, only: list[str] | None = None) -> dict[str, dict]:
    """Evidence for every probe of a job, by id.

    Args:
        job: {"function", "source", "probes": [{"id"}, …], "forbidden", "seconds"}: plain data, see
            course_lib.classroom.authoring.record. A probe with "ranges" is a rule, tried on values drawn from them.
        ns: the student's names.
        seed: every probe draws from a generator of its own, made from the seed and the probe's id.
        only: ids to run; default all. (A grader runs each in a process of its own.)
    """
    asked = {probe["id"]: probe for probe in job["probes"] if only is None or probe["id"] in only}
    probes = load_probes(job["source"], list(asked))
    for one, fn in probes.items():
        if ranges := asked[one].get("ranges"):
            probes[one] = at_examples(fn, ranges)
    settings = {"function": job["function"], "watch": Watch(job["forbidden"]), "seconds": job["seconds"]}
    return {one: run_probe(fn, ns, one, seed=seed, **settings) for one, fn in probes.items()}


def run_probe(fn: Callable, ns: dict, id: str, *, seed: int, function: str, watch: Watch, seconds: float = 5.0,
              arguments: dict | None = None) -> dict:
    """Evidence of one probe. Never raises for what the student's code does, and leaves all random states as they were.

    The probe is called as `fn(ns, rng)`, or as `fn(ns, **arguments)` where those are given.

    Kinds of error: missing (no such name), not started, forbidden, timeout, exit (SystemExit, KeyboardInterrupt),
    unreadable (what came back is not plain data), error.
    """
    if function not in ns:
        return _error("missing", "NameError", f"there is no {function} yet")
    student = student_globals(ns[function])
    if (own := _is_forbidden(watch, ns[function])) is not None:
        return _error("forbidden", "Forbidden", own)
    given = {"rng": np.random.default_rng(_seed(seed, id))} if arguments is None else arguments
    evidence = None
    try:
        with random_states(_seed(seed, id)), time_limit(seconds), forbidding(watch, student):
            value = fn(ns, **given)
        evidence = {"value": encode(value)}
    except TooLong as error:
        evidence = _error("timeout", "TooLong", str(error))
    except NotImplementedError as error:  # libraries raise it, too
        stub = type(error) is NotImplementedError and str(error) in ("", YOUR_TURN)
        kind = "not started" if stub else "error"
        evidence = _error(kind, type(error).__name__, _text(error), _line(error, student))
    except (SystemExit, KeyboardInterrupt, GeneratorExit) as error:
        evidence = _error("exit", type(error).__name__, str(error), _line(error, student))
    except (TypeError, ValueError) as error:
        line = _line(error, student)
        evidence = _error("error" if line else "unreadable", type(error).__name__, _text(error), line)
    except BaseException as error:
        evidence = _error("error", type(error).__name__, _text(error), _line(error, student))
    if watch.caught:
        evidence = _error("forbidden", Forbidden.__name__, watch.caught[0])
    return evidence


def student_globals(answer: object) -> list[dict]:
    """The global names that a student's function (or a class's methods) runs with."""
    functions = [answer, *vars(answer).values()] if isinstance(answer, type) else [answer]
    functions += [type(answer).__call__] if not isinstance(answer, type) and callable(answer) else []
    inner = (_unwrapped(function) for function in functions)
    found = {id(f.__globals__): f.__globals__ for f in inner if isinstance(getattr(f, "__globals__", None), dict)}
    return list(found.values())


@contextlib.contextmanager
def random_states(seed: int):
    """Seed Python's, numpy's and (where it is loaded) torch's generators within the body, and put them back after."""
    torch = sys.modules.get("torch")
    python, legacy, own = random.getstate(), np.random.get_state(), torch and torch.default_generator.get_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    if torch:
        torch.default_generator.manual_seed(seed % 2**63)  # a tenth of torch.manual_seed's time: no GPU is touched
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)
        if torch:
            torch.default_generator.set_state(own)


def _seed(seed, id):
    return int.from_bytes(hashlib.sha256(f"{seed}\0{id}".encode()).digest()[:8], "little")


def _error(kind, type, message, line=None):
    return {"error": kind, "type": type[:80], "message": message[:500], "line": line}


def _line(error, student):
    """[number, text] of the student's line that the error passed last, or None when it passed none."""
    found, step = None, error.__traceback__
    while step is not None:
        if any(step.tb_frame.f_globals is names for names in student):
            file, number = step.tb_frame.f_code.co_filename, step.tb_lineno
            found = [number, linecache.getline(file, number).strip()[:200]]
        step = step.tb_next
    return found


def _text(error):
    try:
        return str(error)
    except Exception:  # an exception of the student's own, with a broken __str__
        return ""


def _unwrapped(function):
    while isinstance(function, functools.partial):
        function = function.func
    try:
        return inspect.unwrap(getattr(function, "__func__", function))
    except ValueError:  # a wrapper that says it wraps itself
        return function


def _is_forbidden(watch, answer):
    if getattr(_unwrapped(answer), "__code__", None) in watch.codes:
        return watch.codes[_unwrapped(answer).__code__]
    return next((name for thing, name in watch.builtins.items() if thing is _unwrapped(answer)), None)
