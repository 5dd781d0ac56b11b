"""Why a database failed, for people: what callers are told (no paths, no names), and what an operator reads."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple


class Cause(NamedTuple):
    """What is wrong, and what to do; one sentence each."""

    wrong: str
    remedy: str
    #: Whether it may pass by itself: what does not needs a person.
    passing: bool = True

    def __str__(self) -> str:
        return f"{self.wrong}; {self.remedy}."


UNKNOWN = Cause("The database does not answer", "try again")
LATE = Cause("The database has not answered for too long", "try again")
FULL = Cause("The disk of the database is full", "make room on it and try again")
READ_ONLY = Cause(
    "The database cannot be written, because its disk or its folder is read-only", "make it writable and try again"
)
DAMAGED = Cause("The database is damaged", "put a backup of it in its place", passing=False)
HELD = Cause("Another process holds the database", "end that process, or try again when it is done")
NOT_OPEN = Cause("The database's file cannot be opened", "check that its folder is there and can be written")
DISK = Cause("The disk of the database fails", "look at the system's log, and try again")
ENDED = Cause("The database ended the connection, or took too long", "try again")

_SQLITE = {
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
    sqlite3.SQLITE_BUSY: HELD,
    sqlite3.SQLITE_LOCKED: HELD,
    sqlite3.SQLITE_CANTOPEN: NOT_OPEN,
    sqlite3.SQLITE_IOERR: DISK,
}
#: By SQLSTATE, or the class that its first two characters name (PostgreSQL's documentation, appendix A).
_POSTGRESQL = {
    "53100": FULL,
    "25006": READ_ONLY,
    "55P03": HELD,
    "57014": ENDED,
    "57P01": ENDED,
    "57P02": ENDED,
    "57P03": Cause("The database is starting, stopping or recovering", "try again"),
    "53300": Cause("The database has no room for another connection", "raise its max_connections, or try again"),
    "XX001": DAMAGED,
    "XX002": DAMAGED,
}


def forget_values(error: BaseException) -> None:
    """Take from a driver's error what the server tells of a row's values: it is logged."""
    said: str | None = getattr(getattr(error, "diag", None), "message_primary", None)
    if said is not None:
        error.args = (said,)


def cause_of(error: BaseException) -> Cause:
    """The cause of a driver's error."""
    if isinstance(error, TimeoutError):
        return LATE
    if isinstance(error, sqlite3.Error):
        # the low byte is the error, the rest says more about it
        return _SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, UNKNOWN)
    return _POSTGRESQL.get(getattr(error, "sqlstate", None) or "", UNKNOWN)
