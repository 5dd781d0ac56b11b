"""Addresses on a tunnel's link that say how far it can be relied on.

They are for whoever routes, and no packet has them: BIRD reaches their neighbours, and with these what depends on them,
exactly as long as the link is up and has the address (:mod:`~gatewright.plane.linux.bird_config`); routes of the kernel
follow in :mod:`~gatewright.plane.linux.vpn_routing`. They are on the link itself, so they stay while nobody who could
set them is there, and go with it. Pure.
"""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

from gatewright.resources.tunnels import TunnelSpec

PREFIX = 31
#: RFC 6598's, beside :mod:`~gatewright.plane.linux.tunnels.steering`.
_USABLE, _STEADY = (int(ipaddress.IPv4Address(first)) for first in ("100.80.0.0", "100.96.0.0"))
_NETWORKS = (ipaddress.IPv4Network("100.80.0.0/12"), ipaddress.IPv4Network("100.96.0.0/12"))


class Mark(NamedTuple):
    """One of them, and who is at its other end."""

    address: str
    neighbour: str


def usable(number: int) -> Mark:
    """That no health check says otherwise."""
    return _mark(_USABLE, number)


def steady(number: int) -> Mark:
    """That it has carried for long enough: what has not comes last, wherever there is a choice."""
    return _mark(_STEADY, number)


def checked(tunnel: TunnelSpec) -> bool:
    """Whether a health check decides about a tunnel's traffic."""
    return tunnel.health is not None and tunnel.health.revokes


def is_mark(address: tuple[str, int]) -> bool:
    """Whether an address with the length of its prefix is one of them, of whatever tunnel."""
    return address[1] == PREFIX and any(ipaddress.IPv4Address(address[0]) in network for network in _NETWORKS)


def _mark(first: int, number: int) -> Mark:
    address = first + 2 * number
    return Mark(str(ipaddress.IPv4Address(address)), str(ipaddress.IPv4Address(address + 1)))
