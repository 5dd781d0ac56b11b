"""The simulated plane when it is steered: time passes, items are killed, another plane goes on from its memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gatewright.plane.contract import PlaneError
from gatewright.plane.simulated import Change, Remembered, SimulatedPlane, Work
from gatewright.resources.specs import ItemKey, Kind
from tests.plane.test_contract import VSWITCH, instance

KEY = instance().key


class Hours:
    """A timing whose clock stands at the number of changes that were asked for, until the test lets it pass."""

    def __init__(self) -> None:
        self.asked: list[Change] = []
        self.time = 0
        self._moved = asyncio.Event()

    def now(self) -> int:
        return self.time

    def end_of(self, change: Change) -> int:
        self.asked.append(change)
        return self.time + 100

    def passed(self, moment: int) -> bool:
        return self.time >= moment

    async def until(self, moment: int) -> None:
        while self.time < moment:
            await self._moved.wait()

    def go(self, to: int) -> None:
        self.time = to
        self._moved.set()
        self._moved = asyncio.Event()


def play(scene: Callable[[Hours], Awaitable[None]]) -> None:
    async def run() -> None:
        await scene(Hours())

    asyncio.run(run())


async def begun(work: Awaitable[None]) -> asyncio.Task[None]:
    """Start something, and let it come as far as it can."""
    task = asyncio.ensure_future(work)
    for _ in range(5):
        await asyncio.sleep(0)
    return task


async def passed(hours: Hours, work: Awaitable[None]) -> None:
    task = await begun(work)
    assert not task.done()
    hours.go(hours.time + 100)
    await task


def test_each_change_takes_its_time_and_none_takes_it_twice() -> None:
    async def scene(hours: Hours) -> None:
        plane = SimulatedPlane(hours)
        await passed(hours, plane.apply(VSWITCH))
        await passed(hours, plane.apply(instance()))
        await plane.apply(instance())
        await passed(hours, plane.apply(instance(generation=2)))
        await passed(hours, plane.remove(KEY))
        await plane.remove(KEY)
        await passed(hours, plane.remove(VSWITCH.key))
        assert hours.asked == [
            Change.VSWITCH,
            Change.PROVISIONING,
            Change.UPDATING,
            Change.DELETING,
            Change.VSWITCH,
        ]

    play(scene)


def test_a_change_that_is_broken_off_goes_on_where_it_was() -> None:
    async def scene(hours: Hours) -> None:
        plane = SimulatedPlane(hours)
        await passed(hours, plane.apply(VSWITCH))
        task = await begun(plane.apply(instance()))
        hours.go(150)
        task.cancel()
        again = await begun(plane.apply(instance()))
        assert not again.done()
        hours.go(200)
        await again

    play(scene)


def test_another_plane_goes_on_from_what_one_remembers() -> None:
    async def scene(hours: Hours) -> None:
        plane = SimulatedPlane(hours)
        await passed(hours, plane.apply(VSWITCH))
        await passed(hours, plane.apply(instance(generation=3)))
        await begun(plane.apply(instance(generation=4)))
        await begun(plane.apply(instance(item_id="vpn-2-1")))
        plane.kill(ItemKey(Kind.INSTANCE, "vpn-3-1"))
        memory = plane.memory()
        assert memory == [
            Remembered(Kind.INSTANCE, "vpn-1-1", 3, False, Work(Change.UPDATING, 4, 300)),
            Remembered(Kind.INSTANCE, "vpn-2-1", None, False, Work(Change.PROVISIONING, 1, 300)),
            Remembered(Kind.INSTANCE, "vpn-3-1", None, True, None),
            Remembered(Kind.VSWITCH, "vsw-1", 1, False, None),
        ]
        other = SimulatedPlane(hours, memory)
        assert await other.open(lambda key, reason: None) == {VSWITCH.key: 1, KEY: 3}
        asked = len(hours.asked)
        await other.apply(VSWITCH)
        await other.apply(instance(generation=3))
        task = await begun(other.apply(instance(item_id="vpn-2-1")))
        hours.go(299)
        assert not task.done()
        hours.go(300)
        await task
        # What was under way was begun before: nobody asks again how long it takes.
        assert len(hours.asked) == asked
        with pytest.raises(PlaneError, match="killed"):
            await other.apply(instance(item_id="vpn-3-1"))

    play(scene)


def test_a_killed_instance_stays_down_until_it_is_recovered_and_is_then_up_at_once() -> None:
    async def scene(hours: Hours) -> None:
        plane = SimulatedPlane(hours)
        told: list[tuple[ItemKey, str]] = []
        await plane.open(lambda key, reason: told.append((key, reason)))
        await passed(hours, plane.apply(VSWITCH))
        assert plane.state(KEY) == "waiting"
        task = await begun(plane.apply(instance()))
        assert plane.state(KEY) == "provisioning"
        hours.go(hours.time + 100)
        await task
        assert plane.state(KEY) == "up"
        for _ in range(2):
            plane.kill(KEY)
        assert plane.state(KEY) == "killed"
        assert (await plane.open(lambda key, reason: told.append((key, reason))))[KEY] == 0
        with pytest.raises(PlaneError, match="killed"):
            await plane.apply(instance())
        for _ in range(2):
            plane.recover(KEY)
        await plane.apply(instance())
        assert plane.state(KEY) == "up"
        assert told == [(KEY, "killed"), (KEY, "recovered")]

    play(scene)


def test_an_instance_that_is_killed_while_it_is_made_is_built_and_down() -> None:
    async def scene(hours: Hours) -> None:
        plane = SimulatedPlane(hours)
        await passed(hours, plane.apply(VSWITCH))
        task = await begun(plane.apply(instance()))
        plane.kill(KEY)
        hours.go(hours.time + 100)
        with pytest.raises(PlaneError, match="killed"):
            await task
        plane.recover(KEY)
        await plane.apply(instance())

    play(scene)


def test_a_killed_instance_can_be_removed() -> None:
    async def scene(hours: Hours) -> None:
        plane = SimulatedPlane(hours)
        await passed(hours, plane.apply(VSWITCH))
        await passed(hours, plane.apply(instance()))
        plane.kill(KEY)
        task = await begun(plane.remove(KEY))
        assert plane.state(KEY) == "deleting"
        hours.go(hours.time + 100)
        await task
        assert [item.id for item in plane.memory()] == ["vsw-1"]

    play(scene)
