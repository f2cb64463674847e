"""What goes to students, and that nothing secret does."""

import json
import zipfile
from pathlib import Path

import pytest

from course_lib.classroom.grading.release import release, told_by

NAME = "90_toy"


def test_no_answer_and_no_hidden_probe_goes_along(classroom, tmp_path):
    out = tmp_path / "out.zip"
    classroom.course.private.joinpath("gradebook.db").write_text("x")
    files = release(classroom.course.root, [NAME], out)
    assert files == [f"exercises/{NAME}/{NAME}.ipynb"]
    first = out.read_bytes()
    release(classroom.course.root, [NAME], out)
    assert out.read_bytes() == first, "the same course gives the same archive"
    with_solutions = release(classroom.course.root, [NAME], out, with_solutions=True)
    assert f"solutions/{NAME}/{NAME}.nb.py" in with_solutions
    assert zipfile.ZipFile(out).namelist()[0].startswith("out/")


@pytest.mark.parametrize(
    "secret",
    ["    return e / e.sum(axis=-1, keepdims=True)", '    return ns["softmax"](1000 * rng.normal(size=(2, 5)))',
     "    e = np.exp(scores - scores.max(axis=0))",
     "    return np.cumsum(x) / np.maximum(np.arange(len(x)), 1)"],
)
@pytest.mark.parametrize("form", ["one file", "a folder"])
def test_a_release_that_would_tell_is_not_written(classroom, tmp_path, secret, form):
    if form == "a folder":
        classroom.split_checks()
    path = classroom.course.root / "exercises" / NAME / "checks.json"
    path.write_text(json.dumps({"source": f"def probe(ns, rng):\n{secret}\n"}))
    assert len(told_by(classroom.course.root, [NAME])) == 1
    with pytest.raises(ValueError, match="the release would tell"):
        release(classroom.course.root, [NAME], tmp_path / "out.zip")
    assert not list(tmp_path.glob("out*"))


LESSONS = sorted(path.parent.name for path in Path(__file__).parents[3].glob("solutions/*/*.nb.py"))


@pytest.mark.parametrize("name", LESSONS)
def test_every_lesson_can_be_given_to_students(name, repository):
    assert told_by(repository, [name]) == []
