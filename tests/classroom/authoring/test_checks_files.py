"""Where a lesson's checks stand: one file or a folder, read alike, in order; what does not fit is refused by name."""

import textwrap
from pathlib import Path

import pytest
from nbgrader.utils import find_all_files
from traitlets.config import PyFileConfigLoader

from course_lib.classroom.authoring.checks_files import checks_files, load_lesson_checks
from course_lib.classroom.authoring.lesson_checks import LessonChecks, dump

EXERCISE = '''
{name} = Exercise("{number}", "{name}", hints=("a", "b", "c"))


@{name}.probe()
def {name}_of_three(ns, rng):
    return times(ns["{name}"](3), rng.integers(1, 9))


@{name}.probe(hidden=True)
def {name}_of_any(ns, rng):
    return ns["{name}"](rng.integers(1, 9))


@{name}.property(n=(1, 9))
def {name}_of_nothing(ns, n):
    return times(ns["{name}"](0), n), 0


@{name}.mistake(hint="Another one.")
def {name}_unchanged(x):
    """what was given"""
    return times(x, 1)
'''
QUESTION = 'why = OpenQuestion("{number}", title="Why?", difficulty=2, minutes=7, rubric=((1, "one"), (2.5, "two")))\n'
HEAD = '''"""Checks."""

import math

from course_lib.classroom.checking.exercise import Exercise
from course_lib.classroom.checking.open_question import OpenQuestion


def times(x, n):
    return math.prod((x, n))

'''
DEFINED = {
    "01.9": EXERCISE.format(number="01.9", name="double"),
    "01.10": EXERCISE.format(number="01.10", name="halve"),
    "01.3": QUESTION.format(number="01.3"),
}


@pytest.fixture(params=["one file", "a folder"])
def folder(request, tmp_path):
    """Two exercises and a question, in either form."""
    folder = tmp_path / "01_tokens"
    (folder / "checks").mkdir(parents=True)
    if request.param == "a folder":
        for number, text in DEFINED.items():
            (folder / "checks" / f"{number.replace('.', '_')}.py").write_text(HEAD + text)
    else:
        (folder / "checks").rmdir()
        (folder / "checks.py").write_text(HEAD + "\n".join(DEFINED.values()))
    cells = "# %%\ndef double(x):\n    return 2 * x\n\n\ndef halve(x):\n    return x / 2\n"
    (folder / "01_tokens.nb.py").write_text(cells)
    return folder


@pytest.fixture
def parts(tmp_path):
    """A folder of one exercise, to be spoiled."""
    parts = tmp_path / "01_tokens" / "checks"
    parts.mkdir(parents=True)
    (parts / "01_9.py").write_text(HEAD + DEFINED["01.9"])
    return parts


def test_both_forms_are_read_alike_and_in_order(folder):
    exercises, questions = load_lesson_checks(folder)
    assert [exercise.number for exercise in exercises] == ["01.9", "01.10"], "by the number, not by the letters"
    assert [(question.number, question.points) for question in questions] == [("01.3", 3.5)]
    assert [probe.id for exercise in exercises for probe in exercise.probes] == [
        "double_of_three", "double_of_any", "halve_of_three", "halve_of_any"
    ]
    assert exercises[0].mistakes[0].fn(4) == 4, "the helper stands in the file of each"


def test_an_exercise_carries_the_text_of_its_file(folder):
    (double, halve), _ = load_lesson_checks(folder)
    assert "def double_of_any" in double.text and "def halve_of_any" in halve.text
    assert ("def halve" in double.text) == (folder / "checks.py").exists()


