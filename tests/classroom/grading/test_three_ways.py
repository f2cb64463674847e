"""One judgement by three ways: the check in the notebook, the grader's sandbox, and a plain pytest of the same probes.

Twenty answers to each exercise of lesson 12: the right one, wrong ones of the gallery, and the right one with a random
change in it, of which nobody has said whether it is still right. The plain pytest is a file of its own, with a seed of
its own and numpy's comparison; it shares nothing with the first two but the probes.
"""

import ast
import json
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import jupytext
import pytest

from course_lib.classroom.authoring.answers import answer_namespace
from course_lib.classroom.authoring.checks_files import load_lesson_checks
from course_lib.classroom.authoring.probe_source import probe_source
from course_lib.classroom.authoring.record import make_record
from course_lib.classroom.checking import checks
from course_lib.classroom.grading.assignment import Assignment
from course_lib.classroom.grading.marking import mark_all
from course_lib.classroom.grading.sandbox.limits import Limits
from course_lib.classroom.grading.sandbox.rounds import run_submission

NAME, ANSWERS = "12_gpt", 20
PATIENT = Limits(seconds=900, cell_seconds=300, probe_seconds=60)  # a busy machine is no wrong answer
SWAPS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
         ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}

PLAIN = '''
import json, math, pathlib
import numpy as np
import pytest
import torch
from torch.nn import functional as F

GIVEN = json.loads(pathlib.Path(__file__).with_name("given.json").read_text())
CASES = [(number, which, id) for number, one in GIVEN.items() for which in range(len(one["answers"]))
         for id in one["probes"]]

def ask(number, answer, id):
    """What a probe returns, or for a rule its two sides, for values of its own."""
    one, names = GIVEN[number], {"math": math, "torch": torch, "F": F}
    exec(answer, names)
    probes = {}
    exec(one["source"], probes)
    torch.manual_seed(5)
    rng, ranges = np.random.default_rng(5), one["probes"][id]
    if ranges is None:
        return probes[id](names, rng)
    draws = [{n: int(rng.integers(low, high + 1)) for n, (low, high) in ranges.items()} for _ in range(25)]
    return [probes[id](names, **draw) for draw in draws]

def flat(value):
    if isinstance(value, dict):
        return [x for key in sorted(value) for x in flat(value[key])]
    if isinstance(value, (list, tuple)):
        return [len(value)] + [x for item in value for x in flat(item)]
    return [np.asarray(value.detach() if hasattr(value, "detach") else value)]

def same(got, wanted):
    assert len(flat(got)) == len(flat(wanted))
    for a, b in zip(map(np.asarray, flat(got)), map(np.asarray, flat(wanted))):
        assert a.shape == b.shape and (a.dtype.kind == "f") == (b.dtype.kind == "f")
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-4 * (np.abs(b).max(initial=0) or 1))

@pytest.mark.parametrize("number, which, id", CASES)
def test(number, which, id):
    one = GIVEN[number]
    got = ask(number, one["answers"][which], id)
    if one["probes"][id] is None:
        same(got, ask(number, one["answers"][0], id))  # the first answer is the reference
    else:
        for left, right in got:
            same(left, right)
'''


class Changed(ast.NodeTransformer):
    """Changes one place of a program: a number by one, or an operator to another."""

    def __init__(self, place):
        self.left = place

    def _here(self, node):
        self.left -= 1
        return self.left == -1

    def visit_Constant(self, node):
        is_number = type(node.value) is int and self._here(node)
        return ast.copy_location(ast.Constant(node.value + 1), node) if is_number else node

    def generic_visit(self, node):
        super().generic_visit(node)
        if type(node) in SWAPS and self._here(node):
            return SWAPS[type(node)]()
        return node


def changes(source):
    """Every program that differs from `source` in one place."""
    found, place = [], 0
    while (text := ast.unparse(Changed(place).visit(ast.parse(source)))) != ast.unparse(ast.parse(source)):
        found.append(text)
        place += 1
    return found


def same_in_other_words(source, function):
    """Programs that do the same: with other names inside, and behind two more calls."""
    tree = ast.parse(source)
    mine = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    mine -= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in mine:
            node.id += "_of_mine"
    again = f"def {function}_again(*all):\n    return list(map({function}_at_first, *([one] for one in all)))[0]\n"
    lazily = f"{source}\n{function}_at_first = {function}\n{again}"
    return [ast.unparse(tree), f"{lazily}{function} = {function}_again", f"{source}\n{function} = ({function},)[0]"]


