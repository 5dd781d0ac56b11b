"""Whether an item is still as it was applied: everything that applying makes is compared, and nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import ExitStack, closing

from gatewright.plane.linux import (
    bird,
    filters,
    guards,
    instance_bird,
    instance_routes,
    link_faults,
    netns,
    router_inspection,
    shaping,
    vpn_routing,
)
from gatewright.plane.linux.adopted_bridges import AdoptedBridges
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.folders import Folders
from gatewright.plane.linux.instance import lan_addresses, wan_addresses
from gatewright.plane.linux.names import LAN, WAN, Names
from gatewright.plane.linux.routing import RoutingRtnl
from gatewright.plane.linux.rtnl import Rtnl
from gatewright.plane.linux.tunnels.backend import Backend
from gatewright.plane.linux.uplink import Uplink
from gatewright.plane.linux.vswitch import vxlan_fault
from gatewright.resources.specs import InstanceSpec, RouterSpec, Spec, VSwitchSpec


def fault(
    names: Names,
    folders: Folders,
    spec: Spec,
    within: Collection[int] | None = None,
    left_out: Collection[int] = (),
    *,
    adopted: AdoptedBridges | None = None,
    uplink: Uplink | None = None,
    underlay: str = "",
    tunnels: Callable[[], Backend] | None = None,
) -> str | None:
    """What differs from the spec first, for people; None if nothing does. Blocks.

    Of the namespaces of an instance's tunnels, those of these numbers are looked ``within``, or all; what carries those
    that are ``left_out`` is not looked at.
    Without ``uplink`` the way outside is not looked at, without ``tunnels`` what carries these.
    ``underlay`` is this host's address in the network between the hosts, empty if that is not known.
    Raises PlaneError when it cannot be found out.
    """
    # closed here: what looks may be in another namespace
    with closing(
        _faults(names, folders, adopted or AdoptedBridges({}), uplink, spec, underlay, tunnels, within, left_out)
    ) as found:
        return next(found, None)


def _faults(
    names: Names,
    folders: Folders,
    adopted: AdoptedBridges,
    uplink: Uplink | None,
    spec: Spec,
    underlay: str,
    tunnels: Callable[[], Backend] | None,
    within: Collection[int] | None,
    left_out: Collection[int],
) -> Generator[str, None, None]:
    if isinstance(spec, InstanceSpec):
        yield from _instance(names, folders, adopted, uplink, spec)
        if spec.ipsec and spec.tunnels and tunnels is not None:
            # what they are carried by; whether they carry anything is their keepers' business
            yield from tunnels().faults(spec, within, left_out)
    elif isinstance(spec, VSwitchSpec):
        yield from _vswitch(names, folders, adopted, spec, underlay)
    elif isinstance(spec, RouterSpec):
        yield from router_inspection.faults(names, folders, adopted, spec)


def _vswitch(
    names: Names, folders: Folders, adopted: AdoptedBridges, spec: VSwitchSpec, underlay: str
) -> Iterator[str]:
    with Rtnl() as host:
        yield from link_faults.vswitch(host, names, adopted, spec.id)
        bridge = link_faults.vswitch_bridge(host, names, adopted, spec.id)
        if spec.peers and bridge is not None:
            mark = names.vxlan(spec.id)
            vxlan = host.find(mark.name)
            wrong = vxlan_fault(vxlan, mark, bridge, spec, underlay)
            if wrong is not None:
                yield wrong
            elif vxlan is not None and host.floods(vxlan) != set(spec.peers):
                yield f"VXLAN {vxlan.name} leads elsewhere than to {', '.join(spec.peers)}"
    if spec.id not in adopted and (found_fault := guards.fault(folders.of(spec.key))) is not None:
        yield found_fault


def _instance(
    names: Names, folders: Folders, adopted: AdoptedBridges, uplink: Uplink | None, spec: InstanceSpec
) -> Iterator[str]:
    name = names.namespace(spec.id)
    with step(f"looking up network namespace {name}"):
        if netns.identity(name) is None:
            yield f"network namespace {name} is gone"
            return
    with ExitStack() as stack:
        host = stack.enter_context(RoutingRtnl())
        with step(f"entering network namespace {name}"), netns.entered(name):
            yield from link_faults.settings(name)
            inside = stack.enter_context(RoutingRtnl())
        found = {link.name: link for link in inside.links()}
        yield from link_faults.loopback(found.get("lo"), name)
        vswitch_id = spec.private.vswitch_id
        yield from link_faults.vswitch(host, names, adopted, vswitch_id)
        bridge = link_faults.vswitch_bridge(host, names, adopted, vswitch_id)
        legs = [(LAN, names.lan(spec.id), bridge, lan_addresses(spec))]
        if spec.public is not None:
            outside = host.find(names.uplink.name)
            yield from link_faults.bridge(outside, names.uplink)
            legs.append((WAN, names.wan(spec.id), outside, wan_addresses(spec)))
        elif WAN in found:
            yield f"a private gateway has a link {WAN}"
        for inner, mark, into, addresses in legs:
            yield from link_faults.leg(host, mark, into, found.get(inner), inner)
            yield from link_faults.addresses(inside, found[inner], addresses)
        for found_fault in (
            instance_routes.fault(inside, spec),
            vpn_routing.fault(inside, spec),
            instance_bird.rules_fault(inside, spec),
        ):
            if found_fault is not None:
                yield f"{found_fault}, in {name}"
        if spec.public is not None and uplink is not None:
            yield from uplink.faults(host, spec.id, spec.public.addresses)
        tunnels = shaping.mark(names, spec)
        outer = host.find(tunnels.name)
        found_fault = None if outer is None else shaping.fault(spec, host, outer, inside)
        if found_fault is not None:
            yield found_fault
    folder = folders.of(spec.key)
    closed = guards.uplink_fault(folders.own()) if spec.public is not None else None
    for found_fault in (filters.fault(name, folder), guards.fault(folder), closed):
        if found_fault is not None:
            yield found_fault
    if instance_bird.needed(spec) and (found_fault := bird.fault(folder, name)) is not None:
        yield found_fault
