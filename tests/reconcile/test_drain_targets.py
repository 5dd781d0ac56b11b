"""Hosts whose agents are away take nothing of what is moved, and nothing new while others are there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
import pytest

from gatewright.clock import SystemClock
from gatewright.reconcile.draining import stuck
from gatewright.resources.specs import Kind, Observation, Phase
from gatewright.store import hosts
from tests.support.cell import Cell
from tests.support.hosts import Fleet

K, J = "cn-hangzhou-k", "cn-hangzhou-j"


@pytest.fixture
def fleet(make_cell: Callable[..., Cell]) -> Iterator[Fleet]:
    """A service without agents: what they tell, the test tells."""
    made = Fleet(make_cell(with_agent=False))
    yield made
    made.close()


def tell(fleet: Fleet, host: str, item: str, phase: Phase) -> None:
    seen = Observation(kind=Kind.INSTANCE, id=item, generation=1, phase=phase)
    fleet.cell.run(fleet.cell.control_plane.report(host, [seen]))


def drain_once(fleet: Fleet) -> None:
    fleet.drain()


def start_draining(fleet: Fleet, name: str) -> None:
    fleet.change(msgspec.structs.replace(fleet.row(name), draining=True))


def zones_left(fleet: Fleet, name: str) -> set[str]:
    row = fleet.row(name)
    return fleet.cell.run(fleet.cell.database.read(lambda transaction: stuck(transaction, row)))


def ready(fleet: Fleet, *names: str) -> tuple[str, str, str]:
    """A gateway with its halves on hosts of K and J, both of them ready."""
    gateway = fleet.cell.gateway(fleet.cell.network())
    one, two = f"{gateway}-1", f"{gateway}-2"
    for item, name in zip((one, two), names, strict=True):
        assert fleet.where(gateway)[item] == [name]
        tell(fleet, name, item, Phase.READY)
    return gateway, one, two


def test_nothing_moves_to_a_host_until_its_agent_is_heard_of(fleet: Fleet) -> None:
    fleet.add("a", K, agent=False)
    fleet.add("b", J, agent=False)
    gateway, one, two = ready(fleet, "a", "b")
    fleet.add("c", K, agent=False, seen=False)
    start_draining(fleet, "a")
    drain_once(fleet)
    assert fleet.where(gateway) == {one: ["a"], two: ["b"]}
    assert zones_left(fleet, "a") == {K}
    fleet.silence("c")
    drain_once(fleet)
    assert fleet.where(gateway) == {one: ["a"], two: ["b"]}
    fleet.cell.run(fleet.cell.control_plane.met("c", 2))
    assert zones_left(fleet, "a") == set()
    drain_once(fleet)
    assert fleet.where(gateway) == {one: ["(a)"], two: ["b"]}


def test_what_the_local_host_stands_in_for_stays_while_the_zones_own_host_is_away(fleet: Fleet) -> None:
    gateway, one, two = ready(fleet, hosts.LOCAL, hosts.LOCAL)
    fleet.add("b", J, agent=False, seen=False)
    start_draining(fleet, hosts.LOCAL)
    drain_once(fleet)
    assert fleet.where(gateway) == {one: [hosts.LOCAL], two: [hosts.LOCAL]}
    assert zones_left(fleet, hosts.LOCAL) == {K, J}
    fleet.cell.run(fleet.cell.control_plane.met("b", 2))
    drain_once(fleet)
    assert fleet.where(gateway) == {one: [hosts.LOCAL], two: [f"({hosts.LOCAL})"]}


def test_a_new_gateway_is_on_hosts_that_are_up_and_without_any_on_one_that_may_come_back(fleet: Fleet) -> None:
    fleet.add("a", K, agent=False, seen=False)
    fleet.add("b", K, agent=False)
    network = fleet.cell.network()
    gateways = [fleet.cell.gateway(network) for _ in range(2)]
    assert [fleet.where(gateway)[f"{gateway}-1"] for gateway in gateways] == [["b"], ["b"]]
    fleet.silence("b")
    gateway = fleet.cell.gateway(network)
    assert fleet.where(gateway)[f"{gateway}-1"] == ["a"]


def test_a_half_stays_while_its_other_half_has_failed_and_a_failed_one_moves(fleet: Fleet) -> None:
    for name, zone in (("a", K), ("b", J)):
        fleet.add(name, zone, agent=False)
    gateway, one, two = ready(fleet, "a", "b")
    fleet.add("c", K, agent=False)
    tell(fleet, "b", two, Phase.FAILED)
    start_draining(fleet, "a")
    drain_once(fleet)
    assert fleet.where(gateway) == {one: ["a"], two: ["b"]}
    tell(fleet, "a", one, Phase.FAILED)
    drain_once(fleet)
    assert fleet.where(gateway) == {one: ["(a)"], two: ["b"]}


def test_up_is_who_was_heard_of_within_a_minute_and_the_local_host(fleet: Fleet) -> None:
    now = SystemClock().now()
    fleet.add("a", K, agent=False, seen=False)
    row = fleet.row("a")
    assert not row.up(now)
    assert fleet.row(hosts.LOCAL).up(now)
    seen = msgspec.structs.replace(row, seen_at=now)
    assert [seen.up(now + later) for later in (0, 60_000, 60_001)] == [True, True, False]
