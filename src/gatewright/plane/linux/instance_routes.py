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
    router = router_address(ipaddress.IPv4Network(spec.private.network))
    inside.set_routes(VPC_TABLE, (KernelRoute(spec.private.network, lan), KernelRoute(EVERYWHERE, lan, router)))
    inside.set_rules(_RULES, (KernelRule(_RULES.start, VPC_TABLE, source=spec.private.address),))
    if spec.public:
        inside.set_default(uplink_router(spec.public.network), _index(inside, WAN))
    else:
        inside.set_default(router, lan)


def uplink_router(pool: str) -> str:
    """The address in a public pool by which everything outside is reached: its first."""
    return dotted(int(ipaddress.IPv4Network(pool).network_address) + 1)


def _index(inside: RoutingRtnl, name: str) -> int:
    link = inside.find(name)
    if link is None:
        raise PlaneError(f"link {name} vanished while the instance was being connected")
    return link.index
