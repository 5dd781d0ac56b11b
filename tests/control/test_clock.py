"""Two clocks: the service's, which is steered, and the machine's, which clients sign with."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from gatewright.clock import ManualClock, SystemClock, iso_seconds
from gatewright.control.clock import SteeredClock
from gatewright.operations.execution import TOKEN_LIFETIME
from gatewright.reconcile.timers import expire
from gatewright.wire.nonces import Nonces
from tests.support.cell import Cell
from tests.support.client import ControlRefused, sign_v1

DAY = 24 * 3600


def test_the_services_time_is_set_and_goes_on(steered: Cell) -> None:
    assert steered.control("GET", "/v1/clock") == {"now": iso_seconds(steered.clock.now()), "ahead": 0}
    told = steered.control("POST", "/v1/clock", {"set": "2031-02-28T12:00:00Z"})
    assert told["now"] == "2031-02-28T12:00:00Z"
    vpc = steered.call("CreateVpc")["VpcId"]
    assert steered.call("DescribeVpcAttribute", VpcId=vpc)["CreationTime"] == "2031-02-28T12:00:00Z"
    steered.clock.advance(60)
    assert steered.control("POST", "/v1/clock", {"advance": 30.5})["now"] == "2031-02-28T12:01:30Z"
    assert steered.control("POST", "/v1/clock", {"set": None})["ahead"] == 0


def test_what_is_skipped_is_skipped_to_the_millisecond() -> None:
    """However much of the machine's time passes meanwhile."""

    class Running(ManualClock):
        def now(self) -> int:
            self.advance(0.007)
            return super().now()

    async def scenario() -> None:
        clock = SteeredClock(Running())
        clock.skip(300_000)
        clock.skip(1)
        assert clock.ahead == 300_001

    asyncio.run(scenario())


def test_terms_and_client_tokens_end_by_the_services_time(steered: Cell) -> None:
    network = steered.network()
    gateway = steered.gateway(network, InstanceChargeType="PREPAY", Period=1, ClientToken="t")
    steered.until_status(gateway, "active")
    assert steered.refusal("DeleteVpnGateway", VpnGatewayId=gateway).code == "ForbiddenRelease"
    assert steered.gateway(network, InstanceChargeType="PREPAY", Period=1, ClientToken="t") == gateway
    steered.control("POST", "/v1/clock", {"advance": 31 * DAY})
    assert steered.gateway(network, InstanceChargeType="PREPAY", Period=1, ClientToken="t") != gateway
    steered.call("DeleteVpnGateway", VpnGatewayId=gateway)
    steered.until_gone(gateway)


def resigned(cell: Cell, at: int) -> dict[str, str]:
    parameters = cell.signed("DescribeVpcs", RegionId=cell.region)
    del parameters["Signature"]
    parameters["Timestamp"] = iso_seconds(at)
    return {**parameters, "Signature": sign_v1("POST", parameters, cell.secret)}


@pytest.mark.parametrize("to", ["2021-01-01T00:00:00Z", "2099-01-01T00:00:00Z"])
def test_clients_sign_with_the_real_time_whatever_time_it_is_in_the_service(steered: Cell, to: str) -> None:
    steered.control("POST", "/v1/clock", {"set": to})
    assert steered.run(steered.request(resigned(steered, steered.clock.now()))).status == 200
    refused = steered.run(steered.request(resigned(steered, steered.steering.clock.now()))).json()
    assert refused["Code"] == "InvalidTimeStamp.Expired"


