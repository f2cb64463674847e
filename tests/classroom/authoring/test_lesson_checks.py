"""The build of a solution with checks: proved, written, compared, and taken back when something fails."""

import json

import pytest

from course_lib.classroom.authoring.build import BuildError, build, differences
from course_lib.classroom.authoring.lesson_checks import checks_of, dump, same_checks
from course_lib.classroom.authoring.skeleton import new_exercise


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "work"))
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n')
    return new_exercise(tmp_path, "01.1", "shares", "Shares")[0]


def test_built_twice_the_same(source, tmp_path):
    told = []
    paths = build(source, root=tmp_path, tell=told.append)
    assert [path.relative_to(tmp_path).as_posix() for path in paths] == [
        "solutions/01_tokens/01_tokens.ipynb", "exercises/01_tokens/01_tokens.ipynb", "exercises/01_tokens/checks.json"
    ]
    assert told[0].endswith("killed: 5 of 5 wrong answers")
    assert '"01.1 correct\\n"' in paths[0].read_text(), "the solution's own check, executed"
    first = [path.read_bytes() for path in paths]
    build(source, root=tmp_path)
    assert [path.read_bytes() for path in paths] == first
    assert differences(source, root=tmp_path) == []


def test_a_failed_proof_writes_nothing(source, tmp_path):
    checks = source.parent / "checks" / "01_1.py"
    checks.write_text(checks.read_text().replace("difficulty=1", "difficulty=9"))
    with pytest.raises(BuildError, match=r"01_tokens.nb.py: 01.1: difficulty=9; say 1 to 5"):
        build(source, root=tmp_path)
    assert not list(tmp_path.rglob("*.ipynb")) and not list(tmp_path.rglob("*.json"))


def test_a_failed_cell_takes_the_checks_back(source, tmp_path):
    source.write_text(source.read_text() + "\n# %%\nprint(object())\n")
    with pytest.raises(BuildError, match="memory address"):
        build(source, root=tmp_path)
    assert not list(tmp_path.rglob("*.ipynb")) and not list(tmp_path.rglob("*.json"))


def test_a_leak_is_refused(source, tmp_path):
    text = source.read_text().replace("whole = x.sum()", "whole = x.sum(axis=0, keepdims=True)")
    source.write_text(text.replace("What is asked,", "Hint: `whole = x.sum(axis=0, keepdims=True)`. What is asked,"))
    with pytest.raises(BuildError, match="students would receive the line: whole = x.sum"):
        build(source, root=tmp_path)


def test_stale_checks_are_named(source, tmp_path):
    path = tmp_path / "exercises" / "01_tokens" / "checks.json"
    path.parent.mkdir(parents=True)
    data = checks_of(source).public()
    assert not same_checks(data, path)
    path.write_text(dump(data))
    assert same_checks(data, path)
    there = json.loads(path.read_text())
    array = there["exercises"]["01.1"]["expected"]["shares_of_four"]["value"]["array"]
    array[0] *= 1 + 1e-7
    path.write_text(json.dumps(there))
    assert same_checks(data, path), "last digits differ between machines"
    array[0] *= 1.01
    path.write_text(json.dumps(there))
    assert not same_checks(data, path)
    assert "exercises/01_tokens/checks.json is not what the solution's checks say" in differences(source, root=tmp_path)
