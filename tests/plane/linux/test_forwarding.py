"""What an instance carries between its legs and tunnels, and what leaves it: with real packets."""

from __future__ import annotations

import contextlib
import json
import socket

from gatewright.plane.linux import LinuxPlane, filters, netns, nft
from tests.plane.linux.lab import Lab, instance, play, vswitch
from tests.plane.linux.packets import (
    IPV4,
    TCP,
    UDP,
    Ear,
    Place,
    frame,
    ip,
    marker,
    tcp,
    udp,
)
from tests.plane.linux.places import (
    INSIDE,
    OUTSIDE,
    PRIVATE,
    PUBLIC,
    drop_filter,
    drop_guard,
    neighbours,
    tunnel,
)


def test_only_between_the_vswitch_and_tunnels_is_forwarded(lab: Lab) -> None:
    spec = instance()

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        with (
            neighbours(lab) as (outside, inside),
            tunnel(lab, spec, "ssl1", "172.16.0.0/24") as customer,
            tunnel(lab, spec, "ssl0", "172.17.0.0/24") as client,
            tunnel(lab, spec, "other0", "172.18.0.0/24") as other,
        ):
            outside.run("ip", "route", "add", "default", "via", PUBLIC)
            everybody = {"outside": outside, "inside": inside, "customer": customer, "client": client, "other": other}
            for friend in (customer, client):
                inside.run("ping", "-c", "1", "-W", "2", friend.address)
                friend.run("ping", "-c", "1", "-W", "2", INSIDE)
            may = {f"{one} to inside" for one in ("customer", "client")} | {"inside to customer", "inside to client"}

            def gets_through() -> set[str]:
                """UDP from everybody to everybody, and what a stateful filter would take for a stranger's."""
                through = set()
                for name, receiver in everybody.items():
                    senders = {other: one for other, one in everybody.items() if one is not receiver}
                    control = f"{'customer' if name == 'inside' else 'inside'} to {name}"
                    sent = {f"{other} to {name}": b"" for other in senders}
                    with Ear(receiver.namespace, UDP, TCP) as ear:
                        for other, sender in senders.items():
                            with netns.entered(sender.namespace):
                                sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                            with sock:
                                sock.sendto(marker(f"{other} to {name}"), (receiver.address, 7777))
                        if control in may or not standing:
                            through |= ear.heard(sent, control)
                        else:
                            through |= heard_before_a_direct_one(ear, sent, receiver)
                return through

            def heard_before_a_direct_one(ear: Ear, sent: dict[str, bytes], receiver: Place) -> set[str]:
                with netns.entered(receiver.namespace):
                    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                with sock:
                    sock.sendto(marker("own"), (receiver.address, 7777))
                return ear.heard(sent | {"own": b""}, "own") - {"own"}

            for receiver in everybody.values():
                receiver.run("ip", "link", "set", "lo", "up")
            standing = True
            assert gets_through() == may
            standing = False
            drop_filter(lab, spec)
            drop_guard(lab, spec)
            assert gets_through() >= may | {"outside to inside", "inside to outside", "customer to outside"}

    play(lab, scenario)


def test_what_came_by_the_other_tunnel_is_carried_on(lab: Lab) -> None:
    """A connection of which this instance has seen nothing, or only one half."""
    spec = instance()

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        with neighbours(lab) as (_, inside), tunnel(lab, spec, "ssl0", "172.16.0.0/24") as customer:
            inside.run("ping", "-c", "1", "-W", "2", customer.address)
            gateway = json.loads(lab.ip(spec, "-j", "link", "show", "ssl0"))[0]["address"]
            sent = {
                "syn ack": tcp(80, 4000, 18, marker("syn ack")),
                "data": tcp(80, 4000, 24, marker("data")),
                "reset": tcp(80, 4001, 4, marker("reset")),
            }
            with Ear(inside.namespace, link="eth") as ear:
                for segment in sent.values():
                    packet = ip(customer.address, INSIDE, TCP, segment)
                    customer.send(frame(customer.mac, gateway, IPV4, packet))
                assert ear.heard(sent, "reset") == set(sent)

    play(lab, scenario)


