"""nbgrader's gradebook file, made whole or not at all. Part of grading; no lesson derives it.

nbgrader makes its tables, commits them, and only then asks the program `alembic`, by its name, for the version that it
writes beside them: where that is not on the PATH, or somebody is impatient, half a gradebook stays. Here tables and
version are one transaction of SQLite, and a file that an earlier interruption left without its version gets it.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from alembic.script import ScriptDirectory
    from nbgrader.api import Base
    from nbgrader.dbutil import ALEMBIC_DIR

VERSIONS = "CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL)"
SECONDS = 60  # to wait for somebody else who is writing


def make_whole(path: Path) -> None:
    """Make the gradebook at `path`, or complete it; one that is whole is left as it is.

    Raises ValueError for a file that is no gradebook, and says what to do with it.
    """
    try:
        with _one_transaction(path) as connection:
            tables = set(connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars())
            if set(Base.metadata.tables) <= tables and _versions(connection, tables):
                return
            Base.metadata.create_all(connection)
            if not _versions(connection, tables):
                newest = ScriptDirectory(ALEMBIC_DIR).get_current_head()
                connection.exec_driver_sql(VERSIONS)
                connection.exec_driver_sql("INSERT INTO alembic_version (version_num) VALUES (?)", (newest,))
    except DatabaseError as error:
        raise ValueError(
            f"{path} cannot be used as a gradebook ({error.orig}): if it is in use, close what uses it; if it is "
            "broken, put a copy of yours in its place, or move it away: grading makes a new one, without the scores "
            "that were given by hand"
        ) from error


def _versions(connection, tables):
    if "alembic_version" not in tables:
        return []
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all()


@contextmanager
def _one_transaction(path) -> Iterator:
    """A connection on which nothing is kept unless all of it is, and which nobody writes beside."""
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool, connect_args={"timeout": SECONDS})
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # Python's sqlite3 would begin only when a row is written
        try:
            yield connection
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")
