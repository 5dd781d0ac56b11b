"""What packets an instance takes, carries and sends: one table of nftables in its namespace.

What others can begin at will (IKE, ESP, SSL-VPN, pings, everything that is forwarded) is not tracked: nobody can fill
the table of connections of the host, and a packet that comes back by the other tunnel of a gateway, whose way
there another instance has seen, is no stranger. Tracked is what the instance itself begins, so that answers get in.
IKE and ESP are for the charons of tunnels, which have namespaces of their own: who is no tunnel's peer is not heard.
Nothing else is translated: statelessly, by the peer's address, and only until it leaves for there. What comes out of a
tunnel is of its peer's networks and for the VPC's, or is dropped.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence

from gatewright.plane.linux import instance_bird, netns, vpn_routing
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.folders import Folder
from gatewright.plane.linux.kept_table import KeptTable
from gatewright.plane.linux.names import LAN, WAN
from gatewright.plane.linux.ruleset import (
    ACCEPT,
    DROP,
    NOTRACK,
    Chain,
    Expression,
    Rule,
    Table,
    address_number,
    at_most,
    connection,
    field,
    field_other,
    joined,
    marked,
    meta,
    network,
    of_field,
    of_link,
    of_link_within,
    of_transport_bits,
    rewritten,
    rewritten_by,
    segments_at_most,
    told,
    transport_bits,
)
from gatewright.plane.linux.tunnels import demand, echoes, steering
from gatewright.resources.addresses import router_address
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnels import TunnelSpec

NOTE = "filter.json"
#: The only table in an instance's namespace.
NAME = "gatewright"
#: Tunnels, by what their links' names begin with: IPsec's, and SSL-VPN's.
IPSEC_TUNNELS, SSL_TUNNELS = "tun*", "ssl*"
TUNNELS = (IPSEC_TUNNELS, SSL_TUNNELS)
#: TCP's payload in a tunnel's packets, whose MTU is 1,400.
_SEGMENT = 1360
#: BGP, and BFD's control packets of neighbours (RFC 5881).
_BGP, _BFD = 179, 3784

#: Pings that public addresses answer, and errors that they take, a second and at once.
PING_RATE, PING_BURST = 50, 100
ERROR_RATE, ERROR_BURST = 100, 200
#: Packets for tunnels that are down of which we are told.
DEMAND_RATE, DEMAND_BURST = 20, 20

#: Protocols and ports that peers reach; ESP has no ports.
_IPSEC: dict[str, tuple[int, ...]] = {"udp": (500, 4500), "esp": ()}
_NUMBERS = {"udp": 17, "tcp": 6, "esp": 50}
_ERRORS = ("destination-unreachable", "time-exceeded", "parameter-problem")
_RAW = -300  # before connections are tracked


def table(
    spec: InstanceSpec,
    router_mac: str | None = None,
    ssl_ports: tuple[tuple[str, int], ...] = (),
    *,
    steered: Sequence[TunnelSpec] = (),
) -> Table:
    """All rules of an instance.

    ``router_mac`` is the hardware address of the VPC's router in the vSwitch, which alone brings packets from other
    networks; None if there is none. ``ssl_ports`` are the protocols and ports that SSL servers listen on; to the
    charons of the ``steered`` tunnels is led what their peers send.
    """
    services: dict[str, tuple[int, ...]] = {}
    for protocol, port in ssl_ports:
        services[protocol] = (*services.get(protocol, ()), port)
    rules = _Rules(spec, services, steered)
    led_there = (Chain("leaving", "postrouting", tuple(rules.leaving()), _RAW, policy="accept"),) if steered else ()
    return Table(
        "inet",
        NAME,
        (
            Chain("arrivals", "prerouting", tuple(rules.arrivals(router_mac)), _RAW),
            Chain("input", "input", tuple(rules.input())),
            Chain("forward", "forward", tuple(rules.forward())),
            Chain("output", "output", tuple(rules.output()), _RAW),
            *led_there,
        ),
    )


def ensure(
    spec: InstanceSpec, folder: Folder, router_mac: str | None = None, *, steered: Sequence[TunnelSpec] = ()
) -> None:
    """Have the rules stand in the calling thread's namespace, which is the instance's. Raises PlaneError."""
    KeptTable(folder, NOTE).ensure(table(spec, router_mac, steered=steered))


def fault(namespace: str, folder: Folder) -> str | None:
    """What is wrong with the rules in an instance's namespace, for people. Changes nothing. Raises PlaneError."""
    with step(f"looking at the rules in {namespace}"), netns.entered(namespace):
        return KeptTable(folder, NOTE).fault()