def test_only_the_router_brings_what_is_of_other_networks(lab: Lab) -> None:
    spec = instance()
    router_mac = "02:00:00:00:99:01"

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        mac = lab.names.lan(spec.id).inner_mac
        with neighbours(lab) as (_, inside), tunnel(lab, spec, "ssl0", "172.16.0.0/24") as customer:
            inside.run("ping", "-c", "1", "-W", "2", customer.address)

            def heard() -> set[str]:
                sent = {}
                for who, hardware in (("router", router_mac), ("machine", inside.mac)):
                    for source in ("10.77.0.1", "10.9.1.60", PRIVATE, PUBLIC):
                        sent[f"{who} as {source}"] = frame(
                            hardware,
                            mac,
                            IPV4,
                            ip(source, customer.address, UDP, udp(9, 9, marker(f"{who} as {source}"))),
                        )
                with Ear(customer.namespace, link="eth") as ear:
                    inside.send(*sent.values())
                    inside.send(sent["machine as 10.9.1.60"])
                    return ear.heard(sent, "machine as 10.9.1.60")

            assert heard() == {"router as 10.9.1.60", "machine as 10.9.1.60"}
            with netns.entered(lab.namespace(spec)):
                nft.put(filters.table(spec, router_mac), replacing=True)
            assert heard() == {"router as 10.77.0.1", "router as 10.9.1.60", "machine as 10.9.1.60"}

    play(lab, scenario)


def test_a_tunnel_brings_nobody_of_the_vswitch(lab: Lab) -> None:
    spec = instance()

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        with neighbours(lab) as (_, inside), tunnel(lab, spec, "ssl0", "172.16.0.0/24") as customer:
            inside.run("ping", "-c", "1", "-W", "2", customer.address)
            gateway = json.loads(lab.ip(spec, "-j", "link", "show", "ssl0"))[0]["address"]
            sent = {
                source: frame(customer.mac, gateway, IPV4, ip(source, INSIDE, UDP, udp(9, 9, marker(source))))
                for source in ("10.9.1.60", "203.0.113.7")
            }
            with Ear(inside.namespace, link="eth") as ear:
                customer.send(*sent.values())
                assert ear.heard(sent, "203.0.113.7") == {"203.0.113.7"}
            drop_filter(lab, spec)
            drop_guard(lab, spec)
            with Ear(inside.namespace, link="eth") as ear:
                customer.send(*sent.values())
                assert ear.heard(sent, "203.0.113.7") == set(sent)

    play(lab, scenario)


def test_nothing_leaves_under_another_address(lab: Lab) -> None:
    """The instance's own filter; what stands behind it on the host is taken away here."""
    spec = instance()
    legs = {"wan": (OUTSIDE, PUBLIC), "lan": (INSIDE, PRIVATE)}
    sent = {f"{source} by {leg}": b"" for leg in legs for source in (PUBLIC, PRIVATE, "203.0.113.9")}

    def say(leg: str) -> None:
        with netns.entered(lab.namespace(spec)):
            sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        with sock:
            own = f"{legs[leg][1]} by {leg}"
            names = sorted((name for name in sent if name.endswith(f"by {leg}")), key=lambda name: name == own)
            for name in names:
                packet = ip(name.split()[0], legs[leg][0], UDP, udp(9, 9, marker(name)))
                with contextlib.suppress(PermissionError):
                    sock.sendto(packet, (legs[leg][0], 0))

    def heard(places: dict[str, Place]) -> set[str]:
        found = set()
        for leg, there in places.items():
            with Ear(there.namespace, link="eth") as ear:
                say(leg)
                found |= ear.heard(sent, f"{legs[leg][1]} by {leg}")
        return found

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        with neighbours(lab) as (outside, inside):
            drop_guard(lab, spec)
            places = {"wan": outside, "lan": inside}
            assert heard(places) == {f"{PUBLIC} by wan", f"{PRIVATE} by lan"}
            drop_filter(lab, spec)
            assert heard(places) == set(sent)

    play(lab, scenario)
