"""ESP in the kernel: an XFRM interface a tunnel, and the instance's own charon for all of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import netns
from gatewright.plane.linux.charon import socket_of
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.folders import Folders
from gatewright.plane.linux.names import Names
from gatewright.plane.linux.rtnl import Link, Rtnl
from gatewright.plane.linux.tunnels.backend import Standing
from gatewright.plane.linux.tunnels.dressing import dress, dressed
from gatewright.plane.linux.vici_conn import Section, connection
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnels import TunnelSpec, link_name

#: The same as of TUN devices: what is left of 1,500 bytes by ESP over UDP with any cipher, and more.
_MTU = 1400


class Kernel:
    """See :class:`~gatewright.plane.linux.tunnels.backend.Backend`."""

    def __init__(self, names: Names, folders: Folders) -> None:
        self._names = names
        self._folders = folders

    def served(self, spec: InstanceSpec) -> Sequence[TunnelSpec]:
        return spec.tunnels

    def steered(self, _spec: InstanceSpec) -> Sequence[TunnelSpec]:
        return ()

    def ensure(self, spec: InstanceSpec, tunnel: TunnelSpec) -> Standing:
        # what its charon was told is noted there
        self._folders.of_tunnel(spec.id, tunnel.number).make()
        with self._inside(spec.id) as inside:
            link = inside.find(tunnel.link)
            if link is not None and _wrong(link, tunnel) is not None:
                inside.delete(link)
                link = None
            if link is None:
                inside.add_xfrm(tunnel.link, tunnel.number, _MTU)
                link = inside.find(tunnel.link)
            if link is None:
                raise PlaneError(f"link {tunnel.link} vanished while it was being made")
            dress(inside, link, tunnel)
        return Standing(socket_of(self._folders.of(spec.key)), None)

    def stands(self, spec: InstanceSpec, tunnel: TunnelSpec) -> bool:
        return self.fault(spec, tunnel) is None

    def remove(self, instance_id: str, number: int) -> None:
        if netns.identity(self._names.namespace(instance_id)) is not None:
            with self._inside(instance_id) as inside:
                link = inside.find(link_name(number))
                if link is not None:
                    inside.delete(link)
        self._folders.of_tunnel(instance_id, number).delete()

    def found(self, instance_id: str) -> Collection[int]:
        return self._folders.tunnels_of(instance_id)

    def connection(self, spec: InstanceSpec, tunnel: TunnelSpec) -> Section:
        local = spec.public.addresses[0] if spec.public else spec.private.address
        return connection(tunnel, local, if_id=tunnel.number)

    def fault(self, spec: InstanceSpec, tunnel: TunnelSpec) -> str | None:
        name = self._names.namespace(spec.id)
        if netns.identity(name) is None:
            return f"network namespace {name} is gone"
        with self._inside(spec.id) as inside:
            link = inside.find(tunnel.link)
            if link is None:
                return f"link {tunnel.link} is gone"
            if (wrong := _wrong(link, tunnel)) is not None:
                return wrong
            if not dressed(inside, link, tunnel):
                return f"addresses of link {tunnel.link} differ"
        return None

    def _inside(self, instance_id: str) -> Rtnl:
        name = self._names.namespace(instance_id)
        with step(f"entering network namespace {name}"), netns.entered(name):
            return Rtnl()


def _wrong(link: Link, tunnel: TunnelSpec) -> str | None:
    """What a link is made anew for: none of it can be changed in place, or nothing else would have changed it."""
    if link.if_id is None:
        return f"link {link.name} is no XFRM interface"
    if link.if_id != tunnel.number:
        return f"link {link.name} is of states with the number {link.if_id}, not {tunnel.number}"
    if link.mtu != _MTU:
        return f"link {link.name} has the MTU {link.mtu}, not {_MTU}"
    return None
