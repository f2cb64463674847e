"""Built notebooks, without starting a kernel except for the exercises: current, honest, small, and complete."""

import nbformat
from nbclient import NotebookClient

from course_lib.authoring.build import differences, exercise_of, notebook_of, sources
from course_lib.authoring.lint import problems

BYTES = 2_000_000


def pytest_generate_tests(metafunc):
    root = metafunc.config.rootpath
    found = sources(root)
    if "source" in metafunc.fixturenames:
        metafunc.parametrize("source", found, ids=lambda path: path.name)
    if "exercise" in metafunc.fixturenames:
        exercises = [path for path in (exercise_of(source, root=root) for source in found) if path]
        metafunc.parametrize("exercise", exercises, ids=lambda path: path.name)


def test_every_notebook_has_a_source(repository):
    built = {notebook_of(source) for source in sources(repository)}
    built |= {exercise_of(source, root=repository) for source in sources(repository)} - {None}
    folders = [repository / name for name in ("notebooks", "solutions", "exercises")]
    here = {path for folder in folders for path in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts}
    assert here - built == set(), "a notebook without a source: edit the source, never the notebook"


def test_current(source, repository):
    assert differences(source, root=repository) == [], "run: make notebooks"


def test_outputs_are_honest(source):
    assert problems(nbformat.read(notebook_of(source), as_version=4)) == []


def test_size(source):
    size = notebook_of(source).stat().st_size
    assert size < BYTES, f"{size / 1e6:.1f} MB: store smaller figures"


def test_anatomy(source):
    """A lesson opens with its question, can be launched, and says in words what each figure shows."""
    if source.name.endswith(".nb.py"):
        return
    cells = nbformat.read(notebook_of(source), as_version=4).cells
    assert cells[0].cell_type == "markdown" and cells[0].source.startswith("# ")
    assert "badges" in cells[0].metadata.get("tags", []), "tag the header badges: the launch links go there"
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert "setup" in code[0].metadata.get("tags", []), "tag the first code cell setup"
    for cell in code:
        figures = [o for o in cell.outputs if "image/png" in o.get("data", {})]
        alternative = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        assert not figures or len(alternative) > 20, f"no alternative text for the figure of:\n{cell.source}"


def test_run_all_reaches_the_end_of_an_exercise(exercise, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "work"))
    nb = nbformat.read(exercise, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(nb, kernel_name="python3", timeout=120, resources=resources).execute()
    cells = [cell for cell in nb.cells if cell.cell_type == "code"]
    raised = [o.ename for cell in cells for o in cell.outputs if o.output_type == "error"]
    assert set(raised) <= {"NotImplementedError"}, "an unsolved exercise says 'your turn' and nothing worse"
    checks = [cell for cell in cells if cell.source.startswith("check(")]
    said = [o.text for cell in checks for o in cell.outputs if o.output_type == "stream"]
    assert raised or said
    assert [text for text in said if not text.endswith("not started yet\n")] == []


def test_the_solutions_checks_all_say_correct(source):
    if not source.name.endswith(".nb.py"):
        return
    cells = nbformat.read(notebook_of(source), as_version=4).cells
    checks = [cell for cell in cells if cell.source.startswith("check(")]
    assert checks and all(cell.outputs[0].text.endswith(" correct\n") for cell in checks)
