"""What is wrong with an answer: the same as a known mistake, or different from what is expected, and where.

Used by the checks of all lessons, and by the grader for its feedback pages.
"""

from dataclasses import dataclass

from course_lib.classroom.checking.beside import readable, spoiled
from course_lib.classroom.checking.compare import EQUAL, Verdict, compare
from course_lib.classroom.checking.entries import same_form
from course_lib.classroom.checking.explain import explain
from course_lib.classroom.checking.forbid import ASKS
from course_lib.classroom.checking.known import Again, all_same, is_sure, known_mistake
from course_lib.classroom.checking.plain import decode

KINDS = ("missing", "not started", "forbidden", "timeout", "exit", "unreadable", "absent", "error")
MEASURED = "what was measured"  # a rule's left side, which is seldom the answer itself
ABOUT_THE_FORM = ("type", "length", "keys", "dtype")  # no example says more than that
SILENT = {"error": "error", "type": "", "message": "the code ended before this question", "line": None}


@dataclass(frozen=True)
class Outcome:
    """The judgement of one exercise.

    kind: correct, not started, missing, mistake (a known one), wrong, error, timeout, exit, forbidden or unreadable.
    passed: ids of the probes that are right, and of the rules kept (see `earned`). mistake, hint: of the known
    mistake, else "".
    """

    kind: str
    message: str
    points: float
    out_of: float
    passed: tuple[str, ...] = ()
    mistake: str = ""
    hint: str = ""
    explained: bool = False

    @property
    def correct(self) -> bool:
        """Whether every probe is right."""
        return self.kind == "correct"


def diagnose(record: dict, evidence: dict[str, dict], again: Again | None = None) -> Outcome:
    """Judge the evidence of one answer.

    Args:
        record: a job with "expected" (evidence of the reference answer) and "mistakes" ([{"name", "hint",
            "evidence"}]), all made with the seed that `evidence` was made with. What is released to students also has
            "sizes" (of the arguments, by probe) and "variants" (right answers to slightly other questions).
        evidence: of the student's answer, by probe; a probe without evidence is wrong.
        again: runs a probe on the student's answer with another seed, where it can be run.
    """
    probes = record["probes"]
    out_of = float(sum(probe["points"] for probe in probes))
    answers = [(probe, _readable(evidence.get(probe["id"], SILENT))) for probe in probes]
    verdicts = [judge(record, probe, answer) for probe, answer in answers]
    passed = earned(record, {probe["id"] for probe, verdict in zip(probes, verdicts, strict=True) if verdict.ok})
    points = float(sum(probe["points"] for probe in probes if probe["id"] in passed))
    if len(passed) == len(probes):
        return Outcome("correct", "correct", points, out_of, passed)
    kinds = {answer.get("error") for _, answer in answers}
    if kinds <= {"not started", "missing"}:
        kind = "not started" if "not started" in kinds else "missing"
        return Outcome(kind, next(v.message for v in verdicts if not v.ok), 0.0, out_of)
    if found := known_mistake(record, {probe["id"]: answer for probe, answer in answers}, again):
        mistake, more = found
        name, tip = mistake["name"], mistake["hint"]
        said = f"{name}; and on top of it, {more}" if more else name
        return Outcome("mistake", said, points, out_of, passed, name, tip, explained=True)
    number = _worst(answers, verdicts)
    kind, verdict = answers[number][1].get("error") or "wrong", verdicts[number]
    if kind == "wrong" and (said := _explained(record, answers)):
        return Outcome("wrong", said, points, out_of, passed, explained=True)
    told = f"for {probes[number]['name']}: {verdict.message}"
    note = answers[number][1].get("note", {})
    if kind == "wrong" and verdict.kind == "value" and note.get("kind") == "again":  # else known by its message alone
        told += f"\n{note['message']}"
    return Outcome(kind, told, points, out_of, passed, explained=verdict.kind in ABOUT_THE_FORM)


