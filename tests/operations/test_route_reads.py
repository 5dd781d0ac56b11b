"""What the operations on routes read and build: no more than they tell, and nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network
from typing import Any

import pytest

from gatewright.operations.route_tables import contents
from gatewright.resources.routes import system_entry_id
from gatewright.store import route_tables
from gatewright.store.transaction import Transaction
from tests.operations.test_route_entries import Routed, numbered
from tests.support.cell import Cell


class Reads:
    """Counts the statements that read rows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        for name in ("one", "all", "scalar"):
            monkeypatch.setattr(Transaction, name, self._counting(getattr(Transaction, name)))

    def _counting(self, read: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*positional: Any, **values: Any) -> Any:
            self.count += 1
            return read(*positional, **values)

        return counted

    def of(self, work: Callable[[], Any]) -> int:
        """How many statements something reads with."""
        before = self.count
        work()
        return self.count - before


@pytest.fixture
def routed(make_cell: Callable[..., Cell]) -> Routed:
    """A VPC with a gateway, in a service of which no agent reads anything meanwhile."""
    return Routed(make_cell(with_agent=False))


def test_many_entries_are_made_with_as_few_reads_as_one(routed: Routed, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = Reads(monkeypatch)
    one = routed.bulk({"DstCidrBlock": "172.16.0.0/24"})
    many = routed.bulk(*({"DstCidrBlock": f"172.16.{n}.0/24"} for n in range(1, 50)))
    for_one = reads.of(lambda: routed.cell.call("CreateRouteEntries", **one))
    assert reads.of(lambda: routed.cell.call("CreateRouteEntries", **many)) == for_one
    assert len(routed.custom()) == 50


def test_an_entry_is_found_by_its_destination_without_reading_the_others(
    routed: Routed, monkeypatch: pytest.MonkeyPatch
) -> None:
    routed.cell.call("CreateRouteEntries", **routed.bulk(*({"DstCidrBlock": f"172.16.{n}.0/24"} for n in range(9))))

    def unwanted(*_: Any) -> Any:
        raise AssertionError("all entries are read")

    monkeypatch.setattr(route_tables, "entries", unwanted)
    named = {"RouteTableId": routed.table, "DstCidrBlock": "172.16.4.0/24", "NextHop": routed.gateway}
    assert routed.cell.call("DeleteRouteEntries", **numbered(named))["SuccessCount"] == 1
    monkeypatch.undo()
    assert "172.16.4.0/24" not in routed.custom()


@pytest.mark.parametrize(("wanted", "builds"), [("Custom", False), ("System", True), ("BGP", False)])
def test_entries_of_a_type_that_is_not_wanted_are_neither_read_nor_built(
    routed: Routed, monkeypatch: pytest.MonkeyPatch, wanted: str, builds: bool
) -> None:
    routed.make()
    built: list[str] = []

    def building(table: str, destination: IPv4Network) -> str:
        built.append(table)
        return system_entry_id(table, destination)

    monkeypatch.setattr(contents, "system_entry_id", building)
    reads = Reads(monkeypatch)
    all_of_them = reads.of(lambda: routed.entries())
    assert len(built) == 3
    built.clear()
    assert reads.of(lambda: routed.entries(RouteEntryType=wanted)) == all_of_them - 2, "those of the other types"
    assert bool(built) == builds
    built.clear()
    routed.cell.call("DescribeRouteTables", RouteTableId=routed.table, Type=wanted)
    assert bool(built) == builds


def test_the_vswitches_of_told_tables_are_read_once(routed: Routed, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = Reads(monkeypatch)
    table = {"RouteTableId": routed.table}
    bare = reads.of(lambda: routed.cell.call("DescribeRouteTables", Type="BGP", **table))
    # The custom entries are one statement more; what the system's follow from has been read for VSwitchIds.
    assert reads.of(lambda: routed.cell.call("DescribeRouteTables", **table)) == bare + 1
