"""What daemons told of tunnels: the newest lines of each connection."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import bindparam, delete, func, insert, or_, select

from gatewright.store.among import StatementAmong
from gatewright.store.schema import tunnel_logs
from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction

#: Lines that are kept of a connection.
MOST_KEPT = 5_000


class LogLine(msgspec.Struct, frozen=True):
    """One line, as the table has it."""

    connection_id: str
    number: int
    tunnel_id: str
    #: Milliseconds since the epoch, by the host's clock.
    happened_at: int
    text: str


class NewLine(msgspec.Struct, frozen=True):
    """A line that has no number yet."""

    connection_id: str
    tunnel_id: str
    happened_at: int
    text: str


_c = tunnel_logs.c
_COLUMNS = tuple(_c[name] for name in LogLine.__struct_fields__)
_ADD = Statement(insert(tunnel_logs))
_LAST = Statement(select(func.max(_c.number)).where(_c.connection_id == bindparam("of_connection")))
_TRIM = Statement(
    delete(tunnel_logs).where(_c.connection_id == bindparam("of_connection"), _c.number <= bindparam("upto"))
)
_DROP = StatementAmong(delete(tunnel_logs), _c.connection_id)
_WINDOW = (
    _c.connection_id == bindparam("of_connection"),
    _c.happened_at >= bindparam("earliest"),
    _c.happened_at < bindparam("until"),
    or_(bindparam("of_tunnel", type_=_c.tunnel_id.type) == "", _c.tunnel_id == bindparam("of_tunnel")),
)
_OLDEST = Query(
    select(*_COLUMNS).where(_c.connection_id == bindparam("of_connection")).order_by(_c.number).limit(1), LogLine
)
_COUNT = Statement(select(func.count()).select_from(tunnel_logs).where(*_WINDOW))
_PAGE = Query(
    select(*_COLUMNS)
    .where(*_WINDOW)
    .order_by(_c.happened_at, _c.number)
    .limit(bindparam("most"))
    .offset(bindparam("skipped")),
    LogLine,
)


def add(transaction: Transaction, lines: Sequence[NewLine]) -> None:
    """Keep lines, each connection's in this order, and forget what is too much. Their accounts are locked."""
    by_connection: dict[str, list[NewLine]] = {}
    for line in lines:
        by_connection.setdefault(line.connection_id, []).append(line)
    for connection_id, its in by_connection.items():
        last = transaction.scalar(_LAST, of_connection=connection_id) or 0
        kept = its[-MOST_KEPT:]
        transaction.run_each(
            _ADD,
            [msgspec.structs.asdict(line) | {"number": number} for number, line in enumerate(kept, last + 1)],
        )
        transaction.run(_TRIM, of_connection=connection_id, upto=last + len(kept) - MOST_KEPT)


def count(transaction: Transaction, connection_id: str, earliest: int, until: int, tunnel_id: str = "") -> int:
    """How many lines a connection, or one of its tunnels, has from a time (milliseconds) to before another."""
    found: int = transaction.scalar(
        _COUNT, of_connection=connection_id, earliest=earliest, until=until, of_tunnel=tunnel_id
    )
    return found


def page(
    transaction: Transaction,
    connection_id: str,
    earliest: int,
    until: int,
    tunnel_id: str = "",
    *,
    skipped: int = 0,
    most: int = MOST_KEPT,
) -> list[LogLine]:
    """Those lines, oldest first."""
    return transaction.all(
        _PAGE,
        of_connection=connection_id,
        earliest=earliest,
        until=until,
        of_tunnel=tunnel_id,
        skipped=skipped,
        most=most,
    )


def is_whole(transaction: Transaction, connection_id: str, earliest: int) -> bool:
    """Whether all that a connection's tunnels have told since a time (milliseconds) is kept still."""
    oldest = transaction.one(_OLDEST, of_connection=connection_id)
    return oldest is None or oldest.number == 1 or oldest.happened_at < earliest


def drop(transaction: Transaction, connection_ids: Sequence[str]) -> None:
    """Forget all lines of some connections."""
    _DROP.run(transaction, connection_ids)
