"""Gateways of two accounts with the same networks, side by side: each works, and neither gets at what is the other's.

The one that tries is taken over: whoever does sends frames as they please from inside its namespace, and has taken
away the filter there.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterator

import msgspec
import pytest

from gatewright.plane.linux import LinuxPlane, netns
from gatewright.resources.specs import InstanceSpec
from tests.plane.linux.customer import tunnel
from tests.plane.linux.lab import Lab, instance, play, run, vswitch
from tests.plane.linux.packets import (
    ARP,
    BROADCAST,
    ESP,
    ICMP,
    IPV4,
    IPV6,
    TCP,
    UDP,
    Ear,
    Place,
    arp,
    frame,
    icmp,
    ip,
    ipv6,
    marker,
    place,
    send,
    tcp,
    udp,
)
from tests.plane.linux.places import drop_filter, drop_guard

#: Both have 10.9.1.0/24, with the gateway and a machine at the same addresses.
GATEWAY, MACHINE = "10.9.1.1", "10.9.1.50"
MINE, THEIRS = "198.51.100.1", "198.51.100.2"
SPARE = "198.51.100.99"


def mine() -> InstanceSpec:
    return instance(1, public=(MINE,))


def theirs() -> InstanceSpec:
    twin = instance(2, vswitch=1, address=GATEWAY, public=(THEIRS,))
    private = msgspec.structs.replace(twin.private, vswitch_id="vsw-2")
    return msgspec.structs.replace(twin, account_id="6543210987654321", private=private)


def their_peer_is_mine() -> InstanceSpec:
    """As a customer's device: their charon hears it."""
    return msgspec.structs.replace(theirs(), tunnels=(tunnel(1, MINE, gateway=THEIRS, initiate=False),))


async def build(plane: LinuxPlane, other: InstanceSpec | None = None) -> None:
    await asyncio.gather(
        plane.apply(vswitch(1)),
        plane.apply(msgspec.structs.replace(vswitch(2), vpc_id="vpc-2", cidr_block="10.9.1.0/24")),
    )
    await asyncio.gather(plane.apply(mine()), plane.apply(other or theirs()))


@contextlib.contextmanager
def machines(lab: Lab) -> Iterator[tuple[Place, Place]]:
    """One in each vSwitch, at the same address."""
    with (
        place(lab, "mine", lab.names.vswitch("vsw-1").name, f"{MACHINE}/24", GATEWAY) as one,
        place(lab, "theirs", lab.names.vswitch("vsw-2").name, f"{MACHINE}/24", GATEWAY) as other,
    ):
        yield one, other


def neighbour_mac(of: Place, address: str) -> str:
    return of.run("ip", "neighbour", "show", address).split()[4]


def test_overlapping_networks_work_side_by_side(lab: Lab) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        await build(plane)
        with machines(lab) as both:
            for machine, spec in zip(both, (mine(), theirs()), strict=True):
                machine.run("ping", "-c", "1", "-W", "2", GATEWAY)
                assert neighbour_mac(machine, GATEWAY) == lab.names.lan(spec.id).inner_mac
                lab.inside(spec, "ping", "-c", "1", "-W", "2", MACHINE)

    play(lab, scenario)


def test_a_charon_answers_the_ike_of_its_peer_and_nothing_else(lab: Lab) -> None:
    def answer(port: int) -> bytes:
        """To a request of IKE in a version that nobody speaks: charon says so."""
        with netns.entered(lab.namespace(mine())):
            asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with asker:
            asker.settimeout(2 if port == 500 else 0.3)
            asker.bind((MINE, 1500))
            asker.connect((THEIRS, port))
            asker.send(struct.pack(">QQBBBBII", 7, 0, 33, 0x30, 34, 8, 0, 28))
            return asker.recv(999)

    async def scenario(plane: LinuxPlane) -> None:
        await build(plane)
        with pytest.raises(TimeoutError):
            answer(4500)
        await plane.apply(their_peer_is_mine())
        assert answer(500)[:8] == struct.pack(">Q", 7)
        with netns.entered(lab.namespace(theirs())):
            echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with echo:
            echo.bind((THEIRS, 700))
            with pytest.raises(TimeoutError):
                answer(700)
            drop_filter(lab, theirs())
            with pytest.raises(TimeoutError):
                answer(700)
            assert echo.recv(999)[:8] == struct.pack(">Q", 7)

    play(lab, scenario)


