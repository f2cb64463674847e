"""The exercise that CONTRIBUTING.md works through builds as it stands there."""

import re

from course_lib.classroom.authoring.build import build
from course_lib.classroom.authoring.skeleton import new_exercise


def test_it_builds(repository, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "work"))
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n')
    source, checks = new_exercise(tmp_path, "07.2", "causal_mask", "Hide the future")
    text = (repository / "CONTRIBUTING.md").read_text(encoding="utf-8")
    cells, functions, asked, question = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    source.write_text(source.read_text().partition("# %%\ndef ")[0] + cells + "\n" + asked)
    checks.write_text(functions)
    checks.with_name("07_3.py").write_text(question)
    told = []
    build(source, root=tmp_path, tell=told.append)
    assert told[0].splitlines()[1:] == [
        f"{'07.2':<9}{1:>8}{1:>8}{8:>15}{8:>8}", "killed: 8 of 8 wrong answers"
    ], "four of the gallery and four ways to the forbidden name"
