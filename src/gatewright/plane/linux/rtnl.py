"""Links and addresses over one netlink socket."""

from __future__ import annotations

import errno
import socket
import struct
from dataclasses import dataclass
from socket import AF_INET
from types import TracebackType
from typing import Self

from gatewright.plane.linux import netlink
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.names import LinkMark
from gatewright.plane.linux.netlink import Netlink, nested, number, raw, text, to_number, to_text
from gatewright.plane.linux.traffic_control import TrafficControl

#: linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h, linux/veth.h.
_NEW_LINK, _DELETE_LINK, _GET_LINK = 16, 17, 18
_NEW_ADDRESS, _DELETE_ADDRESS, _GET_ADDRESS = 20, 21, 22
_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBI")
_MAC, _NAME, _MTU, _PEER, _MASTER = 1, 3, 4, 5, 10
_OPERATIONAL, _INFO, _ALIAS, _NAMESPACE, _MASK, _OTHER_NAMESPACE = 16, 18, 20, 28, 29, 37
_INFO_KIND, _INFO_DATA, _VETH_PEER = 1, 2, 1
_ADDRESS_OF_PEER, _LOCAL, _ADDRESS_FLAGS = 1, 2, 8
_NO_ROUTE = 0x200
#: linux/rtnetlink.h.
_EVERYWHERE, _HERE = 0, 254
_IFF_UP = 1
#: The port of RFC 7348.
_VXLAN_PORT = 4789
_ANYBODY = "00:00:00:00:00:00"
#: linux/neighbour.h, linux/if_link.h.
_NEW_NEIGHBOUR, _DELETE_NEIGHBOUR, _GET_NEIGHBOUR = 28, 29, 30
_FORWARDING = struct.Struct("=BxxxiHBB")
_BRIDGING, _ITS_OWN, _FOR_GOOD = 7, 0x02, 0xC0
_HOST, _HARDWARE = 1, 2
_VXLAN_ID, _VXLAN_LOCAL, _VXLAN_LEARNING, _VXLAN_PORT_NUMBER = 1, 4, 7, 15
_XFRM_IF_ID = 2
_OPERSTATE_UP = 6
#: Asks for links without their counters.
_WITHOUT_COUNTERS = number(_MASK, 1 << 3)


@dataclass(frozen=True)
class Link:
    """A link as the kernel describes it."""

    index: int
    name: str
    kind: str | None
    alias: str | None
    mac: str | None
    mtu: int
    #: Index of the bridge that it is a port of.
    master: int | None
    #: Index of a veth's other end, in the other end's namespace.
    peer: int | None
    #: Which namespace a veth's other end is in, or an XFRM interface was made in; None if that is this one. Numbers are
    #: this namespace's own.
    made_in: int | None
    up: bool
    #: Of a VXLAN: its number and local address.
    vxlan: tuple[int, str] | None
    #: Of an XFRM interface: the number of its states and policies.
    if_id: int | None
    #: Whether the kernel carries packets over it, which it starts to do some time after it is up.
    operational: bool


