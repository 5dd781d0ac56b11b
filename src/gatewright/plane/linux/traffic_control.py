"""Queueing disciplines of links, with our own types in front of the kernel's messages.

A link has one of four here: none (the kernel's default for veth), one of the two that are made here, or
somebody else's. What is read back equals what was set, so comparing is all it takes to know that it is right.
"""

from __future__ import annotations

import errno
import ipaddress
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from gatewright.plane.linux import netlink
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.netlink import Netlink, nested, number, raw, text, to_text

_TC_H_ROOT = 0xFFFFFFFF
_ROOT, _CLASS, _LEAF = 0x10000, 0x10001, 0x20000
#: linux/rtnetlink.h, linux/pkt_sched.h, linux/pkt_cls.h.
_NEW_QDISC, _DELETE_QDISC, _GET_QDISC = 36, 37, 38
_NEW_CLASS, _GET_CLASS = 40, 42
_NEW_FILTER, _DELETE_FILTER, _GET_FILTER = 44, 45, 46
_GET_LINK, _LINK = 18, struct.Struct("=BxHiII")
_QDISC_OF_LINK, _NO_QUEUE = 6, b"noqueue\0"
#: Link, handle, parent, and of a filter its priority and protocol.
_HEAD, _INDEX_AT = struct.Struct("=xxxxiIII"), 4
_KIND, _OPTIONS = 1, 2
_RATE = struct.Struct("=BBHhHI")
#: Of tbf: rate, peak rate, limit, buffer, mtu. Of htb: rate, ceiling, both buffers, quantum, level, priority.
_TBF, _HTB = struct.Struct("=12s12sIII"), struct.Struct("=12s12sIIIII")
_PARAMETERS = 1
_HTB_DEFAULTS, _HTB_GLOBAL = 2, struct.Struct("=IIIII")
_HTB_VERSION, _HTB_RATE_TO_QUANTUM = 3, 10
#: Flags, offset shift, number of keys, and of its key mask, value and offset.
_SELECTOR, _KEY = struct.Struct("=BBBxHHhhI"), struct.Struct(">II")
_KEY_OFFSET = struct.Struct("=ii")
_U32_CLASS, _U32_SELECTOR, _TERMINAL = 1, 5, 1
#: Rates count whole frames as they are; no table of the kernel's old ways is needed.
_ETHERNET = 1
#: The first priority, and IPv4 (0x0800) as the network has it.
_ALL_IPV4 = 1 << 16 | 0x0008
#: Microseconds of the unit in which the kernel counts buffers: 64 ns (PSCHED_SHIFT).
_TICK = 0.064
#: How many bytes a class may send before it is another's turn; there is no other.
_QUANTUM = 20_000

Side = Literal["source", "destination"]
#: Where the addresses are in an IPv4 header.
_OFFSETS: dict[Side, int] = {"source": 12, "destination": 16}


@dataclass(frozen=True)
class TokenBucket:
    """tbf: everything that the link sends, at most at this rate."""

    #: Bytes a second, of whole frames; a super-packet counts as the frames that it becomes.
    rate: int
    #: For how long it may send without limit after having been idle, in microseconds at the rate.
    burst: int
    #: Bytes that may wait; what comes on top is dropped.
    limit: int

    def __str__(self) -> str:
        return f"tbf of {_mbit(self.rate)} with {self.burst} us of burst and {self.limit} bytes of queue"


@dataclass(frozen=True)
class SelectiveBucket:
    """htb: what comes from an IPv4 address, or goes to it, at most at this rate; everything else passes it by."""

    rate: int
    burst: int
    #: Packets that may wait.
    limit: int
    side: Side
    address: str

    def __str__(self) -> str:
        return (
            f"htb of {_mbit(self.rate)} for {self.side} {self.address}"
            f" with {self.burst} us of burst and {self.limit} packets of queue"
        )


@dataclass(frozen=True)
class Foreign:
    """Something that is not made here, or one of ours that is not whole."""

    what: str

    def __str__(self) -> str:
        return self.what


Discipline = TokenBucket | SelectiveBucket | Foreign | None


