"""What gets into an instance: rules as values, and real packets."""

from __future__ import annotations

import contextlib
import json
import socket
from typing import Any

import pytest

from gatewright.plane.linux import LinuxPlane, filters, netns, nft, vpn_routing
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnels import BgpSpec, HealthSpec
from tests.plane.linux import tunnel_watch
from tests.plane.linux.customer import tunnel
from tests.plane.linux.lab import Lab, instance, play, vswitch
from tests.plane.linux.packets import (
    AH,
    ARP,
    BROADCAST,
    ESP,
    GRE,
    ICMP,
    IPV4,
    TCP,
    UDP,
    Ear,
    Place,
    arp,
    frame,
    icmp,
    ip,
    marker,
    place,
    tcp,
    udp,
)
from tests.plane.linux.places import (
    INSIDE,
    OUTSIDE,
    PRIVATE,
    PUBLIC,
    drop_filter,
    framed,
    neighbours,
    packets,
)
from tests.plane.linux.sites import gateway
from tests.plane.linux.tunnel_watch import Heard


def rules(spec: InstanceSpec, **options: Any) -> str:
    return filters.table(spec, **options).document(replacing=True).decode()


def test_a_table_is_replaced_in_one_transaction_and_drops_what_no_rule_names() -> None:
    commands = json.loads(rules(instance()))["nftables"]
    table = {"table": {"family": "inet", "name": "gatewright"}}
    assert commands[:3] == [{"add": table}, {"delete": table}, {"create": table}]
    chains = [one["add"]["chain"] for one in commands[3:] if "chain" in one["add"]]
    assert [(one["hook"], one["policy"]) for one in chains] == [
        ("prerouting", "drop"),
        ("input", "drop"),
        ("forward", "drop"),
        ("output", "drop"),
    ]


def test_the_same_spec_gives_the_same_rules() -> None:
    assert filters.table(instance()).digest() == filters.table(instance(generation=2, bandwidth=200)).digest()
    others = {
        filters.table(one, steered=one.tunnels).digest()
        for one in (
            instance(),
            gateway(tunnel(1)),
            gateway(tunnel(2)),
            gateway(tunnel(1, "198.51.100.51")),
            instance(public=None),
            instance(public=("198.51.100.2",)),
            instance(address="10.9.1.7"),
            instance(vswitch=2),
        )
    }
    others.add(filters.table(instance(), "02:00:00:00:00:01").digest())
    others.add(filters.table(instance(), ssl_ports=(("udp", 1194),)).digest())
    assert len(others) == 10


def crowd(count: int) -> InstanceSpec:
    """A gateway with so many tunnels of each kind: by routes with BGP, and by selectors that overlap with others'."""
    tunnels = []
    for number in range(1, 2 * count + 1, 2):
        base = f"169.254.{number // 64}.{number % 64 * 4}"
        ends = [base.rpartition(".")[0] + f".{number % 64 * 4 + more}" for more in (1, 2)]
        bgp = BgpSpec(
            local_asn=45104, peer_asn=65001, network=f"{base}/30", local_address=ends[0], peer_address=ends[1]
        )
        tunnels.append(tunnel(number, f"203.0.113.{number}", bgp=bgp))
        checked = HealthSpec(source="10.9.1.1", destination="192.168.0.1", interval=2.0, retry=3)
        local, remote = ("10.9.0.0/16", "10.9.1.0/24"), (f"172.16.{number}.0/24", "192.168.0.0/16")
        tunnels.append(tunnel(number + 1, f"198.18.0.{number + 1}", local=local, remote=remote, health=checked))
    return gateway(*tunnels)


def test_a_packet_passes_the_same_rules_however_many_tunnels_there_are() -> None:
    specs = crowd(1), crowd(50)
    few, many = (filters.table(spec, steered=spec.tunnels) for spec in specs)
    assert [len(chain.rules) for chain in few.chains] == [len(chain.rules) for chain in many.chains]
    # and of those that choose a table of routes
    assert len({len(vpn_routing.plan(spec).rules) for spec in specs}) == 1
    with netns.temporary():
        nft.put(many, replacing=False)


def test_only_ordered_services_are_in_the_rules() -> None:
    assert '"wan"' not in rules(instance(public=None))
    both = rules(instance(), ssl_ports=(("udp", 1194), ("tcp", 443)))
    for protocol, port in (("udp", 1194), ("tcp", 443)):
        found = f'"protocol":"{protocol}","field":"dport"}}}},"right":{port}'
        assert found in both
        assert found not in rules(instance())


