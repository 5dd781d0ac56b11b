"""Runs functions in transactions and answers after COMMIT: group commit for writes, connections of their own for reads.

On PostgreSQL everything runs on threads of the store. On SQLite reads do, and writes run their statements on the event
loop, with only COMMIT on a thread: a statement is microseconds of work in the page cache, which the interpreter's lock
would serialise with the loop anyway, and handing that lock to and fro for each statement costs a quarter of the orders
a second (measured side by side). What waits for the disk is COMMIT. What queues up meanwhile shares the next
transaction, with a savepoint an operation.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable
from typing import TypeVar

from gatewright.store.backends import Backend, SqliteBackend
from gatewright.store.inline import InlineLane
from gatewright.store.jobs import Job, Work
from gatewright.store.lanes import Lane
from gatewright.store.transaction import Transaction
from gatewright.telemetry import tracing

Result = TypeVar("Result")


class StoreClosed(Exception):
    """Something was asked of a database after it was closed."""


class Database:
    """The store of one installation."""

    def __init__(self, backend: Backend, woken: Callable[[set[str]], object] = set) -> None:
        """``woken`` is called after a commit, on a thread of the store, with the hosts that the commit concerns."""
        self.woken = woken
        self._closed = False
        self._reads = Lane(backend, writing=False, woken=self._wake)
        self._writes: InlineLane | Lane
        if isinstance(backend, SqliteBackend):
            self._writes = InlineLane(backend, self._wake)
        else:
            self._writes = Lane(backend, writing=True, woken=self._wake)

    async def write(self, work: Callable[[Transaction], Result], prelude: Work | None = None) -> Result:
        """Run ``work`` in a transaction and return its result once that is committed.

        When ``work`` raises, nothing of it stays and the exception is raised here. ``prelude`` runs before it, in the
        same transaction: what it did stays even when ``work`` fails; when it raises, ``work`` is not run. Both may be
        run more than once, when the database gives up a transaction. Raises ApiError ``ServiceUnavailable`` when the
        database does not answer.
        """
        return await self._submit(self._writes, work, prelude)

    async def read(self, work: Callable[[Transaction], Result]) -> Result:
        """Run ``work`` on a consistent snapshot. It must not write."""
        return await self._submit(self._reads, work, None)

    def write_now(self, work: Callable[[Transaction], Result]) -> Result:
        """``write`` for start-up and the command line, where no event loop runs."""
        self._check_open()
        future: concurrent.futures.Future[Result] = concurrent.futures.Future()
        job = Job(work, None, future, None)
        if isinstance(self._writes, InlineLane):
            self._writes.run_now(job)
        else:
            self._writes.put(job)
        return future.result()

    def read_now(self, work: Callable[[Transaction], Result]) -> Result:
        """``read`` for the command line, where no event loop runs."""
        self._check_open()
        future: concurrent.futures.Future[Result] = concurrent.futures.Future()
        self._reads.put(Job(work, None, future, None))
        return future.result()

    async def aclose(self) -> None:
        """Finish what has been asked for, then end the threads."""
        self._closed = True
        if isinstance(self._writes, InlineLane):
            await self._writes.drained()
        await asyncio.to_thread(self._end)

    def close(self) -> None:
        """``aclose`` where no event loop runs."""
        if not self._closed:
            self._closed = True
            self._end()

    def _end(self) -> None:
        self._reads.close()
        self._writes.close()

    def _wake(self, hosts: set[str]) -> None:
        self.woken(hosts)

    async def _submit(
        self, lane: InlineLane | Lane, work: Callable[[Transaction], Result], prelude: Work | None
    ) -> Result:
        self._check_open()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        with tracing.within("transaction") as span:
            span.tell(writes=int(lane is self._writes))
            lane.put(Job(work, prelude, future, loop))
            return await future

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosed("the database is closed")