class TrafficControl:
    """What links send and when. Links are given by their index; PlaneError is raised everywhere."""

    def __init__(self, socket: Netlink) -> None:
        """``socket`` is one of NETLINK_ROUTE."""
        self._netlink = socket

    def read(self, index: int) -> Discipline:
        """What shapes what the link sends. A link that is not there has nothing."""
        with step(f"reading the queueing discipline of link {index}"):
            if self._has_none(index):
                return None
            return _discipline(self._qdiscs(index).get(index, {}), index, self._netlink)

    def read_all(self) -> dict[int, Discipline]:
        """The same of every link that has one, in one look."""
        with step("reading the queueing disciplines of all links"):
            return {index: _discipline(found, index, self._netlink) for index, found in self._qdiscs().items()}

    def set(self, index: int, wanted: TokenBucket | SelectiveBucket | None) -> bool:
        """Make a link have this discipline; True if it had not.

        If it has one of the same kind, that is changed, and keeps the packets that wait in it.
        """
        found = self.read(index)
        if found == wanted:
            return False
        self._put(index, found, wanted)
        return True

    def _put(self, index: int, found: Discipline, wanted: TokenBucket | SelectiveBucket | None) -> None:
        with step(f"giving link {index} {wanted or 'no queueing discipline'}"):
            if type(found) is not type(wanted) and found is not None:
                self._netlink.change(_DELETE_QDISC, _HEAD.pack(index, 0, _TC_H_ROOT, 0))
                found = None
            if isinstance(wanted, TokenBucket):
                rate = _rate(wanted.rate)
                parameters = _TBF.pack(rate, bytes(_RATE.size), wanted.limit, _ticks(wanted.burst), 0)
                body = _HEAD.pack(index, _ROOT, _TC_H_ROOT, 0) + text(_KIND, "tbf")
                self._make(_NEW_QDISC, body + nested(_OPTIONS, raw(_PARAMETERS, parameters)), new=not found)
            elif wanted is not None:
                self._set_selective(index, found if isinstance(found, SelectiveBucket) else None, wanted)

    def _set_selective(self, index: int, found: SelectiveBucket | None, wanted: SelectiveBucket) -> None:
        if not found:
            defaults = _HTB_GLOBAL.pack(_HTB_VERSION, _HTB_RATE_TO_QUANTUM, 0, 0, 0)
            body = _HEAD.pack(index, _ROOT, _TC_H_ROOT, 0) + text(_KIND, "htb")
            self._make(_NEW_QDISC, body + nested(_OPTIONS, raw(_HTB_DEFAULTS, defaults)), new=True)
        rate, burst = _rate(wanted.rate), _ticks(wanted.burst)
        parameters = _HTB.pack(rate, rate, burst, burst, _QUANTUM, 0, 0)
        body = _HEAD.pack(index, _CLASS, _ROOT, 0) + text(_KIND, "htb")
        self._make(_NEW_CLASS, body + nested(_OPTIONS, raw(_PARAMETERS, parameters)), new=not found)
        body = _HEAD.pack(index, _LEAF, _CLASS, 0) + text(_KIND, "pfifo")
        self._make(_NEW_QDISC, body + number(_OPTIONS, wanted.limit), new=not found)
        if found and (found.side, found.address) == (wanted.side, wanted.address):
            return
        head = _HEAD.pack(index, 0, _ROOT, _ALL_IPV4) + text(_KIND, "u32")
        if found:
            self._netlink.change(_DELETE_FILTER, head)
        key = _KEY.pack(0xFFFFFFFF, int(ipaddress.IPv4Address(wanted.address)))
        selector = _SELECTOR.pack(_TERMINAL, 0, 1, 0, 0, 0, 0, 0) + key + _KEY_OFFSET.pack(_OFFSETS[wanted.side], 0)
        options = nested(_OPTIONS, number(_U32_CLASS, _CLASS), raw(_U32_SELECTOR, selector))
        self._make(_NEW_FILTER, head + options, new=True)

    def _has_none(self, index: int) -> bool:
        """Whether the link is not there or sends at once what it is to send, in a look at the link alone."""
        try:
            told = self._netlink.ask(_GET_LINK, _LINK.pack(0, 0, index, 0, 0))
        except OSError as error:
            if error.errno == errno.ENODEV:
                return True
            raise
        return told is not None and netlink.table(told, _LINK.size).get(_QDISC_OF_LINK) == _NO_QUEUE

    def _make(self, kind: int, body: bytes, *, new: bool) -> None:
        self._netlink.change(kind, body, netlink.CREATE | netlink.EXCLUSIVE if new else 0)

    def _qdiscs(self, only: int | None = None) -> dict[int, dict[int, _Qdisc]]:
        """By link and parent, of one link or of all.

        A listing in any case: the answer to a question about one is told to all who listen for changes.
        """
        found: dict[int, dict[int, _Qdisc]] = {}
        asked = _HEAD.pack(0, 0, 0, 0)
        value = b"" if only is None else _HEAD.pack(only, 0, 0, 0)[_INDEX_AT : _INDEX_AT + 4]
        for message in self._netlink.listing(_GET_QDISC, asked, _INDEX_AT, value):
            index, handle, parent, _ = _HEAD.unpack_from(message)
            found.setdefault(index, {})[parent] = _Qdisc(handle, message)
        return found


