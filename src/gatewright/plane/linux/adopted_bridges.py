"""Bridges of the host that are vSwitches by configuration: plugged into, and never made, changed or deleted."""

from __future__ import annotations

from collections.abc import Mapping

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux.rtnl import Link, Rtnl

#: What aliases of all installations' links begin with.
_OURS = "gatewright:"


class AdoptedBridges:
    """The names of bridges by the ids of the vSwitches that they are."""

    def __init__(self, bridges: Mapping[str, str]) -> None:
        self._bridges = dict(bridges)

    def __contains__(self, vswitch_id: str) -> bool:
        return vswitch_id in self._bridges

    def name_of(self, vswitch_id: str) -> str | None:
        """What the bridge is called that a vSwitch is; None if the vSwitch is none of the host's."""
        return self._bridges.get(vswitch_id)

    def find(self, host: Rtnl, vswitch_id: str) -> Link:
        """The bridge that a vSwitch is, up. Raises PlaneError if there is none that can be plugged into."""
        name = self._bridges[vswitch_id]
        doing = f"plugging into bridge {name}, which vSwitch {vswitch_id} is by configuration"
        link = host.find(name)
        if link is None:
            raise PlaneError(f"{doing}: this host has no such link; make it, or correct the configuration")
        if link.kind != "bridge":
            raise PlaneError(f"{doing}: it is no bridge but {link.kind or 'a device'}; correct the configuration")
        if (link.alias or "").startswith(_OURS):
            raise PlaneError(f"{doing}: it is {link.alias}, which Gatewright made itself; name a bridge of the host's")
        if not link.up:
            raise PlaneError(f"{doing}: it is down: ip link set {name} up")
        return link

    def among(self, links: Mapping[str, Link]) -> dict[str, Link]:
        """Those that are there, by vSwitch; ``links`` are the host's by name."""
        return {vswitch_id: links[name] for vswitch_id, name in self._bridges.items() if name in links}
