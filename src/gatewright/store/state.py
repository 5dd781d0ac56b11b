"""All that an installation's accounts have, as plain values: for snapshots, and for beginning anew.

The same values go into either database. Accounts, access keys and used nonces are no such state: they belong to the
installation and stay; so do hosts, with their revisions, which only rise, and what issues their certificates.
Secrets of resources are opened, because another installation seals with another key.
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    String,
    Table,
    UniqueConstraint,
    delete,
    func,
    insert,
    select,
)

from gatewright.secrets import Place, Sealer
from gatewright.store import accounts, hosts, resource_groups
from gatewright.store.dialects import POSTGRESQL
from gatewright.store.schema import access_keys, authorities, metadata, nonces, placements
from gatewright.store.schema import accounts as accounts_table
from gatewright.store.schema import hosts as hosts_table
from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction

#: What belongs to the installation.
KEPT = (accounts_table, access_keys, nonces, hosts_table, authorities)
STATE = tuple(table for table in metadata.sorted_tables if table not in KEPT)


class Damaged(Exception):
    """Values that are not what a table holds."""


#: The rows of every table as a database takes them.
Checked = Mapping[Table, Sequence[Sequence[Any]]]


class TableValues(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rows of a table, in the order of its primary key; what was sealed is open, and nothing else is bytes."""

    columns: list[str]
    rows: list[list[Any]]


class _Values(list[Any]):
    """A row as its values."""

    def __init__(self, *values: Any) -> None:
        super().__init__(values)


_READ = {table: Query(select(table).order_by(*table.primary_key.columns), _Values) for table in STATE}
_CLEAR = {table: Statement(delete(table)) for table in STATE}
_ADD = {table: Statement(insert(table)) for table in STATE}
_HIGHEST = Statement(select(func.max(placements.c.revision)))


def read(transaction: Transaction, sealer: Sealer) -> dict[str, TableValues]:
    """All state, by the table's name. Raises SealError."""
    found = {}
    for table in STATE:
        columns = list(table.columns)
        sealed = [index for index, column in enumerate(columns) if _is_sealed(column)]
        rows = transaction.all(_READ[table])
        for row, index in itertools.product(rows, sealed):
            if row[index] is not None:
                row[index] = sealer.open(row[index], _place(columns, row, index))
        # SQLAlchemy's names are texts of a kind of their own.
        found[str(table.name)] = TableValues([str(column.name) for column in columns], list(rows))
    return found


def clear(transaction: Transaction) -> None:
    """Leave every account with nothing but its default resource group. The hosts are to remove everything."""
    rows = _lock(transaction)
    for table in STATE:
        transaction.run(_CLEAR[table])
    for row in rows:
        resource_groups.ensure_default(transaction, row.id, row.created_at)
    hosts.raise_revisions(transaction, [host.id for host in hosts.every(transaction)])


def replace(transaction: Transaction, known: Mapping[str, int], values: Checked) -> None:
    """Have this state of these accounts (by the time of their creation) and no other. Raises Damaged.

    ``values`` are what ``check`` returned.
    """
    for account_id in sorted(known):
        accounts.ensure(transaction, account_id, known[account_id])
    rows = _lock(transaction)
    with _keeping_rules(transaction):
        for table in STATE:
            transaction.run(_CLEAR[table])
            names = [str(column.name) for column in table.columns]
            for each in values[table]:
                transaction.run(_ADD[table], **dict(zip(names, each, strict=True)))
        for row in rows:
            resource_groups.ensure_default(transaction, row.id, row.created_at)
    hosts.surpass(transaction, hosts.LOCAL, int(transaction.scalar(_HIGHEST) or 0))


@contextlib.contextmanager
def _keeping_rules(transaction: Transaction) -> Iterator[None]:
    """Within the context what breaks a rule of the database's raises Damaged."""
    broken: tuple[type[Exception], ...] = (sqlite3.IntegrityError,)
    if transaction.flavour == POSTGRESQL:
        import psycopg

        broken = (psycopg.IntegrityError, psycopg.DataError)
    try:
        yield
    except broken as error:
        raise Damaged(f"it breaks a rule of the database's: {str(error).partition(chr(10))[0][:200]}") from error


