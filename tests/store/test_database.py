"""Transactions: group commit, isolation of operations, reads after acknowledged writes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from gatewright.store import hosts, ledgers
from gatewright.store.backends import backend_of
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
