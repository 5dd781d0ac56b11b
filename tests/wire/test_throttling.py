"""Calls that come too often: the published rates to the call, and a time to wait that is true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gatewright.clock import ManualClock
from gatewright.errors import ApiError
from gatewright.resources.limits import call_limits
from gatewright.wire.throttling import WINDOW, Throttle
from tests.support.cell import Cell
from tests.support.client import Reply

CREATE, DESCRIBE = ("2016-04-28", "CreateVpc"), ("2016-04-28", "DescribeVpcs")
LIMIT = 3


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def throttle(clock: ManualClock) -> Throttle:
    return Throttle(clock, {CREATE: LIMIT, DESCRIBE: LIMIT}, ["here", "there"], "here")


def wait(throttle: Throttle, account: str = "a", region: str | None = "here", operation: Any = CREATE) -> int | None:
    """Call once: None when it is let through, else how long to wait."""
    try:
        throttle.let_through(account, region, operation)
    except ApiError as refused:
        assert (refused.status, refused.code) == (400, "Throttling.User")
        assert refused.message == "Request was denied due to user flow control."
        assert refused.retry_after is not None
        assert f"{refused.retry_after} ms" in refused.detail
        return refused.retry_after
    return None


def test_the_call_after_the_last_one_waits_until_the_first_is_60_seconds_old(
    throttle: Throttle, clock: ManualClock
) -> None:
    for _ in range(LIMIT):
        assert wait(throttle) is None
        clock.advance(10)
    assert wait(throttle) == 30_000
    clock.advance(29.999)
    assert wait(throttle) == 1
    clock.advance(0.001)
    assert wait(throttle) is None
    assert wait(throttle) == 10_000


def test_no_60_seconds_have_more_calls_than_the_limit(throttle: Throttle, clock: ManualClock) -> None:
    let_through = []
    for _ in range(500):
        if wait(throttle) is None:
            let_through.append(clock.now())
        clock.advance(1.7)
    assert len(let_through) > 30
    for first, beyond in zip(let_through, let_through[LIMIT:], strict=False):
        assert beyond - first >= WINDOW


def test_accounts_regions_and_operations_are_counted_apart(throttle: Throttle) -> None:
    for _ in range(LIMIT):
        assert wait(throttle) is None
    assert wait(throttle) is not None
    assert wait(throttle, account="b") is None
    assert wait(throttle, region="there") is None
    assert wait(throttle, operation=DESCRIBE) is None


def test_a_call_without_a_region_counts_in_the_default_one(throttle: Throttle) -> None:
    for _ in range(LIMIT):
        assert wait(throttle, region=None) is None
    assert wait(throttle, region="here") is not None


def test_an_operation_without_a_limit_is_not_counted(throttle: Throttle) -> None:
    for _ in range(1000):
        assert wait(throttle, operation=("2015-04-01", "GetCallerIdentity")) is None
    assert len(throttle) == 0


def test_regions_that_there_are_not_share_a_window(throttle: Throttle) -> None:
    for number in range(LIMIT):
        assert wait(throttle, region=f"mars-{number}") is None
    assert wait(throttle, region="mars-99") is not None
    assert len(throttle) == 1


def test_windows_that_are_empty_are_dropped(throttle: Throttle, clock: ManualClock) -> None:
    for number in range(1000):
        wait(throttle, account=str(number))
    assert len(throttle) == 1000
    clock.advance(59)
    wait(throttle, account="late")
    clock.advance(2)
    wait(throttle, account="later")
    assert len(throttle) == 2


def test_a_clock_that_is_set_back_locks_nobody_out(throttle: Throttle, clock: ManualClock) -> None:
    for _ in range(LIMIT):
        wait(throttle)
    clock.advance(-3600)
    for _ in range(LIMIT):
        assert wait(throttle) is None
    assert wait(throttle) == WINDOW


@pytest.mark.parametrize(
    ("operation", "limit"),
    [
        ("CreateVpnGateway", 60),
        ("DeleteVpnRouteEntry", 60),
        ("DownloadVpnConnectionConfig", 30),
        ("CreateVSwitch", 300),
        ("DescribeVpnGateway", 600),
        ("CreateVpc", 60),
        ("DeleteVpnGateway", 120),
        ("ModifyVpnGatewayAttribute", 120),
        ("UpdateIpsecServer", 120),
        ("DescribeVpcs", 600),
        ("ListIpsecServers", 600),
        ("ListTagResources", 300),
        ("TagResources", 300),
        ("AllocateEipAddress", None),
    ],
)
def test_an_operation_has_its_own_limit_or_its_kinds(operation: str, limit: int | None) -> None:
    assert call_limits().of(operation) == limit


def ask(cell: Cell, action: str, **parameters: Any) -> Reply:
    return cell.run(cell.request(cell.signed(action, **{"RegionId": "cn-hangzhou", **parameters})))


def test_the_service_refuses_exactly_the_call_after_the_limit(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell(throttling=True)
    for _ in range(60):
        assert ask(cell, "CreateVpc").status == 200
    cell.clock.advance(20)
    refused = ask(cell, "CreateVpc")
    assert (refused.status, refused.json()["Code"]) == (400, "Throttling.User")
    assert refused.headers["x-acs-retry-after"] == "40000"
    assert "60 times in 60 seconds" in refused.json()["Detail"]
    assert ask(cell, "CreateVpc", Format="XML").headers["x-acs-retry-after"] == "40000"
    assert ask(cell, "CreateVpc", RegionId="cn-beijing").status == 200
    assert ask(cell, "DescribeVpcs").json()["TotalCount"] == 60
    assert ask(cell.other(), "CreateVpc").status == 200
    assert ask(cell, "GetCallerIdentity", version="2015-04-01").status == 200
    cell.clock.advance(40)
    assert ask(cell, "CreateVpc").status == 200


def test_throttling_comes_after_authentication_and_before_missing_parameters(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell(throttling=True)
    for _ in range(120):
        # What is refused later has been let through, and counts.
        assert ask(cell, "DeleteVpnGateway").json()["Code"] == "MissingVpnGatewayId"
    assert ask(cell, "DeleteVpnGateway").json()["Code"] == "Throttling.User"
    forged = {**cell.signed("DeleteVpnGateway"), "Signature": "x"}
    assert cell.run(cell.request(forged)).json()["Code"] == "SignatureDoesNotMatch"
    assert ask(cell, "Nothing").json()["Code"] == "InvalidAction.NotFound"


def test_without_the_setting_nothing_comes_too_often(cell: Cell) -> None:
    for _ in range(121):
        assert ask(cell, "DeleteVpnGateway").json()["Code"] == "MissingVpnGatewayId"
