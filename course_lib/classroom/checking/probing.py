"""Run an exercise's probes on a student's code and keep what they say, as plain data. Used by all lessons.

Nothing is judged here and nothing expected is known here: this part runs inside the grader's sandbox as well as in
the notebook. Evidence is one entry a probe: {"value": data} or {"error": kind, "type": …, "message": …, "line": …}.
Beside a value there may stand

    "note": {"kind": "changed" or "again", "about", "message"}    it changed an argument, or says something else twice
    "whole": evidence       of the same call with whole numbers in the arrays, in place of floating-point ones
    "remarks": [sentence, …]        what was put back, or is not shown: no fault; beside an error, too
"""

import contextlib
import hashlib
import random
import sys
import warnings
from collections.abc import Callable

import numpy as np

from course_lib.classroom.checking.arguments import whole
from course_lib.classroom.checking.asking import Asked
from course_lib.classroom.checking.compare import compare
from course_lib.classroom.checking.examples import NotHere, at_docstring, at_examples
from course_lib.classroom.checking.forbid import Forbidden, Watch, forbidding
from course_lib.classroom.checking.kept_state import kept_state, shown_in_part
from course_lib.classroom.checking.plain import decode, encode
from course_lib.classroom.checking.students_code import import_first, line_of, student_globals, unwrapped
from course_lib.classroom.checking.time_limit import TooLong, time_limit

YOUR_TURN = "your turn"  # what a stub raises, with NotImplementedError
AGAIN = "called again with the same arguments, your function gives something else{}: does it draw at random, \
or keep something in a global name, or in a default argument such as `=[]`?"


def load_probes(source: str, ids: list[str], *, name: str = "<probes>") -> dict[str, Callable]:
    """The functions called `ids` in a piece of probe source, run in a namespace of its own."""
    namespace = {"__name__": "course_probes"}
    exec(compile(source, name, "exec"), namespace)
    return {one: namespace[one] for one in ids}


def run_probes(job: dict, ns: dict, *, seed: int, only: list[str] | None = None, once: bool = False
               ) -> dict[str, dict]:
    """Evidence for every probe of a job, by id. All probes are asked twice, for an answer may remember the first time.

    Args:
        job: {"function", "source", "probes": [{"id"}, …], "forbidden", "seconds"}: plain data, see
            course_lib.classroom.authoring.record. A probe with "ranges" is a rule, tried on values drawn from them;
            one with "example" is the docstring's; one with "whole" is asked with whole numbers, too.
        ns: the student's names.
        seed: every probe draws from a generator of its own, made from the seed and the probe's id.
        only: ids to run; default all. (A grader runs each in a process of its own.)
        once: ask once, for the values alone.
    """
    asked = {probe["id"]: probe for probe in job["probes"] if only is None or probe["id"] in only}
    probes = load_probes(job["source"], [one for one, probe in asked.items() if "example" not in probe])
    for one, probe in asked.items():
        if "ranges" in probe:
            probes[one] = at_examples(probes[one], probe["ranges"])
        if "example" in probe:
            probes[one] = at_docstring(job["function"], probe["example"])
    student = student_globals(ns.get(job["function"]))
    import_first(student)
    settings = {"function": job["function"], "watch": Watch(job["forbidden"]), "seconds": job["seconds"],
                "manner": job.get("manner", {}), "seed": seed}
    found = {one: run_probe(probes[one], ns, one, **settings) for one in asked}
    for one, evidence in found.items():
        if once or "value" not in evidence:
            continue
        second = run_probe(probes[one], ns, one, **settings, silent=True, luck=1)
        if (difference := _difference(evidence, second)) is not None and "note" not in evidence:
            evidence["note"] = {"kind": "again", "about": "", "message": AGAIN.format(difference)}
        if asked[one].get("whole"):
            evidence["whole"] = run_probe(probes[one], ns, one, **settings, silent=True, given=whole)
    return found


