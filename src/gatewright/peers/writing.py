"""What the modules of all devices have in common: what they make, its head, and how they refuse."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from gatewright.peers.model import Peer, PeerTunnel

#: Names on a device: letters, digits and hyphens.
_UNNAMED = re.compile(r"[^A-Za-z0-9-]+")
_SIMPLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+/=-]*")
_IDENTITY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]*")
_UNPRINTABLE = re.compile(r"[^ -~]+")


class CannotDo(Exception):
    """A device cannot do what a connection asks; the message says what to change."""


class Part(NamedTuple):
    """One file, or one thing to paste."""

    #: What ``--part`` calls it; a file's name.
    name: str
    #: Where it goes on the device, for people.
    goes: str
    text: str


class Vendor(NamedTuple):
    """A kind of device that a connection can be written for."""

    title: str
    #: How a line of comment begins.
    comment: str
    write: Callable[[Peer], list[Part]]
    #: What showed that it works; empty: nobody has tried it on a device.
    tried: str = ""


def head(vendor: Vendor, peer: Peer) -> str:
    """What stands before all, each line ended: which connection it is, for what, and whether it has been tried."""
    named = f" ({_UNPRINTABLE.sub('?', peer.name)})" if peer.name else ""
    tunnels = " and ".join(f"{each.role} {plain(each.id)}" for each in peer.tunnels)
    lines = [
        f"IPsec connection {plain(peer.id)}{named}, for {vendor.title}.",
        f"Tunnels: {tunnels}." if len(peer.tunnels) > 1 else f"Tunnel: {tunnels}.",
        f"Tried: {vendor.tried}." if vendor.tried else "NOT TRIED ON A DEVICE: it follows the vendor's documentation.",
    ]
    if peer.probed:
        lines.append(f"The gateway pings {peer.probed} through the tunnel: it has to answer.")
    return block(f"{vendor.comment} {line}" for line in lines)


def block(lines: Iterable[str], indent: int = 0) -> str:
    """Lines, each ended, so many spaces in."""
    return "".join(f"{' ' * indent}{line}\n" for line in lines)


def plain(name: str) -> str:
    """A name with nothing in it that any device could take for more than a name."""
    return _UNNAMED.sub("-", name) or "-"


def word(words: Mapping[str, str], asked: str, what: str, device: str) -> str:
    """A device's word for an algorithm of the API. Raises CannotDo."""
    try:
        return words[asked]
    except KeyError:
        raise CannotDo(
            f"{device} cannot do {what} {asked}: change the connection to one of {', '.join(words)} "
            "(ModifyVpnConnectionAttribute; of one tunnel, ModifyTunnelAttribute)"
        ) from None


def seconds(lifetime: int, least: int, most: int) -> int:
    """A lifetime as near as a device takes it; 0 is for ever, so the longest. In IKEv2 each end has its own."""
    return min(max(lifetime, least), most) if lifetime else most


def addressed(identity: str) -> bool:
    """Whether an identity is an IPv4 address."""
    try:
        ipaddress.IPv4Address(identity)
    except ValueError:
        return False
    return True


def simple(text: str) -> bool:
    """Whether a value has nothing in it that any device's command line takes for more than a letter."""
    return _SIMPLE.fullmatch(text) is not None


def named(identity: str, device: str) -> str:
    """An identity for a device whose quoting of them is not known to be safe. Raises CannotDo."""
    if not _IDENTITY.fullmatch(identity):
        raise CannotDo(
            f"the identity {identity} has characters that {device}'s configuration may take for something else: "
            "use letters, digits, dots, hyphens and @ in LocalId and RemoteId"
        )
    return identity


def link(number: int) -> str:
    """What a tunnel, and all that belongs to it, is called on a device."""
    return f"gw{number}"


def mask(network: str) -> tuple[str, str, str]:
    """Network address, netmask and wildcard."""
    parsed = ipaddress.IPv4Network(network, strict=False)
    return str(parsed.network_address), str(parsed.netmask), str(parsed.hostmask)


def distance(tunnel: PeerTunnel) -> int:
    """Of static routes: the master's are used as long as it stands."""
    return 10 if tunnel.role == "master" else 20


def local_preference(tunnel: PeerTunnel) -> int:
    """Of routes learned by BGP: both ends have to send by the same tunnel, the master's while it stands."""
    return 200 if tunnel.role == "master" else 100
