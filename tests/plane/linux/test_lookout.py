"""What somebody takes away by hand is told at once, mended by applying again, and nothing else is told."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import select
import signal
import socket
import struct
import time
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from gatewright.plane.linux import LinuxPlane, events, guards, inspection, lookout, netns
from gatewright.plane.linux.folders import Folders
from gatewright.plane.linux.options import HostOptions
from gatewright.plane.linux.rtnl import Rtnl
from gatewright.resources.specs import ItemKey, Spec
from tests.plane.linux.lab import Lab, Told, instance, opened, run, vswitch
from tests.plane.linux.sites import carrying


def bounded(scenario: Callable[[], object], seconds: float = 60) -> None:
    async def main() -> None:
        async with asyncio.timeout(seconds):
            await scenario()  # type: ignore[misc]  # a coroutine function

    asyncio.run(main())


async def fault(lab: Lab, spec: Spec) -> str | None:
    return await asyncio.to_thread(inspection.fault, lab.names, Folders(lab.installation, lab.runtime), spec)


async def whole(lab: Lab, *specs: Spec) -> bool:
    for spec in specs:
        assert await fault(lab, spec) is None
    return True


async def shell(*command: str) -> None:
    await asyncio.to_thread(run, *command)


def test_whatever_is_taken_from_an_instance_is_told_at_once_and_mended(lab: Lab) -> None:
    spec = carrying(public=("198.51.100.1", "198.51.100.2"))
    space, names = lab.namespace(spec), lab.names
    lan, wan, uplink = names.lan(spec.id).name, names.wan(spec.id).name, names.uplink.name
    inside = ("ip", "-n", space)
    cases = [
        (("ip", "link", "set", lan, "down"), f"link {lan}, the outside of lan, is down"),
        (("ip", "link", "set", wan, "nomaster"), f"link {wan}, the outside of wan, is unplugged from {uplink}"),
        (("ip", "link", "delete", wan), f"link {wan}, the outside of wan, is gone"),
        (("ip", "link", "set", uplink, "down"), f"bridge {uplink} is down"),
        (("ip", "link", "delete", uplink), f"bridge {uplink} is gone"),
        ((*inside, "link", "delete", "lan"), f"link {lan}, the outside of lan, is gone"),
        ((*inside, "link", "set", "wan", "down"), "link wan is down"),
        ((*inside, "link", "set", "lo", "down"), f"link lo of {space} is down"),
        ((*inside, "address", "delete", "10.9.1.1/24", "dev", "lan"), "addresses of link lan differ: 10.9.1.1"),
        ((*inside, "address", "add", "10.77.0.1/24", "dev", "wan"), "addresses of link wan differ: 10.77.0.1"),
        (("tc", "qdisc", "delete", "dev", wan, "root"), "what the instance is sent is not shaped as ordered"),
        (("tc", "-n", space, "qdisc", "delete", "dev", "wan", "root"), "what the instance sends is not shaped as"),
        (("ip", "netns", "exec", space, "nft", "flush", "ruleset"), "of nftables is gone"),
        (("nft", "delete", "chain", guards.FAMILY, names.guards, "lan-vpn-1"), "of nftables is gone"),
        (("ip", "netns", "delete", space), f"network namespace {space} is gone"),
        (("umount", "-l", f"/run/netns/{space}"), f"network namespace {space} is gone"),
    ]

    async def scenario() -> None:
        told = Told()
        async with opened(lab, told) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(spec)
            for command, reason in cases:
                # the sockets inside the namespace are opened behind the first answer
                await until(lambda: inside_watched(plane) == 4)
                await shell(*command)
                # from here: nft itself takes seconds while others change tables of the host
                began = time.monotonic()
                key, said = await told.next()
                assert key == spec.key, command
                assert reason in said, command
                assert time.monotonic() - began < 2
                await plane.apply(spec)
                assert await whole(lab, vswitch(), spec)
                assert lab.charon(spec)
                assert lab.bird(spec)
            assert told.nothing

    bounded(scenario)


def inside_watched(plane: LinuxPlane) -> int:
    assert plane._lookout is not None
    watched = plane._lookout._watched
    return sum(len(held.sockets) for key, held in plane._lookout._ears.items() if key in watched)


async def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


def test_a_deleted_vswitch_is_told_before_those_that_were_plugged_into_it(lab: Lab) -> None:
    specs = [instance(number, public=None) for number in (1, 2)]

    async def scenario() -> None:
        told = Told()
        async with opened(lab, told) as (plane, _):
            await plane.apply(vswitch())
            await asyncio.gather(*map(plane.apply, specs))
            bridge = lab.names.vswitch("vsw-1").name
            await shell("ip", "link", "delete", bridge)
            keys = [(await told.next())[0] for _ in range(3)]
            assert keys[0] == vswitch().key
            assert set(keys[1:]) == {spec.key for spec in specs}
            await plane.apply(vswitch())
            await asyncio.gather(*map(plane.apply, specs))
            assert await whole(lab, vswitch(), *specs)
            await shell("ip", "link", "set", bridge, "down")
            assert (await told.next())[0] == vswitch().key
            await plane.apply(vswitch())
            assert await whole(lab, vswitch(), *specs)

    bounded(scenario)


def test_what_concerns_nobody_is_not_told(lab: Lab) -> None:
    spec = instance(public=None)
    space = lab.namespace(spec)

    async def scenario() -> None:
        told = Told()
        async with opened(lab, told) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(spec)
            await until(lambda: inside_watched(plane) == 2)
            looked = looks(plane)
            await shell("ip", "-n", space, "route", "add", "10.99.0.0/16", "dev", "lan")
            await shell("ip", "netns", "exec", space, "nft", "add", "table", "inet", f"of-{lab.installation}")
            await until(lambda: len(looked) > 0)
            await plane.apply(spec)
            await plane.apply(instance(public=None, generation=2))
            await plane.remove(spec.key)
            await plane.remove(vswitch().key)
            assert told.nothing
        assert lab.nothing_left()

    bounded(scenario)


def descriptors() -> int:
    """How many files this process has open, and one for the look."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def room_for_none() -> int:
    """The number that a file would get that is opened next: as a limit it leaves room for none."""
    free = os.open("/dev/null", os.O_RDONLY)
    os.close(free)
    return free


