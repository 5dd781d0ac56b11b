"""Runs functions in transactions, on threads of its own, and answers after COMMIT.

Writes go through one queue. A writing thread takes what has queued up, runs it in one transaction with a savepoint an
operation, commits, and only then delivers the results (group commit). Reads have threads and connections of their
own, and see everything that was acknowledged before they were asked for.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from gatewright.errors import SERVICE_UNAVAILABLE
from gatewright.store.backends import Backend
from gatewright.store.transaction import Connection, Transaction

Result = TypeVar("Result")
Work = Callable[[Transaction], Any]

_log = logging.getLogger(__name__)
_ATTEMPTS = 4


class StoreClosed(Exception):
    """Something was asked of a database after it was closed."""


class _Job:
    """One function to run, and whom to tell."""

    __slots__ = ("error", "future", "loop", "prelude", "result", "work")

    def __init__(
        self,
        work: Work,
        prelude: Work | None,
        future: asyncio.Future[Any] | concurrent.futures.Future[Any],
        loop: asyncio.AbstractEventLoop | None,
    ) -> None:
        self.work = work
        self.prelude = prelude
        self.future = future
        self.loop = loop
        self.result: Any = None
        self.error: BaseException | None = None

    def settle(self) -> None:
        """Deliver; on the loop's thread for an asyncio future."""
        if self.future.cancelled():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


def _settle_all(jobs: Sequence[_Job]) -> None:
    for job in jobs:
        job.settle()


class Database:
    """The store of one installation."""

    def __init__(self, backend: Backend, woken: Callable[[set[str]], object] = set) -> None:
        """``woken`` is called after a commit, on the writing thread, with the hosts that the commit concerns."""
        self.backend = backend
        self.woken = woken
        self._closed = False
        self._writes = _Lane(self, "write", backend.writers, backend.write_batch, backend.begin_write, writing=True)
        self._reads = _Lane(self, "read", backend.readers, backend.read_batch, backend.begin_read, writing=False)

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
        future: concurrent.futures.Future[Result] = concurrent.futures.Future()
        self._enqueue(self._writes, _Job(work, None, future, None))
        return future.result()

    def close(self) -> None:
        """Finish what has been asked for, then stop the threads."""
        if not self._closed:
            self._closed = True
            self._reads.close()
            self._writes.close()

    async def _submit(self, lane: _Lane, work: Callable[[Transaction], Result], prelude: Work | None) -> Result:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._enqueue(lane, _Job(work, prelude, future, loop))
        return await future

    def _enqueue(self, lane: _Lane, job: _Job) -> None:
        if self._closed:
            raise StoreClosed("the database is closed")
        lane.jobs.put(job)


class _Lane:
    """Threads that take jobs from one queue, each with a connection of its own."""

    def __init__(self, database: Database, name: str, threads: int, batch: int, begin: str, *, writing: bool) -> None:
        self.jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._database = database
        self._batch = batch
        self._begin = begin
        self._writing = writing
        self._threads = [
            threading.Thread(target=self._run, name=f"store-{name}-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        for _ in self._threads:
            self.jobs.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        connection: Connection | None = None
        ending = False
        while not ending:
            first = self.jobs.get()
            if first is None:
                break
            jobs = [first]
            while len(jobs) < self._batch:
                try:
                    job = self.jobs.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    ending = True
                    break
                jobs.append(job)
            connection = self._serve(connection, jobs)
        if connection is not None:
            connection.close()

    def _serve(self, connection: Connection | None, jobs: list[_Job]) -> Connection | None:
        """Run a batch and deliver it. Returns the connection to go on with; None when it is of no more use."""
        backend = self._database.backend
        for attempt in range(1, _ATTEMPTS + 1):
            committing = False
            try:
                if connection is None:
                    connection = backend.connect(read_only=not self._writing)
                transaction = Transaction(connection, backend.flavour)
                transaction.raw(self._begin)
                for job in jobs:
                    self._run_job(transaction, job)
                committing = True
                transaction.raw("COMMIT")
            except Exception as error:
                _discard(connection)
                connection = None
                # A commit whose answer was lost may have happened: it is never run a second time.
                if attempt < _ATTEMPTS and not committing and backend.retriable(error):
                    continue
                _log.error("the database failed: %s: %s", type(error).__name__, error)
                for job in jobs:
                    job.error = SERVICE_UNAVAILABLE.because("The database does not answer; try again.")
            else:
                if transaction.woken:
                    self._database.woken(transaction.woken)
            break
        self._deliver(jobs)
        return connection

    def _run_job(self, transaction: Transaction, job: _Job) -> None:
        job.result, job.error = None, None
        try:
            if job.prelude is not None:
                job.prelude(transaction)
        except Exception as error:
            if self._database.backend.unavailable(error):
                raise
            job.error = error
            return
        if self._writing:
            transaction.raw("SAVEPOINT operation")
        try:
            job.result = job.work(transaction)
        except Exception as error:
            if self._database.backend.unavailable(error):
                raise
            job.error = error
            if self._writing:
                transaction.raw("ROLLBACK TO SAVEPOINT operation")
        if self._writing:
            transaction.raw("RELEASE SAVEPOINT operation")

    def _deliver(self, jobs: list[_Job]) -> None:
        loops: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
        for job in jobs:
            if job.loop is None:
                job.settle()
            else:
                loops.setdefault(job.loop, []).append(job)
        for loop, mine in loops.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_settle_all, mine)


def _discard(connection: Connection | None) -> None:
    if connection is not None:
        try:
            connection.close()
        except Exception as error:
            _log.debug("closing a broken connection: %s", error)