class Rtnl:
    """A netlink socket. It stays in the namespace that the thread was in when it was opened.

    To be used by one thread at a time. All methods raise PlaneError.
    """

    def __init__(self) -> None:
        with step("opening a netlink socket"):
            self._netlink = Netlink(socket.NETLINK_ROUTE)
        self.traffic = TrafficControl(self._netlink)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._netlink.close()

    def links(self) -> list[Link]:
        with step("listing links"):
            body = _LINK.pack(0, 0, 0, 0, 0) + _WITHOUT_COUNTERS
            return [_link(message) for message in self._netlink.listing(_GET_LINK, body)]

    def find(self, name: str) -> Link | None:
        with step(f"looking up link {name}"):
            try:
                found = self._netlink.ask(_GET_LINK, _LINK.pack(0, 0, 0, 0, 0) + text(_NAME, name) + _WITHOUT_COUNTERS)
            except OSError as error:
                if error.errno == errno.ENODEV:
                    return None
                raise
            return None if found is None else _link(found)

    def ports(self, bridge: Link) -> list[Link]:
        """What is plugged into a bridge; the kernel picks them from all links."""
        with step(f"listing ports of {bridge.name}"):
            body = _LINK.pack(0, 0, 0, 0, 0) + number(_MASTER, bridge.index) + _WITHOUT_COUNTERS
            found = [_link(message) for message in self._netlink.listing(_GET_LINK, body)]
            return [link for link in found if link.master == bridge.index]

    def add_bridge(self, mark: LinkMark) -> None:
        with step(f"making bridge {mark.name}"):
            self._add_link(text(_NAME, mark.name), _mac(mark.mac), nested(_INFO, text(_INFO_KIND, "bridge")))

    def add_veth(self, mark: LinkMark, bridge: Link, inner: str, inner_mac: str, namespace: int) -> None:
        """A pair: the marked end plugged into the bridge, the inner one in the namespace of a descriptor.

        Both have the bridge's MTU: a bridge takes the least of its ports' for its own.
        """
        mtu = number(_MTU, bridge.mtu)
        peer = _LINK.pack(0, 0, 0, 0, 0) + text(_NAME, inner) + _mac(inner_mac) + mtu + number(_NAMESPACE, namespace)
        info = nested(_INFO, text(_INFO_KIND, "veth"), nested(_INFO_DATA, raw(_VETH_PEER, peer)))
        with step(f"making veth {mark.name} with {inner} on its other end"):
            self._add_link(text(_NAME, mark.name), _mac(mark.mac), mtu, number(_MASTER, bridge.index), info)

    def add_pair(self, name: str, mac: str, peer_name: str, peer_mac: str, namespace: int, mtu: int) -> None:
        """A veth between this namespace and that of a descriptor, plugged into nothing."""
        peer = _LINK.pack(0, 0, 0, 0, 0) + text(_NAME, peer_name) + _mac(peer_mac)
        peer += number(_MTU, mtu) + number(_NAMESPACE, namespace)
        info = nested(_INFO, text(_INFO_KIND, "veth"), nested(_INFO_DATA, raw(_VETH_PEER, peer)))
        with step(f"making veth {name} with {peer_name} on its other end"):
            self._add_link(text(_NAME, name), _mac(mac), number(_MTU, mtu), info)

    def add_xfrm(self, name: str, if_id: int, mtu: int) -> None:
        """An XFRM interface: what goes through it uses the states and policies with that number."""
        info = nested(_INFO, text(_INFO_KIND, "xfrm"), nested(_INFO_DATA, number(_XFRM_IF_ID, if_id)))
        with step(f"making XFRM interface {name}"):
            self._add_link(text(_NAME, name), number(_MTU, mtu), info)

    def move(self, link: Link, namespace: int, name: str) -> None:
        """Move a link to the namespace of a descriptor, where it has another name; its addresses and routes go."""
        with step(f"moving link {link.name} to another namespace as {name}"):
            body = _LINK.pack(0, 0, link.index, 0, 0) + number(_NAMESPACE, namespace) + text(_NAME, name)
            self._netlink.change(_NEW_LINK, body)

    def add_vxlan(self, mark: LinkMark, bridge: Link, vni: int, local: str) -> None:
        """A port of the bridge that carries its frames over UDP, from a local address to whom :meth:`flood` says."""
        data = (
            number(_VXLAN_ID, vni)
            + raw(_VXLAN_LOCAL, socket.inet_aton(local))
            + raw(_VXLAN_LEARNING, b"\1")
            + raw(_VXLAN_PORT_NUMBER, _VXLAN_PORT.to_bytes(2, "big"))
        )
        info = nested(_INFO, text(_INFO_KIND, "vxlan"), nested(_INFO_DATA, data))
        with step(f"making VXLAN {vni} at {local} as {mark.name}"):
            self._add_link(text(_NAME, mark.name), _mac(mark.mac), number(_MASTER, bridge.index), info)

    def floods(self, link: Link) -> set[str]:
        """Where a VXLAN sends what it does not know a better place for."""
        with step(f"listing the forwarding database of {link.name}"):
            return {host for mac, host in self._forwarding(link) if mac == _ANYBODY}

    def flood(self, link: Link, host: str) -> None:
        """Send there, among others, what the VXLAN does not know a better place for."""
        with step(f"sending {link.name} to {host}"):
            self._netlink.change(_NEW_NEIGHBOUR, _entry(link, _ANYBODY, host), netlink.CREATE | netlink.APPEND)

    def stop_flooding(self, link: Link, host: str) -> None:
        with step(f"no longer sending {link.name} to {host}"):
            self._forget(link, _ANYBODY, host)

    def forget_behind(self, link: Link, host: str) -> None:
        """Forget the machines that a VXLAN has learned to be behind a host."""
        with step(f"forgetting what {link.name} knew behind {host}"):
            for mac, where in self._forwarding(link):
                if where == host and mac != _ANYBODY:
                    self._forget(link, mac, host)

    def _forwarding(self, link: Link) -> list[tuple[str, str]]:
        """Hardware addresses of a VXLAN's forwarding database, and the hosts that they are behind."""
        found = []
        for message in self._netlink.listing(_GET_NEIGHBOUR, _FORWARDING.pack(_BRIDGING, link.index, 0, 0, 0)):
            told = netlink.table(message, _FORWARDING.size)
            if _FORWARDING.unpack_from(message)[1] == link.index and _HOST in told and _HARDWARE in told:
                found.append((told[_HARDWARE].hex(":"), socket.inet_ntoa(told[_HOST])))
        return found

    def _forget(self, link: Link, mac: str, host: str) -> None:
        try:
            self._netlink.change(_DELETE_NEIGHBOUR, _entry(link, mac, host))
        except OSError as error:
            if error.errno != errno.ENOENT:  # it aged out by itself
                raise

    def change(
        self,
        link: Link,
        *,
        state: str | None = None,
        master: int | None = None,
        ifalias: str | None = None,
        address: str | None = None,
    ) -> None:
        """Change a link: its state (``up`` or ``down``), the bridge that it is plugged into, its alias, its MAC."""
        given = {"state": state, "master": master, "ifalias": ifalias, "address": address}
        body = _LINK.pack(0, 0, link.index, _IFF_UP if state == "up" else 0, _IFF_UP if state else 0)
        if address is not None:
            body += _mac(address)
        if master is not None:
            body += number(_MASTER, master)
        if ifalias is not None:
            body += text(_ALIAS, ifalias)
        names = ", ".join(name for name, value in given.items() if value is not None)
        with step(f"setting {names} of link {link.name}"):
            self._netlink.change(_NEW_LINK, body)

    def delete(self, link: Link) -> None:
        with step(f"deleting link {link.name}"):
            try:
                self._netlink.change(_DELETE_LINK, _LINK.pack(0, 0, link.index, 0, 0))
            except OSError as error:
                if error.errno != errno.ENODEV:
                    raise

    def addresses(self, link: Link) -> set[tuple[str, int]]:
        """IPv4 addresses with their prefix lengths."""
        found = set()
        with step(f"listing addresses of {link.name}"):
            for message in self._netlink.listing(_GET_ADDRESS, _ADDRESS.pack(AF_INET, 0, 0, 0, link.index)):
                _, prefix, _, _, index = _ADDRESS.unpack_from(message)
                if index == link.index:
                    told = netlink.table(message, _ADDRESS.size)
                    found.add((socket.inet_ntoa(told.get(_LOCAL) or told[_ADDRESS_OF_PEER]), prefix))
        return found

    def every_address(self) -> dict[int, set[tuple[str, int]]]:
        """The same of all links that have any, by their indexes."""
        found: dict[int, set[tuple[str, int]]] = {}
        with step("listing addresses"):
            for message in self._netlink.listing(_GET_ADDRESS, _ADDRESS.pack(AF_INET, 0, 0, 0, 0)):
                _, prefix, _, _, index = _ADDRESS.unpack_from(message)
                told = netlink.table(message, _ADDRESS.size)
                address = socket.inet_ntoa(told.get(_LOCAL) or told[_ADDRESS_OF_PEER])
                found.setdefault(index, set()).add((address, prefix))
        return found

    def add_address(self, link: Link, address: str, prefix: int, *, idle: bool = False) -> None:
        """``idle``: no packet is to have it, and no route comes with it."""
        body = _address(link, address, prefix, _HERE if idle else _EVERYWHERE)
        with step(f"adding {address}/{prefix} to {link.name}"):
            if idle:
                body += number(_ADDRESS_FLAGS, _NO_ROUTE)
            self._netlink.change(_NEW_ADDRESS, body, netlink.CREATE | netlink.EXCLUSIVE)

    def delete_address(self, link: Link, address: str, prefix: int) -> None:
        with step(f"deleting {address}/{prefix} from {link.name}"):
            try:
                self._netlink.change(_DELETE_ADDRESS, _address(link, address, prefix))
            except OSError as error:
                if error.errno != errno.EADDRNOTAVAIL:  # it went with its primary
                    raise

    def _add_link(self, *attributes: bytes) -> None:
        body = _LINK.pack(0, 0, 0, 0, 0) + b"".join(attributes)
        self._netlink.change(_NEW_LINK, body, netlink.CREATE | netlink.EXCLUSIVE)


