"""BIRD's configuration, rendered from plain values: of an instance, and of a VPC's router.

Pure. What becomes text here was parsed before as an address, a network, a number or the name of a link; names of
protocols and tables are made from these. A key of TCP's MD5 is the only text of a caller's, and is quoted or refused.
Everything raises ValueError for what cannot be.

The grammar is BIRD 2.0.12's, the one of Debian 12. Timers: a session that was lost is tried again after a second (the
default is one to five minutes), and BFD notices in three of its intervals that nothing comes any more.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

#: The constant that a configuration knows its own digest by: see :func:`digest`.
IDENTITY = "GW_CONFIGURATION"
#: Names of protocols; a tunnel's number, or an address with ``_`` for each dot, follows. BIRD has hundreds of keywords,
#: ``router`` and ``networks`` among them: no name is a single word of its own.
CUSTOMER = "customer_"
GATEWAY = "gateway_"
ROUTER = "vpc_router"
BFD = "bfd_sessions"
_NETWORKS = "vpc_networks"

#: AS numbers of ours, of the private 32-bit ones (RFC 6996): instances', and routers'. They are seen by nobody else.
_INSTANCES_ASN, _ROUTERS_ASN = 4_200_000_001, 4_200_000_002
_LAST_ASN = 2**32 - 1
#: An instance's table of what it forwards by.
FORWARD = "forward"
#: What an instance marks what customers have told it with, before it tells it to the router (RFC 1997).
_LEARNED = "(64512, 1)"
#: The same for what has come back and is to be used only if there is nothing else, and what it is known by before.
_LATE, _LATE_PREFERENCE = "(64512, 2)", 150
#: How much everything else is preferred to that, by BGP's local preference.
_STEADY = 1 << 31
#: Routes that are taken of one customer's session; those after them are not.
MOST_LEARNED = 1000
#: Routes that a router takes of one instance.
MOST_OFFERED = 10_000
#: Metrics of what BIRD puts into the kernel's tables. An instance's own routes go before what customers have told, and
#: a router's stand in for what BIRD does not know.
LEARNED_METRIC, SERVED_METRIC = 2_000_000, 32
#: What nobody can announce: everything at once, and RFC 6890's networks that are on no wire, on one alone, or for
#: providers' own use; an instance uses the last for itself.
_MARTIANS = ("0.0.0.0/0", "0.0.0.0/8+", "100.64.0.0/10+", "127.0.0.0/8+", "169.254.0.0/16+", "224.0.0.0/3+")

_LINK = re.compile(r"[a-z][a-z0-9_-]{0,14}")
#: Of TCP's MD5 in Linux, bytes; BIRD's quoted texts can hold neither of these two.
_LONGEST_KEY = 80
_IN_NO_TEXT = re.compile(r'["\x00-\x1f\x7f]')
_LOG_BYTES = 1_000_000
#: How long after a restart routes of before stay while sessions have not told theirs again, seconds.
_RECOVERY = 2


@dataclass(frozen=True)
class Bfd:
    """How quickly silence is noticed: after ``multiplier`` times so many milliseconds."""

    interval: int = 100
    multiplier: int = 3


@dataclass(frozen=True)
class Device:
    """A destination that is reached over a link as long as that is up."""

    destination: str
    link: str
    #: Addresses that are on-link there as long as it may be used, if that is not always so, and as long as it is
    #: steady: the router takes what is not only if there is nothing else.
    usable: str | None = None
    steady: str | None = None


@dataclass(frozen=True)
class Customer:
    """BGP with a customer inside a tunnel, whose number it has."""

    number: int
    link: str
    local_asn: int
    peer_asn: int
    local_address: str
    peer_address: str
    #: TCP's MD5 key (RFC 2385), if there is one.
    key: str | None = None
    #: With it or without the customer's doing: a session whose other end knows none comes up all the same.
    bfd: Bfd | None = Bfd()
    #: What the customer should mind if it has the same from the gateway's other instance: the least is preferred.
    metric: int = 0


@dataclass(frozen=True)
class Instance:
    """All that an instance's BIRD does."""

    #: Its private address, the link that has it, and the address of the VPC's router there.
    address: str
    link: str
    router: str
    #: The kernel's table for what customers tell.
    table: int
    #: What the router is offered.
    announced: tuple[Device, ...] = ()
    customers: tuple[Customer, ...] = ()
    #: What customers are told, and cannot take over.
    networks: tuple[str, ...] = ()
    #: Whether the router is offered what customers tell.
    propagates: bool = False
    bfd: Bfd = Bfd()


