"""From a lesson's text source to its notebook: read, identify, execute, normalise, write.

Part of the authors' tools; no lesson derives it. The text (jupytext percent) is what is edited and reviewed,
the `.ipynb` beside it is built from it and never the other way round. Two builds give the same bytes, outside
cells tagged `nbval-ignore-output`; `differences` compares a notebook with its source and starts no kernel.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from course_lib.classroom.authoring.execute import BuildError, execute, metadata
from course_lib.classroom.authoring.exercise import student_version
from course_lib.classroom.authoring.launch import add_launch, public_repository
from course_lib.classroom.authoring.lesson_checks import checks_of, dump, same_checks
from course_lib.classroom.authoring.lint import problems
from course_lib.classroom.authoring.nbgrader_cells import mark_cells, mark_questions, release_cells
from course_lib.classroom.authoring.prove import table
from course_lib.doors.files import replace_text, write_text
from course_lib.doors.folders import make_folder
from course_lib.lab.public_checks import FILE

WAY_OUT = "the course is built in a clone of your own"


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
    nb.metadata = metadata()
    nb.nbformat, nb.nbformat_minor = 4, 5
    target = notebook_of(source)
    add_launch(nb.cells, public_repository(root / "pyproject.toml"), target.relative_to(root).as_posix())
    try:
        if checks := checks_of(source):
            mark_cells(nb, checks.exercises)
            mark_questions(nb, checks.questions)
    except ValueError as error:
        raise BuildError(f"{source.name}: {error}") from None
    return nb


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


def build(source: Path, *, root: Path, tell: Callable[[str], None] = lambda text: None) -> list[Path]:
    """Execute one source and write its notebook (and exercise, and checks); returns what was written.

    The checks of a solution are proved first; `tell` is given their table. Raises BuildError, and leaves things as
    they were, when a proof or a cell fails or an output would not be the same elsewhere.
    """
    target, exercise = notebook_of(source), exercise_of(source, root=root)
    nb, name = read_source(source, root=root), source.relative_to(root)
    written: list[tuple[Path, bytes | None]] = []
    try:
        if exercise:
            cut = _released(nb)
            written += _write_checks(source, cut, exercise.with_name(FILE), f"\n{name}: ", tell)
        execute(nb, target.parent)
        if wrong := problems(nb):
            raise BuildError(f"\n{name}: ".join(wrong))
    except BuildError as error:
        for path, before in written:  # the notebook that asked for them did not come to be
            path.write_bytes(before) if before is not None else path.unlink()
        raise BuildError(f"{name}: {error}") from None
    _write(nb, target)
    if exercise:
        _write(cut, exercise)
    return [target, *([exercise] if exercise else []), *(path for path, _ in written)]


def differences(source: Path, *, root: Path) -> list[str]:
    """Where a notebook (or exercise) is not what its source says: cells, ids, metadata; a line each."""
    wanted, exercise = read_source(source, root=root), exercise_of(source, root=root)
    found = _compare(wanted, notebook_of(source), root)
    if exercise is None:
        return found
    if checks := checks_of(source):
        path = exercise.with_name(FILE)
        same = same_checks(checks.public(), path)
        found += [] if same else [f"{path.relative_to(root)} is not what the solution's checks say"]
    return found + _compare(_released(wanted), exercise, root)


def _released(nb):
    """The notebook as a student receives it."""
    cut = student_version(nb)
    release_cells(cut)
    return cut


def _write_checks(source, cut, path, between, tell):
    """Prove the checks beside a source and write them; [(path, what it held before)], [] where there are none."""
    checks = checks_of(source)
    if checks is None:
        return []
    try:
        data, rows, wrong = checks.proved(cut)
    except ValueError as error:
        raise BuildError(str(error)) from None
    tell(table(rows))
    if wrong:
        raise BuildError(between.join(wrong))
    before = path.read_bytes() if path.exists() else None
    make_folder(path.parent, way_out=WAY_OUT)
    write_text(path, dump(data))
    return [(path, before)]


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


def _write(nb, target):
    """Write a notebook of the right form; a kill leaves the old one or the new one."""
    nbformat.validate(nb)
    make_folder(target.parent, way_out=WAY_OUT)
    replace_text(target, nbformat.writes(nb) + "\n")