def test_both_forms_give_students_the_same(folder):
    checks = LessonChecks(folder / "01_tokens.nb.py", *load_lesson_checks(folder))
    data = checks.public()
    assert list(data["exercises"]) == ["01.9", "01.10"] and list(data["questions"]) == ["01.3"]
    for number, name in {"01.9": "double", "01.10": "halve"}.items():
        assert data["exercises"][number]["source"] == textwrap.dedent(f'''\
            import math

            def times(x, n):
                return math.prod((x, n))

            def {name}_of_three(ns, rng):
                return times(ns['{name}'](3), rng.integers(1, 9))
        ''')
    assert "of_any" not in dump(data) and "unchanged" not in dump(data)


def test_nbgrader_copies_neither_form(folder, repository):
    """What nbgrader takes along when an instructor lets it make the release: everything but what our settings name."""
    (folder / "names.txt").write_text("for the exercise")
    settings = PyFileConfigLoader("nbgrader_config.py", path=str(repository)).load_config()
    taken = find_all_files(str(folder), settings.CourseDirectory.ignore)
    assert [Path(path).name for path in taken] == ["names.txt"]


def test_neither_form(tmp_path):
    assert checks_files(tmp_path) == []
    with pytest.raises(ValueError, match="defines no exercise in checks.py or checks/; `course new-exercise`"):
        load_lesson_checks(tmp_path)


def test_both_at_once_are_refused(parts):
    parts.with_name("checks.py").write_text(HEAD + DEFINED["01.10"])
    with pytest.raises(ValueError, match="01_tokens has checks.py and checks/; move what checks.py defines into"):
        checks_files(parts.parent)


def test_an_empty_folder_is_refused(parts):
    (parts / "01_9.py").rename(parts / "01_9.py.part")
    with pytest.raises(ValueError, match="checks holds no file, such as 01_1.py; write one, or delete the folder"):
        checks_files(parts.parent)


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("01_2.py", HEAD, "01_2.py defines no exercise and no open question; a file in checks/ defines one, its own"),
        ("01_2.py", HEAD + DEFINED["01.9"], "01_2.py defines 01.9; a file in checks/ defines one, its own"),
        ("01_2.py", HEAD + QUESTION.format(number="01.9"), "01_2.py defines 01.9; a file in checks/ defines one"),
        ("01_10.py", HEAD + DEFINED["01.10"] + DEFINED["01.3"], "01_10.py defines 01.10 and 01.3; a file in checks/"),
        ("shared.py", HEAD, "shared.py defines no exercise and no open question"),
        ("__init__.py", "", "__init__.py defines no exercise and no open question"),
        ("01_10.py", (HEAD + DEFINED["01.10"]).replace("of_any", "of_three"), "01_10.py .* the name halve_of_three"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_name(parts, file, text, complaint):
    (parts / file).write_text(text)
    with pytest.raises(ValueError, match=complaint):
        load_lesson_checks(parts.parent)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (HEAD, "defines no exercise in checks.py or checks/"),
        (HEAD + DEFINED["01.3"], "defines no exercise in checks.py or checks/"),
        (HEAD + DEFINED["01.9"] + DEFINED["01.10"].replace("01.10", "01.9"), "checks.py defines 01.9, 01.9; each"),
        (HEAD + DEFINED["01.9"] + QUESTION.format(number="01.9"), "checks.py defines 01.9, 01.9; each number must"),
        (HEAD + DEFINED["01.9"].replace("of_any", "of_three"), "checks.py gives two .* the name double_of_three"),
    ],
)
def test_one_file_that_does_not_fit_is_refused(tmp_path, text, complaint):
    (tmp_path / "checks.py").write_text(text)
    with pytest.raises(ValueError, match=complaint):
        load_lesson_checks(tmp_path)


def test_files_may_use_the_same_names(parts):
    """Two exercises may each have a helper, a probe and a mistake of one name: no file sees another."""
    (parts / "01_10.py").write_text(HEAD + DEFINED["01.10"].replace("halve_", "double_"))
    double, halve = load_lesson_checks(parts.parent)[0]
    assert [probe.id for probe in double.probes] == [probe.id for probe in halve.probes]
    assert double.probes[0].fn is not halve.probes[0].fn
