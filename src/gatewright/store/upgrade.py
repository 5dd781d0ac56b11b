"""Bringing a database to the schema of this version.

A new database gets the tables at once; an older one goes through the migrations, which alone load Alembic. A database
of a newer version is refused: starting an old program on it would lose what it does not know.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gatewright.errors import ConfigurationError, DatabaseAway
from gatewright.store.backends import Backend
from gatewright.store.causes import cause_of
from gatewright.store.dialects import POSTGRESQL, SQLITE
from gatewright.store.schema import metadata

#: The migration that leads to ``store.schema`` as it is.
HEAD = "0005"
MIGRATIONS = Path(__file__).parent / "migrations"
#: Any number: who holds this advisory lock is the one that changes the schema.
_LOCK = 0x6761746577726967


def prepare(backend: Backend) -> None:
    """Make the database have this version's tables. Raises ConfigurationError, DatabaseAway."""
    _connected(backend, _bring_up)


def check(backend: Backend) -> None:
    """Refuse a database that has not this version's tables: who serves it may need them as they are.

    Raises ConfigurationError, DatabaseAway.
    """
    _connected(backend, _refuse_others)


def _connected(backend: Backend, work: Callable[[Any, Backend], None]) -> None:
    try:
        connection: Any = backend.connect(read_only=False)
        try:
            work(connection, backend)
        finally:
            # Closing ends the session, and with it the advisory lock.
            connection.close()
    except Exception as error:
        if not backend.unavailable(error):
            raise
        cause = cause_of(error)
        kind = DatabaseAway if cause.passing else ConfigurationError
        raise kind(f"{backend.where}: {cause} It said: {' '.join(str(error).split())}") from error


def _bring_up(connection: Any, backend: Backend) -> None:
    if backend.flavour == POSTGRESQL:
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
    version = _version(connection, backend)
    if version is None:
        _create(connection, backend)
    elif version != HEAD:
        _migrate(backend, version)


def _refuse_others(connection: Any, backend: Backend) -> None:
    version = _version(connection, backend)
    if version != HEAD:
        stands = "is empty" if version is None else f"is at migration {version}, and this `gatewright` at {HEAD}"
        raise ConfigurationError(
            f"{backend.where} {stands}: use the one that serves it, or start `gatewright serve` of this one, "
            "which brings an older database up to date"
        )


def _version(connection: Any, backend: Backend) -> str | None:
    """The migration that the database stands at; None for one without tables."""
    if backend.flavour == SQLITE:
        found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    else:
        found = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
    if found is None or found[0] is None:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def _create(connection: Any, backend: Backend) -> None:
    """All tables of ``store.schema``, in one transaction."""
    from sqlalchemy.schema import CreateIndex, CreateTable

    from gatewright.store.dialects import dialect_of

    dialect = dialect_of(backend.flavour)
    connection.execute(backend.begin_write)
    try:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        for table in metadata.sorted_tables:
            connection.execute(str(CreateTable(table).compile(dialect=dialect)))
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                connection.execute(str(CreateIndex(index).compile(dialect=dialect)))
        connection.execute(f"INSERT INTO alembic_version VALUES ('{HEAD}')")  # noqa: S608 - a constant
    except Exception:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _migrate(backend: Backend, version: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("sqlalchemy.url", backend.url.replace("%", "%%"))
    try:
        ScriptDirectory.from_config(config).get_revision(version)
    except CommandError:
        raise ConfigurationError(
            f"the database is of a newer version (migration {version}): start that version, or restore a backup"
        ) from None
    command.upgrade(config, "head")
