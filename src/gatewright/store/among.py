"""Statements about many rows by one key, in few round trips: ``WHERE key IN (...)`` of a few fixed sizes.

A list is filled up with its last value to the next size, so that there are only as many statements to compile and to
prepare as there are sizes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import Column, Delete, Select, Update, bindparam

from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction

Row = TypeVar("Row")
_SIZES = (2, 10, 50)


def _marks(column: Column[Any], size: int) -> Any:
    return column.in_([bindparam(f"among_{i}", type_=column.type) for i in range(size)])


def _chunks(values: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    for start in range(0, len(values), _SIZES[-1]):
        chunk = list(values[start : start + _SIZES[-1]])
        size = next(size for size in _SIZES if size >= len(chunk))
        chunk += chunk[-1:] * (size - len(chunk))
        yield size, {f"among_{i}": value for i, value in enumerate(chunk)}


class QueryAmong(Generic[Row]):
    """Rows whose column is among some values."""

    def __init__(self, base: Select[Any], column: Column[Any], row_type: type[Row]) -> None:
        self._queries = {size: Query(base.where(_marks(column, size)), row_type) for size in _SIZES}

    def rows(self, transaction: Transaction, among: Sequence[str], **values: Any) -> list[Row]:
        """The rows, in no order that counts."""
        found: list[Row] = []
        for size, marks in _chunks(among):
            found += transaction.all(self._queries[size], **marks, **values)
        return found


class StatementAmong:
    """A change of the rows whose column is among some values."""

    def __init__(self, base: Update | Delete, column: Column[Any]) -> None:
        self._statements = {size: Statement(base.where(_marks(column, size))) for size in _SIZES}

    def run(self, transaction: Transaction, among: Sequence[str], **values: Any) -> None:
        """Change them all alike."""
        for size, marks in _chunks(among):
            transaction.run(self._statements[size], **marks, **values)
