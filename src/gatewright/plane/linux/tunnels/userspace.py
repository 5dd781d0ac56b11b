"""ESP in user space, with charon's kernel-libipsec.

The TUN device of a tunnel's charon is moved into the instance's namespace. In its place stays one that nothing goes
through, because charon installs routes over a device of that name whatever it is told, and a CHILD SA without its route
fails.
"""

from __future__ import annotations

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import netns, processes, strays
from gatewright.plane.linux.charon import Charon
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.processes import Process
from gatewright.plane.linux.rtnl import Link
from gatewright.plane.linux.tunnels import tun
from gatewright.plane.linux.tunnels.dressing import set_addresses
from gatewright.plane.linux.tunnels.own_charon import OwnCharon, Place, delete
from gatewright.plane.linux.tunnels.steering import address
from gatewright.plane.linux.vici_conn import Section, connection
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnels import EVERYWHERE, TunnelSpec

#: What charon calls its TUN device.
_TUN = "ipsec0"


class Userspace(OwnCharon):
    """See :class:`~gatewright.plane.linux.tunnels.backend.Backend`."""

    def connection(self, spec: InstanceSpec, tunnel: TunnelSpec) -> Section:
        return connection(tunnel, address(spec))

    def _carry(self, tunnel: TunnelSpec, charon: Charon, place: Place, *, new: bool) -> Process:
        if place.inside.find(tunnel.link) is None:
            # a charon that lives has lost its device, and the next one's is to have that name again; what it logged
            # stays, for who asks why
            if not new:
                strays.end(place.own)
                delete(place.child, _TUN)
            process = charon.finish(charon.begin(new_namespace=True))
            new = True
        else:
            process = charon.finish(charon.begin(new_namespace=False))
            new = False
        try:
            if new:
                _move(tunnel, place)
            elif place.inside.find(tunnel.link) is None:
                # it was started anew, because its configuration changed, and its device has another name
                processes.terminate([process])
                return self._carry(tunnel, charon, place, new=False)
            _deceive(tunnel, place)
        except BaseException:
            if new and not process.closed:
                processes.terminate([process])
            # one that was found carries, whatever else is wrong
            process.close()
            raise
        return process

    def _link_fault(self, _tunnel: TunnelSpec, _link: Link, _outer: Link | None, _own: str) -> str | None:
        return None

    def _carrier_fault(self, tunnel: TunnelSpec, place: Place) -> str | None:
        decoy = place.child.find(_TUN)
        if decoy is None or not decoy.up or place.child.addresses(decoy) != _decoy_addresses(tunnel):
            return f"link {_TUN} in {place.own} is gone, down, or has other addresses"
        return None


def _move(tunnel: TunnelSpec, place: Place) -> None:
    """Have the device of a charon that was just started be the tunnel's link."""
    device = place.child.find(_TUN)
    if device is None:
        raise PlaneError(f"charon of tunnel {tunnel.number} has made no device {_TUN} in {place.own}")
    with step(f"opening network namespace {place.instance}"), netns.opened(place.instance) as namespace:
        place.child.move(device, namespace, tunnel.link)


def _deceive(tunnel: TunnelSpec, place: Place) -> None:
    """Have the device over which charon installs its routes."""
    decoy = place.child.find(_TUN)
    if decoy is None:
        with step(f"making link {_TUN} in {place.own}"), netns.entered(place.own):
            tun.make(_TUN)
        decoy = place.child.find(_TUN)
    if decoy is None:
        raise PlaneError(f"link {_TUN} in {place.own} vanished while it was being made")
    set_addresses(place.child, decoy, _decoy_addresses(tunnel))
    if not decoy.up:
        place.child.change(decoy, state="up")


def _decoy_addresses(tunnel: TunnelSpec) -> set[tuple[str, int]]:
    """A local address in each of the tunnel's own subnets: routes that charon installs have to have such a source."""
    return {(subnet.partition("/")[0], 32) for subnet in tunnel.local_subnets if subnet != EVERYWHERE}
