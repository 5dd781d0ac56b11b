"""What agents talk to, whatever link lies between."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from functools import partial

import msgspec

from gatewright.clock import Clock, SystemClock
from gatewright.errors import SERVICE_UNAVAILABLE, ApiError
from gatewright.link.contract import HostChanges, Secret
from gatewright.reconcile.folding import fold
from gatewright.reconcile.traffic import Traffic
from gatewright.reconcile.tunnels import fold_tunnels, open_secrets
from gatewright.reconcile.wanted import changes
from gatewright.reconcile.watching import HostWatch
from gatewright.resources.specs import ItemKey, Kind, Observation, Phase
from gatewright.resources.traffic import Count
from gatewright.resources.tunnel_states import TunnelLine, TunnelState
from gatewright.resources.tunnels import SecretRef
from gatewright.secrets import Sealer
from gatewright.store import hosts, placements
from gatewright.store.database import Database, StoreClosed

_log = logging.getLogger(__name__)
#: How long a poll sleeps before it looks again by itself, seconds: what a lost wake-up costs at the most.
LOOK_AGAIN = 1.0
#: A host's answers come at least so many seconds apart: under load one serves many writes.
APART = 0.02
#: How often it is noted that an agent is there, seconds.
MEETINGS_APART = 10.0
#: How many observations one transaction folds.
_FOLD_BATCH = 50


class ControlPlane:
    """Answers the agents' polls and folds their reports."""

    def __init__(self, database: Database, clock: Clock, traffic: Traffic, sealer: Sealer) -> None:
        """``clock`` is the service's: what happens has its time."""
        self._database = database
        self._clock = clock
        self._traffic = traffic
        self._sealer = sealer
        #: What a host tells of tunnels is folded in the order in which it comes.
        self._tunnel_turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._wakeups: dict[str, asyncio.Event] = {}
        #: When each host got its last answer with something in it, by the loop's clock.
        self._answered: dict[str, float] = {}
        #: The version of specs that each host's agent knows, and when that was noted last, by the loop's clock.
        self._met: dict[str, tuple[int, float]] = {}
        #: Of which host's items what was seen could not be noted: that is logged once.
        self._unfolded: set[tuple[str, ItemKey]] = set()
        #: What was heard of hosts.
        self.watch = HostWatch()
        self._loop = asyncio.get_running_loop()
        database.woken = self._woken

    async def changes(self, host_id: str, since: int, wait: float) -> HostChanges:
        """What changed on a host after a revision; waits up to ``wait`` seconds for there to be something."""
        deadline = self._loop.time() + wait
        while True:
            too_early = self._answered.get(host_id, 0.0) + APART - self._loop.time()
            if too_early > 0:
                await asyncio.sleep(too_early)
            wakeup = self._wakeups.setdefault(host_id, asyncio.Event())
            wakeup.clear()
            found = await self._database.read(lambda transaction: changes(transaction, host_id, since))
            self.watch.polled(host_id, found.revision)
            remaining = deadline - self._loop.time()
            if found.items or found.revision != since or remaining <= 0:
                if found.items:
                    self._answered[host_id] = self._loop.time()
                return found
            try:
                async with asyncio.timeout(min(remaining, LOOK_AGAIN)):
                    await wakeup.wait()
            except TimeoutError:
                continue

    async def host_of(self, fingerprint: str) -> str | None:
        """The host whose certificate has a fingerprint, or None."""
        return await self._database.read(lambda transaction: hosts.of_certificate(transaction, fingerprint))

    async def met(self, host_id: str, version: int) -> None:
        """Note that a host's agent was heard of: now and then, and when it knows another version of specs."""
        now = self._loop.time()
        known, at = self._met.get(host_id, (0, 0.0))
        if known != version or now - at > MEETINGS_APART:
            self._met[host_id] = (version, now)
            told = SystemClock().now()
            await self._database.write(lambda transaction: hosts.met(transaction, host_id, told, version))

    async def report(self, host_id: str, observations: Sequence[Observation]) -> None:
        """Fold what a host's agent saw. Returns once it is committed.

        What cannot be noted of one item keeps nothing of the others from being noted; then ApiError
        ``ServiceUnavailable`` is raised, and the agent tells it again.
        """
        observations = [_storable(each) for each in observations]
        self.watch.reported(host_id, observations)
        failed: list[ItemKey] = []
        for start in range(0, len(observations), _FOLD_BATCH):
            batch = observations[start : start + _FOLD_BATCH]
            try:
                await self._fold(host_id, batch)
            except (ApiError, StoreClosed):
                raise
            except Exception as error:
                if not self._unfolded:
                    _log.warning("folding %d observations of %s one by one: %s", len(batch), host_id, error)
                failed += await self._fold_singly(host_id, batch)
        if failed:
            raise SERVICE_UNAVAILABLE.because(
                f"What was seen of {', '.join(map(str, failed))} could not be noted: the control plane's log says why."
            )

    async def traffic(self, host_id: str, counts: Sequence[Count]) -> float:
        """Note what has gone through instances of a host. Returns in how many seconds its agent is to tell again.

        A host is not heard on instances that are not placed on it.
        """
        unknown = [ItemKey(Kind.INSTANCE, each) for each in self._traffic.unknown(host_id, counts)]
        if unknown:
            found = await self._database.read(lambda transaction: placements.find_all(transaction, unknown, host_id))
            others = {key.id for key in unknown if key not in found}
            counts = [count for count in counts if count.id not in others]
        self._traffic.note(host_id, counts, self._clock.now())
        return self._traffic.every

    async def tunnels(self, host_id: str, states: Sequence[TunnelState], lines: Sequence[TunnelLine]) -> None:
        """Fold what a host's agent saw of tunnels. Returns once it is committed."""
        states = [msgspec.structs.replace(each, detail=_text(each.detail)) for each in states]
        lines = [msgspec.structs.replace(each, text=_text(each.text)) for each in lines]
        async with self._tunnel_turns[host_id]:
            try:
                await self._fold_tunnels(host_id, states, lines)
            except (ApiError, StoreClosed):
                raise
            except Exception:
                _log.exception("folding what %s said of %d tunnels failed: one by one", host_id, len(states))
                await self._fold_tunnels_singly(host_id, states, lines)

    async def secrets(self, host_id: str, references: Sequence[SecretRef]) -> Sequence[Secret]:
        """The values of those secrets that a host is to know."""
        return await self._database.read(
            lambda transaction: open_secrets(transaction, self._sealer, host_id, references)
        )

    async def _fold_tunnels(self, host_id: str, states: Sequence[TunnelState], lines: Sequence[TunnelLine]) -> None:
        await self._database.write(
            partial(fold_tunnels, host_id=host_id, states=states, lines=lines, now=self._clock.now())
        )

    async def _fold_tunnels_singly(
        self, host_id: str, states: Sequence[TunnelState], lines: Sequence[TunnelLine]
    ) -> None:
        """What cannot be noted of one tunnel keeps nothing of the others from being noted.

        A state is told again with the instance's next apply.
        """
        own: dict[str, tuple[list[TunnelState], list[TunnelLine]]] = {}
        for state in states:
            own.setdefault(state.id, ([], []))[0].append(state)
        for line in lines:
            own.setdefault(line.tunnel_id, ([], []))[1].append(line)
        for tunnel_id, (of_it, its_lines) in own.items():
            try:
                await self._fold_tunnels(host_id, of_it, its_lines)
            except (ApiError, StoreClosed):
                raise
            except Exception as error:
                _log.warning("what %s said of %s is not noted: %r", host_id, tunnel_id, error)

    async def _fold(self, host_id: str, observations: Sequence[Observation]) -> None:
        await self._database.write(partial(fold, host_id=host_id, observations=observations, now=self._clock.now()))
        if self._unfolded:
            self._unfolded.difference_update((host_id, each.key) for each in observations)
        for each in observations:
            if each.phase is Phase.REMOVED:
                self._traffic.forget(each.id, host_id)

    async def _fold_singly(self, host_id: str, observations: Sequence[Observation]) -> list[ItemKey]:
        """Returns the items whose observations could not be folded, for another reason than the database's state."""
        failed = []
        for each in observations:
            try:
                await self._fold(host_id, [each])
            except (ApiError, StoreClosed):
                raise
            except Exception:
                if (host_id, each.key) not in self._unfolded:
                    _log.exception("folding what %s said of %s failed", host_id, each.key)
                self._unfolded.add((host_id, each.key))
                failed.append(each.key)
        return failed

    def _woken(self, hosts: set[str]) -> None:
        """Called on the store's threads after a commit."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake, hosts)

    def _wake(self, hosts: set[str]) -> None:
        for host in hosts:
            wakeup = self._wakeups.get(host)
            if wakeup is not None:
                wakeup.set()


def _storable(seen: Observation) -> Observation:
    return msgspec.structs.replace(seen, detail=_text(seen.detail))


def _text(text: str) -> str:
    """What every database takes: PostgreSQL's text has no NUL."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
