"""What the diagnosis of tunnels depends on, read from the rows."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network
from typing import NamedTuple

from gatewright.operations.call import Call
from gatewright.reconcile.vpn_routing import learning, routing
from gatewright.resources.compile_vpn_routes import NO_ROUTES, RoutingFacts
from gatewright.resources.diagnosis import Situation
from gatewright.resources.tunnel_states import TunnelStatus
from gatewright.resources.tunnels import EVERYWHERE
from gatewright.store import gateways, hosts, placements, tunnel_states, tunnels, vpcs
from gatewright.store.connections import ConnectionView
from gatewright.store.tunnels import TunnelView


class Diagnosed(NamedTuple):
    """One tunnel of a connection, and how it stands."""

    connection: ConnectionView
    tunnel: TunnelView
    situation: Situation


class Place(NamedTuple):
    """How an instance stands on its host."""

    #: It runs what is wanted there.
    current: bool
    #: Its host has not been heard of lately.
    away: bool
    #: What its host says is wrong.
    detail: str


Places = dict[str, Place]
_NOWHERE = Place(current=False, away=False, detail="")


def situations(call: Call, rows: Sequence[ConnectionView]) -> list[Diagnosed]:
    """How the tunnels of some connections stand, in the order of these and of the tunnels in them."""
    gateway_ids = list(dict.fromkeys(row.gateway_id for row in rows if row.gateway_id is not None))
    found = gateways.find_all(call.transaction, gateway_ids)
    routes = routing(call.transaction, found)
    vpc_of = {row.id: row.vpc_id for row in found}
    vpc_ids = list(dict.fromkeys(vpc_of.values()))
    learnt, networks = learning(call.transaction, vpc_ids), vpcs.networks(call.transaction, vpc_ids)
    places = places_of(call, gateway_ids)
    ends = tunnels.of_connections(call.transaction, [row.id for row in rows])
    diagnosed = []
    for row in rows:
        # an attachment has no gateway, and no routes here
        facts = routes.get(row.gateway_id or "", NO_ROUTES)
        propagates = row.gateway_id is not None and bool(learnt[vpc_of[row.gateway_id]].tables)
        own = [] if row.gateway_id is None else _own(row, networks[vpc_of[row.gateway_id]])
        for tunnel in ends[row.id]:
            led_into, led_to = _led(row, tunnel, facts, propagates=propagates)
            place = places.get(tunnel.instance_id or "", _NOWHERE)
            diagnosed.append(
                Diagnosed(
                    row,
                    tunnel,
                    Situation(
                        dual=row.dual_tunnel,
                        attached=tunnel.instance_id is not None,
                        nat_traversal=tunnel.enable_nat_traversal,
                        seen=tunnel.seen_at is not None,
                        at=tunnel.seen_at or 0,
                        status=TunnelStatus(tunnel.status),
                        troubles=tunnel_states.troubles_of(tunnel),
                        detail=tunnel.detail,
                        clock_ahead=tunnel.clock_ahead,
                        current=place.current,
                        away=place.away,
                        own=own,
                        led_into=led_into,
                        led_to=led_to,
                    ),
                )
            )
    return diagnosed


def places_of(call: Call, gateway_ids: Sequence[str]) -> Places:
    """How the instances of some gateways stand, by their ids; those that are placed nowhere are not in it."""
    up = {row.id: row.up(call.now) for row in hosts.every(call.transaction)}
    return {
        row.item_id: Place(row.seen.current, not up.get(row.host_id, False), row.detail)
        for row in placements.of_resources(call.transaction, gateway_ids)
        if not row.tombstone
    }


def _led(row: ConnectionView, tunnel: TunnelView, facts: RoutingFacts, *, propagates: bool) -> tuple[bool, bool]:
    """Whether something is led into a tunnel, and from the VPC to its gateway for what is behind it."""
    if row.gateway_id is None:
        return True, True
    behind = {each.destination for each in facts.routes if each.connection_id == row.id}
    behind |= {each.destination for each in facts.policies if each.connection_id == row.id}
    routed = row.local_subnets == row.remote_subnets == EVERYWHERE
    if not routed:
        behind |= set(row.remote_subnets.split(","))
    into = bool(behind) or tunnel.bgp_enabled
    return into, (tunnel.bgp_enabled and propagates) or _overlap(behind, facts.wanted)


def _own(row: ConnectionView, networks: Sequence[str]) -> list[str]:
    """The networks behind a connection that lie within its VPC's."""
    inside = [IPv4Network(each) for each in networks]
    return [
        each for each in row.remote_subnets.split(",") if any(IPv4Network(each).subnet_of(other) for other in inside)
    ]


def _overlap(some: set[str], others: Sequence[str]) -> bool:
    networks = [IPv4Network(each) for each in others]
    return any(IPv4Network(each).overlaps(other) for each in some for other in networks)
