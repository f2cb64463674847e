"""nbgrader reads what we build: its own validators, its own checksums."""

import nbformat
import pytest
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.utils import compute_checksum, is_grade, is_locked, is_solution

from course_lib.classroom.authoring.build import BuildError, exercise_of, read_source, sources
from course_lib.classroom.authoring.nbgrader_cells import release_cells
from course_lib.classroom.authoring.skeleton import new_exercise


def pytest_generate_tests(metafunc):
    root = metafunc.config.rootpath
    if "exercise" in metafunc.fixturenames:
        found = [exercise_of(source, root=root) for source in sources(root)]
        metafunc.parametrize("exercise", [path for path in found if path], ids=lambda path: path.name)


def marked(path):
    nb = nbformat.read(path, as_version=4)
    return nb, [cell for cell in nb.cells if "nbgrader" in cell.metadata]


def test_the_release_validates_in_nbgrader(exercise):
    nb, cells = marked(exercise)
    nbformat.validate(nb)
    MetadataValidator().validate_nb(nb)
    read = [cell for cell in cells if is_solution(cell) and is_grade(cell)]  # open questions: read by a person
    assert all(cell.cell_type == "markdown" and cell.metadata.nbgrader.points > 0 for cell in read)
    cells = [cell for cell in cells if cell not in read]
    assert [is_solution(cell) for cell in cells] == [True, False] * (len(cells) // 2)
    assert [is_grade(cell) and is_locked(cell) for cell in cells] == [False, True] * (len(cells) // 2)
    assert all(cell.metadata.nbgrader.points > 0 for cell in cells[1::2])


def test_checksums_are_nbgraders(exercise):
    _, cells = marked(exercise)
    assert cells and [cell.metadata.nbgrader.checksum for cell in cells] == [compute_checksum(cell) for cell in cells]


def test_answers_cannot_be_deleted_and_checks_not_edited(exercise):
    _, cells = marked(exercise)
    assert {cell.metadata.deletable for cell in cells} == {False}
    assert [cell.metadata.get("editable", True) for cell in cells] == [is_solution(cell) for cell in cells]


@pytest.fixture
def course(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n')
    new_exercise(tmp_path, "01.1", "shares", "Shares")
    new_exercise(tmp_path, "01.2", "parts_of", "Parts")
    return tmp_path


def test_cells_are_marked(course):
    nb = read_source(course / "solutions" / "01_tokens" / "01_tokens.nb.py", root=course)
    ids = [cell.metadata.nbgrader.grade_id for cell in nb.cells if "nbgrader" in cell.metadata]
    assert ids == ["answer-01-1", "check-01-1", "answer-01-2", "check-01-2"]
    assert [c.metadata.nbgrader.get("points") for c in nb.cells if "nbgrader" in c.metadata] == [None, 3.0, None, 3.0]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('check("01.2", parts_of)', 'check("01.2", shares)'),
        ('check("01.2", parts_of)', 'x = 1\ncheck("01.2", parts_of)'),
        ("def parts_of(", "def parts("),
        ('check("01.1", shares)', '1 + 1\n\n# %%\ncheck("01.1", shares)'),
    ],
)
def test_an_exercise_needs_its_two_cells(course, old, new):
    source = course / "solutions" / "01_tokens" / "01_tokens.nb.py"
    source.write_text(source.read_text().replace(old, new))
    with pytest.raises(BuildError, match="needs one cell that answers"):
        read_source(source, root=course)


def test_checksums_of_cells_just_released(course):
    nb = read_source(course / "solutions" / "01_tokens" / "01_tokens.nb.py", root=course)
    release_cells(nb)
    cells = [cell for cell in nb.cells if "nbgrader" in cell.metadata]
    assert len(cells) == 4 and all(cell.metadata.nbgrader.checksum == compute_checksum(cell) for cell in cells)
