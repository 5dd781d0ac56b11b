"""How many instances a zone takes. A zone that nothing is said of takes any number."""

from __future__ import annotations

import msgspec
from sqlalchemy import bindparam, delete, func, insert, select

from gatewright.store.schema import instances, zone_capacities
from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction


class CapacityRow(msgspec.Struct, frozen=True):
    """One zone's capacity."""

    region_id: str
    zone_id: str
    instances: int


_c = zone_capacities.c
_COLUMNS = (_c.region_id, _c.zone_id, _c.instances)
_IS_ZONE = (_c.region_id == bindparam("of_region"), _c.zone_id == bindparam("of_zone"))
_ALL = Query(select(*_COLUMNS).order_by(_c.region_id, _c.zone_id), CapacityRow)
_OF_REGION = select(*_COLUMNS).where(_c.region_id == bindparam("of_region")).order_by(_c.zone_id)
_SEEN = Query(_OF_REGION, CapacityRow)
_CLAIMED = Query(_OF_REGION.with_for_update(), CapacityRow)
_ADD = Statement(insert(zone_capacities))
_DROP = Statement(delete(zone_capacities).where(*_IS_ZONE))
_DROP_ALL = Statement(delete(zone_capacities))
_PLACED = Statement(select(func.count(instances.c.id)).where(instances.c.zone_id == bindparam("in_zone")))


def every(transaction: Transaction) -> list[CapacityRow]:
    """All capacities."""
    return transaction.all(_ALL)


def free(transaction: Transaction, region_id: str, *, claim: bool = False) -> dict[str, int]:
    """How many more instances each zone of a region takes; zones without a capacity are not in it.

    With ``claim``, for an order, they are locked until the commit: what two orders see free they may not both take.
    """
    return {
        row.zone_id: row.instances - int(transaction.scalar(_PLACED, in_zone=row.zone_id))
        for row in transaction.all(_CLAIMED if claim else _SEEN, of_region=region_id)
    }


def put(transaction: Transaction, row: CapacityRow) -> None:
    """Say how many instances a zone takes."""
    drop(transaction, row.region_id, row.zone_id)
    transaction.run(_ADD, **msgspec.structs.asdict(row))


def drop(transaction: Transaction, region_id: str, zone_id: str) -> None:
    """Let a zone take any number again."""
    transaction.run(_DROP, of_region=region_id, of_zone=zone_id)


def drop_all(transaction: Transaction) -> None:
    """Let every zone take any number again."""
    transaction.run(_DROP_ALL)
