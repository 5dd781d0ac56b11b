"""Moving what a host runs to other hosts, on a person's word.

Level-triggered: each round looks at what hosts that are being drained still have, and wants some of it removed there.
An item comes to another host when the first one has confirmed that it is gone (``folding``): an address is never at two
places. A gateway's other half carries on meanwhile; both halves are never away at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Sequence

from gatewright.clock import Clock
from gatewright.errors import ApiError
from gatewright.reconcile import placement
from gatewright.reconcile.placement import Hosts
from gatewright.reconcile.telling import of_gateway
from gatewright.resources.specs import Kind, Phase
from gatewright.resources.statuses import GatewayStatus
from gatewright.store import accounts, events, gateways, hosts, placements, vswitches
from gatewright.store.database import Database
from gatewright.store.hosts import HostRow
from gatewright.store.placements import PlacementRow
from gatewright.store.transaction import Transaction

#: Seconds between two rounds.
INTERVAL = 1.0
#: How many of a host's instances are on the way at a time.
AT_ONCE = 16
_MOVES = "one of its instances moves to another host"


async def drain_for_ever(database: Database, clock: Clock) -> None:
    """Move away what hosts that are being drained have, a round a second."""
    while True:
        # A database that does not answer is logged by the store; the next round does what this one did not.
        with contextlib.suppress(ApiError):
            if await database.read(_anything):
                await database.write(lambda transaction: drain(transaction, clock.now()))
        await asyncio.sleep(INTERVAL)


def drain(transaction: Transaction, now: int) -> None:
    """One round for every host that is being drained. ``now``: milliseconds since the epoch, for its events."""
    owners = {row.account_id for row in _leaving(transaction)}
    for account_id in sorted(owners):
        accounts.lock(transaction, account_id)
    hosts.lock_all(transaction)
    # Read again behind the locks: a write may have come in between.
    leaving = [row for row in _leaving(transaction) if row.account_id in owners]
    placement.carry(transaction, [row.item_id for row in leaving if row.kind == Kind.VSWITCH])
    placement.withdraw(transaction, leaving)
    moving = list(dict.fromkeys(row.resource_id for row in leaving if row.kind == Kind.INSTANCE))
    active = [row for row in gateways.find_all(transaction, moving) if row.status == GatewayStatus.ACTIVE]
    if active:
        gateways.set_status(transaction, [row.id for row in active], GatewayStatus.UPDATING.value)
        events.add(transaction, [of_gateway(row, GatewayStatus.UPDATING, now, _MOVES) for row in active])


def stuck(transaction: Transaction, host: HostRow) -> set[str]:
    """The zones of what a host has and no other host that is up can take."""
    known = Hosts(transaction)
    zones = _Zones(transaction, placements.living(transaction, host.id))
    return {zone for zone in zones.all() if not known.elsewhere(host.id, zone)}


class _Zones:
    """Which zones a host's items are of; a router is of its VPC's first vSwitch's."""

    def __init__(self, transaction: Transaction, rows: Sequence[PlacementRow]) -> None:
        by_kind: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            by_kind[row.kind].append(row.resource_id)
        self.instances = {
            row.id: row for row in gateways.instances_of(transaction, list(dict.fromkeys(by_kind[Kind.INSTANCE])))
        }
        self.vswitches = {row.id: row for row in vswitches.find_all(transaction, by_kind[Kind.VSWITCH])}
        self.vpcs: dict[str, str] = {}
        for vswitch in vswitches.of_vpcs(transaction, by_kind[Kind.ROUTER]):
            self.vpcs.setdefault(vswitch.vpc_id, vswitch.zone_id)
        self._rows = rows

    def of(self, row: PlacementRow) -> str | None:
        """The item's zone; None of one that is about to go for good."""
        if row.kind == Kind.INSTANCE:
            instance = self.instances.get(row.item_id)
            return None if instance is None else instance.zone_id
        if row.kind == Kind.VSWITCH:
            vswitch = self.vswitches.get(row.item_id)
            return None if vswitch is None or vswitch.deleting else vswitch.zone_id
        return self.vpcs.get(row.item_id)

    def all(self) -> set[str]:
        return {zone for row in self._rows if (zone := self.of(row)) is not None}


def _anything(transaction: Transaction) -> bool:
    return bool(_leaving(transaction))


def _leaving(transaction: Transaction) -> list[PlacementRow]:
    """What is to be removed from its host in this round."""
    known = Hosts(transaction)
    return [row for host in known.rows if host.draining for row in _leaving_from(transaction, known, host.id)]


def _leaving_from(transaction: Transaction, known: Hosts, host_id: str) -> list[PlacementRow]:
    rows = placements.of_host(transaction, host_id)
    living = [row for row in rows if not row.tombstone]
    zones = _Zones(transaction, rows)
    movable = [row for row in living if (zone := zones.of(row)) is not None and known.elsewhere(host_id, zone)]
    # A vSwitch is needed for as long as something is plugged into it.
    plugged = {instance.vswitch_id for row in rows if (instance := zones.instances.get(row.item_id)) is not None}
    routed = {row.item_id for row in rows if row.kind == Kind.ROUTER}
    # The router of a VPC without vSwitches has nothing to do anywhere: the next vSwitch gets one.
    idle = [row for row in living if row.kind == Kind.ROUTER and row.item_id not in zones.vpcs]
    leaving = [*idle, *(row for row in movable if row.kind == Kind.ROUTER)]
    leaving += [
        row
        for row in movable
        if row.kind == Kind.VSWITCH and row.item_id not in plugged and zones.vswitches[row.item_id].vpc_id not in routed
    ]
    on_the_way = sum(row.kind == Kind.INSTANCE and row.tombstone for row in rows)
    return leaving + _instances(transaction, movable, AT_ONCE - on_the_way)


def _instances(transaction: Transaction, movable: Sequence[PlacementRow], room: int) -> list[PlacementRow]:
    """So many instances at the most, and only one of a gateway, whose other half carries on meanwhile."""
    candidates = [row for row in movable if row.kind == Kind.INSTANCE]
    halves: dict[str, list[PlacementRow]] = defaultdict(list)
    for row in placements.of_resources(transaction, list(dict.fromkeys(row.resource_id for row in candidates))):
        halves[row.resource_id].append(row)
    chosen: dict[str, PlacementRow] = {}
    for row in candidates:
        if len(chosen) >= room:
            break
        if _spared(row, halves[row.resource_id]):
            chosen.setdefault(row.resource_id, row)
    return list(chosen.values())


def _spared(row: PlacementRow, halves: Sequence[PlacementRow]) -> bool:
    """Whether an instance can be away for a moment: nothing of its gateway is on the way, and another half carries."""
    if any(half.tombstone or half.phase in (None, Phase.APPLYING) for half in halves):
        return False
    return row.phase != Phase.READY or all(half.phase == Phase.READY for half in halves)