class _Rules:
    def __init__(self, spec: InstanceSpec, services: dict[str, tuple[int, ...]], steered: Sequence[TunnelSpec]) -> None:
        self._services = services
        self._steered = steered
        self._tunnels = spec.tunnels
        #: By what decides about them. However many tunnels there are, a packet passes the same few rules.
        self._routed = [tunnel for tunnel in spec.tunnels if tunnel.routed]
        self._selecting = [tunnel for tunnel in spec.tunnels if not tunnel.routed]
        vpc = spec.vpc_networks or (spec.private.network,)
        self._vpc = _distinct(vpc)
        #: Nobody behind a tunnel is there.
        self._inside = _distinct((*vpc, spec.private.network, steering.NETWORK))
        self._public = spec.public.addresses if spec.public else ()
        self._private = spec.private.address
        self._network = network(spec.private.network)
        #: Where peers are, and what they know us by: inside the VPC for a gateway without a public leg.
        self._outer, self._known = (WAN, self._public) if spec.public else (LAN, (self._private,))
        #: The addresses of each leg.
        self._legs = {LAN: (self._private,)} | ({WAN: self._public} if spec.public else {})
        #: With it, and in tunnels with customers, the instance's BIRD speaks, if it has one.
        self._router = router_address(ipaddress.IPv4Network(spec.private.network))
        self._bird = instance_bird.needed(spec)

    def arrivals(self, router_mac: str | None) -> Iterator[Rule]:
        """Who may come, from where, and what of it is tracked."""
        own = (*self._public, self._private)
        yield meta("nfproto", "ipv6"), DROP
        yield meta("iifname", "lo"), ACCEPT
        # charons have it as the address of what was led to them, and nobody else is
        yield field("ip", "daddr", network(steering.NETWORK)), DROP
        yield from self._from_charons()
        yield field("ip", "saddr", *own), DROP
        for elsewhere in (leg for leg in self._legs if leg != LAN):
            yield meta("iifname", elsewhere), field("ip", "saddr", self._network), DROP
        for tunnels in TUNNELS:
            yield meta("iifname", tunnels), field("ip", "saddr", *self._inside), DROP
        strangers = (field_other("ether", "saddr", router_mac),) if router_mac else ()
        yield meta("iifname", LAN), *strangers, field_other("ip", "saddr", self._network), DROP
        # before all that is for the instance itself: what there is most of
        yield meta("iifname", LAN), field_other("ip", "daddr", *own), NOTRACK, ACCEPT
        yield from self._answers_to_probes()
        for neighbours in self._neighbours():
            yield *neighbours, NOTRACK, ACCEPT
        yield from self._out_of_tunnels()
        yield from self._for_charons()
        for service in self._arriving():
            yield *service, NOTRACK, ACCEPT
        for error in self._errors(self._services, self._known):
            yield *error, NOTRACK, ACCEPT
        for alive in self._router_alive("saddr", "daddr", "iifname"):
            yield *alive, NOTRACK, ACCEPT
        for leg, addresses in self._legs.items():
            here = meta("iifname", leg), field("ip", "daddr", *addresses)
            yield *here, field("icmp", "type", "echo-request"), NOTRACK, ACCEPT
            for strange in _services(_IPSEC, "dport"):
                # of no tunnel's peer
                yield *here, strange, DROP
            yield *here, ACCEPT
        yield meta("iifname", SSL_TUNNELS), NOTRACK, ACCEPT

    def input(self) -> Iterator[Rule]:
        """What reaches the daemons. Packets of no known connection are not among it."""
        yield meta("iifname", "lo"), ACCEPT
        for service in self._arriving():
            yield *service, ACCEPT
        few = at_most(ERROR_RATE, ERROR_BURST)
        for error in self._errors(self._services, self._known):
            yield *error, few, ACCEPT
        for leg, addresses in self._legs.items():
            ping = meta("iifname", leg), field("ip", "daddr", *addresses), field("icmp", "type", "echo-request")
            yield *ping, *((at_most(PING_RATE, PING_BURST),) if leg == WAN else ()), ACCEPT
        for alive in self._router_alive("saddr", "daddr", "iifname"):
            yield *alive, ACCEPT
        for neighbours in self._neighbours():
            yield *neighbours, ACCEPT
        yield connection("established", "related"), ACCEPT

    def forward(self) -> Iterator[Rule]:
        """Only between the vSwitch and tunnels, whatever connections it may be of, and to tunnels' own charons."""
        if self._steered:
            # nothing else is led there
            yield meta("iifname", self._outer), meta("oifname", steering.LINKS), ACCEPT
            yield meta("iifname", steering.LINKS), meta("oifname", self._outer), ACCEPT
        for tunnels in TUNNELS:
            for way in ("iifname", "oifname"):
                yield meta(way, tunnels), *segments_at_most(_SEGMENT)
        if self._selecting:
            yield meta("iifname", LAN), *_selected(self._selecting, "oifname", "saddr", "daddr"), ACCEPT
            yield meta("iifname", LAN), meta("oifname", *_links(self._selecting)), DROP
        for tunnels in TUNNELS:
            yield meta("iifname", LAN), meta("oifname", tunnels), ACCEPT
            yield meta("iifname", tunnels), meta("oifname", LAN), ACCEPT
        if any(not tunnel.initiate for tunnel in self._tunnels):
            # what has no way: a tunnel may wait for it
            yield meta("iifname", LAN), at_most(DEMAND_RATE, DEMAND_BURST), told(demand.GROUP, demand.HEAD)

    def leaving(self) -> Iterator[Rule]:
        """What has been led to the charon of a tunnel was meant for the address that it shares with the instance."""
        there = field("ip", "daddr", network(steering.NETWORK))
        yield meta("oifname", steering.LINKS), there, rewritten("ip", "daddr", self._known[0])

    def output(self) -> Iterator[Rule]:
        """What the daemons may say, and as whom."""
        yield meta("nfproto", "ipv6"), DROP
        yield meta("oifname", "lo"), ACCEPT
        for service in self._leaving():
            yield *service, NOTRACK, ACCEPT
        for alive in self._router_alive("daddr", "saddr", "oifname"):
            yield *alive, NOTRACK, ACCEPT
        for leg, addresses in self._legs.items():
            here = meta("oifname", leg), field("ip", "saddr", *addresses)
            yield *here, field("icmp", "type", "echo-reply"), NOTRACK, ACCEPT
            yield *here, ACCEPT
        for tunnel in TUNNELS:
            yield meta("oifname", tunnel), ACCEPT

    def _for_charons(self) -> Iterator[Rule]:
        """What peers of tunnels send to these' charons, and errors about what was sent to them, goes there."""
        if not self._steered:
            return
        charons = {tunnel.peer: steering.ends(tunnel.number).charon for tunnel in self._steered}
        there = rewritten_by("ip", "daddr", of_field("ip", "saddr"), charons)
        here = meta("iifname", self._outer), field("ip", "daddr", self._known[0])
        for service in _services(_IPSEC, "dport"):
            yield *here, service, NOTRACK, there, ACCEPT
        cited = {address_number(peer): charon for peer, charon in charons.items()}
        there = rewritten_by("ip", "daddr", of_transport_bits(192, 32), cited)
        for error in self._errors(_IPSEC, self._known[:1]):
            yield *error, NOTRACK, there, ACCEPT

    def _from_charons(self) -> Iterator[Rule]:
        """What they send to their peers, from the address that they share with the instance."""
        if not self._steered:
            return
        way = joined(
            (of_link("iifname"), [steering.outer_link(tunnel.number) for tunnel in self._steered]),
            (of_field("ip", "saddr"), [self._known[0]] * len(self._steered)),
            (of_field("ip", "daddr"), [tunnel.peer for tunnel in self._steered]),
        )
        for service in _services(_IPSEC, "sport"):
            yield way, service, NOTRACK, ACCEPT

    def _out_of_tunnels(self) -> Iterator[Rule]:
        """What may come out of tunnels; sources in the VPC were dropped before."""
        mark = marked(vpn_routing.OUT_OF_TUNNEL)
        if self._routed:
            yield meta("iifname", *_links(self._routed)), field("ip", "daddr", *self._vpc), mark, NOTRACK, ACCEPT
        if self._selecting:
            yield *_selected(self._selecting, "iifname", "daddr", "saddr"), mark, NOTRACK, ACCEPT

    def _neighbours(self) -> Iterator[Rule]:
        """What neighbours in tunnels say to BIRD. Nobody else can have the addresses: both ends are on-link there."""
        speaking = [(tunnel.link, tunnel.bgp) for tunnel in self._tunnels if tunnel.bgp is not None]
        if not speaking:
            return
        here = joined(
            (of_link("iifname"), [link for link, _ in speaking]),
            (of_field("ip", "saddr"), [bgp.peer_address for _, bgp in speaking]),
            (of_field("ip", "daddr"), [bgp.local_address for _, bgp in speaking]),
        )
        yield here, field("tcp", "dport", _BGP)
        yield here, field("tcp", "sport", _BGP)
        yield here, field("udp", "dport", _BFD)
        yield here, field("icmp", "type", "echo-request", "echo-reply")

    def _answers_to_probes(self) -> Iterator[Rule]:
        """Answers to our own probes, which whoever sent them has seen: they are for no machine of the VPC."""
        checks = [tunnel.health for tunnel in self._tunnels if tunnel.health is not None]
        if checks:
            # several tunnels may be checked by the same two
            ends = dict.fromkeys((check.destination, check.source) for check in checks)
            pair = joined(
                (of_field("ip", "saddr"), [theirs for theirs, _ in ends]),
                (of_field("ip", "daddr"), [ours for _, ours in ends]),
            )
            ours = transport_bits(64, 32, echoes.MAGIC >> 32), transport_bits(96, 32, echoes.MAGIC & 0xFFFFFFFF)
            yield meta("iifname", IPSEC_TUNNELS), pair, field("icmp", "type", "echo-reply"), *ours, DROP

    def _router_alive(self, theirs: str, ours: str, way: str) -> Iterator[Rule]:
        """BFD with the VPC's router. BGP's connection is begun here, and tracked."""
        if self._bird:
            pair = field("ip", theirs, self._router), field("ip", ours, self._private)
            yield meta(way, LAN), *pair, field("udp", "dport", _BFD)

    def _arriving(self) -> Iterator[Rule]:
        here = meta("iifname", self._outer), field("ip", "daddr", *self._known)
        for service in _services(self._services, "dport"):
            yield *here, service

    def _leaving(self) -> Iterator[Rule]:
        here = meta("oifname", self._outer), field("ip", "saddr", *self._known)
        for service in _services(self._services, "sport"):
            yield *here, service

    def _errors(self, services: Mapping[str, tuple[int, ...]], known: Iterable[str]) -> Iterator[Rule]:
        """ICMP errors about packets of services: untracked, so nothing but the packet that they cite tells them."""
        for address in known:
            for protocol, ports in services.items():
                # behind ICMP's 8 bytes: the protocol, our address and, of a header without options, our port
                cited = transport_bits(136, 8, _NUMBERS[protocol]), transport_bits(160, 32, address_number(address))
                here = meta("iifname", self._outer), field("ip", "daddr", address), field("icmp", "type", *_ERRORS)
                if not ports:
                    yield *here, *cited
                for port in ports:
                    yield *here, *cited, transport_bits(224, 16, port)


