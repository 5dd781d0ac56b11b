"""Tells whoever is on a link by which hardware address an address is reached from now on: RFC 5227, 1.2 and 3.

Without it neighbours that knew the address elsewhere send there until their entries expire.
"""

from __future__ import annotations

import socket
import struct

from gatewright.plane.linux.failures import step
from gatewright.plane.linux.rtnl import Link

_ETHERNET, _IPV4, _ARP, _REQUEST = 1, 0x0800, 0x0806, 1
_HEADER = struct.Struct(">HHBBH")


def announce(link: Link, address: str) -> None:
    """Send it once, in the namespace of the calling thread; a link without hardware addresses has no neighbours.

    Raises PlaneError.
    """
    if link.mac is None:
        return
    kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
    with step(f"telling the neighbours on {link.name} of {address}"), socket.socket(socket.AF_PACKET, kind) as channel:
        channel.bind((link.name, _ARP))
        channel.send(frame(bytes.fromhex(link.mac.replace(":", "")), socket.inet_aton(address)))


def frame(mac: bytes, address: bytes) -> bytes:
    """An ARP request for one's own address, to everybody."""
    packet = _HEADER.pack(_ETHERNET, _IPV4, len(mac), len(address), _REQUEST) + mac + address + bytes(6) + address
    return b"\xff" * 6 + mac + _ARP.to_bytes(2) + packet