SERVICES = {"udp 500", "udp 4500", "esp"}


def test_from_outside_come_pings_and_of_a_peer_ike_and_esp_and_nothing_else(lab: Lab) -> None:
    spec = gateway(tunnel(7, OUTSIDE, initiate=False))
    sent = packets(OUTSIDE, PUBLIC)
    for name, source, destination in (
        ("to the private address", OUTSIDE, PRIVATE),
        ("to everybody", OUTSIDE, "198.51.100.255"),
        ("from the vSwitch", "10.9.1.9", PUBLIC),
    ):
        sent[name] = ip(source, destination, UDP, udp(500, 500, marker(name)))
    pieces = udp(500, 500, bytes(1992) + marker("in fragments"))
    sent["in fragments"] = ip(OUTSIDE, PUBLIC, UDP, pieces[:1480], fragment=0x2000)
    rest = ip(OUTSIDE, PUBLIC, UDP, pieces[1480:], fragment=1480 // 8)

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        mac = lab.names.wan(spec.id).inner_mac
        with neighbours(lab) as (outside, _):

            def heard(namespace: str, control: str) -> set[str]:
                with Ear(namespace, UDP, TCP, ESP, AH, GRE, ICMP) as ear:
                    outside.send(*framed(sent, outside.mac, mac), frame(outside.mac, mac, IPV4, rest))
                    outside.send(*framed({control: sent[control]}, outside.mac, mac))
                    return ear.heard(sent, control)

            assert heard(lab.names.tunnel_namespace(spec.id, 7), "udp 4500") == {*SERVICES, "in fragments"}
            assert heard(lab.namespace(spec), "echo request") == {"echo request"}
            drop_filter(lab, spec)
            assert heard(lab.namespace(spec), "udp 4500") == set(sent)

    play(lab, scenario)


def test_from_the_vswitch_the_gateway_is_reached_and_its_daemons_are_not(lab: Lab) -> None:
    spec = instance()
    sent = packets(INSIDE, PRIVATE)
    sent["to the public address"] = ip(INSIDE, PUBLIC, UDP, udp(500, 500, marker("to the public address")))
    sent["ping to the public address"] = ip(INSIDE, PUBLIC, ICMP, icmp(8, 0, marker("ping to the public address")))
    sent["from elsewhere"] = ip("10.77.0.1", PRIVATE, ICMP, icmp(8, 0, marker("from elsewhere")))

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        mac = lab.names.lan(spec.id).inner_mac
        with neighbours(lab) as (_, inside):
            inside.run("ping", "-c", "1", "-W", "2", PRIVATE)

            def heard() -> set[str]:
                with Ear(lab.namespace(spec), UDP, TCP, ESP, AH, GRE, ICMP) as ear:
                    # pings that are let in come last
                    inside.send(*framed(dict(reversed(sent.items())), inside.mac, mac))
                    inside.send(*framed({"echo request": sent["echo request"]}, inside.mac, mac))
                    return ear.heard(sent, "echo request")

            assert heard() == {"echo request"}
            drop_filter(lab, spec)
            assert heard() == set(sent)

    play(lab, scenario)


def test_a_private_gateway_takes_ike_of_a_peer_in_its_vpc(lab: Lab) -> None:
    spec = gateway(tunnel(7, INSIDE, gateway=PRIVATE, initiate=False), public=None)
    sent = packets(INSIDE, PRIVATE)

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        bridge = lab.names.vswitch("vsw-1").name
        with (
            place(lab, "inside", bridge, f"{INSIDE}/24") as inside,
            Ear(lab.namespace(spec), UDP, TCP, ESP, AH, GRE, ICMP) as ear,
            Ear(lab.names.tunnel_namespace(spec.id, 7), UDP, TCP, ESP, AH, GRE, ICMP) as behind,
        ):
            inside.send(*framed(sent, inside.mac, lab.names.lan(spec.id).inner_mac))
            assert ear.heard(sent, "echo request") == {"echo request"}
            assert behind.heard(sent, "esp") == SERVICES

    play(lab, scenario)


#: Counts what is tracked, and what a rule has said is not to be.
COUNTERS = """
table inet counts {
    chain arrivals {
        type filter hook prerouting priority mangle
        ct state new counter
        ct state untracked counter
    }
}
"""


@pytest.mark.parametrize(
    "spec",
    [instance(ipsec=False), instance(), gateway(tunnel(7, "203.0.113.9", initiate=False))],
    ids=["without ipsec", "without a tunnel", "with another's tunnel"],
)
def test_ike_and_esp_of_strangers_do_not_come_in_and_are_not_tracked(lab: Lab, spec: InstanceSpec) -> None:
    sent = packets(OUTSIDE, PUBLIC)

    def counts() -> list[int]:
        told = json.loads(lab.inside(spec, "nft", "-j", "list", "table", "inet", "counts"))["nftables"]
        every = [part for one in told if "rule" in one for part in one["rule"]["expr"]]
        return [part["counter"]["packets"] for part in every if "counter" in part]

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        lab.inside(spec, "nft", COUNTERS)
        mac = lab.names.wan(spec.id).inner_mac
        with neighbours(lab) as (outside, _), Ear(lab.namespace(spec), UDP, TCP, ESP, AH, GRE, ICMP) as ear:
            before = counts()
            services = {name: sent[name] for name in sorted(SERVICES)}
            outside.send(*framed(services | {"echo request": sent["echo request"]}, outside.mac, mac))
            assert ear.heard(sent, "echo request") == {"echo request"}
            assert counts() == [before[0], before[1] + 1]
            outside.send(*framed(sent, outside.mac, mac))
            assert ear.heard(sent, "echo request") == {"echo request"}
            assert counts()[0] > before[0], "what is of no service is dropped behind that"

    play(lab, scenario)


def test_an_ssl_servers_port_is_open_and_no_other(lab: Lab) -> None:
    spec = instance(ipsec=False)
    sent = packets(OUTSIDE, PUBLIC)

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        with netns.entered(lab.namespace(spec)):
            nft.put(filters.table(spec, ssl_ports=(("udp", 1194), ("tcp", 443))), replacing=True)
        with neighbours(lab) as (outside, _), Ear(lab.namespace(spec), UDP, TCP, ESP, AH, GRE, ICMP) as ear:
            outside.send(*framed(sent, outside.mac, lab.names.wan(spec.id).inner_mac))
            assert ear.heard(sent, "echo request") == {"echo request", "udp 1194", "tcp 443"}

    play(lab, scenario)


def test_answers_come_in(lab: Lab) -> None:
    """To what the instance asks, also where it is told that nobody answers."""

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(instance())
        with neighbours(lab) as (outside, _), contextlib.ExitStack() as stack:
            with netns.entered(lab.namespace(instance())):
                asker = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            with netns.entered(outside.namespace):
                asked, other = (stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in "12")
            for one in (asker, asked):
                one.settimeout(5)
            asked.bind((OUTSIDE, 53))
            asker.bind((PUBLIC, 5353))
            asker.sendto(b"question", (OUTSIDE, 53))
            assert asked.recvfrom(99) == (b"question", (PUBLIC, 5353))
            other.sendto(b"uninvited", (PUBLIC, 5353))
            asked.sendto(b"answer", (PUBLIC, 5353))
            assert asker.recv(99) == b"answer"
            asker.connect((OUTSIDE, 54))
            asker.send(b"question")
            with pytest.raises(ConnectionRefusedError):
                asker.recv(99)

    play(lab, scenario)


def test_pings_from_outside_are_answered_at_a_rate(lab: Lab) -> None:
    def answers(of: Place, address: str) -> int:
        said = of.run("ping", "-q", "-f", "-c", "400", "-w", "3", address, check=False)
        return int(said.split(" received")[0].split()[-1])

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(instance())
        with neighbours(lab) as (outside, inside):
            assert answers(inside, PRIVATE) == 400
            few = answers(outside, PUBLIC)
            assert filters.PING_BURST <= few <= filters.PING_BURST + 3.5 * filters.PING_RATE

    play(lab, scenario)


def error(name: str, cited: bytes, kind: int = 3, code: int = 4) -> bytes:
    """One that somebody outside tells; people may look for the name behind the 8 bytes that are cited at least."""
    return ip(OUTSIDE, PUBLIC, ICMP, icmp(kind, code, cited + marker(name), 1400))


def test_errors_about_what_a_tunnels_charon_sent_reach_it(lab: Lab) -> None:
    """Else it goes on sending what is too large for somebody on the way."""
    peer = "203.0.113.9"
    spec = gateway(tunnel(7, peer, initiate=False))
    sent = {
        "about ike": error("about ike", ip(PUBLIC, peer, UDP, udp(500, 500, b""))),
        "about esp": error("about esp", ip(PUBLIC, peer, ESP, bytes(8))),
        "about esp in udp": error("about esp in udp", ip(PUBLIC, peer, UDP, udp(4500, 31337, b""))),
        "that it went round": error("that it went round", ip(PUBLIC, peer, UDP, udp(4500, 31337, b"")), 11, 0),
        "about another": error("about another", ip(PUBLIC, OUTSIDE, ESP, bytes(8))),
        "of another": error("of another", ip("198.51.100.9", peer, ESP, bytes(8))),
        "of no service": error("of no service", ip(PUBLIC, peer, UDP, udp(99, 500, b""))),
        "of tcp": error("of tcp", ip(PUBLIC, peer, TCP, tcp(500, 500, 16, b""))),
        "no error": error("no error", ip(PUBLIC, peer, UDP, udp(500, 500, b"")), 5, 1),
    }

    async def scenario(plane: LinuxPlane, _told: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        mac = lab.names.wan(spec.id).inner_mac
        with neighbours(lab) as (outside, _):

            def heard(namespace: str) -> set[str]:
                with Ear(namespace, ICMP) as ear:
                    outside.send(*framed(sent, outside.mac, mac))
                    outside.send(*framed({"about ike": sent["about ike"]}, outside.mac, mac))
                    return ear.heard(sent, "about ike")

            wanted = {"about ike", "about esp", "about esp in udp", "that it went round"}
            assert heard(lab.names.tunnel_namespace(spec.id, 7)) == wanted
            drop_filter(lab, spec)
            assert heard(lab.namespace(spec)) == set(sent)

    tunnel_watch.play(lab, scenario)


def test_errors_about_what_an_ssl_server_sent_come_in(lab: Lab) -> None:
    spec = instance()
    sent = {
        "about udp": error("about udp", ip(PUBLIC, OUTSIDE, UDP, udp(1194, 500, b""))),
        "that it went round": error("that it went round", ip(PUBLIC, "203.0.113.9", UDP, udp(1194, 9, b"")), 11, 0),
        "of another": error("of another", ip("198.51.100.9", OUTSIDE, UDP, udp(1194, 500, b""))),
        "of no service": error("of no service", ip(PUBLIC, OUTSIDE, UDP, udp(99, 1194, b""))),
        "of ike": error("of ike", ip(PUBLIC, OUTSIDE, UDP, udp(500, 500, b""))),
        "of tcp": error("of tcp", ip(PUBLIC, OUTSIDE, TCP, tcp(1194, 500, 16, b""))),
        "no error": error("no error", ip(PUBLIC, OUTSIDE, UDP, udp(1194, 500, b"")), 5, 1),
    }

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        with netns.entered(lab.namespace(spec)):
            nft.put(filters.table(spec, ssl_ports=(("udp", 1194), ("tcp", 443))), replacing=True)
        mac = lab.names.wan(spec.id).inner_mac
        with neighbours(lab) as (outside, _):

            def heard() -> set[str]:
                with Ear(lab.namespace(spec), ICMP) as ear:
                    outside.send(*framed(sent, outside.mac, mac))
                    outside.send(*framed({"about udp": sent["about udp"]}, outside.mac, mac))
                    return ear.heard(sent, "about udp")

            assert heard() == {"about udp", "that it went round"}
            drop_filter(lab, spec)
            assert heard() == set(sent)

    play(lab, scenario)


def test_addresses_are_told_on_their_own_link_only(lab: Lab) -> None:
    spec = instance()

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        assert lab.sysctl(spec, "ip_forward") == "1"
        for link in ("lan", "wan"):
            for name in ("rp_filter", "accept_redirects", "send_redirects", "accept_source_route", "proxy_arp"):
                assert lab.sysctl(spec, f"conf/{link}/{name}") == "0", name
        with neighbours(lab) as (outside, inside):
            for there, own, other in ((outside, PUBLIC, PRIVATE), (inside, PRIVATE, PUBLIC)):
                with Ear(there.namespace, link="eth") as ear:
                    for target in (other, own):
                        there.send(frame(there.mac, BROADCAST, ARP, arp(there.mac, there.address, target)))
                    answers = ear.arp_answers(until=own)
                    assert answers == {own}

    play(lab, scenario)
