"""What a person on the host asks of its agent: how things stand, and to remove orphans."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gatewright.agent.local import (
    AgentStatus,
    LocalServer,
    NoAgent,
    Outcome,
    Wish,
    ask_removal,
    ask_status,
)
from gatewright.agent.loop import Agent
from gatewright.plane.contract import PlaneError
from gatewright.plane.simulated import SimulatedPlane
from gatewright.resources.specs import ItemKey, Kind, Phase, Tombstone
from tests.agent.test_loop import KEY, OTHER, Script, play, vswitch

SOCKET = Path(f"/tmp/gw-test-{os.getpid()}.sock")  # noqa: S108 - a socket's path has to be short


def serve(scene: Callable[[Script, SimulatedPlane, Agent, Path], Awaitable[None]], plane: SimulatedPlane) -> None:
    """Run a scene with an agent that answers at a socket."""

    async def with_socket(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        path = SOCKET
        server = LocalServer(agent, path)
        await server.start()
        try:
            assert mode(path) == 0o600
            await scene(script, plane, agent, path)
        finally:
            await server.close()

    play(with_socket, plane)
    assert not SOCKET.exists()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def with_stranger() -> SimulatedPlane:
    plane = SimulatedPlane()
    plane.items = {KEY: vswitch(), OTHER: vswitch(item_id=OTHER.id)}
    return plane


async def told(path: Path, condition: Callable[[AgentStatus], bool]) -> AgentStatus:
    async with asyncio.timeout(10):
        while not condition(status := await asyncio.to_thread(ask_status, path)):
            await asyncio.sleep(0.001)
    return status


def test_it_tells_what_is_wanted_deleted_and_orphaned() -> None:
    class Stuck(SimulatedPlane):
        async def remove(self, key: ItemKey) -> None:
            raise PlaneError("it does not go away")

    plane = Stuck()
    plane.items = {OTHER: vswitch(item_id=OTHER.id)}
    third = ItemKey(Kind.VSWITCH, "vsw-3")

    async def scene(script: Script, plane: SimulatedPlane, agent: Agent, path: Path) -> None:
        before = await asyncio.to_thread(ask_status, path)
        assert (before.heard, before.items, before.pid) == (False, (), os.getpid())
        script.say(4, vswitch(), Tombstone(*third))
        status = await told(path, lambda status: status.heard)
        assert status.revision == 4
        assert {item.key: item.wish for item in status.items} == {
            KEY: Wish.WANTED,
            OTHER: Wish.ORPHAN,
            third: Wish.DELETED,
        }

    serve(scene, plane)


def test_an_orphan_is_removed_on_a_persons_word_and_nothing_else() -> None:
    async def scene(script: Script, plane: SimulatedPlane, agent: Agent, path: Path) -> None:
        script.say(4, vswitch())
        await told(path, lambda status: status.heard)
        nobody = ItemKey(Kind.VSWITCH, "vsw-none")
        outcomes = await asyncio.to_thread(ask_removal, path, [KEY, OTHER, nobody])
        assert outcomes == (
            Outcome(KEY.kind, KEY.id, "vswitch vsw-1 is no orphan: it is left alone"),
            Outcome(OTHER.kind, OTHER.id, ""),
            Outcome(nobody.kind, nobody.id, "vswitch vsw-none is no orphan: it is left alone"),
        )
        assert set(plane.items) == {KEY}
        assert agent.orphans == frozenset()
        assert Phase.REMOVED not in {observation.phase for observation in script.told}

    serve(scene, with_stranger())


def test_an_orphan_that_the_control_plane_comes_to_want_is_one_no_longer() -> None:
    async def scene(script: Script, plane: SimulatedPlane, agent: Agent, path: Path) -> None:
        script.say(4, vswitch())
        await told(path, lambda status: status.heard)
        script.say(5, vswitch(item_id=OTHER.id))
        await script.until(lambda: script.last(OTHER) is Phase.READY)
        (outcome,) = await asyncio.to_thread(ask_removal, path, [OTHER])
        assert "no orphan" in outcome.failure
        assert OTHER in plane.items

    serve(scene, with_stranger())


def test_an_orphan_that_is_wanted_while_it_is_removed_is_made_anew() -> None:
    door, removing = asyncio.Event(), asyncio.Event()

    class Held(SimulatedPlane):
        async def remove(self, key: ItemKey) -> None:
            removing.set()
            await door.wait()
            await super().remove(key)

    plane = Held()
    plane.items = with_stranger().items

    async def scene(script: Script, plane: SimulatedPlane, agent: Agent, path: Path) -> None:
        script.say(4, vswitch())
        await told(path, lambda status: status.heard)
        asked = asyncio.create_task(asyncio.to_thread(ask_removal, path, [OTHER]))
        await asyncio.wait_for(removing.wait(), 10)
        script.say(5, vswitch(item_id=OTHER.id))
        await told(path, lambda status: status.revision == 5)
        assert script.last(OTHER) is None
        door.set()
        await script.until(lambda: script.last(OTHER) is Phase.READY)
        await asked
        assert OTHER in plane.items

    serve(scene, plane)


def test_an_orphan_that_does_not_go_away_stays_one() -> None:
    class Stuck(SimulatedPlane):
        async def remove(self, key: ItemKey) -> None:
            raise PlaneError("it does not go away")

    plane = Stuck()
    plane.items = with_stranger().items

    async def scene(script: Script, plane: SimulatedPlane, agent: Agent, path: Path) -> None:
        script.say(4, vswitch())
        await told(path, lambda status: status.heard)
        (outcome,) = await asyncio.to_thread(ask_removal, path, [OTHER])
        assert outcome.failure == "it does not go away"
        assert agent.orphans == {OTHER}

    serve(scene, plane)


def test_a_question_that_is_none_gets_no_answer_and_does_no_harm() -> None:
    async def scene(script: Script, plane: SimulatedPlane, agent: Agent, path: Path) -> None:
        for question in (
            b"\n",
            b"{}\n",
            b"\xff\n",
            b'{"type":"remove-orphans","items":[["house","x"]]}\n',
            b"x" * 2**21,
        ):
            reader, writer = await asyncio.open_unix_connection(str(path))
            writer.write(question)
            # one that is too long is hung up on before all of it is read
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
            writer.close()
        assert (await asyncio.to_thread(ask_status, path)).pid == os.getpid()

    serve(scene, with_stranger())


def test_why_no_agent_answers(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with pytest.raises(NoAgent, match=r"^no agent runs$"):
        ask_status(path)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with pytest.raises(NoAgent, match="the last one was killed"):
        ask_status(path)
