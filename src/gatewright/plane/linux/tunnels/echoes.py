"""ICMP echoes through tunnels: packets as they are written and read, from and to addresses that need not be here.

Of a health check the source is an address of the VPC: of a machine there, maybe, which goes on getting what is for it.
So packets are written as a whole, and answers are read where they come in, before anybody decides whose they are. What
tells them apart from everybody else's is :data:`MAGIC`; the instance's filters drop them by it.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from typing import NamedTuple, Self

from gatewright.plane.linux import netns
from gatewright.plane.linux.failures import step

#: The first bytes after the ICMP header, as a number.
MAGIC = int.from_bytes(b"gwhealth", "big")

_IP_PROTOCOL = 0x0800
_IP = struct.Struct(">BBHHHBBH4s4s")
_ICMP = struct.Struct(">BBHHHQQ")
_ECHO, _REPLY = 8, 0
_HOPS = 64
_LARGEST = 2048
#: Packets read in one turn of the loop.
_MOST = 256
#: linux/filter.h: loads of a byte and a word at an offset and behind the IP header, comparison, return.
_LOAD_BYTE, _LOAD_BYTE_BEHIND, _LOAD_WORD_BEHIND = 0x30, 0x50, 0x40
_HEADER_LENGTH, _EQUALS, _RETURN = 0xB1, 0x15, 0x06
_ATTACH_FILTER = 26
_INSTRUCTION = struct.Struct("=HBBI")
#: Answers with the magic bytes, and nothing else, reach us: traffic costs no more than this.
_FILTER = (
    (_LOAD_BYTE, 0, 0, 9),
    (_EQUALS, 0, 8, socket.IPPROTO_ICMP),
    (_HEADER_LENGTH, 0, 0, 0),
    (_LOAD_BYTE_BEHIND, 0, 0, 0),
    (_EQUALS, 0, 5, _REPLY),
    (_LOAD_WORD_BEHIND, 0, 0, 8),
    (_EQUALS, 0, 3, MAGIC >> 32),
    (_LOAD_WORD_BEHIND, 0, 0, 12),
    (_EQUALS, 0, 1, MAGIC & 0xFFFFFFFF),
    (_RETURN, 0, 0, _LARGEST),
    (_RETURN, 0, 0, 0),
)


class Echo(NamedTuple):
    """One request, by what its answer repeats."""

    #: Whom it is from and to, as the request has it.
    source: str
    destination: str
    identifier: int
    sequence: int
    #: Nobody who does not see the request knows it.
    cookie: int


class Echoes:
    """Requests and answers of one namespace. Never blocks, but for being made, which raises PlaneError."""

    def __init__(self, namespace: str) -> None:
        with step(f"opening a socket for health checks in {namespace}"), netns.entered(namespace):
            kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK
            self._socket = socket.socket(socket.AF_PACKET, kind, socket.htons(_IP_PROTOCOL))
            try:
                code = ctypes.create_string_buffer(b"".join(_INSTRUCTION.pack(*line) for line in _FILTER))
                program = struct.pack("HP", len(_FILTER), ctypes.addressof(code))
                self._socket.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, program)
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

    def send(self, link: str, echo: Echo) -> bool:
        """Send a request over a link, wherever routes lead. False if that cannot be done now."""
        try:
            self._socket.sendto(request(echo), (link, _IP_PROTOCOL))
        except OSError:
            return False
        return True

    def take(self) -> list[Echo]:
        """The requests whose answers have come in over tunnels since."""
        found = []
        for _ in range(_MOST):
            try:
                packet, (link, *_) = self._socket.recvfrom(_LARGEST)
            except OSError:  # nothing more
                break
            answered = read(packet)
            if answered is not None and link.startswith("tun"):
                found.append(answered)
        return found


def request(echo: Echo) -> bytes:
    """An IPv4 packet. Pure."""
    message = _ICMP.pack(_ECHO, 0, 0, echo.identifier, echo.sequence, MAGIC, echo.cookie)
    message = message[:2] + _checksum(message).to_bytes(2, "big") + message[4:]
    ends = socket.inet_aton(echo.source), socket.inet_aton(echo.destination)
    header = _IP.pack(0x45, 0, _IP.size + len(message), 0, 0, _HOPS, socket.IPPROTO_ICMP, 0, *ends)
    return header[:10] + _checksum(header).to_bytes(2, "big") + header[12:] + message


def read(packet: bytes) -> Echo | None:
    """The request that a packet answers. Pure."""
    if len(packet) < _IP.size or packet[0] >> 4 != 4 or packet[9] != socket.IPPROTO_ICMP:
        return None
    at = (packet[0] & 15) * 4
    if at < _IP.size or len(packet) < at + _ICMP.size:
        return None
    kind, _, _, identifier, sequence, magic, cookie = _ICMP.unpack_from(packet, at)
    if kind != _REPLY or magic != MAGIC:
        return None
    *_, answering, asking = _IP.unpack_from(packet)
    return Echo(socket.inet_ntoa(asking), socket.inet_ntoa(answering), identifier, sequence, cookie)


def _checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF
