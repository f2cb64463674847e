"""The proof finds what is wrong with an exercise: each promise broken once."""

import pytest

from course_lib.classroom.authoring.answers import answer_namespace
from course_lib.classroom.authoring.lesson_checks import LessonChecks, checks_of
from course_lib.classroom.authoring.prove import Row, prove, table
from course_lib.classroom.authoring.skeleton import new_exercise


@pytest.fixture
def proof(tmp_path, monkeypatch):
    """Change texts of the skeleton's two files and prove it: (row, problems)."""
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "work"))
    cells, checks = new_exercise(tmp_path, "01.1", "shares", "Shares")

    def run(*changes):
        for old, new in changes:
            path = cells if old in cells.read_text() else checks
            assert old in path.read_text(), old
            path.write_text(path.read_text().replace(old, new))
        found = checks_of(cells)
        assert isinstance(found, LessonChecks)
        answers, stubs = answer_namespace(cells), answer_namespace(cells, stubs=True)
        return prove(found.exercises[0], answers, stubs, found.public()["exercises"]["01.1"])

    return run


def test_the_skeleton_is_proved(proof):
    assert proof() == (Row("01.1", public=1, hidden=1, wrong_answers=5, killed=5), [])


FORBID = '''

@shares_exercise.forbid("numpy.linalg.norm")
def _(call, x):
    return x / {call}
'''
PASSES = '''

@shares_exercise.mistake(hint="?")
def passes(x):
    """nothing wrong"""
    return x / sum(x)
'''
TWIN = '''

@shares_exercise.mistake(hint="another hint")
def twin(x):
    """something else"""
    return 1 * x
'''
BEGIN = "    ### BEGIN SOLUTION\n"
END = "    return np.zeros_like(x)\n"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("difficulty=1", "difficulty=0"), "difficulty=0; say 1 to 5"),
        (("minutes=5,", "minutes=0,"), "give it a title and its minutes"),
        (("minutes=5,", "minutes=5, solution='soon',"), "solution='soon'; say one of after three tries, always, never"),
        (('        "What to do there, in words.",\n', ""), "2 hints; it needs 3"),
        (("hidden=True", "hidden=False"), "it needs public probes and hidden ones"),
        (("rng.uniform(1, 9, size=int(rng.integers(5, 20)))", "np.arange(5.0)"), "it can be guessed; draw from rng"),
        (("x.sum()\n    return", "x.sum() + np.random.default_rng().random()\n    return"), "the same answer twice"),
        ((BEGIN, "    if len(x) == 4:\n        return x\n" + BEGIN), "stub is 'not started' with 1 points"),
        ((END, END + PASSES), "'nothing wrong' passes every public probe; is it memorised=True?"),
        ((END, END + PASSES), "'nothing wrong' passes every hidden probe"),
        ((END, END + TWIN), "'something else' is taken for 'the numbers themselves'"),
        ((END, END + FORBID.format(call="x.sum()")), "calls numpy.linalg.norm by its name is 'correct' with 3 points"),
        ((END, END + FORBID.format(call="call(x, 1) * 2")), "numpy.linalg.norm disagrees with the solution"),
        ((END, END + FORBID.replace("norm", "no_such").format(call="x")), "nothing called numpy.linalg.no_such"),
        ((".sum(), 1.0", ".sum(), 1.5"), "the solution breaks a rule"),
        (("shares sum to one", "what is left sums to zero"), "compares with something else than 0"),
        (("whole = x.sum()\n    return x / whole", "x /= x.sum()\n    return x"), "say changes=('x',)"),
        (("whole = x.sum()\n", "np.calls = getattr(np, 'calls', 0) + 1\n    whole = x.sum() * np.calls\n"),
         "the same answer twice"),
        (("minutes=5,", "minutes=5, changes=('z',),"), "changes=('z',), but shares has no z"),
        ((".\"\"\"", ".\n\n    >>> shares(np.array([1.0, 3.0])).tolist()\n    [1.0, 3.0]\n    \"\"\""), "is not true:"),
        (("shares sum to one", "what is left sums to zero"), "compares with something else than 0"),
        ((".sum(), 1.0", ".shape, (n,)"), "no wrong answer breaks the rule 'shares sum to one'"),
    ],
)
def test_complaints(proof, change, complaint):
    _, problems = proof(change)
    assert any(complaint in line for line in problems), problems
    assert all(line.startswith("01.1: ") for line in problems)


def test_a_gallery_that_is_too_small(proof):
    _, problems = proof(("@shares_exercise.mistake(hint=\"Sum, not mean.\")", ""),
                        ("@shares_exercise.mistake(hint=\"Do they sum to one?\")", ""))
    assert "01.1: 3 wrong answers in the gallery; it needs at least 4" in problems


def test_what_is_forbidden_fails_by_every_way(proof):
    row, problems = proof((END, END + FORBID.format(call="call(x, 1)")))
    assert problems == [] and (row.wrong_answers, row.killed) == (9, 9)


def test_table():
    text = table([Row("01.1", 1, 2, 5, 5), Row("01.2", 3, 4, 8, 7)])
    assert text.splitlines()[2].split() == ["01.2", "3", "4", "8", "7"]
    assert text.endswith("killed: 12 of 13 wrong answers")
