"""Between an instance and the charons of its tunnels, which have namespaces of their own: addresses and links. Pure.

Each charon has the instance's outer address too, so that it finds no translation on its way, and ESP need not hide in
UDP from a device that is not there. What a peer sends is led to it by the address of its end of the link, which is
taken off the packet again as it leaves the instance's namespace.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import NamedTuple

from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnels import TunnelSpec

#: RFC 6598's, which no VPC and no customer's network can have, by the documented rules for either.
NETWORK = "100.64.0.0/10"
#: What the names of the links begin with, for filters, and what their other ends are called.
LINKS = "ike*"
UPLINK = "uplink"
PREFIX = 31
_FIRST = int(ipaddress.IPv4Network(NETWORK).network_address)


class Ends(NamedTuple):
    """The addresses of one link."""

    instance: str
    charon: str


def outer_link(number: int) -> str:
    """The instance's end of the link to the charon of the tunnel with a number."""
    return f"ike{number}"


def ends(number: int) -> Ends:
    first = _FIRST + 2 * number
    return Ends(str(ipaddress.IPv4Address(first)), str(ipaddress.IPv4Address(first + 1)))


def address(spec: InstanceSpec) -> str:
    """What peers know an instance by, all its tunnels' charons alike."""
    return spec.public.addresses[0] if spec.public else spec.private.address


def separable(tunnels: Iterable[TunnelSpec]) -> list[TunnelSpec]:
    """Those whose peers can be told apart by address: of several with one peer the first."""
    found: dict[str, TunnelSpec] = {}
    for tunnel in tunnels:
        found.setdefault(tunnel.peer, tunnel)
    return list(found.values())
