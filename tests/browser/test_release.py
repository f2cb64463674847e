"""What students get, unpacked somewhere else: it opens and runs in JupyterLab, and nbgrader can validate it."""

import shutil
import zipfile

import nbformat
import pytest
from click.testing import CliRunner
from nbgrader.validator import Validator

from course_lib.cli import course

NAME = "12_gpt"
SECONDS = 1000  # Playwright counts in milliseconds


@pytest.fixture(scope="module")
def release(lab, tmp_path_factory):
    """The exercise's notebook in an unpacked release, in the folder that JupyterLab serves."""
    archive = tmp_path_factory.mktemp("release") / "gpt.zip"
    done = CliRunner().invoke(course, ["release", NAME, "--out", str(archive)])
    assert done.exit_code == 0, done.output
    zipfile.ZipFile(archive).extractall(lab.folder)
    folder = lab.folder / "gpt" / "exercises" / NAME
    assert sorted(path.name for path in folder.iterdir()) == [f"{NAME}.ipynb", "checks.json"]
    yield folder / f"{NAME}.ipynb"
    shutil.rmtree(lab.folder / "gpt")


def numbers(notebook):
    """Numbers of the exercises that a notebook checks."""
    checks = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id", "")[:6] == "check-"]
    return [cell.source.split('"')[1] for cell in checks]


def test_a_student_opens_runs_and_validates_it(tab, lab, release):
    """With nothing done: every cell runs, every check says so, and nbgrader's button finds every check failing."""
    asked = numbers(nbformat.read(release, as_version=4))
    tab.open_notebook(release.relative_to(lab.folder))
    tab.run_all()
    said = tab.page.locator(".jp-NotebookPanel .jp-OutputArea-output").all_text_contents()
    assert [text.strip() for text in said if "not started" in text] == [f"{n} not started yet" for n in asked]
    assert len(asked) >= 5 and tab.clean()
    tab.page.get_by_role("button", name="Validate", exact=True).click()
    dialog = tab.page.locator(".jp-Dialog", has_text="failed")
    dialog.wait_for(timeout=120 * SECONDS)
    told = dialog.text_content()
    assert all(f"AssertionError: {number}: not started" in told for number in asked), told
    tab.keep("release-validated")


def test_nbgrader_finds_nothing_wrong_with_the_answers(release, repository, monkeypatch):
    """The release's own package, its checks and the right answers: nothing else is needed."""
    solved = nbformat.read(repository / "solutions" / NAME / f"{NAME}.ipynb", as_version=4)
    answers = {cell.metadata.nbgrader.grade_id: cell.source for cell in solved.cells if "nbgrader" in cell.metadata}
    notebook = nbformat.read(release, as_version=4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = answers[cell.metadata.nbgrader.grade_id]
    done = release.with_name("done.ipynb")
    nbformat.write(notebook, done)
    monkeypatch.setenv("PYTHONPATH", str(release.parents[2]))
    assert not {"failed", "changed", "type_changed", "error"} & set(Validator().validate(str(done)))
