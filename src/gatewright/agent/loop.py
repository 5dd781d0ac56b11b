"""The agent's loop: poll, apply, report.

Level-triggered. What is wanted of an item is one document, replaced whole; a task an item makes the plane be so,
again and again until it is. Nothing is removed but what a tombstone names.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Set
from itertools import repeat
from typing import TYPE_CHECKING

from gatewright.agent.local import Wish
from gatewright.agent.memory import RevisionMemory
from gatewright.agent.relapses import Relapses
from gatewright.agent.reports import Reporter
from gatewright.agent.traffic import TrafficReporter
from gatewright.agent.tunnel_reports import TunnelReporter
from gatewright.link.contract import HostChanges, Link, LinkDown, Wanted
from gatewright.plane.contract import Plane, PlaneError
from gatewright.resources.specs import InstanceSpec, ItemKey, Kind, Observation, Phase, Spec, Tombstone, needs
from gatewright.telemetry import tracing

if TYPE_CHECKING:
    from gatewright.agent.cache_keeper import CacheKeeper

_log = logging.getLogger(__name__)

#: How long one poll waits for something to change, seconds.
POLL = 20.0
#: How often everything is asked for from the beginning, seconds: what a mistaken belief costs at the most.
RESYNC = 300.0
_RETRY_FIRST = 0.2
_RETRY_LAST = 30.0
_RETRY_LINK = 5.0
#: From this delay on a failed try to reach the control plane is worth a warning.
_RETRY_LOUD = 2.0
#: How long an item waits for a vSwitch that it is plugged into before it tries again, seconds.
_VSWITCH_PATIENCE = 2.0


class Agent:
    """Runs one host's items on a plane."""

    def __init__(self, plane: Plane, link: Link, memory: RevisionMemory, cache: CacheKeeper | None = None) -> None:
        self._plane = plane
        self._link = link
        self._memory = memory
        self._cache = cache
        self._reporter = Reporter(link)
        self._traffic = TrafficReporter(plane, link)
        self._tunnels = TunnelReporter(link)
        self._wanted: dict[ItemKey, Wanted] = {}
        #: Which items the plane was seen to run as they are wanted now.
        self._standing: set[ItemKey] = set()
        self._tasks: dict[ItemKey, asyncio.Task[None]] = {}
        self._changed: dict[ItemKey, asyncio.Event] = {}
        self._found: set[ItemKey] = set()
        #: What the plane was found with, by its generation, until it is first applied.
        self._adopted: dict[ItemKey, int] = {}
        #: Items that wait for a vSwitch.
        self._waiting: dict[ItemKey, set[ItemKey]] = {}
        #: Items whose task waits for another item, or for its next try.
        self._parked: set[ItemKey] = set()
        #: Items that are left alone for a while, because they broke again and again.
        self._resting: set[ItemKey] = set()
        #: The revision up to which the control plane was followed.
        self.followed = 0
        #: Whether the control plane has said all that it wants since the start.
        self.heard = False
        #: Why the control plane is not followed, for people; empty while it is.
        self.trouble = ""
        #: What broke since its task last looked.
        self._broke: set[ItemKey] = set()
        #: Why what is being mended broke.
        self._reasons: dict[ItemKey, str] = {}
        #: What is wanted by the cache's word only, the control plane not having been heard on it.
        self._remembered: set[ItemKey] = set()
        #: What made items change that are not brought about yet: a ``traceparent``, where traces are recorded.
        self._traces: dict[ItemKey, str] = {}
        self._relapses = Relapses()
        self.orphans: frozenset[ItemKey] = frozenset()
        #: What was found and has not been looked at since.
        self._unseen: set[ItemKey] = set()

    async def run(self) -> None:
        """Adopt what is there, then follow the control plane until cancelled. The items carry on afterwards."""
        found = await self._plane.open(self._broken, self._tunnels.told, self._tunnels.reveal)
        self._found, self._adopted = set(found), dict(found)
        if found:
            self._unseen = set(found)
            _log.info("found %d items of earlier runs on this host", len(found))
        if self._cache is not None:
            self._remember(self._cache.load(), found)
        try:
            async with asyncio.TaskGroup() as group:
                if self._cache is not None:
                    group.create_task(self._cache.run(self._specs))
                group.create_task(self._reporter.run())
                group.create_task(self._traffic.run())
                group.create_task(self._tunnels.run())
                group.create_task(self._poll())
        finally:
            tasks = tuple(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._plane.close()

    def settled(self, revision: int, timed: Callable[[ItemKey], bool]) -> bool:
        """Whether all that was wanted at a revision is begun and told, and nothing moves but by time or another try.

        ``timed`` says of an item that is being applied or removed whether the plane only lets time pass.
        """
        return (
            self.followed >= revision
            and self._reporter.idle
            and self._tunnels.idle
            and all(key in self._parked or timed(key) for key in self._tasks)
        )

    def _remember(self, cached: tuple[Spec, ...], found: Mapping[ItemKey, int]) -> None:
        """Begin with what was wanted last, until the control plane says what is wanted now.

        What stands newer than the cache has it stays as it is: the agent was killed before it could note the change.
        """
        for spec in cached:
            if found.get(spec.key, 0) <= spec.generation:
                self._wanted[spec.key] = spec
                self._remembered.add(spec.key)
        for key in self._remembered:
            self._kick(key)

    def _specs(self) -> tuple[Spec, ...]:
        """What is wanted and is to come back after a reboot."""
        return tuple(item for item in self._wanted.values() if not isinstance(item, Tombstone))

    def wishes(self) -> dict[ItemKey, Wish]:
        """What is wanted of each item that is known of."""
        known = {
            key: Wish.DELETED if isinstance(item, Tombstone) else Wish.WANTED for key, item in self._wanted.items()
        }
        return dict.fromkeys(self.orphans, Wish.ORPHAN) | known

    async def remove_orphan(self, key: ItemKey) -> None:
        """Remove an orphan, on a person's word. Raises PlaneError, also if it is none (any more)."""
        if key not in self.orphans or key in self._tasks:
            raise PlaneError(f"{key} is no orphan: it is left alone")
        failures: list[PlaneError] = []

        async def remove() -> None:
            try:
                await self._plane.remove(key)
            except PlaneError as error:
                failures.append(error)

        # as the item's task: should the control plane want it at this moment, that waits
        self._changed[key] = asyncio.Event()
        task = self._tasks[key] = asyncio.get_running_loop().create_task(remove(), name=str(key))
        task.add_done_callback(lambda done: self._driven(key, done))
        await asyncio.shield(task)
        if failures:
            raise failures[0]
        self._found.discard(key)
        self.orphans -= {key}
        _log.warning("%s was an orphan, and was removed on a person's word", key)

    async def _poll(self) -> None:
        """Follow the host's revision; now and then from the beginning."""
        loop = asyncio.get_running_loop()
        since, resync_at = 0, loop.time() + RESYNC
        listed: set[ItemKey] | None = set()
        delay = _RETRY_FIRST / 4
        while True:
            if loop.time() >= resync_at and listed is None:
                since, listed, resync_at = 0, set(), loop.time() + RESYNC
            wait = 0.0 if listed is not None else max(0.0, min(POLL, resync_at - loop.time()))
            try:
                changes = await self._link.changes(since, wait)
            except LinkDown as error:
                # A few failed tries are what a start looks like from here.
                self.trouble = f"no control plane: {error}"
                _log.log(logging.INFO if delay < _RETRY_LOUD else logging.WARNING, "no control plane: %s", error)
                await asyncio.sleep(delay)
                delay = min(delay * 1.5, _RETRY_LINK)
                continue
            delay = _RETRY_FIRST / 4
            if changes.revision < self._memory.highest:
                self.trouble = (
                    f"the control plane is at revision {changes.revision} and was at {self._memory.highest} before: "
                    "nothing is changed on this host. Has an old or empty database been put in place?"
                )
                _log.error("%s", self.trouble)
                await asyncio.sleep(5.0)
                continue
            self.trouble = ""
            self._memory.note(changes.revision)
            since = changes.upto
            self._take(changes)
            self.followed = since
            if listed is not None:
                listed |= {item.key for item in changes.items}
                if changes.upto == changes.revision:
                    self._judge(listed)
                    listed = None

    def _take(self, changes: HostChanges) -> None:
        traced = len(changes.traces) == len(changes.items)
        for item, traceparent in zip(changes.items, changes.traces if traced else repeat(""), strict=False):
            key = item.key
            self._remembered.discard(key)
            self.orphans -= {key}
            if self._wanted.get(key) != item:
                self._wanted[key] = item
                if traceparent and tracing.on():
                    self._traces[key] = traceparent
                if self._cache is not None:
                    self._cache.note()
                self._standing.discard(key)
                self._kick(key)
            elif key not in self._tasks:
                # Asked for again and nothing to do: say once more how it stands.
                self._tell_standing(item)

    def _tell_standing(self, item: Wanted) -> None:
        if isinstance(item, Tombstone):
            self._kick(item.key)
        elif item.key in self._standing:
            self._observe(item, Phase.READY)
            if isinstance(item, InstanceSpec):
                self._tunnels.retell(item)

    def _judge(self, listed: set[ItemKey]) -> None:
        """Name what was found on the host and is not wanted: it is left alone until a person says otherwise."""
        for key in self._remembered - listed:
            # the cache is older than its deletion: a backup of it was put back, or the database is another
            del self._wanted[key]
            self._standing.discard(key)
            self._found.add(key)
            if self._cache is not None:
                self._cache.note()
        self._remembered.clear()
        self.heard = True
        self._seen(self._found - listed)
        orphans = frozenset(self._found - listed)
        if orphans and orphans != self.orphans:
            _log.warning("left alone, because neither wanted nor deleted: %s", ", ".join(sorted(map(str, orphans))))
        self.orphans = orphans

    def _broken(self, key: ItemKey, reason: str) -> None:
        """The plane says that an item is no longer as it was applied."""
        _log.warning("%s: %s", key, reason)
        self._standing.discard(key)
        self._adopted.pop(key, None)
        # Of one that is left alone for a while it says nothing new: what is missing of it has not been mended since.
        if key in self._wanted and key not in self._resting:
            # Also while it is being applied: the break may be of what was just made, and then it is looked at again.
            self._broke.add(key)
            self._reasons[key] = reason
            self._relapses.note(key, reason, asyncio.get_running_loop().time())
            self._kick(key)

    def _kick(self, key: ItemKey) -> None:
        """Have the item's task look at what is wanted of it; there is one task an item at most."""
        event = self._changed.setdefault(key, asyncio.Event())
        event.set()
        if key not in self._tasks:
            task = asyncio.get_running_loop().create_task(self._drive(key, event), name=str(key))
            self._tasks[key] = task
            task.add_done_callback(lambda done: self._driven(key, done))

    def _driven(self, key: ItemKey, task: asyncio.Task[None]) -> None:
        del self._tasks[key]
        if not task.cancelled() and task.exception() is not None:
            _log.error("the task of %s failed", key, exc_info=task.exception())
        if self._changed.pop(key).is_set() and not task.cancelled():
            self._kick(key)
        else:
            self._seen({key})

    def _seen(self, keys: Set[ItemKey]) -> None:
        """Something was brought about, or is an orphan; once that holds for all that was found, say so."""
        before = len(self._unseen)
        self._unseen -= keys
        if before and self.heard and not self._unseen:
            _log.info("all that was found is as it is wanted")

    async def _drive(self, key: ItemKey, changed: asyncio.Event) -> None:
        """Bring one item to what is wanted, trying again ever more slowly."""
        delay = _RETRY_FIRST
        while True:
            changed.clear()
            self._broke.discard(key)
            item = self._wanted.get(key)
            if item is None:
                return
            if await self._relapsed(key, item, changed):
                continue
            try:
                with tracing.following(f"bring about {key.kind}", self._traces.get(key, "")) as span:
                    span.tell(item=key.id, kind=key.kind.value)
                    try:
                        await self._bring_about(key, item)
                    except PlaneError as error:
                        span.fail(str(error))
                        raise
            except PlaneError as error:
                _log.warning("%s: %s", key, error)
                self._observe(item, Phase.FAILED, str(error))
            except Exception as error:
                _log.exception("%s: the plane failed", key)
                self._observe(item, Phase.FAILED, f"{type(error).__name__}: {error}")
            else:
                self._traces.pop(key, None)
                return
            try:
                with self._parking(key):
                    async with asyncio.timeout(delay):
                        await changed.wait()
                delay = _RETRY_FIRST
            except TimeoutError:
                delay = min(delay * 2, _RETRY_LAST)

    async def _relapsed(self, key: ItemKey, item: Wanted, changed: asyncio.Event) -> bool:
        """Wait, if the item breaks again and again. True if something happened before the time was over."""
        if isinstance(item, Tombstone):
            self._relapses.forget(key)
            return False
        relapse = self._relapses.of(key, asyncio.get_running_loop().time())
        if relapse is None:
            return False
        _log.warning("%s: %s", key, relapse)
        self._observe(item, Phase.FAILED, str(relapse))
        self._resting.add(key)
        try:
            with self._parking(key), contextlib.suppress(TimeoutError):
                async with asyncio.timeout(relapse.pause):
                    await changed.wait()
                    return True
        finally:
            self._resting.discard(key)
        return False

    @contextlib.contextmanager
    def _parking(self, key: ItemKey) -> Iterator[None]:
        """Within the context the item's task only waits."""
        self._parked.add(key)
        try:
            yield
        finally:
            self._parked.discard(key)

    async def _bring_about(self, key: ItemKey, item: Wanted) -> None:
        reason = self._reasons.pop(key, "")
        if isinstance(item, Tombstone):
            await self._plane.remove(key)
            self._found.discard(key)
            if self._cache is not None:
                # once its removal is confirmed, nobody would remove it again
                await self._cache.kept()
            self._observe(item, Phase.REMOVED)
            self._tunnels.forget(key.id)
            if self._wanted.get(key) is item:
                del self._wanted[key]
            return
        # What is done before anybody could look was never under way, nor is what was found standing as it is wanted.
        under_way: asyncio.Handle | None = None
        if self._adopted.pop(key, None) != item.generation:
            under_way = asyncio.get_running_loop().call_soon(self._observe, item, Phase.APPLYING, reason)
        try:
            await self._vswitches_of(item)
            await self._plane.apply(item)
        finally:
            if under_way is not None:
                under_way.cancel()
        if key in self._broke:
            raise PlaneError("it broke while it was being applied")
        if self._wanted.get(key) is item:
            self._standing.add(key)
        self._observe(item, Phase.READY)
        if isinstance(item, InstanceSpec):
            self._tunnels.retell(item)
        for waiting in self._waiting.pop(key, ()):
            self._kick(waiting)

    async def _vswitches_of(self, spec: Spec) -> None:
        """What an item is plugged into comes first."""
        keys = needs(spec)
        tasks = [self._tasks[key] for key in keys if key in self._tasks]
        if tasks:
            with self._parking(spec.key):
                await asyncio.wait(tasks, timeout=_VSWITCH_PATIENCE)
        for key in keys:
            if key in self._wanted and key not in self._standing:
                self._waiting.setdefault(key, set()).add(spec.key)
                if spec.key.kind is Kind.ROUTER:
                    continue  # one vSwitch that cannot be made keeps no other from being routed
                raise PlaneError(f"its {key} is not there yet")

    def _observe(self, item: Wanted, phase: Phase, detail: str = "") -> None:
        generation = 0 if isinstance(item, Tombstone) else item.generation
        self._reporter.observe(
            Observation(kind=item.key.kind, id=item.id, generation=generation, phase=phase, detail=detail)
        )
