"""What differs between SQLite and PostgreSQL when they are connected to and written."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from gatewright.errors import ConfigurationError
from gatewright.store.dialects import POSTGRESQL, SQLITE, Flavour
from gatewright.store.transaction import Connection


class Backend(Protocol):
    """One database."""

    flavour: Flavour
    #: SQLAlchemy's URL, for migrations.
    url: str
    #: Where it is, for operators; without a password.
    where: str
    begin_write: str
    begin_read: str
    #: Writing threads, and how many writes of one thread share a transaction.
    writers: int
    write_batch: int
    readers: int
    read_batch: int
    #: Whether it is a server, which may stop answering.
    remote: bool

    def connect(self, *, read_only: bool) -> Connection:
        """A new connection in autocommit mode: transactions are begun and ended by statements."""
        ...

    def unavailable(self, error: BaseException) -> bool:
        """Whether the database failed, as opposed to the statement being wrong."""
        ...

    def retriable(self, error: BaseException) -> bool:
        """Whether the same transaction may succeed when it is run again, nothing of it having been committed."""
        ...


class SqliteBackend:
    """One file beside the service.

    WAL with ``synchronous=FULL``: a commit is on disk before it is acknowledged. SQLite has one writer at a time: what
    has queued up while a commit was under way shares the next one.
    """

    flavour: Flavour = SQLITE
    begin_write = "BEGIN IMMEDIATE"
    begin_read = "BEGIN"
    #: None: writes run on the event loop (gatewright.store.inline).
    writers = 0
    write_batch = 64
    readers = 2
    read_batch = 8
    remote = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"
        self.where = f"the database {path}"

    def connect(self, *, read_only: bool) -> Connection:
        connection: Any = sqlite3.connect(
            self.path, timeout=10, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA temp_store=MEMORY")
        # Copying the log back into the database is put off to every 16 MB: it costs two more waits for the disk.
        connection.execute("PRAGMA wal_autocheckpoint=4000")
        if read_only:
            connection.execute("PRAGMA query_only=ON")
        opened: Connection = connection
        return opened

    def unavailable(self, error: BaseException) -> bool:
        return isinstance(error, sqlite3.DatabaseError) and not isinstance(
            error, sqlite3.IntegrityError | sqlite3.ProgrammingError
        )

    def retriable(self, error: BaseException) -> bool:  # noqa: ARG002 - nothing is retriable here: one writer, no deadlock
        return False


#: How long a server that does not answer is waited for: seconds, the last one milliseconds.
_PATIENCE: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


class PostgresqlBackend:
    """A PostgreSQL server. Row locks order the writes: a few threads, a transaction each."""

    flavour: Flavour = POSTGRESQL
    begin_write = "BEGIN"
    begin_read = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    writers = 4
    write_batch = 1
    readers = 4
    read_batch = 1
    remote = True

    def __init__(self, url: str) -> None:
        self._conninfo = "postgresql" + url[url.index("://") :]
        self.url = "postgresql+psycopg" + url[url.index("://") :]
        parts = urlsplit(url)
        self.where = f"the database {parts.path[1:]} on {parts.hostname or 'this machine'}"

    def connect(self, *, read_only: bool) -> Connection:  # noqa: ARG002 - BEGIN says READ ONLY where that is meant
        import psycopg

        connection: Any = psycopg.connect(self._conninfo, autocommit=True, **_PATIENCE)
        connection.execute("SET lock_timeout = '10s'; SET statement_timeout = '20s'")
        # One INFO line of the server's is not worth the round trips of a notice handler.
        connection.execute("SET client_min_messages = warning")
        opened: Connection = connection
        return opened

    def unavailable(self, error: BaseException) -> bool:
        import psycopg

        # a standby, or a disk that was made read-only, refuses writes: with an error that is no operational one
        broken = psycopg.OperationalError | psycopg.InterfaceError | psycopg.errors.ReadOnlySqlTransaction
        return isinstance(error, broken)

    def retriable(self, error: BaseException) -> bool:
        return self.unavailable(error)


def backend_of(url: str) -> Backend:
    """The backend of ``sqlite:///PATH`` or ``postgresql://USER@HOST:PORT/NAME``. Raises ConfigurationError."""
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        path = url.removeprefix("sqlite:///")
        if path == url or not path or path == ":memory:":
            raise ConfigurationError("the database URL names no file: write sqlite:////absolute/path")
        return SqliteBackend(Path(path))
    if scheme in ("postgresql", "postgres", "postgresql+psycopg"):
        try:
            import psycopg  # noqa: F401 - only whether it is there
        except ImportError:
            raise ConfigurationError("PostgreSQL needs its driver: pip install 'gatewright[postgresql]'") from None
        return PostgresqlBackend(url)
    raise ConfigurationError(f"the database URL's scheme is {scheme!r}: sqlite or postgresql is served")
