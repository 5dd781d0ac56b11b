"""Where an instance sends what the VPC has for its customers: policies first, then selectors, then destinations.

Kernel tables that are looked up for packets that come in from the vSwitch alone, so that nothing that is sent into a
tunnel can draw the tunnel's own packets into it. A route over a link that is down is taken away by the kernel, and the
next heavier one is used: that needs nobody's help. A tunnel whose health check fails has no routes, and one that has
just come back comes last (:mod:`~gatewright.plane.linux.tunnels.marks`).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from gatewright.plane.linux.instance_routes import VPC_TABLE
from gatewright.plane.linux.names import LAN
from gatewright.plane.linux.routing import KernelRoute, KernelRule, RoutingRtnl
from gatewright.plane.linux.rtnl import Link
from gatewright.plane.linux.tunnels import marks
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnels import EVERYWHERE, TunnelSpec

#: The table of destination-based routes.
DESTINATIONS = 200
#: The mark that the filter gives to what has come out of a tunnel: one rule is enough for however many there are.
OUT_OF_TUNNEL = 1
#: Priorities of rules: what comes out of tunnels goes by the VPC's router; policies of priority 1 to 100; selectors.
_OUT_OF_TUNNELS, _POLICIES, _SELECTORS, _DESTINATIONS = 110, 1000, 1200, 1300
_RULES = range(_OUT_OF_TUNNELS, _DESTINATIONS + 1)
#: Tables of policies and selectors are numbered from here on, by what their rules match.
_FIRST_TABLE, _TABLES = 1 << 16, 1 << 30
_HEAVIEST = 100
#: Added to the metrics of a tunnel that is not steady: it comes after what customers announce, too.
_LATE = 4_000_000


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
    #: The rules that lead to tables of policies and selectors.
    _leading: dict[int, KernelRule] = field(default_factory=dict)

    def lookup(self, priority: int, source: str) -> set[Way]:
        """The table of a source at a priority, with its rule."""
        table = _FIRST_TABLE + zlib.crc32(f"{priority} {source}".encode()) % _TABLES
        rule = KernelRule(priority, table, LAN, None if source == EVERYWHERE else source.removesuffix("/32"))
        while self._leading.setdefault(rule.table, rule) != rule:
            rule = rule._replace(table=rule.table + 1)
        if rule.table not in self.tables:
            self.rules.append(rule)
        return self.tables.setdefault(rule.table, set())


def plan(spec: InstanceSpec) -> Plan:
    """What is to hold for an instance. Pure."""
    found = Plan()
    if spec.tunnels:
        found.rules.append(KernelRule(_OUT_OF_TUNNELS, VPC_TABLE, mark=OUT_OF_TUNNEL))
    for policy in spec.vpn_policies:
        ways = found.lookup(_POLICIES + policy.priority, policy.source)
        ways.add(_way(policy.destination, policy.tunnel, policy.weight))
    for tunnel in spec.tunnels:
        for source in () if tunnel.routed else tunnel.local_subnets:
            ways = found.lookup(_SELECTORS, source)
            ways.update(_way(remote, tunnel.number, _HEAVIEST) for remote in tunnel.remote_subnets)
    if spec.vpn_routes:
        found.rules.append(KernelRule(_DESTINATIONS, DESTINATIONS, LAN))
        found.tables[DESTINATIONS] = {_way(one.destination, one.tunnel, one.weight) for one in spec.vpn_routes}
    return found


def ensure(inside: RoutingRtnl, spec: InstanceSpec) -> None:
    """Have rules and routes so in the instance's namespace, over those links of tunnels that are up.

    Raises PlaneError.
    """
    wanted = plan(spec)
    carriers = _carriers(inside, spec)
    inside.set_tables({table: _routes(ways, carriers) for table, ways in wanted.tables.items()})
    dropped = {rule.table for rule in inside.set_rules(_RULES, wanted.rules)} - {VPC_TABLE}
    inside.set_tables(dict.fromkeys(dropped - wanted.tables.keys(), ()))


def follow(inside: RoutingRtnl, spec: InstanceSpec, tunnel: TunnelSpec) -> None:
    """Have the routes over one tunnel's link so, if it is up; :func:`ensure` has seen to all else before.

    Raises PlaneError.
    """
    link = inside.find(tunnel.link)
    if link is None or not link.up:
        return
    carriers = {tunnel.number: _carrier(link, tunnel, inside.addresses(link))}
    inside.set_routes_over(link.index, {table: _routes(ways, carriers) for table, ways in plan(spec).tables.items()})


def fault(inside: RoutingRtnl, spec: InstanceSpec) -> str | None:
    """What is wrong with the rules, for people. Changes nothing. Raises PlaneError."""
    return inside.rules_fault(_RULES, plan(spec).rules)


def _way(destination: str, tunnel: int, weight: int) -> Way:
    # two routes of one destination cannot have the same metric
    return Way(destination, tunnel, (_HEAVIEST + 1 - weight) * 10_000 + tunnel)


class _Carrier(NamedTuple):
    """The link of a tunnel that may carry, by its index, and what is added to its metrics."""

    link: int
    behind: int


def _carriers(inside: RoutingRtnl, spec: InstanceSpec) -> dict[int, _Carrier | None]:
    """By the tunnels' numbers."""
    links = {link.name: link for link in inside.links()}
    addresses = inside.every_address() if spec.tunnels else {}
    return {
        tunnel.number: _carrier(link, tunnel, addresses.get(link.index, ()))
        for tunnel in spec.tunnels
        if (link := links.get(tunnel.link)) is not None and link.up
    }


def _carrier(link: Link, tunnel: TunnelSpec, addresses: Iterable[tuple[str, int]]) -> _Carrier | None:
    """None if its health check fails. The link is up, and has these addresses."""
    present = {address for address, _ in addresses}
    if marks.checked(tunnel) and marks.usable(tunnel.number).address not in present:
        return None
    return _Carrier(link.index, 0 if marks.steady(tunnel.number).address in present else _LATE)


def _routes(ways: Iterable[Way], carriers: Mapping[int, _Carrier | None]) -> list[KernelRoute]:
    return [
        KernelRoute(way.destination, carrier.link, metric=way.metric + carrier.behind)
        for way in ways
        if (carrier := carriers.get(way.tunnel)) is not None
    ]
