"""Queueing disciplines of links, with our own types in front of pyroute2's untyped messages.

A link has one of four here: none (the kernel's default for veth), one of the two that are made here, or
somebody else's. What is read back equals what was set, so comparing is all it takes to know that it is right.
"""

from __future__ import annotations

import errno
import ipaddress
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.rtnl.tcmsg import tcmsg

from gatewright.plane.linux.failures import step

_TC_H_ROOT = 0xFFFFFFFF
_ROOT, _CLASS, _LEAF = 0x10000, 0x10001, 0x20000
_IP = 0x0800
_NLMSG_ERROR = 2
_RTM_GETQDISC = 38
#: NLM_F_REQUEST, NLM_F_ACK and NLM_F_ECHO: without the echo the kernel tells the answer to listeners only
_TELL_ME = 1 | 4 | 8
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

    def __init__(self, ip: Any) -> None:
        """``ip`` is pyroute2's IPRoute."""
        self._ip = ip

    def read(self, index: int) -> Discipline:
        """What shapes what the link sends. A link that is not there has nothing."""
        with step(f"reading the queueing discipline of link {index}"):
            try:
                root = self._qdisc(index, _TC_H_ROOT)
            except NetlinkError as error:
                if error.code == errno.ENODEV:
                    return None
                raise
            if root is None or root["handle"] == 0:  # the kernel's default
                return None
            kind = root.get("kind")
            if root["handle"] != _ROOT:
                return Foreign(f"{kind} {root['handle'] >> 16:x}:")
            if kind == "tbf":
                return _token_bucket(root)
            return self._selective(index) if kind == "htb" else Foreign(f"{kind} 1:")

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
                self._ip.tc("del", index=index, parent=_TC_H_ROOT)
                found = None
            if isinstance(wanted, TokenBucket):
                self._ip.tc(
                    "change" if found else "add",
                    "tbf",
                    index,
                    _ROOT,
                    rate=wanted.rate,
                    burst=_bytes(wanted),
                    limit=wanted.limit,
                )
            elif wanted is not None:
                self._set_selective(index, found if isinstance(found, SelectiveBucket) else None, wanted)

    def _set_selective(self, index: int, found: SelectiveBucket | None, wanted: SelectiveBucket) -> None:
        verb = "change" if found else "add"
        if not found:
            self._ip.tc("add", "htb", index, _ROOT, default=0)
        burst = _bytes(wanted)
        self._ip.tc(
            f"{verb}-class",
            "htb",
            index,
            _CLASS,
            parent=_ROOT,
            rate=wanted.rate,
            burst=burst,
            cburst=burst,
            quantum=_QUANTUM,
        )
        self._ip.tc(verb, "pfifo", index, _LEAF, parent=_CLASS, limit=wanted.limit)
        choice = {"parent": _ROOT, "prio": 1, "protocol": _IP, "target": _CLASS}
        if found and (found.side, found.address) == (wanted.side, wanted.address):
            return
        if found:
            self._ip.tc("del-filter", "u32", index, **choice)
        address = int(ipaddress.IPv4Address(wanted.address))
        key = f"{address:#010x}/0xffffffff+{_OFFSETS[wanted.side]}"
        self._ip.tc("add-filter", "u32", index, keys=[key], **choice)

    def _selective(self, index: int) -> Discipline:
        classes = list(self._ip.get_classes(index=index))
        try:
            leaf = self._qdisc(index, _CLASS)
        except NetlinkError as error:
            if error.code != errno.ENOENT:
                raise
            leaf = None
        chosen = list(_choices(self._ip.get_filters(index=index, parent=_ROOT)))
        if len(classes) != 1 or len(chosen) != 1 or chosen[0] is None:
            return Foreign("htb with other classes or filters")
        if leaf is None or leaf["handle"] != _LEAF or leaf.get("kind") != "pfifo":
            return Foreign("htb with another queue")
        of_class = classes[0].get("options").get_attr("TCA_HTB_PARMS")
        if (of_class["rate"], of_class["buffer"]) != (of_class["ceil"], of_class["cbuffer"]):
            return Foreign("htb with another ceiling")
        side, address = chosen[0]
        return SelectiveBucket(
            of_class["rate"], _microseconds(of_class["buffer"]), leaf.get("options")["limit"], side, address
        )

    def _qdisc(self, index: int, parent: int) -> Any:
        """The one at this place. Asking for one is much quicker than a listing, which is of all links."""
        message = tcmsg()
        message["header"]["type"] = _RTM_GETQDISC
        message["header"]["flags"] = _TELL_ME
        message["index"] = index
        message["parent"] = parent
        answers = self._ip.nlm_request_batch([message])
        return next((answer for answer in answers if answer["header"]["type"] != _NLMSG_ERROR), None)


def _token_bucket(message: Any) -> Discipline:
    found = message.get("options").get_attr("TCA_TBF_PARMS")
    if found["peak"]:
        return Foreign("tbf with a peak rate")
    return TokenBucket(found["rate"], _microseconds(found["buffer"]), found["limit"])


def _choices(filters: Iterable[Any]) -> Iterable[tuple[Side, str] | None]:
    """What each filter selects; None for one that is not made here."""
    for message in filters:
        options = message.get("options")
        selector = options.get_attr("TCA_U32_SEL") if options is not None else None
        if selector is None:
            continue  # u32's own tables are listed beside its filters
        # pyroute2 0.9 reads the keys from the wrong place: after the attribute's head there are 16 bytes
        mask, value = struct.unpack_from(">II", selector.data, selector.offset + 20)
        (offset,) = struct.unpack_from("=i", selector.data, selector.offset + 28)
        side = next((side for side, place in _OFFSETS.items() if place == offset), None)
        ours = selector["nkeys"] == 1 and mask == 0xFFFFFFFF and options.get_attr("TCA_U32_CLASSID") == _CLASS
        yield (side, str(ipaddress.IPv4Address(value))) if ours and side else None


def _bytes(bucket: TokenBucket | SelectiveBucket) -> float:
    """The burst as pyroute2 takes it; half a microsecond more, because it rounds down."""
    return bucket.rate * (bucket.burst + 0.5) / 1e6


def _microseconds(ticks: int) -> int:
    return round(ticks * _TICK)


def _mbit(rate: int) -> str:
    return f"{rate * 8 / 1e6:g} Mbit/s"
