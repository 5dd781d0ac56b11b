"""What a VPC's router does with packets, worked out from its spec without touching anything.

Each route table is a table of the kernel's, which holds the vSwitches' own networks and the custom entries together,
so that the longest prefix of both wins. Rules lead to it what comes in by a port that uses it, and what the router
itself answers there.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Iterator, Mapping

from gatewright.plane.linux.names import Names
from gatewright.plane.linux.routing import KernelRoute, KernelRule, only_first
from gatewright.plane.linux.ruleset import ACCEPT, DROP, Chain, Rule, Table, field, meta, network
from gatewright.resources.specs import Route, RouterPort, RouterSpec

#: Priorities of the router's rules: after the kernel's local table, before main.
RULES = range(100, 102)
_BY_PORT, _BY_SOURCE = RULES

#: Numbers of route tables: apart from those that the kernel and iproute2 know.
_FIRST_NUMBER, _NUMBERS = 1 << 16, 1 << 30
#: The metric of routes to instances that BIRD hears of: its own go before them, and they stand in when it knows none.
STAND_IN_METRIC = 1000
#: What instances say to the router's BIRD: BGP, and BFD's packets of neighbours (RFC 5881).
BGP, BFD = 179, 3784
_RAW = -300


def table_numbers(spec: RouterSpec) -> dict[str, int]:
    """The kernel's number of each route table: the same as long as the table lives."""
    numbers: dict[str, int] = {}
    for table in spec.tables:
        digest = hashlib.sha256(table.id.encode()).digest()
        number = _FIRST_NUMBER + int.from_bytes(digest[:8]) % _NUMBERS
        while number in numbers.values():
            number += 1
        numbers[table.id] = number
    return numbers


def routes(spec: RouterSpec, links: Mapping[str, int]) -> dict[int, list[KernelRoute]]:
    """What each table of the kernel holds. ``links`` has the indexes of the ports that are there, by vSwitch.

    What is behind a port that is missing is unreachable: it does not fall to an entry with a shorter prefix.
    """
    system = [KernelRoute(port.network, links.get(port.vswitch_id)) for port in spec.ports]
    numbers = table_numbers(spec)
    return {
        numbers[table.id]: only_first([*system, *(_custom(spec, route, links) for route in table.routes)])
        for table in spec.tables
    }


def rules(spec: RouterSpec, names: Names) -> list[KernelRule]:
    """Which packets each table is for."""
    numbers = table_numbers(spec)
    found = []
    for port in spec.ports:
        number = numbers[port.route_table_id]
        found.append(KernelRule(_BY_PORT, number, iif=names.port_inside(port.vswitch_id)))
        found.append(KernelRule(_BY_SOURCE, number, source=port.address))
    return found


def filters(spec: RouterSpec, names: Names) -> Table:
    """Who may send what as whom, and that nobody reaches the router itself but with a ping, and gateways with BGP."""
    reachable = (_PING, *_from_gateways(spec, names))
    chains = (Chain("sources", "prerouting", tuple(_sources(spec, names)), _RAW), Chain("input", "input", reachable))
    return Table("inet", "gatewright", chains)


def port_of(spec: RouterSpec, address: str) -> RouterPort | None:
    """The port in whose vSwitch an address is."""
    where = ipaddress.IPv4Address(address)
    return next((port for port in spec.ports if where in ipaddress.IPv4Network(port.network)), None)


def served(spec: RouterSpec, route: Route) -> bool:
    """Whether an entry leads to a gateway of which BIRD hears whether it reaches the destination now."""
    return not {gateway.address for gateway in spec.gateways}.isdisjoint(route.next_hops)


_PING: Rule = (field("icmp", "type", "echo-request"), ACCEPT)


def _from_gateways(spec: RouterSpec, names: Names) -> Iterator[Rule]:
    """They begin BGP's connections: the router begins none."""
    for gateway in spec.gateways:
        port = port_of(spec, gateway.address)
        if port is not None:
            mac = names.lan(gateway.instance_id).inner_mac
            here = meta("iifname", names.port_inside(port.vswitch_id)), field("ether", "saddr", mac)
            pair = field("ip", "saddr", gateway.address), field("ip", "daddr", port.address)
            yield *here, *pair, field("tcp", "dport", BGP), ACCEPT
            yield *here, *pair, field("udp", "dport", BFD), ACCEPT


def _sources(spec: RouterSpec, names: Names) -> Iterator[Rule]:
    """A vSwitch's machines speak as themselves, and its gateways for the networks that are routed to them.

    For whichever gateway is preferred: a connection's packets come back by the other one as well.
    """
    here = {port.vswitch_id: meta("iifname", names.port_inside(port.vswitch_id)) for port in spec.ports}
    yield meta("iifname", "lo"), ACCEPT
    for port in spec.ports:
        yield here[port.vswitch_id], field("ip", "saddr", network(port.network)), ACCEPT
    if spec.ports:
        yield field("ip", "saddr", *map(network, _collapsed(port.network for port in spec.ports))), DROP
    for port in spec.ports:
        behind = _collapsed(_routed_to(spec, port))
        if behind:
            yield here[port.vswitch_id], field("ip", "saddr", *map(network, behind)), ACCEPT
    if any(table.learns for table in spec.tables):
        # what their customers announce is known to BIRD alone
        for gateway in spec.gateways:
            if (beside := port_of(spec, gateway.address)) is not None:
                mac = names.lan(gateway.instance_id).inner_mac
                yield here[beside.vswitch_id], field("ether", "saddr", mac), ACCEPT


def _routed_to(spec: RouterSpec, port: RouterPort) -> Iterator[str]:
    within = ipaddress.IPv4Network(port.network)
    for table in spec.tables:
        for route in table.routes:
            if any(ipaddress.IPv4Address(address) in within for address in route.next_hops):
                yield route.destination


def _collapsed(networks: Iterable[str]) -> list[str]:
    """The same addresses in as few networks as can be: nftables' sets take none that overlap."""
    return [str(one) for one in ipaddress.collapse_addresses(map(ipaddress.IPv4Network, networks))]


def _custom(spec: RouterSpec, route: Route, links: Mapping[str, int]) -> KernelRoute:
    """By the first next hop that can be reached; by none there is no way."""
    metric = STAND_IN_METRIC if served(spec, route) else 0
    for address in route.next_hops:
        for port in spec.ports:
            link = links.get(port.vswitch_id)
            if link is not None and ipaddress.IPv4Address(address) in ipaddress.IPv4Network(port.network):
                return KernelRoute(route.destination, link, address, metric)
    return KernelRoute(route.destination, metric=metric)