def looks(plane: LinuxPlane) -> list[Spec]:
    """What is looked at from now on."""
    assert plane._lookout is not None
    seen: list[Spec] = []
    before = plane._lookout._inspect

    def inspect(spec: Spec, within: Collection[int] | None, left_out: Collection[int]) -> str | None:
        seen.append(spec)
        return before(spec, within, left_out)

    plane._lookout._inspect = inspect
    return seen


async def quiet(seen: list[Spec]) -> None:
    """Each is looked at once more, for the events that the first look caused; then nothing is."""
    async with asyncio.timeout(20):
        while seen:
            seen.clear()
            await asyncio.sleep(0.5)  # what is waited for is that nothing happens


def test_a_change_of_nft_tables_inside_has_the_instance_looked_at(lab: Lab) -> None:
    spec = instance(public=None)

    async def scenario() -> None:
        async with opened(lab) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(spec)
            await until(lambda: inside_watched(plane) == 2)
            seen = looks(plane)
            # what was just applied is looked at once anyway
            await until(lambda: spec in seen)
            for command in ("add table inet mine", "flush ruleset"):
                seen.clear()
                await shell("ip", "netns", "exec", lab.namespace(spec), "nft", *command.split())
                await until(lambda: spec in seen)

    bounded(scenario)


def test_changes_of_guards_have_those_looked_at_whose_they_are(lab: Lab) -> None:
    """Guards are chains of one table: its end concerns all, a chain one instance, and who has another table nobody."""
    one, other = specs = [instance(number, ipsec=False, public=None) for number in (1, 2)]

    async def scenario() -> None:
        told = Told()
        async with opened(lab, told) as (plane, _):
            seen = looks(plane)
            await plane.apply(vswitch())
            await asyncio.gather(*map(plane.apply, specs))
            await until(lambda: {vswitch(), *specs} <= set(seen))
            await quiet(seen)
            table = guards.FAMILY, lab.names.guards
            await shell("nft", "add", "table", "inet", f"of-{lab.installation}")
            await shell("nft", "insert", "rule", *table, f"lan-{one.id}", "accept")
            await until(lambda: one in seen)
            assert "was changed" in (await told.next())[1]
            assert other not in seen
            await shell("nft", "delete", "table", *table)
            await until(lambda: {vswitch(), *specs} <= set(seen))
            await plane.apply(one)
            await plane.apply(other)
            assert await whole(lab, *specs)

    bounded(scenario)


