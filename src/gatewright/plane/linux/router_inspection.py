"""Whether a VPC's router is still as it was applied: what it consists of is compared, and nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from gatewright.plane.linux import bird, filters, link_faults, netns, router_plan, sysctl
from gatewright.plane.linux.adopted_bridges import AdoptedBridges
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.folders import Folders
from gatewright.plane.linux.names import Names
from gatewright.plane.linux.router import prefix
from gatewright.plane.linux.routing import RoutingRtnl
from gatewright.plane.linux.rtnl import Link, Rtnl
from gatewright.resources.specs import RouterSpec


def faults(names: Names, folders: Folders, adopted: AdoptedBridges, spec: RouterSpec) -> Iterator[str]:
    """What differs from the spec, for people; the first is true, what follows may follow from it.

    Raises PlaneError when it cannot be found out.
    """
    name = names.router_namespace(spec.id)
    with step(f"looking up network namespace {name}"):
        if netns.identity(name) is None:
            yield f"network namespace {name} is gone"
            return
    with ExitStack() as stack:
        host = stack.enter_context(Rtnl())
        with step(f"entering network namespace {name}"), netns.entered(name):
            yield from link_faults.settings(name)
            if not sysctl.reports_by_arrival():
                yield f"setting ipv4/icmp_errors_use_inbound_ifaddr of {name} was changed"
            inside = stack.enter_context(RoutingRtnl())
        found = {link.name: link for link in inside.links()}
        yield from link_faults.loopback(found.get("lo"), name)
        for port in spec.ports:
            yield from link_faults.vswitch(host, names, adopted, port.vswitch_id)
            bridge = link_faults.vswitch_bridge(host, names, adopted, port.vswitch_id)
            mark, inner = names.port(port.vswitch_id), names.port_inside(port.vswitch_id)
            yield from link_faults.leg(host, mark, bridge, found.get(inner), inner)
            yield from link_faults.addresses(inside, found[inner], [(port.address, prefix(port))])
        yield from _strays(names, spec, found, name)
        links = {port.vswitch_id: found[names.port_inside(port.vswitch_id)].index for port in spec.ports}
        yield from _routing(inside, names, spec, links, name)
    if (fault := filters.fault(name, folders.of(spec.key))) is not None:
        yield f"{fault}, in {name}"
    if spec.gateways and (fault := bird.fault(folders.of(spec.key), name)) is not None:
        yield fault


def _strays(names: Names, spec: RouterSpec, found: dict[str, Link], name: str) -> Iterator[str]:
    wanted = {names.port_inside(port.vswitch_id) for port in spec.ports}
    for link in found.values():
        if link.kind == "veth" and link.name not in wanted:
            yield f"link {link.name} of {name} is no port of the router"


def _routing(inside: RoutingRtnl, names: Names, spec: RouterSpec, links: dict[str, int], name: str) -> Iterator[str]:
    if (fault := inside.lookups_fault()) is not None:
        yield f"{fault}, in {name}"
    if (fault := inside.rules_fault(router_plan.RULES, router_plan.rules(spec, names))) is not None:
        yield f"{fault}, in {name}"
    for number, routes in router_plan.routes(spec, links).items():
        if (fault := inside.routes_fault(number, routes)) is not None:
            yield f"{fault}, in {name}"