def _services(services: Mapping[str, tuple[int, ...]], side: str) -> Iterator[Expression]:
    """Matches packets of protocols by the ports of one side, where they have any."""
    for protocol, ports in services.items():
        yield field(protocol, side, *ports) if ports else field("ip", "protocol", protocol)


def _links(tunnels: Iterable[TunnelSpec]) -> list[str]:
    return [tunnel.link for tunnel in tunnels]


def _selected(tunnels: Sequence[TunnelSpec], way: str, ours: str, theirs: str) -> Rule:
    """Matches packets of any tunnel's selectors; ``way`` says which link of a packet is the tunnel's.

    ``ours`` and ``theirs`` are the fields with the two sides' addresses.
    """
    local = [(tunnel.link, one) for tunnel in tunnels for one in _networks(tunnel.local_subnets)]
    remote = [(tunnel.link, one) for tunnel in tunnels for one in _networks(tunnel.remote_subnets)]
    return tuple(
        of_link_within(way, [link for link, _ in side], "ip", name, [one for _, one in side])
        for name, side in ((ours, local), (theirs, remote))
    )


def _distinct(cidrs: Iterable[str]) -> list[Expression]:
    """Networks without those that are in another: nftables takes no set with such."""
    return list(_networks(tuple(cidrs)))


@functools.lru_cache(maxsize=4096)
def _networks(cidrs: tuple[str, ...]) -> tuple[Expression, ...]:
    """The same. Remembered: each apply asks it anew of every tunnel."""
    return tuple(network(str(one)) for one in ipaddress.collapse_addresses(map(ipaddress.IPv4Network, cidrs)))
