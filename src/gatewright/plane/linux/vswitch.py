"""A vSwitch on this host: a bridge in the host's namespace, without addresses, or one that was adopted.

One that spans hosts has a VXLAN as a further port: what it does not know the place of goes to every other host that
has the vSwitch (head-end replication), and from what comes in it learns who is behind which host. Frames are not
encrypted on their way. A packet that is too long for the network between the hosts is cut up there, or, if it must not
be, its sender is told by ICMP: both the kernel does.
"""

from __future__ import annotations

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import sysctl
from gatewright.plane.linux.adopted_bridges import AdoptedBridges
from gatewright.plane.linux.bridges import ensure_bridge, find_marked, remove_marked
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.folders import Folders
from gatewright.plane.linux.guards import Guards
from gatewright.plane.linux.names import LinkMark, Names, check_id
from gatewright.plane.linux.rtnl import Link, Rtnl
from gatewright.resources.specs import ItemKey, Kind, VSwitchSpec


def vxlan_fault(vxlan: Link | None, mark: LinkMark, bridge: Link, spec: VSwitchSpec, underlay: str) -> str | None:
    """What is wrong with what carries a vSwitch to other hosts, for people. An empty ``underlay`` is not known."""
    if vxlan is None:
        return f"VXLAN {mark.name} is gone"
    if vxlan.name != mark.name or vxlan.alias != mark.alias:
        return f"link {mark.name}, the VXLAN of vSwitch {spec.id}, is somebody else's or has lost its alias"
    if not vxlan.up or vxlan.master != bridge.index:
        return f"VXLAN {mark.name} is down or unplugged"
    if vxlan.vxlan is None or vxlan.vxlan[0] != spec.vni or (underlay and vxlan.vxlan[1] != underlay):
        number, local = vxlan.vxlan or ("none", "nowhere")
        return f"VXLAN {mark.name} has number {number} at {local}, not {spec.vni} at {underlay or 'this host'}"
    return None


class VSwitches:
    """The vSwitches of one installation. Methods block, may run in several threads, and raise PlaneError."""

    def __init__(self, names: Names, folders: Folders, adopted: AdoptedBridges, underlay: str = "") -> None:
        """``underlay`` is this host's address in the network between the hosts; empty if it has none."""
        self._names = names
        self._folders = folders
        self._adopted = adopted
        self._underlay = underlay
        self._guards = Guards(names)

    def apply(self, spec: VSwitchSpec) -> None:
        check_id(spec.id)
        folder = self._folders.of(spec.key)
        folder.make()
        with Rtnl() as host:
            if spec.id in self._adopted:
                bridge = self._adopted.find(host, spec.id)
                # one that was made before this one was adopted; legs move when they are next applied
                remove_marked(host, self._names.vswitch(spec.id))
                self._guards.remove(spec.key)
            else:
                bridge = ensure_bridge(host, self._names.vswitch(spec.id))
                self._guards.close_bridge(spec.id, folder)
            if spec.peers:
                self._span(host, spec, bridge)
            else:
                remove_marked(host, self._names.vxlan(spec.id))
        folder.set_applied(spec)

    def _span(self, host: Rtnl, spec: VSwitchSpec, bridge: Link) -> None:
        """A VXLAN to exactly the other hosts that have the vSwitch. What need not change carries on."""
        if not self._underlay:
            raise PlaneError(
                f"vSwitch {spec.id} spans other hosts ({', '.join(spec.peers)}), and this host has no address in the "
                "network between the hosts: start it with --underlay"
            )
        mark = self._names.vxlan(spec.id)
        vxlan = find_marked(host, mark)
        if vxlan is not None and vxlan.vxlan != (spec.vni, self._underlay):
            host.delete(vxlan)
            vxlan = None
        if vxlan is None:
            self._check_free(host, spec.vni)
            host.add_vxlan(mark, bridge, spec.vni, self._underlay)
            vxlan = find_marked(host, mark)
        if vxlan is None:
            raise PlaneError(f"VXLAN {mark.name} vanished while it was being made")
        with step(f"switching IPv6 off on {mark.name}"):
            sysctl.quiet_ipv6(mark.name)
        present = host.floods(vxlan)
        for peer in sorted(set(spec.peers) - present):
            host.flood(vxlan, peer)
        for peer in sorted(present - set(spec.peers)):
            host.stop_flooding(vxlan, peer)
            host.forget_behind(vxlan, peer)
        if vxlan.alias != mark.alias or vxlan.master != bridge.index or not vxlan.up:
            host.change(vxlan, ifalias=mark.alias, master=bridge.index, state="up")

    def _check_free(self, host: Rtnl, vni: int) -> None:
        """The kernel has one VXLAN of a number. Raises PlaneError."""
        for link in host.links():
            if link.vxlan is not None and link.vxlan[0] == vni:
                raise PlaneError(
                    f"VXLAN {vni} is taken on this host by link {link.name} ({link.alias or 'no alias'}): two "
                    "installations whose vSwitches span hosts need hosts of their own"
                )

    def remove(self, vswitch_id: str) -> None:
        """Remove the bridge, unless it was adopted, and the router's port in it.

        Whatever else was plugged into it stays, unplugged.
        """
        check_id(vswitch_id)
        key = ItemKey(Kind.VSWITCH, vswitch_id)
        folder = self._folders.of(key)
        folder.forget_applied()
        with Rtnl() as host:
            remove_marked(host, self._names.port(vswitch_id))
            remove_marked(host, self._names.vxlan(vswitch_id))
            remove_marked(host, self._names.vswitch(vswitch_id))
        self._guards.remove(key)
        folder.delete()

    def bridge(self, host: Rtnl, vswitch_id: str) -> Link | None:
        """The bridge to plug into; None if the vSwitch is not on this host."""
        if vswitch_id in self._adopted:
            return self._adopted.find(host, vswitch_id)
        return find_marked(host, self._names.vswitch(vswitch_id))
