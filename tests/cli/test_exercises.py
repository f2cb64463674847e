"""`course start`, `progress`, `build` and `new-exercise`, as students and authors meet them."""

import pytest


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    """An empty course, entered."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n')
    homes = ("doors.folders", "lab.results", "classroom.checking.start", "lab.standing_table", "lab.public_checks")
    for module in homes:
        monkeypatch.setattr(f"course_lib.{module}.course_root", lambda: tmp_path)
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "work"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_from_a_new_exercise_to_a_students_copy(course, root):
    code, out, _ = course("new-exercise", "01.1", "shares_of", "--title", "Shares")
    folder = "solutions/01_tokens"
    assert code == 0 and out.splitlines()[:2] == [f"{folder}/01_tokens.nb.py", f"{folder}/checks/01_1.py"]
    assert out.splitlines()[2].endswith("course build 01_tokens")
    assert course("build", "--check")[0] == 1, "nothing is built yet"
    code, out, _ = course("build", "01_tokens")
    assert code == 0 and "killed: 5 of 5 wrong answers" in out and "exercises/01_tokens/checks.json" in out
    assert course("build", "--check")[:2] == (0, "01_tokens: current\n")
    code, out, _ = course("start", "01")
    assert code == 0 and "is yours now" in out
    assert "is there already and stays" in course("start", "01_tokens")[1]
    assert course("progress")[1].splitlines() == ["01.1   Shares    5 min  open", "Exercises: 0 of 1 correct."]


def test_a_failed_proof_ends_with_1(course, root):
    course("new-exercise", "01.1", "shares")
    checks = root / "solutions" / "01_tokens" / "checks" / "01_1.py"
    checks.write_text(checks.read_text().replace("minutes=5", "minutes=0"))
    code, out, err = course("build")
    assert code == 1 and "give it a title and its minutes" in err and "killed" in out
    assert not (root / "exercises").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("start", "77"), "there are no exercises '77'"),
        (("build", "77_x"), "there is no solutions/77_x"),
        (("new-exercise", "7.1", "f"), "no number of an exercise"),
    ],
)
def test_bad_input_gets_one_line(course, arguments, words):
    code, _, err = course(*arguments)
    assert code == 2 and words in err and err.count("\n") == 1
