"""What stands beside a value in evidence, and whether it spoils a right one. Used by the checks of all lessons.

A right value is not all: arguments stay as they came, the second answer is the first, and whole numbers are numbers,
too. See checking.probing for how evidence says so.
"""

from collections.abc import Callable

from course_lib.classroom.checking.compare import EQUAL, Verdict

NOTES = ("changed", "again")
WHOLE = "with whole numbers (integers) in the arrays in place of floating-point ones"
NOTHING = {"error": "error", "type": "", "message": "nothing came back", "line": None}


def spoiled(expected: dict, answer: dict, judged: Callable[[dict, dict], Verdict]) -> Verdict:
    """The verdict on what stands beside a right value: EQUAL where nothing is to be said.

    Args:
        expected, answer: evidence of one probe.
        judged: the verdict on (expected, answer) for the same probe, used for the whole numbers.
    """
    if note := answer.get("note"):
        return Verdict(False, note["kind"], note["message"])
    found = answer.get("whole", NOTHING)
    if "whole" not in expected or found.get("type") == "RuntimeError":
        return EQUAL  # torch says that it takes floats only: whoever chose torch is not misled
    verdict = judged(expected["whole"], found)
    return verdict if verdict.ok else Verdict(False, "whole", f"{WHOLE}: {verdict.message}")


def same_beside(known: dict, answer: dict, same: Callable[[dict, dict], bool]) -> bool:
    """Whether an answer has all that stands beside a known mistake's value. `same`: of two pieces of evidence."""
    if "note" in known and _about(known) != _about(answer):
        return False
    return "whole" not in known or same(known["whole"], answer.get("whole", NOTHING))


def readable(answer: dict, read: Callable[[object], dict]) -> dict:
    """What stands beside a value, in its form, whatever a sandbox said. `read`: makes evidence readable."""
    found = {}
    if isinstance(more := answer.get("whole"), dict):
        found["whole"] = read({key: one for key, one in more.items() if key not in ("whole", "note")})
    if isinstance(note := answer.get("note"), dict):
        kind = note.get("kind") if note.get("kind") in NOTES else NOTES[-1]
        found["note"] = {"kind": kind, **{key: str(note.get(key))[:500] for key in ("about", "message")}}
    return found


def _about(evidence):
    return tuple((evidence.get("note") or {}).get(key) for key in ("kind", "about"))
