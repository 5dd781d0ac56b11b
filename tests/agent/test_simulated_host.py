"""A host in memory that is stopped and goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from gatewright.agent.simulated_host import SimulatedHost
from gatewright.link.contract import HostChanges, Secret
from gatewright.resources.specs import Observation, VSwitchSpec
from gatewright.resources.traffic import Count
from gatewright.resources.tunnel_states import TunnelLine, TunnelState
from gatewright.resources.tunnels import SecretRef

VSWITCH = VSwitchSpec(id="vsw-1", generation=1, vpc_id="vpc", zone_id="zone", cidr_block="10.0.0.0/24")


class Authority:
    """Wants one vSwitch, and takes a report when the test lets it."""

    def __init__(self) -> None:
        self.told: list[Observation] = []
        self.open = asyncio.Event()
        self.begun = asyncio.Event()
        self.fault: Exception | None = None

    async def changes(self, host_id: str, since: int, wait: float) -> HostChanges:
        if self.fault is not None:
            raise self.fault
        if since:
            await asyncio.get_running_loop().create_future()
        return HostChanges(upto=1, revision=1, items=(VSWITCH,))

    async def report(self, host_id: str, observations: Sequence[Observation]) -> None:
        self.begun.set()
        await self.open.wait()
        self.told += observations

    async def traffic(self, host_id: str, counts: Sequence[Count]) -> float:
        raise AssertionError(f"nothing goes through {host_id}: {counts}")

    async def tunnels(self, host_id: str, states: Sequence[TunnelState], lines: Sequence[TunnelLine]) -> None:
        raise AssertionError(f"{host_id} has no tunnels: {states}, {lines}")

    async def secrets(self, host_id: str, references: Sequence[SecretRef]) -> Sequence[Secret]:
        raise AssertionError(f"{host_id} has no secrets: {references}")


def test_stopping_waits_for_what_was_being_told_and_another_agent_goes_on() -> None:
    async def scene() -> None:
        authority = Authority()
        host = SimulatedHost(authority, "local")
        running = asyncio.create_task(host.run())
        await authority.begun.wait()
        stopping = asyncio.create_task(host.stopped().__aenter__())
        for _ in range(20):
            await asyncio.sleep(0)
        assert not stopping.done()
        authority.open.set()
        await stopping
        assert len(authority.told) == 1
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

        authority.told.clear()
        host = SimulatedHost(authority, "local")
        running = asyncio.create_task(host.run())
        async with asyncio.timeout(10):
            while not authority.told:
                await asyncio.sleep(0)
            async with host.stopped():
                assert set(host.plane.items) == {VSWITCH.key}
                host.replace()
                authority.told.clear()
            while not authority.told:
                await asyncio.sleep(0)
        assert set(host.plane.items) == {VSWITCH.key}
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(scene())


def test_the_failure_of_an_agent_is_the_hosts() -> None:
    async def scene() -> None:
        authority = Authority()
        authority.fault = ZeroDivisionError("bug")
        with pytest.raises(ExceptionGroup) as failed:
            await SimulatedHost(authority, "local").run()
        assert failed.group_contains(ZeroDivisionError)

    asyncio.run(scene())


def test_a_host_that_was_ended_while_it_was_stopped_does_not_start_again() -> None:
    async def scene() -> None:
        authority = Authority()
        authority.open.set()
        host = SimulatedHost(authority, "local")
        running = asyncio.create_task(host.run())
        await authority.begun.wait()
        async with host.stopped():
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            authority.begun.clear()
        for _ in range(20):
            await asyncio.sleep(0)
        assert not authority.begun.is_set()

    asyncio.run(scene())


def test_a_host_that_is_never_stopped_has_no_more_tasks_for_a_report() -> None:
    async def scene() -> None:
        running = {}
        for stoppable in (True, False):
            authority = Authority()
            host = SimulatedHost(authority, "local", stoppable=stoppable)
            task = asyncio.create_task(host.run())
            await authority.begun.wait()
            running[stoppable] = len(asyncio.all_tasks())
            if not stoppable:
                with pytest.raises(RuntimeError):
                    await host.stopped().__aenter__()
            authority.open.set()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert running[False] == running[True] - 1

    asyncio.run(scene())
