"""Which host runs what.

Without host configuration the local host stands for every zone of every region. Where hosts are chosen is here and
nowhere else.
"""

from __future__ import annotations

from gatewright.resources.specs import ItemKey, Kind
from gatewright.store import hosts, placements
from gatewright.store.transaction import Transaction
from gatewright.store.vswitches import VSwitchRow


def host_of_zone(region_id: str, zone_id: str) -> str:  # noqa: ARG001 - one host stands for all zones
    """The host that takes what belongs to a zone."""
    return hosts.LOCAL


def place_vswitch(transaction: Transaction, row: VSwitchRow) -> None:
    """Want a new vSwitch on its zone's host."""
    host = host_of_zone(row.region_id, row.zone_id)
    placements.place(transaction, [ItemKey(Kind.VSWITCH, row.id)], host, row.account_id, row.id)


def place_instances(
    transaction: Transaction, account_id: str, gateway_id: str, region_id: str, instances: list[tuple[str, str]]
) -> None:
    """Want a new gateway's instances, given as id and zone, on their zones' hosts. Locks hosts in id order."""
    chosen: dict[str, list[ItemKey]] = {}
    for instance_id, zone_id in instances:
        chosen.setdefault(host_of_zone(region_id, zone_id), []).append(ItemKey(Kind.INSTANCE, instance_id))
    for host in sorted(chosen):
        placements.place(transaction, chosen[host], host, account_id, gateway_id)
