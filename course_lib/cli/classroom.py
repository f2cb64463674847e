"""`course release`, `collect`, `grade`, `export`, `feedback`, `similar`, `stats`: the instructor's side."""

from datetime import UTC, datetime
from pathlib import Path

import click

DAY = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"])
NAME = click.argument("name", metavar="NN_NAME")
ROOT = click.option("--course", "root", type=click.Path(file_okay=False, path_type=Path),
                    help="The folder with solutions/ and exercises/ (default: this course).")


def _folders(root):
    from course_lib.classroom.grading.folders import Folders
    from course_lib.doors.folders import course_root

    return Folders((root or course_root()).resolve())


def _aware(when):
    return when if when is None or when.tzinfo else when.astimezone()


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NN_NAME…")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The archive (default: NN_name.zip).")
@click.option("--with-solutions", is_flag=True, help="Put the worked solutions in, too.")
@ROOT
def release(names: tuple[str, ...], out: Path | None, with_solutions: bool, root: Path | None) -> None:
    """Write what students get: the course with these exercises, without answers and hidden probes."""
    from course_lib.classroom.grading.release import release as write

    folders = _folders(root)
    lessons = [folders.lesson(name) for name in names]
    out = out or Path(f"{lessons[0]}.zip")
    files = write(folders.root, lessons, out, with_solutions=with_solutions)
    click.echo(f"{out}: {len(files)} files, {out.stat().st_size / 1e6:.1f} MB")


@click.command()
@NAME
@click.argument("downloads", type=click.Path(exists=True, path_type=Path))
@click.option("--received", type=DAY, help="When these came in (default: now); local time unless it says otherwise.")
@ROOT
def collect(name: str, downloads: Path, received: datetime | None, root: Path | None) -> None:
    """Sort DOWNLOADS, a folder or zip archive of Canvas, Moodle or your own, into one inbox folder a student."""
    from course_lib.classroom.grading import collect as inbox

    folders = _folders(root)
    name = folders.lesson(name)
    done = inbox.collect(folders, name, downloads, received=_aware(received) or datetime.now(UTC))
    for line in inbox.in_words(folders, name, done):
        click.echo(line)


@click.command()
@NAME
@click.option("--jobs", default=2, show_default=True, help="How many sandboxes at once.")
@click.option("--only", multiple=True, metavar="ID", help="Grade this student only; may be repeated.")
@click.option("--due", type=DAY, help="When it was due; kept in the gradebook.")
@click.option("--late", type=click.FloatRange(0, 100), help="Per cent of the score lost for each day late; kept, too.")
@click.option("--again", is_flag=True, help="Run also what has not changed since the last time.")
@click.option("--new-seed", is_flag=True, help="Draw new numbers for the hidden probes.")
@click.option("--no-sandbox", is_flag=True, help="Run the submissions unprotected. Only for work that you trust.")
@click.option("--scheduler", metavar="tcp://…", help="Send the work to this Dask cluster.")
@ROOT
def grade(name: str, jobs: int, only: tuple[str, ...], due: datetime | None, late: float | None, again: bool,
          new_seed: bool, no_sandbox: bool, scheduler: str | None, root: Path | None) -> None:
    """Grade what was collected: run, compare, enter into the gradebook, write table and feedback pages."""
    from course_lib.classroom.grading.sandbox.bubblewrap import require_linux, require_sandbox
    require_linux()  # before anything is imported that the grade extra brings
    from course_lib.classroom.grading.assignment import load_assignment
    from course_lib.classroom.grading.batch import grade as run
    from course_lib.classroom.grading.cluster import workers
    from course_lib.classroom.grading.gradebook import Book
    from course_lib.classroom.grading.records import UNTRUSTED
    from course_lib.lab.progress import progress

    if no_sandbox:
        click.echo(f"course: {UNTRUSTED}: a submission can read and change whatever you can", err=True)
    else:
        require_sandbox()
    folders = _folders(root)
    name = folders.lesson(name)
    students = _chosen(folders, name, only)
    assignment = load_assignment(folders, name, new_seed=new_seed)
    with Book(folders, assignment) as book:
        book.prepare(due=_aware(due), late=None if late is None else late / 100)
    with workers(jobs, scheduler) as executor:
        done = run(folders, assignment, executor, students=students, sandboxed=not no_sandbox, again=again)
        for result in progress(done, total=len(students), name=name):
            if says := [f"UNREADABLE: {result.unreadable}"] * bool(result.unreadable) + result.notes:
                click.echo(f"{result.student}: {' | '.join(says)}")
    _write_reports(folders, assignment)


