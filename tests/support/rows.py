"""What stands in a cell's database, as digests: whether a call has changed anything."""

from __future__ import annotations

import hashlib
import sqlite3
from types import TracebackType

import psycopg

from gatewright.store.schema import metadata

#: A nonce is noted whatever becomes of the call.
_NOT_COMPARED = ("nonces",)
TABLES = tuple(table.name for table in metadata.sorted_tables if table.name not in _NOT_COMPARED)


class Rows:
    """Looks at a database with a connection of its own."""

    def __init__(self, url: str) -> None:
        self._sqlite = sqlite3.connect(url.removeprefix("sqlite:///")) if url.startswith("sqlite") else None
        self._postgresql = psycopg.connect(url, autocommit=True) if self._sqlite is None else None

    def digests(self) -> dict[str, str]:
        """By table, a digest of all its rows."""
        if self._sqlite is not None:
            found = {}
            for table in TABLES:
                rows = sorted(map(repr, self._sqlite.execute(f"SELECT * FROM {table}")))
                found[table] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
            return found
        assert self._postgresql is not None
        digest = "SELECT '{0}', md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM {0} AS t"
        # The names are the schema's own.
        digests = self._postgresql.execute(" UNION ALL ".join(digest.format(table) for table in TABLES).encode())
        return {table: value or "" for table, value in digests.fetchall()}

    def text(self) -> str:
        """All rows of all tables, as Python writes them."""
        connection = self._sqlite or self._postgresql
        assert connection is not None
        found = (connection.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES)
        return "\n".join(map(repr, found))

    def close(self) -> None:
        for connection in (self._sqlite, self._postgresql):
            if connection is not None:
                connection.close()

    def __enter__(self) -> Rows:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
