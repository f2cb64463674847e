"""Whether an answer is a known mistake: where all it says agrees, and enough tells the mistake from the truth.

A name that is wrong sends a student the wrong way, so what is doubtful gets none. Used by the checks of all lessons.
"""

from collections.abc import Callable

import numpy as np

from course_lib.classroom.checking.beside import same_beside
from course_lib.classroom.checking.compare import compare
from course_lib.classroom.checking.entries import entries, same_form
from course_lib.classroom.checking.nearness import as_array, wrong_places
from course_lib.classroom.checking.plain import decode
from course_lib.classroom.checking.probing import run_probes
from course_lib.classroom.checking.relations import small_relation
from course_lib.classroom.checking.surprise import orders, told_bits

Again = Callable[[str, int], dict]  # (probe, seed) -> evidence of the student's answer
ARITHMETIC = ("ZeroDivisionError", "OverflowError", "FloatingPointError")
RUNS = 2  # that must tell a mistake from the truth
NUMBER = 5.0  # bits of any number, at the least
ALONE = 10.0  # bits that one run must say, where all others are right
LETTER = 4.0  # bits


def same_evidence(known: dict, answer: dict, tolerance: float, *, near: bool = False) -> bool:
    """Whether an answer did what a known mistake does: equal values, or the same type of error.

    near: whatever is no finite number is alike, and so is an error of arithmetic, and are arrays without numbers.
    """
    if not same_beside(known, answer, lambda a, b: same_evidence(a, b, tolerance, near=near)):
        return False
    if "error" in known or "error" in answer:
        if near and ("error" in known) != ("error" in answer):
            error, value = (known, answer) if "error" in known else (answer, known)
            return error.get("type") in ARITHMETIC and _all_lost(value)
        return known.get("error") == answer.get("error") and known.get("type") == answer.get("type")
    try:
        left, right = decode(known["value"]), decode(answer["value"])
    except (ValueError, KeyError):
        return False
    if near:
        left, right = _roughly(left), _roughly(right)
    return compare(left, right, tolerance=tolerance).ok


def run_again(record: dict, ns: dict) -> Again:
    """Runs a probe or a rule of a released record on the answer in `ns` once more, with another seed."""
    probes = {probe["id"]: (probe, record["source"]) for probe in record["probes"]}
    rules = {rule["id"]: (rule, record["properties"]["source"]) for rule in record["properties"]["list"]}

    def run(id, seed):
        one, source = (probes | rules)[id]
        return run_probes(record | {"probes": [one], "source": source}, ns, seed=seed)[id]

    return run


def known_mistake(record: dict, answers: dict[str, dict], again: Again | None = None) -> tuple[dict, str] | None:
    """(the mistake of the record that these answers make, what comes on top of it or ""), or None.

    Args:
        record: see course_lib.classroom.checking.diagnose.
        answers: evidence by probe, of every probe of the record.
        again: runs a probe of the record on the same answer once more, with another seed.
    """
    tolerance = record["tolerance"]
    for mistake in record["mistakes"]:
        if all_same(mistake, answers, tolerance) and is_sure(record, mistake, again):
            return mistake, ""
    near = [mistake for mistake in record["mistakes"] if all_same(mistake, answers, tolerance, near=True)]
    if len(near) == 1 and is_sure(record, near[0], again, near=True):
        return near[0], ""
    right = {"evidence": {id: {"value": one["value"]} for id, one in record["expected"].items()}}
    if all_same(right, answers, tolerance) or _on_top(record, right, answers):
        return None  # the same could be said of the right answer, and no mistake is needed for it
    related = [(mistake, said) for mistake in record["mistakes"] if (said := _on_top(record, mistake, answers))]
    if len(related) == 1 and len(telling(record, related[0][0])) >= RUNS:
        return related[0]
    return None


def all_same(mistake: dict, answers: dict[str, dict], tolerance: float, *, near: bool = False) -> bool:
    """Whether an answer did what a known mistake does in every probe."""
    return all(same_evidence(mistake["evidence"][id], answer, tolerance, near=near) for id, answer in answers.items())


def telling(record: dict, mistake: dict) -> list[str]:
    """The probes for which a known mistake does not return what is expected."""
    expected, known = record["expected"], mistake["evidence"]
    return [id for id in known if id in expected and not same_evidence(expected[id], known[id], record["tolerance"])]


def is_sure(record: dict, mistake: dict, again: Again | None, *, near: bool = False) -> bool:
    """Whether what agrees with a mistake could hardly be anything else: two runs tell it from the truth, or one does by
    enough different numbers, or by what anyone can see: nan, or one number everywhere."""
    told = telling(record, mistake)
    if len(told) >= RUNS:
        return True
    if (runs := mistake.get("again")) and again:
        seen = [(run["evidence"], again(run["probe"], run["seed"])) for run in runs]
        return all(same_evidence(known, answer, record["tolerance"], near=near) for known, answer in seen)
    return any(_says_enough(record["expected"][id], mistake["evidence"][id], record["tolerance"]) for id in told)


def _on_top(record, mistake, answers):
    """What these answers are to a known mistake's, the same for every probe, where it is something small."""
    cases = []
    for id, answer in answers.items():
        known = mistake["evidence"][id]
        if "value" not in known or "value" not in answer:
            return ""
        try:
            theirs, yours = decode(known["value"]), decode(answer["value"])
            parts = entries(theirs, yours, record.get("sizes", {}).get(id, [])) if same_form(theirs, yours) else []
        except (ValueError, KeyError):
            return ""
        if not parts:
            return ""
        cases += [case for _, case in parts]
    return small_relation(cases, record["tolerance"])


def _says_enough(expected, known, tolerance):
    if "value" not in expected or "value" not in known:
        return False
    weight, lost = 0.0, []
    for right, wrong in _leaves(decode(expected["value"]), decode(known["value"])):
        if isinstance(right, str) or isinstance(wrong, str):
            weight += LETTER * len(str(wrong)) if right != wrong else 0.0
            continue
        a, b = as_array(right), as_array(wrong)
        if a is None or b is None:
            continue
        told = b if a.shape != b.shape else b[wrong_places(a, b, tolerance)]
        truth = b.dtype.kind == "b"
        weight += orders(b) if truth else max(told_bits(told), orders(told), NUMBER * told.size)
        lost += told.astype(float).ravel().tolist()
    values = np.array(lost)
    one_value = len(values) > 1 and bool(np.all(values == values[0]))
    return weight >= ALONE or one_value or (len(values) > 0 and not np.isfinite(values).any())


def _leaves(left, right):
    """Pairs of arrays, numbers and texts that stand in the same place of two values."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in left.keys() & right.keys():
            yield from _leaves(left[key], right[key])
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right) and as_array(left) is None:
        for a, b in zip(left, right, strict=True):
            yield from _leaves(a, b)
    else:
        yield left, right


def _roughly(value):
    """The same for everything that is no finite number, and for every shape that has no place for one."""
    if isinstance(value, dict):
        return {key: _roughly(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_roughly(part) for part in value]
    if isinstance(value, np.ndarray) and not value.size:
        return np.zeros(0)
    if isinstance(value, (np.ndarray, float)) and np.asarray(value).dtype.kind == "f":
        return np.where(np.isfinite(value), value, np.nan)
    return value


def _all_lost(answer):
    try:
        array = as_array(decode(answer["value"]))
    except (ValueError, KeyError):
        return False
    return array is not None and array.size > 0 and not np.isfinite(array.astype(float)).any()
