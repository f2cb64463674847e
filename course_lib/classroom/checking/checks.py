"""check, hint and solution: what a student calls in an exercise notebook. Used by the exercises of all lessons.

    check("07.1", causal_mask)     correct, or which mistake it is, or where it differs from what is expected
    hint("07.1")                   the first hint; again: the second, the third
    solution("07.1")               the worked answer, after three tries
"""

import ast
import os

from course_lib.classroom.checking.diagnose import Outcome, diagnose
from course_lib.classroom.checking.known import run_again
from course_lib.classroom.checking.probing import run_probes
from course_lib.doors.folders import some_current_folder
from course_lib.doors.json_file import read_json
from course_lib.doors.terminal import say
from course_lib.lab.attempts import record_event, standing
from course_lib.lab.public_checks import NoChecks, load_checks

TRIES = 3
MARKS = ("### BEGIN SOLUTION", "### END SOLUTION")


def check(number: str, answer: object) -> None:
    """Print what is right or wrong with `answer`, the function or class that exercise `number` asks for.

    Nothing is raised, whatever the answer does; only under nbgrader a wrong answer raises AssertionError, so that
    its own autograder and `nbgrader validate` see it.
    """
    try:
        record = load_checks(number)
    except NoChecks as error:
        say(error)
        return
    if not callable(answer):
        say(f'{number}: hand over the function itself, without calling it: check("{number}", {record["function"]})')
        return
    ns = {record["function"]: answer}
    with some_current_folder():
        evidence = run_probes(record, ns, seed=record["seed"])
        outcome = diagnose(record, evidence, run_again(record, ns))
        text, kind = _told(number, record, outcome, ns)
    remarks = dict.fromkeys(remark for one in evidence.values() for remark in one.get("remarks", ()))
    beside = [f"(Beside it: {remark}.)" for remark in remarks]
    say("\n".join(filter(None, [text, *beside, _edited(number, record)])))  # before the disk has its say
    if trouble := record_event(number, kind, outcome.mistake):
        say(trouble)
    if kind != "correct" and os.environ.get("NBGRADER_EXECUTION"):
        raise AssertionError(f"{number}: {kind}")


def hint(number: str, which: int | None = None) -> None:
    """Print the next hint of exercise `number`, or hint `which` (1, 2 or 3)."""
    try:
        record = load_checks(number)
    except NoChecks as error:
        say(error)
        return
    hints = record["hints"]
    if which is None:
        which = min(standing(number).hints + 1, len(hints))
    if which not in range(1, len(hints) + 1):
        say(f"{number} has the hints 1 to {len(hints)}")
        return
    record_event(number, "hint", str(which))
    locked = _locked(number, record)
    last = f"That was the last; {locked.partition(';')[0]}." if locked else f'Next: solution("{number}").'
    more = last if which == len(hints) else f'hint("{number}") gives the next one.'
    say(f"{number} hint {which} of {len(hints)}: {hints[which - 1]}\n{more}")


def solution(number: str) -> None:
    """Print the worked answer of exercise `number`: after three tries or once it is correct, or as the course has it.

    The exercise's setting ("always", "never") decides, and over it the environment variable COURSE_SOLUTIONS.
    """
    try:
        record = load_checks(number)
    except NoChecks as error:
        say(error)
        return
    if locked := _locked(number, record):
        say(f"{number}: {locked}")
        return
    text = _worked_answer(record)
    if text is None:
        say(f"{number}: the instructor has not opened the solution")
        return
    record_event(number, "solution")
    say(text)


def _locked(number, record):
    """Why the worked answer may not be seen yet, or empty."""
    done, setting = standing(number), os.environ.get("COURSE_SOLUTIONS") or record["solution"]
    if setting == "never":
        return "in this course the solution stays closed"
    if setting == "always" or done.passed or done.attempts >= TRIES:
        return ""
    left = TRIES - done.attempts
    return f"the solution opens after {left} more {'try' if left == 1 else 'tries'}; hint(\"{number}\") helps"


def _told(number, record, outcome: Outcome, ns):
    """What to print, and what to remember it as."""
    if outcome.kind == "mistake":
        return f"{number} not yet: this is {outcome.message}.\n{outcome.hint}", "mistake"
    if outcome.kind in ("not started", "missing"):
        return f"{number} {outcome.message}", outcome.kind
    broken = None
    if outcome.kind in ("correct", "wrong") and not outcome.explained and record["properties"]["list"]:
        from course_lib.classroom.checking.properties import first_broken

        broken = first_broken(record, ns)
        if broken and broken.error and not outcome.correct:
            broken = None  # what is wrong was said; that nothing can be computed with it is no news
    if outcome.correct and broken is None:
        return f"{number} correct", "correct"
    kind = "wrong" if outcome.correct else outcome.kind
    lines = [] if outcome.correct else [outcome.message]
    lines += [str(broken) if outcome.correct else str(broken).partition("\n")[0]] if broken else []
    return f"{number} not yet: " + "\n".join(lines) + f'\nhint("{number}") helps.', kind


def _edited(number, record):
    """A note when the cell that is running is not the check cell of the course."""
    ours = f'check("{number}", {record["function"]})'
    try:
        cell = get_ipython().get_parent()["content"]["code"]  # IPython puts get_ipython among the builtins
        same = ast.dump(ast.parse(cell)) == ast.dump(ast.parse(ours))
    except (NameError, AttributeError, KeyError, TypeError, SyntaxError):
        return ""
    return "" if same else f"(This check cell was changed; the course's, and the grader's, is: {ours})"


def _worked_answer(record):
    """The answer's cell of the solution's notebook; None when solutions/ is not here."""
    root, grade_id = record["folder"].parents[1], f"answer-{record['number'].replace('.', '-')}"
    for path in root.glob(f"solutions/{record['folder'].name}/*.ipynb"):
        for cell in read_json(path, "a notebook", keys={"cells": list})["cells"]:
            if cell["metadata"].get("nbgrader", {}).get("grade_id") == grade_id:
                lines = "".join(cell["source"]).splitlines()
                return "\n".join(line for line in lines if not line.strip().startswith(MARKS))
    return None
