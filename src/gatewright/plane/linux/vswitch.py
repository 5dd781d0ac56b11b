"""A vSwitch on this host: a bridge in the host's namespace, without addresses."""

from __future__ import annotations

from gatewright.plane.linux.bridges import ensure_bridge, remove_marked
from gatewright.plane.linux.folders import Folders
from gatewright.plane.linux.names import Names, check_id
from gatewright.plane.linux.rtnl import Rtnl
from gatewright.resources.specs import ItemKey, Kind, VSwitchSpec


class VSwitches:
    """The vSwitches of one installation. Methods block, may run in several threads, and raise PlaneError."""

    def __init__(self, names: Names, folders: Folders) -> None:
        self._names = names
        self._folders = folders

    def apply(self, spec: VSwitchSpec) -> None:
        check_id(spec.id)
        folder = self._folders.of(spec.key)
        folder.make()
        with Rtnl() as host:
            ensure_bridge(host, self._names.vswitch(spec.id))
        folder.set_applied(spec)

    def remove(self, vswitch_id: str) -> None:
        """Remove the bridge. Whatever was plugged into it stays, unplugged."""
        check_id(vswitch_id)
        folder = self._folders.of(ItemKey(Kind.VSWITCH, vswitch_id))
        folder.forget_applied()
        with Rtnl() as host:
            remove_marked(host, self._names.vswitch(vswitch_id))
        folder.delete()