@dataclass(frozen=True)
class Neighbour:
    """A gateway's instance, as its router sees it."""

    address: str
    #: The router's link into the same vSwitch, and its address there.
    link: str
    local_address: str
    #: The greatest of those that offer a destination is used.
    preference: int


@dataclass(frozen=True)
class Served:
    """A destination of a route table, and who may offer it: addresses of neighbours."""

    destination: str
    by: tuple[str, ...]


@dataclass(frozen=True)
class RouteTable:
    """A route table, by the number of the kernel's."""

    number: int
    served: tuple[Served, ...] = ()
    #: Neighbours of whose customers it takes whatever they announce.
    learns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Router:
    """All that a router's BIRD does."""

    neighbours: tuple[Neighbour, ...] = ()
    tables: tuple[RouteTable, ...] = ()
    #: The vSwitches' networks, which nothing that customers announce takes anything from.
    networks: tuple[str, ...] = ()
    bfd: Bfd = Bfd()


def instance(wanted: Instance, log: Path) -> bytes:
    """The configuration of an instance's BIRD, which writes to ``log``."""
    number = _number(wanted.table, 1, 2**32 - 1)
    lan, own, router = _link(wanted.link), _address(wanted.address), _address(wanted.router)
    rapid = {lan: wanted.bfd} | {_link(one.link): one.bfd for one in wanted.customers if one.bfd is not None}
    lines = [
        *_beginning(own, log, (FORWARD, "offers")),
        f"define TAKEN = [ {', '.join((*_MARTIANS, *(f'{network}+' for network in _networks(wanted.networks))))} ];",
        "filter told_by_customer { if net ~ TAKEN then reject; accept; }",
        "filter to_router {",
        "  bgp_path.empty; bgp_community.empty;",
        f"  if source = RTS_BGP then bgp_community.add({_LEARNED});",
        f"  if preference = {_LATE_PREFERENCE} then bgp_community.add({_LATE});",
        "  accept;",
        "}",
        *_kernel(FORWARD, number, LEARNED_METRIC, f'proto != "{_NETWORKS}"'),
        *_bfd(rapid),
        *_static(_NETWORKS, FORWARD, (f"{network} unreachable" for network in _networks(wanted.networks))),
        *_devices(wanted.announced),
    ]
    if wanted.propagates:
        lines += [
            "protocol pipe learned_offers {",
            f"  table offers; peer table {FORWARD}; import where source = RTS_BGP; export none;",
            "}",
        ]
    for customer in sorted(wanted.customers, key=lambda one: one.number):
        lines += _customer(customer)
    lines += [
        f"protocol bgp {ROUTER} {{",
        f"  local {own} as {_INSTANCES_ASN}; neighbor {router} as {_ROUTERS_ASN};",
        *_session(lan, bfd=True),
        "  ipv4 { table offers; import none; export filter to_router; next hop self; };",
        "}",
    ]
    return _with_digest(lines)


