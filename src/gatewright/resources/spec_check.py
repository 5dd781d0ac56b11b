"""Whether a spec says what a host can be asked to do: looked at before anything is done, whoever sent it.

The control plane sends specs that pass. An agent is root and does not rely on that: what becomes a name, a path, an
address or a daemon's configuration is checked here and nowhere trusted.
"""

from __future__ import annotations

import ipaddress
import itertools

from gatewright.resources import tunnel_check
from gatewright.resources.check_values import address as address_of
from gatewright.resources.check_values import hosts_address, identifier, number, one_of, shown, some_network
from gatewright.resources.specs import InstanceSpec, RouterSpec, Spec, VSwitchSpec

#: No VPC and no public pool is larger; a leg with a shorter prefix would draw other networks' traffic to itself.
_SHORTEST_PREFIX = 8
_LONGEST_PREFIX = 30
_ADDRESSES = 16
#: Mbit/s, far beyond what can be ordered.
_BANDWIDTH = 100_000
_CONNECTIONS = 100_000
_GENERATION = 2**63 - 1
_VNI = 2**24 - 1
_PREFERENCE = 2**31 - 1
#: Of a VPC's vSwitches, route tables, entries of one, and hosts: ten times what quotas and documents allow.
_MANY = 10_000
_ROLES = ("master", "slave")


def refusal(spec: Spec) -> str | None:
    """Why a host cannot do what a spec says, for people; None if it can."""
    try:
        if isinstance(spec, VSwitchSpec):
            _check_vswitch(spec)
        elif isinstance(spec, RouterSpec):
            _check_router(spec)
        else:
            _check_instance(spec)
    except ValueError as error:
        return f"the spec of {shown(spec.id)} is refused: {error}"
    return None


def _check_vswitch(spec: VSwitchSpec) -> None:
    for name in ("id", "vpc_id", "zone_id"):
        identifier(name, getattr(spec, name))
    number("generation", spec.generation, 0, _GENERATION)
    _check_network("cidr_block", spec.cidr_block)
    number("vni", spec.vni, 0, _VNI)
    number("the number of peers", len(spec.peers), 0, _MANY)
    for peer in spec.peers:
        hosts_address("peers", peer)


def _check_router(spec: RouterSpec) -> None:
    for name in ("id", "account_id"):
        identifier(name, getattr(spec, name))
    number("generation", spec.generation, 0, _GENERATION)
    number("the number of ports", len(spec.ports), 0, _MANY)
    number("the number of tables", len(spec.tables), 0, _MANY)
    tables = {table.id for table in spec.tables}
    networks = []
    for port in spec.ports:
        identifier("ports.vswitch_id", port.vswitch_id)
        identifier("ports.route_table_id", port.route_table_id)
        if port.route_table_id not in tables:
            raise ValueError(f"a port uses route table {port.route_table_id}, which is not in tables")
        network = _check_network("ports.network", port.network)
        _check_addresses("a port", (port.address,), network)
        networks.append(network)
    # in order, networks that overlap are neighbours
    for network, following in itertools.pairwise(sorted(networks)):
        if network.overlaps(following):
            raise ValueError(f"the ports' networks {network} and {following} overlap")
    for table in spec.tables:
        identifier("tables.id", table.id)
        number("the number of routes", len(table.routes), 0, _MANY)
        for route in table.routes:
            some_network("routes.destination", route.destination)
            number("the number of next hops", len(route.next_hops), 0, _ADDRESSES)
            for next_hop in route.next_hops:
                hosts_address("routes.next_hops", next_hop)
    number("the number of gateways", len(spec.gateways), 0, _MANY)
    if len({gateway.address for gateway in spec.gateways}) != len(spec.gateways):
        raise ValueError("two gateways have one address")
    for gateway in spec.gateways:
        identifier("gateways.instance_id", gateway.instance_id)
        number("gateways.preference", gateway.preference, 0, _PREFERENCE)
        hosts_address("gateways.address", gateway.address)


def _check_instance(spec: InstanceSpec) -> None:
    for name in ("id", "gateway_id", "account_id", "region_id", "zone_id"):
        identifier(name, getattr(spec, name))
    one_of("role", spec.role, _ROLES)
    number("generation", spec.generation, 0, _GENERATION)
    number("bandwidth", spec.bandwidth, 1, _BANDWIDTH)
    number("ssl_connections", spec.ssl_connections, 0, _CONNECTIONS)
    identifier("private.vswitch_id", spec.private.vswitch_id)
    _check_addresses("private", (spec.private.address,), _check_network("private.network", spec.private.network))
    if spec.public is not None:
        _check_addresses("public", spec.public.addresses, _check_network("public.network", spec.public.network))
    tunnel_check.check(spec)


def _check_network(name: str, text: str) -> ipaddress.IPv4Network:
    """A network that a leg can be in."""
    network = some_network(name, text)
    if not _SHORTEST_PREFIX <= network.prefixlen <= _LONGEST_PREFIX:
        raise ValueError(f"{name} is {text}: the length of its prefix must be {_SHORTEST_PREFIX} to {_LONGEST_PREFIX}")
    if network.is_loopback or network.is_multicast or network.is_unspecified or network.network_address.is_unspecified:
        raise ValueError(f"{name} is {text}: no host can be reached there")
    return network


def _check_addresses(leg: str, addresses: tuple[str, ...], network: ipaddress.IPv4Network) -> None:
    if not 1 <= len(set(addresses)) == len(addresses) <= _ADDRESSES:
        raise ValueError(f"{leg} has {len(addresses)} addresses: it must have 1 to {_ADDRESSES} different ones")
    for text in addresses:
        address = address_of(leg, text)
        if address not in network or address in (network.network_address, network.broadcast_address):
            raise ValueError(f"{leg} has the address {text}, which no host in {network} can have")
