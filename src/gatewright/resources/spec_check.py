"""Whether a spec says what a host can be asked to do: looked at before anything is done, whoever sent it.

The control plane sends specs that pass. An agent is root and does not rely on that: what becomes a name, a path, an
address or a daemon's configuration is checked here and nowhere trusted.
"""

from __future__ import annotations

import ipaddress
import itertools
import re

from gatewright.resources.addresses import parse_network
from gatewright.resources.specs import ID_PATTERN, InstanceSpec, RouterSpec, Spec, VSwitchSpec

_ID = re.compile(ID_PATTERN)
#: No VPC and no public pool is larger; a leg with a shorter prefix would draw other networks' traffic to itself.
_SHORTEST_PREFIX = 8
_LONGEST_PREFIX = 30
_ADDRESSES = 16
#: Mbit/s, far beyond what can be ordered.
_BANDWIDTH = 100_000
_CONNECTIONS = 100_000
_GENERATION = 2**63 - 1
_VNI = 2**24 - 1
#: Of a VPC's vSwitches, route tables, entries of one, and hosts: ten times what quotas and documents allow.
_MANY = 10_000
_EVERYBODY = ipaddress.IPv4Address("255.255.255.255")
_ROLES = ("master", "slave")
_LONGEST_SHOWN = 60


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
        return f"the spec of {_shown(spec.id)} is refused: {error}"
    return None


def _check_vswitch(spec: VSwitchSpec) -> None:
    for name in ("id", "vpc_id", "zone_id"):
        _check_id(name, getattr(spec, name))
    _check_number("generation", spec.generation, 0, _GENERATION)
    _check_network("cidr_block", spec.cidr_block)
    _check_number("vni", spec.vni, 0, _VNI)
    _check_number("the number of peers", len(spec.peers), 0, _MANY)
    for peer in spec.peers:
        if not _is_hosts(_address("peers", peer)):
            raise ValueError(f"peers has the address {peer}, which no host can have")


def _check_router(spec: RouterSpec) -> None:
    for name in ("id", "account_id"):
        _check_id(name, getattr(spec, name))
    _check_number("generation", spec.generation, 0, _GENERATION)
    _check_number("the number of ports", len(spec.ports), 0, _MANY)
    _check_number("the number of tables", len(spec.tables), 0, _MANY)
    tables = {table.id for table in spec.tables}
    networks = []
    for port in spec.ports:
        _check_id("ports.vswitch_id", port.vswitch_id)
        _check_id("ports.route_table_id", port.route_table_id)
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
        _check_id("tables.id", table.id)
        _check_number("the number of routes", len(table.routes), 0, _MANY)
        for route in table.routes:
            _network("routes.destination", route.destination)
            _check_number("the number of next hops", len(route.next_hops), 0, _ADDRESSES)
            for next_hop in route.next_hops:
                if not _is_hosts(_address("routes.next_hops", next_hop)):
                    raise ValueError(f"routes.next_hops has the address {next_hop}, which no host can have")


def _check_instance(spec: InstanceSpec) -> None:
    for name in ("id", "gateway_id", "account_id", "region_id", "zone_id"):
        _check_id(name, getattr(spec, name))
    if spec.role not in _ROLES:
        raise ValueError(f"role is {_shown(spec.role)}: it must be {' or '.join(_ROLES)}")
    _check_number("generation", spec.generation, 0, _GENERATION)
    _check_number("bandwidth", spec.bandwidth, 1, _BANDWIDTH)
    _check_number("ssl_connections", spec.ssl_connections, 0, _CONNECTIONS)
    _check_id("private.vswitch_id", spec.private.vswitch_id)
    _check_addresses("private", (spec.private.address,), _check_network("private.network", spec.private.network))
    if spec.public is not None:
        _check_addresses("public", spec.public.addresses, _check_network("public.network", spec.public.network))


def _check_id(name: str, text: str) -> None:
    if not _ID.search(text):
        raise ValueError(f"{name} is {_shown(text)}: only letters, digits, '-' and '_', at most 100")


def _check_number(name: str, number: int, least: int, most: int) -> None:
    if not least <= number <= most:
        raise ValueError(f"{name} is {number}: it must be {least} to {most}")


def _network(name: str, text: str) -> ipaddress.IPv4Network:
    network = parse_network(text)
    if network is None:
        raise ValueError(f"{name} is {_shown(text)}: it is no IPv4 network such as 10.0.0.0/16")
    return network


def _address(name: str, text: str) -> ipaddress.IPv4Address:
    try:
        return ipaddress.IPv4Address(text)
    except ValueError:
        raise ValueError(f"{name} has the address {_shown(text)}, which is none") from None


def _is_hosts(address: ipaddress.IPv4Address) -> bool:
    """Whether one host can have the address; those of class E are for the simulated plane and tests."""
    return not (address.is_loopback or address.is_multicast or address.is_unspecified or address == _EVERYBODY)


def _check_network(name: str, text: str) -> ipaddress.IPv4Network:
    """A network that a leg can be in."""
    network = _network(name, text)
    if not _SHORTEST_PREFIX <= network.prefixlen <= _LONGEST_PREFIX:
        raise ValueError(f"{name} is {text}: the length of its prefix must be {_SHORTEST_PREFIX} to {_LONGEST_PREFIX}")
    if network.is_loopback or network.is_multicast or network.is_unspecified or network.network_address.is_unspecified:
        raise ValueError(f"{name} is {text}: no host can be reached there")
    return network


def _check_addresses(leg: str, addresses: tuple[str, ...], network: ipaddress.IPv4Network) -> None:
    if not 1 <= len(set(addresses)) == len(addresses) <= _ADDRESSES:
        raise ValueError(f"{leg} has {len(addresses)} addresses: it must have 1 to {_ADDRESSES} different ones")
    for text in addresses:
        address = _address(leg, text)
        if address not in network or address in (network.network_address, network.broadcast_address):
            raise ValueError(f"{leg} has the address {text}, which no host in {network} can have")


def _shown(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…")
