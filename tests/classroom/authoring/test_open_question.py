"""An open question from its source to nbgrader: stub, rubric, marks; what is wrong with one is said."""

import json

import nbformat
import pytest
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.utils import compute_checksum, is_grade, is_locked, is_solution

from course_lib.classroom.authoring.build import BuildError, build, differences
from course_lib.classroom.authoring.skeleton import new_exercise
from course_lib.classroom.checking.open_question import STUB

CELLS = """
# %% [markdown]
# ## 01.2 · Which one is better? (●○○○○, 5 minutes)
#
# Two models, two tokenizers, two perplexities. Which model is better?

# %% [markdown] tags=["answer"]
# Nobody can tell: a perplexity counts by the token, and theirs are of different lengths.
"""
QUESTION = """
from course_lib.classroom.checking.open_question import OpenQuestion

better = OpenQuestion("01.2", title="Which one is better?", minutes=5, rubric=(
    (1, "says what a perplexity is counted by"),
    (2, "says what follows from it"),
))
"""


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "work"))
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n')
    cells, checks = new_exercise(tmp_path, "01.1", "shares", "Shares")
    cells.write_text(cells.read_text() + CELLS)
    checks.with_name("01_2.py").write_text(QUESTION)
    return cells


def test_it_is_built(source, tmp_path):
    solution, exercise, checks = (path.read_text() for path in build(source, root=tmp_path))
    assert "Nobody can tell" in solution and "Nobody can tell" not in exercise + checks
    assert json.loads(checks)["questions"] == {
        "01.2": {"title": "Which one is better?", "difficulty": 1, "minutes": 5, "points": 3.0}
    }
    nb = nbformat.reads(exercise, as_version=4)
    MetadataValidator().validate_nb(nb)
    asked, answer = nb.cells[-2:]
    assert asked.source.endswith("Graded by a person, 3 points:**\n\n- 1 point: says what a perplexity is counted by\n"
                                 "- 2 points: says what follows from it")
    assert answer.source == STUB
    assert is_grade(answer) and is_solution(answer) and not is_locked(answer)
    assert answer.metadata.nbgrader.points == 3 and answer.metadata.nbgrader.grade_id == "answer-01-2"
    assert answer.metadata.nbgrader.checksum == compute_checksum(answer)
    assert answer.metadata.deletable is False and "editable" not in answer.metadata
    assert differences(source, root=tmp_path) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("cells", ' tags=["answer"]', "", "01.2 needs a heading '## 01.2"),
        ("cells", "# ## 01.2 ·", "# ## 01.3 ·", "01.3 is answered by a cell tagged answer, but is no OpenQuestion"),
        ("cells", "# Nobody", "# a\n\n# %% [markdown] tags=[\"answer\"]\n# Nobody", "answered .* a second time"),
        ("checks", '"01.2", title', '"01.1", title', "01_2.py defines 01.1; a file in checks/ defines one"),
        ("checks", '"01.2", title', '"01.3", title', "01_2.py defines 01.3; a file in checks/ defines one"),
        ("checks", '(1, "says what a', '(0, "says what a', "01.2: give it a rubric"),
        ("checks", 'title="Which one is better?"', 'title=""', "01.2: give it a title"),
        ("cells", "# Two models,", f"# {CELLS.splitlines()[-1].strip('# ')} Two models,",
         "students would receive the line: Nobody can tell"),
    ],
)
def test_what_is_refused(source, tmp_path, file, old, new, complaint):
    path = source if file == "cells" else source.parent / "checks" / "01_2.py"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(BuildError, match=complaint):
        build(source, root=tmp_path)
    assert not list(tmp_path.rglob("*.ipynb"))
