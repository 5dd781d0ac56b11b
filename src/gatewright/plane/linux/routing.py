"""Routes and policy rules over netlink: what is there is compared with what should be, and the difference changed.

Routes that BIRD has put into the same tables are its business: they are neither seen nor touched here.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from socket import AF_INET
from typing import NamedTuple

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import netlink
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.netlink import number, raw, text, to_number, to_text
from gatewright.plane.linux.rtnl import Link, Rtnl

MAIN = 254
_LOCAL = 255
#: linux/rtnetlink.h, linux/fib_rules.h, linux/neighbour.h.
_NEW_ROUTE, _DELETE_ROUTE, _GET_ROUTE = 24, 25, 26
_NEW_NEIGHBOUR, _DELETE_NEIGHBOUR, _GET_NEIGHBOUR = 28, 29, 30
_NEW_RULE, _DELETE_RULE, _GET_RULE = 32, 33, 34
#: Family, lengths of destination and source, TOS, table, protocol, scope, type, flags; a rule's head is as long.
_ROUTE = struct.Struct("=BBBBBBBBI")
_NEIGHBOUR = struct.Struct("=BxxxiHBB")
_DESTINATION, _OIF, _GATEWAY, _METRIC, _TABLE = 1, 4, 5, 6, 15
_RULE_SOURCE, _RULE_IIF, _RULE_PRIORITY, _RULE_MARK = 2, 3, 6, 10
#: Where a rule's head has how many bits of the source count, and how many an address has.
_SOURCE_LENGTH, _WHOLE = 2, 32
_UNICAST, _UNREACHABLE, _LEAD_TO_TABLE = 1, 7, 1
#: Who made a route, linux/rtnetlink.h: somebody like us, or BIRD.
_STATIC, BIRD = 4, 12
_EVERYWHERE_SCOPE, _LINK_SCOPE, _ANY_SCOPE = 0, 253, 255
_PERMANENT, _PROXY = 0x80, 0x08
EVERYWHERE = "0.0.0.0/0"


class KernelRoute(NamedTuple):
    """A route of one table. Without a link it says that there is no way: senders are told so by ICMP."""

    destination: str
    link: int | None = None
    gateway: str | None = None
    #: Of routes to one destination, the one with the least is used.
    metric: int = 0


class KernelRule(NamedTuple):
    """For which packets a table is looked up: those that come in by a link, have a source, or were given a mark."""

    priority: int
    table: int
    iif: str | None = None
    #: An address or a network.
    source: str | None = None
    #: By nftables.
    mark: int | None = None


#: The kernel's own rules, which a namespace begins with.
_LOOKUPS = (KernelRule(0, _LOCAL), KernelRule(32766, MAIN))


class RoutingRtnl(Rtnl):
    """A netlink socket that also knows routes. All methods raise PlaneError."""

    def set_routes(self, table: int, wanted: Collection[KernelRoute]) -> None:
        """Have a table hold exactly these routes, one a destination and metric, besides BIRD's.

        One that changes is replaced in one step.
        """
        self._set_routes(table, self._routes(table), wanted)

    def set_tables(self, wanted: Mapping[int, Collection[KernelRoute]]) -> None:
        """The same of many tables: routes are listed once."""
        present: defaultdict[int, list[KernelRoute]] = defaultdict(list)
        for table, route in self._told(0, bird=False) if wanted else ():
            present[table].append(route)
        for table, routes in wanted.items():
            self._set_routes(table, present[table], routes)

    def set_routes_over(self, link: int, wanted: Mapping[int, Collection[KernelRoute]]) -> None:
        """Have exactly these routes over one link in these tables, besides BIRD's; what is over others stays."""
        present: defaultdict[int, list[KernelRoute]] = defaultdict(list)
        for table, route in self._told(0, bird=False, link=link):
            # some kernels tell all, whatever they are asked
            if route.link == link:
                present[table].append(route)
        for table, routes in wanted.items():
            self._set_routes(table, present[table], routes)

    def _set_routes(self, table: int, present: Collection[KernelRoute], wanted: Collection[KernelRoute]) -> None:
        found = {(route.destination, route.metric): route for route in present}
        for route in wanted:
            if found.get((route.destination, route.metric)) != route:
                self._put(table, route)
        places = {(route.destination, route.metric) for route in wanted}
        for route in present:
            if (route.destination, route.metric) not in places:
                self._drop(table, route)

    def set_default(self, gateway: str, link: int) -> None:
        """Have the main table lead everything that has no route of its own to a gateway."""
        wanted = KernelRoute(EVERYWHERE, link, gateway)
        others = [route for route in self._routes(MAIN) if route.destination == wanted.destination]
        if wanted not in others:
            self._put(MAIN, wanted)
        for route in others:
            if route.metric != 0:
                self._drop(MAIN, route)

    def set_rules(self, priorities: range, wanted: Collection[KernelRule]) -> list[KernelRule]:
        """Have exactly these rules with priorities of a range; rules with others are left alone.

        Gives those that were there and are not wanted.
        """
        present = self._rules(priorities)
        there, needed = set(present), set(wanted)
        for rule in wanted:
            if rule not in there:
                self._rule("add", rule)
        unwanted = [rule for rule in present if rule not in needed]
        for rule in unwanted:
            self._rule("del", rule)
        return unwanted

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
        differing = set(wanted).symmetric_difference(self._routes(table))
        return _routes_differ(table, differing)

    def default_fault(self, gateway: str, link: int) -> str | None:
        """What :meth:`set_default` would change, for people."""
        wanted = KernelRoute(EVERYWHERE, link, gateway)
        present = {route for route in self._routes(MAIN) if route.destination == EVERYWHERE}
        return _routes_differ(MAIN, present.symmetric_difference({wanted}))

    def rules_fault(self, priorities: range, wanted: Collection[KernelRule]) -> str | None:
        """What :meth:`set_rules` would change, for people."""
        differing = set(wanted).symmetric_difference(self._rules(priorities))
        if not differing:
            return None
        rule = min(differing, key=repr)
        where = " ".join(
            f"{word} {value}"
            for word, value in (("iif", rule.iif), ("from", rule.source), ("fwmark", rule.mark))
            if value
        )
        return f"routing rules of priority {rule.priority} differ: {where or 'from all'} lookup {rule.table}"

    def tables_used(self, priorities: range) -> set[int]:
        """The tables that rules with priorities of a range lead to."""
        return {rule.table for rule in self._rules(priorities)}

    def routed_over(self, link: int) -> list[KernelRoute]:
        """Routes of the main table that lead over a link."""
        return [route for route in self._routes(MAIN) if route.link == link]

    def routed_elsewhere(self, within: ipaddress.IPv4Network, links: Collection[int]) -> list[KernelRoute]:
        """Routes of the main table to a network or to parts of it that lead over other links than these."""
        found = [route for route in self._routes(MAIN) if route.link is not None and route.link not in links]
        return [route for route in found if ipaddress.IPv4Network(route.destination).subnet_of(within)]

    def add_route(self, route: KernelRoute) -> None:
        """Put a route in the main table. Another to the same destination is somebody's, and stays: PlaneError."""
        present = [found for found in self._routes(MAIN) if found.destination == route.destination]
        if others := [found for found in present if found != route]:
            raise PlaneError(
                f"setting the route to {route.destination}: this host has another one ({others[0]}); delete it: "
                f"ip route delete {route.destination}"
            )
        if not present:
            self._put(MAIN, route)

    def drop_route(self, route: KernelRoute) -> None:
        """Remove a route from the main table; one that is not there is fine."""
        self._drop(MAIN, route)

    def drop_routes_of_bird(self) -> None:
        """Remove from all tables what a BIRD that is no more has left."""
        for table, route in self._told(0, bird=True):
            self._drop(table, route)

    def answer_for(self, link: Link, address: str) -> None:
        """Answer ARP on a link for an address that is elsewhere."""
        with step(f"answering ARP for {address} on {link.name}"):
            self._netlink.change(_NEW_NEIGHBOUR, _proxied(link, address), netlink.CREATE | netlink.REPLACE)

    def stop_answering_for(self, link: Link, address: str) -> None:
        """Undo :meth:`answer_for`; it is fine if that was never done."""
        with step(f"answering ARP no longer for {address} on {link.name}"):
            try:
                self._netlink.change(_DELETE_NEIGHBOUR, _proxied(link, address))
            except OSError as error:
                if error.errno != errno.ENOENT:
                    raise

    def answers_for(self, link: Link, address: str) -> bool:
        """Whether ARP for an address that is elsewhere is answered on a link."""
        with step(f"looking whether ARP for {address} is answered on {link.name}"):
            try:
                return self._netlink.ask(_GET_NEIGHBOUR, _proxied(link, address, 0)) is not None
            except OSError as error:
                if error.errno != errno.ENOENT:
                    raise
        return False

    def _routes(self, table: int) -> list[KernelRoute]:
        """But for BIRD's. Routes that are not of the kinds that are made here are given without a link."""
        return [route for found, route in self._told(table, bird=False) if found == table]

    def _told(self, table: int, *, bird: bool, link: int = 0) -> list[tuple[int, KernelRoute]]:
        """BIRD's routes or all others, with the table of each; 0 stands for every table, and for every link."""
        question = _ROUTE.pack(AF_INET, *([0] * 8)) + number(_TABLE, table) + (number(_OIF, link) if link else b"")
        with step(f"listing routes of table {table}" if table else "listing routes"):
            try:
                told = self._netlink.listing(_GET_ROUTE, question)
            except OSError as error:
                if error.errno == errno.ENOENT:  # no such table: nothing was ever put in it
                    return []
                raise
        return [_route(message) for message in told if (_protocol(message) == BIRD) == bird]

    def _put(self, table: int, route: KernelRoute) -> None:
        unreachable = route.link is None
        scope = _LINK_SCOPE if route.link is not None and route.gateway is None else _EVERYWHERE_SCOPE
        body = _route_head(table, route, _STATIC, scope, _UNREACHABLE if unreachable else _UNICAST)
        if route.link is not None:
            body += number(_OIF, route.link)
            if route.gateway is not None:
                body += raw(_GATEWAY, socket.inet_aton(route.gateway))
        if route.metric:
            body += number(_METRIC, route.metric)
        with step(f"setting the route to {route.destination} in table {table}"):
            self._netlink.change(_NEW_ROUTE, body, netlink.CREATE | netlink.REPLACE)

    def _drop(self, table: int, route: KernelRoute) -> None:
        # of whatever kind it is
        body = _route_head(table, route, 0, _ANY_SCOPE, 0) + number(_METRIC, route.metric)
        if route.link is not None:
            body += number(_OIF, route.link)
        with step(f"deleting the route to {route.destination} from table {table}"):
            try:
                self._netlink.change(_DELETE_ROUTE, body)
            except OSError as error:
                if error.errno != errno.ESRCH:  # it went with its link
                    raise

    def _rules(self, priorities: range) -> list[KernelRule]:
        with step("listing routing rules"):
            found = []
            for message in self._netlink.listing(_GET_RULE, _ROUTE.pack(AF_INET, *([0] * 8))):
                told = netlink.table(message, _ROUTE.size)
                priority = to_number(told[_RULE_PRIORITY]) if _RULE_PRIORITY in told else 0
                if priority in priorities:
                    source = socket.inet_ntoa(told[_RULE_SOURCE]) if _RULE_SOURCE in told else None
                    if source is not None and message[_SOURCE_LENGTH] != _WHOLE:
                        source = f"{source}/{message[_SOURCE_LENGTH]}"
                    iif = to_text(told[_RULE_IIF]) if _RULE_IIF in told else None
                    mark = to_number(told[_RULE_MARK]) if _RULE_MARK in told else None
                    found.append(KernelRule(priority, _table(message, told), iif, source, mark))
            return found

    def _rule(self, what: str, rule: KernelRule) -> None:
        source, _, bits = (rule.source or "/0").partition("/")
        length = int(bits or _WHOLE)
        body = _ROUTE.pack(AF_INET, 0, length, 0, 0, 0, 0, _LEAD_TO_TABLE, 0)
        body += number(_RULE_PRIORITY, rule.priority) + number(_TABLE, rule.table)
        if rule.iif is not None:
            body += text(_RULE_IIF, rule.iif)
        if rule.source is not None:
            body += raw(_RULE_SOURCE, socket.inet_aton(source))
        if rule.mark is not None:
            body += number(_RULE_MARK, rule.mark)
        with step(f"{'adding' if what == 'add' else 'deleting'} the routing rule of priority {rule.priority}"):
            if what == "add":
                self._netlink.change(_NEW_RULE, body, netlink.CREATE | netlink.EXCLUSIVE)
            else:
                self._netlink.change(_DELETE_RULE, body)