def _address(link: Link, address: str, prefix: int, scope: int = _EVERYWHERE) -> bytes:
    packed = socket.inet_aton(address)
    head = _ADDRESS.pack(AF_INET, prefix, 0, scope, link.index)
    return head + raw(_LOCAL, packed) + raw(_ADDRESS_OF_PEER, packed)


def _mac(address: str) -> bytes:
    return raw(_MAC, bytes.fromhex(address.replace(":", "")))


def _link(message: bytes) -> Link:
    _, _, index, flags, _ = _LINK.unpack_from(message)
    told = netlink.table(message, _LINK.size)
    info = netlink.table(told.get(_INFO, b""))
    return Link(
        index=index,
        name=to_text(told[_NAME]),
        kind=to_text(info[_INFO_KIND]) if _INFO_KIND in info else None,
        alias=to_text(told[_ALIAS]) if _ALIAS in told else None,
        mac=told[_MAC].hex(":") if _MAC in told else None,
        mtu=to_number(told[_MTU]),
        master=to_number(told[_MASTER]) if _MASTER in told else None,
        peer=to_number(told[_PEER]) if _PEER in told else None,
        made_in=to_number(told[_OTHER_NAMESPACE]) if _OTHER_NAMESPACE in told else None,
        up=bool(flags & _IFF_UP),
        vxlan=_vxlan(info),
        if_id=_if_id(info),
        operational=told.get(_OPERATIONAL, b"\0")[0] == _OPERSTATE_UP,
    )


def _vxlan(info: dict[int, bytes]) -> tuple[int, str] | None:
    if _INFO_KIND not in info or to_text(info[_INFO_KIND]) != "vxlan":
        return None
    data = netlink.table(info.get(_INFO_DATA, b""))
    if not data:
        return None
    local = socket.inet_ntoa(data[_VXLAN_LOCAL]) if _VXLAN_LOCAL in data else ""
    return to_number(data[_VXLAN_ID]) if _VXLAN_ID in data else 0, local


def _if_id(info: dict[int, bytes]) -> int | None:
    if _INFO_KIND not in info or to_text(info[_INFO_KIND]) != "xfrm":
        return None
    data = netlink.table(info.get(_INFO_DATA, b""))
    return to_number(data[_XFRM_IF_ID]) if _XFRM_IF_ID in data else None


def _entry(link: Link, mac: str, host: str) -> bytes:
    """An entry of a VXLAN's own forwarding database."""
    head = _FORWARDING.pack(_BRIDGING, link.index, _FOR_GOOD, _ITS_OWN, 0)
    return head + raw(_HARDWARE, bytes.fromhex(mac.replace(":", ""))) + raw(_HOST, socket.inet_aton(host))
