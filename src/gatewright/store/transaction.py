"""One transaction, as queries see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from gatewright.store.dialects import SQLITE, Flavour
from gatewright.store.statement import Query, Statement

Row = TypeVar("Row")


class Cursor(Protocol):
    """What of a DBAPI cursor is used."""

    rowcount: int

    def fetchone(self) -> Any: ...

    def fetchall(self) -> Any: ...

    def executemany(self, query: Any, params: Any, /) -> Any: ...


class Connection(Protocol):
    """What of a driver's connection is used: sqlite3's and psycopg's have it alike."""

    def execute(self, query: Any, params: Any = ..., /) -> Cursor: ...

    def cursor(self) -> Cursor: ...

    def close(self) -> None: ...

    def fileno(self) -> int:
        """The socket to a server; sqlite3's connections have none, and are not asked."""
        ...


class Transaction:
    """Runs statements on one connection, and remembers which hosts' agents to wake after the commit."""

    def __init__(self, connection: Connection, flavour: Flavour) -> None:
        self._connection = connection
        self.flavour = flavour
        self.woken: set[str] = set()

    @property
    def alone(self) -> bool:
        """Whether no other write can run until this transaction ends: then there is nothing to lock."""
        return self.flavour == SQLITE

    def one(self, query: Query[Row], **values: Any) -> Row | None:
        """The only row, or None. More rows than one is a bug of the query: the first is taken."""
        plan = query.plan(self.flavour)
        found = self._connection.execute(plan.text, plan.bind(values)).fetchone()
        return None if found is None else query.read(plan, found)

    def all(self, query: Query[Row], **values: Any) -> list[Row]:
        """All rows."""
        plan = query.plan(self.flavour)
        found = self._connection.execute(plan.text, plan.bind(values)).fetchall()
        return [query.read(plan, row) for row in found]

    def scalar(self, statement: Statement, **values: Any) -> Any:
        """The first column of the first row, or None."""
        plan = statement.plan(self.flavour)
        found = self._connection.execute(plan.text, plan.bind(values)).fetchone()
        return None if found is None else found[0]

    def run(self, statement: Statement, **values: Any) -> int:
        """Run a statement for its effect. Returns the number of rows it concerned."""
        plan = statement.plan(self.flavour)
        return self._connection.execute(plan.text, plan.bind(values)).rowcount

    def run_each(self, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement for its effect once for each row of values, one after the other."""
        plan = statement.plan(self.flavour)
        self._connection.cursor().executemany(plan.text, [plan.bind(values) for values in rows])

    def raw(self, text: str) -> None:
        """Run a statement without parameters: transaction control."""
        self._connection.execute(text)

    def wake(self, host_id: str) -> None:
        """Tell the host's agent, once this is committed, that something of its host changed."""
        self.woken.add(host_id)