def earned(record: dict, right: set[str]) -> tuple[str, ...]:
    """Of the probes that are right, those that count, in order: a rule only where all public probes are right.

    Anyone keeps a rule by returning zeros, and a right answer to a public probe cannot be had so.
    """
    public = {probe["id"] for probe in record["probes"] if not probe["hidden"]}
    return tuple(
        probe["id"] for probe in record["probes"]
        if probe["id"] in right and ("ranges" not in probe or public <= right)
    )


def judge(record: dict, probe: dict, answer: dict) -> Verdict:
    """One probe's verdict: the answer's value against the expected one, or its error in a student's words."""
    if answer.get("error") == "absent" and "example" in probe:  # worth no points, for anyone can say so
        return EQUAL
    if "error" in answer:
        return Verdict(False, answer["error"], _told(answer, record["function"]))
    try:
        got = decode(answer["value"])
    except (ValueError, KeyError) as error:
        return Verdict(False, "unreadable", f"what came back cannot be read: {error}")
    if "ranges" in probe:
        verdict = _keeps_rule(got, record["tolerance"])
    else:
        expected, integers = decode(record["expected"][probe["id"]]["value"]), record.get("integers", False)
        verdict = compare(expected, got, tolerance=record["tolerance"], axes=probe["axes"], integers=integers)
    if not verdict.ok:
        return verdict
    told = record.get("expected", {}).get(probe["id"], {})
    return spoiled(told, answer, lambda a, b: judge(record | {"expected": {probe["id"]: a}}, probe, b))


def _explained(record, answers):
    """What the values that came are to the expected ones: right for another question, or √D times too large."""
    evidence = {probe["id"]: answer for probe, answer in answers}
    for variant in record.get("variants", ()):
        if all_same(variant, evidence, record["tolerance"]) and is_sure(record, variant, None):
            return f"yours is what is expected {variant['name']}"
    runs = []
    for probe, answer in answers:
        if "value" in answer and not {"ranges", "example"} & probe.keys():  # these return something made of answers
            try:
                expected, got = decode(record["expected"][probe["id"]]["value"]), decode(answer["value"])
            except (ValueError, KeyError):
                continue
            if not same_form(expected, got):
                return ""
            runs.append((probe["name"], expected, got, record.get("sizes", {}).get(probe["id"], [])))
    return explain(runs, record["tolerance"])


def _keeps_rule(pairs, tolerance):
    """Every pair holds two values that agree; the right one is what the left one should be."""
    if not isinstance(pairs, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        return Verdict(False, "unreadable", "a rule returns two values that must agree")
    verdicts = (compare(right, left, tolerance=tolerance, yours=MEASURED) for left, right in pairs)
    return next((verdict for verdict in verdicts if not verdict.ok), EQUAL)


def _readable(answer):
    """Evidence comes out of a sandbox: whatever does not have its form is replaced by an error that says so."""
    if not isinstance(answer, dict) or not ({"error", "value"} & answer.keys()):
        return SILENT | {"message": "what came back cannot be read"}
    if "error" not in answer:
        return {"value": answer["value"]} | readable(answer, _readable)
    texts = {key: str(answer.get(key) or "")[:500] for key in ("type", "message")}
    kind, line = answer["error"], answer.get("line")
    has_line = isinstance(line, list) and [type(part) for part in line] == [int, str]
    return texts | {"error": kind if kind in KINDS else "error", "line": line if has_line else None}


def _worst(answers, verdicts):
    """The failure to speak about first: what is forbidden, then the first in the author's order."""
    failed = [number for number, verdict in enumerate(verdicts) if not verdict.ok]
    return next((n for n in failed if answers[n][1].get("error") == "forbidden"), failed[0])


def _told(answer, function):
    kind, name, message = answer["error"], answer["type"], answer["message"]
    at = ""
    if answer.get("line"):
        number, text = answer["line"]
        at = f"\n  your line {number}: {text}" if text else f"\n  in your line {number}"
    if kind == "not started":
        return "not started yet"
    if kind == "forbidden":
        return f"you call {message}; {ASKS}"
    if kind == "timeout":
        return f"{message}: a loop that never ends, or far more work than needed?"
    if kind == "exit":
        return f"your code ended the program ({name}){at}"
    if kind in ("missing", "unreadable"):
        return message
    return f"{name}: {message}{at}" if name else message
