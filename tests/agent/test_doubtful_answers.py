"""A control plane that is cut off, half way, older or empty: nothing that runs on the host is removed for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gatewright.agent.loop import Agent
from gatewright.link.contract import HostChanges, LinkDown
from gatewright.plane.simulated import SimulatedPlane
from gatewright.resources.specs import ItemKey, Kind, Phase, Tombstone
from tests.agent.test_loop import KEY, OTHER, Script, play, vswitch

THIRD = ItemKey(Kind.VSWITCH, "vsw-3")
ALL = {KEY, OTHER, THIRD}


def running() -> SimulatedPlane:
    """A plane on which three items stand."""
    plane = SimulatedPlane()
    plane.items = {key: vswitch(item_id=key.id) for key in ALL}
    return plane


async def followed_to(script: Script, plane: SimulatedPlane, agent: Agent, revision: int) -> None:
    script.say(revision, *(vswitch(item_id=key.id) for key in sorted(ALL)))
    await script.until(lambda: all(script.last(key) is Phase.READY for key in ALL))


def test_a_page_that_is_not_the_last_removes_nothing_and_makes_no_orphans() -> None:
    async def scene(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        script.say(9, vswitch(), upto=4)
        await script.until(lambda: script.last() is Phase.READY)
        assert (agent.orphans, agent.heard) == (frozenset(), False)
        assert set(plane.items) == ALL

    play(scene, running())


def test_an_error_between_two_pages_is_asked_on_from_there() -> None:
    async def scene(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        script.say(9, vswitch(), upto=4)
        script.answers.put_nowait(LinkDown("cut in the middle"))
        await script.until(lambda: script.last() is Phase.READY)
        script.answers.put_nowait(LinkDown("and again"))
        script.say(9, vswitch(item_id=OTHER.id))
        await script.until(lambda: script.last(OTHER) is Phase.READY)
        assert script.asked[:4] == [0, 4, 4, 4]
        await heard_judgement(agent)
        # known only now that the last page is there, and what came before the error counts
        assert agent.orphans == {THIRD}
        assert set(plane.items) == ALL

    play(scene, running())


async def heard_judgement(agent: Agent) -> None:
    async with asyncio.timeout(10):
        while not agent.heard:
            await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(HostChanges(upto=0, revision=0, items=()), id="an empty database"),
        pytest.param(HostChanges(upto=6, revision=6, items=(vswitch(),)), id="an old backup"),
        pytest.param(HostChanges(upto=6, revision=6, items=(Tombstone(*KEY), Tombstone(*OTHER))), id="old tombstones"),
        pytest.param(HostChanges(upto=2, revision=6, items=(Tombstone(*KEY),)), id="a page of an old backup"),
    ],
)
def test_an_older_control_plane_changes_nothing(
    answer: HostChanges, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether the agent has just been started or not."""
    plane, memory = running(), tmp_path / "revision"

    async def before(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        await followed_to(script, plane, agent, 7)
        told = len(script.told)
        script.answers.put_nowait(answer)
        async with asyncio.timeout(10):
            while not agent.trouble:
                await asyncio.sleep(0.001)
        assert set(plane.items) == ALL
        assert (len(script.told), agent.orphans) == (told, frozenset())

    async def after(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        script.answers.put_nowait(answer)
        async with asyncio.timeout(10):
            while not agent.trouble:
                await asyncio.sleep(0.001)
        assert set(plane.items) == ALL
        assert (script.told, agent.heard) == ([], False)
        assert f"is at revision {answer.revision} and was at 7 before" in agent.trouble

    play(before, plane, memory)
    play(after, plane, memory)
    assert memory.read_text() == "7\n"
    assert "nothing is changed on this host" in caplog.text


def test_an_empty_database_that_has_grown_removes_nothing_either(tmp_path: Path) -> None:
    """Its revision is beyond the highest that was seen: what it does not know is an orphan."""
    plane, memory = running(), tmp_path / "revision"

    async def before(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        await followed_to(script, plane, agent, 7)

    async def after(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        script.say(8, vswitch(item_id="vsw-new"))
        await script.until(lambda: script.last(ItemKey(Kind.VSWITCH, "vsw-new")) is Phase.READY)
        await heard_judgement(agent)
        assert agent.orphans == ALL
        assert set(plane.items) >= ALL

    play(before, plane, memory)
    play(after, plane, memory)


def test_the_right_database_put_back_is_followed_again() -> None:
    async def scene(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        await followed_to(script, plane, agent, 7)
        script.answers.put_nowait(LinkDown("away"))
        script.say(8, Tombstone(*THIRD))
        await script.until(lambda: script.last(THIRD) is Phase.REMOVED)
        assert set(plane.items) == {KEY, OTHER}
        assert agent.trouble == ""

    play(scene, running())
