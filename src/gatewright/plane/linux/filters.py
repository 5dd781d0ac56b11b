"""What packets an instance takes, carries and sends: one table of nftables in its namespace.

What others can begin at will (IKE, ESP, SSL-VPN, pings, everything that is forwarded) is not tracked: nobody can fill
the table of connections of the host, and a packet that comes back by the other tunnel of a gateway, whose way
there another instance has seen, is no stranger. Tracked is what the instance itself begins, so that answers get in.
Nothing is translated: tunnels carry private addresses, and the public ones are the instance's own.
"""

from __future__ import annotations

from collections.abc import Iterator

from gatewright.plane.linux import netns
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.folders import Folder
from gatewright.plane.linux.kept_table import KeptTable
from gatewright.plane.linux.names import LAN, WAN
from gatewright.plane.linux.ruleset import (
    ACCEPT,
    DROP,
    NOTRACK,
    Chain,
    Rule,
    Table,
    address_number,
    at_most,
    connection,
    field,
    field_other,
    meta,
    network,
    transport_bits,
)
from gatewright.resources.specs import InstanceSpec

NOTE = "filter.json"
#: The only table in an instance's namespace.
NAME = "gatewright"
#: Tunnels, by what their links' names begin with: IPsec's, and SSL-VPN's.
TUNNELS = ("ips*", "ssl*")

#: Pings that public addresses answer, and errors that they take, a second and at once.
PING_RATE, PING_BURST = 50, 100
ERROR_RATE, ERROR_BURST = 100, 200

#: Protocols and ports that peers reach; ESP has no ports.
_IPSEC: dict[str, tuple[int, ...]] = {"udp": (500, 4500), "esp": ()}
_NUMBERS = {"udp": 17, "tcp": 6, "esp": 50}
_ERRORS = ("destination-unreachable", "time-exceeded", "parameter-problem")
_RAW = -300  # before connections are tracked


def table(spec: InstanceSpec, router_mac: str | None = None, ssl_ports: tuple[tuple[str, int], ...] = ()) -> Table:
    """All rules of an instance.

    ``router_mac`` is the hardware address of the VPC's router in the vSwitch, which alone brings packets from other
    networks; None if there is none. ``ssl_ports`` are the protocols and ports that SSL servers listen on.
    """
    services = dict(_IPSEC) if spec.ipsec else {}
    for protocol, port in ssl_ports:
        services[protocol] = (*services.get(protocol, ()), port)
    rules = _Rules(spec, services)
    return Table(
        "inet",
        NAME,
        (
            Chain("arrivals", "prerouting", tuple(rules.arrivals(router_mac)), _RAW),
            Chain("input", "input", tuple(rules.input())),
            Chain("forward", "forward", tuple(rules.forward())),
            Chain("output", "output", tuple(rules.output()), _RAW),
        ),
    )


def ensure(spec: InstanceSpec, folder: Folder, router_mac: str | None = None) -> None:
    """Have the rules stand in the calling thread's namespace, which is the instance's. Raises PlaneError."""
    KeptTable(folder, NOTE).ensure(table(spec, router_mac))


def fault(namespace: str, folder: Folder) -> str | None:
    """What is wrong with the rules in an instance's namespace, for people. Changes nothing. Raises PlaneError."""
    with step(f"looking at the rules in {namespace}"), netns.entered(namespace):
        return KeptTable(folder, NOTE).fault()


