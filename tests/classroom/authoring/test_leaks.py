"""Secret lines are found wherever they are released, however they are written; public ones are not secret."""

from course_lib.classroom.authoring.leaks import leaks
from course_lib.classroom.authoring.lesson_checks import checks_of
from course_lib.classroom.authoring.skeleton import new_exercise


def found(tmp_path, released):
    cells, checks = new_exercise(tmp_path, "01.1", "shares", "Shares")
    text = cells.read_text().replace("    whole = x.sum()\n", "    whole = x.sum(axis=0, keepdims=True)\n")
    mean = "    return x / x.mean()\n"
    both = checks.read_text().replace(mean, "    longer_name = x.mean()\n    return x / longer_name\n")
    return leaks(text, both, checks_of(cells).exercises, released)


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
