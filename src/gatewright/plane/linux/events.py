"""What the kernel tells of changes: netlink groups and the table of mounts. An event only says where to look.

The sockets are bare ones: nothing is parsed but whose link or table it is, so that an event that concerns nobody costs
microseconds.
"""

from __future__ import annotations

import os
import select
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self

from gatewright.plane.linux import netns
from gatewright.plane.linux.routing import BIRD

#: linux/netlink.h, linux/rtnetlink.h, linux/netfilter/nfnetlink.h; a group is the bit of its number less one.
_NETLINK_NETFILTER = 12
_GROUP_LINK = 1 << 0
_GROUP_TC = 1 << 3
_GROUP_ADDRESS = 1 << 4
_GROUP_ROUTE = 1 << 6
_GROUP_RULE = 1 << 7
_GROUP_IPV6_ROUTE = 1 << 10
_GROUP_SETTINGS = 1 << 23
_GROUP_NFTABLES = 1 << 6
#: Groups of a namespace of ours: all that an instance is made of; settings are those of IPv4 that decide about
#: routing, and IPv6 has routes as soon as it is switched on. Of the host's, links, and what waits at them.
INSIDE = _GROUP_LINK | _GROUP_TC | _GROUP_ADDRESS | _GROUP_ROUTE | _GROUP_RULE | _GROUP_IPV6_ROUTE | _GROUP_SETTINGS
HOST = _GROUP_LINK | _GROUP_TC
#: Of a host that leads outside, besides.
OUTSIDE = _GROUP_ADDRESS | _GROUP_ROUTE | _GROUP_SETTINGS

_HEADER = struct.Struct("=IHHII")
_LINK = struct.Struct("=BxHiII")
_ATTRIBUTE = struct.Struct("=HH")
_NEW_LINK, _DELETED_LINK = 16, 17
_BRIDGING = socket.AF_BRIDGE
#: Of nftables; the subsystem is in the byte above.
_DELETED_TABLE = 2
#: Queueing disciplines, classes and filters that come and go; their messages begin like a link's, with its index.
_TRAFFIC = range(36, 47)
_NEW_DISCIPLINE = 36
_QUEUE = struct.Struct("=BxxxiIII")
_DISCIPLINE, _OPTIONS = 1, 2
_NAME, _ALIAS = 3, 20
#: Addresses and settings that came, changed or went; routes that did.
_ADDRESSES, _SETTINGS, _ROUTES = range(20, 22), range(80, 82), range(24, 26)
_ADDRESS = struct.Struct("=BxxxI")
_ROUTE = struct.Struct("=BB10x")
_INDEX = struct.Struct("=i")
_SETTINGS_OF, _DESTINATION = 1, 1
_ROUTE_PROTOCOL = 5
_IFF_UP = 1
_SO_RCVBUFFORCE = 33
_LARGEST = 1 << 16
#: Messages read in one turn of the loop; what is left comes in the next.
_MOST = 64


class LinkEvent(NamedTuple):
    """A link that came, changed or went."""

    name: str
    alias: str
    #: Whether it is there and up.
    up: bool


class QueueEvent(NamedTuple):
    """What waits at a link, by its place there."""

    link: int
    parent: int
    #: What it is now; None if it has gone, or if a class or a filter of it is told of.
    now: tuple[int, bytes, bytes] | None


class EventSocket:
    """A netlink socket that hears of changes in the namespace that the calling thread was in. Raises OSError."""

    def __init__(self, family: int, groups: int, buffer: int) -> None:
        """``buffer`` is how many bytes of events the kernel keeps for us."""
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, family)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, buffer)
            self._socket.bind((0, groups))
        except BaseException:
            self._socket.close()
            raise

    @classmethod
    def routing(cls, groups: int, buffer: int = 1 << 16) -> Self:
        """Links, addresses, routes, traffic control."""
        return cls(socket.NETLINK_ROUTE, groups, buffer)

    @classmethod
    def nftables(cls, buffer: int = 1 << 16) -> Self:
        """Tables, chains, rules and sets of nft."""
        return cls(_NETLINK_NETFILTER, _GROUP_NFTABLES, buffer)

    def fileno(self) -> int:
        return self._socket.fileno()

    def take(self) -> tuple[list[bytes], bool]:
        """What has come, and whether some of it was lost because it was more than the buffer holds."""
        found: list[bytes] = []
        lost = False
        for _ in range(_MOST):
            try:
                found.append(self._socket.recv(_LARGEST, socket.MSG_DONTWAIT))
            except BlockingIOError:
                break
            except OSError:  # ENOBUFS, and whatever else: something was not heard
                lost = True
                break
        return found, lost

    def close(self) -> None:
        self._socket.close()


