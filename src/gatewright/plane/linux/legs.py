"""Legs of instances and ports of routers: veths from their namespaces into the bridges of the host's."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import NamedTuple

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import sysctl
from gatewright.plane.linux.bridges import find_marked
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.names import LinkMark
from gatewright.plane.linux.rtnl import Link, Rtnl

#: How long the kernel may take to carry packets over a veth that is up at both ends, in seconds.
_PATIENCE = 5.0
_POLL = 0.001


class Leg(NamedTuple):
    """Both ends of a veth: in the host's namespace, and in the instance's."""

    mark: LinkMark
    outer: Link
    end: Link


@dataclass(frozen=True)
class Legs:
    """Makes the legs of one namespace. Everything here raises PlaneError."""

    host: Rtnl
    #: A socket in the namespace, and a descriptor of it.
    inside: Rtnl
    namespace: int

    def make(self, mark: LinkMark, bridge: Link, inner: str) -> Leg:
        """A veth from a bridge to the link ``inner``: as it is, or a new one, which is down.

        Each end is checked to be the other's: a marked link may lead to a namespace that has lost its name.
        """
        outer = find_marked(self.host, mark)
        end = self.inside.find(inner)
        if outer is not None and (end is None or end.peer != outer.index or outer.peer != end.index):
            self.host.delete(outer)
            outer = None
            end = self.inside.find(inner)
        if outer is None:
            if end is not None:
                self.inside.delete(end)
            self.host.add_veth(mark, bridge, inner, mark.inner_mac, self.namespace)
            outer, end = find_marked(self.host, mark), self.inside.find(inner)
        if outer is None or end is None:
            raise PlaneError(f"veth {mark.name} vanished while it was being made")
        if outer.alias != mark.alias:
            self.host.change(outer, ifalias=mark.alias)
        return Leg(mark, outer, end)

    def connect(self, leg: Leg, bridge: Link, addresses: list[tuple[str, int]]) -> bool:
        """Have the leg plugged into the bridge and up, with exactly these addresses and prefix lengths.

        True if something is new about it that neighbours should know: see :meth:`announce`.
        """
        mark, outer, end = leg
        with step(f"switching IPv6 off on {mark.name}"):
            sysctl.quiet_ipv6(mark.name)
        plugged = outer.master == bridge.index and outer.up and end.up and end.mac == mark.inner_mac
        if not plugged:
            self.host.change(outer, master=bridge.index, state="up")
        added = self._set_addresses(end, addresses)
        return added or not plugged

    def announce(self, leg: Leg) -> None:
        """Tell the neighbours our addresses, which they may know as another's, once packets get through."""
        mark, inner = leg.mark, leg.end.name
        deadline = time.monotonic() + _PATIENCE
        while True:
            outer, end = self.host.find(mark.name), self.inside.find(inner)
            if outer is None or end is None:
                raise PlaneError(f"veth {mark.name} vanished while it was being made")
            if outer.operational and end.operational:
                break
            if time.monotonic() > deadline:
                raise PlaneError(f"veth {mark.name} did not become operational within {_PATIENCE:.0f} s")
            time.sleep(_POLL)
        # setting it, even to what it is, makes the kernel send gratuitous ARP (arp_notify)
        self.inside.change(end, address=mark.inner_mac)

    def _set_addresses(self, link: Link, wanted: list[tuple[str, int]]) -> bool:
        """Bring the link up with exactly these addresses; True if one was added."""
        present = self.inside.addresses(link)
        for address, prefix in present.difference(wanted):
            self.inside.delete_address(link, address, prefix)
        if not present.issubset(wanted):
            # the kernel deletes secondary addresses along with their primary
            present = self.inside.addresses(link)
        missing = [one for one in wanted if one not in present]
        for address, prefix in missing:
            self.inside.add_address(link, address, prefix)
        if not link.up:
            self.inside.change(link, state="up")
        return bool(missing)
