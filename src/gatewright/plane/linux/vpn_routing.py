"""Where an instance sends what the VPC has for its customers: policies first, then selectors, then destinations.

Kernel tables that are looked up for packets that come in from the vSwitch alone, so that nothing that is sent into a
tunnel can draw the tunnel's own packets into it. A route over a link that is down is taken away by the kernel, and the
next heavier one is used: that needs nobody's help.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from gatewright.plane.linux.instance_routes import VPC_TABLE
from gatewright.plane.linux.names import LAN
from gatewright.plane.linux.routing import KernelRoute, KernelRule, RoutingRtnl
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnels import EVERYWHERE, link_name

#: The table of destination-based routes.
DESTINATIONS = 200
#: Priorities of rules: what comes out of tunnels goes by the VPC's router; policies of priority 1 to 100; selectors.
_OUT_OF_TUNNELS, _POLICIES, _SELECTORS, _DESTINATIONS = 110, 1000, 1200, 1300
_RULES = range(_OUT_OF_TUNNELS, _DESTINATIONS + 1)
#: Tables of policies and selectors are numbered from here on, by what their rules match.
_FIRST_TABLE, _TABLES = 1 << 16, 1 << 30
_HEAVIEST = 100


class Way(NamedTuple):
    """One route: the kernel uses the one with the smallest metric of those whose links are up."""

    destination: str
    tunnel: int
    metric: int


@dataclass
class Plan:
    """All rules, and the routes of each table, whatever links are up."""

    rules: list[KernelRule] = field(default_factory=list)
    tables: dict[int, set[Way]] = field(default_factory=dict)


def plan(spec: InstanceSpec) -> Plan:
    """What is to hold for an instance. Pure."""
    found = Plan()
    found.rules += [KernelRule(_OUT_OF_TUNNELS, VPC_TABLE, tunnel.link) for tunnel in spec.tunnels]
    for policy in spec.vpn_policies:
        table = _lookup(found, _POLICIES + policy.priority, policy.source)
        found.tables[table].add(_way(policy.destination, policy.tunnel, policy.weight))
    for tunnel in spec.tunnels:
        for source in () if tunnel.routed else tunnel.local_subnets:
            table = _lookup(found, _SELECTORS, source)
            found.tables[table].update(_way(remote, tunnel.number, _HEAVIEST) for remote in tunnel.remote_subnets)
    if spec.vpn_routes:
        found.rules.append(KernelRule(_DESTINATIONS, DESTINATIONS, LAN))
        found.tables[DESTINATIONS] = {_way(one.destination, one.tunnel, one.weight) for one in spec.vpn_routes}
    return found


def ensure(inside: RoutingRtnl, spec: InstanceSpec) -> None:
    """Have rules and routes so in the instance's namespace, over those links of tunnels that are up.

    Raises PlaneError.
    """
    wanted = plan(spec)
    indexes = _up(inside, spec)
    before = inside.tables_used(_RULES) - {VPC_TABLE}
    for table, ways in wanted.tables.items():
        inside.set_routes(table, _routes(ways, indexes))
    inside.set_rules(_RULES, wanted.rules)
    for table in before - wanted.tables.keys():
        inside.set_routes(table, ())


def fault(inside: RoutingRtnl, spec: InstanceSpec) -> str | None:
    """What is wrong with the rules, for people. Changes nothing. Raises PlaneError."""
    return inside.rules_fault(_RULES, plan(spec).rules)


def _lookup(found: Plan, priority: int, source: str) -> int:
    """The table of a source at a priority, with its rule."""
    table = _FIRST_TABLE + zlib.crc32(f"{priority} {source}".encode()) % _TABLES
    rule = KernelRule(priority, table, LAN, None if source == EVERYWHERE else source.removesuffix("/32"))
    while any(other.table == table and other != rule for other in found.rules):
        table += 1
        rule = rule._replace(table=table)
    if rule not in found.rules:
        found.rules.append(rule)
    found.tables.setdefault(table, set())
    return table


def _way(destination: str, tunnel: int, weight: int) -> Way:
    # two routes of one destination cannot have the same metric
    return Way(destination, tunnel, (_HEAVIEST + 1 - weight) * 10_000 + tunnel)


def _up(inside: RoutingRtnl, spec: InstanceSpec) -> dict[int, int]:
    """The indexes of the links of tunnels that are up, by the tunnels' numbers."""
    links = {link.name: link for link in inside.links()}
    found = {tunnel.number: links.get(link_name(tunnel.number)) for tunnel in spec.tunnels}
    return {number: link.index for number, link in found.items() if link is not None and link.up}


def _routes(ways: Iterable[Way], indexes: Mapping[int, int]) -> list[KernelRoute]:
    return [
        KernelRoute(way.destination, indexes[way.tunnel], metric=way.metric) for way in ways if way.tunnel in indexes
    ]
