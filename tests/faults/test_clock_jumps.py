"""The machine's clock jumps an hour, ahead or back: nothing is lost, doubled, or expired for good."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gatewright import ids
from gatewright.clock import ManualClock, UnskippingClock
from gatewright.operations.execution import TOKEN_LIFETIME
from gatewright.reconcile.timers import expire
from gatewright.wire.nonces import Nonces
from tests.support.cell import Cell

HOUR = 3600.0


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_everything_goes_on_after_a_jump(make_cell: Callable[..., Cell], jump: float) -> None:
    cell = make_cell()
    network = cell.network()
    wanted: dict[str, Any] = {
        "VpcId": network[0],
        "VSwitchId": network[1],
        "DisasterRecoveryVSwitchId": network[2],
        "Bandwidth": 10,
    }
    first = cell.call("CreateVpnGateway", ClientToken="t", **wanted)
    cell.until_status(first["VpnGatewayId"], "active")
    cell.clock.advance(jump)
    assert cell.call("DescribeVpcAttribute", VpcId=network[0])["Status"] == "Available"
    assert cell.call("CreateVpnGateway", ClientToken="t", **wanted)["VpnGatewayId"] == first["VpnGatewayId"]
    second = cell.call("CreateVpnGateway", **wanted)
    cell.until_status(second["VpnGatewayId"], "active")
    cell.call("CreateVSwitch", VpcId=network[0], ZoneId="cn-hangzhou-k", CidrBlock="10.9.0.0/24")
    cell.clock.advance(-jump)
    cell.run(expire(cell.database, cell.clock, cell.clock, TOKEN_LIFETIME))
    assert cell.call("CreateVpnGateway", ClientToken="t", **wanted)["VpnGatewayId"] == first["VpnGatewayId"]
    third = cell.call("CreateVpnGateway", **wanted)
    made = {each["VpnGatewayId"]: each["OrderId"] for each in (first, second, third)}
    assert len(made) == len(set(made.values())) == 3
    # each is on one page, whatever order the clock gave them
    pages = [cell.call("DescribeVpnGateways", PageSize=1, PageNumber=number) for number in (1, 2, 3)]
    assert {page["VpnGateways"]["VpnGateway"][0]["VpnGatewayId"] for page in pages} == set(made)
    assert {page["TotalCount"] for page in pages} == {3}
    for gateway in made:
        cell.until_status(gateway, "active")
        cell.call("DeleteVpnGateway", VpnGatewayId=gateway)
        cell.until_gone(gateway)


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_clients_with_the_right_time_are_refused_in_words_and_let_in_again(cell: Cell, jump: float) -> None:
    signed = cell.signed("DescribeVpcs", RegionId=cell.region)
    cell.clock.advance(jump)
    refused = cell.run(cell.request(signed)).json()
    assert refused["Code"] == "InvalidTimeStamp.Expired"
    assert "is 3600 seconds off the server's clock" in refused["Detail"]
    cell.clock.advance(-jump)
    assert cell.run(cell.request(signed)).status == 200


def test_a_nonce_is_not_forgotten_because_the_clock_was_ahead_for_a_while() -> None:
    wall, ticks = ManualClock(), 0.0
    clock, nonces = UnskippingClock(wall, lambda: ticks), Nonces()
    expires = wall.now() + 15 * 60_000
    assert nonces.use(b"n", expires, clock.now())
    wall.advance(HOUR)
    assert nonces.use(b"other", wall.now() + 15 * 60_000, clock.now())
    wall.advance(-HOUR)
    assert not nonces.use(b"n", expires, clock.now())
    # by time that really goes by it is
    wall.advance(HOUR)
    ticks = HOUR
    assert clock.now() == wall.now()
    assert nonces.use(b"n", expires, clock.now())


def test_a_clock_that_was_set_back_is_followed() -> None:
    wall = ManualClock()
    clock = UnskippingClock(wall, lambda: 0.0)
    wall.advance(-HOUR)
    assert clock.now() == wall.now()


def test_ids_and_orders_stay_unique_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = [1_800_000_000_000_000_000, 1_800_003_600_000_000_000, 1_800_000_000_000_000_000]
    made, orders = set(), []
    for moment in moments:
        monkeypatch.setattr("gatewright.ids.time.time_ns", lambda moment=moment: moment)
        made |= {ids.resource_id("vpn", "cn-hangzhou") for _ in range(1000)}
        orders += [ids.order_id() for _ in range(1000)]
    assert len(made) == 3000
    assert orders == sorted(set(orders))
