"""`gatewright serve --control` over real HTTP."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.app.test_serve import run
from tests.support.client import Client, ControlRefused, Refused, sign_v1, v1_parameters
from tests.support.service import Service


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("control") / "data", arguments=("--control",)) as started:
        yield started


@pytest.fixture
def service(shared: Service) -> Service:
    """A service that nothing has been asked of."""
    shared.control("POST", "/v1/reset")
    return shared


def network(client: Client) -> dict[str, Any]:
    vpc = client.call("CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"]
    first, second = (
        client.call("CreateVSwitch", VpcId=vpc, ZoneId=f"cn-hangzhou-{zone}", CidrBlock=cidr)["VSwitchId"]
        for zone, cidr in (("k", "10.1.0.0/16"), ("j", "10.2.0.0/16"))
    )
    return {"VpcId": vpc, "VSwitchId": first, "DisasterRecoveryVSwitchId": second, "Bandwidth": 10}


def status(client: Client, gateway: str) -> Any:
    return client.call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"]


def once(service: Service, action: str, **parameters: str) -> http.client.HTTPResponse:
    """Call on a connection of its own, and never a second time."""
    signed = v1_parameters(action, {"RegionId": "cn-hangzhou", **parameters}, "test")
    signed["Signature"] = sign_v1("POST", signed, "secret")
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    connection.request("POST", "/?" + urlencode(signed))
    return connection.getresponse()


def test_three_hundred_seconds_of_provisioning_pass_at_once(service: Service) -> None:
    client = service.client()
    order = network(client)
    service.control("POST", "/v1/delays", {"provisioning": 300})
    gateway = client.call("CreateVpnGateway", **order)["VpnGatewayId"]
    service.control("POST", "/v1/clock", {"advance": 299})
    assert status(client, gateway) == "provisioning"
    service.control("POST", "/v1/clock", {"advance": 1})
    assert status(client, gateway) == "active"


def test_a_delay_passes_by_itself_too(service: Service) -> None:
    client = service.client()
    order = network(client)
    service.control("POST", "/v1/delays", {"provisioning": 0.5})
    began = time.monotonic()
    gateway = client.call("CreateVpnGateway", **order)["VpnGatewayId"]
    deadline = began + 10
    while status(client, gateway) != "active":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert time.monotonic() - began > 0.4


def test_the_real_time_is_signed_with_while_the_service_is_elsewhere_in_time(service: Service) -> None:
    client = service.client()
    service.control("POST", "/v1/clock", {"set": "2040-06-01T00:00:00Z"})
    vpc = client.call("CreateVpc")["VpcId"]
    assert client.call("DescribeVpcAttribute", VpcId=vpc)["CreationTime"].startswith("2040-06-01T00:00")
    assert client.v3("DescribeVpcs", RegionId="cn-hangzhou").status == 200


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_dropped_connection_gets_no_answer_at_all(service: Service, when: str) -> None:
    client = service.client()
    order = network(client)
    service.control("POST", "/v1/faults", {"operation": "CreateVpnGateway", "drop": True, "when": when, "count": 1})
    wanted = {name: str(value) for name, value in order.items()} | {"ClientToken": "once"}
    with pytest.raises(http.client.RemoteDisconnected):
        once(service, "CreateVpnGateway", **wanted)
    there = client.call("DescribeVpnGateways")["VpnGateways"]["VpnGateway"]
    assert len(there) == (when == "after")
    again = client.call("CreateVpnGateway", ClientToken="once", **order)["VpnGatewayId"]
    assert [again] == [one["VpnGatewayId"] for one in there or [{"VpnGatewayId": again}]]
    assert client.call("DescribeVpnGateways")["TotalCount"] == 1
    dropped = [call for call in service.control("GET", "/v1/calls?operation=CreateVpnGateway") if not call["status"]]
    assert len(dropped) == 1
    assert "500" not in service.printed()


def test_an_answer_that_comes_late(service: Service) -> None:
    service.control("POST", "/v1/faults", {"operation": "*", "delay": 0.3, "call": 2})
    client = service.client()
    taken = []
    for _ in range(3):
        began = time.monotonic()
        client.call("DescribeRegions")
        taken.append(time.monotonic() - began)
    assert taken[1] > 0.29 > max(taken[0], taken[2])


def test_the_nth_call_fails(service: Service) -> None:
    service.control("POST", "/v1/faults", {"operation": "DescribeVpcs", "code": "ServiceUnavailable", "calls": [2, 3]})
    found = [service.client().v1("DescribeVpcs", RegionId="cn-hangzhou").status for _ in range(4)]
    assert found == [200, 503, 503, 200]


def test_an_instance_is_killed_and_recovered(service: Service) -> None:
    client = service.client()
    gateway = client.call("CreateVpnGateway", **network(client))["VpnGatewayId"]
    service.control("GET", "/v1/instances")
    assert status(client, gateway) == "active"
    service.control("POST", f"/v1/instances/{gateway}-1", {"action": "kill"})
    assert status(client, gateway) == "updating"
    service.control("POST", f"/v1/instances/{gateway}-1", {"action": "recover"})
    assert status(client, gateway) == "active"


def test_a_snapshot_from_sqlite_goes_into_postgresql(service: Service, tmp_path: Path, postgresql_server: Any) -> None:
    client = service.client()
    gateway = client.call("CreateVpnGateway", **network(client))["VpnGatewayId"]
    service.control("POST", "/v1/clock", {"advance": 1000})
    snapshot = service.control("GET", "/v1/snapshot")
    arguments = ("--control",)
    with Service(tmp_path / "other", database=postgresql_server.create(), arguments=arguments) as other:
        other.control("PUT", "/v1/snapshot", snapshot)
        described = other.client().call("DescribeVpnGateway", VpnGatewayId=gateway)
        assert described["Status"] == "active"
        ours = client.call("DescribeVpnGateway", VpnGatewayId=gateway)
        assert {**described, "RequestId": ""} == {**ours, "RequestId": ""}
        assert other.control("GET", "/v1/clock")["ahead"] > 900
        # State is durable; what is steered lives as long as the process.
        other.stop()
        other.start()
        assert status(other.client(), gateway) == "active"
        assert other.control("GET", "/v1/clock")["ahead"] == 0


def test_another_account_is_told_how_to_start(service: Service, tmp_path: Path) -> None:
    snapshot = service.control("GET", "/v1/snapshot")
    environment = {"GATEWRIGHT_ACCOUNT_ID": "42"}
    told = "GATEWRIGHT_ACCOUNT_ID=1234567890123456"
    other = Service(tmp_path / "other", arguments=("--control",), environment=environment)
    with other, pytest.raises(ControlRefused, match=told):
        other.control("PUT", "/v1/snapshot", snapshot)


def test_without_control_nothing_of_it_is_served(tmp_path: Path) -> None:
    with Service(tmp_path / "data") as plain:
        assert "  control  " not in plain.printed()
        assert plain.control_port == 0
        assert plain.client().send("POST", "/v1/reset").status == 404


def test_the_linux_plane_is_not_steered(tmp_path: Path) -> None:
    ended = run("serve", "--control", "--plane", "linux", "--data", str(tmp_path / "d"))
    assert ended.returncode == 2
    assert "--plane simulated" in ended.stderr


def test_the_apis_address_serves_no_control(service: Service) -> None:
    assert service.client().send("GET", "/v1/clock").status == 404
    with pytest.raises(Refused):
        service.client().call("Reset")


def test_a_clean_end_while_something_is_put_off(tmp_path: Path) -> None:
    with Service(tmp_path / "data", arguments=("--control",)) as service:
        client = service.client()
        order = network(client)
        service.control("POST", "/v1/delays", {"provisioning": 3600})
        client.call("CreateVpnGateway", **order)
        assert service.stop() == 0
        assert "Traceback" not in service.printed()
