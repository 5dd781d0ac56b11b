"""Databases for tests that want one with this version's tables and nothing in them: made once, lent again and again.

Making one costs a third of a second on PostgreSQL, emptying one some milliseconds. One whose tables, version or
settings a test did not leave as they were is not lent again.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Protocol

import psycopg

from gatewright.store.backends import SqliteBackend, backend_of
from gatewright.store.schema import metadata
from gatewright.store.upgrade import prepare
from tests.support.cell import sqlite_url
from tests.support.postgresql import PostgresqlServer

_EMPTY = "".join(f"DELETE FROM {table.name}; " for table in reversed(metadata.sorted_tables))
#: Deleted rows stay in the files until a VACUUM. Scans read over so many loans' rows at the most.
_LOANS_TO_A_VACUUM = 50
_ALONE = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
#: What a test may have changed besides rows: tables, indexes and what hangs on them; the version; settings.
_STATE = """
    SELECT
        (SELECT string_agg(concat_ws(' ', relname, relkind, relnatts, relchecks, relhastriggers, relhasrules, relacl),
            ',' ORDER BY relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace),
        (SELECT string_agg(version_num, ',') FROM alembic_version),
        (SELECT string_agg(setconfig::text, ',') FROM pg_db_role_setting)
"""


class Lender(Protocol):
    """Lends databases of one kind."""

    def lend(self, folder: Path) -> str:
        """The URL of a database without rows; if it is a file, it is in the folder."""
        ...

    def take_back(self, url: str) -> None:
        """Nobody uses it any more."""
        ...


class SqliteLender:
    """Copies one file, which it makes in its own folder."""

    def __init__(self, folder: Path) -> None:
        backend = SqliteBackend(folder / "template.db")
        prepare(backend)
        self._template = backend.path
        connection: Any = backend.connect(read_only=False)
        # without the log that lies beside it, all of it is in one file
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.close()

    def lend(self, folder: Path) -> str:
        url = sqlite_url(folder)
        shutil.copyfile(self._template, url.removeprefix("sqlite:///"))
        return url

    def take_back(self, url: str) -> None:
        """It goes with the folder."""


class PostgresqlLender:
    """Empties the tables of what it has lent before.

    To each it keeps a connection, which knows the tables already: a new one would read up on all of them each time.
    """

    def __init__(self, server: PostgresqlServer) -> None:
        self._server = server
        self._free: list[str] = []
        self._loans: dict[str, int] = {}
        self._connections: dict[str, psycopg.Connection] = {}
        self._pristine: tuple[Any, ...] | None = None

    def lend(self, folder: Path) -> str:
        if self._free:
            return self._free.pop()
        url = self._server.create()
        prepare(backend_of(url))
        self._loans[url] = 0
        self._connections[url] = psycopg.connect(url, autocommit=True)
        if self._pristine is None:
            self._pristine = self._emptied(url)
        return url

    def take_back(self, url: str) -> None:
        self._loans[url] += 1
        if self._emptied(url) == self._pristine:
            self._free.append(url)
        else:
            self._connections.pop(url).close()
            self._server.drop(url)

    def close(self) -> None:
        """Let go of the server."""
        for connection in self._connections.values():
            connection.close()

    def _emptied(self, url: str) -> tuple[Any, ...] | None:
        """Empty the tables, whoever is still connected. Returns what else there is, None if it cannot be emptied."""
        connection = self._connections[url]
        try:
            connection.execute(_ALONE)
            connection.execute(f"BEGIN; {_EMPTY} COMMIT".encode())
            if self._loans[url] % _LOANS_TO_A_VACUUM == _LOANS_TO_A_VACUUM - 1:
                connection.execute("VACUUM")
            return connection.execute(_STATE).fetchone()
        except psycopg.Error:
            return None
