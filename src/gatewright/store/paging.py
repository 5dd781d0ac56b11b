"""Pages of a table, filtered by columns and tags, newest first, with their total."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import BindParameter, Column, ColumnElement, FromClause, Select, bindparam, func, select

from gatewright.store.schema import tags
from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction

Row = TypeVar("Row")
#: A tag that rows must have: its key, and its value or None for any.
Tag = tuple[str, str | None]
#: The filter of tags: their keys and values, all of which a row must have.
TAGS = "tags"


class Contains(NamedTuple):
    """A text that a column's value must contain, cases told apart."""

    text: str


class Listing(Generic[Row]):
    """Pages of one table's rows.

    A filter is a column's name and one value, a sequence of values to be among, or :class:`Contains`; or :data:`TAGS`
    and a sequence of :data:`Tag`. ``joined`` names columns of tables that ``base`` joins and that may be filtered by
    too, ``related`` columns of other tables, and the column beside each that has the ids of the rows that it is of.
    """

    def __init__(
        self,
        base: Select[Any],
        source: FromClause,
        row_type: type[Row],
        joined: Mapping[str, ColumnElement[Any]] | None = None,
        related: Mapping[str, tuple[Column[Any], Column[Any]]] | None = None,
    ) -> None:
        self._base = base
        self._source = source
        self._columns = source.c
        self._joined = joined or {}
        self._related = related or {}
        self._joins = base.get_final_froms() != [source]
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
            if name.startswith(_TAG):
                statement = statement.where(self._columns.id.in_(_tagged(name, with_value=count > 0)))
                continue
            if name in self._related:
                told, ids = self._related[name]
                mark = bindparam(f"f_{name}", type_=told.type)
                statement = statement.where(self._columns.id.in_(select(ids).where(told == mark)))
                continue
            column: Any = self._joined[name] if name in self._joined else self._columns[name]
            if count == _CONTAINS:
                # Not LIKE: that has wildcards, and on SQLite does not tell cases apart.
                mark = bindparam(f"f_{name}", type_=column.type)
                statement = statement.where(func.replace(column, mark, "") != column)
            elif count < 0:
                statement = statement.where(column == bindparam(f"f_{name}", type_=column.type))
            else:
                marks = [bindparam(f"f_{name}_{i}", type_=column.type) for i in range(count)]
                statement = statement.where(column.in_(marks))
        return statement

    def _build_page(self, shape: tuple[tuple[str, int], ...]) -> Query[Row]:
        columns = self._columns
        newest_first = columns.created_at.desc(), columns.id.desc()
        size: BindParameter[int] = bindparam("size")
        skip: BindParameter[int] = bindparam("skip")
        if self._joins and not any(name in self._joined for name, _ in shape):
            # What is skipped is not joined: a late page would join all the pages before it.
            chosen = self._conditions(select(columns.id).select_from(self._source), shape)
            on_page = chosen.order_by(*newest_first).limit(size).offset(skip)
            return Query(self._base.where(columns.id.in_(on_page)).order_by(*newest_first), self._row_type)
        ordered = self._conditions(self._base, shape).order_by(*newest_first)
        return Query(ordered.limit(size).offset(skip), self._row_type)

    def _build_total(self, shape: tuple[tuple[str, int], ...]) -> Statement:
        if any(name in self._joined for name, _ in shape):
            counted = self._base.with_only_columns(func.count(self._columns.id))
        else:
            counted = select(func.count(self._columns.id)).select_from(self._source)
        return Statement(self._conditions(counted, shape))


#: In a filter's shape, stands for the number of values where one is to be contained.
_CONTAINS = -2
#: Begins the names of the single tags of the filter of tags.
_TAG = "tag_"


def _tagged(name: str, *, with_value: bool) -> Select[Any]:
    """The ids of what has one tag. Ids are unique over all accounts and kinds, so the tag's own row says enough."""
    found = select(tags.c.resource_id).where(tags.c.key == bindparam(f"f_{name}_key", type_=tags.c.key.type))
    found = found.where(tags.c.account_id == bindparam("f_account_id", type_=tags.c.account_id.type))
    return found.where(tags.c.value == bindparam(f"f_{name}_value", type_=tags.c.value.type)) if with_value else found


def _spread(filters: Mapping[str, Any]) -> tuple[tuple[tuple[str, int], ...], dict[str, Any]]:
    """The filters' shape, by which statements are cached, and their values by mark."""
    shape: list[tuple[str, int]] = []
    values: dict[str, Any] = {}
    for name, value in filters.items():
        if name == TAGS:
            for i, (key, wanted) in enumerate(value):
                shape.append((f"{_TAG}{i}", 0 if wanted is None else 1))
                values[f"f_{_TAG}{i}_key"] = key
                if wanted is not None:
                    values[f"f_{_TAG}{i}_value"] = wanted
        elif isinstance(value, Contains):
            shape.append((name, _CONTAINS))
            values[f"f_{name}"] = value.text
        elif isinstance(value, Sequence) and not isinstance(value, str):
            shape.append((name, len(value)))
            values.update({f"f_{name}_{i}": each for i, each in enumerate(value)})
        else:
            shape.append((name, -1))
            values[f"f_{name}"] = value
    return tuple(shape), values
