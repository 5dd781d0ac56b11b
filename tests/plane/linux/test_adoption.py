"""An agent that was restarted finds what runs, leaves it running, and is told at once when a daemon ends."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gatewright.plane.linux import netns
from tests.plane.linux import tunnel_watch
from tests.plane.linux.lab import Lab, Told, instance, kill, opened, play, run, vswitch
from tests.plane.linux.sites import carrying
from tests.plane.linux.tunnel_watch import Heard

SPEC = carrying()


def bounded(scenario: Callable[[], object], seconds: float = 60) -> None:
    async def main() -> None:
        async with asyncio.timeout(seconds):
            await scenario()  # type: ignore[misc]  # a coroutine function

    asyncio.run(main())


def test_a_new_plane_adopts_what_runs(lab: Lab) -> None:
    private = carrying(2, public=None, generation=7)

    def daemons() -> list[int]:
        return [lab.charon(SPEC), lab.bird(SPEC), lab.charon(private), lab.bird(private)]

    async def scenario() -> None:
        async with opened(lab) as (plane, found):
            assert found == {}
            await plane.apply(vswitch(generation=3))
            await asyncio.gather(plane.apply(carrying(generation=5)), plane.apply(private))
            before = daemons()
        told = Told()
        async with opened(lab, told) as (plane, found):
            assert found == {vswitch().key: 3, SPEC.key: 5, private.key: 7}
            await plane.apply(carrying(generation=6))
            await plane.apply(private)
            assert daemons() == before
            assert told.nothing
        async with opened(lab) as (plane, found):
            assert found[SPEC.key] == 6
            await asyncio.gather(*(plane.remove(key) for key in found))
        assert lab.nothing_left()

    bounded(scenario)


@pytest.mark.parametrize("adopted", [False, True])
def test_a_killed_bird_is_told_and_comes_back(lab: Lab, adopted: bool) -> None:
    async def scenario() -> None:
        told = Told()
        async with opened(lab, told) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(SPEC)
            if not adopted:
                await kill_and_repair(plane.apply, told)
        if adopted:
            async with opened(lab, told) as (plane, _):
                await kill_and_repair(plane.apply, told)

    async def kill_and_repair(apply: Callable[..., object], told: Told) -> None:
        for _ in range(2):
            pid, charon, leg = lab.bird(SPEC), lab.charon(SPEC), lab.peer(SPEC, "wan")
            killed = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            key, reason = await told.next()
            assert time.monotonic() - killed < 1
            assert key == SPEC.key
            assert str(pid) in reason
            await apply(SPEC)  # type: ignore[misc]  # a coroutine function
            assert lab.bird(SPEC) != pid
            assert lab.charon(SPEC) == charon
            assert lab.peer(SPEC, "wan") == leg
            assert told.nothing

    bounded(scenario)


def test_the_reason_tells_how_a_daemon_ended(lab: Lab) -> None:
    async def scenario() -> None:
        told, heard = Told(), Heard()
        async with tunnel_watch.opened(lab, heard, changed=told) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(SPEC)
            pid = lab.charon(SPEC)
            os.kill(pid, signal.SIGKILL)
            how = f"process {pid} was ended by SIGKILL"
            await heard.until(lambda: any(how in state.detail for state in heard.states))
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)  # it was reaped
            pid = lab.bird(SPEC)
            os.kill(pid, signal.SIGKILL)
            assert await told.next() == (SPEC.key, f"bird: process {pid} was ended by SIGKILL")
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)

    bounded(scenario)


def test_what_the_plane_ends_itself_is_not_told(lab: Lab) -> None:
    async def scenario() -> None:
        told, heard = Told(), Heard()
        async with tunnel_watch.opened(lab, heard, changed=told) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(SPEC)
            await plane.apply(instance(generation=2, ipsec=False))
            await plane.apply(carrying(generation=3))
            await plane.remove(SPEC.key)
            await asyncio.sleep(0)
            assert told.nothing
            assert heard.states
            assert not [state for state in heard.states if "ended" in state.detail]

    bounded(scenario)


def test_daemons_carry_on_when_the_plane_is_closed(lab: Lab) -> None:
    pids: list[int] = []

    async def scenario() -> None:
        async with opened(lab) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(SPEC)
            pids.extend((lab.charon(SPEC), lab.bird(SPEC)))

    bounded(scenario)
    assert [lab.charon(SPEC), lab.bird(SPEC)] == pids
    assert [os.getsid(pid) for pid in pids] == pids


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
                await plane.apply(SPEC)
            assert await found() == whole
            return seen

        async with opened(lab) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(SPEC)
        assert await found() == whole
        half = {"vsw-1": 1, "vpn-1": 0}
        names = lab.names
        assert await after("ip", "link", "delete", names.lan("vpn-1").name) == half
        assert await after("ip", "link", "delete", names.wan("vpn-1").name) == half
        assert await after("ip", "link", "set", names.wan("vpn-1").name, "nomaster") == half
        assert await after("ip", "link", "set", names.lan("vpn-1").name, "down") == half
        kill(lab.charon(SPEC))
        assert await after("true") == half
        kill(lab.bird(SPEC))
        assert await after("true") == half
        assert await after("rm", str(lab.folder(SPEC) / "applied.json")) == half
        assert await after("ip", "link", "delete", names.vswitch("vsw-1").name) == {"vsw-1": 0, "vpn-1": 0}
        assert await after("rm", "-r", str(lab.folder(SPEC))) == half
        assert await after("rm", "-r", str(lab.tunnel_folder(SPEC))) == half

    bounded(scenario)


def test_daemons_whose_namespaces_lost_their_names_are_replaced(lab: Lab) -> None:
    async def scenario() -> None:
        async with opened(lab) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(SPEC)
        lost = {lab.charon(SPEC), lab.bird(SPEC)}
        for name in (lab.namespace(SPEC), lab.tunnel_namespace(SPEC)):
            run("ip", "netns", "delete", name)
        async with opened(lab) as (plane, found):
            assert found[SPEC.key] == 0
            await plane.apply(SPEC)
            assert not lost & {lab.charon(SPEC), lab.bird(SPEC)}
            assert not [pid for pid in lost if runs(pid)]
            assert lab.addresses(SPEC)["wan"] == {"198.51.100.1/24"}
            for name in (lab.namespace(SPEC), lab.tunnel_namespace(SPEC)):
                run("ip", "netns", "delete", name)
            await plane.remove(SPEC.key)
            await plane.remove(vswitch().key)
        assert lab.nothing_left()

    bounded(scenario)


def runs(pid: int) -> bool:
    return Path(f"/proc/{pid}/exe").exists()


def test_daemons_that_do_not_answer_are_replaced(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewright.plane.linux.daemon._FOUND_PATIENCE", 0.2)

    async def scenario() -> None:
        async with opened(lab) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(SPEC)
            stuck = {lab.charon(SPEC), lab.bird(SPEC)}
            for pid in stuck:
                os.kill(pid, signal.SIGSTOP)
            monkeypatch.setattr("gatewright.plane.linux.processes._GRACE", 0.2)
            await plane.apply(SPEC)
            # and they are the only ones
            assert not stuck & {lab.charon(SPEC), lab.bird(SPEC)}

    bounded(scenario)


def test_a_charon_whose_socket_file_is_gone_is_replaced_and_not_doubled(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatewright.plane.linux.daemon._FOUND_PATIENCE", 0.2)

    async def scenario() -> None:
        async with opened(lab) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(SPEC)
            before = lab.charon(SPEC)
            lab.socket(SPEC).unlink()
            await plane.apply(SPEC)
            # it is the only one
            assert lab.charon(SPEC) != before

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