def router(wanted: Router, log: Path) -> bytes:
    """The configuration of a router's BIRD, which writes to ``log``."""
    tables = {_number(one.number, 1, 2**32 - 1): one for one in wanted.tables}
    rapid = {_link(one.link): wanted.bfd for one in wanted.neighbours}
    taken = (*_MARTIANS, *(f"{network}+" for network in _networks(wanted.networks)))
    lines = [
        # of no address: ports come and go, and another id would end all sessions
        *_beginning("0.0.0.1", log, ("gateways", *(f"table_{number}" for number in tables))),
        f"define TAKEN = [ {', '.join(taken)} ];",
        *_bfd(rapid),
    ]
    for number, table in tables.items():
        lines += [
            *_kernel(f"table_{number}", number, SERVED_METRIC, "true"),
            f"protocol pipe served_{number} {{",
            f"  table table_{number}; peer table gateways; export none;",
            "  import filter {",
            *(f"    {line}" for line in _serving(table)),
            "    reject;",
            "  };",
            "}",
        ]
    for neighbour in wanted.neighbours:
        address = _address(neighbour.address)
        lines += [
            f"protocol bgp {gateway_name(address)} {{",
            f"  local {_address(neighbour.local_address)} as {_ROUTERS_ASN}; neighbor {address} as {_INSTANCES_ASN};",
            # who begins is never refused by a filter then
            "  passive yes;",
            *_session(_link(neighbour.link), bfd=True),
            f"  ipv4 {{ table gateways; export none; import limit {MOST_OFFERED} action block; import filter {{",
            f"    bgp_local_pref = {_number(neighbour.preference, 0, _STEADY - 1)};",
            f"    if ! ({_LATE} ~ bgp_community) then bgp_local_pref = {_STEADY + neighbour.preference};",
            "    accept;",
            "  }; };",
            "}",
        ]
    return _with_digest(lines)


def digest(configuration: bytes) -> str:
    """What a BIRD with this configuration answers to ``eval`` of :data:`IDENTITY`."""
    first, _, rest = configuration.partition(b"\n")
    found = hashlib.sha256(rest).hexdigest()
    if first.decode(errors="replace") != _identity(found):
        raise ValueError("this is no configuration that was rendered here")
    return found


def customer_name(number: int) -> str:
    """The name of the protocol of a tunnel's session."""
    return f"{CUSTOMER}{_number(number, 1, 2**31)}"


def gateway_name(address: str) -> str:
    """The name of the protocol of a router's session with an instance."""
    return f"{GATEWAY}{_address(address).replace('.', '_')}"


def _with_digest(lines: Iterable[str]) -> bytes:
    text = "".join(f"{line}\n" for line in lines).encode()
    return f"{_identity(hashlib.sha256(text).hexdigest())}\n".encode() + text


def _identity(found: str) -> str:
    return f'define {IDENTITY} = "{found}";'


def _beginning(router_id: str, log: Path, tables: Iterable[str]) -> Iterator[str]:
    if _IN_NO_TEXT.search(str(log)):
        raise ValueError(f"{str(log)!r} cannot be the path of a log")
    # states are told to who listens on the socket as well
    yield f'log "{log}" {_LOG_BYTES} "{log}.old" all;'
    yield "debug protocols { states };"
    yield f"router id {router_id};"
    yield "timeformat protocol iso long ms;"
    yield f"graceful restart wait {_RECOVERY};"
    yield from (f"ipv4 table {name};" for name in tables)
    yield "protocol device { scan time 10; }"


def _kernel(table: str, number: int, metric: int, condition: str) -> Iterator[str]:
    yield f"protocol kernel kernel_{table} {{"
    yield f"  kernel table {number}; metric {metric}; scan time 10; graceful restart yes;"
    yield f"  ipv4 {{ table {table}; import none; export where {condition}; }};"
    yield "}"


def _bfd(rapid: Mapping[str, Bfd]) -> Iterator[str]:
    """A link that no pattern matches would have five times the interval by default, so each is named."""
    yield f"protocol bfd {BFD} {{"
    yield "  debug { states, events }; accept ipv4 direct;"
    for link, bfd in rapid.items():
        interval, times = _number(bfd.interval, 10, 60_000), _number(bfd.multiplier, 1, 255)
        yield f'  interface "{link}" {{'
        yield f"    min rx interval {interval} ms; min tx interval {interval} ms; multiplier {times};"
        yield f"    idle tx interval {max(interval, 300)} ms;"
        yield "  };"
    yield "}"