def test_a_request_is_not_served_again_because_time_was_skipped(steered: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    write = steered.signed("CreateVpc", RegionId=steered.region)
    read = steered.signed("DescribeVpcs", RegionId=steered.region)
    assert steered.run(steered.request(write)).status == 200
    assert steered.run(steered.request(read)).status == 200
    steered.control("POST", "/v1/clock", {"advance": 365 * DAY})
    steered.run(expire(steered.database, steered.steering.clock, steered.clock, TOKEN_LIFETIME))
    for replayed in (write, read):
        assert steered.run(steered.request(replayed)).json()["Code"] == "SignatureNonceUsed"
    # A process that has just started knows no nonces but the stored ones.
    monkeypatch.setattr(Nonces, "use", lambda *_: True)
    assert steered.run(steered.request(write)).json()["Code"] == "SignatureNonceUsed"
    steered.control("POST", "/v1/clock", {"set": None})
    steered.clock.advance(16 * 60)
    steered.run(expire(steered.database, steered.steering.clock, steered.clock, TOKEN_LIFETIME))
    # Gone by the machine's time, when the request is too old anyway.
    assert steered.run(steered.request(write)).json()["Code"] == "InvalidTimeStamp.Expired"


def test_client_tokens_are_forgotten_by_the_services_time(steered: Cell) -> None:
    def tokens() -> int:
        snapshot = steered.control("GET", "/v1/snapshot")
        return len(snapshot["tables"]["client_tokens"]["rows"])

    steered.call("CreateVpc", ClientToken="t")
    steered.run(expire(steered.database, steered.steering.clock, steered.clock, TOKEN_LIFETIME))
    assert tokens() == 1
    # They count for a day, and are kept for two hours more.
    for advance, left in ((DAY + 1, 1), (2 * 3600, 0)):
        steered.control("POST", "/v1/clock", {"advance": advance})
        steered.run(expire(steered.database, steered.steering.clock, steered.clock, TOKEN_LIFETIME))
        assert tokens() == left


@pytest.mark.parametrize(
    ("body", "parameter", "said"),
    [
        ({}, "", "either set or advance"),
        ({"set": "2026-11-24T00:00:00Z", "advance": 1}, "", "either set or advance"),
        ({"set": "tomorrow"}, "set", "2026-11-24T00:00:00Z"),
        ({"set": "1999-12-31T23:59:59Z"}, "set", "2000-01-01"),
        ({"set": "2199-01-01T00:00:01Z"}, "set", "2199-01-01"),
        ({"set": 5}, "set", "str"),
        ({"advance": -1}, "advance", "0 or more"),
        ({"advance": 1e300}, "advance", "2199-01-01"),
        ({"advance": "1"}, "advance", "float"),
        ({"advance": None}, "advance", "float"),
        ({"forward": 1}, "forward", "set, advance"),
    ],
)
def test_a_wrong_time_is_refused_and_changes_nothing(cell: Cell, body: Any, parameter: str, said: str) -> None:
    with pytest.raises(ControlRefused) as refused:
        cell.control("POST", "/v1/clock", body)
    assert (refused.value.status, refused.value.parameter) == (400, parameter)
    assert said in refused.value.error
    assert cell.control("GET", "/v1/clock")["ahead"] == 0


def test_time_that_goes_on_from_the_latest_is_in_snapshots_that_are_taken_over(steered: Cell) -> None:
    steered.control("POST", "/v1/clock", {"set": "2199-01-01T00:00:00Z"})
    steered.clock.advance(364 * DAY)
    snapshot = steered.control("GET", "/v1/snapshot")
    steered.control("POST", "/v1/reset")
    steered.control("PUT", "/v1/snapshot", snapshot)
    assert steered.control("GET", "/v1/clock")["now"] == "2199-12-31T00:00:00Z"


def test_a_sleeper_wakes_when_its_time_has_come_or_was_skipped() -> None:
    async def scene() -> None:
        machine = ManualClock()
        clock = SteeredClock(machine)
        begin = clock.now()
        sleepers = [asyncio.create_task(clock.sleep_until(begin + ms)) for ms in (-1, 0, 1000, 2000)]
        await asyncio.sleep(0)
        assert [sleeper.done() for sleeper in sleepers] == [True, True, False, False]
        clock.set(begin + 999)
        await asyncio.sleep(0.01)
        assert not sleepers[2].done()
        clock.set(begin + 1000)
        await sleepers[2]
        clock.set(begin - 5000)
        await asyncio.sleep(0.01)
        assert not sleepers[3].done()
        clock.set(begin + 10**9)
        await sleepers[3]

        real = SteeredClock(SystemClock())
        started = time.monotonic()
        await real.sleep_until(real.now() + 30)
        assert time.monotonic() - started >= 0.025

    asyncio.run(scene())


def test_a_change_is_over_when_the_machines_clock_was_set_beyond_it(cell_with_control: Cell) -> None:
    cell = cell_with_control
    cell.control("POST", "/v1/delays", {"provisioning": 3600})
    gateway = cell.gateway(cell.network())
    cell.control("GET", "/v1/instances")  # it has begun
    cell.clock.advance(3600)
    cell.control("GET", "/v1/instances")
    assert cell.call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"] == "active"
