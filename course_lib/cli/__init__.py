"""The command `course`: train, generate, data, doctor. What it does for you is what lesson 12 (gpt) does by hand.

Each command imports what it needs when it runs, so that `course --help` answers at once. Bad input gets one line
on standard error and exit code 2; Ctrl-C leaves a checkpoint and exits with 130.
"""

import sys

import click

from course_lib import __version__
from course_lib.cli.classroom import COMMANDS
from course_lib.cli.data import data
from course_lib.cli.doctor import doctor
from course_lib.cli.exercises import build, new_exercise, progress, start
from course_lib.cli.generate import generate
from course_lib.cli.plan import plan
from course_lib.cli.train import train
from course_lib.doors.folders import FolderError, current_folder
from course_lib.doors.terminal import any_sign


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="course")
def course() -> None:
    """Train a small language model, let it write, look at the course's texts, check this machine."""


for command in (train, generate, plan, data, doctor, start, progress, build, new_exercise, *COMMANDS):
    course.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run one command and leave the process with its exit code: 0, 2 after bad input, 130 after Ctrl-C."""
    with any_sign():
        try:
            if current_folder() is None:  # the libraries below torch end the process there, without a word of ours
                raise FolderError("the folder that you are in was deleted; change into another one, then try again")
            course.main(args=arguments, prog_name="course", standalone_mode=False)
        except click.ClickException as error:
            error.show()
            sys.exit(2)
        except (click.Abort, KeyboardInterrupt):
            click.echo("course: stopped", err=True)
            sys.exit(130)
        except EXPECTED as error:
            click.echo(f"course: {one_line(error)}", err=True)
            sys.exit(2)


# What goes wrong at the doors: bad values and files, no network, no space. Each carries its own way out.
# CheckpointError, DownloadError and NonFiniteLoss are RuntimeErrors.
EXPECTED = (ValueError, OSError, RuntimeError)


def one_line(error: Exception) -> str:
    """The message of `error` on one line, with a way out where it is the system's own; its type without a message."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"cannot use {error.filename} ({error.strerror}): name another place, or make this one yours to use"
    return " ".join(str(error).split()) or type(error).__name__
