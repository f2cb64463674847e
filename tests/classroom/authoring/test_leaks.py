"""Secret lines are found wherever they are released, however they are written; public ones are not secret."""

from course_lib.classroom.authoring.leaks import leaks
from course_lib.classroom.authoring.lesson_checks import checks_of
from course_lib.classroom.authoring.record import make_job
from course_lib.classroom.authoring.skeleton import new_exercise


def found(tmp_path, released):
    cells, checks = new_exercise(tmp_path, "01.1", "shares", "Shares")
    text = cells.read_text().replace("    whole = x.sum()\n", "    whole = x.sum(axis=0, keepdims=True)\n")
    mean = "    return x / x.mean()\n"
    checks.write_text(checks.read_text().replace(mean, "    longer_name = x.mean()\n    return x / longer_name\n"))
    return leaks(text, checks_of(cells).exercises, released)


def test_nothing_leaks_of_what_is_public(tmp_path):
    public = [
        "def shares(x):", "return ns['shares'](rng.uniform(1, 9, size=4))", "What to do there, in words.",
        "a share of the mean", 'raise NotImplementedError("your turn")', "return x / whole",
    ]
    assert found(tmp_path, public) == []


def test_lines_of_answers_probes_and_mistakes(tmp_path):
    assert found(tmp_path, ["x\n  whole = x.sum(axis=0,   keepdims=True)  # mine"]) == [
        "whole = x.sum(axis=0, keepdims=True)"
    ]
    hidden = 'return ns["shares"](rng.uniform(1, 9, size=int(rng.integers(5, 20))))'
    assert found(tmp_path / "b", [hidden]) == [hidden.replace('"', "'")]
    assert found(tmp_path / "c", ["longer_name = x.mean()"]) == ["longer_name = x.mean()"]


CALLS = """

@shares_exercise.probe()
def a_mean(ns, rng):
    return shares_of_the_mean(ns["shares"](np.arange(3)))


@shares_exercise.forbid("numpy.linalg.norm")
def _(call, x):
    return x / call(x, ord=1, axis=0)


def again(x):
    return _("norm", x)


@shares_exercise.probe()
def a_norm(ns, rng):
    return again(ns["shares"](np.arange(3)))
"""


def test_a_public_probe_makes_no_wrong_answer_public(tmp_path):
    """Whatever a probe calls is cut out with it; what must stay at home is found all the same."""
    cells, checks = new_exercise(tmp_path, "01.1", "shares", "Shares")
    checks.write_text(checks.read_text().replace("return x / x.mean()\n", "return x / x.mean(axis=0)\n") + CALLS)
    exercises = checks_of(cells).exercises
    source = make_job(exercises[0], hidden=False)["source"]
    assert "x.mean(axis=0)" in source and "ord=1" in source
    assert leaks(cells.read_text(), exercises, [source]) == [
        "def shares_of_the_mean(x):", "return x / call(x, ord=1, axis=0)", "return x / x.mean(axis=0)"
    ]
