"""Where a gateway's instances send what is for customers, and what they offer their VPC's router.

Pure: from a gateway's routes and the tunnels that end at one instance to the parts of its spec.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network

import msgspec

from gatewright.resources.tunnels import Announcement, RouterNeighbour, TunnelSpec, VpnPolicy, VpnRoute

#: The weights that the API knows: of the route in use, and of the one that waits until it cannot be.
ACTIVE, STANDBY = 100, 0
#: The first and the last address of a network.
_Span = tuple[int, int]
#: What a VPC's router prefers, of the instances that offer the same destination.
PREFERENCES = {"master": 200, "slave": 100}


class RouteFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A destination-based route."""

    destination: str
    connection_id: str
    weight: int


class PolicyFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A policy-based route."""

    source: str
    destination: str
    connection_id: str
    weight: int
    priority: int


class RoutingFacts(msgspec.Struct, frozen=True, kw_only=True):
    """All that decides of where a gateway's traffic goes; routes in the order in which they were made."""

    routes: tuple[RouteFacts, ...] = ()
    policies: tuple[PolicyFacts, ...] = ()
    #: Destinations that tables of the VPC lead to the gateway.
    wanted: tuple[str, ...] = ()
    #: Whether weights count. On a dual-tunnel gateway they mean nothing: of several routes alike the oldest is used.
    weighted: bool = True


#: Of a gateway without tunnels: whatever routes it had would lead nowhere.
NO_ROUTES = RoutingFacts()


def compile_routes(tunnels: Sequence[TunnelSpec], facts: RoutingFacts) -> tuple[VpnRoute, ...]:
    """The destination-based routes of the instance that the tunnels end at, by destination and tunnel."""
    found = []
    before: set[str] = set()
    for route in facts.routes:
        weight = _weight(route.weight, facts.weighted, again=route.destination in before)
        before.add(route.destination)
        found += [
            VpnRoute(destination=route.destination, tunnel=tunnel.number, weight=weight)
            for tunnel in tunnels
            if tunnel.connection_id == route.connection_id
        ]
    return tuple(sorted(found, key=lambda each: (_order(each.destination), -each.weight, each.tunnel)))


def compile_policies(tunnels: Sequence[TunnelSpec], facts: RoutingFacts) -> tuple[VpnPolicy, ...]:
    """The policy-based routes of the instance that the tunnels end at, in the order in which they are tried.

    By priority; of one priority in the order in which they were made (*assumed*), which keeps a pair together.
    """
    found = []
    first: dict[tuple[str, str, int], int] = {}
    for policy in facts.policies:
        pair = (policy.source, policy.destination, policy.priority)
        weight = _weight(policy.weight, facts.weighted, again=pair in first)
        place = first.setdefault(pair, len(first))
        found += [
            (
                (policy.priority, place, -weight, tunnel.number),
                VpnPolicy(
                    source=policy.source,
                    destination=policy.destination,
                    tunnel=tunnel.number,
                    weight=weight,
                    priority=policy.priority,
                ),
            )
            for tunnel in tunnels
            if tunnel.connection_id == policy.connection_id
        ]
    return tuple(policy for _, policy in sorted(found, key=lambda each: each[0]))


def compile_announced(tunnels: Sequence[TunnelSpec], facts: RoutingFacts) -> tuple[Announcement, ...]:
    """What the instance offers its VPC's router: each destination that it is wanted for and has a tunnel to.

    A tunnel leads to a destination if one of the gateway's routes through it holds the destination or lies within it,
    or one of the networks that the tunnel is for.
    """
    reached: dict[int, set[_Span]] = {tunnel.number: set() for tunnel in tunnels}
    for tunnel in tunnels:
        if not tunnel.routed:
            reached[tunnel.number] |= {_span(text) for text in tunnel.remote_subnets}
    leading: list[VpnRoute | VpnPolicy] = [*compile_routes(tunnels, facts), *compile_policies(tunnels, facts)]
    for route in leading:
        reached[route.tunnel].add(_span(route.destination))
    found = []
    for destination in sorted(set(facts.wanted), key=_order):
        first, last = _span(destination)
        through = [
            number
            for number, spans in sorted(reached.items())
            if any(begin <= last and first <= end for begin, end in spans)
        ]
        if through:
            found.append(Announcement(destination=destination, tunnels=tuple(through)))
    return tuple(found)


def compile_neighbours(instances: Iterable[tuple[str, str, str]]) -> tuple[RouterNeighbour, ...]:
    """Whom a VPC's router learns from: of each instance that has tunnels its id, role and private address."""
    return tuple(
        RouterNeighbour(instance_id=instance_id, address=address, preference=PREFERENCES[role])
        for instance_id, role, address in sorted(instances)
    )


def _weight(weight: int, weighted: bool, *, again: bool) -> int:
    if weighted:
        return weight
    return STANDBY if again else ACTIVE


def _order(destination: str) -> tuple[int, int]:
    network = IPv4Network(destination)
    return int(network.network_address), network.prefixlen


def _span(text: str) -> _Span:
    network = IPv4Network(text)
    return int(network.network_address), int(network.broadcast_address)
