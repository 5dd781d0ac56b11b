"""Packets made by hand, places in networks to send them from, and ears that hear what arrives."""

from __future__ import annotations

import contextlib
import ipaddress
import select
import socket
import struct
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gatewright.plane.linux import netns
from gatewright.plane.linux.names import stable_mac
from tests.plane.linux.lab import Lab, run

IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD
ICMP, TCP, UDP, GRE, ESP, AH = 1, 6, 17, 47, 50, 51
BROADCAST = "ff:ff:ff:ff:ff:ff"

#: How long a packet may take, and how long one that must not come is still waited for after one that did, in seconds.
_PATIENCE = 5.0
_GRACE = 0.1
#: BR_STATE_FORWARDING of linux/if_bridge.h.
_FORWARDING = "3"


@dataclass(frozen=True)
class Place:
    """A machine of somebody's: a namespace with the link ``eth`` in a bridge."""

    namespace: str
    mac: str
    address: str

    def send(self, *frames: bytes, link: str = "eth") -> None:
        send(self.namespace, link, *frames)

    def run(self, *command: str, check: bool = True) -> str:
        return run("ip", "netns", "exec", self.namespace, *command, check=check)


@contextlib.contextmanager
def place(lab: Lab, name: str, bridge: str, address: str, gateway: str | None = None) -> Iterator[Place]:
    """A machine in the bridge, with the address (and its prefix length) and perhaps a default route."""
    namespace = f"gwtest-{lab.installation}-{name}"
    mac = stable_mac(namespace)
    outer = f"gwt{stable_mac(namespace).replace(':', '')[2:]}"
    run("ip", "netns", "add", namespace)
    try:
        run(
            *("ip", "link", "add", outer, "master", bridge, "type", "veth"),
            *("peer", "name", "eth", "address", mac, "netns", namespace),
        )
        run("ip", "-n", namespace, "address", "add", address, "dev", "eth")
        run("ip", "-n", namespace, "link", "set", "lo", "up")
        run("ip", "-n", namespace, "link", "set", "eth", "up")
        run("ip", "link", "set", outer, "up")
        if gateway:
            run("ip", "-n", namespace, "route", "add", "default", "via", gateway)
        await_forwarding(outer)
        yield Place(namespace, mac, address.partition("/")[0])
    finally:
        run("ip", "netns", "delete", namespace)


def await_forwarding(port: str) -> None:
    """Wait until a bridge carries what its port is sent, which the kernel sees to some time after both ends are up."""
    state = Path("/sys/class/net") / port / "brport" / "state"
    deadline = time.monotonic() + _PATIENCE
    while (found := state.read_text().strip()) != _FORWARDING:
        assert time.monotonic() < deadline, f"port {port} is in state {found} after {_PATIENCE:.0f} s"
        time.sleep(0.001)


class Ear:
    """Hears in a namespace, or in the host's: the IP protocols that get past its filter, or all frames of a link."""

    def __init__(self, namespace: str, *protocols: int, link: str | None = None) -> None:
        with netns.entered(namespace) if namespace else contextlib.nullcontext():
            if link is None:
                self._sockets = [socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol) for protocol in protocols]
            else:
                self._sockets = [socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))]
                self._sockets[0].bind((link, 3))
        self._link = link

    def __enter__(self) -> Ear:
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._sockets:
            one.close()

    def heard(self, sent: Mapping[str, bytes], control: str) -> set[str]:
        """Which of the packets have come, by what they carry, once the control has, which must."""
        found: set[str] = set()
        poll = select.poll()
        for one in self._sockets:
            poll.register(one, select.POLLIN)
        by_number = {one.fileno(): one for one in self._sockets}
        deadline = time.monotonic() + _PATIENCE
        while (left := deadline - time.monotonic()) > 0:
            for number, _ in poll.poll(left * 1000):
                data, origin = by_number[number].recvfrom(65536)
                if self._link and origin[2] == socket.PACKET_OUTGOING:
                    continue
                found.update(name for name in sent if marker(name) in data)
            if control in found:
                deadline = min(deadline, time.monotonic() + _GRACE)
        assert control in found, f"the packet that must come did not; these did: {sorted(found)}"
        return found

    def arp_answers(self, until: str) -> set[str]:
        """The addresses that ARP is answered for, once one has been answered, which must."""
        found: set[str] = set()
        sock = self._sockets[0]
        deadline = time.monotonic() + _PATIENCE
        with contextlib.suppress(TimeoutError):
            while (left := deadline - time.monotonic()) > 0:
                sock.settimeout(left)
                data = sock.recv(65536)
                if data[12:14] == struct.pack(">H", ARP) and data[20:22] == b"\0\2":
                    found.add(socket.inet_ntoa(data[28:32]))
                if until in found:
                    deadline = min(deadline, time.monotonic() + _GRACE)
        return found


def send(namespace: str, link: str, *frames: bytes) -> None:
    """Send frames as they are, past every filter of the namespace but those at its links."""
    with netns.entered(namespace):
        sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    with sender:
        sender.bind((link, 0))
        for one in frames:
            sender.send(one)


def marker(name: str) -> bytes:
    return f"<{name}>".encode()


def mac_bytes(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def frame(source: str, destination: str, kind: int, payload: bytes) -> bytes:
    return mac_bytes(destination) + mac_bytes(source) + struct.pack(">H", kind) + payload


def ip(source: str, destination: str, protocol: int, payload: bytes, *, fragment: int = 0, ttl: int = 64) -> bytes:
    """An IPv4 packet. ``fragment`` is the field of flags and offset."""
    addresses = ipaddress.IPv4Address(source).packed + ipaddress.IPv4Address(destination).packed
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 0x4757, fragment, ttl, protocol, 0) + addresses
    return head[:10] + _checksum(head) + head[12:] + payload


def udp(source: int, destination: int, payload: bytes) -> bytes:
    return struct.pack(">HHHH", source, destination, 8 + len(payload), 0) + payload


def tcp(source: int, destination: int, flags: int, payload: bytes) -> bytes:
    """A segment without a valid checksum, which nobody looks at before it reaches a socket of TCP."""
    return struct.pack(">HHIIBBHHH", source, destination, 1, 1, 0x50, flags, 1024, 0, 0) + payload


def icmp(kind: int, code: int, payload: bytes, rest: int = 0) -> bytes:
    head = struct.pack(">BBHI", kind, code, 0, rest)
    return head[:2] + _checksum(head + payload) + head[4:] + payload


def arp(sender_mac: str, sender: str, target: str, *, operation: int = 1, trailer: bytes = b"") -> bytes:
    addresses = ipaddress.IPv4Address(sender).packed, ipaddress.IPv4Address(target).packed
    head = struct.pack(">HHBBH", 1, IPV4, 6, 4, operation)
    return head + mac_bytes(sender_mac) + addresses[0] + bytes(6) + addresses[1] + trailer


def ipv6(payload: bytes) -> bytes:
    """A packet from one link-local address to another."""
    addresses = ipaddress.IPv6Address("fe80::1").packed + ipaddress.IPv6Address("fe80::2").packed
    return struct.pack(">IHBB", 0x60000000, len(payload), UDP, 64) + addresses + payload


def _checksum(data: bytes) -> bytes:
    total = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack(">H", ~total & 0xFFFF)