def only_first(routes: Iterable[KernelRoute]) -> list[KernelRoute]:
    """Of routes to one destination the first."""
    chosen: dict[str, KernelRoute] = {}
    for route in routes:
        chosen.setdefault(route.destination, route)
    return list(chosen.values())


def _routes_differ(table: int, differing: Collection[KernelRoute]) -> str | None:
    if not differing:
        return None
    destinations = sorted({route.destination for route in differing})
    return f"routes of table {table} differ: {', '.join(destinations)}"


def _route_head(table: int, route: KernelRoute, protocol: int, scope: int, kind: int) -> bytes:
    destination, _, length = route.destination.partition("/")
    body = _ROUTE.pack(AF_INET, int(length), 0, 0, 0, protocol, scope, kind, 0) + number(_TABLE, table)
    return body + raw(_DESTINATION, socket.inet_aton(destination)) if int(length) else body


def _route(message: bytes) -> tuple[int, KernelRoute]:
    """Table and route as the kernel tells them."""
    _, length, _, _, _, _, _, kind, _ = _ROUTE.unpack_from(message)
    told = netlink.table(message, _ROUTE.size)
    destination = f"{socket.inet_ntoa(told[_DESTINATION])}/{length}" if _DESTINATION in told else EVERYWHERE
    unicast = kind == _UNICAST
    link = to_number(told[_OIF]) if unicast and _OIF in told else None
    gateway = socket.inet_ntoa(told[_GATEWAY]) if unicast and _GATEWAY in told else None
    metric = to_number(told[_METRIC]) if _METRIC in told else 0
    return _table(message, told), KernelRoute(destination, link, gateway, metric)


def _protocol(message: bytes) -> int:
    return message[5]


def _table(message: bytes, told: dict[int, bytes]) -> int:
    return to_number(told[_TABLE]) if _TABLE in told else message[4]


def _proxied(link: Link, address: str, state: int = _PERMANENT) -> bytes:
    head = _NEIGHBOUR.pack(AF_INET, link.index, state, _PROXY, 0)
    return head + raw(_DESTINATION, socket.inet_aton(address))
