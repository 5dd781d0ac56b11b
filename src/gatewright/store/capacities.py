"""How many instances a zone takes. A zone that nothing is said of takes any number.

Of a zone with a capacity the instances in it are counted as they come and go. Orders of other accounts that are under
way while a zone is given its first capacity may not be in the count; nothing but steering does that.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import bindparam, delete, func, insert, select, update

from gatewright.store.schema import instances, vpn_gateways, zone_capacities
from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction


class CapacityRow(msgspec.Struct, frozen=True):
    """One zone's capacity, and how many instances are in it."""

    region_id: str
    zone_id: str
    instances: int
    used: int


_c = zone_capacities.c
_COLUMNS = (_c.region_id, _c.zone_id, _c.instances, _c.used)
_IS_ZONE = (_c.region_id == bindparam("of_region"), _c.zone_id == bindparam("of_zone"))
_ALL = Query(select(*_COLUMNS).order_by(_c.region_id, _c.zone_id), CapacityRow)
_OF_REGION = select(*_COLUMNS).where(_c.region_id == bindparam("of_region")).order_by(_c.zone_id)
_SEEN = Query(_OF_REGION, CapacityRow)
_CLAIMED = Query(_OF_REGION.with_for_update(), CapacityRow)
_ADD = Statement(insert(zone_capacities))
_SET = Statement(update(zone_capacities).where(*_IS_ZONE).values(instances=bindparam("new_instances")))
_COUNT = Statement(update(zone_capacities).where(*_IS_ZONE).values(used=_c.used + bindparam("change")))
_DROP = Statement(delete(zone_capacities).where(*_IS_ZONE))
_PLACED = Statement(
    select(func.count(instances.c.id))
    .join(vpn_gateways, vpn_gateways.c.id == instances.c.gateway_id)
    .where(vpn_gateways.c.region_id == bindparam("of_region"), instances.c.zone_id == bindparam("of_zone"))
)


def every(transaction: Transaction) -> list[CapacityRow]:
    """All capacities."""
    return transaction.all(_ALL)


def free(transaction: Transaction, region_id: str, *, claim: bool = False) -> dict[str, int]:
    """How many more instances each zone of a region takes; zones without a capacity are not in it.

    With ``claim``, for an order, they are locked until the commit: what two orders see free they may not both take.
    """
    rows = transaction.all(_CLAIMED if claim else _SEEN, of_region=region_id)
    return {row.zone_id: row.instances - row.used for row in rows}


def put(transaction: Transaction, region_id: str, zone_id: str, most: int) -> None:
    """Say how many instances a zone takes. It may have more than that already: then it takes none."""
    zone = {"of_region": region_id, "of_zone": zone_id}
    if transaction.run(_SET, **zone, new_instances=most) == 0:
        used = int(transaction.scalar(_PLACED, **zone))
        transaction.run(_ADD, region_id=region_id, zone_id=zone_id, instances=most, used=used)


def count(transaction: Transaction, zones: Sequence[tuple[str, str]], change: int) -> None:
    """Count an instance in or out, by 1 or -1, in each of some zones (region and id), where they have a capacity.

    Zones are locked before addresses and hosts, in their order.
    """
    for region_id, zone_id in sorted(zones):
        transaction.run(_COUNT, of_region=region_id, of_zone=zone_id, change=change)


def drop(transaction: Transaction, region_id: str, zone_id: str) -> None:
    """Let a zone take any number again."""
    transaction.run(_DROP, of_region=region_id, of_zone=zone_id)
