"""Addresses and links between an instance and the charons of its tunnels, which have namespaces of their own. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import NamedTuple

from gatewright.resources.tunnels import TunnelSpec

#: RFC 6598's, which no VPC and no customer's network can have, by the documented rules for either.
NETWORK = "100.64.0.0/10"
#: What the names of the links begin with, for filters.
LINKS = "ike*"
PREFIX = 31
_FIRST = int(ipaddress.IPv4Network(NETWORK).network_address)
#: The ports of IKE, and of IKE and ESP behind NAT.
PORTS = (500, 4500)


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


def separable(tunnels: Iterable[TunnelSpec]) -> list[TunnelSpec]:
    """Those whose peers can be told apart by address: of several with one peer the first."""
    found: dict[str, TunnelSpec] = {}
    for tunnel in tunnels:
        found.setdefault(tunnel.peer, tunnel)
    return list(found.values())