class MountEvents:
    """Hears of mounts and unmounts, and so of namespaces that lose their names (ip-netns(8) mounts them)."""

    def __init__(self, table: Path = Path("/proc/self/mountinfo")) -> None:
        self._table = os.open(table, os.O_RDONLY | os.O_CLOEXEC)
        # the table tells by POLLPRI, which the loop does not wait for; this makes it readable
        self._poll = select.epoll()
        self._poll.register(self._table, select.EPOLLPRI)

    def fileno(self) -> int:
        return self._poll.fileno()

    def take(self) -> None:
        """Note that the event was seen."""
        self._poll.poll(0)

    def close(self) -> None:
        self._poll.close()
        os.close(self._table)


def inside(namespace: str) -> list[EventSocket]:
    """Sockets for everything that can change in a namespace. Raises OSError."""
    with netns.entered(namespace):
        first = EventSocket.routing(INSIDE)
        try:
            return [first, EventSocket.nftables()]
        except BaseException:
            first.close()
            raise


def link_events(datagram: bytes) -> Iterator[LinkEvent]:
    """The links of a datagram; other messages of it are passed over.

    So is what a bridge tells of its ports' states, some 15 s after each was plugged in: one that is unplugged or goes
    is told of besides.
    """
    for kind, payload in messages(datagram):
        if kind not in (_NEW_LINK, _DELETED_LINK) or len(payload) < _LINK.size:
            continue
        family, _, _, flags, _ = _LINK.unpack_from(payload)
        if family == _BRIDGING:
            continue
        texts = {_NAME: "", _ALIAS: ""}
        for attribute, value in _attributes(payload[_LINK.size :]):
            if attribute in texts:
                texts[attribute] = value.rstrip(b"\0").decode(errors="replace")
        yield LinkEvent(texts[_NAME], texts[_ALIAS], kind == _NEW_LINK and bool(flags & _IFF_UP))


def queue_events(datagram: bytes) -> list[QueueEvent] | None:
    """What a datagram tells of queueing disciplines, their classes and filters; None if it tells of something else.

    Somebody who asks for a discipline gets his answer where all listen (``tc_get_qdisc`` of the kernel): whether
    anything changed, only the next telling shows.
    """
    found = []
    for kind, payload in messages(datagram):
        if kind not in _TRAFFIC or len(payload) < _QUEUE.size:
            return None
        _, index, handle, parent, _ = _QUEUE.unpack_from(payload)
        now = None
        if kind == _NEW_DISCIPLINE:
            attributes = dict(_attributes(payload[_QUEUE.size :]))
            name = attributes.get(_DISCIPLINE, b"").rstrip(b"\0")
            # htb counts packets among its options; what it is to do is in its classes
            now = (handle, name, attributes.get(_OPTIONS, b"") if name == b"tbf" else b"")
        found.append(QueueEvent(index, parent, now))
    return found


def configured_links(datagram: bytes) -> Iterator[int]:
    """The indexes of the links whose addresses or settings a datagram tells of, of IPv4."""
    for kind, payload in messages(datagram):
        if payload[:1] != bytes((socket.AF_INET,)):
            continue
        if kind in _ADDRESSES and len(payload) >= _ADDRESS.size:
            yield _ADDRESS.unpack_from(payload)[1]
        elif kind in _SETTINGS:
            # of the family alone, and padded
            for attribute, value in _attributes(payload[4:]):
                if attribute == _SETTINGS_OF and len(value) == _INDEX.size:
                    yield _INDEX.unpack(value)[0]


def routed_addresses(datagram: bytes) -> Iterator[str]:
    """The single addresses to which a datagram tells of routes."""
    for kind, payload in messages(datagram):
        if kind in _ROUTES and len(payload) >= _ROUTE.size and _ROUTE.unpack_from(payload) == (socket.AF_INET, 32):
            for attribute, value in _attributes(payload[_ROUTE.size :]):
                if attribute == _DESTINATION and len(value) == 4:
                    yield socket.inet_ntoa(value)


def only_of_bird(datagram: bytes) -> bool:
    """Whether a datagram tells of nothing but routes that BIRD set or took away, which is its business."""
    return all(
        kind in _ROUTES and len(payload) > _ROUTE_PROTOCOL and payload[_ROUTE_PROTOCOL] == BIRD
        for kind, payload in messages(datagram)
    )


def tells_of_deleted_table(datagram: bytes) -> bool:
    """Whether a datagram of nftables tells that a table is gone."""
    return any(kind & 0xFF == _DELETED_TABLE for kind, _ in messages(datagram))


def messages(datagram: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and payload of each message of a datagram; it ends where the datagram makes no sense any more."""
    at = 0
    while at + _HEADER.size <= len(datagram):
        length, kind, *_ = _HEADER.unpack_from(datagram, at)
        if length < _HEADER.size:
            return
        yield kind, datagram[at + _HEADER.size : at + length]
        at += (length + 3) & ~3


def _attributes(payload: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _ATTRIBUTE.size <= len(payload):
        length, kind = _ATTRIBUTE.unpack_from(payload, at)
        if length < _ATTRIBUTE.size:
            return
        yield kind & 0x3FFF, payload[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
