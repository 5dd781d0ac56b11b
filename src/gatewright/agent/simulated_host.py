"""A host in memory: a simulated plane with its agent, which can be stopped, changed and started anew."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence

from gatewright.agent.loop import Agent
from gatewright.agent.memory import RevisionMemory
from gatewright.link.contract import Authority
from gatewright.link.direct import DirectLink
from gatewright.plane.simulated import Remembered, SimulatedPlane, Timing
from gatewright.resources.specs import Observation


class SimulatedHost:
    """Runs an agent on a simulated plane, and later a new agent on another plane if that is asked for."""

    def __init__(self, authority: Authority, host_id: str, timing: Timing | None = None) -> None:
        self._timing = timing
        self._link = _FinishingLink(authority, host_id)
        self._agent: asyncio.Task[None] | None = None
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.plane = SimulatedPlane(timing)

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
        await self._stop()
        try:
            yield
        finally:
            self._start()

    def replace(self, memory: Iterable[Remembered] = ()) -> None:
        """Have a plane with what this memory says instead, while no agent runs."""
        self.plane = SimulatedPlane(self._timing, memory)

    def _start(self) -> None:
        if not self._end.done():
            self._agent = asyncio.create_task(Agent(self.plane, self._link, RevisionMemory()).run())
            self._agent.add_done_callback(self._ended)

    def _ended(self, agent: asyncio.Task[None]) -> None:
        if agent.cancelled() or self._end.done():
            return
        failure = agent.exception()
        if failure is not None:
            self._end.set_exception(failure)

    async def _stop(self) -> None:
        agent, self._agent = self._agent, None
        if agent is not None:
            agent.cancel()
            await asyncio.wait((agent,))
        await self._link.finished()


class _FinishingLink(DirectLink):
    """A direct link that finishes a report whose agent is stopped: what comes after is not overtaken by it."""

    _report: asyncio.Future[None] | None = None

    async def report(self, observations: Sequence[Observation]) -> None:
        self._report = asyncio.ensure_future(super().report(observations))
        await asyncio.shield(self._report)

    async def finished(self) -> None:
        if self._report is not None:
            # Whether it got through or not is of no interest to anybody any more.
            await asyncio.gather(self._report, return_exceptions=True)
