"""What somebody takes from a VPC's router or from ways of packets is told at once and mended, as for instances."""

from __future__ import annotations

import asyncio
import json
import time

from gatewright.resources.specs import InstanceSpec, RouterSpec
from tests.plane.linux.lab import Lab, Told, instance, opened, router, vswitch
from tests.plane.linux.machines import Machine, Machines
from tests.plane.linux.test_lookout import bounded, inside_watched, looks, shell, until, whole
from tests.plane.linux.test_router import plug

SPEC = router(tables={"vtb-1": {"172.16.0.0/16": ("10.9.1.1",)}})


def tables(lab: Lab, spec: RouterSpec) -> set[str]:
    """Numbers of the router's route tables."""
    rules = json.loads(lab.ip(spec, "-j", "rule", "show"))
    return {rule["table"] for rule in rules} - {"local", "main", "default"}


Cases = list[tuple[tuple[str, ...], str]]


async def tell_and_mend(lab: Lab, spec: InstanceSpec | RouterSpec, cases: Cases, one: Machine, to: str) -> None:
    """Do each by hand: it is told within two seconds, and applying has packets pass as before."""
    told = Told()
    async with opened(lab, told) as (plane, _):
        for number in (1, 2):
            await plane.apply(vswitch(number))
        await plane.apply(spec)
        assert await asyncio.to_thread(one.reaches, to)
        for command, reason in cases:
            # the sockets inside the namespace are opened behind the first answer
            await until(lambda: inside_watched(plane) == 2)
            await shell(*command)
            began = time.monotonic()
            key, said = await told.next()
            assert key == spec.key, command
            assert reason in said, command
            assert time.monotonic() - began < 2
            await plane.apply(spec)
            assert await whole(lab, vswitch(1), vswitch(2), spec)
            assert await asyncio.to_thread(one.reaches, to), command
        assert told.nothing


def test_whatever_is_taken_from_a_router_is_told_at_once_and_mended(lab: Lab, machines: Machines) -> None:
    space, outer, port = lab.namespace(SPEC), lab.names.port("vsw-1").name, lab.names.port_inside("vsw-1")
    ip, do = ("ip", "-n", space), ("ip", "netns", "exec", space)

    async def scenario() -> None:
        async with opened(lab) as (plane, _):
            for number in (1, 2):
                await plane.apply(vswitch(number))
            await plane.apply(SPEC)
        one, _ = plug(lab, machines, 1), plug(lab, machines, 2)
        (table,) = tables(lab, SPEC)
        cases = [
            (("ip", "link", "set", outer, "down"), f"link {outer}, the outside of {port}, is down"),
            (("ip", "link", "set", outer, "nomaster"), f"link {outer}, the outside of {port}, is unplugged from"),
            (("ip", "link", "delete", outer), f"link {outer}, the outside of {port}, is gone"),
            ((*ip, "link", "delete", port), f"link {outer}, the outside of {port}, is gone"),
            ((*ip, "link", "set", port, "down"), f"link {port} is down"),
            ((*ip, "link", "set", port, "address", "02:00:00:00:00:07"), f"link {port} has a hardware address"),
            ((*ip, "link", "set", "lo", "down"), f"link lo of {space} is down"),
            ((*ip, "link", "add", "more", "type", "veth", "peer", "evenmore"), f"more of {space} is no port"),
            ((*ip, "address", "flush", "dev", port), f"addresses of link {port} differ: 10.9.1.253"),
            ((*ip, "address", "add", "10.77.0.1/24", "dev", port), f"addresses of link {port} differ: 10.77.0.1"),
            ((*ip, "route", "flush", "table", table), f"routes of table {table} differ: 10.9.1.0/24, 10.9.2.0/24"),
            (
                (*ip, "route", "delete", "172.16.0.0/16", "table", table),
                f"routes of table {table} differ: 172.16.0.0/16",
            ),
            ((*ip, "route", "add", "unreachable", "10.9.2.20", "table", table), "differ: 10.9.2.20/32"),
            ((*ip, "rule", "delete", "iif", port), f"routing rules of priority 100 differ: iif {port}"),
            ((*ip, "rule", "add", "priority", "100", "lookup", "main"), "rules of priority 100 differ: from all"),
            ((*ip, "rule", "delete", "priority", "0"), "the kernel's routing rule of priority 0 is gone"),
            ((*ip, "rule", "flush"), f"routing rule of priority 32766 is gone, in {space}"),
            ((*do, "sysctl", "-w", "net.ipv4.ip_forward=0"), f"setting ipv4/ip_forward of {space} was changed"),
            ((*do, "sysctl", "-w", f"net.ipv4.conf.{port}.forwarding=0"), f"ipv4/conf/{port}/forwarding of"),
            ((*do, "sysctl", "-w", "net.ipv4.conf.all.rp_filter=1"), f"ipv4/conf/all/rp_filter of {space}"),
            ((*do, "sysctl", "-w", "net.ipv6.conf.all.disable_ipv6=0"), f"IPv6 is switched on in {space}"),
            ((*do, "nft", "flush", "ruleset"), "table inet gatewright of nftables is gone"),
            ((*do, "nft", "flush", "chain", "inet", "gatewright", "sources"), f"nftables was changed, in {space}"),
            (("ip", "netns", "delete", space), f"network namespace {space} is gone"),
            (("umount", "-l", f"/run/netns/{space}"), f"network namespace {space} is gone"),
        ]
        await tell_and_mend(lab, SPEC, cases, one, "10.9.2.20")

    bounded(scenario, 120)


