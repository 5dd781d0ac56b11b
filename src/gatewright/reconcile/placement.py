"""Which host runs what.

Without host configuration the local host stands for every zone of every region. Where hosts are chosen is here and
nowhere else. Writes that concern several hosts lock them in the order of their ids.
"""

from __future__ import annotations

from collections.abc import Iterable

from gatewright.resources.specs import ItemKey, Kind
from gatewright.store import hosts, placements
from gatewright.store.transaction import Transaction
from gatewright.store.vswitches import VSwitchRow


def host_of_zone(region_id: str, zone_id: str) -> str:  # noqa: ARG001 - one host stands for all zones
    """The host that takes what belongs to a zone."""
    return hosts.LOCAL


def place_vswitch(transaction: Transaction, row: VSwitchRow) -> None:
    """Want a new vSwitch on its zone's host, and its VPC's router plugged into it.

    The router is on the host of the VPC's first vSwitch, and the vSwitch spans both hosts if they are not one.
    """
    host = host_of_zone(row.region_id, row.zone_id)
    routers = _routers(transaction, [row.vpc_id])
    at = {host, *(router.host_id for router in routers)}
    revisions = hosts.raise_revisions(transaction, at)
    for each in sorted(at):
        placements.place(
            transaction, [ItemKey(Kind.VSWITCH, row.id)], each, row.account_id, row.id, revision=revisions[each]
        )
    if routers:
        placements.want_next(transaction, routers, revisions)
    else:
        placements.place(
            transaction,
            [ItemKey(Kind.ROUTER, row.vpc_id)],
            host,
            row.account_id,
            row.vpc_id,
            revision=revisions[host],
        )


def bury_vswitch(transaction: Transaction, row: VSwitchRow) -> None:
    """Want a vSwitch removed, and its VPC's router unplugged from it."""
    bridges = placements.of_resources(transaction, [row.id])
    routers = _routers(transaction, [row.vpc_id])
    revisions = hosts.raise_revisions(transaction, [item.host_id for item in (*bridges, *routers)])
    placements.bury_these(transaction, bridges, revisions)
    placements.want_next(transaction, routers, revisions)


def reroute(transaction: Transaction, vpc_ids: Iterable[str]) -> None:
    """Have the routers of VPCs know what has changed in the VPCs' route tables."""
    routers = _routers(transaction, list(dict.fromkeys(vpc_ids)))
    revisions = hosts.raise_revisions(transaction, [router.host_id for router in routers])
    placements.want_next(transaction, routers, revisions)


def bury_router(transaction: Transaction, vpc_id: str) -> None:
    """Want a VPC's router removed."""
    placements.bury(transaction, vpc_id)


def place_instances(
    transaction: Transaction, account_id: str, gateway_id: str, region_id: str, instances: list[tuple[str, str]]
) -> None:
    """Want a new gateway's instances, given as id and zone, on their zones' hosts. Locks hosts in id order."""
    chosen: dict[str, list[ItemKey]] = {}
    for instance_id, zone_id in instances:
        chosen.setdefault(host_of_zone(region_id, zone_id), []).append(ItemKey(Kind.INSTANCE, instance_id))
    for host in sorted(chosen):
        placements.place(transaction, chosen[host], host, account_id, gateway_id)


def _routers(transaction: Transaction, vpc_ids: list[str]) -> list[placements.PlacementRow]:
    """The routers of VPCs that are not being removed."""
    return [row for row in placements.of_resources(transaction, vpc_ids) if not row.tombstone]
