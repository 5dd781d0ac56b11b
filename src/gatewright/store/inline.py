"""SQLite's writes: statements on the event loop, COMMIT on a thread. See :mod:`gatewright.store.database` for why."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from gatewright.store import lanes
from gatewright.store.backends import SqliteBackend
from gatewright.store.causes import LATE, cause_of
from gatewright.store.jobs import Job, lose_all, settle_all
from gatewright.store.lanes import discard
from gatewright.store.transaction import Connection, Transaction

_log = logging.getLogger(__name__)
#: How long a batch waits, on the thread, for another process that holds the database, milliseconds.
_PATIENCE = 10_000
#: How long a transaction waits for company at the most, seconds; only when the one before had some.
_GATHER = 0.001


class InlineLane:
    """One connection, one transaction at a time. Used from one event loop at a time."""

    def __init__(self, backend: SqliteBackend, woken: Callable[[set[str]], object]) -> None:
        self._backend = backend
        self._woken = woken
        self._jobs: deque[Job] = deque()
        self._connection: Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-commit")
        #: When the next transaction begins, if that is not now.
        self._timer: asyncio.Handle | None = None
        #: What a transaction runs in, which is not the request's that asked first.
        self._nobodys = contextvars.Context()
        self._running = False
        self._last = 1
        self._idle = asyncio.Event()
        self._idle.set()

    def put(self, job: Job) -> None:
        """Run the job soon; on the loop's thread."""
        if job.loop is None:
            raise ValueError("a job without an event loop is run with run_now")
        self._jobs.append(job)
        self._idle.clear()
        if not self._running:
            self._schedule(job.loop)

    def run_now(self, job: Job) -> None:
        """Run a job at once and deliver it, where no event loop runs."""
        self._finish_waiting([job])
        job.settle()

    async def drained(self) -> None:
        """Wait until everything that was put is delivered."""
        await self._idle.wait()

    def close(self) -> None:
        """End the thread; nothing may be under way."""
        self._thread.shutdown()
        discard(self._connection)
        self._connection = None

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin the next transaction: soon, or under load when as many jobs are there as the last one had.

        Those whose answers came with the last commit are about to ask again; half a commit each would serve nobody.
        """
        if self._timer is None:
            self._timer = (
                loop.call_later(_GATHER, self._run, loop, context=self._nobodys)
                if self._last > 1
                else loop.call_soon(self._run, loop, context=self._nobodys)
            )
        elif len(self._jobs) >= self._last:
            self._timer.cancel()
            self._timer = loop.call_soon(self._run, loop, context=self._nobodys)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer, self._running = None, True
        jobs = [self._jobs.popleft() for _ in range(min(len(self._jobs), self._backend.write_batch))]
        self._last = max(len(jobs), self._last * 3 // 4)
        now = time.monotonic()
        if late := [job for job in jobs if now - job.asked > lanes.WAITING]:
            lose_all(late, LATE)
            settle_all(late)
            jobs = [job for job in jobs if job not in late]
        try:
            transaction = self._begin()
        except Exception:
            # Another process holds the database, or there is a fault: the thread waits, or finds out.
            work = loop.run_in_executor(self._thread, self._finish_waiting, jobs)
        else:
            work = loop.run_in_executor(
                self._thread, self._finish, transaction, jobs, self._run_jobs(transaction, jobs)
            )
        work.add_done_callback(lambda done: self._finished(loop, jobs, done.exception()))

    def _finished(self, loop: asyncio.AbstractEventLoop, jobs: list[Job], failure: BaseException | None = None) -> None:
        if failure is not None:
            # Nothing is known of the transaction but that nobody saw it committed.
            self._fail(jobs, failure)
        self._running = False
        settle_all(jobs)
        if self._jobs:
            self._schedule(loop)
        else:
            self._idle.set()

    def _begin(self, patience: int = 0) -> Transaction:
        if self._connection is None:
            self._connection = self._backend.connect(read_only=False)
        self._connection.execute(f"PRAGMA busy_timeout={patience}")
        transaction = Transaction(self._connection, self._backend.flavour)
        transaction.raw(self._backend.begin_write)
        return transaction

    def _run_jobs(self, transaction: Transaction, jobs: list[Job]) -> Exception | None:
        """Run the jobs of a transaction. Returns what the database failed with, if it did."""
        try:
            for job in jobs:
                job.run(transaction, self._backend, savepoint=True)
        except Exception as error:
            return error
        return None

    def _finish_waiting(self, jobs: list[Job]) -> None:
        """Do a whole batch here, with patience for whoever holds the database."""
        try:
            transaction = self._begin(_PATIENCE)
        except Exception as error:
            self._fail(jobs, error)
        else:
            self._finish(transaction, jobs, self._run_jobs(transaction, jobs))

    def _finish(self, transaction: Transaction, jobs: list[Job], failure: Exception | None) -> None:
        """Commit, or give everything up when the database failed."""
        if failure is None:
            try:
                transaction.raw("COMMIT")
            except Exception as error:
                failure = error
        if failure is not None:
            self._fail(jobs, failure)
        elif transaction.woken:
            self._woken(transaction.woken)

    def _fail(self, jobs: list[Job], error: BaseException) -> None:
        _log.error("the database failed: %s: %s", type(error).__name__, error)
        discard(self._connection)
        self._connection = None
        lose_all(jobs, cause_of(error))
