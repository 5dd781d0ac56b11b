"""What Prometheus is told, and who may ask."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gatewright import __version__
from gatewright.metrics.counts import BOUNDS, RequestCounts
from gatewright.metrics.page import MetricsPage
from gatewright.plane.contract import PlaneError
from gatewright.reconcile.watching import HostWatch
from gatewright.resources.specs import ItemKey, Kind
from gatewright.resources.traffic import Count
from tests.support.cell import Cell
from tests.support.client import Client, Refused
from tests.support.metrics import Scrape
from tests.support.service import Service


def scrape(cell: Cell) -> Scrape:
    """The cell's metrics as they are now, however short ago somebody asked."""
    cell.metrics.state.forget()
    reply = cell.send("GET", "/metrics", [(b"host", b"localhost")])
    assert reply.status == 200, reply.body
    return Scrape(reply.body.decode())


def order(cell: Cell) -> str:
    """Order a gateway, and wait for nothing."""
    vpc = cell.call("CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"]
    first, second = (
        cell.call("CreateVSwitch", VpcId=vpc, ZoneId=f"cn-hangzhou-{zone}", CidrBlock=cidr)["VSwitchId"]
        for zone, cidr in (("k", "10.1.0.0/24"), ("j", "10.2.0.0/24"))
    )
    told = {"VpcId": vpc, "VSwitchId": first, "DisasterRecoveryVSwitchId": second, "Bandwidth": 10}
    made: str = cell.call("CreateVpnGateway", **told)["VpnGatewayId"]
    return made


def test_calls_are_counted_by_operation_and_code(cell: Cell) -> None:
    cell.call("DescribeVpcs")
    cell.call("DescribeVpcs")
    cell.call("DescribeZones", "2014-05-26")
    for action in ("DescribeVpcs", *(f"NoSuchAction{number}" for number in range(5))):
        with pytest.raises(Refused):
            cell.call(action, PageSize="x")
    told = scrape(cell)
    assert told.value("gatewright_requests_total", operation="DescribeVpcs", code="OK") == 2
    assert told.value("gatewright_requests_total", operation="Ecs DescribeZones", code="OK") == 1
    refused = {key: value for key, value in told.of("gatewright_requests_total").items() if ("code", "OK") not in key}
    operations = {dict(key)["operation"]: value for key, value in refused.items()}
    assert operations == {"DescribeVpcs": 1, "other": 5}
    assert told.value("gatewright_request_duration_seconds_count", operation="DescribeVpcs") == 3
    assert told.value("gatewright_request_duration_seconds_bucket", operation="DescribeVpcs", le="+Inf") == 3
    assert 0 < told.value("gatewright_request_duration_seconds_sum", operation="DescribeVpcs") < 60


def test_a_duration_lies_in_the_bucket_that_it_fits_into() -> None:
    counts = RequestCounts()
    for seconds in (0.0, 0.001, 0.0011, 9.0, 11.0):
        counts.answered("A", "OK", seconds)
    buckets = dict(counts.durations["A"].cumulative())
    assert (buckets["0.001"], buckets["0.0025"], buckets["2.5"]) == (2, 3, 3)
    assert (buckets["10.0"], buckets["+Inf"]) == (4, 5)
    assert len(buckets) == len(BOUNDS) + 1