class _Rules:
    def __init__(self, spec: InstanceSpec, services: dict[str, tuple[int, ...]]) -> None:
        self._services = services
        self._public = spec.public.addresses if spec.public else ()
        self._private = spec.private.address
        self._network = network(spec.private.network)
        #: Where peers are, and what they know us by: inside the VPC for a gateway without a public leg.
        self._outer, self._known = (WAN, self._public) if spec.public else (LAN, (self._private,))
        #: The addresses of each leg.
        self._legs = {LAN: (self._private,)} | ({WAN: self._public} if spec.public else {})

    def arrivals(self, router_mac: str | None) -> Iterator[Rule]:
        """Who may come, from where, and what of it is tracked."""
        own = (*self._public, self._private)
        yield meta("nfproto", "ipv6"), DROP
        yield meta("iifname", "lo"), ACCEPT
        yield field("ip", "saddr", *own), DROP
        for elsewhere in (*(leg for leg in self._legs if leg != LAN), *TUNNELS):
            yield meta("iifname", elsewhere), field("ip", "saddr", self._network), DROP
        strangers = (field_other("ether", "saddr", router_mac),) if router_mac else ()
        yield meta("iifname", LAN), *strangers, field_other("ip", "saddr", self._network), DROP
        for service in self._arriving():
            yield *service, NOTRACK, ACCEPT
        for error in self._errors():
            yield *error, NOTRACK, ACCEPT
        for leg, addresses in self._legs.items():
            here = meta("iifname", leg), field("ip", "daddr", *addresses)
            yield *here, field("icmp", "type", "echo-request"), NOTRACK, ACCEPT
            yield *here, ACCEPT
        yield meta("iifname", LAN), field_other("ip", "daddr", *own), NOTRACK, ACCEPT
        for tunnel in TUNNELS:
            yield meta("iifname", tunnel), NOTRACK, ACCEPT

    def input(self) -> Iterator[Rule]:
        """What reaches the daemons. Packets of no known connection are not among it."""
        yield meta("iifname", "lo"), ACCEPT
        for service in self._arriving():
            yield *service, ACCEPT
        few = at_most(ERROR_RATE, ERROR_BURST)
        for error in self._errors():
            yield *error, few, ACCEPT
        for leg, addresses in self._legs.items():
            ping = meta("iifname", leg), field("ip", "daddr", *addresses), field("icmp", "type", "echo-request")
            yield *ping, *((at_most(PING_RATE, PING_BURST),) if leg == WAN else ()), ACCEPT
        yield connection("established", "related"), ACCEPT

    def forward(self) -> Iterator[Rule]:
        """Only between the vSwitch and tunnels, whatever connections it may be of."""
        for tunnel in TUNNELS:
            yield meta("iifname", LAN), meta("oifname", tunnel), ACCEPT
            yield meta("iifname", tunnel), meta("oifname", LAN), ACCEPT

    def output(self) -> Iterator[Rule]:
        """What the daemons may say, and as whom."""
        yield meta("nfproto", "ipv6"), DROP
        yield meta("oifname", "lo"), ACCEPT
        for service in self._leaving():
            yield *service, NOTRACK, ACCEPT
        for leg, addresses in self._legs.items():
            here = meta("oifname", leg), field("ip", "saddr", *addresses)
            yield *here, field("icmp", "type", "echo-reply"), NOTRACK, ACCEPT
            yield *here, ACCEPT
        for tunnel in TUNNELS:
            yield meta("oifname", tunnel), ACCEPT

    def _arriving(self) -> Iterator[Rule]:
        here = meta("iifname", self._outer), field("ip", "daddr", *self._known)
        for protocol, ports in self._services.items():
            yield *here, field(protocol, "dport", *ports) if ports else field("ip", "protocol", protocol)

    def _leaving(self) -> Iterator[Rule]:
        here = meta("oifname", self._outer), field("ip", "saddr", *self._known)
        for protocol, ports in self._services.items():
            yield *here, field(protocol, "sport", *ports) if ports else field("ip", "protocol", protocol)

    def _errors(self) -> Iterator[Rule]:
        """ICMP errors about packets of services: untracked, so nothing but the packet that they cite tells them."""
        for address in self._known:
            for protocol, ports in self._services.items():
                # behind ICMP's 8 bytes: the protocol, our address and, of a header without options, our port
                cited = transport_bits(136, 8, _NUMBERS[protocol]), transport_bits(160, 32, address_number(address))
                here = meta("iifname", self._outer), field("ip", "daddr", address), field("icmp", "type", *_ERRORS)
                if not ports:
                    yield *here, *cited
                for port in ports:
                    yield *here, *cited, transport_bits(224, 16, port)
