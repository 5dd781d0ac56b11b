"""Pages of a table, filtered, newest first, with their total."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Generic, TypeVar

from sqlalchemy import FromClause, Select, bindparam, func, select

from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction

Row = TypeVar("Row")


class Listing(Generic[Row]):
    """Pages of one table's rows. A filter is a column's name and one value, or a sequence of values to be among."""

    def __init__(self, base: Select[Any], source: FromClause, row_type: type[Row]) -> None:
        self._base = base
        self._columns = source.c
        self._row_type = row_type
        self._page = lru_cache(maxsize=256)(self._build_page)
        self._total = lru_cache(maxsize=256)(self._build_total)

    def page(
        self, transaction: Transaction, filters: Mapping[str, Any], *, number: int, size: int
    ) -> tuple[list[Row], int]:
        """The rows of page ``number`` (from 1) and how many rows pass the filters in all."""
        shape, values = _spread(filters)
        rows = transaction.all(self._page(shape), **values, size=size, skip=(number - 1) * size)
        if number == 1 and len(rows) < size:
            return rows, len(rows)
        return rows, int(transaction.scalar(self._total(shape), **values))

    def rows(self, transaction: Transaction, filters: Mapping[str, Any], *, number: int, size: int) -> list[Row]:
        """The rows alone, for a caller that knows the total."""
        shape, values = _spread(filters)
        return transaction.all(self._page(shape), **values, size=size, skip=(number - 1) * size)

    def _conditions(self, statement: Select[Any], shape: tuple[tuple[str, int], ...]) -> Select[Any]:
        for name, count in shape:
            column: Any = self._columns[name]
            if count < 0:
                statement = statement.where(column == bindparam(f"f_{name}", type_=column.type))
            else:
                marks = [bindparam(f"f_{name}_{i}", type_=column.type) for i in range(count)]
                statement = statement.where(column.in_(marks))
        return statement

    def _build_page(self, shape: tuple[tuple[str, int], ...]) -> Query[Row]:
        columns = self._columns
        ordered = self._conditions(self._base, shape).order_by(columns.created_at.desc(), columns.id.desc())
        return Query(ordered.limit(bindparam("size")).offset(bindparam("skip")), self._row_type)

    def _build_total(self, shape: tuple[tuple[str, int], ...]) -> Statement:
        counted = self._columns.id
        return Statement(self._conditions(select(func.count(counted)).select_from(counted.table), shape))


def _spread(filters: Mapping[str, Any]) -> tuple[tuple[tuple[str, int], ...], dict[str, Any]]:
    """The filters' shape, by which statements are cached, and their values by mark."""
    shape: list[tuple[str, int]] = []
    values: dict[str, Any] = {}
    for name, value in filters.items():
        if isinstance(value, Sequence) and not isinstance(value, str):
            shape.append((name, len(value)))
            values.update({f"f_{name}_{i}": each for i, each in enumerate(value)})
        else:
            shape.append((name, -1))
            values[f"f_{name}"] = value
    return tuple(shape), values