def _lock(transaction: Transaction) -> list[accounts.AccountRow]:
    """Let no other write come in between. Returns the accounts."""
    rows = accounts.every(transaction)
    for row in rows:
        accounts.lock(transaction, row.id)
    return rows


def _is_sealed(column: Column[Any]) -> bool:
    return bool(column.info.get("sealed"))


def _place(columns: Sequence[Column[Any]], row: Sequence[Any], index: int) -> Place:
    """Where a sealed value is stored."""
    identity = [str(value) for column, value in zip(columns, row, strict=True) if column.primary_key]
    return Place(str(columns[index].table.name), "/".join(identity), str(columns[index].name))


def check(known: Mapping[str, int], tables: Mapping[str, TableValues], sealer: Sealer) -> Checked:
    """The rows as the database takes them, if it can. Raises Damaged."""
    if set(tables) != {table.name for table in STATE}:
        raise Damaged("it has other tables")
    for account_id, created_at in known.items():
        _value(accounts_table.c.id, account_id)
        _value(accounts_table.c.created_at, created_at)
    checked = {}
    for table in STATE:
        given = tables[table.name]
        if given.columns != [column.name for column in table.columns]:
            raise Damaged(f"{table.name} has other columns")
        columns = list(table.columns)
        rows = [_row(columns, row, known) for row in given.rows]
        sealed = [index for index, column in enumerate(columns) if _is_sealed(column)]
        for each, index in itertools.product(rows, sealed):
            if each[index] is not None:
                each[index] = sealer.seal(each[index], _place(columns, each, index))
        uniques = [table.primary_key, *(c for c in table.constraints if isinstance(c, UniqueConstraint))]
        for unique in uniques:
            _check_unique(table, columns, rows, [column.name for column in unique.columns])
        checked[table] = rows
    return checked


def _row(columns: Sequence[Column[Any]], row: Sequence[Any], known: Mapping[str, int]) -> list[Any]:
    if len(row) != len(columns):
        raise Damaged(f"a row of {columns[0].table.name} has {len(row)} values")
    values = [_value(column, value) for column, value in zip(columns, row, strict=True)]
    for column, value in zip(columns, values, strict=True):
        if column.name == "account_id" and value not in known:
            raise Damaged(f"{column.table.name} names an account that is none of the snapshot's")
    return values


def _value(column: Column[Any], value: Any) -> Any:
    """A value for one column. Raises Damaged."""
    if value is None and column.nullable:
        return None
    kind = column.type
    if isinstance(kind, Boolean):
        fits = isinstance(value, bool)
    elif isinstance(kind, BigInteger | Integer):
        bits = 63 if isinstance(kind, BigInteger) else 31
        fits = isinstance(value, int) and not isinstance(value, bool) and -(2**bits) <= value < 2**bits
    elif _is_sealed(column):
        if not isinstance(value, str):
            raise Damaged(f"{column} is no text")
        return value
    elif isinstance(kind, String):
        fits = isinstance(value, str) and "\0" not in value and len(value) <= (kind.length or len(value))
    else:
        raise TypeError(f"{column} is of a type that is not thought of")
    if not fits:
        raise Damaged(f"{column} cannot be {str(value)[:40]!r}")
    return value


def _check_unique(
    table: Table, columns: Sequence[Column[Any]], rows: Iterable[Sequence[Any]], names: Sequence[str]
) -> None:
    places = [index for index, column in enumerate(columns) if column.name in names]
    seen: set[tuple[Any, ...]] = set()
    for row in rows:
        key = tuple(row[place] for place in places)
        if key in seen:
            raise Damaged(f"{table.name} has {key!r} twice")
        seen.add(key)
