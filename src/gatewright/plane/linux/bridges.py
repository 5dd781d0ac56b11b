"""Bridges in the host's namespace, and what holds for all links there: whose they are."""

from __future__ import annotations

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import sysctl
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.names import LinkMark
from gatewright.plane.linux.rtnl import Link, Rtnl


def find_marked(host: Rtnl, mark: LinkMark) -> Link | None:
    """The marked link. Raises PlaneError if a link of that name belongs to somebody else."""
    link = host.find(mark.name)
    if link is not None and not mark.owns(link.alias, link.mac):
        raise PlaneError(
            f"link {mark.name} is to be {mark.alias} but is somebody else's ({link.alias or 'no alias'});"
            f" rename or delete it: ip link delete {mark.name}"
        )
    return link


def ensure_bridge(host: Rtnl, mark: LinkMark) -> Link:
    """The marked bridge, up and without addresses, made if it is missing. Raises PlaneError."""
    bridge = find_marked(host, mark)
    if bridge is None:
        host.add_bridge(mark)
        bridge = find_marked(host, mark)
    if bridge is None:
        raise PlaneError(f"bridge {mark.name} vanished while it was being made")
    with step(f"switching IPv6 off on bridge {mark.name}"):
        sysctl.quiet_ipv6(mark.name)
    if bridge.alias != mark.alias or not bridge.up:
        host.change(bridge, ifalias=mark.alias, state="up")
    return bridge


def remove_marked(host: Rtnl, mark: LinkMark) -> None:
    """Delete the marked link; a link of that name that is somebody else's stays. Raises PlaneError."""
    link = host.find(mark.name)
    if link is not None and mark.owns(link.alias, link.mac):
        host.delete(link)
