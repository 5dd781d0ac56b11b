"""Kernel settings of the calling thread's network namespace."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from gatewright.plane.linux import netlink
from gatewright.plane.linux.netlink import Netlink

_NET = "/proc/sys/net/"
#: Bytes of a setting's text.
_LONGEST = 4096

#: What a new namespace has of these may be the host's.
_ROUTER = {
    "rp_filter": "0",
    "accept_redirects": "0",
    "secure_redirects": "0",
    "send_redirects": "0",
    "accept_source_route": "0",
    # an address is told on its own link only, and nobody is asked in the name of another link's
    "arp_ignore": "1",
    "arp_announce": "2",
    "proxy_arp": "0",
}


def quiet_ipv6(interface: str) -> None:
    """No IPv6 on an interface (or on ``all``), and with that no link-local address. Raises OSError."""
    if _has_ipv6():  # a kernel without IPv6 is quiet already
        put(f"ipv6/conf/{interface}/disable_ipv6", "1")


def ipv6_is_quiet(interface: str) -> bool:
    """Whether IPv6 is switched off on an interface, or on ``all``. Raises OSError."""
    if not _has_ipv6():
        return True
    return get(f"ipv6/conf/{interface}/disable_ipv6") == "1"


def announce_addresses() -> None:
    """New interfaces tell their neighbours their addresses when they come up or get a hardware address.

    An address that was another gateway's is reached at once, not when neighbours' ARP entries expire.
    Raises OSError.
    """
    put("ipv4/conf/default/arp_notify", "1")


class _Setting(NamedTuple):
    """One that each interface has for itself, whatever it is told of all."""

    #: Its attribute, linux/netconf.h: the kernel tells changes of it.
    attribute: int
    name: str
    wanted: int


_EACH = (_Setting(2, "forwarding", 1), _Setting(3, "rp_filter", 0), _Setting(5, "proxy_arp", 0))
#: linux/rtnetlink.h, linux/netconf.h: an interface's index, that of all, and that of those to come.
_GET_SETTINGS, _INDEX = 82, 1
_OF_NONE = {-1: "all", -2: "default"}
_FAMILY = struct.Struct("=B3x")
_VALUE = struct.Struct("=i")


def route_between_legs() -> None:
    """Forward, and on all interfaces, also those to come, take nobody's word for routes and addresses.

    To be called only where a filter stands. Where sources may come from is the filter's business and not that of
    ``rp_filter``, which would drop what comes back by the other tunnel of a gateway. Raises OSError.
    """
    put("ipv4/ip_forward", "1")  # first: it sets others to what routers are usually wanted to do
    for name, value in _of_all():
        put(name, value)
    for name, value in _differing():
        with suppress(FileNotFoundError):  # an interface that has gone since
            put(name, value)


def stops_routing() -> str | None:
    """The first setting by which :func:`route_between_legs` does not hold any more. Raises OSError."""
    for name, value in (("ipv4/ip_forward", "1"), *_of_all()):
        if get(name) != value:
            return name
    return next((name for name, _ in _differing()), None)


def _of_all() -> Iterator[tuple[str, str]]:
    for which in _OF_NONE.values():
        for name, value in _ROUTER.items():
            yield f"ipv4/conf/{which}/{name}", value


def _differing() -> Iterator[tuple[str, str]]:
    """What interfaces have otherwise than wanted: with hundreds of them, a listing costs what one file of each does."""
    with Netlink(socket.NETLINK_ROUTE) as kernel:
        listed = kernel.listing(_GET_SETTINGS, _FAMILY.pack(socket.AF_INET))
    for message in listed:
        told = netlink.table(message, _FAMILY.size)
        index = _VALUE.unpack(told[_INDEX])[0]
        for setting in _EACH:
            if _VALUE.unpack(told[setting.attribute])[0] != setting.wanted:
                try:
                    link = _OF_NONE.get(index) or socket.if_indextoname(index)
                except OSError:
                    continue  # it has gone since
                yield f"ipv4/conf/{link}/{setting.name}", str(setting.wanted)


def announces_addresses() -> bool:
    """Whether :func:`announce_addresses` still holds. Raises OSError."""
    return get("ipv4/conf/default/arp_notify") == "1"


def report_by_arrival() -> None:
    """Errors are told from the address of the link that a packet came in by. Raises OSError."""
    put("ipv4/icmp_errors_use_inbound_ifaddr", "1")


def reports_by_arrival() -> bool:
    """Whether :func:`report_by_arrival` still holds. Raises OSError."""
    return get("ipv4/icmp_errors_use_inbound_ifaddr") == "1"


def take_own_addresses(interface: str) -> None:
    """Take packets from an address that is this namespace's own: another one has it, too. Raises OSError."""
    put(f"ipv4/conf/{interface}/accept_local", "1")


def takes_own_addresses(interface: str) -> bool:
    """Whether :func:`take_own_addresses` still holds. Raises OSError."""
    return get(f"ipv4/conf/{interface}/accept_local") == "1"


def speak_by_link(interface: str) -> None:
    """Ask neighbours in the name of an address of their link, and answer them for all that the link has.

    What a new namespace has of these for all interfaces, and for each, may be the host's. Raises OSError.
    """
    for name, value in _of_link(interface):
        put(name, value)


def speaks_by_link(interface: str) -> bool:
    """Whether :func:`speak_by_link` still holds. Raises OSError."""
    return all(get(name) == value for name, value in _of_link(interface))


def _of_link(interface: str) -> Iterator[tuple[str, str]]:
    for name in ("arp_ignore", "arp_announce"):
        for which in ("all", interface):
            yield f"ipv4/conf/{which}/{name}", _ROUTER[name]


def get(name: str) -> str:
    """What a setting is, such as ``ipv4/conf/eth1/forwarding``. Raises OSError."""
    # some twenty of these an instance: a Path each and a text file cost more than the kernel does
    descriptor = os.open(_NET + name, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _LONGEST).decode().strip()
    finally:
        os.close(descriptor)


def put(name: str, value: str) -> None:
    """Have a setting be so. Raises OSError."""
    if get(name) != value:
        _write(name, value)


def _write(name: str, value: str) -> None:
    descriptor = os.open(_NET + name, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, value.encode())
    finally:
        os.close(descriptor)


def _has_ipv6() -> bool:
    return os.path.isdir(_NET + "ipv6")  # noqa: PTH112 - see get()
