"""What breaks again and again is mended ever more slowly."""

from __future__ import annotations

import asyncio

import pytest

from gatewright.agent import relapses
from gatewright.agent.loop import Agent
from gatewright.agent.relapses import Relapses
from gatewright.plane.simulated import SimulatedPlane
from gatewright.resources.specs import Phase, Spec, Tombstone
from tests.agent.test_loop import KEY, Script, play, vswitch


def test_the_first_breaks_are_mended_at_once_and_the_next_ever_later() -> None:
    told = Relapses()
    pauses = []
    for number in range(12):
        told.note(KEY, f"break {number}", 100.0 + number)
        relapse = told.of(KEY, 100.0 + number)
        pauses.append(0.0 if relapse is None else round(relapse.pause, 3))
    assert pauses == [0, 0, 0, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30]
    relapse = told.of(KEY, 111.0)
    assert relapse is not None
    assert str(relapse) == "it broke 12 times in 60 s, last: break 11; it is mended again in 30.0 s"
    assert told.of(KEY, 142.0) is None


def test_breaks_far_apart_are_no_relapse() -> None:
    told = Relapses()
    for number in range(100):
        told.note(KEY, "a kill", number * 30.0)
        assert told.of(KEY, number * 30.0) is None


def test_an_item_that_is_made_anew_begins_anew() -> None:
    told = Relapses()
    for _ in range(9):
        told.note(KEY, "a kill", 1.0)
    told.forget(KEY)
    assert told.of(KEY, 1.0) is None


class Fragile(SimulatedPlane):
    """Whatever is applied breaks at once, as long as it is to."""

    def __init__(self) -> None:
        super().__init__()
        self.applied: list[float] = []
        self.breaks = True

    async def apply(self, spec: Spec) -> None:
        await super().apply(spec)
        loop = asyncio.get_running_loop()
        self.applied.append(loop.time())
        if self.breaks and self._changed is not None:
            loop.call_soon(loop.call_soon, self._changed, spec.key, "it was killed")


def test_an_agent_backs_off_says_so_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relapses, "_FIRST", 0.05)
    plane = Fragile()

    async def scene(script: Script, _: SimulatedPlane, agent: Agent) -> None:
        script.say(1, vswitch())
        await script.until(lambda: any("it broke 6 times" in one.detail for one in script.told))
        # 0.05, 0.1 and 0.2 s: without pauses there would have been hundreds by now
        assert len(plane.applied) == 6
        assert plane.applied[-1] - plane.applied[0] >= 0.15
        assert script.told[-1].phase is Phase.FAILED
        plane.breaks = False
        await script.until(lambda: script.last() is Phase.READY)
        script.say(2, Tombstone(KEY.kind, KEY.id))
        await script.until(lambda: script.last() is Phase.REMOVED)

    play(scene, plane)


def test_an_item_that_is_deleted_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relapses, "_FIRST", 60.0)
    plane = Fragile()

    async def scene(script: Script, _: SimulatedPlane, agent: Agent) -> None:
        script.say(1, vswitch())
        await script.until(lambda: any("it broke 4 times" in one.detail for one in script.told))
        script.say(2, Tombstone(KEY.kind, KEY.id))
        await script.until(lambda: script.last() is Phase.REMOVED)

    play(scene, plane)


def test_what_is_told_of_an_item_that_is_left_alone_is_no_further_break(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relapses, "_FIRST", 0.2)
    plane = Fragile()

    async def scene(script: Script, _: SimulatedPlane, agent: Agent) -> None:
        script.say(1, vswitch())
        await script.until(lambda: any("it broke 4 times" in one.detail for one in script.told))
        plane.breaks = False
        assert plane._changed is not None
        for _again in range(9):
            plane._changed(KEY, "its namespace is gone, too")
        await script.until(lambda: script.last() is Phase.READY)
        assert len(plane.applied) == 5
        assert not any("it broke 5 times" in one.detail for one in script.told)

    play(scene, plane)
