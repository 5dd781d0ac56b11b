"""Traffic for tunnels that are down: told by the kernel, packet by packet, a few a second.

A tunnel that is not to be negotiated at once waits for this. Its link is down, so what would go through it finds no
route; :mod:`~gatewright.plane.linux.filters` logs that to a group of nfnetlink_log before it drops it.
"""

from __future__ import annotations

import errno
import functools
import ipaddress
import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple, Self

from gatewright.plane.linux import netlink, netns, vpn_routing
from gatewright.plane.linux.failures import step
from gatewright.resources.specs import InstanceSpec

#: The group of nfnetlink_log in an instance's namespace.
GROUP = 47
#: Bytes of a packet that are told: an IPv4 header and some.
HEAD = 64

#: linux/netfilter/nfnetlink.h, nfnetlink_log.h.
_NETFILTER = 12
_PACKET, _CONFIGURE = 0x400, 0x401
_COMMAND, _MODE, _THRESHOLD = 1, 2, 5
_BIND, _COPY_PACKET = 1, 2
_PAYLOAD = 9
_FAMILY = struct.Struct(">BBH")
_ADDRESSES = struct.Struct(">12x4s4s")
_LARGEST = 1 << 16
#: Messages read in one turn of the loop.
_MOST = 64


class Wanted(NamedTuple):
    """A packet that found no way."""

    source: ipaddress.IPv4Address
    destination: ipaddress.IPv4Address


class Demand:
    """Hears of such packets in one namespace. Raises PlaneError."""

    def __init__(self, namespace: str) -> None:
        with step(f"listening for traffic that has no way in {namespace}"), netns.entered(namespace):
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETFILTER)
            try:
                self._configure(netlink.raw(_COMMAND, struct.pack("B", _BIND)))
                mode = struct.pack(">IBx", HEAD, _COPY_PACKET)
                # each at once: few come, and somebody waits for them
                self._configure(netlink.raw(_MODE, mode) + netlink.raw(_THRESHOLD, struct.pack(">I", 1)))
            except BaseException:
                self._socket.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def take(self) -> list[Wanted]:
        """The packets that were told of since."""
        found: list[Wanted] = []
        for _ in range(_MOST):
            try:
                data = self._socket.recv(_LARGEST, socket.MSG_DONTWAIT)
            except OSError:  # nothing more, or more than there was room for: it comes again if it is wanted
                break
            found += _packets(data)
        return found

    def _configure(self, attributes: bytes) -> None:
        body = _FAMILY.pack(socket.AF_UNSPEC, 0, GROUP) + attributes
        size = netlink.HEADER.size + len(body)
        self._socket.send(netlink.HEADER.pack(size, _CONFIGURE, netlink.REQUEST | netlink.ACK, 1, 0) + body)
        answer = self._socket.recv(_LARGEST)
        code: int = struct.unpack_from("=i", answer, netlink.HEADER.size)[0]
        if code == -errno.EPERM:
            # we may do it; the kernel says so of a group that is another's
            raise OSError(errno.EBUSY, f"another process listens to group {GROUP} of nfnetlink_log")
        if code:
            raise OSError(-code, "nfnetlink_log")


class Ways:
    """Where an instance's packets would go if all its tunnels were up. Pure."""

    def __init__(self, spec: InstanceSpec) -> None:
        self._spec = spec

    def tunnels_for(self, packet: Wanted) -> list[int]:
        """The numbers of the tunnels that a packet would go through."""
        found = []
        for source, ways in self._rules:
            if source is None or packet.source in source:
                found += [tunnel for destination, tunnel in ways if packet.destination in destination]
        return list(dict.fromkeys(found))

    @functools.cached_property
    def _rules(self) -> list[tuple[ipaddress.IPv4Network | None, list[tuple[ipaddress.IPv4Network, int]]]]:
        """What rules match, and the routes of their tables, the best first. Worked out for the first packet."""
        plan = vpn_routing.plan(self._spec)
        return [
            (
                None if rule.source is None else ipaddress.IPv4Network(rule.source),
                [
                    (ipaddress.IPv4Network(way.destination), way.tunnel)
                    for way in sorted(plan.tables.get(rule.table, ()), key=lambda way: way.metric)
                ],
            )
            for rule in plan.rules
        ]


def _packets(data: bytes) -> Iterator[Wanted]:
    at = 0
    while at + netlink.HEADER.size <= len(data):
        size, kind, *_ = netlink.HEADER.unpack_from(data, at)
        if size < netlink.HEADER.size:
            return
        message = data[at + netlink.HEADER.size : at + size]
        if kind == _PACKET:
            payload = netlink.table(message, _FAMILY.size).get(_PAYLOAD, b"")
            if len(payload) >= _ADDRESSES.size and payload[0] >> 4 == 4:
                yield Wanted(*(ipaddress.IPv4Address(part) for part in _ADDRESSES.unpack_from(payload)))
        at += (size + 3) & ~3
