"""`course start`, `progress`: a student's exercises. `course build`, `new-exercise`: an author's. For all lessons."""

import click


@click.command()
@click.argument("name")
def start(name: str) -> None:
    """Copy the exercises NAME (12_gpt, or 12) into work/. A copy that is there already is never overwritten."""
    from course_lib.classroom.checking.start import start

    path, new = start(name)
    click.echo(f"{path} is yours now" if new else f"{path} is there already and stays; rename it to start anew")


@click.command()
def progress() -> None:
    """Every exercise: correct or how many tries, hints taken, mistakes recognised. Nothing leaves this machine."""
    from course_lib.lab.standing_table import StandingTable

    click.echo(str(StandingTable()))


@click.command()
@click.argument("names", nargs=-1, metavar="[NN_NAME]...")
@click.option("--check", is_flag=True, help="Build nothing: say what is out of date, and end with 1 if anything is.")
def build(names: tuple[str, ...], check: bool) -> None:
    """Build the solutions and exercises NN_NAME (default: all), prove their checks, and print the table."""
    from course_lib.classroom.authoring.build import BuildError, build, differences, sources
    from course_lib.doors.folders import course_root

    root = course_root()
    known = {source.parent.name: source for source in sources(root) if source.name.endswith(".nb.py")}
    if unknown := sorted(set(names) - set(known)):
        raise click.ClickException(f"there is no solutions/{unknown[0]}; there are: {', '.join(known) or 'none yet'}")
    stale = []
    for name in names or known:
        if check:
            found = differences(known[name], root=root)
            stale += found
            click.echo("\n".join(found) or f"{name}: current")
            continue
        try:
            written = build(known[name], root=root, tell=click.echo)
        except BuildError as error:
            click.echo(str(error), err=True)
            raise SystemExit(1) from None
        click.echo("\n".join(str(path.relative_to(root)) for path in written))
    if stale:
        raise SystemExit(1)


@click.command("new-exercise")
@click.argument("number")
@click.argument("function")
@click.option("--title", help="The exercise's heading (default: the function's name).")
def new_exercise(number: str, function: str, title: str | None) -> None:
    """Begin the exercise NUMBER (07.6), which asks for FUNCTION: cells and checks that build as they are."""
    from course_lib.classroom.authoring.skeleton import new_exercise
    from course_lib.doors.folders import course_root

    root = course_root()
    heading = title or function.replace("_", " ").capitalize()
    cells, checks = new_exercise(root, number, function, heading)
    for path in (cells, checks):
        click.echo(str(path.relative_to(root)))
    click.echo("Replace its parts, then: course build " + cells.parent.name)
