"""Another writer of a PostgreSQL database, who holds a lock for as long as a test wants."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg

from tests.support.cell import PATIENCE


class Holder:
    """A transaction that has run a statement and is not committed yet."""

    def __init__(self, url: str, statement: str) -> None:
        self.connection = psycopg.connect(url)
        self.connection.execute(statement)
        self._looking = psycopg.connect(url, autocommit=True)

    def during(self, work: Callable[[], Any], meanwhile: Callable[[], Any] = lambda: None) -> None:
        """Begin other work, commit once that waits for the lock, and after ``meanwhile``; return when it has ended."""
        failures: list[BaseException] = []

        def run() -> None:
            try:
                work()
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            self._until_somebody_waits(thread)
            meanwhile()
        finally:
            self.connection.commit()
            thread.join(PATIENCE)
            self.connection.close()
            self._looking.close()
        assert not thread.is_alive()
        if failures:
            raise failures[0]

    def _until_somebody_waits(self, thread: threading.Thread) -> None:
        mine = self.connection.info.backend_pid
        deadline = time.monotonic() + PATIENCE
        question = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
        while self._looking.execute(question, (mine,)).fetchone() == (0,):
            assert thread.is_alive(), "it waited for nothing"
            assert time.monotonic() < deadline, "nobody waits for the lock"
            time.sleep(0.01)
