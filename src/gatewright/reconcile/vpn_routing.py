"""What decides where gateways' traffic goes, read for all that one answer to an agent needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from gatewright.resources.addresses import dotted
from gatewright.resources.compile_vpn_routes import PolicyFacts, RouteFacts, RoutingFacts, compile_neighbours
from gatewright.resources.tunnels import RouterNeighbour
from gatewright.store import route_tables, tunnels, vpn_policies, vpn_routes
from gatewright.store.gateways import GatewayRow
from gatewright.store.transaction import Transaction
from gatewright.store.tunnels import End


def routing(transaction: Transaction, rows: Sequence[GatewayRow]) -> dict[str, RoutingFacts]:
    """The routes of gateways that have tunnels, by the gateway's id."""
    ids = [row.id for row in rows]
    routes: dict[str, list[RouteFacts]] = defaultdict(list)
    for route in vpn_routes.of_gateways(transaction, ids):
        routes[route.gateway_id].append(
            RouteFacts(destination=route.destination, connection_id=route.connection_id, weight=route.weight)
        )
    policies: dict[str, list[PolicyFacts]] = defaultdict(list)
    for policy in vpn_policies.of_gateways(transaction, ids):
        policies[policy.gateway_id].append(
            PolicyFacts(
                source=policy.source,
                destination=policy.destination,
                connection_id=policy.connection_id,
                weight=policy.weight,
                priority=policy.priority,
            )
        )
    wanted: dict[str, list[str]] = defaultdict(list)
    for entry in route_tables.leading_to(transaction, ids):
        wanted[entry.next_hop_id].append(entry.destination)
    return {
        row.id: RoutingFacts(
            routes=tuple(routes[row.id]),
            policies=tuple(policies[row.id]),
            wanted=tuple(wanted[row.id]),
            weighted=row.disaster_recovery_vswitch_id is None,
        )
        for row in rows
    }


class Learning(NamedTuple):
    """Whom a VPC's router learns from, and the route tables that what customers announce comes into by itself."""

    neighbours: tuple[RouterNeighbour, ...]
    tables: frozenset[str]


def learning(transaction: Transaction, vpc_ids: Sequence[str]) -> dict[str, Learning]:
    """What the routers of VPCs learn, by the VPC's id.

    What customers announce by BGP comes into the system table alone, as long as a gateway propagates it
    (``AutoPropagate``) and the table takes it (``RoutePropagationEnable``).
    """
    found: dict[str, list[End]] = {vpc_id: [] for vpc_id in vpc_ids}
    for end in tunnels.ends(transaction, vpc_ids):
        found[end.vpc_id].append(end)
    told = [vpc_id for vpc_id, ends in found.items() if any(end.bgp and end.propagates for end in ends)]
    systems = [table for table in route_tables.of_vpcs(transaction, told) if table.type == route_tables.SYSTEM]
    taking = {table.vpc_id: frozenset((table.id,)) for table in systems if table.propagation}
    return {
        vpc_id: Learning(
            compile_neighbours({(end.instance_id, end.role, dotted(end.private_address)) for end in ends}),
            taking.get(vpc_id, frozenset()),
        )
        for vpc_id, ends in found.items()
    }
