"""What differs of bridges and of what is plugged into them, for people, the first fault first. Nothing is changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import sysctl
from gatewright.plane.linux.adopted_bridges import AdoptedBridges
from gatewright.plane.linux.names import LinkMark, Names
from gatewright.plane.linux.rtnl import Link, Rtnl


def settings(namespace: str) -> Iterator[str]:
    """Kernel settings of the calling thread's namespace, which is called so: of everything that routes."""
    if not sysctl.ipv6_is_quiet("all"):
        yield f"IPv6 is switched on in {namespace}"
    if (setting := sysctl.stops_routing()) is not None:
        yield f"setting {setting} of {namespace} was changed"
    if not sysctl.announces_addresses():
        yield f"setting ipv4/conf/default/arp_notify of {namespace} was changed"


def loopback(found: Link | None, namespace: str) -> Iterator[str]:
    if found is None or not found.up:
        yield f"link lo of {namespace} is down"


def vswitch(host: Rtnl, names: Names, adopted: AdoptedBridges, vswitch_id: str) -> Iterator[str]:
    """The bridge of a vSwitch, whether it was adopted or made."""
    if vswitch_id in adopted:
        try:
            adopted.find(host, vswitch_id)
        except PlaneError as error:
            yield str(error)
        return
    mark = names.vswitch(vswitch_id)
    yield from bridge(host.find(mark.name), mark)


def vswitch_bridge(host: Rtnl, names: Names, adopted: AdoptedBridges, vswitch_id: str) -> Link | None:
    """What is plugged into, whatever is wrong with it."""
    return host.find(adopted.name_of(vswitch_id) or names.vswitch(vswitch_id).name)


def bridge(found: Link | None, mark: LinkMark) -> Iterator[str]:
    if found is None:
        yield f"bridge {mark.name} is gone"
    elif not mark.owns(found.alias, found.mac):
        yield f"link {mark.name} is somebody else's"
    elif not found.up:
        yield f"bridge {mark.name} is down"
    elif found.alias != mark.alias:
        yield f"bridge {mark.name} has lost its alias"


def leg(host: Rtnl, mark: LinkMark, into: Link | None, end: Link | None, inner: str) -> Iterator[str]:
    """The outer end, and the inner end that belongs to it; ends at a fault when one of them is missing."""
    outer = host.find(mark.name)
    if outer is None:
        yield f"link {mark.name}, the outside of {inner}, is gone"
    elif not mark.owns(outer.alias, outer.mac):
        yield f"link {mark.name} is somebody else's"
    elif end is None or end.peer != outer.index or outer.peer != end.index:
        yield f"link {inner} is gone"
    elif not end.up:
        yield f"link {inner} is down"
    elif not outer.up:
        yield f"link {mark.name}, the outside of {inner}, is down"
    elif outer.alias != mark.alias:
        yield f"link {mark.name}, the outside of {inner}, has lost its alias"
    elif into is not None and outer.master != into.index:
        yield f"link {mark.name}, the outside of {inner}, is unplugged from {into.name}"
    elif end.mac != mark.inner_mac:
        yield f"link {inner} has a hardware address that is not its own"


def addresses(inside: Rtnl, end: Link, wanted: Iterable[tuple[str, int]]) -> Iterator[str]:
    """The addresses of a leg's inner end, with their prefix lengths."""
    if differing := inside.addresses(end).symmetric_difference(wanted):
        yield f"addresses of link {end.name} differ: {', '.join(sorted(one for one, _ in differing))}"
