"""What hosts tell of traffic adds up, through everything that happens to an instance."""

from __future__ import annotations

from collections.abc import Callable

from gatewright.reconcile.traffic import USUAL, WATCHED, Traffic
from gatewright.resources.specs import Kind, Observation, Phase
from gatewright.resources.traffic import Count
from tests.support.cell import Cell


def counted(instance_id: str, received: int, sent: int = 0) -> Count:
    return Count(instance_id, received, received // 100, sent, sent // 100)


def received(traffic: Traffic, instance_id: str) -> int | None:
    total = traffic.of(instance_id)
    return None if total is None else total.count.received_bytes


def test_totals_go_on_through_rebuilds_and_moves() -> None:
    traffic = Traffic()
    assert received(traffic, "i") is None
    traffic.note("a", [counted("i", 1000)], 1)
    traffic.note("a", [counted("i", 1500)], 2)
    assert received(traffic, "i") == 1500
    traffic.note("a", [counted("i", 200)], 3)  # built anew, its links count from 0
    assert received(traffic, "i") == 1700
    assert traffic.unknown("b", [counted("i", 300)]) == ["i"]
    traffic.note("b", [counted("i", 300)], 4)
    assert received(traffic, "i") == 2000
    traffic.forget("i", "a")  # what the first host still had to say
    assert received(traffic, "i") == 2000
    assert traffic.totals()["i"].at == 4
    traffic.forget("i", "b")
    assert traffic.totals() == {}


def test_agents_tell_more_often_while_somebody_looks() -> None:
    traffic = Traffic()
    assert traffic.every == USUAL
    traffic.look()
    assert traffic.every == WATCHED


def test_a_host_is_heard_on_its_own_instances_only(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell()
    gateway = cell.gateway(cell.network())
    cell.until_status(gateway, "active")
    mine, others = counted(f"{gateway}-1", 100), counted("somebody-elses", 100)
    assert cell.run(cell.control_plane.traffic("local", [mine, others])) == USUAL
    assert cell.run(cell.control_plane.traffic("elsewhere", [counted(f"{gateway}-2", 100)])) == USUAL
    assert set(cell.traffic.totals()) == {f"{gateway}-1"}
    gone = Observation(kind=Kind.INSTANCE, id=f"{gateway}-1", generation=0, phase=Phase.REMOVED)
    cell.run(cell.control_plane.report("local", [gone]))
    assert cell.traffic.totals() == {}
