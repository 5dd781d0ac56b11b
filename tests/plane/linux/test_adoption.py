"""An agent that was restarted finds what runs, leaves it running, and is told at once when a charon ends."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable

import pytest

from gatewright.plane.linux import netns
from tests.plane.linux.lab import Lab, Told, instance, kill, opened, play, run, vswitch


def bounded(scenario: Callable[[], object], seconds: float = 60) -> None:
    async def main() -> None:
        async with asyncio.timeout(seconds):
            await scenario()  # type: ignore[misc]  # a coroutine function

    asyncio.run(main())


def test_a_new_plane_adopts_what_runs(lab: Lab) -> None:
    private = instance(2, public=None, generation=7)

    async def scenario() -> None:
        async with opened(lab) as (plane, found):
            assert found == {}
            await plane.apply(vswitch(generation=3))
            await asyncio.gather(plane.apply(instance(generation=5)), plane.apply(private))
            before = [lab.charon(instance()), lab.charon(private)]
        told = Told()
        async with opened(lab, told) as (plane, found):
            assert found == {vswitch().key: 3, instance().key: 5, private.key: 7}
            await plane.apply(instance(generation=6))
            await plane.apply(private)
            assert [lab.charon(instance()), lab.charon(private)] == before
            assert told.nothing
        async with opened(lab) as (plane, found):
            assert found[instance().key] == 6
            await asyncio.gather(*(plane.remove(key) for key in found))
        assert lab.nothing_left()

    bounded(scenario)


@pytest.mark.parametrize("adopted", [False, True])
def test_a_killed_charon_is_told_and_comes_back(lab: Lab, adopted: bool) -> None:
    async def scenario() -> None:
        told = Told()
        async with opened(lab, told) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(instance())
            if not adopted:
                await kill_and_repair(plane.apply, told)
        if adopted:
            async with opened(lab, told) as (plane, _):
                await kill_and_repair(plane.apply, told)

    async def kill_and_repair(apply: Callable[..., object], told: Told) -> None:
        for _ in range(2):
            pid, leg = lab.charon(instance()), lab.peer(instance(), "wan")
            killed = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            key, reason = await told.next()
            assert time.monotonic() - killed < 1
            assert key == instance().key
            assert str(pid) in reason
            await apply(instance())  # type: ignore[misc]  # a coroutine function
            assert lab.charon(instance()) != pid
            assert lab.peer(instance(), "wan") == leg
            assert told.nothing

    bounded(scenario)


def test_the_reason_tells_how_charon_ended(lab: Lab) -> None:
    async def scenario() -> None:
        told = Told()
        async with opened(lab, told) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(instance())
            pid = lab.charon(instance())
            os.kill(pid, signal.SIGKILL)
            assert await told.next() == (instance().key, f"charon: process {pid} was ended by SIGKILL")
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)  # it was reaped

    bounded(scenario)


def test_what_the_plane_ends_itself_is_not_told(lab: Lab) -> None:
    async def scenario() -> None:
        told = Told()
        async with opened(lab, told) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(instance())
            await plane.apply(instance(generation=2, ipsec=False))
            await plane.apply(instance(generation=3))
            await plane.remove(instance().key)
            await asyncio.sleep(0)
            assert told.nothing

    bounded(scenario)


def test_daemons_carry_on_when_the_plane_is_closed(lab: Lab) -> None:
    pids = []

    async def scenario() -> None:
        async with opened(lab) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(instance())
            pids.append(lab.charon(instance()))

    bounded(scenario)
    assert lab.charon(instance()) == pids[0]
    assert os.getsid(pids[0]) == pids[0]


def test_whatever_is_missing_makes_an_item_half_made(lab: Lab) -> None:
    async def found() -> dict[str, int]:
        async with opened(lab) as (_, generations):
            return {key.id: generation for key, generation in generations.items()}

    async def scenario() -> None:
        whole = {"vsw-1": 1, "vpn-1": 1}

        async def after(*command: str) -> dict[str, int]:
            run(*command)
            seen = await found()
            async with opened(lab) as (plane, _):
                await plane.apply(vswitch())
                await plane.apply(instance())
            assert await found() == whole
            return seen

        async with opened(lab) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(instance())
        assert await found() == whole
        half = {"vsw-1": 1, "vpn-1": 0}
        names = lab.names
        assert await after("ip", "link", "delete", names.lan("vpn-1").name) == half
        assert await after("ip", "link", "delete", names.wan("vpn-1").name) == half
        assert await after("ip", "link", "set", names.wan("vpn-1").name, "nomaster") == half
        assert await after("ip", "link", "set", names.lan("vpn-1").name, "down") == half
        kill(lab.charon(instance()))
        assert await after("true") == half
        assert await after("rm", str(lab.folder(instance()) / "applied.json")) == half
        assert await after("ip", "link", "delete", names.vswitch("vsw-1").name) == {"vsw-1": 0, "vpn-1": 0}
        assert await after("rm", "-r", str(lab.folder(instance()))) == half

    bounded(scenario)


def test_a_charon_whose_namespace_lost_its_name_is_replaced(lab: Lab) -> None:
    async def scenario() -> None:
        async with opened(lab) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(instance())
        lost = lab.charon(instance())
        run("ip", "netns", "delete", lab.namespace(instance()))
        async with opened(lab) as (plane, found):
            assert found[instance().key] == 0
            await plane.apply(instance())
            assert lab.processes(instance()) == [lab.charon(instance())]
            assert lost not in lab.processes(instance())
            assert lab.addresses(instance())["wan"] == {"198.51.100.1/24"}
            run("ip", "netns", "delete", lab.namespace(instance()))
            await plane.remove(instance().key)
            await plane.remove(vswitch().key)
        assert lab.nothing_left()

    bounded(scenario)


def test_a_charon_that_does_not_answer_is_replaced(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewright.plane.linux.daemon._FOUND_PATIENCE", 0.2)

    async def scenario() -> None:
        async with opened(lab) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(instance())
            pid = lab.charon(instance())
            os.kill(pid, signal.SIGSTOP)
            monkeypatch.setattr("gatewright.plane.linux.processes._GRACE", 0.2)
            await plane.apply(instance())
            assert lab.processes(instance()) == [lab.charon(instance())]
            assert lab.charon(instance()) != pid

    bounded(scenario)


def test_a_charon_whose_socket_file_is_gone_is_replaced_and_not_doubled(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatewright.plane.linux.daemon._FOUND_PATIENCE", 0.2)

    async def scenario() -> None:
        async with opened(lab) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(instance())
            lab.socket(instance()).unlink()
            await plane.apply(instance())
            assert lab.processes(instance()) == [lab.charon(instance())]

    bounded(scenario)


def test_namespaces_are_those_of_iproute2(lab: Lab) -> None:
    async def check(_: object) -> None:
        name = lab.namespace(instance())
        assert netns.ensure(name)
        assert not netns.ensure(name)
        assert name in run("ip", "netns", "list").split()
        assert netns.listing()[name] == netns.identity(name) != netns.home()
        netns.delete(name)
        assert name not in run("ip", "netns", "list").split()
        run("ip", "netns", "add", name)
        assert not netns.ensure(name)
        netns.delete(name)
        assert netns.identity(name) is None

    play(lab, check)