def test_a_gateway_reaches_nothing_of_another(lab: Lab) -> None:
    """With its own addresses, which its guard lets pass: the other's filter stands in the way."""
    sent = {
        "ike": ip(MINE, THEIRS, UDP, udp(500, 500, marker("ike"))),
        "esp": ip(MINE, THEIRS, ESP, marker("esp") + bytes(16)),
        "daemon": ip(MINE, THEIRS, UDP, udp(500, 9999, marker("daemon"))),
        "tcp": ip(MINE, THEIRS, TCP, tcp(500, 22, 2, marker("tcp"))),
        "private address": ip(MINE, GATEWAY, UDP, udp(500, 500, marker("private address"))),
        "machine": ip(MINE, MACHINE, UDP, udp(500, 500, marker("machine"))),
        "ping of machine": ip(MINE, MACHINE, ICMP, icmp(8, 0, marker("ping of machine"))),
        "last": ip(MINE, THEIRS, UDP, udp(4500, 4500, marker("last"))),
    }

    async def scenario(plane: LinuxPlane) -> None:
        await build(plane, their_peer_is_mine())
        own, other = lab.names.wan("vpn-1").inner_mac, lab.names.wan("vpn-2").inner_mac
        drop_filter(lab, mine())
        with machines(lab) as (_, machine):
            lab.inside(theirs(), "ping", "-c", "1", "-W", "2", MACHINE)

            def gets_to(namespace: str) -> tuple[set[str], set[str], set[str]]:
                """What comes to the namespace, where the last one does, to the gateway, and to the machine."""
                protocols, ended = (UDP, TCP, ESP, ICMP), sent | {"end": b""}
                with (
                    Ear(namespace, *protocols) as ear,
                    Ear(lab.namespace(theirs()), *protocols) as gateway,
                    Ear(machine.namespace, UDP, ICMP) as there,
                ):
                    send(lab.namespace(mine()), "wan", *(frame(own, other, IPV4, one) for one in sent.values()))
                    heard = ear.heard(sent, "last")
                    machine.run("ping", "-c", "1", "-W", "2", "-p", marker("end").hex(), GATEWAY)
                    return heard, gateway.heard(ended, "end") - {"end"}, there.heard(ended, "end") - {"end"}

            charon = lab.tunnel_namespace(their_peer_is_mine())
            assert gets_to(charon) == ({"ike", "esp", "last"}, set(), set())
            drop_filter(lab, theirs())
            drop_guard(lab, theirs())
            inside = {"machine", "ping of machine"}
            assert gets_to(lab.namespace(theirs())) == (set(sent) - inside, set(sent) - inside, inside)

    play(lab, scenario)


def test_a_taken_over_gateway_speaks_as_nobody_else_on_the_uplink(lab: Lab) -> None:
    names = lab.names
    own, other = names.wan("vpn-1").inner_mac, names.wan("vpn-2").inner_mac

    def said(source: str, to: str, name: str, source_mac: str = own) -> bytes:
        return frame(source_mac, to, IPV4, ip(source, THEIRS, UDP, udp(500, 500, marker(name))))

    def asked(sender_mac: str, sender: str, name: str, source_mac: str = own, operation: int = 1) -> bytes:
        payload = arp(sender_mac, sender, THEIRS, operation=operation, trailer=marker(name))
        return frame(source_mac, BROADCAST, ARP, payload)

    sent = {
        "address of another": said(SPARE, other, "address of another"),
        "address of its own": said(THEIRS, other, "address of its own"),
        "private address": said(GATEWAY, other, "private address"),
        "made up mac": said(MINE, other, "made up mac", "02:00:00:00:00:66"),
        "arp for another's address": asked(own, THEIRS, "arp for another's address"),
        "arp answer for another's address": asked(own, SPARE, "arp answer for another's address", operation=2),
        "arp with another's mac": asked(other, MINE, "arp with another's mac"),
        "arp probe": asked(own, "0.0.0.0", "arp probe"),  # noqa: S104 - nothing is bound to it
        "ipv6": frame(own, other, IPV6, ipv6(udp(500, 500, marker("ipv6")))),
        "to everybody": said(MINE, BROADCAST, "to everybody"),
        "another protocol": frame(own, other, 0x88CC, marker("another protocol")),
        "packet": said(MINE, other, "packet"),
        # these make the bridge believe that the other is here: what is for it comes to nobody else then
        "mac of another": said(MINE, "02:00:00:00:00:77", "mac of another", other),
        "arp from another's mac": asked(own, MINE, "arp from another's mac", other),
        "arp": asked(own, MINE, "arp"),
    }

    async def scenario(plane: LinuxPlane) -> None:
        await build(plane)
        drop_filter(lab, mine())

        def arrives() -> set[str]:
            with Ear(lab.namespace(theirs()), link="wan") as ear:
                send(lab.namespace(mine()), "wan", *sent.values())
                return ear.heard(sent, "arp")

        assert arrives() == {"arp", "packet"}
        drop_guard(lab, mine())
        assert arrives() == set(sent)

    play(lab, scenario)


