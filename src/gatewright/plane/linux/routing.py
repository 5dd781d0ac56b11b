"""Routes and policy rules over netlink: what is there is compared with what should be, and the difference changed."""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterable
from socket import AF_INET
from typing import Any, NamedTuple

from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.rtnl import rt_proto, rt_scope, rt_type

from gatewright.plane.linux.failures import step
from gatewright.plane.linux.rtnl import Link, Rtnl

MAIN = 254
_LOCAL = 255
_NTF_PROXY = 0x08  # linux/neighbour.h
EVERYWHERE = "0.0.0.0/0"


class KernelRoute(NamedTuple):
    """A route of one table. Without a link it says that there is no way: senders are told so by ICMP."""

    destination: str
    link: int | None = None
    gateway: str | None = None


class KernelRule(NamedTuple):
    """For which packets a table is looked up: those that come in by a link, or those with a source address."""

    priority: int
    table: int
    iif: str | None = None
    source: str | None = None


#: The kernel's own rules, which a namespace begins with.
_LOOKUPS = (KernelRule(0, _LOCAL), KernelRule(32766, MAIN))


class RoutingRtnl(Rtnl):
    """A netlink socket that also knows routes. All methods raise PlaneError."""

    def set_routes(self, table: int, wanted: Collection[KernelRoute]) -> None:
        """Have a table hold exactly these routes, one a destination. One that changes is replaced in one step."""
        present = self._routes(table)
        found = {route.destination: route for route, metric in present if metric == 0}
        for route in wanted:
            if found.get(route.destination) != route:
                self._put(table, route)
        destinations = {route.destination for route in wanted}
        for route, metric in present:
            if metric != 0 or route.destination not in destinations:
                self._drop(table, route, metric)

    def set_default(self, gateway: str, link: int) -> None:
        """Have the main table lead everything that has no route of its own to a gateway."""
        wanted = KernelRoute(EVERYWHERE, link, gateway)
        others = [(route, metric) for route, metric in self._routes(MAIN) if route.destination == wanted.destination]
        if (wanted, 0) not in others:
            self._put(MAIN, wanted)
        for route, metric in others:
            if metric != 0:
                self._drop(MAIN, route, metric)

    def set_rules(self, priorities: range, wanted: Collection[KernelRule]) -> None:
        """Have exactly these rules with priorities of a range; rules with others are left alone."""
        present = self._rules(priorities)
        for rule in wanted:
            if rule not in present:
                self._rule("add", rule)
        for rule in present:
            if rule not in wanted:
                self._rule("del", rule)

    def ensure_lookups(self) -> None:
        """Have the kernel's own rules lead to its tables: that of the namespace's addresses first, main nearly last."""
        for rule in self._missing_lookups():
            self._rule("add", rule)

    def lookups_fault(self) -> str | None:
        """What of :meth:`ensure_lookups` does not hold, for people."""
        missing = self._missing_lookups()
        return f"the kernel's routing rule of priority {missing[0].priority} is gone" if missing else None

    def _missing_lookups(self) -> list[KernelRule]:
        present = self._rules(range(_LOOKUPS[-1].priority + 1))
        return [rule for rule in _LOOKUPS if rule not in present]

    def routes_fault(self, table: int, wanted: Collection[KernelRoute]) -> str | None:
        """What :meth:`set_routes` would change, for people."""
        differing = {(route, 0) for route in wanted}.symmetric_difference(self._routes(table))
        return _routes_differ(table, differing)

    def default_fault(self, gateway: str, link: int) -> str | None:
        """What :meth:`set_default` would change, for people."""
        wanted = KernelRoute(EVERYWHERE, link, gateway)
        present = {one for one in self._routes(MAIN) if one[0].destination == EVERYWHERE}
        return _routes_differ(MAIN, present.symmetric_difference({(wanted, 0)}))

    def rules_fault(self, priorities: range, wanted: Collection[KernelRule]) -> str | None:
        """What :meth:`set_rules` would change, for people."""
        differing = set(wanted).symmetric_difference(self._rules(priorities))
        if not differing:
            return None
        rule = min(differing, key=repr)
        where = " ".join(f"{word} {value}" for word, value in (("iif", rule.iif), ("from", rule.source)) if value)
        return f"routing rules of priority {rule.priority} differ: {where or 'from all'} lookup {rule.table}"

    def tables_used(self, priorities: range) -> set[int]:
        """The tables that rules with priorities of a range lead to."""
        return {rule.table for rule in self._rules(priorities)}

    def routed_over(self, link: int) -> list[KernelRoute]:
        """Routes of the main table that lead over a link."""
        return [route for route, _ in self._routes(MAIN) if route.link == link]

    def add_route(self, route: KernelRoute) -> None:
        """Put a route in the main table, in place of one to the same destination."""
        self._put(MAIN, route)

    def drop_route(self, route: KernelRoute) -> None:
        """Remove a route from the main table; one that is not there is fine."""
        self._drop(MAIN, route, 0)

    def answer_for(self, link: Link, address: str) -> None:
        """Answer ARP on a link for an address that is elsewhere."""
        with step(f"answering ARP for {address} on {link.name}"):
            self._ip.neigh("replace", dst=address, ifindex=link.index, flags=_NTF_PROXY)

    def stop_answering_for(self, link: Link, address: str) -> None:
        """Undo :meth:`answer_for`; it is fine if that was never done."""
        with step(f"answering ARP no longer for {address} on {link.name}"):
            try:
                self._ip.neigh("del", dst=address, ifindex=link.index, flags=_NTF_PROXY)
            except NetlinkError as error:
                if error.code != errno.ENOENT:
                    raise

    def answers_for(self, link: Link, address: str) -> bool:
        """Whether ARP for an address that is elsewhere is answered on a link."""
        with step(f"looking whether ARP for {address} is answered on {link.name}"):
            try:
                return bool(tuple(self._ip.neigh("get", dst=address, ifindex=link.index, flags=_NTF_PROXY)))
            except NetlinkError as error:
                if error.code != errno.ENOENT:
                    raise
        return False

    def _routes(self, table: int) -> list[tuple[KernelRoute, int]]:
        """With their metrics. Routes that are not of the kinds that are made here are given without a link."""
        with step(f"listing routes of table {table}"):
            found = []
            for message in self._ip.get_routes(family=AF_INET, table=table):
                address = message.get("dst")
                destination = f"{address}/{message['dst_len']}" if address else EVERYWHERE
                usable = message["type"] == rt_type["unicast"]
                route = KernelRoute(destination, message.get("oif"), message.get("gateway")) if usable else None
                found.append((route or KernelRoute(destination), message.get("priority") or 0))
            return found

    def _put(self, table: int, route: KernelRoute) -> None:
        with step(f"setting the route to {route.destination} in table {table}"):
            self._ip.route("replace", **_request(table, route))

    def _drop(self, table: int, route: KernelRoute, metric: int) -> None:
        request = {"dst": route.destination, "table": table, "priority": metric}
        # of whatever kind it is
        request |= {"scope": rt_scope["nowhere"], "type": rt_type["unspec"], "proto": rt_proto["unspec"]}
        with step(f"deleting the route to {route.destination} from table {table}"):
            try:
                self._ip.route("del", **request)
            except NetlinkError as error:
                if error.code != errno.ESRCH:  # it went with its link
                    raise

    def _rules(self, priorities: range) -> list[KernelRule]:
        with step("listing routing rules"):
            found = []
            for message in self._ip.get_rules(family=AF_INET):
                priority = message.get("priority") or 0
                if priority in priorities:
                    source = message.get("src")
                    table = message.get("table") or message["table"]
                    found.append(KernelRule(priority, table, message.get("iifname"), source))
            return found

    def _rule(self, what: str, rule: KernelRule) -> None:
        request: dict[str, Any] = {"priority": rule.priority, "table": rule.table}
        if rule.iif is not None:
            request["iifname"] = rule.iif
        if rule.source is not None:
            request |= {"src": rule.source, "src_len": 32}
        with step(f"{'adding' if what == 'add' else 'deleting'} the routing rule of priority {rule.priority}"):
            self._ip.rule(what, family=AF_INET, **request)


def only_first(routes: Iterable[KernelRoute]) -> list[KernelRoute]:
    """Of routes to one destination the first."""
    chosen: dict[str, KernelRoute] = {}
    for route in routes:
        chosen.setdefault(route.destination, route)
    return list(chosen.values())


def _routes_differ(table: int, differing: Collection[tuple[KernelRoute, int]]) -> str | None:
    if not differing:
        return None
    destinations = sorted({route.destination for route, _ in differing})
    return f"routes of table {table} differ: {', '.join(destinations)}"


def _request(table: int, route: KernelRoute) -> dict[str, Any]:
    request: dict[str, Any] = {"dst": route.destination, "table": table, "proto": rt_proto["static"]}
    if route.link is None:
        return request | {"type": "unreachable"}
    request["oif"] = route.link
    if route.gateway is None:
        return request | {"scope": rt_scope["link"]}
    return request | {"gateway": route.gateway}
