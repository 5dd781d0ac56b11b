"""The agent's loop against a control plane and a plane that the test plays itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from gatewright.agent import loop as loop_module
from gatewright.agent.loop import Agent
from gatewright.agent.memory import RevisionMemory
from gatewright.errors import ConfigurationError
from gatewright.link.contract import HostChanges, LinkDown, Wanted
from gatewright.plane.contract import PlaneError
from gatewright.plane.simulated import SimulatedPlane
from gatewright.resources.specs import ItemKey, Kind, Observation, Phase, Spec, Tombstone, VSwitchSpec
from gatewright.resources.traffic import Count
from gatewright.resources.tunnel_states import TunnelLine, TunnelState
from gatewright.resources.tunnels import SecretRef
from tests.plane.test_contract import instance

KEY = ItemKey(Kind.VSWITCH, "vsw-1")
OTHER = ItemKey(Kind.VSWITCH, "vsw-2")


def vswitch(generation: int = 1, item_id: str = "vsw-1") -> VSwitchSpec:
    return VSwitchSpec(id=item_id, generation=generation, vpc_id="vpc", zone_id="zone", cidr_block="10.0.0.0/24")


class Script:
    """A control plane that says what the test puts in, and remembers what it was told."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[HostChanges | LinkDown] = asyncio.Queue()
        self.asked: list[int] = []
        self.told: list[Observation] = []
        self.deaf = False
        self.states: list[TunnelState] = []
        self.news = asyncio.Event()

    def say(self, revision: int, *items: Wanted, upto: int | None = None) -> None:
        self.answers.put_nowait(HostChanges(upto=revision if upto is None else upto, revision=revision, items=items))

    async def changes(self, since: int, wait: float) -> HostChanges:
        self.asked.append(since)
        answer = await self.answers.get()
        if isinstance(answer, LinkDown):
            raise answer
        return answer

    async def report(self, observations: Sequence[Observation]) -> None:
        if self.deaf:
            raise LinkDown("deaf")
        self.told += observations
        self.news.set()

    async def traffic(self, counts: Sequence[Count]) -> float:
        raise LinkDown(f"nobody asks for {counts}")

    async def tunnels(self, states: Sequence[TunnelState], lines: Sequence[TunnelLine]) -> None:
        if self.deaf:
            raise LinkDown("deaf")
        self.states += states
        self.news.set()

    async def secrets(self, references: Sequence[SecretRef]) -> Mapping[SecretRef, str]:
        raise LinkDown(f"nobody knows {references}")

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self.news.clear()
                await self.news.wait()

    def last(self, key: ItemKey = KEY) -> Phase | None:
        phases = [observation.phase for observation in self.told if observation.key == key]
        return phases[-1] if phases else None


class Failing(SimulatedPlane):
    """Fails to apply as long as the test says with what."""

    def __init__(self, failure: Callable[[int, Spec], Exception | None]) -> None:
        super().__init__()
        self._failure = failure
        self._attempts = 0

    async def apply(self, spec: Spec) -> None:
        self._attempts += 1
        failure = self._failure(self._attempts, spec)
        if failure is not None:
            raise failure
        await super().apply(spec)


def play(
    scene: Callable[[Script, SimulatedPlane, Agent], object],
    plane: SimulatedPlane | None = None,
    memory: Path | None = None,
) -> None:
    """Run a scene with an agent."""

    async def run() -> None:
        script = Script()
        stage = plane or SimulatedPlane()
        agent = Agent(stage, script, RevisionMemory(memory))
        running = asyncio.create_task(agent.run())
        try:
            await scene(script, stage, agent)  # type: ignore[misc]  # a scene is a coroutine function
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())


