"""Reading and rebuilding by themselves; whole submissions in every state are in test_hostile.py."""

import pytest

from course_lib.classroom.grading.intake.choosing import read_submission
from course_lib.classroom.grading.intake.matching import defined
from course_lib.classroom.grading.intake.reading import Cell, Unreadable, read_cells
from course_lib.classroom.grading.intake.rebuilding import rebuild

SOFTMAX = "def softmax(scores):\n    return 1"
RUNNING = "def running_mean(x):\n    return 2"


def rebuilt(cells, toy):
    notebook, notes = rebuild(cells, toy())
    return [cell.source for cell in notebook.cells], notes


def test_with_nothing_handed_in_it_is_the_release(toy):
    assert rebuilt([], toy)[0] == [cell.source for cell in toy().cells]


def test_answers_go_where_they_belong_and_own_cells_stay_between_their_neighbours(toy):
    cells = [
        Cell("code", "import numpy as np"),
        Cell("code", "helper = 1"),
        Cell("code", SOFTMAX, "answer-90-1"),
        Cell("code", "thought = 2"),
        Cell("code", RUNNING, "answer-90-2"),
        Cell("code", "import numpy as np\nimport math", "", "setup"),
    ]
    sources, notes = rebuilt(cells, toy)
    assert sources[1:5] == ["import numpy as np", "helper = 1", SOFTMAX, "thought = 2"]
    assert sources[5] == 'check("90.1", softmax)' and sources[6] == RUNNING
    assert "import numpy as np\nimport math" in sources, "a given cell that was extended runs after the original"
    assert notes == ["check-90-1: the check cell is missing", "check-90-2: the check cell is missing",
                     "answer-90-3: there is no cell with this answer"]


def test_the_last_version_that_defines_the_function_counts_and_the_others_still_run_before_it(toy):
    cells = [Cell("code", "def softmax(scores):\n    return 0", "answer-90-1"), Cell("code", SOFTMAX, "answer-90-1"),
             Cell("code", "print(softmax)", "answer-90-1")]
    sources, notes = rebuilt(cells, toy)
    assert sources.index("def softmax(scores):\n    return 0") < sources.index(SOFTMAX)
    assert sources.count(SOFTMAX) == 1 and "answer-90-1: 3 cells with this name" in notes


def test_an_answer_without_its_cell_is_found_by_name_and_its_stub_does_not_undo_it(toy):
    sources, notes = rebuilt([Cell("code", f"{SOFTMAX}\n{RUNNING}")], toy)
    assert sources[2] == f"{SOFTMAX}\n{RUNNING}" and sources[4] == "# answered in another cell"
    assert "answer-90-1: the answer was found in another cell" in notes
    assert "answer-90-2: answered in the cell of another exercise" in notes


@pytest.mark.parametrize(
    ("source", "names"),
    [("def f(x): pass", {"f"}), ("  async def g(): pass", {"g"}), ("class A: pass\nx = 1", {"A"}), ("x = 1", {"x"}),
     ("x == 1", set()), ("# def f", set())],
)
def test_names_that_a_cell_defines(source, names):
    assert defined(source) == names


def test_reasons_are_said(tmp_path):
    with pytest.raises(Unreadable, match="no notebook in it"):
        read_submission(tmp_path, "90_toy")
    for raw, reason in [(b"", "empty"), (b"{", "not a notebook"), (b"[" * 10**5, "nested|not a notebook")]:
        with pytest.raises(Unreadable, match=reason):
            read_cells(raw, [])
