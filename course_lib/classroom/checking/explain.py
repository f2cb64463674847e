"""What is wrong with values that nobody has foreseen: how they hang together with the right ones, entry by entry.

Used by the checks of all lessons, after the gallery of known mistakes has been asked.
"""

import itertools

from course_lib.classroom.checking.compare import compare
from course_lib.classroom.checking.entries import entries, whole
from course_lib.classroom.checking.relations import relation
from course_lib.classroom.checking.surprise import ENOUGH, told_bits

RESULTS = 4  # of a tuple, that are tried in every order
REST = "the rest"  # an answer without entries, beside others that have some


def explain(runs: list[tuple[str, object, object, list]], tolerance: float) -> str:
    """A sentence or a few that are true of all runs, or of all that are wrong; "" where nothing is known.

    runs: (name of the probe, expected, got, sizes of the calls), for every probe that returned a value.
    """
    wrong = [run for run in runs if not compare(run[1], run[2], tolerance=tolerance).ok]
    if not wrong:
        return ""
    if said := _of_all(runs, tolerance):
        return said
    if len(wrong) < len(runs) and (said := _of_all(wrong, tolerance)):
        return f"for {' and for '.join(name for name, *_ in wrong)}, {said}"
    return _by_entry(_paths(runs), tolerance)


def _of_all(runs, tolerance):
    if said := _exchanged(runs, tolerance):
        return said
    lists = [whole(expected, got, sizes) for _, expected, got, sizes in runs]
    if all(case is not None for case in lists) and (said := relation(lists, tolerance)):
        return said
    return relation([case for cases in _paths(runs).values() for case in cases], tolerance)


def _paths(runs):
    """The cases of each place in the answers."""
    found = [entry for _, expected, got, sizes in runs for entry in entries(expected, got, sizes)]
    return {path: [case for where, case in found if where == path] for path, _ in found}


def _by_entry(paths, tolerance):
    """One line for each entry that is wrong, if something is known of one of them; then the others, and the right ones.

    An entry has the name of its outermost place: nobody can follow "result 1 result 2 result 1".
    """
    told, unknown, right = {}, [], []
    for path, cases in paths.items():
        name = path[0] if path else REST
        wrong = [case for case in cases if not compare(case.expected, case.got, tolerance=tolerance).ok]
        if not wrong:
            right.append(name)
        elif said := relation(cases, tolerance) or (relation(wrong, tolerance) if len(wrong) < len(cases) else ""):
            told.setdefault(said, []).append(name)
        else:
            unknown.append(name)
    if not told:
        return ""
    known = {name for names in told.values() for name in names}
    unknown, right = ([name for name in dict.fromkeys(names) if name not in but]
                      for names, but in ((unknown, known), (right, known | set(unknown))))
    lines = [said if names == [REST] else f"{', '.join(dict.fromkeys(names))}: {said}" for said, names in told.items()]
    lines += [f"{', '.join(unknown)}: wrong in another way"] if unknown else []
    lines += [f"({', '.join(right)}: right)"] if right else []
    return "\n".join(lines)


def _exchanged(runs, tolerance):
    """Results of a tuple, or entries of a dict, that stand in each other's places."""
    pairs = [pair for run in runs for pair in _by_call(*run[1:])]
    first = pairs[0][0]
    if isinstance(first, dict):
        names, kind = [f"`{key}`" for key in first], dict
    elif isinstance(first, list):
        names, kind = [f"result {i + 1}" for i in range(len(first))], list
    else:
        return ""
    if not 2 <= len(names) <= RESULTS:
        return ""
    values = []
    for expected, got in pairs:
        if not isinstance(expected, kind) or not isinstance(got, kind) or len(expected) != len(got):
            return ""
        if kind is dict and list(expected) != [key for key in expected if key in got]:
            return ""
        both = ((list(expected.values()), [got[key] for key in expected]) if kind is dict else (expected, got))
        if len(both[0]) != len(names):
            return ""
        values.append(both)
    for order in itertools.permutations(range(len(names))):
        moved = [i for i, j in enumerate(order) if i != j]
        if moved and all(compare(expected[j], got[i], tolerance=tolerance).ok
                         for expected, got in values for i, j in enumerate(order)):
            if not _different(values, moved, tolerance):
                return ""
            if len(moved) == 2:
                return f"{names[moved[0]]} and {names[moved[1]]} are exchanged"
            return "the results are right, but in another order: " + ", ".join(
                f"{names[i]} of yours is {names[j]}" for i, j in enumerate(order) if i != j)
    return ""


def _by_call(expected, got, calls):
    """(expected, got) of each call, where a probe returns the answers to several: as `entries` tells them apart."""
    if not isinstance(expected, list) or not isinstance(got, list) or not 1 < len(expected) == len(got) == len(calls):
        return [(expected, got)]
    return list(zip(expected, got, strict=True))


def _different(values, moved, tolerance):
    """Whether the exchanged entries are different ones, by enough numbers."""
    weight = 0.0
    for expected, got in values:
        if any(isinstance(expected[i], str) for i in moved):
            return True
        cases = [case for i in moved for _, case in entries(expected[i], got[i], [])]
        apart = [case for case in cases if not compare(case.expected, case.got, tolerance=tolerance).ok]
        weight += told_bits(*(case.expected for case in apart))
    return weight >= ENOUGH