def test_what_no_event_told_is_found_by_the_sweep(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookout, "SWEEP", 0.2)
    monkeypatch.setattr("gatewright.plane.linux.bird.PATIENCE", 0.2)
    monkeypatch.setattr("gatewright.plane.linux.daemon._FOUND_PATIENCE", 0.2)
    monkeypatch.setattr("gatewright.plane.linux.processes._GRACE", 0.2)

    async def scenario() -> None:
        told = Told()
        async with opened(lab, told) as (plane, _):
            await plane.apply(vswitch())
            spec = carrying()
            await plane.apply(spec)
            stuck = lab.bird(spec)
            os.kill(stuck, signal.SIGSTOP)
            key, reason = await told.next()
            assert key == spec.key
            assert "bird does not answer" in reason
            await plane.apply(spec)
            assert lab.bird(spec) != stuck

    bounded(scenario)


def test_a_host_without_descriptors_is_no_fault_of_the_item(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        told = Told()
        async with opened(lab, told) as (plane, _):
            await plane.apply(vswitch())
            seen = looks(plane)
            before = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (room_for_none(), before[1]))
            try:
                await until(lambda: "cannot be looked at" in caplog.text)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, before)
                gc.collect()
            assert seen == [vswitch()]
            assert "ulimit -n" in caplog.text
            assert told.nothing

    bounded(scenario)


def test_an_idle_host_costs_nothing(lab: Lab) -> None:
    specs = [instance(number, public=(f"198.51.100.{number}",)) for number in range(1, 5)]

    async def scenario() -> None:
        async with opened(lab) as (plane, _):
            # from the beginning: one may be looked at while the others are still being made
            seen = looks(plane)
            await plane.apply(vswitch())
            await asyncio.gather(*map(plane.apply, specs))
            await until(lambda: set(specs) <= set(seen), 10)
            await quiet(seen)
            began = time.process_time()
            await asyncio.sleep(1)
            assert time.process_time() - began < 0.02
            assert seen == []

    bounded(scenario)


def test_descriptors_go_with_the_items(lab: Lab) -> None:
    async def scenario() -> None:
        async with opened(lab) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(instance())
            await plane.remove(instance().key)
            before = descriptors()
            for _ in range(3):
                await plane.apply(instance())
                await until(lambda: inside_watched(plane) == 2)
                await plane.remove(instance().key)
            # the vSwitch, whose last port went, may be being looked at
            await until(lambda: descriptors() <= before)

    bounded(scenario)


def test_who_listens_goes_on_over_an_apply_and_leaves_what_is_no_more(lab: Lab) -> None:
    spec = instance()
    space = lab.namespace(spec)

    async def scenario() -> None:
        told = Told()
        async with opened(lab, told) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(spec)
            await until(lambda: inside_watched(plane) == 2)
            assert plane._lookout is not None
            held = plane._lookout._ears[spec.key]
            first = held.sockets
            await plane.apply(instance(generation=2, bandwidth=20))
            assert held.sockets == first
            await shell("ip", "-n", space, "link", "set", "lan", "down")
            assert await told.next() == (spec.key, "link lan is down")
            # another namespace of that name is listened in instead, and the old one is kept alive by nobody
            await plane.apply(instance(generation=3))
            await shell("umount", "-l", f"/run/netns/{space}")
            assert await told.next() == (spec.key, f"network namespace {space} is gone")
            await plane.apply(instance(generation=4))
            await until(lambda: inside_watched(plane) == 2)
            assert not set(held.sockets) & set(first)
            await shell("ip", "-n", space, "link", "set", "wan", "down")
            assert await told.next() == (spec.key, "link wan is down")

    bounded(scenario)


