"""From evidence to marks: which exercise got how many points, and what to tell the student.

Part of grading; no lesson derives it.

The same `diagnose` judges here and in the notebook. Evidence is untrusted: it is made tidy before anyone looks at it,
and what does not fit counts as no answer.

Code can look at the numbers that it is given and choose by them which mistake to make. So all that a student is told
comes from the stages whose seed everyone has; of the secret one come the points and nothing else.
"""

from dataclasses import asdict, dataclass

from course_lib.classroom.checking.diagnose import Outcome, diagnose, earned
from course_lib.classroom.grading import student_text
from course_lib.classroom.grading.assignment import Assignment
from course_lib.classroom.grading.sandbox.messages import evidence_id

KINDS = ("missing", "not started", "forbidden", "timeout", "exit", "unreadable", "absent", "error", "died")
LONGEST_MESSAGE = 5000  # characters
ONLY_THESE_NUMBERS = "right for the numbers in the notebook, not for others"


@dataclass(frozen=True)
class Mark:
    """The result of one exercise.

    kind: correct, not started, missing, mistake, wrong, error, timeout, exit, forbidden, unreadable, or hidden
    (public probes are right, others are not). message, mistake, hint: for the student.
    """

    number: str
    title: str
    points: float
    out_of: float
    kind: str
    message: str = ""
    mistake: str = ""
    hint: str = ""

    def to_dict(self) -> dict:
        """Plain data."""
        return asdict(self)


def mark_all(assignment: Assignment, evidence: list[dict]) -> list[Mark]:
    """Marks of a submission, in the order of the exercises.

    Args:
        assignment: with its records.
        evidence: of the public stage, the rehearsal and the secret stage; those that are missing count as no answer.
    """
    stages = [*evidence, {}, {}, {}][:3]
    return [_mark(assignment, number, *stages) for number in assignment.secret]


def _mark(assignment, number, public_evidence, rehearsed, secret_evidence):
    public, secret = assignment.public[number], assignment.secret[number]
    shown = _judge(public, public_evidence)
    full = _judge(secret, secret_evidence)
    ids = {probe["id"] for probe in public["probes"]}
    right = earned(secret, {id for id in full.passed if id not in ids or id in shown.passed})
    points = float(sum(probe["points"] for probe in secret["probes"] if probe["id"] in right))
    told = {"kind": shown.kind, "message": shown.message, "mistake": shown.mistake, "hint": shown.hint}
    if shown.correct and len(right) == len(secret["probes"]):
        told = {"kind": "correct", "message": "correct"}
    elif shown.correct:  # what exactly went wrong would tell the hidden probe
        told = {"kind": "hidden"} | _rehearsed(assignment.rehearsal[number], {**rehearsed, **public_evidence})
    told["message"] = student_text.legible(told["message"], LONGEST_MESSAGE)
    return Mark(number, secret["title"], points, assignment.points(number), **told)


def _rehearsed(record, evidence):
    """What to say of an answer that is right for the public probes only: what it does with known numbers."""
    known = _judge(record, evidence)
    told = {"message": ONLY_THESE_NUMBERS, "mistake": known.mistake, "hint": known.hint}
    broken = [probe["name"] for probe in record["probes"] if "ranges" in probe and probe["id"] not in known.passed]
    if broken and len(known.passed) + len(broken) == len(record["probes"]):  # students know the rules
        told["message"] = f"it breaks a rule: {'; '.join(broken)}"
    if known.kind in ("forbidden", "timeout"):
        told["message"] += f" ({'a forbidden name' if known.kind == 'forbidden' else 'it takes too long'})"
    return told


def _judge(record, evidence) -> Outcome:
    try:
        said = {probe["id"]: evidence.get(evidence_id(record, probe)) for probe in record["probes"]}
        return diagnose(record, {id: tidy(one) for id, one in said.items()})
    except Exception as error:  # evidence that nobody thought of: no points, and the batch goes on
        out_of = float(sum(probe["points"] for probe in record["probes"]))
        return Outcome("unreadable", f"what came back cannot be judged ({type(error).__name__})", 0.0, out_of)


def tidy(said: object) -> dict:
    """Evidence in the one form that `diagnose` knows, whatever came out of the box."""
    if isinstance(said, dict) and "value" in said and said.keys() <= {"value", "note", "whole", "remarks"}:
        return said
    if not isinstance(said, dict) or "error" not in said:
        said = {"error": "error", "message": "the code ended before this question"}
    line = said.get("line")
    fits = isinstance(line, list) and [type(part) for part in line] == [int, str]
    return {
        "error": said["error"] if said["error"] in KINDS else "error",
        "type": str(said.get("type", ""))[:80],
        "message": str(said.get("message", ""))[:500],
        "line": [line[0], line[1][:200]] if fits else None,
    }