def test_gateways_and_what_is_behind_are_told(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell(with_agent=False)
    told = scrape(cell)
    assert set(told.of("gatewright_gateways").values()) == {0}
    assert len(told.of("gatewright_gateways")) == 5
    assert told.value("gatewright_reconcile_pending_items", host="local") == 0
    assert told.of("gatewright_host_last_seen_timestamp_seconds") == {}
    gateway = order(cell)
    told = scrape(cell)
    assert told.value("gatewright_gateways", status="init") == 1
    # two vSwitches, two instances, a router
    assert told.value("gatewright_reconcile_pending_items", host="local") == 5
    first = told.value("gatewright_reconcile_lag_seconds", host="local")
    assert scrape(cell).value("gatewright_reconcile_lag_seconds", host="local") > first
    cell.settle(lambda: cell.call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"] == "active")
    told = scrape(cell)
    assert told.value("gatewright_gateways", status="active") == 1
    assert told.value("gatewright_gateways", status="init") == 0
    assert abs(told.value("gatewright_host_last_seen_timestamp_seconds", host="local") - time.time()) < 60
    cell.settle(lambda: scrape(cell).value("gatewright_reconcile_pending_items", host="local") == 0)
    assert scrape(cell).value("gatewright_reconcile_lag_seconds", host="local") == 0


def test_what_a_plane_cannot_do_is_counted(make_cell: Callable[..., Cell]) -> None:
    async def refuse(key: ItemKey) -> None:
        if key.kind is Kind.ROUTER:
            raise PlaneError("no room")

    cell = make_cell(before=refuse)
    assert set(scrape(cell).of("gatewright_plane_errors_total").values()) == {0}
    order(cell)
    deadline = time.monotonic() + 20
    while scrape(cell).value("gatewright_reconcile_failed_items", host="local") != 1:
        assert time.monotonic() < deadline
    told = scrape(cell)
    assert told.value("gatewright_plane_errors_total", host="local", kind="router") >= 1


def test_what_goes_through_gateways_is_told(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewright.metrics.state.MOST_INSTANCES", 3)
    first, second = order(cell), order(cell)
    for gateway in (first, second):
        cell.traffic.note("local", [Count(f"{gateway}-1", 100, 1, 2000, 2), Count(f"{gateway}-2", 7, 1, 8, 1)], 0)
    cell.traffic.note("local", [Count(f"{first}-1", 150, 2, 2000, 2)], 1)
    cell.traffic.note("local", [Count("vpn-aaaaaaaaaaaaaaaaaaaaa-1", 1, 1, 1, 1)], 1)
    name = "gatewright_gateway_bytes_total"
    for _ in range(2):
        told = scrape(cell)
        assert told.value(name, gateway=first, instance_id=f"{first}-1", direction="received") == 150
        assert told.value(name, gateway=first, instance_id=f"{first}-2", direction="sent") == 8
        assert len(told.of(name)) == 4
    packets = "gatewright_gateway_packets_total"
    assert told.value(packets, gateway=first, instance_id=f"{first}-1", direction="received") == 2
    monkeypatch.setattr("gatewright.metrics.state.MOST_INSTANCES", 10)
    assert len(scrape(cell).of(name)) == 8
    cell.call("DeleteVpnGateway", VpnGatewayId=first)
    deadline = time.monotonic() + 20
    while len(left := scrape(cell).of(name)) != 4:
        assert time.monotonic() < deadline
    assert {dict(labels)["gateway"] for labels in left} == {second}


def test_lag_runs_from_when_a_revision_was_first_met(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("gatewright.reconcile.watching.time.monotonic", lambda: now[0])
    watch = HostWatch()
    watch.polled("h", 5)
    assert watch.lag("h", None, 5) == 0
    for revision in (6, 7, 8):
        now[0] += 10
        watch.polled("h", revision)
    now[0] += 10
    assert watch.lag("h", 6, 8) == 30
    assert watch.lag("h", 8, 8) == 10
    assert watch.lag("h", None, 8) == 0
    assert watch.lag("other", 3, 4) == 0
    now[0] += 7
    assert watch.lag("other", 3, 9) == 7
    for revision in range(10, 3000):
        now[0] += 1
        watch.polled("h", revision)
        if revision % 15 == 0:
            assert watch.lag("h", 10, revision) == revision - 10
    now[0] += 0.5
    watch.polled("h", 3000)
    assert watch.lag("h", 3000, 3000) == 0.5
    assert len(watch._notes["h"]) <= 257


@pytest.mark.parametrize(
    "accept", [b"application/openmetrics-text;version=new", b"text/plain;version=x", b"\xff", b";;="]
)
def test_who_asks_for_a_form_that_is_none_gets_the_usual_one(cell: Cell, accept: bytes) -> None:
    reply = cell.send("GET", "/metrics", [(b"host", b"localhost"), (b"accept", accept)])
    assert reply.status == 200
    assert Scrape(reply.body.decode()).value("gatewright_database_up") == 1


def test_metrics_are_there_while_the_database_is_not(cell: Cell) -> None:
    cell.call("DescribeVpcs")
    assert scrape(cell).value("gatewright_database_up") == 1
    cell.run(cell.database.aclose())
    told = scrape(cell)
    assert told.value("gatewright_database_up") == 0
    assert told.value("gatewright_requests_total", operation="DescribeVpcs", code="OK") == 1
    assert told.of("gatewright_gateways") == {}


CALLERS = [
    ("127.0.0.1", {"host": "127.0.0.1:8080"}, 200),
    ("::1", {"host": "[::1]:8080"}, 200),
    ("::ffff:127.0.0.1", {"host": "LOCALHOST"}, 200),
    ("192.0.2.1", {"host": "127.0.0.1"}, 403),
    ("127.0.0.1", {"host": "evil.example:8080"}, 403),
    ("127.0.0.1", {}, 403),
    ("127.0.0.1", {"host": "127.0.0.1", "x-forwarded-for": "192.0.2.1"}, 403),
    ("127.0.0.1", {"host": "127.0.0.1", "forwarded": "for=192.0.2.1"}, 403),
    (None, {"host": "127.0.0.1"}, 403),
]


class Told:
    """An exposition that tells nothing."""

    async def text(self, accept: str) -> tuple[bytes, bytes]:
        return b"", accept.encode()


def asked(page: MetricsPage, caller: str | None, headers: dict[str, str], method: str = "GET") -> int:
    """The status of the answer to somebody."""
    events: list[Any] = []

    async def send(event: Any) -> None:
        events.append(event)

    async def receive() -> Any:
        raise AssertionError

    scope = {
        "method": method,
        "path": "/metrics",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": (caller, 1) if caller else None,
    }
    asyncio.run(page(scope, receive, send))
    status: int = events[0]["status"]
    return status


@pytest.mark.parametrize(("caller", "headers", "status"), CALLERS)
def test_only_programs_of_this_machine_may_ask_at_the_apis_port(
    caller: str | None, headers: dict[str, str], status: int
) -> None:
    exposition: Any = Told()
    assert asked(MetricsPage(exposition), caller, headers) == status
    assert asked(MetricsPage(exposition, anybody=True), caller, headers) == 200
    assert asked(MetricsPage(exposition, anybody=True), caller, headers, "POST") == 405


def test_a_port_of_their_own(tmp_path: Path) -> None:
    with Service(tmp_path / "data", arguments=("--metrics-listen", "127.0.0.1:0")) as service:
        found = re.search(r"metrics +http://127\.0\.0\.1:([0-9]+)/metrics\n", service.printed())
        assert found is not None
        service.client().call("DescribeVpcs")
        apart = Client(int(found[1]))
        reply = apart.send("GET", "/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
        assert reply.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
        assert b'gatewright_requests_total{code="OK",operation="DescribeVpcs"} 1.0' in reply.body
        assert reply.body.endswith(b"# EOF\n")
        told = Scrape(apart.send("GET", "/metrics").body.decode())
        assert told.value("gatewright_connections") == 1
        assert told.value("gatewright_connections_limit") >= 1
        assert told.value("gatewright_info", plane="simulated", version=__version__) == 1
        assert told.value("process_resident_memory_bytes") > 1e6
        assert apart.send("GET", "/").status == 404
        apart.close()
        # there is no /metrics of the API then
        assert service.client().send("GET", "/metrics").status == 404
        assert service.stop() == 0
