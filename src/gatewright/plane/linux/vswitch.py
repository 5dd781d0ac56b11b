"""A vSwitch on this host: a bridge in the host's namespace, without addresses, or one that was adopted."""

from __future__ import annotations

from gatewright.plane.linux.adopted_bridges import AdoptedBridges
from gatewright.plane.linux.bridges import ensure_bridge, find_marked, remove_marked
from gatewright.plane.linux.folders import Folders
from gatewright.plane.linux.names import Names, check_id
from gatewright.plane.linux.rtnl import Link, Rtnl
from gatewright.resources.specs import ItemKey, Kind, VSwitchSpec


class VSwitches:
    """The vSwitches of one installation. Methods block, may run in several threads, and raise PlaneError."""

    def __init__(self, names: Names, folders: Folders, adopted: AdoptedBridges) -> None:
        self._names = names
        self._folders = folders
        self._adopted = adopted

    def apply(self, spec: VSwitchSpec) -> None:
        check_id(spec.id)
        folder = self._folders.of(spec.key)
        folder.make()
        with Rtnl() as host:
            if spec.id in self._adopted:
                self._adopted.find(host, spec.id)
                # one that was made before this one was adopted; legs move when they are next applied
                remove_marked(host, self._names.vswitch(spec.id))
            else:
                ensure_bridge(host, self._names.vswitch(spec.id))
        folder.set_applied(spec)

    def remove(self, vswitch_id: str) -> None:
        """Remove the bridge, unless it was adopted, and the router's port in it.

        Whatever else was plugged into it stays, unplugged.
        """
        check_id(vswitch_id)
        folder = self._folders.of(ItemKey(Kind.VSWITCH, vswitch_id))
        folder.forget_applied()
        with Rtnl() as host:
            remove_marked(host, self._names.port(vswitch_id))
            remove_marked(host, self._names.vswitch(vswitch_id))
        folder.delete()

    def bridge(self, host: Rtnl, vswitch_id: str) -> Link | None:
        """The bridge to plug into; None if the vSwitch is not on this host."""
        if vswitch_id in self._adopted:
            return self._adopted.find(host, vswitch_id)
        return find_marked(host, self._names.vswitch(vswitch_id))
