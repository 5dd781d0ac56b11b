"""The agent's cache: items come back before the control plane does, and nothing that was removed ever does."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gatewright.agent import cache_keeper
from gatewright.agent.cache import Cache, CacheUnusable, open_cache
from gatewright.agent.cache_keeper import CacheKeeper
from gatewright.agent.loop import Agent
from gatewright.agent.memory import RevisionMemory
from gatewright.link.contract import LinkDown
from gatewright.plane.simulated import SimulatedPlane
from gatewright.resources.specs import ItemKey, Kind, Phase, Spec, Tombstone
from tests.agent.test_loop import KEY, OTHER, Script, vswitch
from tests.plane.test_contract import instance

GATE = instance().key


def cache_at(folder: Path, *, key: bytes = b"k" * 32, installation: str = "abcd1234", host: str = "local") -> Cache:
    return Cache(folder / "cache", key, installation, host)


def play(
    scene: Callable[[Script, SimulatedPlane, Agent], object],
    folder: Path,
    *,
    plane: SimulatedPlane | None = None,
    cache: Cache | None = None,
) -> SimulatedPlane:
    """Run a scene with an agent that has a cache, its revision beside it."""
    stage = plane or SimulatedPlane()

    async def run() -> None:
        script = Script()
        agent = Agent(stage, script, RevisionMemory(folder / "revision"), CacheKeeper(cache or cache_at(folder)))
        running = asyncio.create_task(agent.run())
        try:
            async with asyncio.timeout(20):
                await scene(script, stage, agent)  # type: ignore[misc]  # a scene is a coroutine function
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())
    return stage


async def until(condition: Callable[[], bool]) -> None:
    """For what a plane does: the scene's timeout bounds it."""
    while not condition():
        await asyncio.sleep(0.001)


