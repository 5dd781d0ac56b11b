"""ESP in the kernel: an XFRM interface a tunnel.

States and policies are looked up where the interface was made, wherever it is now: it is made in the namespace of the
tunnel's charon and moved into the instance's. What a charon that was killed has left in the kernel goes on carrying
until the next one starts; by then the link is down, so that whatever routes does not wait for that one. Not so what
comes in as ESP in UDP, from a peer behind NAT: it goes through charon's socket.
"""

from __future__ import annotations

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import netns
from gatewright.plane.linux.charon import Charon
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.processes import Process
from gatewright.plane.linux.rtnl import Link
from gatewright.plane.linux.tunnels.own_charon import OwnCharon, Place, delete
from gatewright.plane.linux.tunnels.steering import address, outer_link
from gatewright.plane.linux.vici_conn import Section, connection
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnels import TunnelSpec

#: The same as of TUN devices: what is left of 1,500 bytes by ESP over UDP with any cipher, and more.
_MTU = 1400


class Kernel(OwnCharon):
    """See :class:`~gatewright.plane.linux.tunnels.backend.Backend`."""

    def connection(self, spec: InstanceSpec, tunnel: TunnelSpec) -> Section:
        return connection(tunnel, address(spec), if_id=tunnel.number)

    def _carry(self, tunnel: TunnelSpec, charon: Charon, place: Place, *, new: bool) -> Process:
        link = place.inside.find(tunnel.link)
        outer = place.inside.find(outer_link(tunnel.number))
        if link is None or self._link_fault(tunnel, link, outer, place.own) is not None:
            _make(tunnel, place)
        charon.before_flush = lambda: _down(tunnel, place)
        return charon.finish(charon.begin(new_namespace=new))

    def _carrier_fault(self, _tunnel: TunnelSpec, _place: Place) -> str | None:
        return None

    def _link_fault(self, tunnel: TunnelSpec, link: Link, outer: Link | None, own: str) -> str | None:
        """What a link is made anew for: none of it can be changed in place, or nothing else would have changed it."""
        if link.if_id is None:
            return f"link {link.name} is no XFRM interface"
        if link.if_id != tunnel.number:
            return f"link {link.name} is of states with the number {link.if_id}, not {tunnel.number}"
        if outer is None or link.made_in is None or link.made_in != outer.made_in:
            return f"link {link.name} is of states of another namespace than {own}"
        if link.mtu != _MTU:
            return f"link {link.name} has the MTU {link.mtu}, not {_MTU}"
        return None


def _make(tunnel: TunnelSpec, place: Place) -> None:
    """Have the tunnel's link made anew. Nothing else may have its number, wherever it has got to."""
    delete(place.inside, tunnel.link)
    for rtnl in (place.child, place.inside):
        for link in rtnl.links():
            if link.if_id == tunnel.number:
                rtnl.delete(link)
    place.child.add_xfrm(tunnel.link, tunnel.number, _MTU)
    made = place.child.find(tunnel.link)
    if made is None:
        raise PlaneError(f"link {tunnel.link} vanished while it was being made")
    with step(f"opening network namespace {place.instance}"), netns.opened(place.instance) as namespace:
        place.child.move(made, namespace, tunnel.link)


def _down(tunnel: TunnelSpec, place: Place) -> None:
    link = place.inside.find(tunnel.link)
    if link is not None and link.up:
        place.inside.change(link, state="down")
