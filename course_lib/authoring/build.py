"""From a lesson's text source to its notebook: read, identify, execute, normalise, write.

Part of the authors' tools; no lesson derives it. The text (jupytext percent) is what is edited and reviewed,
the `.ipynb` beside it is built from it and never the other way round. Two builds give the same bytes, outside
cells tagged `nbval-ignore-output`; `differences` compares a notebook with its source and starts no kernel.
"""

import hashlib
import os
import tempfile
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from course_lib.authoring.exercise import student_version
from course_lib.authoring.launch import add_launch, public_repository
from course_lib.authoring.lint import problems

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
CELL_SECONDS = 120


class BuildError(Exception):
    """A notebook that must not be written; the message names the file and each problem, one a line."""


class _Client(NotebookClient):
    """Runs cells as nbval does: widgets swallow no output and leave no state behind."""

    def handle_comm_msg(self, outs, msg, cell_index):
        return None


def read_source(source: Path, *, root: Path) -> NotebookNode:
    """A percent-format text as a notebook without outputs, with ids that depend on its content alone.

    An id is a hash of the source's name, the cell's type and its text: an edit changes one id only.
    """
    nb = jupytext.read(source, fmt="py:percent")
    seen: dict[str, int] = {}
    stem = source.name.split(".")[0]
    for cell in nb.cells:
        digest = hashlib.sha1(f"{stem}\0{cell.cell_type}\0{cell.source}".encode()).hexdigest()[:8]
        seen[digest] = seen.get(digest, 0) + 1
        cell["id"] = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
        cell.metadata.pop("lines_to_next_cell", None)
    nb.metadata = _metadata()
    nb.nbformat, nb.nbformat_minor = 4, 5
    target = notebook_of(source)
    add_launch(nb.cells, public_repository(root / "pyproject.toml"), target.relative_to(root).as_posix())
    return nb


def execute(nb: NotebookNode, folder: Path) -> None:
    """Run all cells of `nb` in place, in `folder`, on one thread, headless, with an empty `work/`.

    Raises BuildError when a cell fails that is not tagged `raises-exception`.
    """
    import matplotlib.font_manager  # noqa: F401  (builds the font cache here, where its message is not an output)

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as work:
        fixed = {"OMP_NUM_THREADS": "1", "COURSE_HEADLESS": "1", "PYTHONHASHSEED": "0"}
        private = {"COURSE_WORK": f"{work}/work", "IPYTHONDIR": f"{work}/ipython"}
        client = _Client(
            nb,
            timeout=CELL_SECONDS,
            kernel_name=KERNEL["name"],
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": str(folder)}},
        )
        try:
            client.execute(env={**os.environ, **fixed, **private})
        except Exception as error:
            raise BuildError(str(error)) from None
    normalise(nb)


def normalise(nb: NotebookNode) -> None:
    """Drop, in place, what differs between machines: versions, widget views, picture sizes.

    Called by `execute`; outputs themselves stay as they are.
    """
    nb.metadata = _metadata()
    for cell in nb.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)
            if "metadata" in output:
                output.metadata.pop("image/png", None)


def notebook_of(source: Path) -> Path:
    """The notebook beside a source: NN_name.py and NN_name.nb.py both become NN_name.ipynb."""
    return source.with_name(source.name.removesuffix(".py").removesuffix(".nb") + ".ipynb")


def exercise_of(source: Path, *, root: Path) -> Path | None:
    """The exercise notebook that a solution's source is cut into; None for a lesson."""
    if not source.name.endswith(".nb.py"):
        return None
    return root / "exercises" / source.parent.name / notebook_of(source).name


def sources(root: Path) -> list[Path]:
    """Every lesson's and every solution's source, in the order of the course."""
    return [*sorted(root.glob("notebooks/[0-9]*.py")), *sorted(root.glob("solutions/*/[0-9]*.nb.py"))]


def build(source: Path, *, root: Path) -> list[Path]:
    """Execute one source and write its notebook (and exercise); returns what was written.

    Raises BuildError, and writes nothing, when a cell fails or an output would not be the same elsewhere.
    """
    target, exercise = notebook_of(source), exercise_of(source, root=root)
    nb = read_source(source, root=root)
    cut = student_version(nb) if exercise else None
    try:
        execute(nb, target.parent)
    except BuildError as error:
        raise BuildError(f"{source.relative_to(root)}: {error}") from None
    if wrong := problems(nb):
        raise BuildError("\n".join(f"{source.relative_to(root)}: {line}" for line in wrong))
    _write(nb, target)
    if exercise:
        _write(cut, exercise)
    return [target, exercise] if exercise else [target]


def differences(source: Path, *, root: Path) -> list[str]:
    """Where a notebook (or exercise) is not what its source says: cells, ids, metadata; a line each."""
    wanted, exercise = read_source(source, root=root), exercise_of(source, root=root)
    found = _compare(wanted, notebook_of(source), root)
    return found + (_compare(student_version(wanted), exercise, root) if exercise else [])


def _compare(wanted, target, root):
    name = target.relative_to(root)
    if not target.exists():
        return [f"{name} is missing"]
    built = nbformat.read(target, as_version=4)
    if built.metadata != wanted.metadata:
        return [f"{name}: notebook metadata differ"]
    if len(built.cells) != len(wanted.cells):
        return [f"{name} has {len(built.cells)} cells, its source {len(wanted.cells)}"]
    pairs = enumerate(zip(built.cells, wanted.cells, strict=True), start=1)
    return [
        f"{name}: cell {number} differs in its {part}"
        for number, (have, want) in pairs
        for part in ("cell_type", "source", "id", "metadata")
        if have[part] != want[part]
    ]


def _metadata():
    return nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})


def _write(nb, target):
    """Write under another name and rename, so that a kill leaves the old notebook or the new one."""
    nbformat.validate(nb)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    part.write_text(nbformat.writes(nb) + "\n", encoding="utf-8")
    part.replace(target)