def run_probe(fn: Callable, ns: dict, id: str, *, seed: int, function: str, watch: Watch, seconds: float = 5.0,
              arguments: dict | None = None, manner: dict | None = None, silent: bool = False,
              given: Callable | None = None, luck: int = 0) -> dict:
    """Evidence of one probe. Never raises for what the student's code does, and leaves all states as they were.

    The probe is called as `fn(ns, rng)`, or as `fn(ns, **arguments)` where those are given. manner, given: how the
    answer is called (checking.asking). silent: neither what it prints nor what it warns of is shown. luck: of the
    generators that belong to nobody; `rng` is the same for all.

    Kinds of error: missing (no such name), not started, forbidden, timeout, exit (SystemExit, KeyboardInterrupt),
    unreadable (what came back is not plain data), absent (a docstring's example that cannot be tried here), error.
    """
    if function not in ns:
        return _error("missing", "NameError", f"there is no {function} yet")
    student = student_globals(ns[function])
    if (own := _is_forbidden(watch, ns[function])) is not None:
        return _error("forbidden", "Forbidden", own)
    drawn = {"rng": np.random.default_rng(_seed(seed, id))} if arguments is None else arguments
    answer, remarks = Asked(ns[function], manner or {}, *([given] if given else [])), []
    try:
        with warned(silent), shown_in_part(remarks, silent=silent), kept_state(remarks):
            with random_states(_seed(seed + luck, id)), forbidding(watch, student), time_limit(seconds):
                value = fn({**ns, function: answer}, **drawn)
        evidence = {"value": encode(value)}
        if answer.change:
            evidence["note"] = {"kind": "changed", "about": answer.changed, "message": answer.change}
    except TooLong as error:
        evidence = _error("timeout", "TooLong", str(error))
    except NotHere as error:
        evidence = _error("absent", "NotHere", str(error))
    except NotImplementedError as error:  # libraries raise it, too
        stub = type(error) is NotImplementedError and str(error) in ("", YOUR_TURN)
        kind = "not started" if stub else "error"
        evidence = _error(kind, type(error).__name__, _text(error), line_of(error, student))
    except (SystemExit, KeyboardInterrupt, GeneratorExit) as error:
        evidence = _error("exit", type(error).__name__, _text(error), line_of(error, student))
    except (TypeError, ValueError) as error:
        line = line_of(error, student)
        evidence = _error("error" if line else "unreadable", type(error).__name__, _text(error), line)
    except BaseException as error:
        evidence = _error("error", type(error).__name__, _text(error), line_of(error, student))
    if watch.caught:
        evidence = _error("forbidden", Forbidden.__name__, watch.caught[0])
    return evidence | ({"remarks": remarks[:20]} if remarks else {})


@contextlib.contextmanager
def warned(silent: bool):
    """Without warnings where that is asked: the same code has run before, or runs with numbers that nobody gave it."""
    with warnings.catch_warnings() if silent else contextlib.nullcontext():
        if silent:
            warnings.simplefilter("ignore")
        yield


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


def _difference(first, second):
    """Where the second evidence differs from the first, in words; None where it does not."""
    if "value" not in second:
        return f" ({second['type']}: {second['message']})" if second["type"] else " (nothing)"
    verdict = compare(decode(first["value"]), decode(second["value"]), yours="your second answer")
    return None if verdict.ok else ""


def _seed(seed, id):
    return int.from_bytes(hashlib.sha256(f"{seed}\0{id}".encode()).digest()[:8], "little")


def _error(kind, type, message, line=None):
    return {"error": kind, "type": type[:80], "message": message[:500], "line": line}


def _text(error):
    try:
        return str(error)
    except Exception:  # an exception of the student's own, with a broken __str__
        return ""


def _is_forbidden(watch, answer):
    if getattr(unwrapped(answer), "__code__", None) in watch.codes:
        return watch.codes[unwrapped(answer).__code__]
    return next((name for thing, name in watch.builtins.items() if thing is unwrapped(answer)), None)
