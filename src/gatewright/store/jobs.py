"""One function to run in a transaction, and whom to tell how it went."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import time
from collections.abc import Callable, Sequence
from typing import Any

from gatewright.errors import SERVICE_UNAVAILABLE
from gatewright.store.backends import Backend
from gatewright.store.causes import Cause, forget_values
from gatewright.store.transaction import Transaction

Work = Callable[[Transaction], Any]


class Job:
    """A function, what runs before it, and the future that waits for its result."""

    __slots__ = ("asked", "context", "error", "future", "loop", "prelude", "result", "work")

    def __init__(
        self,
        work: Work,
        prelude: Work | None,
        future: asyncio.Future[Any] | concurrent.futures.Future[Any],
        loop: asyncio.AbstractEventLoop | None,
    ) -> None:
        #: When, by the clock that only goes forward, seconds.
        self.asked = time.monotonic()
        #: Whose request it belongs to: it runs among others' jobs, on a thread of the store.
        self.context = contextvars.copy_context()
        self.work = work
        self.prelude = prelude
        self.future = future
        self.loop = loop
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self, transaction: Transaction, backend: Backend, *, savepoint: bool) -> None:
        """Run in a transaction that others share: a failure of this job's is kept, and undone if it wrote.

        Raises what the database itself failed with: then the whole transaction is lost.
        """
        self.context.run(self._run, transaction, backend, savepoint=savepoint)

    def _run(self, transaction: Transaction, backend: Backend, *, savepoint: bool) -> None:
        self.result, self.error = None, None
        try:
            if self.prelude is not None:
                self.prelude(transaction)
        except Exception as error:
            forget_values(error)
            if backend.unavailable(error):
                raise
            self.error = error
            return
        if savepoint:
            transaction.raw("SAVEPOINT operation")
        try:
            self.result = self.work(transaction)
        except Exception as error:
            forget_values(error)
            if backend.unavailable(error):
                raise
            self.error = error
            if savepoint:
                transaction.raw("ROLLBACK TO SAVEPOINT operation")
        if savepoint:
            transaction.raw("RELEASE SAVEPOINT operation")

    def settle(self) -> None:
        """Deliver; on the loop's thread for an asyncio future."""
        if self.future.cancelled():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


def settle_all(jobs: Sequence[Job]) -> None:
    """Deliver several results."""
    for job in jobs:
        job.settle()


def lose_all(jobs: Sequence[Job], cause: Cause) -> None:
    """The transaction was lost: every job failed with the same error."""
    for job in jobs:
        job.error = SERVICE_UNAVAILABLE.because(str(cause))
