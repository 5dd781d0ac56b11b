"""Tags of resources, whatever their kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Select, bindparam, delete, func, insert, or_, select, update

from gatewright.store.among import QueryAmong, StatementAmong
from gatewright.store.schema import tags
from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction


class TagRow(msgspec.Struct, frozen=True):
    """One tag of one resource."""

    account_id: str
    region_id: str
    resource_type: str
    resource_id: str
    key: str
    value: str


class KeyValue(msgspec.Struct, frozen=True):
    """A tag without its resource."""

    key: str
    value: str


_COLUMNS = tuple(tags.c[name] for name in TagRow.__struct_fields__)
_OF = QueryAmong(select(*_COLUMNS), tags.c.resource_id, TagRow)
_ADD = Statement(insert(tags))
_IS_TAG = (tags.c.resource_id == bindparam("of_resource"), tags.c.key == bindparam("of_key"))
_SET = Statement(update(tags).where(*_IS_TAG).values(value=bindparam("new_value")))
_DROP_KEY = StatementAmong(delete(tags).where(tags.c.key == bindparam("of_key")), tags.c.resource_id)
_DROP_ALL = StatementAmong(delete(tags), tags.c.resource_id)


def of(transaction: Transaction, resource_ids: Sequence[str]) -> dict[str, list[KeyValue]]:
    """The tags of some resources, by key."""
    found: dict[str, list[KeyValue]] = defaultdict(list)
    for row in sorted(_OF.rows(transaction, resource_ids), key=lambda row: row.key):
        found[row.resource_id].append(KeyValue(row.key, row.value))
    return found


def put(transaction: Transaction, row: TagRow) -> None:
    """Give a resource a tag, or the tag of that key another value."""
    if transaction.run(_SET, of_resource=row.resource_id, of_key=row.key, new_value=row.value) == 0:
        transaction.run(_ADD, **msgspec.structs.asdict(row))


def drop(transaction: Transaction, resource_ids: Sequence[str], keys: Sequence[str] | None = None) -> None:
    """Take some tags, or without keys all, from some resources."""
    if keys is None:
        _DROP_ALL.run(transaction, resource_ids)
        return
    for key in keys:
        _DROP_KEY.run(transaction, resource_ids, of_key=key)


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which tags are listed. What is None or empty does not restrict."""

    account_id: str
    region_id: str
    resource_type: str | None = None
    resource_ids: tuple[str, ...] = ()
    #: Resources that have all of these; a value of None is any.
    having: tuple[tuple[str, str | None], ...] = ()
    #: Keys that contain this text.
    keyword: str | None = None

    @property
    def shape(self) -> tuple[bool, int, tuple[bool, ...], bool]:
        """What the statement depends on."""
        return (
            self.resource_type is not None,
            len(self.resource_ids),
            tuple(value is not None for _, value in self.having),
            self.keyword is not None,
        )

    @property
    def values(self) -> dict[str, Any]:
        """What the statement is run with."""
        values: dict[str, Any] = {"of_account": self.account_id, "of_region": self.region_id}
        if self.resource_type is not None:
            values["of_type"] = self.resource_type
        values |= {f"id_{i}": resource_id for i, resource_id in enumerate(self.resource_ids)}
        for i, (key, value) in enumerate(self.having):
            values[f"key_{i}"] = key
            if value is not None:
                values[f"value_{i}"] = value
        if self.keyword is not None:
            values["keyword"] = self.keyword
        return values


def page(transaction: Transaction, selection: Selection, *, after: tuple[str, str], size: int) -> list[TagRow]:
    """Tags with their resources, by resource and key, after a place."""
    query = _page(selection.shape)
    return transaction.all(query, **selection.values, after_0=after[0], after_1=after[1], size=size)


def distinct_page(
    transaction: Transaction, selection: Selection, *, after: tuple[str, str], size: int
) -> list[KeyValue]:
    """Keys and values that are in use, each once, in order, after a place."""
    query = _distinct_page(selection.shape)
    return transaction.all(query, **selection.values, after_0=after[0], after_1=after[1], size=size)


def keys_page(transaction: Transaction, selection: Selection, *, after: str, size: int) -> list[str]:
    """Keys that are in use, each once, in order, after a place."""
    rows = transaction.all(_keys_page(selection.shape), **selection.values, after_0=after, size=size)
    return [row.key for row in rows]


class _Key(msgspec.Struct, frozen=True):
    key: str


@lru_cache(maxsize=256)
def _page(shape: tuple[Any, ...]) -> Query[TagRow]:
    place = tags.c.resource_id, tags.c.key
    after = or_(place[0] > bindparam("after_0"), (place[0] == bindparam("after_0")) & (place[1] > bindparam("after_1")))
    chosen = _select(select(*_COLUMNS), shape).where(after)
    return Query(chosen.order_by(*place).limit(bindparam("size")), TagRow)


@lru_cache(maxsize=256)
def _distinct_page(shape: tuple[Any, ...]) -> Query[KeyValue]:
    place = tags.c.key, tags.c.value
    after = or_(place[0] > bindparam("after_0"), (place[0] == bindparam("after_0")) & (place[1] > bindparam("after_1")))
    chosen = _select(select(*place).distinct(), shape).where(after)
    return Query(chosen.order_by(*place).limit(bindparam("size")), KeyValue)


@lru_cache(maxsize=256)
def _keys_page(shape: tuple[Any, ...]) -> Query[_Key]:
    chosen = _select(select(tags.c.key).distinct(), shape).where(tags.c.key > bindparam("after_0"))
    return Query(chosen.order_by(tags.c.key).limit(bindparam("size")), _Key)


def _select(base: Select[Any], shape: tuple[bool, int, tuple[bool, ...], bool]) -> Select[Any]:
    of_type, resource_ids, having, keyword = shape
    chosen = base.where(tags.c.account_id == bindparam("of_account"), tags.c.region_id == bindparam("of_region"))
    if of_type:
        chosen = chosen.where(tags.c.resource_type == bindparam("of_type"))
    if resource_ids:
        chosen = chosen.where(tags.c.resource_id.in_([bindparam(f"id_{i}") for i in range(resource_ids)]))
    for i, with_value in enumerate(having):
        other = tags.alias(f"other_{i}")
        has = select(other.c.resource_id).where(
            other.c.account_id == bindparam("of_account"), other.c.key == bindparam(f"key_{i}")
        )
        if with_value:
            has = has.where(other.c.value == bindparam(f"value_{i}"))
        chosen = chosen.where(tags.c.resource_id.in_(has))
    if keyword:
        # Not LIKE: that has wildcards, and on SQLite does not tell cases apart.
        chosen = chosen.where(func.replace(tags.c.key, bindparam("keyword"), "") != tags.c.key)
    return chosen