def test_whatever_is_taken_from_an_instances_ways_is_told_at_once_and_mended(lab: Lab, machines: Machines) -> None:
    spec = instance(public=("198.51.100.2",), ipsec=False)
    space = lab.namespace(spec)
    ip, do = ("ip", "-n", space), ("ip", "netns", "exec", space)
    cases = [
        ((*ip, "rule", "delete", "from", "10.9.1.1"), "routing rules of priority 100 differ: from 10.9.1.1 lookup 100"),
        ((*ip, "rule", "flush"), f"the kernel's routing rule of priority 32766 is gone, in {space}"),
        ((*ip, "route", "flush", "table", "100"), f"routes of table 100 differ: 0.0.0.0/0, 10.9.1.0/24, in {space}"),
        ((*ip, "route", "delete", "default"), f"routes of table 254 differ: 0.0.0.0/0, in {space}"),
        ((*ip, "route", "add", "default", "via", "10.9.1.9", "metric", "7"), "routes of table 254 differ: 0.0.0.0/0"),
        ((*ip, "link", "set", "lan", "address", "02:00:00:00:00:07"), "link lan has a hardware address"),
        ((*do, "sysctl", "-w", "net.ipv4.conf.lan.rp_filter=1"), f"setting ipv4/conf/lan/rp_filter of {space} was"),
        ((*do, "sysctl", "-w", "net.ipv4.ip_forward=0"), f"setting ipv4/ip_forward of {space} was changed"),
    ]

    async def scenario() -> None:
        async with opened(lab) as (plane, _):
            await plane.apply(vswitch(1))
        await tell_and_mend(lab, spec, cases, plug(lab, machines, 1), "10.9.1.1")

    bounded(scenario)


def test_a_deleted_vswitch_is_mended_before_the_router_and_the_instance(lab: Lab, machines: Machines) -> None:
    spec = instance(public=None, ipsec=False)
    bridge = lab.names.vswitch("vsw-1").name

    async def scenario() -> None:
        told = Told()
        async with opened(lab, told) as (plane, _):
            for number in (1, 2):
                await plane.apply(vswitch(number))
            await asyncio.gather(plane.apply(router()), plane.apply(spec))
            other = plug(lab, machines, 2)
            assert await asyncio.to_thread(other.reaches, "10.9.1.1")
            await shell("ip", "link", "delete", bridge)
            began = time.monotonic()
            keys = [(await told.next())[0] for _ in range(3)]
            assert time.monotonic() - began < 2
            assert keys[0] == vswitch(1).key
            assert set(keys[1:]) == {router().key, spec.key}
            await plane.apply(vswitch(1))
            await asyncio.gather(plane.apply(router()), plane.apply(spec))
            assert await whole(lab, vswitch(1), vswitch(2), router(), spec)
            assert await asyncio.to_thread(other.reaches, "10.9.1.1")
            assert told.nothing

    bounded(scenario)


def test_what_concerns_no_router_is_not_told(lab: Lab, machines: Machines) -> None:
    space = lab.namespace(SPEC)

    async def scenario() -> None:
        told = Told()
        async with opened(lab, told) as (plane, _):
            for number in (1, 2):
                await plane.apply(vswitch(number))
            await plane.apply(SPEC)
            await until(lambda: inside_watched(plane) == 2)
            looked = looks(plane)
            for command in (
                ("ip", "-n", space, "route", "add", "unreachable", "10.99.0.0/16"),
                ("ip", "-n", space, "rule", "add", "priority", "30000", "lookup", "main"),
                ("ip", "netns", "exec", space, "nft", "add", "table", "inet", "of-others"),
            ):
                looked.clear()
                await shell(*command)
                await until(lambda: SPEC in looked)
            one, other = plug(lab, machines, 1), plug(lab, machines, 2)
            assert await asyncio.to_thread(one.reaches, "10.9.2.20")
            assert await asyncio.to_thread(other.reaches, "10.9.1.20")
            await plane.apply(router(generation=2))
            await plane.apply(router((2,), generation=3))
            await plane.remove(SPEC.key)
            assert told.nothing

    bounded(scenario)
