"""A host in memory: a simulated plane with its agent, which can be stopped, changed and started anew."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from typing import Any

from gatewright.agent.loop import Agent
from gatewright.agent.memory import RevisionMemory
from gatewright.link.contract import Authority
from gatewright.link.direct import DirectLink
from gatewright.plane.simulated import Peers, Remembered, SimulatedPlane, Timing
from gatewright.resources.specs import Observation
from gatewright.resources.tunnel_states import TunnelLine, TunnelState

#: How often it is looked whether a host has settled, and for how long at the most, seconds.
_LOOK_AGAIN = 0.002
_PATIENCE = 10.0


class SimulatedHost:
    """Runs an agent on a simulated plane, and later a new agent on another plane if that is asked for."""

    def __init__(
        self,
        authority: Authority,
        host_id: str,
        timing: Timing | None = None,
        peers: Peers | None = None,
        *,
        stoppable: bool = True,
    ) -> None:
        """One that is not ``stoppable`` runs its agent to the end, and spares what stopping one takes."""
        self._timing = timing
        self._peers = peers
        self._link = FinishingLink(authority, host_id) if stoppable else DirectLink(authority, host_id)
        self._agent: Agent | None = None
        self._running: asyncio.Task[None] | None = None
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.plane = SimulatedPlane(timing, peers=peers)

    async def run(self) -> None:
        """Run until cancelled. Raises what an agent fails with."""
        self._start()
        try:
            await self._end
        finally:
            await self._stop()

    @contextlib.asynccontextmanager
    async def stopped(self) -> AsyncIterator[None]:
        """Within the context no agent runs, and nothing is under way that one told; after it a new one runs."""
        if not isinstance(self._link, FinishingLink):
            raise RuntimeError("this host is not stoppable")
        await self._stop()
        try:
            yield
        finally:
            self._start()

    async def settled(self, revision: int) -> None:
        """Wait until all that was wanted at a revision is begun and told, and only time or another try moves anything.

        For a while only: while the database is away, nothing settles.
        """
        times = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                # Twice in a row: what a step of the agent's has just set off is seen at the next look.
                while times < 2:
                    agent = self._agent
                    settled = agent is not None and agent.settled(revision, self.plane.timed)
                    times = times + 1 if settled and self.plane.tunnels.timed() else 0
                    await asyncio.sleep(_LOOK_AGAIN)

    def replace(self, memory: Iterable[Remembered] = ()) -> None:
        """Have a plane with what this memory says instead, while no agent runs."""
        self.plane = SimulatedPlane(self._timing, memory, self._peers)

    def _start(self) -> None:
        if not self._end.done():
            self._agent = Agent(self.plane, self._link, RevisionMemory())
            self._running = asyncio.create_task(self._agent.run())
            self._running.add_done_callback(self._ended)

    def _ended(self, agent: asyncio.Task[None]) -> None:
        if agent.cancelled() or self._end.done():
            return
        failure = agent.exception()
        if failure is not None:
            self._end.set_exception(failure)

    async def _stop(self) -> None:
        running, self._running, self._agent = self._running, None, None
        if running is not None:
            running.cancel()
            await asyncio.wait((running,))
        if isinstance(self._link, FinishingLink):
            await self._link.finished()


class FinishingLink(DirectLink):
    """A direct link that finishes a report whose agent is stopped: what comes after is not overtaken by it."""

    def __init__(self, authority: Authority, host_id: str) -> None:
        super().__init__(authority, host_id)
        self._reports: set[asyncio.Future[None]] = set()

    async def report(self, observations: Sequence[Observation]) -> None:
        await self._finish(super().report(observations))

    async def tunnels(self, states: Sequence[TunnelState], lines: Sequence[TunnelLine]) -> None:
        await self._finish(super().tunnels(states, lines))

    async def finished(self) -> None:
        """Wait until nothing is under way that an agent told."""
        # Whether they got through or not is of no interest to anybody any more.
        await asyncio.gather(*self._reports, return_exceptions=True)

    async def _finish(self, report: Coroutine[Any, Any, None]) -> None:
        telling = asyncio.ensure_future(report)
        self._reports.add(telling)
        telling.add_done_callback(self._reports.discard)
        await asyncio.shield(telling)