def test_events_that_are_too_many_are_known_to_be_lost(lab: Lab) -> None:
    name = lab.namespace(instance())
    netns.ensure(name)
    with netns.entered(name):
        source = events.EventSocket.routing(events.INSIDE, 1)
    try:
        for _ in range(20):
            run("ip", "-n", name, "link", "set", "lo", "up")
            run("ip", "-n", name, "link", "set", "lo", "down")
        lost = False
        for _ in range(10):
            found, now = source.take()
            lost = lost or now
            if not found and not now:
                break
        assert lost
    finally:
        source.close()
        netns.delete(name)


def test_a_queue_that_was_only_asked_for_tells_nothing_new(lab: Lab) -> None:
    """Who asks for a queueing discipline has all told of it: nobody needs to look for that."""
    name = lab.namespace(instance())
    netns.ensure(name)
    place = "dev", "lo", "root"
    try:
        with netns.entered(name):
            source = events.EventSocket.routing(events.INSIDE)
            inside = Rtnl()
        with inside:
            link = inside.find("lo")
            assert link is not None

            def told(ask: bool) -> object:
                if ask:
                    # RTM_GETQDISC of the root, as others ask: our own look is a listing, of which nobody is told
                    inside._netlink.ask(38, struct.pack("=xxxxiIII", link.index, 0, 0xFFFFFFFF, 0))
                found = [events.queue_events(datagram) for datagram in source.take()[0]]
                assert len(found) == 1
                return found[0]

            shape = "tbf", "rate", "10mbit", "burst", "10kb", "limit", "10kb"
            run("tc", "-n", name, "qdisc", "add", *place, *shape)
            first = told(ask=False)
            assert told(ask=True) == first
            assert told(ask=True) == first
            run("tc", "-n", name, "qdisc", "change", *place, *shape[:2], "20mbit", *shape[3:])
            assert told(ask=False) != first
            run("tc", "-n", name, "qdisc", "delete", *place)
            gone = told(ask=False)
            assert isinstance(gone, list)
            assert gone[0].now is None
        source.close()
    finally:
        netns.delete(name)


def test_link_events_name_the_link(lab: Lab) -> None:
    source = events.EventSocket.routing(events.HOST)
    mark = lab.names.vswitch("vsw-1")
    with Rtnl() as host:
        host.add_bridge(mark)
        bridge = host.find(mark.name)
        assert bridge is not None
        host.change(bridge, ifalias=mark.alias, state="up")
        host.delete(bridge)
    found = [link for datagram in source.take()[0] for link in events.link_events(datagram) if link.name == mark.name]
    source.close()
    assert events.LinkEvent(mark.name, mark.alias, up=True) in found
    assert found[-1] == events.LinkEvent(mark.name, mark.alias, up=False)
    assert list(events.link_events(b"\x07\0\0\0garbage")) == []


@pytest.mark.parametrize(("family", "told"), [(socket.AF_UNSPEC, ["gwtrial"]), (7, [])], ids=["link", "bridge port"])
def test_what_a_bridge_tells_of_its_ports_states_is_passed_over(family: int, told: list[str]) -> None:
    """It comes some 15 s after each was plugged in, and would have everything looked at once more."""
    body = struct.pack("=BxHiII", family, 0, 7, 1, 0) + struct.pack("=HH8s", 12, 3, b"gwtrial\0")
    datagram = struct.pack("=IHHII", 16 + len(body), 16, 0, 0, 0) + body
    assert [link.name for link in events.link_events(datagram)] == told


def test_mounts_are_heard_of(tmp_path: Path) -> None:
    source = events.MountEvents()
    source.take()
    run("mount", "-t", "tmpfs", "none", str(tmp_path))
    run("umount", str(tmp_path))
    assert select.select([source.fileno()], [], [], 5)[0]
    source.take()
    source.close()


def test_an_item_that_something_is_being_mended_of_is_looked_at_afterwards(lab: Lab) -> None:
    looks = []

    def busy(_: ItemKey) -> bool:
        looks.append(time.monotonic())
        return len(looks) <= 3

    async def scenario() -> None:
        told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        watching = lookout.Lookout(
            lab.names,
            HostOptions(),
            lambda *_: "broken",
            lambda _, why: told.set_result(why),
            busy,
            lambda _: frozenset(),
        )
        watching.open()
        try:
            watching.add(vswitch())
            assert await asyncio.wait_for(told, 10) == "broken"
        finally:
            await watching.close()

    bounded(scenario)
