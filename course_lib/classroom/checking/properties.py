"""Rules that every right answer keeps, tried on drawn values; a broken one is shown at its smallest.

Values are drawn by hypothesis, always the same ones. When a rule breaks, hypothesis looks for a smaller example that
breaks it too: "with T=1" says more than "with T=6". Used by the checks of all lessons.
"""

import contextlib
import io
import time
from collections.abc import Callable
from dataclasses import dataclass

from course_lib.classroom.checking.compare import compare
from course_lib.classroom.checking.diagnose import MEASURED
from course_lib.classroom.checking.examples import EXAMPLES
from course_lib.classroom.checking.forbid import Watch
from course_lib.classroom.checking.plain import decode
from course_lib.classroom.checking.probing import load_probes, run_probe
from course_lib.doors.folders import FolderError, work_folder

SECONDS = 0.8  # after that no new example is tried,
FEW = 6  # but so many are in any case, however slow the machine


@dataclass(frozen=True)
class Broken:
    """A rule that an answer breaks, the smallest example found, and what went wrong there; error: an exception."""

    rule: str
    example: dict[str, float]
    message: str
    error: bool = False

    def __str__(self):
        values = ", ".join(f"{name}={value:.4g}" for name, value in self.example.items())
        return f"it breaks a rule: {self.rule}. With {values}: {self.message}"


def first_broken(record: dict, ns: dict) -> Broken | None:
    """The first property of a record (see course_lib.lab.public_checks) that the answer in `ns` breaks, or None."""
    rules = record["properties"]["list"]
    functions = load_probes(record["properties"]["source"], [rule["id"] for rule in rules], name="<properties>")
    settings = {"function": record["function"], "watch": Watch(record["forbidden"]), "seconds": record["seconds"],
                "manner": record.get("manner", {})}
    import hypothesis.strategies  # noqa: F401  (takes its time once; rules have theirs from here on)

    start = time.monotonic()
    for rule in rules:

        def found(example, rule=rule):
            with contextlib.redirect_stdout(io.StringIO()):  # what an answer prints has been seen already
                return run_probe(functions[rule["id"]], ns, rule["id"], seed=0, **settings, arguments=example)

        def failure(example, found=found):
            return _difference(found(example), record["tolerance"])

        broken = smallest(failure, rule["ranges"], until=start + SECONDS)
        if broken is not None:
            return Broken(rule["name"], *broken, error="error" in found(broken[0]))
    return None


def smallest(failure: Callable[[dict], str], ranges: dict, *, until: float) -> tuple[dict, str] | None:
    """The smallest example found for which `failure(example)` is not "", with what it says; None when there is none.

    Args:
        failure: a message, or "" where all is well.
        ranges: argument → (lowest, highest), both whole numbers or both floats.
        until: of time.monotonic(); after that no new example is tried, once there were a few.
    """
    from hypothesis import HealthCheck, Phase, configuration, given, settings
    from hypothesis import strategies as st

    with contextlib.suppress(FolderError):
        configuration.set_hypothesis_home_dir(work_folder() / ".hypothesis")  # it does without where it cannot write
    seen: dict[tuple, str] = {}
    last: list[tuple[dict, str]] = []

    def test(**example):
        key = tuple(example.values())
        if key not in seen:
            seen[key] = failure(example) if len(seen) < FEW or time.monotonic() < until else ""
        if seen[key]:
            last[:] = [(example, seen[key])]
            raise AssertionError(seen[key])

    draws = {
        name: st.integers(low, high) if isinstance(low, int) else st.floats(low, high, allow_nan=False)
        for name, (low, high) in ranges.items()
    }
    quiet = settings(
        derandomize=True, max_examples=EXAMPLES, database=None, deadline=None, print_blob=False,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink],
    )
    try:
        quiet(given(**draws)(test))()
    except AssertionError:
        return last[0]  # the last call is the smallest example, played again
    return None


def _difference(found, tolerance):
    if "error" in found:
        at = f" (your line {found['line'][0]}: {found['line'][1]})" if found.get("line") else ""
        return f"{found['type']}: {found['message']}{at}"
    left, right = decode(found["value"])
    return compare(right, left, tolerance=tolerance, yours=MEASURED).message
