"""A netlink socket: requests, dumps and attributes, packed and unpacked here.

What a library needs 1.5 ms of processor time for takes 20 us so (measured, pyroute2 0.9), and an instance takes some
fifty requests.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import NamedTuple, Self

#: linux/netlink.h.
REQUEST, ACK, DUMP = 0x1, 0x4, 0x300
REPLACE, EXCLUSIVE, CREATE, APPEND = 0x100, 0x200, 0x400, 0x800
_DUMP_INTERRUPTED, _CAPPED, _WITH_ATTRIBUTES = 0x10, 0x100, 0x200
_ERROR, _DONE = 2, 3
_SOL_NETLINK, _EXT_ACK, _STRICT = 270, 11, 12
_NESTED, _TYPE_MASK = 0x8000, 0x3FFF
_ERROR_TEXT = 1

HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_NUMBER, _SIGNED = struct.Struct("=I"), struct.Struct("=i")

_LONGEST_WAIT = 5.0
#: The kernel tells at most 32 kB at once.
_BUFFER = 1 << 16
_TRIES = 50


class _Interrupted(Exception):
    """Somebody changed something while it was told."""


class Attribute(NamedTuple):
    type: int
    value: bytes


class Netlink:
    """A socket of one netlink family. It stays in the namespace that the thread was in when it was opened.

    Everything raises OSError; one that is the kernel's answer has the kernel's own words, if it said any.
    """

    def __init__(self, family: int) -> None:
        self._sequence = 0
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, family)
        self._socket.settimeout(_LONGEST_WAIT)
        for option in (_EXT_ACK, _STRICT):
            with suppress(OSError):  # an older kernel tells more than it was asked for, and less of why not
                self._socket.setsockopt(_SOL_NETLINK, option, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def ask(self, kind: int, body: bytes) -> bytes | None:
        """The answer to a question about one thing; None if the kernel has only said that it took it."""
        self._send(kind, REQUEST | ACK, body)
        return next(iter(self._answers()), None)

    def listing(self, kind: int, body: bytes, place: int = 0, value: bytes = b"") -> list[bytes]:
        """All things of a kind, as they were at one moment; of these, those that have a value at a place."""
        for _ in range(_TRIES):
            self._send(kind, REQUEST | DUMP, body)
            with suppress(_Interrupted):
                return self._answers(place, value)
        raise OSError(errno.EBUSY, "it is changed all the time")

    def change(self, kind: int, body: bytes, flags: int = 0) -> None:
        """Have something done."""
        self._send(kind, REQUEST | ACK | flags, body)
        self._answers()

    def batch(self, begin: bytes, messages: Iterable[tuple[int, bytes]], end: bytes) -> None:
        """Several changes in one transaction, between a message that begins it and one that ends it.

        Raises the first OSError that the kernel answers with, after all answers.
        """
        first = self._sequence + 1
        data = [begin]
        for kind, body in messages:
            self._sequence += 1
            data.append(HEADER.pack(HEADER.size + len(body), kind, REQUEST | ACK, self._sequence, 0) + body)
        waiting = set(range(first, self._sequence + 1))
        self._socket.send(b"".join((*data, end)))
        failure: OSError | None = None
        while waiting:
            for kind, _, sequence, payload in self._received():
                if kind != _ERROR:
                    continue
                code = -_SIGNED.unpack_from(payload)[0]
                if code and sequence == 0:
                    raise OSError(code, os.strerror(code))
                waiting.discard(sequence)
                if code and failure is None:
                    failure = OSError(code, os.strerror(code))
        if failure is not None:
            raise failure

    def _send(self, kind: int, flags: int, body: bytes) -> None:
        self._sequence += 1
        self._socket.send(HEADER.pack(HEADER.size + len(body), kind, flags, self._sequence, 0) + body)

    def _answers(self, place: int = 0, value: bytes = b"") -> list[bytes]:
        """What is told in answer to what was sent last; of these, those that have the value at the place."""
        found: list[bytes] = []
        interrupted = False
        while True:
            data = self._socket.recv(_BUFFER)
            # a loop and no generators: hundreds of links are gone through for one
            at, last = 0, len(data) - HEADER.size
            while at <= last:
                size, kind, flags, sequence, _ = HEADER.unpack_from(data, at)
                if size < HEADER.size:
                    raise OSError(errno.EBADMSG, "the kernel's answer makes no sense")
                begin, end = at + HEADER.size, at + size
                at += (size + 3) & ~3
                if sequence != self._sequence:
                    continue  # the rest of an answer that was given up
                interrupted = interrupted or bool(flags & _DUMP_INTERRUPTED)
                if kind in (_ERROR, _DONE):
                    self._check(flags, data[begin:end], interrupted=interrupted)
                    return found
                if data.startswith(value, begin + place):
                    found.append(data[begin:end])

    def _check(self, flags: int, payload: bytes, *, interrupted: bool) -> None:
        code = -_SIGNED.unpack_from(payload)[0] if len(payload) >= _SIGNED.size else 0
        if interrupted or code == errno.EINTR:
            raise _Interrupted
        if code:
            raise OSError(code, _said(code, flags, payload))

    def _received(self) -> Iterator[tuple[int, int, int, bytes]]:
        """Type, flags, sequence number and payload of each message that has come."""
        data = self._socket.recv(_BUFFER)
        at = 0
        while at + HEADER.size <= len(data):
            size, kind, flags, sequence, _ = HEADER.unpack_from(data, at)
            if size < HEADER.size:
                raise OSError(errno.EBADMSG, "the kernel's answer makes no sense")
            yield kind, flags, sequence, data[at + HEADER.size : at + size]
            at += (size + 3) & ~3


def attributes(data: bytes, start: int = 0) -> Iterator[Attribute]:
    """The attributes in a message, behind the fixed part of it that ends at ``start``."""
    at = start
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size:
            return
        yield Attribute(kind & _TYPE_MASK, data[at + _ATTRIBUTE.size : at + length])
        at += (length + 3) & ~3


def table(data: bytes, start: int = 0) -> dict[int, bytes]:
    """The same as values by type; of several of one type the last."""
    # a link has some forty, and this is where most of the time of a look goes
    unpack, found = _ATTRIBUTE.unpack_from, {}
    at, last = start, len(data) - _ATTRIBUTE.size
    while at <= last:
        length, kind = unpack(data, at)
        if length < _ATTRIBUTE.size:
            break
        found[kind & _TYPE_MASK] = data[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
    return found


def raw(kind: int, value: bytes) -> bytes:
    """An attribute."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)


def text(kind: int, value: str) -> bytes:
    """An attribute that is a text."""
    return raw(kind, value.encode() + b"\0")


def number(kind: int, value: int) -> bytes:
    """An attribute that is a number of 32 bits."""
    return raw(kind, _NUMBER.pack(value))


def nested(kind: int, *values: bytes) -> bytes:
    """An attribute that has attributes in it."""
    return raw(kind | _NESTED, b"".join(values))


def to_text(value: bytes) -> str:
    return value.rstrip(b"\0").decode(errors="replace")


def to_number(value: bytes) -> int:
    found: int = _NUMBER.unpack_from(value)[0]
    return found


def _said(code: int, flags: int, payload: bytes) -> str:
    """What the kernel says of an error: its number's text and, where it has one, its own sentence."""
    told = os.strerror(code)
    if not flags & _WITH_ATTRIBUTES or len(payload) < _NUMBER.size + HEADER.size:
        return told
    # behind the number comes our message again, or only its header
    length = HEADER.size if flags & _CAPPED else HEADER.unpack_from(payload, _NUMBER.size)[0]
    own = table(payload, _NUMBER.size + ((length + 3) & ~3)).get(_ERROR_TEXT)
    return f"{told}: {to_text(own)}" if own else told