def test_what_is_wanted_is_applied_and_told() -> None:
    async def scene(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        script.say(3, vswitch())
        await script.until(lambda: script.last() is Phase.READY)
        assert plane.items == {KEY: vswitch()}
        script.say(4, Tombstone(Kind.VSWITCH, "vsw-1"))
        await script.until(lambda: script.last() is Phase.REMOVED)
        assert plane.items == {}
        assert script.asked[:2] == [0, 3]

    play(scene)


def test_a_page_that_is_not_the_last_is_followed_by_the_next() -> None:
    async def scene(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        script.say(9, vswitch(), upto=5)
        script.say(9, vswitch(item_id="vsw-2"))
        await script.until(lambda: script.last(ItemKey(Kind.VSWITCH, "vsw-2")) is Phase.READY)
        assert script.asked[:2] == [0, 5]

    play(scene)


def test_a_failure_is_told_and_tried_again() -> None:
    async def scene(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        script.say(1, vswitch())
        await script.until(lambda: script.last() is Phase.READY)
        failed = [observation for observation in script.told if observation.phase is Phase.FAILED]
        assert failed
        assert all(observation.detail == "no luck" for observation in failed)

    play(scene, Failing(lambda attempt, spec: PlaneError("no luck") if attempt <= 2 else None))


def test_a_bug_of_the_plane_is_a_failure_too() -> None:
    async def scene(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        script.say(1, vswitch())
        await script.until(lambda: script.last() is Phase.READY)
        assert any("ZeroDivisionError: bug" in observation.detail for observation in script.told)

    play(scene, Failing(lambda attempt, spec: ZeroDivisionError("bug") if attempt == 1 else None))


def test_a_newer_wish_overtakes_one_that_fails() -> None:
    async def scene(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        script.say(1, vswitch())
        await script.until(lambda: script.last() is Phase.FAILED)
        script.say(2, vswitch(generation=2))
        await script.until(lambda: script.last() is Phase.READY)
        assert script.told[-1].generation == 2

    play(scene, Failing(lambda attempt, spec: PlaneError("the first never works") if spec.generation < 2 else None))


def test_nothing_is_lost_while_reports_do_not_get_through() -> None:
    async def scene(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        script.deaf = True
        script.say(1, vswitch())
        while KEY not in plane.items:
            await asyncio.sleep(0)
        script.deaf = False
        await script.until(lambda: script.last() is Phase.READY)

    play(scene)


def test_a_link_that_is_down_changes_nothing_and_is_asked_again() -> None:
    async def scene(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        script.say(1, vswitch())
        await script.until(lambda: script.last() is Phase.READY)
        script.answers.put_nowait(LinkDown("gone"))
        script.say(2, vswitch(item_id="vsw-2"))
        await script.until(lambda: script.last(ItemKey(Kind.VSWITCH, "vsw-2")) is Phase.READY)
        assert set(plane.items) == {KEY, ItemKey(Kind.VSWITCH, "vsw-2")}

    play(scene)


def test_a_lower_revision_changes_nothing(tmp_path: Path) -> None:
    memory = tmp_path / "revision"

    async def before(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        script.say(7, vswitch())
        await script.until(lambda: script.last() is Phase.READY)

    async def after(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        script.say(3, Tombstone(Kind.VSWITCH, "vsw-1"))
        while len(script.asked) < 1 or not script.answers.empty():
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        assert set(plane.items) == {KEY}
        assert script.told == []

    plane = SimulatedPlane()
    play(before, plane, memory)
    assert memory.read_text() == "7\n"
    play(after, plane, memory)


def test_what_is_found_and_not_wanted_is_left_alone_and_named() -> None:
    plane = SimulatedPlane()
    stranger = vswitch(item_id="vsw-stranger")
    plane.items[stranger.key] = stranger

    async def scene(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        script.say(1, vswitch())
        await script.until(lambda: script.last() is Phase.READY)
        assert agent.orphans == {stranger.key}
        assert stranger.key in plane.items

    play(scene, plane)


def test_what_is_found_standing_as_wanted_is_not_said_to_be_under_way() -> None:
    class Slow(SimulatedPlane):
        """Takes its time to look at what stands."""

        async def apply(self, spec: Spec) -> None:
            for _ in range(5):
                await asyncio.sleep(0)
            await super().apply(spec)

    plane = Slow()
    plane.items = {KEY: vswitch(), OTHER: vswitch(item_id=OTHER.id)}

    async def scene(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        script.say(1, vswitch(), vswitch(generation=2, item_id=OTHER.id))
        await script.until(lambda: script.last() is Phase.READY and script.last(OTHER) is Phase.READY)
        assert [told.phase for told in script.told if told.key == KEY] == [Phase.READY]
        assert [told.phase for told in script.told if told.key == OTHER] == [Phase.APPLYING, Phase.READY]

    play(scene, plane)


def test_an_instance_that_waits_for_its_vswitch_goes_on_as_soon_as_that_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # From here on only a word of the vSwitch's gets an instance going again within the test's patience.
    monkeypatch.setattr(loop_module, "_VSWITCH_PATIENCE", 0.0)
    monkeypatch.setattr(loop_module, "_RETRY_FIRST", 3600.0)
    door = asyncio.Event()

    class Held(SimulatedPlane):
        """Makes a vSwitch when the test opens the door."""

        async def apply(self, spec: Spec) -> None:
            if spec.key == KEY:
                await door.wait()
            await super().apply(spec)

    async def scene(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        spec = instance()
        script.say(1, vswitch(), spec)
        await script.until(lambda: script.last(spec.key) is Phase.FAILED)
        door.set()
        await script.until(lambda: script.last(spec.key) is Phase.READY)

    play(scene, Held())


def test_everything_is_asked_for_again_now_and_then() -> None:
    before = loop_module.RESYNC
    loop_module.RESYNC = 0.0
    try:

        async def scene(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
            script.say(5, vswitch())
            await script.until(lambda: script.last() is Phase.READY)
            told = len(script.told)
            script.say(5, vswitch())
            await script.until(lambda: len(script.told) > told)
            assert script.last() is Phase.READY
            assert script.asked[:2] == [0, 0]

        play(scene)
    finally:
        loop_module.RESYNC = before


def test_a_break_while_it_is_applied_is_mended_too() -> None:
    class Fragile(SimulatedPlane):
        """Reports that an item broke just before its first application returns."""

        applied = 0

        async def apply(self, spec: Spec) -> None:
            await super().apply(spec)
            self.applied += 1
            if self.applied == 1:
                self.lose(spec.key, "it broke at once")

    async def scene(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        script.say(1, vswitch())
        await script.until(lambda: script.last() is Phase.READY)
        assert KEY in plane.items
        assert isinstance(plane, Fragile)
        assert plane.applied == 2

    play(scene, Fragile())


def test_a_memory_that_cannot_be_read_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "revision"
    path.write_text("")
    with pytest.raises(ConfigurationError, match="revision"):
        RevisionMemory(path)


def test_a_break_is_mended() -> None:
    async def scene(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        script.say(1, vswitch())
        await script.until(lambda: script.last() is Phase.READY)
        told = len(script.told)
        plane.lose(KEY, "the test took it away")
        await script.until(lambda: len(script.told) > told and script.last() is Phase.READY)
        assert KEY in plane.items

    play(scene)
