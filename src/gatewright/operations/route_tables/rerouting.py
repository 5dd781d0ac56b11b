"""What follows from a change of custom entries: routers that must know, gateways that are led to, published routes."""

from __future__ import annotations

from collections.abc import Iterable

from gatewright.operations.call import Call
from gatewright.operations.route_tables.next_hops import VPN_GATEWAY
from gatewright.operations.vpn_gateways.updating import want_anew
from gatewright.store import connections, gateways, route_tables, vpn_policies, vpn_routes
from gatewright.store.route_tables import RouteEntryRow, RouteTableRow


def reroute(call: Call, vpc_ids: Iterable[str], next_hops: Iterable[str]) -> None:
    """Have the routers of VPCs know of changed entries, and the gateways that these led or lead to.

    A gateway without connections offers its VPC nothing, whatever leads to it.
    """
    ids = sorted(set(next_hops))
    rows = [
        row
        for row in gateways.find_all(call.transaction, ids)
        if connections.one_of(call.transaction, row.id) is not None
    ]
    want_anew(call, rows, "its VPC's routes change", sorted(set(vpc_ids)))


def entry_left(call: Call, table: RouteTableRow, entry: RouteEntryRow) -> None:
    """An entry is deleted, or leads elsewhere: VPN routes that it stood for are published no longer."""
    if table.type == route_tables.SYSTEM and entry.next_hop_type == VPN_GATEWAY:
        vpn_routes.withdraw(call.transaction, entry.next_hop_id, entry.destination)
        vpn_policies.withdraw(call.transaction, entry.next_hop_id, entry.destination)
