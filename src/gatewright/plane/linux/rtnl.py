"""Links and addresses over one netlink socket, with our own types in front of pyroute2's untyped messages."""

from __future__ import annotations

import asyncio
import errno
from dataclasses import dataclass
from socket import AF_INET
from types import TracebackType
from typing import Any, Self

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from gatewright.plane.linux.failures import step
from gatewright.plane.linux.names import LinkMark
from gatewright.plane.linux.traffic_control import TrafficControl

_IFF_UP = 1
#: The port of RFC 7348.
_VXLAN_PORT = 4789
_ANYBODY = "00:00:00:00:00:00"


@dataclass(frozen=True)
class Link:
    """A link as the kernel describes it."""

    index: int
    name: str
    kind: str | None
    alias: str | None
    mac: str | None
    #: Index of the bridge that it is a port of.
    master: int | None
    #: Index of a veth's other end, in the other end's namespace.
    peer: int | None
    up: bool
    #: Of a VXLAN: its number and local address.
    vxlan: tuple[int, str] | None
    #: Whether the kernel carries packets over it, which it starts to do some time after it is up.
    operational: bool


class Rtnl:
    """A netlink socket. It stays in the namespace that the thread was in when it was opened.

    To be used by the thread that opened it. All methods raise PlaneError.
    """

    def __init__(self) -> None:
        # pyroute2 runs a loop inside; an embedding program's default may be uvloop, which has no netlink
        with step("opening a netlink socket"):
            self._loop = asyncio.SelectorEventLoop()
            try:
                self._ip: Any = IPRoute(groups=0, use_event_loop=self._loop)
            except BaseException:
                self._loop.close()
                raise
        self.traffic = TrafficControl(self._ip)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._ip.close()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())  # and with that a turn for its closing
        self._loop.close()

    def links(self) -> list[Link]:
        with step("listing links"):
            return [_link(message) for message in self._ip.get_links()]

    def find(self, name: str) -> Link | None:
        with step(f"looking up link {name}"):
            try:
                return _link(next(iter(self._ip.link("get", ifname=name))))
            except NetlinkError as error:
                if error.code == errno.ENODEV:
                    return None
                raise

    def ports(self, bridge: Link) -> list[Link]:
        """What is plugged into a bridge; the kernel picks them from all links."""
        with step(f"listing ports of {bridge.name}"):
            return [_link(message) for message in self._ip.link("dump", master=bridge.index)]

    def add_bridge(self, mark: LinkMark) -> None:
        with step(f"making bridge {mark.name}"):
            self._ip.link("add", ifname=mark.name, kind="bridge", address=mark.mac)

    def add_veth(self, mark: LinkMark, bridge: Link, inner: str, inner_mac: str, namespace: int) -> None:
        """A pair: the marked end plugged into the bridge, the inner one in the namespace of a descriptor."""
        peer = {"ifname": inner, "address": inner_mac, "net_ns_fd": namespace}
        with step(f"making veth {mark.name} with {inner} on its other end"):
            self._ip.link("add", ifname=mark.name, kind="veth", address=mark.mac, master=bridge.index, peer=peer)

    def add_vxlan(self, mark: LinkMark, bridge: Link, vni: int, local: str) -> None:
        """A port of the bridge that carries its frames over UDP, from a local address to whom :meth:`flood` says."""
        with step(f"making VXLAN {vni} at {local} as {mark.name}"):
            self._ip.link(
                "add",
                ifname=mark.name,
                kind="vxlan",
                address=mark.mac,
                master=bridge.index,
                vxlan_id=vni,
                vxlan_local=local,
                vxlan_port=_VXLAN_PORT,
                vxlan_learning=1,
            )

    def floods(self, link: Link) -> set[str]:
        """Where a VXLAN sends what it does not know a better place for."""
        with step(f"listing the forwarding database of {link.name}"):
            return {
                entry.get("dst")
                for entry in self._ip.fdb("dump", ifindex=link.index)
                if entry["ifindex"] == link.index and entry.get("lladdr") == _ANYBODY and entry.get("dst")
            }

    def flood(self, link: Link, host: str) -> None:
        """Send there, among others, what the VXLAN does not know a better place for."""
        with step(f"sending {link.name} to {host}"):
            self._ip.fdb("append", ifindex=link.index, lladdr=_ANYBODY, dst=host)

    def stop_flooding(self, link: Link, host: str) -> None:
        with step(f"no longer sending {link.name} to {host}"):
            try:
                self._ip.fdb("del", ifindex=link.index, lladdr=_ANYBODY, dst=host)
            except NetlinkError as error:
                if error.code != errno.ENOENT:
                    raise

    def forget_behind(self, link: Link, host: str) -> None:
        """Forget the machines that a VXLAN has learned to be behind a host."""
        with step(f"forgetting what {link.name} knew behind {host}"):
            for entry in self._ip.fdb("dump", ifindex=link.index):
                if entry["ifindex"] == link.index and entry.get("dst") == host and entry.get("lladdr") != _ANYBODY:
                    try:
                        self._ip.fdb("del", ifindex=link.index, lladdr=entry.get("lladdr"), dst=host)
                    except NetlinkError as error:
                        if error.code != errno.ENOENT:  # it aged out by itself
                            raise

    def change(self, link: Link, **attributes: str | int) -> None:
        """Change a link: ``state="up"``, ``master=INDEX``, ``ifalias=TEXT``, ``address=MAC``."""
        with step(f"setting {', '.join(attributes)} of link {link.name}"):
            self._ip.link("set", index=link.index, **attributes)

    def delete(self, link: Link) -> None:
        with step(f"deleting link {link.name}"):
            try:
                self._ip.link("del", index=link.index)
            except NetlinkError as error:
                if error.code != errno.ENODEV:
                    raise

    def addresses(self, link: Link) -> set[tuple[str, int]]:
        """IPv4 addresses with their prefix lengths."""
        with step(f"listing addresses of {link.name}"):
            messages = self._ip.get_addr(family=AF_INET, index=link.index)
            return {(message.get("local") or message.get("address"), message["prefixlen"]) for message in messages}

    def add_address(self, link: Link, address: str, prefix: int) -> None:
        with step(f"adding {address}/{prefix} to {link.name}"):
            self._ip.addr("add", index=link.index, address=address, prefixlen=prefix)

    def delete_address(self, link: Link, address: str, prefix: int) -> None:
        with step(f"deleting {address}/{prefix} from {link.name}"):
            try:
                self._ip.addr("del", index=link.index, address=address, prefixlen=prefix)
            except NetlinkError as error:
                if error.code != errno.EADDRNOTAVAIL:  # it went with its primary
                    raise


def _link(message: Any) -> Link:
    info = message.get("linkinfo")
    return Link(
        index=message["index"],
        name=message.get("ifname"),
        kind=info.get("kind") if info else None,
        alias=message.get("ifalias"),
        mac=message.get("address"),
        master=message.get("master"),
        peer=message.get("link"),
        up=bool(message["flags"] & _IFF_UP),
        vxlan=_vxlan(info),
        operational=message.get("operstate") == "UP",
    )


def _vxlan(info: Any) -> tuple[int, str] | None:
    if not info or info.get("kind") != "vxlan":
        return None
    data = info.get("data")
    return (data.get("vxlan_id") or 0, data.get("vxlan_local") or "") if data else None
