"""Built notebooks, without starting a kernel except for the exercises: current, honest, small, complete, and readable
in plain Jupyter, VS Code, Colab and on GitHub: nothing that is stored needs an extension.
"""

import base64
import hashlib
import json
import re
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from course_lib.classroom.authoring.build import differences, exercise_of, notebook_of, sources
from course_lib.classroom.authoring.launch import INSTALL, add_launch
from course_lib.classroom.authoring.lint import problems

OUTPUT_BYTES = 500_000
# What every front end shows without an extension; a figure or a text stands beside each of the richer ones.
PLAIN = {"text/plain", "text/html", "text/markdown", "text/latex", "image/png"}
CELL_METADATA = {"tags", "mystnb", "nbgrader", "deletable", "editable"}  # all of them ignored where they are unknown
PICTURE = re.compile(r"data:image/[\w+.-]+;base64,([A-Za-z0-9+/=\s]+)")
ELSEWHERE = re.compile(r"""(?i)(?:src|href)\s*=\s*["']?(?:https?:)?//|url\(\s*["']?(?:https?:)?//|@import|\bimport\(""")


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


def outputs_of(source):
    """(cell, output) of everything that a built notebook stores."""
    cells = nbformat.read(notebook_of(source), as_version=4).cells
    return [(cell, output) for cell in cells for output in cell.get("outputs", [])]


def test_size(source):
    size = sum(len(json.dumps(output)) for _, output in outputs_of(source))
    assert size < OUTPUT_BYTES, f"{size:,} bytes of outputs, more than {OUTPUT_BYTES:,}: store smaller or fewer figures"


def pictures(output):
    """A checksum for each picture of an output, shown or inside its HTML, and how often it is there."""
    data = output.get("data", {})
    inside = PICTURE.findall("".join(str(text) for mime, text in data.items() if mime.startswith("text/")))
    shown = [data[mime] for mime in data if mime.startswith("image/") and not mime.endswith("xml")]
    return [hashlib.sha1(base64.b64decode("".join(picture.split()))).hexdigest() for picture in (*inside, *shown)]


def test_figures_are_embedded_once(source):
    seen = {}
    for cell, output in outputs_of(source):
        kinds = [mime for mime in output.get("data", {}) if mime.startswith("image/")]
        assert len(kinds) <= 1, f"one picture in several formats, {kinds}:\n{cell.source}"
        for picture in pictures(output):
            assert picture not in seen, f"the same picture twice:\n{seen[picture]}\n\n{cell.source}"
            seen[picture] = cell.source


def test_nothing_needs_an_extension_or_a_network(source):
    nb = nbformat.read(notebook_of(source), as_version=4)
    assert set(nb.metadata) == {"kernelspec", "language_info"} and nb.metadata.kernelspec.name == "python3"
    for cell in nb.cells:
        assert set(cell.metadata) <= CELL_METADATA and "attachments" not in cell, cell.source
    for cell, output in outputs_of(source):
        data = output.get("data", {})
        assert set(data) <= PLAIN, f"{set(data) - PLAIN} is shown by an extension:\n{cell.source}"
        assert not data or "text/plain" in data, f"nothing to read where the output cannot be shown:\n{cell.source}"
        assert not ELSEWHERE.search("".join(data.get("text/html", ""))), f"loads from elsewhere:\n{cell.source}"


def test_every_figure_says_its_numbers(source):
    """nbval compares what is printed; a picture, only roughly. So a cell with a figure prints a line, too."""
    for cell, output in outputs_of(source):
        if "image/png" in output.get("data", {}) and not source.name.endswith(".nb.py"):
            printed = any(o.get("name") == "stdout" or o.output_type == "execute_result" for o in cell.outputs)
            assert printed, f"print(figure.summary) below the figure of:\n{cell.source}"


def test_where_the_course_is_not_installed_the_first_code_cell_installs_it(source, repository):
    if source.name.endswith(".nb.py"):
        return
    nb = nbformat.read(notebook_of(source), as_version=4)
    add_launch(nb.cells, "https://github.com/someone/course", f"notebooks/{source.stem}.ipynb")
    first = next(cell for cell in nb.cells if cell.cell_type == "code")
    assert first.source.startswith(INSTALL.format(repository="https://github.com/someone/course").splitlines()[0])
    assert "git+https://github.com/someone/course" in first.source


STORED = {
    "bar": "\r 10%|█         | 1/10 [00:00<00:01,  8.1it/s]\rtraining: 100%|█████████| 10/10 [00:01<00:00, 9.8it/s]\n",
    "id": "HBox(children=(IPY_MODEL_" + "0a" * 16 + ", model_id='" + "1b" * 16 + "'))\n",
    "time": "CPU times: user 3.1 ms, sys: 0 ns, total: 3.1 ms\nWall time: 3.2 ms\n",
    "object": "<course_lib.Thing at 0x7f0123456789>\n",
}
COMPUTED = {
    "bar": "\rtraining: 100%|█████| 10/10 [00:03<00:00,  3.10it/s]\n",
    "id": "HBox(children=(IPY_MODEL_" + "2c" * 16 + ", model_id='" + "3d" * 16 + "'))\n",
    "time": "CPU times: user 1 s, sys: 12 ms, total: 1 s\nWall time: 1.1 s\n",
    "object": "<course_lib.Thing at 0x7fdeadbeef00>\n",
}


@pytest.mark.parametrize("kept", ["loss 3.14", "loss 2.71"])
def test_bars_ids_and_times_do_not_break_the_comparison_and_results_do(kept, tmp_path, repository):
    """Strict nbval, as everyone calls it, on a notebook whose stored outputs come from another run."""
    cells = []
    for name, text in COMPUTED.items():
        cell = nbformat.v4.new_code_cell(f"print({text + 'loss 3.14'!r})", execution_count=1)
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=f"{STORED[name]}{kept}\n")]
        cells.append(cell)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "one.ipynb")
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "-p", "no:cacheprovider", "-p", "conftest",
               "--rootdir", repository, "-c", repository / "pyproject.toml", tmp_path / "one.ipynb"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    expected = f"{len(cells)} passed" if kept == "loss 3.14" else f"{len(cells)} failed"
    assert expected in done.stdout.splitlines()[-1], done.stdout[-3000:]


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
        for figure in figures:
            words = cell.metadata.get("mystnb", {}).get("image", {}).get("alt") or figure.data["text/plain"]
            assert len(words) > 20 and words[0] != "<", f"no alternative text for the figure of:\n{cell.source}"


def test_run_all_reaches_the_end_of_an_exercise(exercise, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "work"))
    nb = nbformat.read(exercise, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(nb, kernel_name="python3", timeout=120, resources=resources).execute()
    cells = [cell for cell in nb.cells if cell.cell_type == "code"]
    raised = [o.ename for cell in cells for o in cell.outputs if o.output_type == "error"]
    assert set(raised) <= {"NotImplementedError"}, "an unsolved exercise says 'your turn' and nothing worse"
    checks = [cell for cell in cells if cell.source.startswith("check(")]
    said = ["".join(o.text for o in cell.outputs if o.output_type == "stream") for cell in checks]  # in parts
    assert raised or any(said)
    assert [text for text in said if text and not text.endswith("not started yet\n")] == []


def test_the_solutions_checks_all_say_correct(source):
    if not source.name.endswith(".nb.py"):
        return
    cells = nbformat.read(notebook_of(source), as_version=4).cells
    checks = [cell for cell in cells if cell.source.startswith("check(")]
    assert checks and all(cell.outputs[0].text.endswith(" correct\n") for cell in checks)
