"""Writes that concern the same rows at the same time, on PostgreSQL: SQLite has one writer at a time."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from gatewright.reconcile import placement
from gatewright.resources.specs import Kind, Observation, Phase
from gatewright.store import hosts
from tests.support.cell import OTHER_ACCOUNT, Cell
from tests.support.hosts import Fleet
from tests.support.locking import Holder
from tests.support.postgresql import PostgresqlServer

K, J = "cn-hangzhou-k", "cn-hangzhou-j"
#: Fails at once when somebody else has locked a host.
TAKE_HOSTS = "SELECT id FROM hosts ORDER BY id FOR UPDATE NOWAIT"


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


def test_folding_locks_pools_before_hosts_as_orders_do(fleet: Fleet) -> None:
    fleet.add("a", K, J, agent=False)
    network = fleet.cell.network()
    gateway = fleet.cell.gateway(network)

    def tell(phase: Phase, generation: int, *items: tuple[Kind, str]) -> None:
        told = [Observation(kind=kind, id=item, generation=generation, phase=phase) for kind, item in items]
        fleet.cell.run(fleet.cell.control_plane.report("a", told))

    halves = [(Kind.INSTANCE, f"{gateway}-{number}") for number in (1, 2)]
    tell(Phase.READY, 1, *halves)
    fleet.cell.call("DeleteVpnGateway", VpnGatewayId=gateway)
    fleet.add("b", K, J, agent=False)
    fleet.change(msgspec.structs.replace(fleet.row("a"), draining=True))
    fleet.drain()
    assert fleet.where(network[0]) == {network[0]: ["(a)"]}
    ordering = Holder(fleet.cell.url, "UPDATE pools SET used = used WHERE id LIKE 'public:%'")
    ordering.during(
        lambda: tell(Phase.REMOVED, 0, (Kind.ROUTER, network[0]), *halves),
        lambda: ordering.connection.execute(TAKE_HOSTS),
    )
    assert fleet.where(network[0], gateway) == {network[0]: ["b"]}


def test_a_removal_locks_accounts_before_hosts(fleet: Fleet) -> None:
    fleet.add("a", K, agent=False)
    fleet.cell.other()
    ordering = Holder(fleet.cell.url, f"SELECT id FROM accounts WHERE id = '{OTHER_ACCOUNT}' FOR UPDATE")
    ordering.during(lambda: fleet.remove("a", fenced=True), lambda: ordering.connection.execute(TAKE_HOSTS))
    assert "a" not in {row.id for row in fleet.cell.run(fleet.cell.database.read(hosts.every))}