def _devices(routes: Iterable[Device]) -> Iterator[str]:
    """Protocols for each link, so that one destination may be reached over several."""
    steady: dict[str, set[str]] = {}
    late: dict[str, set[str]] = {}
    for route in routes:
        link, network = _link(route.link), _network(route.destination)
        way = f'"{link}"' if route.usable is None else _address(route.usable)
        if route.steady is None:
            steady.setdefault(link, set()).add(f"{network} via {way}")
        else:
            steady.setdefault(link, set()).add(f"{network} via {_address(route.steady)}")
            late.setdefault(link, set()).add(f"{network} via {way}")
    for name, by_link, more in (("offers", steady, ""), ("late", late, f" preference {_LATE_PREFERENCE};")):
        for link, lines in sorted(by_link.items()):
            yield from _static(f"{name}_{link.replace('-', '_')}", "offers", sorted(lines), more)


def _static(name: str, table: str, routes: Iterable[str], more: str = "") -> Iterator[str]:
    yield f"protocol static {name} {{"
    yield f"  ipv4 {{ table {table};{more} }};"
    yield from (f"  route {route};" for route in routes)
    yield "}"


def _customer(customer: Customer) -> Iterator[str]:
    local_asn, peer_asn = _number(customer.local_asn, 1, _LAST_ASN), _number(customer.peer_asn, 1, _LAST_ASN)
    yield f"protocol bgp {customer_name(customer.number)} {{"
    yield f"  local {_address(customer.local_address)} as {local_asn};"
    yield f"  neighbor {_address(customer.peer_address)} as {peer_asn};"
    if customer.key is not None:
        yield f'  password "{_key(customer.key)}";'
    yield from _session(_link(customer.link), bfd=customer.bfd is not None)
    yield "  ipv4 {"
    yield f"    table {FORWARD}; import limit {MOST_LEARNED} action block; import filter told_by_customer;"
    yield "    next hop self; export filter {"
    yield f'      if proto = "{_NETWORKS}" then {{ bgp_med = {_number(customer.metric, 0, 2**32 - 1)}; accept; }}'
    yield "      reject;"
    yield "    };"
    yield "  };"
    yield "}"


def _session(link: str, *, bfd: bool) -> Iterator[str]:
    yield f'  interface "{link}"; direct; bfd {"yes" if bfd else "no"};'
    yield "  connect retry time 1; connect delay time 1; error wait time 1, 2;"
    yield "  startup hold time 10; hold time 9; keepalive time 3;"


def _serving(table: RouteTable) -> Iterator[str]:
    """Conditions under which a route is taken; a set of destinations has those that the same neighbours may offer."""
    by_neighbours: dict[tuple[str, ...], list[str]] = {}
    for served in table.served:
        if served.by:
            by = tuple(sorted(map(_address, served.by)))
            by_neighbours.setdefault(by, []).append(_network(served.destination))
    for by, destinations in sorted(by_neighbours.items()):
        yield f"if from ~ [ {', '.join(by)} ] && net ~ [ {', '.join(sorted(set(destinations)))} ] then accept;"
    if table.learns:
        by = tuple(sorted(map(_address, table.learns)))
        yield f"if {_LEARNED} ~ bgp_community && from ~ [ {', '.join(by)} ] && ! (net ~ TAKEN) then accept;"


def _address(text: str) -> str:
    return str(ipaddress.IPv4Address(text))


def _network(text: str) -> str:
    return str(ipaddress.IPv4Network(text))


def _networks(texts: Iterable[str]) -> list[str]:
    return sorted({_network(text) for text in texts})


def _number(value: int, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{value!r} is no number from {least} to {most}")
    return value


def _link(name: str) -> str:
    if not _LINK.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a link of ours")
    return name


def _key(text: str) -> str:
    """A key as it stands between quotes. The message does not have it."""
    if not text or _IN_NO_TEXT.search(text) or len(text.encode()) > _LONGEST_KEY:
        raise ValueError(f"a key for BGP has 1 to {_LONGEST_KEY} bytes and neither quotes nor control characters")
    return text
