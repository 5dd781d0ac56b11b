"""Writes that concern the same rows at the same time, on PostgreSQL: SQLite has one writer at a time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gatewright.reconcile import placement
from gatewright.store import hosts
from tests.support.cell import Cell
from tests.support.hosts import Fleet
from tests.support.locking import Holder
from tests.support.postgresql import PostgresqlServer


@pytest.fixture
def fleet(postgresql_server: PostgresqlServer) -> Iterator[Fleet]:
    """A service without agents: what they tell, the test tells."""
    url = postgresql_server.create()
    made = Fleet(Cell(url, with_agent=False))
    yield made
    made.close()
    made.cell.close()
    postgresql_server.drop(url)


def test_an_address_that_changes_brings_nothing_else_of_the_host_back(fleet: Fleet) -> None:
    other = Holder(fleet.cell.url, f"UPDATE hosts SET draining = true WHERE id = '{hosts.LOCAL}'")
    other.during(
        lambda: fleet.cell.run(
            fleet.cell.database.write(lambda transaction: placement.own_address(transaction, "10.200.0.1"))
        )
    )
    row = fleet.row(hosts.LOCAL)
    assert (row.address, row.draining) == ("10.200.0.1", True)
