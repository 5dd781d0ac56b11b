"""Transactions: group commit, isolation of operations, reads after acknowledged writes."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatewright.errors import ApiError
from gatewright.store import hosts, ledgers
from gatewright.store.backends import SqliteBackend, backend_of
from gatewright.store.database import Database, StoreClosed
from gatewright.store.transaction import Transaction
from gatewright.store.upgrade import prepare


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    backend = backend_of(database_url)
    prepare(backend)
    opened = Database(backend)
    opened.write_now(lambda transaction: hosts.ensure(transaction, "h"))
    yield opened
    opened.close()


class Boom(Exception):
    pass


def fail(transaction: Transaction) -> None:
    hosts.raise_revision(transaction, "h")
    raise Boom


def raise_it(transaction: Transaction) -> int:
    return hosts.raise_revision(transaction, "h")


def test_a_failed_write_leaves_nothing_and_hurts_nobody(database: Database) -> None:
    async def storm() -> list[int | BaseException | None]:
        works = [database.write(fail if number % 3 == 0 else raise_it) for number in range(90)]
        return list(await asyncio.gather(*works, return_exceptions=True))

    outcomes = asyncio.run(storm())
    assert sum(isinstance(outcome, Boom) for outcome in outcomes) == 30
    assert sorted(o for o in outcomes if isinstance(o, int)) == list(range(1, 61))
    assert asyncio.run(database.read(lambda transaction: hosts.revision(transaction, "h"))) == 60


def test_what_a_prelude_did_stays_when_the_work_fails(database: Database) -> None:
    async def run() -> None:
        with pytest.raises(Boom):
            await database.write(fail, lambda transaction: ledgers.use_nonce(transaction, b"n", 1))

    asyncio.run(run())
    assert database.write_now(lambda transaction: ledgers.use_nonce(transaction, b"n", 1)) is False
    assert database.write_now(lambda transaction: hosts.revision(transaction, "h")) == 0


def test_a_failed_prelude_keeps_the_work_from_running(database: Database) -> None:
    def refuse(transaction: Transaction) -> None:
        raise Boom

    async def run() -> None:
        with pytest.raises(Boom):
            await database.write(raise_it, refuse)

    asyncio.run(run())
    assert database.write_now(lambda transaction: hosts.revision(transaction, "h")) == 0


def test_a_read_sees_every_acknowledged_write(database: Database) -> None:
    async def run() -> None:
        for number in range(1, 50):
            await database.write(raise_it)
            assert await database.read(lambda transaction: hosts.revision(transaction, "h")) == number

    asyncio.run(run())


def test_committed_hosts_are_woken_and_no_others(database: Database) -> None:
    woken: list[set[str]] = []
    database.woken = woken.append
    database.write_now(raise_it)
    database.write_now(lambda transaction: hosts.revision(transaction, "h"))
    assert woken == [{"h"}]


def test_a_closed_database_says_so(database: Database) -> None:
    database.close()
    with pytest.raises(StoreClosed):
        database.write_now(raise_it)


def test_another_process_that_holds_sqlite_is_waited_for(tmp_path: Path) -> None:
    backend = SqliteBackend(tmp_path / "held.db")
    prepare(backend)
    database = Database(backend)
    database.write_now(lambda transaction: hosts.ensure(transaction, "h"))
    holder = sqlite3.connect(tmp_path / "held.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    async def run() -> None:
        loop = asyncio.get_running_loop()
        writing = [asyncio.create_task(database.write(raise_it)) for _ in range(5)]
        started = loop.time()
        # Reads go on, and so does the loop, while the writes wait.
        assert await database.read(lambda transaction: hosts.revision(transaction, "h")) == 0
        assert loop.time() - started < 1
        assert not any(task.done() for task in writing)
        holder.execute("COMMIT")
        assert sorted(await asyncio.gather(*writing)) == [1, 2, 3, 4, 5]
        await database.aclose()

    asyncio.run(run())
    holder.close()


def test_a_database_that_fails_loses_the_batch_and_goes_on(tmp_path: Path) -> None:
    backend = SqliteBackend(tmp_path / "broken.db")
    prepare(backend)
    database = Database(backend)
    database.write_now(lambda transaction: hosts.ensure(transaction, "h"))

    def break_it(transaction: Transaction) -> None:
        hosts.raise_revision(transaction, "h")
        transaction.raw("SELECT * FROM no_such_table")

    async def run() -> None:
        outcomes = await asyncio.gather(database.write(raise_it), database.write(break_it), return_exceptions=True)
        assert [getattr(outcome, "code", outcome) for outcome in outcomes] == ["ServiceUnavailable"] * 2
        assert await database.write(raise_it) == 1
        await database.aclose()

    asyncio.run(run())


def test_a_database_that_is_garbled_is_unavailable_and_does_not_hang(tmp_path: Path) -> None:
    path = tmp_path / "garbled.db"
    prepare(SqliteBackend(path))
    for leftover in (path.with_name("garbled.db-wal"), path.with_name("garbled.db-shm")):
        leftover.unlink(missing_ok=True)
    path.write_bytes(b"no database at all, " * 500)
    database = Database(SqliteBackend(path))

    async def run() -> None:
        async with asyncio.timeout(10):
            for _ in range(2):
                with pytest.raises(ApiError) as refused:
                    await database.write(raise_it)
                assert refused.value.code == "ServiceUnavailable"
            await database.aclose()

    asyncio.run(run())


def test_closing_waits_for_what_was_asked_for(database: Database) -> None:
    async def run() -> None:
        writing = [asyncio.create_task(database.write(raise_it)) for _ in range(20)]
        await asyncio.sleep(0)
        await database.aclose()
        assert sorted(await asyncio.gather(*writing)) == list(range(1, 21))
        with pytest.raises(StoreClosed):
            await database.write(raise_it)

    asyncio.run(run())


def _reading() -> int:
    return sum(thread.name.startswith("store-read") for thread in threading.enumerate())


def test_calls_one_after_the_other_use_one_connection_and_others_do_not_wait(database: Database) -> None:
    before = _reading()

    async def run() -> None:
        for _ in range(20):
            await database.read(lambda transaction: hosts.revision(transaction, "h"))
        assert _reading() == before + 1
        begun, go_on = threading.Event(), threading.Event()

        def wait(transaction: Transaction) -> bool:
            begun.set()
            return go_on.wait(10)

        waiting = asyncio.ensure_future(database.read(wait))
        assert await asyncio.to_thread(begun.wait, 10)
        async with asyncio.timeout(10):
            assert await database.read(lambda transaction: hosts.revision(transaction, "h")) == 0
        go_on.set()
        assert await waiting
        assert _reading() == before + 2

    asyncio.run(run())
