"""Address arithmetic on IPv4 networks as plain integers."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple


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


def parse_network(text: str) -> ipaddress.IPv4Network | None:
    """A network from its canonical text; None for anything else: host bits set, no mask, leading zeros."""
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError:
        return None
    return network if str(network) == text else None


def vswitch_range(network: ipaddress.IPv4Network) -> AddressRange:
    """The usable addresses of a vSwitch: all but the first and the last three, which the service keeps for itself."""
    first = int(network.network_address)
    return AddressRange(first + 1, first + network.num_addresses - 4)


def public_range(network: ipaddress.IPv4Network) -> AddressRange:
    """The addresses of a public pool that gateways get: all but the network's, the first (an uplink router's) and
    the broadcast address."""
    first = int(network.network_address)
    return AddressRange(first + 2, first + network.num_addresses - 2)


#: Where no VPC may lie: the cloud's own services, loopback, link-local, multicast and beyond.
RESERVED_NETWORKS = tuple(
    ipaddress.IPv4Network(text)
    for text in ("0.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3")
)