@click.command()
@NAME
@ROOT
def feedback(name: str, root: Path | None) -> None:
    """Write the feedback pages again, with the scores and comments that were given by hand."""
    from course_lib.classroom.grading.assignment import load_assignment

    folders = _folders(root)
    _write_reports(folders, load_assignment(folders, folders.lesson(name), to_grade=False))


@click.command()
@NAME
@click.option("--csv", "kind", flag_value="csv", default=True, help="All that is known (the default).")
@click.option("--canvas", "kind", flag_value="canvas", help="What Canvas imports.")
@click.option("--column", help="What Canvas calls the assignment: 'Attention (8123)' (default: NN_name, a new one).")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Where to (default: .nbgrader/…csv).")
@ROOT
def export(name: str, kind: str, column: str | None, out: Path | None, root: Path | None) -> None:
    """Write the grades as a table."""
    from course_lib.classroom.grading.assignment import load_assignment
    from course_lib.classroom.grading.gradebook import Book
    from course_lib.classroom.grading.records import UNTRUSTED, results
    from course_lib.classroom.grading.rows import waiting_line
    from course_lib.classroom.grading.tables import csv_path, write_canvas, write_csv

    folders = _folders(root)
    name = folders.lesson(name)
    found = results(folders, name)
    with Book(folders, load_assignment(folders, name, to_grade=False)) as book:
        rows = book.rows()
    out = out or csv_path(folders, name, "-canvas" if kind == "canvas" else "")
    if unknown := write_canvas(out, column or name, rows) if kind == "canvas" else write_csv(out, rows, found):
        click.echo(f"not from Canvas, left out: {', '.join(unknown)}", err=True)
    click.echo(f"{out}: {len(rows)} students")
    if untrusted := sum(UNTRUSTED in result.notes for result in found.values()):
        click.echo(f"{untrusted} of them {UNTRUSTED}", err=True)
    if waiting := waiting_line(rows):
        click.echo(waiting, err=True)


@click.command()
@NAME
@click.option("--above", default=0.6, show_default=True, help="Show pairs at least this much alike.")
@ROOT
def similar(name: str, above: float, root: Path | None) -> None:
    """Show pairs of answers that are alike beyond what the exercise explains. A hint for a human, no proof."""
    from course_lib.classroom.grading.similar import similar_pairs
    from course_lib.classroom.grading.troubles import Troubles

    folders = _folders(root)
    pairs = similar_pairs(folders, folders.lesson(name), above=above, troubles=(troubles := Troubles()))
    for line in troubles.lines():
        click.echo(line, err=True)
    for pair in pairs:
        click.echo(f"{pair.likeness:5.2f}  {pair.first}  {pair.second}  shared: {pair.shared}")
    click.echo(f"{len(pairs)} pairs. Short answers to one question look alike by nature: read them before you ask.")


@click.command()
@NAME
@ROOT
def stats(name: str, root: Path | None) -> None:
    """Say how the class did, exercise by exercise, and which mistakes it made; also as a page."""
    from course_lib.classroom.grading.stats import as_page, as_table, statistics
    from course_lib.doors.files import write_text

    folders = _folders(root)
    name = folders.lesson(name)
    found = statistics(folders, name)
    click.echo(as_table(found))
    write_text(path := folders.private / f"{name}-stats.html", as_page(name, found))
    click.echo(str(path))


def _chosen(folders, name, only):
    students = folders.students(name)
    if missing := sorted(set(only) - set(students)):
        raise ValueError(f"nothing was collected for {', '.join(missing)}; there are {len(students)} others")
    if not students:
        raise ValueError(f"nothing was collected for {name}: course collect {name} DOWNLOADS/ comes first")
    return sorted(only) or students


def _write_reports(folders, assignment):
    from course_lib.classroom.grading.feedback import write_feedback
    from course_lib.classroom.grading.gradebook import Book
    from course_lib.classroom.grading.rows import waiting_line
    from course_lib.classroom.grading.tables import csv_path, write_csv

    with Book(folders, assignment) as book:
        rows = book.rows()
    found = write_feedback(folders, assignment, rows)
    table = csv_path(folders, assignment.name)
    write_csv(table, rows, found)
    click.echo(f"{len(rows)} students in {table}, pages in {folders.private / 'feedback'}")
    if waiting := waiting_line(rows):
        click.echo(waiting)


COMMANDS = (release, collect, grade, export, feedback, similar, stats)