@dataclass(frozen=True)
class _Qdisc:
    handle: int
    message: bytes

    def told(self) -> tuple[str, bytes]:
        """Kind and options."""
        found = netlink.table(self.message, _HEAD.size)
        return to_text(found[_KIND]), found.get(_OPTIONS, b"")


def _discipline(qdiscs: dict[int, _Qdisc], index: int, socket: Netlink) -> Discipline:
    root = qdiscs.get(_TC_H_ROOT)
    if root is None or root.handle == 0:  # the kernel's default
        return None
    kind, options = root.told()
    if root.handle != _ROOT:
        return Foreign(f"{kind} {root.handle >> 16:x}:")
    if kind == "tbf":
        return _token_bucket(options)
    return _selective(qdiscs.get(_CLASS), index, socket) if kind == "htb" else Foreign(f"{kind} 1:")


def _token_bucket(options: bytes) -> Discipline:
    rate, peak, limit, buffer, _ = _TBF.unpack_from(netlink.table(options)[_PARAMETERS])
    if _RATE.unpack(peak)[-1]:
        return Foreign("tbf with a peak rate")
    return TokenBucket(_RATE.unpack(rate)[-1], _microseconds(buffer), limit)


def _selective(leaf: _Qdisc | None, index: int, socket: Netlink) -> Discipline:
    try:
        classes = socket.listing(_GET_CLASS, _HEAD.pack(index, 0, 0, 0))
        chosen = list(_choices(socket.listing(_GET_FILTER, _HEAD.pack(index, 0, _ROOT, 0))))
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise
        return None
    if len(classes) != 1 or len(chosen) != 1 or chosen[0] is None:
        return Foreign("htb with other classes or filters")
    if leaf is None or leaf.handle != _LEAF or leaf.told()[0] != "pfifo":
        return Foreign("htb with another queue")
    of_class = netlink.table(netlink.table(classes[0], _HEAD.size)[_OPTIONS])[_PARAMETERS]
    rate, ceiling, buffer, of_ceiling, *_ = _HTB.unpack_from(of_class)
    if (_RATE.unpack(rate)[-1], buffer) != (_RATE.unpack(ceiling)[-1], of_ceiling):
        return Foreign("htb with another ceiling")
    side, address = chosen[0]
    return SelectiveBucket(
        _RATE.unpack(rate)[-1], _microseconds(buffer), netlink.to_number(leaf.told()[1]), side, address
    )


def _choices(filters: Iterable[bytes]) -> Iterable[tuple[Side, str] | None]:
    """What each filter selects; None for one that is not made here."""
    for message in filters:
        options = netlink.table(netlink.table(message, _HEAD.size).get(_OPTIONS, b""))
        selector = options.get(_U32_SELECTOR)
        if selector is None:
            continue  # u32's own tables are listed beside its filters
        keys = _SELECTOR.unpack_from(selector)[2]
        if keys != 1:
            yield None
            continue
        mask, value = _KEY.unpack_from(selector, _SELECTOR.size)
        offset, _ = _KEY_OFFSET.unpack_from(selector, _SELECTOR.size + _KEY.size)
        side = next((side for side, place in _OFFSETS.items() if place == offset), None)
        ours = mask == 0xFFFFFFFF and netlink.to_number(options.get(_U32_CLASS, bytes(4))) == _CLASS
        yield (side, str(ipaddress.IPv4Address(value))) if ours and side else None


def _rate(rate: int) -> bytes:
    return _RATE.pack(0, _ETHERNET, 0, 0, 0, rate)


def _ticks(microseconds: int) -> int:
    return round(microseconds / _TICK)


def _microseconds(ticks: int) -> int:
    return round(ticks * _TICK)


def _mbit(rate: int) -> str:
    return f"{rate * 8 / 1e6:g} Mbit/s"
