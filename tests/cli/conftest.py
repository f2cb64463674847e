import pytest

from course_lib.cli import main


@pytest.fixture
def course(capsys):
    """Run `course …` in this process: (exit code, standard output, standard error)."""

    def run(*arguments):
        try:
            main([str(argument) for argument in arguments])
            code = 0
        except SystemExit as exit:
            code = exit.code
        return code, *capsys.readouterr()

    return run
