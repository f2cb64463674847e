"""What a student reads: correct, not started, which mistake, or expected beside got; hints; the solution in time."""

import builtins
import functools
import json
import shutil
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

from course_lib.classroom.authoring.build import notebook_of, read_source
from course_lib.classroom.authoring.exercise import student_version
from course_lib.classroom.authoring.lesson_checks import checks_of, dump
from course_lib.classroom.authoring.skeleton import new_exercise
from course_lib.classroom.checking.checks import check, hint, solution
from course_lib.lab.attempts import standing


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A course with the exercise 01.1 (`shares`) and its public checks."""
    root = tmp_path_factory.mktemp("course")
    cells, _ = new_exercise(root, "01.1", "shares", "Shares")
    folder = root / "exercises" / "01_tokens"
    folder.mkdir(parents=True)
    (folder / "checks.json").write_text(dump(checks_of(cells).public()))
    (root / "pyproject.toml").write_text('[project]\nname = "x"\n')
    nbformat.write(read_source(cells, root=root), notebook_of(cells))
    return root


@pytest.fixture
def course(built, tmp_path, monkeypatch):
    """A copy of it, entered, with an empty work folder."""
    root = tmp_path / "course"
    shutil.copytree(built, root)
    monkeypatch.chdir(root / "exercises" / "01_tokens")
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "work"))
    return root


@pytest.fixture
def said(course, capsys):
    """Run `check("01.1", answer)` and return what it prints."""

    def run(answer):
        check("01.1", answer)
        return capsys.readouterr().out

    return run


def right(x):
    return x / x.sum()


def empty(x):
    raise NotImplementedError("your turn")


def breaks(x):
    return x @ np.ones(3)


def raises_in_a_helper(x):
    return _helper(x)


def _helper(x):
    raise KeyError("lost")


def test_correct_and_not_started(said):
    assert said(right) == "01.1 correct\n"
    assert said(empty) == "01.1 not started yet\n"
    assert standing("01.1").passed and standing("01.1").attempts == 1, "an untouched stub is no try"


def test_a_known_mistake_is_named_with_its_hint(said):
    assert said(lambda x: x / x.mean()) == "01.1 not yet: this is a share of the mean.\nSum, not mean.\n"
    assert standing("01.1").mistakes == {"a share of the mean": 1}


def test_an_unknown_one_is_shown_beside_what_is_expected(said):
    text = said(lambda x: x / x.sum() + np.array([0, 0, 0.5, 0]))
    assert text.startswith("01.1 not yet: for four numbers: 1 of 4 values in your answer differ")
    assert "expected" in text and text.count("*") == 1
    assert text.endswith('hint("01.1") helps.\n')


def test_shapes_come_first(said):
    text = said(lambda x: right(x)[:3])
    assert "your answer has shape (3,), it should be (4,): one share for each number" in text


def test_an_exception_shows_the_students_line(said):
    assert "your line" in said(breaks) and "return x @ np.ones(3)" in said(breaks)
    text = said(raises_in_a_helper)
    assert "KeyError: 'lost'" in text and 'raise KeyError("lost")' in text and "course_lib" not in text


def test_a_broken_rule_is_shown_at_its_smallest(said):
    text = said(lambda x: right(x) if len(x) == 4 else right(x) * 2)
    assert "it breaks a rule: shares sum to one. With n=1, seed=0: your result" not in text
    assert "it breaks a rule: shares sum to one. With n=1, seed=0: what was measured is 2, it should be 1" in text
    assert not standing("01.1").passed


def test_a_rule_that_cannot_be_tried_is_not_mentioned(said):
    text = said(lambda x: None)
    assert "your answer is None" in text and "does your function end with `return`?" in text and "rule" not in text


def test_another_form_of_the_right_answer_is_right(said):
    kinds = [lambda x: right(x).tolist(), lambda x: tuple(right(x)), functools.partial(right), Shares(), Shares().of]
    for answer in kinds:
        assert said(answer) == "01.1 correct\n"


class Shares:
    def __call__(self, x):
        return right(x)

    def of(self, x):
        return right(x)


def in_place(x):
    x /= x.sum()
    return x


CALLS = []


def counting(x):
    CALLS.append(1)
    return right(x) if len(CALLS) == 1 else right(x) * 2


def zeros_like(x):
    out = np.zeros_like(x)
    out[:] = right(x)
    return out


def test_right_values_are_not_all(said):
    assert "your function changes its argument `x` in place (4 of 4 values;" in said(in_place)
    assert "called again with the same arguments, your function gives something else" in said(counting)
    text = said(zeros_like)
    assert "with whole numbers (integers) in the arrays in place of floating-point ones: 4 of 4 v" in text
    assert "`np.zeros_like(x)` and `x.copy()` have the type of x" in text


def test_what_was_put_back_is_said_beside_the_verdict(said):
    def answer(x):
        np.seterr(all="ignore")
        return right(x)

    assert said(answer) == "01.1 correct\n(Beside it: your code changes numpy.seterr; it was put back.)\n"


def test_a_value_in_place_of_the_function(said):
    assert said(right(np.ones(3))) == (
        '01.1: hand over the function itself, without calling it: check("01.1", shares)\n'
    )
    assert standing("01.1").attempts == 0


def test_an_endless_loop(said, course):
    path = course / "exercises" / "01_tokens" / "checks.json"
    data = json.loads(path.read_text())
    data["exercises"]["01.1"]["seconds"] = 0.1
    path.write_text(json.dumps(data))

    def loops(x):
        while True:
            pass

    assert "no answer after 0.1 s" in said(loops)


def test_hints_come_one_after_the_other(course, capsys):
    for _ in range(4):
        hint("01.1")
    lines = capsys.readouterr().out.splitlines()
    texts, more = lines[::2], lines[1::2]
    assert more[1] == 'hint("01.1") gives the next one.'
    assert more[2] == "That was the last; the solution opens after 3 more tries."
    assert [text[:18] for text in texts] == ["01.1 hint 1 of 3: ", "01.1 hint 2 of 3: "] + ["01.1 hint 3 of 3: "] * 2
    hint("01.1", 1)
    assert "makes one look" in capsys.readouterr().out
    hint("01.1", 7)
    assert "has the hints 1 to 3" in capsys.readouterr().out


def test_the_solution_opens_after_three_tries(said, capsys):
    def solved():
        solution("01.1")
        return capsys.readouterr().out

    assert "opens after 3 more tries" in solved()
    said(empty)
    said(lambda x: x)
    said(lambda x: 2 * x)
    assert solved() == '01.1: the solution opens after 1 more try; hint("01.1") helps\n'
    hint("01.1", 3)
    assert "That was the last; the solution opens after 1 more try." in capsys.readouterr().out
    said(lambda x: 3 * x)
    hint("01.1", 3)
    assert 'Next: solution("01.1").' in capsys.readouterr().out
    text = solved()
    assert "whole = x.sum()" in text and "BEGIN SOLUTION" not in text


def test_the_solution_opens_by_setting_and_only_where_it_is(course, capsys, monkeypatch):
    monkeypatch.setenv("COURSE_SOLUTIONS", "always")
    solution("01.1")
    assert "whole = x.sum()" in capsys.readouterr().out
    monkeypatch.setenv("COURSE_SOLUTIONS", "never")
    check("01.1", right)
    solution("01.1")
    assert capsys.readouterr().out == "01.1 correct\n01.1: in this course the solution stays closed\n"
    monkeypatch.delenv("COURSE_SOLUTIONS")
    shutil.rmtree(course / "solutions")
    solution("01.1")
    assert capsys.readouterr().out == "01.1: the instructor has not opened the solution\n"


def test_a_number_that_does_not_exist(course, capsys):
    check("01.9", right)
    hint("1.1")
    solution("../x")
    texts = capsys.readouterr().out.splitlines()
    assert "there is no exercise 01.9" in texts[0] and all("such as 12.1" in text for text in texts[1:])


def test_an_edited_check_cell_is_noticed(said, monkeypatch):
    cells = {"code": 'check("01.1", shares)'}
    shell = SimpleNamespace(get_parent=lambda: {"content": cells})
    monkeypatch.setattr(builtins, "get_ipython", lambda: shell, raising=False)
    assert said(right) == "01.1 correct\n"
    cells["code"] = "check( '01.1',shares )  # spaces and comments do not matter"
    assert said(right) == "01.1 correct\n"
    cells["code"] = 'check("01.1", lambda x: x / x.sum())'
    assert 'was changed; the course\'s, and the grader\'s, is: check("01.1", shares)' in said(right)


def test_under_nbgrader_a_wrong_answer_raises(said, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert said(right) == "01.1 correct\n"
    for answer in (empty, lambda x: x):
        with pytest.raises(AssertionError, match="01.1: "):
            said(answer)


def test_progress_that_cannot_be_saved_does_not_matter(said, tmp_path):
    (tmp_path / "work").mkdir(exist_ok=True)
    (tmp_path / "work" / "progress.sqlite").mkdir()
    text = said(right)
    assert text.startswith("01.1 correct\n(your progress could not be saved: ")


def test_student_version_of_a_check_may_fail(built):
    nb = student_version(read_source(built / "solutions" / "01_tokens" / "01_tokens.nb.py", root=built))
    cell = next(cell for cell in nb.cells if cell.source.startswith("check("))
    assert cell.metadata.tags == ["raises-exception"], "a function that was deleted must not stop Run all"


def test_what_students_do_to_cells(tmp_path, monkeypatch):
    """Deleted, split, reordered, edited: the other exercises do not notice, and an edited check is said to be one."""
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "work"))
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n')
    names = ("shares", "parts_of", "portions", "slices")
    for place, name in enumerate(names, start=1):
        source, _ = new_exercise(tmp_path, f"01.{place}", name, name)
    folder = tmp_path / "exercises" / "01_tokens"
    folder.mkdir(parents=True)
    (folder / "checks.json").write_text(dump(checks_of(source).public()))
    nb = student_version(read_source(source, root=tmp_path))

    def answers(name):
        return next(n for n, cell in enumerate(nb.cells) if f"def {name}(" in cell.source)

    del nb.cells[answers("shares")]
    right = nb.cells[answers("parts_of")]
    right.source = "whole = sum"  # split: a helper of its own cell above, the function below
    nb.cells.insert(nb.cells.index(right) + 1, new_code_cell("def parts_of(x):\n    return x / whole(x)"))
    first = answers("portions")
    nb.cells[first].source = "def portions(x):\n    return x / x.max()"
    nb.cells[first], nb.cells[first + 1] = nb.cells[first + 1], nb.cells[first]  # the check before the answer
    last = answers("slices") + 1
    nb.cells[last].source += "\nprint('done')"
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(nb, kernel_name="python3", timeout=60, resources=resources).execute()
    said = {}
    for cell in nb.cells:
        for place in range(1, 5):
            if cell.cell_type == "code" and f'check("01.{place}"' in cell.source:
                said[place] = "".join(output.get("text", output.get("evalue", "")) for output in cell.outputs)
    assert said[1] == "name 'shares' is not defined" and said[3] == "name 'portions' is not defined"
    assert said[2] == "01.2 correct\n"
    assert said[4].splitlines()[0] == "01.4 not started yet" and "This check cell was changed" in said[4]