@pytest.fixture(scope="module")
def lesson(repository):
    """(exercises, {number: answers as source}, assignment with a seed of its own)."""
    source = repository / "solutions" / NAME / f"{NAME}.nb.py"
    (exercises, _), reference = load_lesson_checks(source.parent), answer_namespace(source)
    cells = [cell.source for cell in jupytext.read(source, fmt="py:percent").cells if cell.cell_type == "code"]
    draw, answers = random.Random(12), {}
    for exercise in exercises:
        right = next(cell for cell in cells if f"def {exercise.function}(" in cell)
        gallery = [probe_source(exercise.text, [m.id]) + f"\n{exercise.function} = {m.id}\n"
                   for m in exercise.mistakes if not m.memorised]
        changed = changes(right)
        chosen = [right, *same_in_other_words(right, exercise.function), *draw.sample(gallery, min(8, len(gallery)))]
        answers[exercise.number] = chosen + draw.choices(changed, k=ANSWERS - len(chosen))
    public = {e.number: make_record(e, reference, seed=e.seed, hidden=False) for e in exercises}
    rehearsal = {e.number: make_record(e, reference, seed=e.seed, hidden=True) for e in exercises}
    secret = {e.number: make_record(e, reference, seed=2026, hidden=True) for e in exercises}
    for record in (record for records in (public, rehearsal, secret) for record in records.values()):
        record["probes"] = [one for one in record["probes"] if "example" not in one]  # these call it by its name
    return exercises, answers, Assignment(NAME, None, public, rehearsal, secret), cells[0]


@pytest.fixture(scope="module")
def plain(lesson, tmp_path_factory):
    """Verdicts of the plain pytest: {(number, which, probe)} that passed."""
    exercises, answers, assignment, _ = lesson
    folder = tmp_path_factory.mktemp("plain")
    given = {}
    for exercise in exercises:
        job = assignment.secret[exercise.number]
        probes = {probe["id"]: probe.get("ranges") for probe in job["probes"]}
        given[exercise.number] = {"answers": answers[exercise.number], "probes": probes, "source": job["source"]}
    (folder / "given.json").write_text(json.dumps(given))
    (folder / "test_plain.py").write_text(PLAIN)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=said.xml", "test_plain.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    cases = ElementTree.parse(folder / "said.xml").iter("testcase")
    passed = {case.get("name")[5:-1] for case in cases if not len(case)}
    assert passed and done.returncode in (0, 1), done.stdout[-2000:]
    return passed


def renamed(stage, which):
    """The jobs of a stage for the answers that are called write_7 in place of write."""
    jobs = [job | {"function": f"{job['function']}_{which}", "seconds": PATIENT.probe_seconds} for job in stage["jobs"]]
    names = [(f'[\'{job["function"]}\']', f'[\'{job["function"]}_{which}\']') for job in stage["jobs"]]
    jobs = [job | {"source": job["source"].replace(*pair)} for job, pair in zip(jobs, names, strict=True)]
    return stage | {"jobs": jobs}


@pytest.fixture(scope="module")
def graded(lesson):
    """The marks of twenty submissions from two sandboxes: importing torch takes longer than judging ten of them."""
    _, answers, assignment, setup = lesson
    functions = {number: assignment.secret[number]["function"] for number in answers}
    parts = assignment.stages  # made here, for Python 3.11 cannot parse in two threads at once

    def box(some):
        cells = [setup] + [f"{answers[number][which]}\n{name}_{which} = {name}"
                           for which in some for number, name in functions.items()]
        stages, count = [renamed(stage, which) for which in some for stage in parts], len(parts)
        told = [{"id": f"c{n}", "source": cell} for n, cell in enumerate(cells)]
        evidence = run_submission(told, stages, PATIENT).evidence
        return [{mark.number: mark for mark in mark_all(assignment, evidence[count * n : count * n + count])}
                for n in range(len(some))]

    with ThreadPoolExecutor(2) as executor:
        return sum(executor.map(box, (range(ANSWERS // 2), range(ANSWERS // 2, ANSWERS))), [])


def test_they_agree(lesson, plain, graded, repository, monkeypatch, tmp_path, capsys):
    exercises, answers, assignment, setup = lesson
    monkeypatch.chdir(repository / "exercises" / NAME)
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "work"))
    find = checks.load_checks
    monkeypatch.setattr(checks, "load_checks", lambda number: find(number) | {"seconds": PATIENT.probe_seconds})
    verdicts = []
    for exercise in exercises:
        probes = assignment.secret[exercise.number]["probes"]
        hidden = {probe["id"] for probe in probes if probe["hidden"] and "ranges" not in probe}
        for which, source in enumerate(answers[exercise.number]):
            names = {}
            exec(setup + "\n" + source, names)
            capsys.readouterr()
            checks.check(exercise.number, names[exercise.function])
            said = capsys.readouterr().out
            notebook = f"{exercise.number} correct" in said
            mark = graded[which][exercise.number]
            right = {probe["id"] for probe in probes if f"{exercise.number}-{which}-{probe['id']}" in plain}
            everything = len(right) == len(probes)
            assert (mark.kind == "correct") == everything, (exercise.number, source, mark, right)
            assert notebook == (right | hidden == {probe["id"] for probe in probes}), (source, mark, said)
            verdicts.append((exercise.number, which < 4, notebook, everything))
    assert len(verdicts) == ANSWERS * len(exercises)
    assert all(everything for _, reference, _, everything in verdicts if reference)
    share = sum(everything for *_, everything in verdicts) / len(verdicts)
    assert 0.2 <= share < 0.5, "right and wrong answers, and more wrong ones"
