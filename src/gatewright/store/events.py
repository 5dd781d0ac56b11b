"""What happened to resources: rows that are written in the transaction of the change that they tell.

An account's events are counted from 1. They are added behind the account's lock, so whoever reads on from a number
misses nothing. Only the newest are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import bindparam, delete, func, insert, or_, select

from gatewright.resources.events import Event
from gatewright.store.schema import events
from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction

#: Events that are kept of an account; older ones are forgotten, within a minute.
MOST_KEPT = 10_000


class NumberedEvent(Event, frozen=True):
    """An event and its number."""

    number: int = 0


class Place(NamedTuple):
    """Where a reader is: behind the event of this number, which happened then. Behind number 0 is the beginning."""

    number: int
    happened_at: int


BEGINNING = Place(0, 0)
_c = events.c
_FIELDS = NumberedEvent.__struct_fields__
_of_account = _c.account_id == bindparam("of_account")


_SOURCE = {name: bindparam(f"new_{name}", type_=_c[name].type) for name in Event.__struct_fields__}
_ADD = Statement(
    insert(events).from_select(
        [*_SOURCE, "number"],
        select(*_SOURCE.values(), func.coalesce(func.max(_c.number), 0) + 1).where(
            _c.account_id == bindparam("new_account_id", type_=_c.account_id.type)
        ),
    )
)
_PLACE = select(_c.number, _c.happened_at).where(_of_account)
_NEWEST = Query(_PLACE.order_by(_c.number.desc()).limit(1), Place)
_OLDEST = Query(_PLACE.order_by(_c.number).limit(1), Place)
_AT = Query(_PLACE.where(_c.number == bindparam("at_number")), Place)
_LAST_TEXT = Statement(
    select(_c.text).where(_of_account, _c.resource_id == bindparam("of_resource")).order_by(_c.number.desc()).limit(1)
)
_THESE = (
    select(*(_c[name] for name in _FIELDS))
    .where(
        _of_account,
        _c.number > bindparam("behind"),
        _c.number <= bindparam("upto"),
        or_(bindparam("of_region", type_=_c.region_id.type) == "", _c.region_id == bindparam("of_region")),
        or_(bindparam("of_resource", type_=_c.resource_id.type) == "", _c.resource_id == bindparam("of_resource")),
    )
    .limit(bindparam("most"))
)
_NEXT = Query(_THESE.order_by(_c.number), NumberedEvent)
_LAST = Query(_THESE.order_by(_c.number.desc()), NumberedEvent)
_TRIM = Statement(delete(events).where(_of_account, _c.number <= bindparam("upto")))


def add(transaction: Transaction, happened: Sequence[Event]) -> None:
    """Note what happened, in this order. The accounts are locked."""
    if happened:
        transaction.run_each(
            _ADD,
            [{f"new_{name}": value for name, value in msgspec.structs.asdict(event).items()} for event in happened],
        )


def newest(transaction: Transaction, account_id: str) -> Place:
    """Behind the account's last event."""
    return transaction.one(_NEWEST, of_account=account_id) or BEGINNING


def is_known(transaction: Transaction, account_id: str, place: Place) -> bool:
    """Whether all events behind a place are still there.

    They are not when older ones were forgotten meanwhile, or when others have their numbers: the state was replaced.
    """
    oldest = transaction.one(_OLDEST, of_account=account_id)
    if place.number == 0 or (oldest is not None and place.number == oldest.number - 1):
        return oldest is None or oldest.number == place.number + 1
    return transaction.one(_AT, of_account=account_id, at_number=place.number) == place


def following(
    transaction: Transaction,
    account_id: str,
    behind: Place,
    upto: Place,
    most: int,
    *,
    region_id: str = "",
    resource_id: str = "",
) -> list[NumberedEvent]:
    """The first ``most`` of an account's events between two places, in order; of a region and a resource if named."""
    return transaction.all(
        _NEXT,
        of_account=account_id,
        behind=behind.number,
        upto=upto.number,
        most=most,
        of_region=region_id,
        of_resource=resource_id,
    )


def last(
    transaction: Transaction, account_id: str, upto: Place, most: int, *, region_id: str = "", resource_id: str = ""
) -> list[NumberedEvent]:
    """The last ``most`` of an account's events up to a place, in order; of a region and a resource if named."""
    found = transaction.all(
        _LAST,
        of_account=account_id,
        behind=0,
        upto=upto.number,
        most=most,
        of_region=region_id,
        of_resource=resource_id,
    )
    return found[::-1]


def last_text(transaction: Transaction, account_id: str, resource_id: str) -> str | None:
    """What a resource's last event says, or None."""
    found: str | None = transaction.scalar(_LAST_TEXT, of_account=account_id, of_resource=resource_id)
    return found


def trim(transaction: Transaction, account_ids: Sequence[str]) -> None:
    """Forget all but the newest events of some accounts."""
    for account_id in account_ids:
        upto = newest(transaction, account_id).number - MOST_KEPT
        if upto > 0:
            transaction.run(_TRIM, of_account=account_id, upto=upto)
