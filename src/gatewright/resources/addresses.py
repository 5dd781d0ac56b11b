"""Address arithmetic on IPv4 networks as plain integers."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterable
from typing import NamedTuple

_EVERYBODY = ipaddress.IPv4Address("255.255.255.255")


class AddressRange(NamedTuple):
    """The addresses that can be handed out, first and last inclusive."""

    first: int
    last: int

    @property
    def size(self) -> int:
        return self.last - self.first + 1


def dotted(address: int) -> str:
    """An address as text."""
    return f"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"


def is_address(text: str) -> bool:
    """Whether a text is an IPv4 address, written as it should be."""
    try:
        return str(ipaddress.IPv4Address(text)) == text
    except ValueError:
        return False


@functools.lru_cache(maxsize=4096)
def is_hosts_address(text: str) -> bool:
    """Whether a text is the IPv4 address of one host; that of class E is one, for the simulated plane and tests."""
    if not is_address(text):
        return False
    address = ipaddress.IPv4Address(text)
    return not (address.is_loopback or address.is_multicast or address.is_unspecified or address == _EVERYBODY)


@functools.lru_cache(maxsize=4096)
def parse_network(text: str) -> ipaddress.IPv4Network | None:
    """A network from its canonical text; None for anything else: host bits set, no mask, leading zeros.

    Remembered, as above: each apply of an instance asks it of all its tunnels and routes, mostly the same few texts.
    """
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError:
        return None
    return network if str(network) == text else None


def vswitch_range(network: ipaddress.IPv4Network) -> AddressRange:
    """The usable addresses of a vSwitch: all but the first and the last three, which the service keeps for itself."""
    first = int(network.network_address)
    return AddressRange(first + 1, first + network.num_addresses - 4)


def router_address(network: ipaddress.IPv4Network) -> str:
    """The VPC router's address in a vSwitch: the first of the last three, which no machine gets (*assumed*)."""
    return dotted(int(network.broadcast_address) - 2)


def public_range(network: ipaddress.IPv4Network) -> AddressRange:
    """The addresses of a public pool that gateways get: all but the network's, the first (an uplink router's) and
    the broadcast address."""
    first = int(network.network_address)
    return AddressRange(first + 2, first + network.num_addresses - 2)


#: Where the cloud's own services are.
SERVICE_NETWORK = ipaddress.IPv4Network("100.64.0.0/10")
#: Where no VPC or vSwitch may lie: the cloud's own services, loopback, link-local, multicast and beyond.
RESERVED_NETWORKS = (
    ipaddress.IPv4Network("0.0.0.0/8"),
    SERVICE_NETWORK,
    ipaddress.IPv4Network("127.0.0.0/8"),
    ipaddress.IPv4Network("169.254.0.0/16"),
    ipaddress.IPv4Network("224.0.0.0/3"),
)


def within(network: ipaddress.IPv4Network, others: Iterable[ipaddress.IPv4Network]) -> ipaddress.IPv4Network | None:
    """The first of the others that the network is a part of, or all of; None for none."""
    return next((other for other in others if network.subnet_of(other)), None)


def overlapping(
    network: ipaddress.IPv4Network, others: Iterable[ipaddress.IPv4Network]
) -> ipaddress.IPv4Network | None:
    """The first of the others that shares an address with the network; None for none."""
    return next((other for other in others if network.overlaps(other)), None)


def first_free(
    networks: Iterable[ipaddress.IPv4Network], taken: Iterable[ipaddress.IPv4Network], mask: int
) -> ipaddress.IPv4Network | None:
    """The lowest network of a mask that lies in the first of the networks with room for it, apart from what is taken.

    None when there is no room in any. What is taken may overlap and lie anywhere.
    """
    size = 1 << (32 - mask)
    blocked = sorted((int(other.network_address), int(other.broadcast_address)) for other in taken)
    for network in networks:
        candidate, last = int(network.network_address), int(network.broadcast_address)
        if mask < network.prefixlen:
            continue
        for first_taken, last_taken in blocked:
            if first_taken >= candidate + size:
                break
            if last_taken >= candidate:
                candidate = (last_taken // size + 1) * size
        if candidate + size - 1 <= last:
            return ipaddress.IPv4Network((candidate, mask))
    return None
