"""`course doctor`: is everything here that the course needs? The same report opens lesson 00 (start_here)."""

import click


@click.command()
def doctor() -> None:
    """Check this machine: versions, memory, GPU, kernel, data; and what to do about each finding."""
    from course_lib.doctor import doctor, report

    click.echo(report(doctor()))
