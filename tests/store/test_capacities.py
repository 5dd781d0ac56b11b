"""Capacities of zones: changed while orders wait for them, and counted."""

from __future__ import annotations

import threading
from collections.abc import Callable

from gatewright.store import capacities
from gatewright.store.transaction import Transaction
from tests.support.cell import Cell


def test_instances_that_are_there_before_the_first_capacity_are_counted(cell: Cell) -> None:
    cell.gateway(cell.network())

    def bound(transaction: Transaction) -> dict[str, int]:
        capacities.put(transaction, "cn-hangzhou", "cn-hangzhou-k", 5)
        capacities.put(transaction, "cn-hangzhou", "cn-hangzhou-k", 3)
        return capacities.free(transaction, "cn-hangzhou")

    assert cell.run(cell.database.write(bound)) == {"cn-hangzhou-k": 2}


def test_an_order_that_waits_for_a_capacity_sees_what_it_was_changed_to(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell()
    cell.run(cell.database.write(lambda t: capacities.put(t, "cn-hangzhou", "cn-hangzhou-k", 5)))
    begun, go_on = threading.Event(), threading.Event()

    def change(transaction: Transaction) -> None:
        capacities.put(transaction, "cn-hangzhou", "cn-hangzhou-k", 0)
        begun.set()
        # On SQLite this is the loop's own thread, and nobody can order meanwhile.
        assert transaction.alone or go_on.wait(10)

    def claim(transaction: Transaction) -> dict[str, int]:
        return capacities.free(transaction, "cn-hangzhou", claim=True)

    changed = cell.submit(cell.database.write(change))
    assert begun.wait(10)
    claimed = cell.submit(cell.database.write(claim))
    go_on.set()
    changed.result(timeout=10)
    assert claimed.result(timeout=10) == {"cn-hangzhou-k": 0}