async def ordered(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
    """A vSwitch and an instance in it, at revision 3."""
    script.say(3, vswitch(), instance())
    await script.until(lambda: script.last(GATE) is Phase.READY)


def test_after_a_reboot_items_stand_before_the_control_plane_answers(tmp_path: Path) -> None:
    play(ordered, tmp_path)

    async def rebooted(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        script.deaf = True
        await until(lambda: set(plane.items) == {KEY, GATE})
        assert script.answers.empty()
        assert script.told == []
        script.deaf = False
        script.say(3, vswitch(), instance())
        await script.until(lambda: script.last(GATE) is Phase.READY and script.last() is Phase.READY)
        # Nothing but how it stands: the gateway's status stays what it was.
        assert {told.phase for told in script.told} == {Phase.READY}

    play(rebooted, tmp_path)


def test_what_breaks_is_mended_before_the_control_plane_answers(tmp_path: Path) -> None:
    play(ordered, tmp_path)

    async def rebooted(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        await until(lambda: GATE in plane.items)
        plane.lose(GATE, "the test took it away")
        assert GATE not in plane.items
        await until(lambda: GATE in plane.items)

    play(rebooted, tmp_path)


def test_the_control_planes_word_wins(tmp_path: Path) -> None:
    newer = instance(generation=2)
    cache_at(tmp_path).store([vswitch(), vswitch(item_id=OTHER.id), instance()])

    async def rebooted(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        await until(lambda: set(plane.items) == {KEY, OTHER, GATE})
        script.say(5, Tombstone(Kind.VSWITCH, OTHER.id), newer, vswitch())
        await script.until(lambda: script.last(OTHER) is Phase.REMOVED)
        await until(lambda: plane.items == {KEY: vswitch(), GATE: newer})

    play(rebooted, tmp_path)
    assert set(cache_at(tmp_path).load()) == {vswitch(), newer}


def test_a_lower_revision_changes_nothing_and_the_cache_goes_on(tmp_path: Path) -> None:
    play(ordered, tmp_path)

    async def rebooted(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        script.say(2, Tombstone(Kind.INSTANCE, GATE.id))
        await until(lambda: script.answers.empty() and set(plane.items) == {KEY, GATE})
        for _ in range(20):
            await asyncio.sleep(0)
        assert set(plane.items) == {KEY, GATE}
        assert Phase.REMOVED not in {told.phase for told in script.told}

    play(rebooted, tmp_path)
    assert {spec.key for spec in cache_at(tmp_path).load()} == {KEY, GATE}


def test_what_stands_newer_than_in_the_cache_is_not_set_back(tmp_path: Path) -> None:
    cache_at(tmp_path).store([vswitch(), instance()])
    plane = SimulatedPlane()
    newer = instance(generation=7)
    plane.items = {GATE: newer}

    async def restarted(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        await until(lambda: KEY in plane.items)
        for _ in range(20):
            await asyncio.sleep(0)
        assert plane.items[GATE] == newer

    play(restarted, tmp_path, plane=plane)


def test_what_was_confirmed_removed_is_out_of_the_cache_by_then(tmp_path: Path) -> None:
    """Shown at the moment of the confirmation, whatever a kill would leave."""
    seen: list[set[ItemKey]] = []

    class Looking(Script):
        async def report(self, observations) -> None:  # type: ignore[no-untyped-def]  # as in Script
            if any(told.phase is Phase.REMOVED for told in observations):
                seen.append({spec.key for spec in cache_at(tmp_path).load()})
            await super().report(observations)

    async def run() -> None:
        script = Looking()
        agent = Agent(SimulatedPlane(), script, RevisionMemory(tmp_path / "revision"), CacheKeeper(cache_at(tmp_path)))
        running = asyncio.create_task(agent.run())
        try:
            script.say(1, vswitch(), vswitch(item_id=OTHER.id))
            await script.until(lambda: script.last() is Phase.READY and script.last(OTHER) is Phase.READY)
            script.say(2, Tombstone(Kind.VSWITCH, "vsw-1"))
            await script.until(lambda: script.last() is Phase.REMOVED)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())
    assert seen == [{OTHER}]


def test_a_removal_is_not_confirmed_while_the_cache_can_neither_be_written_nor_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_keeper, "_RETRY", 0.01)
    monkeypatch.setattr(cache_keeper, "APART", 0.0)
    broken = threading.Event()

    class Broken(Cache):
        def store(self, specs: object) -> None:
            if broken.is_set():
                raise OSError(30, "Read-only file system")
            super().store(specs)  # type: ignore[arg-type]  # as it came

        def discard(self) -> None:
            if broken.is_set():
                raise OSError(30, "Read-only file system")
            super().discard()

    async def scene(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        await ordered(script, plane, agent)
        broken.set()
        script.say(4, Tombstone(Kind.INSTANCE, GATE.id))
        await script.until(lambda: script.last(GATE) is Phase.FAILED)
        assert "cannot be taken out of the cache" in script.told[-1].detail
        assert GATE not in plane.items
        broken.clear()
        await script.until(lambda: script.last(GATE) is Phase.REMOVED)

    play(scene, tmp_path, cache=Broken(tmp_path / "cache", b"k" * 32, "abcd1234", "local"))
    assert {spec.key for spec in cache_at(tmp_path).load()} == {KEY}


def test_a_full_disk_leaves_no_cache_rather_than_an_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cache_keeper, "_RETRY", 0.01)
    full = threading.Event()

    class Full(Cache):
        def store(self, specs: object) -> None:
            if full.is_set():
                raise OSError(28, "No space left on device")
            super().store(specs)  # type: ignore[arg-type]  # as it came

    async def scene(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        await ordered(script, plane, agent)
        full.set()
        script.say(4, Tombstone(Kind.INSTANCE, GATE.id))
        await script.until(lambda: script.last(GATE) is Phase.REMOVED)
        assert not (tmp_path / "cache").exists()
        assert "cannot be written (No space left on device) and is removed" in caplog.text
        full.clear()
        # it comes back by itself
        await until(lambda: (tmp_path / "cache").exists())

    play(scene, tmp_path, cache=Full(tmp_path / "cache", b"k" * 32, "abcd1234", "local"))


def test_a_burst_of_changes_is_a_few_writes(tmp_path: Path) -> None:
    writes: list[int] = []

    class Counting(Cache):
        def store(self, specs: object) -> None:
            super().store(specs)  # type: ignore[arg-type]  # as it came
            writes.append(len(self.load()))

    async def scene(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        for number in range(100):
            script.say(number + 1, vswitch(item_id=f"vsw-{number}"))
        await until(lambda: len(plane.items) == 100)
        # what is on the disk last is all of it, also when the agent is stopped in between

    play(scene, tmp_path, cache=Counting(tmp_path / "cache", b"k" * 32, "abcd1234", "local"))
    assert writes[-1] == 100
    assert len(writes) <= 5


def test_an_item_that_the_control_plane_does_not_know_is_an_orphan(tmp_path: Path) -> None:
    """The cache is older than the item's deletion: somebody put a backup of it back."""
    cache_at(tmp_path).store([vswitch(), vswitch(item_id=OTHER.id)])

    async def scene(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        await until(lambda: set(plane.items) == {KEY, OTHER})
        script.say(9, vswitch())
        await until(lambda: agent.orphans == {OTHER})
        assert OTHER in plane.items
        await script.until(lambda: script.last() is Phase.READY)

    play(scene, tmp_path)
    assert {spec.key for spec in cache_at(tmp_path).load()} == {KEY}


def test_the_rest_of_a_cache_waits_for_its_page(tmp_path: Path) -> None:
    cache_at(tmp_path).store([vswitch(), vswitch(item_id=OTHER.id)])

    async def scene(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        await until(lambda: set(plane.items) == {KEY, OTHER})
        script.say(9, vswitch(generation=2), upto=4)
        script.answers.put_nowait(LinkDown("in the middle"))
        await script.until(lambda: script.last() is Phase.READY and script.told[-1].generation == 2)
        assert set(plane.items) == {KEY, OTHER}
        assert agent.orphans == frozenset()

    play(scene, tmp_path)
    assert {spec.key for spec in cache_at(tmp_path).load()} == {KEY, OTHER}


SPECS: tuple[Spec, ...] = (vswitch(), instance())


def test_a_cache_holds_what_was_stored_for_its_owner_alone(tmp_path: Path) -> None:
    cache_at(tmp_path).store(SPECS)
    assert cache_at(tmp_path).load() == SPECS
    path = tmp_path / "cache"
    assert path.stat().st_mode & 0o777 == 0o600
    assert SPECS[1].id.encode() not in path.read_bytes()
    cache_at(tmp_path).store(SPECS[:1])
    assert cache_at(tmp_path).load() == SPECS[:1]
    assert [each.name for each in tmp_path.iterdir()] == ["cache"]
    cache_at(tmp_path).discard()
    assert cache_at(tmp_path).load() == ()


@pytest.mark.parametrize(
    ("reader", "said"),
    [
        ({"key": b"o" * 32}, "another key"),
        ({"installation": "zzzz9999"}, "installation and host 'abcd1234 local', and this is 'zzzz9999 local'"),
        ({"host": "h2"}, "and this is 'abcd1234 h2'"),
    ],
)
def test_a_cache_of_another_is_refused(tmp_path: Path, reader: dict[str, object], said: str) -> None:
    cache_at(tmp_path).store(SPECS)
    with pytest.raises(CacheUnusable, match=said):
        cache_at(tmp_path, **reader).load()  # type: ignore[arg-type]  # one option each


def test_a_cache_relabelled_as_ours_does_not_open(tmp_path: Path) -> None:
    cache_at(tmp_path, host="h2").store(SPECS)
    path = tmp_path / "cache"
    path.write_bytes(path.read_bytes().replace(b"abcd1234 h2", b"abcd1234 local", 1))
    with pytest.raises(CacheUnusable, match="does not open"):
        cache_at(tmp_path).load()


def test_no_damage_goes_unnoticed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Every byte changed, every length cut to: always refused, never another error, and the agent goes on without."""
    cache = cache_at(tmp_path)
    cache.store([vswitch()])
    path = tmp_path / "cache"
    whole = path.read_bytes()
    damaged = [whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :] for place in range(len(whole))]
    for content in [*damaged, *(whole[:length] for length in range(len(whole))), whole + b"x", b"\n", b"\xff" * 40]:
        path.write_bytes(content)
        with pytest.raises(CacheUnusable):
            cache.load()
    assert CacheKeeper(cache).load() == ()
    assert "the cache is ignored" in caplog.text


def test_a_cache_of_another_format_is_named(tmp_path: Path) -> None:
    cache_at(tmp_path).store(SPECS)
    path = tmp_path / "cache"
    path.write_bytes(path.read_bytes().replace(b"cache 1 ", b"cache 2 ", 1))
    with pytest.raises(CacheUnusable, match="is of format '2', and this version reads 1"):
        cache_at(tmp_path).load()


def test_an_agent_with_a_damaged_cache_waits_for_the_control_plane(tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"rubbish")

    async def scene(script: Script, plane: SimulatedPlane, agent: Agent) -> None:
        await ordered(script, plane, agent)

    play(scene, tmp_path)
    assert {spec.key for spec in cache_at(tmp_path).load()} == {KEY, GATE}


def test_the_hosts_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path, key = tmp_path / "cache", tmp_path / "host.key"
    first = open_cache(path, key, "abcd1234", "local")
    assert first is not None
    assert key.stat().st_mode & 0o777 == 0o600
    first.store(SPECS)
    again = open_cache(path, key, "abcd1234", "local")
    assert again is not None
    assert again.load() == SPECS


@pytest.mark.parametrize(("damage", "said"), [("readable", "chmod 600"), ("short", "bytes"), ("text", "base64")])
def test_a_host_key_that_cannot_be_used_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str, said: str
) -> None:
    path, key = tmp_path / "cache", tmp_path / "host.key"
    assert open_cache(path, key, "abcd1234", "local") is not None
    if damage == "readable":
        key.chmod(0o644)
    else:
        key.write_text("" if damage == "short" else "{}")
    with caplog.at_level(logging.ERROR):
        assert open_cache(path, key, "abcd1234", "local") is None
    assert said in caplog.text
    assert str(key) in caplog.text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_host_key_of_another_user_is_not_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    key = tmp_path / "host.key"
    assert open_cache(tmp_path / "cache", key, "abcd1234", "local") is not None
    os.chown(key, 65534, 65534)
    assert open_cache(tmp_path / "cache", key, "abcd1234", "local") is None
    assert "belongs to another user" in caplog.text
