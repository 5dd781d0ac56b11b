"""Whether an item is still as it was applied: everything that applying makes is compared, and nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import filters, guards, netns, processes, shaping, sysctl
from gatewright.plane.linux.adopted_bridges import AdoptedBridges
from gatewright.plane.linux.charon import socket_of
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.folders import Folders
from gatewright.plane.linux.instance import lan_addresses, wan_addresses
from gatewright.plane.linux.names import LAN, WAN, LinkMark, Names
from gatewright.plane.linux.rtnl import Link, Rtnl
from gatewright.plane.linux.vici_client import ViciClient
from gatewright.resources.specs import InstanceSpec, RouterSpec, Spec, VSwitchSpec

#: How long a charon may take to answer, seconds.
_PATIENCE = 5.0


def fault(names: Names, folders: Folders, spec: Spec, adopted: AdoptedBridges | None = None) -> str | None:
    """What differs from the spec first, for people; None if nothing does. Blocks.

    Raises PlaneError when it cannot be found out.
    """
    return next(_faults(names, folders, adopted or AdoptedBridges({}), spec), None)


def _faults(names: Names, folders: Folders, adopted: AdoptedBridges, spec: Spec) -> Iterator[str]:
    if isinstance(spec, InstanceSpec):
        yield from _instance(names, folders, adopted, spec)
    elif isinstance(spec, VSwitchSpec):
        yield from _vswitch(names, adopted, spec)
    elif isinstance(spec, RouterSpec):
        return  # looked at when it is adopted, and mended when it is applied


def _vswitch(names: Names, adopted: AdoptedBridges, spec: VSwitchSpec) -> Iterator[str]:
    with Rtnl() as host:
        if spec.id in adopted:
            yield from _adopted(host, adopted, spec.id)
            bridge: Link | None = adopted.find(host, spec.id)
        else:
            mark = names.vswitch(spec.id)
            bridge = host.find(mark.name)
            yield from _bridge(bridge, mark)
        if spec.peers and bridge is not None:
            vxlan = host.find(names.vxlan(spec.id).name)
            if vxlan is None or not vxlan.up or vxlan.master != bridge.index:
                yield f"VXLAN {names.vxlan(spec.id).name} is gone, down or unplugged"
            elif host.floods(vxlan) != set(spec.peers):
                yield f"VXLAN {vxlan.name} leads elsewhere than to {', '.join(spec.peers)}"


def _instance(names: Names, folders: Folders, adopted: AdoptedBridges, spec: InstanceSpec) -> Iterator[str]:
    name = names.namespace(spec.id)
    with step(f"looking up network namespace {name}"):
        if netns.identity(name) is None:
            yield f"network namespace {name} is gone"
            return
    with ExitStack() as stack:
        host = stack.enter_context(Rtnl())
        with step(f"entering network namespace {name}"), netns.entered(name):
            if not sysctl.ipv6_is_quiet("all"):
                yield f"IPv6 is switched on in {name}"
            inside = stack.enter_context(Rtnl())
            if not sysctl.routes_between_legs():
                yield f"forwarding is switched off in {name}"
        found = {link.name: link for link in inside.links()}
        loopback = found.get("lo")
        if loopback is None or not loopback.up:
            yield f"link lo of {name} is down"
        legs = [(LAN, names.lan(spec.id), names.vswitch(spec.private.vswitch_id), lan_addresses(spec))]
        if spec.public is not None:
            legs.append((WAN, names.wan(spec.id), names.uplink, wan_addresses(spec)))
        elif WAN in found:
            yield f"a private gateway has a link {WAN}"
        for inner, mark, into, addresses in legs:
            bridge = host.find(into.name)
            if inner == LAN and spec.private.vswitch_id in adopted:
                yield from _adopted(host, adopted, spec.private.vswitch_id)
                bridge = adopted.find(host, spec.private.vswitch_id)
            else:
                yield from _bridge(bridge, into)
            yield from _leg(host, mark, bridge, found.get(inner), inner)
            end = found[inner]
            if differing := inside.addresses(end).symmetric_difference(addresses):
                yield f"addresses of link {inner} differ: {', '.join(sorted(one for one, _ in differing))}"
        tunnels = shaping.mark(names, spec)
        outer = host.find(tunnels.name)
        found_fault = None if outer is None else shaping.fault(spec, host, outer, inside)
        if found_fault is not None:
            yield found_fault
    folder = folders.of(spec.key)
    for found_fault in (filters.fault(name, folder), guards.fault(folder)):
        if found_fault is not None:
            yield found_fault
    if spec.ipsec:
        yield from _charon(folders, spec, name)


def _adopted(host: Rtnl, adopted: AdoptedBridges, vswitch_id: str) -> Iterator[str]:
    try:
        adopted.find(host, vswitch_id)
    except PlaneError as error:
        yield str(error)


def _bridge(bridge: Link | None, mark: LinkMark) -> Iterator[str]:
    if bridge is None:
        yield f"bridge {mark.name} is gone"
    elif not mark.owns(bridge.alias, bridge.mac):
        yield f"link {mark.name} is somebody else's"
    elif not bridge.up:
        yield f"bridge {mark.name} is down"
    elif bridge.alias != mark.alias:
        yield f"bridge {mark.name} has lost its alias"


def _leg(host: Rtnl, mark: LinkMark, bridge: Link | None, end: Link | None, inner: str) -> Iterator[str]:
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
    elif bridge is not None and outer.master != bridge.index:
        yield f"link {mark.name}, the outside of {inner}, is unplugged from {bridge.name}"


def _charon(folders: Folders, spec: InstanceSpec, namespace: str) -> Iterator[str]:
    path = socket_of(folders.of(spec.key))
    try:
        with ViciClient(path, _PATIENCE) as client:
            pid = client.peer
            client.version()
    except OSError as error:
        yield f"charon does not answer at {path}: {error.strerror or error}"
        return
    with step(f"looking where charon runs, process {pid}"):
        if processes.namespace_of(pid) != netns.identity(namespace):
            yield f"charon, process {pid}, is not in {namespace}"
