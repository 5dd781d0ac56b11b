"""Transactions on threads of the store, each with a connection of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable

from gatewright.store.backends import Backend
from gatewright.store.causes import LATE, cause_of
from gatewright.store.deadlines import Deadlines
from gatewright.store.jobs import Job, lose_all, settle_all
from gatewright.store.transaction import Connection, Transaction

_log = logging.getLogger(__name__)
_ATTEMPTS = 4
#: No more attempts after so long, seconds.
_TRYING = 10.0
#: What has waited for its turn for so long, seconds, is not begun any more: whoever asked has given up.
WAITING = 30.0
#: How long a thread has to finish when the lane is closed, seconds.
_END_PATIENCE = 10.0


class Lane:
    """Threads that take jobs from one queue, a batch in a transaction.

    One is started when a job comes and all there are have something to do: calls one after the other need one thread,
    whose connection knows the tables already.
    """

    def __init__(self, backend: Backend, *, writing: bool, woken: Callable[[set[str]], object]) -> None:
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._backend = backend
        self._writing = writing
        self._woken = woken
        self._batch = backend.write_batch if writing else backend.read_batch
        self._deadlines = Deadlines() if backend.remote else None
        self._begin = backend.begin_write if writing else backend.begin_read
        self._name = "store-write" if writing else "store-read"
        self._most = backend.writers if writing else backend.readers
        self._threads: list[threading.Thread] = []
        self._starting = threading.Lock()
        #: Threads without a job that is theirs. Where there are as many as may be, it may tell of more.
        self._idle = threading.Semaphore(0)

    def put(self, job: Job) -> None:
        """Run the job soon."""
        self._jobs.put(job)
        if not self._idle.acquire(blocking=False):
            with self._starting:
                if len(self._threads) < self._most:
                    name = f"{self._name}-{len(self._threads)}"
                    self._threads.append(threading.Thread(target=self._run, name=name, daemon=True))
                    self._threads[-1].start()

    def close(self) -> None:
        """Finish what has been put, and end the threads. One whose database does not answer ends with the process."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(_END_PATIENCE)
        if self._deadlines is not None:
            self._deadlines.close()

    def _run(self) -> None:
        connection: Connection | None = None
        ending = False
        while not ending:
            first = self._jobs.get()
            if first is None:
                break
            jobs = [first]
            while len(jobs) < self._batch:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    ending = True
                    break
                jobs.append(job)
            connection = self._serve(connection, jobs)
        if connection is not None:
            connection.close()

    def _serve(self, connection: Connection | None, jobs: list[Job]) -> Connection | None:
        """Run a batch and deliver it. Returns the connection to go on with; None when it is of no more use."""
        now = time.monotonic()
        late = [job for job in jobs if now - job.asked > WAITING]
        if late:
            lose_all(late, LATE)
            self._deliver(late)
            jobs = [job for job in jobs if job not in late]
            if not jobs:
                return connection
        for attempt in range(1, _ATTEMPTS + 1):
            committing = False
            try:
                if connection is None:
                    connection = self._backend.connect(read_only=not self._writing)
                with self._in_time(connection):
                    transaction = Transaction(connection, self._backend.flavour)
                    transaction.raw(self._begin)
                    for job in jobs:
                        job.run(transaction, self._backend, savepoint=self._writing)
                    committing = True
                    transaction.raw("COMMIT")
            except Exception as error:
                discard(connection)
                connection = None
                # A commit whose answer was lost may have happened: it is never run a second time.
                again = attempt < _ATTEMPTS and time.monotonic() - now < _TRYING
                if again and not committing and self._backend.retriable(error):
                    continue
                _log.error("the database failed: %s: %s", type(error).__name__, error)
                lose_all(jobs, cause_of(error))
            else:
                if transaction.woken:
                    self._woken(transaction.woken)
            break
        self._deliver(jobs)
        return connection

    def _in_time(self, connection: Connection) -> contextlib.AbstractContextManager[None]:
        if self._deadlines is None:
            return contextlib.nullcontext()
        return self._deadlines.within(connection.fileno())

    def _deliver(self, jobs: list[Job]) -> None:
        # before whoever hears of it asks for more
        self._idle.release(len(jobs))
        loops: dict[asyncio.AbstractEventLoop, list[Job]] = {}
        for job in jobs:
            if job.loop is None:
                job.settle()
            else:
                loops.setdefault(job.loop, []).append(job)
        for loop, mine in loops.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle_all, mine)


def discard(connection: Connection | None) -> None:
    """Close a connection that is of no more use."""
    if connection is not None:
        try:
            connection.close()
        except Exception as error:
            _log.debug("closing a broken connection: %s", error)
