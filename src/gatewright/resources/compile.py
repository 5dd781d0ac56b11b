"""Rows to specs: the one place that says what a gateway's rows mean for the hosts that run it.

Pure. The same rows give the same document; a write raises a gateway's generation exactly when what its rows compile
to has changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network
from sys import intern

import msgspec

from gatewright.resources.addresses import router_address
from gatewright.resources.compile_vpn_routes import (
    NO_ROUTES,
    RoutingFacts,
    compile_announced,
    compile_policies,
    compile_routes,
)
from gatewright.resources.specs import (
    InstanceSpec,
    PrivateLeg,
    PublicLeg,
    Route,
    RouterPort,
    RouterSpec,
    RouteTable,
    VSwitchSpec,
)
from gatewright.resources.tunnels import RouterNeighbour, TunnelSpec


class GatewayFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What of a gateway's row its instances depend on."""

    gateway_id: str
    account_id: str
    region_id: str
    generation: int
    bandwidth: int
    ipsec: bool
    ssl: bool
    ssl_connections: int
    auto_propagate: bool


class InstanceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One instance's own row, with the network of its vSwitch and of the public pool."""

    instance_id: str
    role: str
    zone_id: str
    vswitch_id: str
    vswitch_cidr: str
    private_address: str
    public_network: str
    #: Empty for a private gateway; the IKE address first.
    public_addresses: tuple[str, ...]


def compile_instance(
    gateway: GatewayFacts,
    instance: InstanceFacts,
    tunnels: tuple[TunnelSpec, ...] = (),
    vpc_networks: tuple[str, ...] = (),
    routing: RoutingFacts = NO_ROUTES,
) -> InstanceSpec:
    """The spec of one instance. Texts that recur are shared: an agent keeps the specs of thousands.

    ``vpc_networks`` and ``routing`` are given with the first tunnel only.
    """
    public = None
    if instance.public_addresses:
        public = PublicLeg(addresses=instance.public_addresses, network=intern(instance.public_network))
    return InstanceSpec(
        id=instance.instance_id,
        generation=gateway.generation,
        gateway_id=gateway.gateway_id,
        account_id=intern(gateway.account_id),
        region_id=intern(gateway.region_id),
        zone_id=intern(instance.zone_id),
        role=intern(instance.role),
        public=public,
        private=PrivateLeg(
            vswitch_id=intern(instance.vswitch_id),
            address=instance.private_address,
            network=intern(instance.vswitch_cidr),
        ),
        bandwidth=gateway.bandwidth,
        ipsec=gateway.ipsec,
        ssl=gateway.ssl,
        ssl_connections=gateway.ssl_connections if gateway.ssl else 0,
        auto_propagate=gateway.auto_propagate,
        tunnels=tunnels,
        vpn_routes=compile_routes(tunnels, routing),
        vpn_policies=compile_policies(tunnels, routing),
        announced=compile_announced(tunnels, routing),
        vpc_networks=vpc_networks,
    )


class VSwitchFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What of a vSwitch's row its VPC's router depends on."""

    vswitch_id: str
    cidr_block: str
    route_table_id: str


class EntryFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A custom route entry, with the private addresses of the gateway that it leads to, the master's first."""

    route_table_id: str
    destination: str
    next_hops: tuple[str, ...]


def compile_router(
    vpc_id: str,
    generation: int,
    account_id: str,
    vswitches: Iterable[VSwitchFacts],
    entries: Iterable[EntryFacts],
    neighbours: tuple[RouterNeighbour, ...] = (),
    learning: frozenset[str] = frozenset(),
) -> RouterSpec:
    """The spec of a VPC's router, from the VPC's vSwitches and the custom entries of the tables that they use.

    ``learning`` are tables that what customers announce by BGP comes into.
    """
    ports = tuple(
        RouterPort(
            vswitch_id=vswitch.vswitch_id,
            address=router_address(IPv4Network(vswitch.cidr_block)),
            network=vswitch.cidr_block,
            route_table_id=vswitch.route_table_id,
        )
        for vswitch in sorted(vswitches, key=lambda vswitch: vswitch.vswitch_id)
    )
    routes: dict[str, list[Route]] = {port.route_table_id: [] for port in ports}
    for entry in entries:
        if entry.route_table_id in routes:
            routes[entry.route_table_id].append(Route(destination=entry.destination, next_hops=entry.next_hops))
    return RouterSpec(
        id=vpc_id,
        generation=generation,
        account_id=account_id,
        ports=ports,
        tables=tuple(
            RouteTable(
                id=table_id,
                routes=tuple(sorted(routes[table_id], key=lambda route: route.destination)),
                learns=table_id in learning,
            )
            for table_id in sorted(routes)
        ),
        gateways=neighbours,
    )


def compile_vswitch(
    vswitch_id: str, generation: int, vpc_id: str, zone_id: str, cidr_block: str, vni: int, peers: Iterable[str]
) -> VSwitchSpec:
    """The spec of a vSwitch on one host; ``peers`` are the other hosts' addresses."""
    return VSwitchSpec(
        id=vswitch_id,
        generation=generation,
        vpc_id=vpc_id,
        zone_id=zone_id,
        cidr_block=cidr_block,
        vni=vni,
        peers=tuple(sorted(peers)),
    )
