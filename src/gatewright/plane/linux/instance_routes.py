"""Where an instance's packets go: as its private address by the VPC's router, everything else by its main table.

The main table leads outside: over the uplink, or, for a gateway without a public leg, by the VPC's router too.
"""

from __future__ import annotations

import ipaddress

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux.names import LAN, WAN
from gatewright.plane.linux.routing import EVERYWHERE, KernelRoute, KernelRule, RoutingRtnl
from gatewright.resources.addresses import dotted, router_address
from gatewright.resources.specs import InstanceSpec

#: The table of what belongs to the VPC, and the priority of the rule that leads to it: after the kernel's local
#: table, before main.
VPC_TABLE = 100
_RULES = range(100, 101)


def ensure(inside: RoutingRtnl, spec: InstanceSpec) -> None:
    """Have routes and rules so in the instance's namespace, whose legs are up. Raises PlaneError."""
    lan = _index(inside, LAN)
    inside.ensure_lookups()
    inside.set_routes(VPC_TABLE, _vpc(spec, lan))
    inside.set_rules(_RULES, _rules(spec))
    inside.set_default(*_default(inside, spec, lan))


def fault(inside: RoutingRtnl, spec: InstanceSpec) -> str | None:
    """What is wrong with routes and rules, for people; the legs are there. Changes nothing. Raises PlaneError."""
    lan = _index(inside, LAN)
    return (
        inside.lookups_fault()
        or inside.rules_fault(_RULES, _rules(spec))
        or inside.routes_fault(VPC_TABLE, _vpc(spec, lan))
        or inside.default_fault(*_default(inside, spec, lan))
    )


def _vpc(spec: InstanceSpec, lan: int) -> tuple[KernelRoute, ...]:
    return KernelRoute(spec.private.network, lan), KernelRoute(EVERYWHERE, lan, _router(spec))


def _rules(spec: InstanceSpec) -> tuple[KernelRule, ...]:
    return (KernelRule(_RULES.start, VPC_TABLE, source=spec.private.address),)


def _default(inside: RoutingRtnl, spec: InstanceSpec, lan: int) -> tuple[str, int]:
    """The gateway and the link by which everything outside is reached."""
    if spec.public:
        return uplink_router(spec.public.network), _index(inside, WAN)
    return _router(spec), lan


def _router(spec: InstanceSpec) -> str:
    return router_address(ipaddress.IPv4Network(spec.private.network))


def uplink_router(pool: str) -> str:
    """The address in a public pool by which everything outside is reached: its first."""
    return dotted(int(ipaddress.IPv4Network(pool).network_address) + 1)


def _index(inside: RoutingRtnl, name: str) -> int:
    link = inside.find(name)
    if link is None:
        raise PlaneError(f"link {name} of the instance vanished while its routes were looked at")
    return link.index
