"""ESP in user space, with charon's kernel-libipsec: a namespace and a charon a tunnel.

One charon cannot tell apart two tunnels with the same selectors, which is what route-based ones are. So each has one of
its own, behind the instance's public address: nftables in the instance's namespace hands it what the tunnel's peer
sends, by changing addresses without tracking anything (:mod:`~gatewright.plane.linux.filters`). Its TUN device is moved
into the instance's namespace; in its place stays one that nothing goes through, because charon installs routes over a
device of that name whatever it is told, and a CHILD SA without its route fails.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import netns, processes, strays, sysctl
from gatewright.plane.linux.charon import Charon, socket_of
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.folders import Folders
from gatewright.plane.linux.names import Names, stable_mac
from gatewright.plane.linux.routing import RoutingRtnl
from gatewright.plane.linux.rtnl import Link, Rtnl
from gatewright.plane.linux.tunnels import tun
from gatewright.plane.linux.tunnels.backend import Standing
from gatewright.plane.linux.tunnels.dressing import dress, set_addresses
from gatewright.plane.linux.tunnels.steering import PREFIX, ends, outer_link, separable
from gatewright.plane.linux.vici_client import ViciClient
from gatewright.plane.linux.vici_conn import Section, connection
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnels import EVERYWHERE, TunnelSpec

#: In the tunnel's namespace: the veth's end, and what charon calls its TUN device.
_UPLINK = "uplink"
_TUN = "ipsec0"
#: How long a charon that is looked at may take to take a connection, seconds.
_PATIENCE = 5.0


class Userspace:
    """See :class:`~gatewright.plane.linux.tunnels.backend.Backend`."""

    def __init__(self, names: Names, folders: Folders, user: int) -> None:
        """``user`` is the number that charons run as."""
        self._names = names
        self._folders = folders
        self._user = user

    def served(self, spec: InstanceSpec) -> Sequence[TunnelSpec]:
        return separable(spec.tunnels)

    def steered(self, spec: InstanceSpec) -> Sequence[TunnelSpec]:
        return separable(spec.tunnels)

    def ensure(self, spec: InstanceSpec, tunnel: TunnelSpec) -> Standing:
        folder = self._folders.of_tunnel(spec.id, tunnel.number)
        folder.make()
        name = self._names.tunnel_namespace(spec.id, tunnel.number)
        with step(f"making network namespace {name}"):
            new = netns.ensure(name)
        charon = Charon(folder, name, self._user)
        with _looking_into(self._names.namespace(spec.id)) as inside, _looking_into(name) as child:
            self._connect(tunnel.number, inside, child, name)
            if inside.find(tunnel.link) is None:
                # a charon that lives has lost its device, and the next one's is to have that name again; what it logged
                # stays, for who asks why
                if not new:
                    strays.end(name)
                    _delete(child, _TUN)
                process = charon.finish(charon.begin([_UPLINK], new_namespace=True))
                new = True
            else:
                process = charon.finish(charon.begin([_UPLINK], new_namespace=False))
                new = False
            try:
                if new:
                    self._move(spec, tunnel, child, name)
                elif inside.find(tunnel.link) is None:
                    # it was started anew, because its configuration changed, and its device has another name
                    processes.terminate([process])
                    return self.ensure(spec, tunnel)
                self._dress(tunnel, inside, child, name)
            except BaseException:
                if new and not process.closed:
                    processes.terminate([process])
                # one that was found carries, whatever else is wrong
                process.close()
                raise
        return Standing(socket_of(folder), process)

    def stands(self, spec: InstanceSpec, tunnel: TunnelSpec) -> bool:
        socket = socket_of(self._folders.of_tunnel(spec.id, tunnel.number))
        name = self._names.tunnel_namespace(spec.id, tunnel.number)
        return self.fault(spec, tunnel) is None and _listens(socket, name)

    def remove(self, instance_id: str, number: int) -> None:
        folder = self._folders.of_tunnel(instance_id, number)
        name = self._names.tunnel_namespace(instance_id, number)
        # first, so that it can tell its peer
        Charon(folder, name, self._user).end()
        strays.end(name)
        with step(f"deleting network namespace {name}"):
            netns.delete(name)
        instance = self._names.namespace(instance_id)
        if netns.identity(instance) is not None:
            with _looking_into(instance) as inside:
                _delete(inside, outer_link(number))
        folder.delete()

    def found(self, instance_id: str) -> Collection[int]:
        with step("listing network namespaces"):
            owners = [self._names.tunnel_of(name) for name in netns.listing()]
        numbers = {owner[1] for owner in owners if owner is not None and owner[0] == instance_id}
        return numbers | set(self._folders.tunnels_of(instance_id))

    def connection(self, _spec: InstanceSpec, tunnel: TunnelSpec) -> Section:
        return connection(tunnel, ends(tunnel.number).charon)

    def fault(self, spec: InstanceSpec, tunnel: TunnelSpec) -> str | None:
        name, instance = self._names.tunnel_namespace(spec.id, tunnel.number), self._names.namespace(spec.id)
        for one in (name, instance):
            if netns.identity(one) is None:
                return f"network namespace {one} is gone"
        with _looking_into(self._names.namespace(spec.id)) as inside, _looking_into(name) as child:
            if inside.find(tunnel.link) is None:
                return f"link {tunnel.link} is gone"
            outer, end = inside.find(outer_link(tunnel.number)), child.find(_UPLINK)
            if outer is None or end is None or not _paired(outer, end) or not outer.up or not end.up:
                return f"link {outer_link(tunnel.number)} to the charon of tunnel {tunnel.number} is gone or down"
            wanted = ends(tunnel.number)
            for rtnl, link, address in ((inside, outer, wanted.instance), (child, end, wanted.charon)):
                if rtnl.addresses(link) != {(address, PREFIX)}:
                    return f"addresses of link {link.name} of tunnel {tunnel.number} differ"
            decoy = child.find(_TUN)
            if decoy is None or not decoy.up or child.addresses(decoy) != _decoy_addresses(tunnel):
                return f"link {_TUN} in {name} is gone, down, or has other addresses"
            if (wrong := child.default_fault(wanted.instance, end.index)) is not None:
                return f"{wrong}, in {name}"
        return None

    def _connect(self, number: int, inside: Rtnl, child: RoutingRtnl, name: str) -> None:
        """Have the veth between the two namespaces, with its addresses, and the way out of the tunnel's."""
        outer, end = inside.find(outer_link(number)), child.find(_UPLINK)
        if outer is None or end is None or not _paired(outer, end):
            for rtnl, link in ((inside, outer), (child, end)):
                if link is not None:
                    rtnl.delete(link)
            macs = [stable_mac(f"{name}:{which}") for which in ("outer", "inner")]
            with step(f"opening network namespace {name}"), netns.opened(name) as namespace:
                inside.add_pair(outer_link(number), macs[0], _UPLINK, macs[1], namespace)
            outer, end = inside.find(outer_link(number)), child.find(_UPLINK)
        if outer is None or end is None:
            raise PlaneError(f"veth {outer_link(number)} vanished while it was being made")
        addresses = ends(number)
        set_addresses(inside, outer, {(addresses.instance, PREFIX)})
        set_addresses(child, end, {(addresses.charon, PREFIX)})
        for rtnl, link in ((inside, outer), (child, end)):
            if not link.up:
                rtnl.change(link, state="up")
        child.set_default(addresses.instance, end.index)

    def _move(self, spec: InstanceSpec, tunnel: TunnelSpec, child: Rtnl, name: str) -> None:
        """Have the device of a charon that was just started be the tunnel's link."""
        device = child.find(_TUN)
        if device is None:
            raise PlaneError(f"charon of tunnel {tunnel.number} has made no device {_TUN} in {name}")
        instance = self._names.namespace(spec.id)
        with step(f"opening network namespace {instance}"), netns.opened(instance) as namespace:
            child.move(device, namespace, tunnel.link)

    def _dress(self, tunnel: TunnelSpec, inside: Rtnl, child: Rtnl, name: str) -> None:
        """Have the addresses on the tunnel's link, and the device over which charon installs its routes."""
        link = inside.find(tunnel.link)
        if link is None:
            raise PlaneError(f"link {tunnel.link} vanished while it was being made")
        dress(inside, link, tunnel)
        decoy = child.find(_TUN)
        if decoy is None:
            with step(f"making link {_TUN} in {name}"), netns.entered(name):
                tun.make(_TUN)
            decoy = child.find(_TUN)
        if decoy is None:
            raise PlaneError(f"link {_TUN} in {name} vanished while it was being made")
        set_addresses(child, decoy, _decoy_addresses(tunnel))
        if not decoy.up:
            child.change(decoy, state="up")


def _decoy_addresses(tunnel: TunnelSpec) -> set[tuple[str, int]]:
    """A local address in each of the tunnel's own subnets: routes that charon installs have to have such a source."""
    return {(subnet.partition("/")[0], 32) for subnet in tunnel.local_subnets if subnet != EVERYWHERE}


@contextmanager
def _looking_into(name: str) -> Iterator[RoutingRtnl]:
    """A netlink socket in a namespace, in which there is no IPv6."""
    with step(f"entering network namespace {name}"), netns.entered(name):
        sysctl.quiet_ipv6("all")
        rtnl = RoutingRtnl()
    with rtnl:
        yield rtnl


def _listens(socket: Path, namespace: str) -> bool:
    """Whether a charon answers there and lives in the namespace."""
    try:
        with ViciClient(socket, _PATIENCE) as client:
            return processes.namespace_of(client.peer) == netns.identity(namespace)
    except OSError:
        return False


def _paired(one: Link, other: Link) -> bool:
    return one.peer == other.index and other.peer == one.index


def _delete(rtnl: Rtnl, name: str) -> None:
    link = rtnl.find(name)
    if link is not None:
        rtnl.delete(link)