def test_a_taken_over_gateway_speaks_as_no_other_machine_of_its_vswitch(lab: Lab) -> None:
    own = lab.names.lan("vpn-1").inner_mac

    async def scenario(plane: LinuxPlane) -> None:
        await build(plane)
        drop_filter(lab, mine())
        with machines(lab) as (machine, stranger):

            def said(source: str, name: str, source_mac: str = own) -> bytes:
                return frame(source_mac, machine.mac, IPV4, ip(source, MACHINE, UDP, udp(9, 9, marker(name))))

            def asked(sender_mac: str, sender: str, name: str, source_mac: str = own) -> bytes:
                return frame(source_mac, BROADCAST, ARP, arp(sender_mac, sender, MACHINE, trailer=marker(name)))

            sent = {
                "neighbour": said("10.9.1.77", "neighbour"),
                "mac of a machine": said(GATEWAY, "mac of a machine", "02:00:00:00:00:66"),
                "arp for the router": asked(own, "10.9.1.253", "arp for the router"),
                "arp with another mac": asked("02:00:00:00:00:66", GATEWAY, "arp with another mac"),
                "ipv6": frame(own, machine.mac, IPV6, ipv6(udp(9, 9, marker("ipv6")))),
                "arp": asked(own, GATEWAY, "arp"),
                "decrypted": said("172.16.0.9", "decrypted"),
                "packet": said(GATEWAY, "packet"),
            }

            def arrives() -> set[str]:
                with Ear(machine.namespace, link="eth") as ear, Ear(stranger.namespace, link="eth") as elsewhere:
                    send(lab.namespace(mine()), "lan", *sent.values())
                    found = ear.heard(sent, "packet")
                    lab.inside(theirs(), "ping", "-c", "1", "-W", "2", "-p", marker("end").hex(), MACHINE)
                    assert elsewhere.heard(sent | {"end": b""}, "end") == {"end"}
                    return found

            assert arrives() == {"arp", "decrypted", "packet"}
            drop_guard(lab, mine())
            assert arrives() == set(sent)

    play(lab, scenario)


def test_a_taken_over_gateway_does_not_reach_the_host(lab: Lab) -> None:
    """Whose bridges have no address, but which has some elsewhere."""
    link = f"gwt{lab.installation}"
    address = "192.0.2.77"

    async def scenario(plane: LinuxPlane) -> None:
        await build(plane)
        drop_filter(lab, mine())
        run("ip", "link", "add", link, "type", "bridge")
        try:
            run("ip", "address", "add", f"{address}/32", "dev", link)
            run("ip", "link", "set", link, "up")
            legs = {"wan": (MINE, lab.names.uplink.mac), "lan": (GATEWAY, lab.names.vswitch("vsw-1").mac)}
            sent = {}
            for leg, (source, bridge) in legs.items():
                own = (lab.names.wan if leg == "wan" else lab.names.lan)("vpn-1").inner_mac
                for way, mac in (("to the bridge", bridge), ("to everybody", BROADCAST)):
                    name = f"{leg} {way}"
                    sent[name] = frame(own, mac, IPV4, ip(source, address, UDP, udp(9, 9999, marker(name))))

            def arrives() -> set[str]:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as local, Ear("", UDP) as ear:
                    for name, one in sent.items():
                        send(lab.namespace(mine()), name.split()[0], one)
                    local.sendto(marker("control"), (address, 9999))
                    return ear.heard(sent | {"control": b""}, "control") - {"control"}

            assert arrives() == set()
            for chain in ("vswitch-vsw-1", "uplink-bridge"):
                run("nft", "delete", "chain", "netdev", lab.names.guards, chain)
            assert arrives() == set(), "the guard of the legs is enough"
            drop_guard(lab, mine())
            assert arrives() == set(sent)
        finally:
            run("ip", "link", "delete", link)

    play(lab, scenario)


def test_a_taken_over_gateway_borrows_no_address_behind_a_tag(lab: Lab) -> None:
    """Of a VLAN: a machine in the vSwitch may have a link for it."""
    sent = {kind: ip("172.20.1.1", MACHINE, UDP, udp(5, 53, marker(kind))) for kind in ("8100", "88a8")}
    plain = {"plain": ip(GATEWAY, MACHINE, UDP, udp(5, 53, marker("plain")))}

    async def scenario(plane: LinuxPlane) -> None:
        await build(plane)
        drop_filter(lab, mine())
        own = lab.names.lan("vpn-1").inner_mac
        with machines(lab) as (machine, _):

            def arrives() -> set[str]:
                tagged = [
                    frame(own, machine.mac, int(kind, 16), struct.pack(">HH", 10, IPV4) + one)
                    for kind, one in sent.items()
                ]
                with Ear(machine.namespace, link="eth") as ear:
                    send(lab.namespace(mine()), "lan", *tagged, frame(own, machine.mac, IPV4, plain["plain"]))
                    return ear.heard(sent | plain, "plain") - {"plain"}

            assert arrives() == set()
            drop_guard(lab, mine())
            assert arrives() == set(sent)

    play(lab, scenario)
