"""Delays, and instances that are killed: what a client sees of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cell import Cell
from tests.support.client import ControlRefused

HOUR = 3600


def advance(cell: Cell, seconds: float) -> None:
    cell.control("POST", "/v1/clock", {"advance": seconds})


def status(cell: Cell, gateway: str) -> Any:
    return cell.call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"]


def test_each_stage_of_a_gateway_takes_its_time(steered: Cell) -> None:
    network = steered.network()
    told = steered.control("POST", "/v1/delays", {"provisioning": 300, "updating": HOUR})
    assert told == {"provisioning": 300, "updating": HOUR, "deleting": 0, "vpc": 0, "vswitch": 0, "tunnel": 0}
    assert steered.control("POST", "/v1/delays", {"deleting": 60.5})["provisioning"] == 300
    gateway = steered.gateway(network)
    advance(steered, 299)
    assert {one["state"] for one in steered.control("GET", "/v1/instances")} == {"provisioning"}
    assert status(steered, gateway) == "provisioning"
    advance(steered, 1)
    # What a request to the control API sets off can be seen when it is answered: nobody has to wait here.
    assert status(steered, gateway) == "active"
    steered.call("ModifyVpnGatewayAttribute", VpnGatewayId=gateway, AutoPropagate=True)
    advance(steered, HOUR - 1)
    assert status(steered, gateway) == "updating"
    advance(steered, 1)
    assert status(steered, gateway) == "active"
    steered.call("DeleteVpnGateway", VpnGatewayId=gateway)
    assert states(steered) == ["deleting"] * 2
    advance(steered, 60)
    assert status(steered, gateway) == "deleting"
    advance(steered, 1)
    assert steered.refusal("DescribeVpnGateway", VpnGatewayId=gateway).status == 404
    assert states(steered) == []


def states(cell: Cell) -> list[str]:
    return [one["state"] for one in cell.control("GET", "/v1/instances")]


def test_vpcs_and_vswitches_take_their_time(steered: Cell) -> None:
    steered.control("POST", "/v1/delays", {"vpc": 10, "vswitch": 20})
    vpc = steered.call("CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"]
    assert steered.call("DescribeVpcAttribute", VpcId=vpc)["Status"] == "Pending"
    advance(steered, 10)
    assert steered.call("DescribeVpcAttribute", VpcId=vpc)["Status"] == "Available"
    vswitch = steered.call("CreateVSwitch", VpcId=vpc, ZoneId="cn-hangzhou-k", CidrBlock="10.1.0.0/24")["VSwitchId"]
    advance(steered, 19)
    assert steered.call("DescribeVSwitchAttributes", VSwitchId=vswitch)["Status"] == "Pending"
    # A gateway may be ordered into it meanwhile, and waits for it.
    second = steered.call("CreateVSwitch", VpcId=vpc, ZoneId="cn-hangzhou-j", CidrBlock="10.2.0.0/24")["VSwitchId"]
    gateway = steered.gateway((vpc, vswitch, second))
    advance(steered, 1)
    assert steered.call("DescribeVSwitchAttributes", VSwitchId=vswitch)["Status"] == "Available"
    assert status(steered, gateway) == "provisioning"
    advance(steered, 19)
    assert status(steered, gateway) == "active"
    steered.call("DeleteVpnGateway", VpnGatewayId=gateway)
    steered.until_gone(gateway)
    steered.call("DeleteVSwitch", VSwitchId=vswitch)
    advance(steered, 19)
    assert steered.call("DescribeVSwitchAttributes", VSwitchId=vswitch)["Status"] == "Pending"
    advance(steered, 1)
    assert steered.call("DescribeVSwitches", VpcId=vpc)["TotalCount"] == 1


def test_a_changed_delay_is_for_what_begins_after_it(steered: Cell) -> None:
    network = steered.network()
    steered.control("POST", "/v1/delays", {"provisioning": HOUR})
    # It begins when it is ordered, however soon the delay is another one.
    first = steered.gateway(network)
    steered.control("POST", "/v1/delays", {"provisioning": 0})
    steered.until_status(steered.gateway(network), "active")
    assert status(steered, first) == "provisioning"
    advance(steered, HOUR)
    assert status(steered, first) == "active"


def test_a_killed_instance_is_down_until_it_is_recovered(steered: Cell) -> None:
    gateway = steered.gateway(steered.network())
    steered.until_status(gateway, "active")
    steered.control("POST", "/v1/delays", {"provisioning": HOUR, "updating": HOUR})
    assert steered.control("GET", "/v1/instances") == [
        {"id": f"{gateway}-1", "gateway": gateway, "zone": "cn-hangzhou-k", "role": "master", "state": "up"},
        {"id": f"{gateway}-2", "gateway": gateway, "zone": "cn-hangzhou-j", "role": "slave", "state": "up"},
    ]
    assert steered.control("POST", f"/v1/instances/{gateway}-2", {"action": "kill"})["state"] == "killed"
    assert status(steered, gateway) == "updating"
    # Whatever time passes, and though the agent tries again.
    advance(steered, 100 * HOUR)
    assert states(steered) == ["up", "killed"]
    assert status(steered, gateway) == "updating"
    assert steered.control("POST", f"/v1/instances/{gateway}-2", {"action": "recover"})["state"] == "up"
    assert status(steered, gateway) == "active"


def test_a_gateway_with_a_killed_instance_can_be_deleted(steered: Cell) -> None:
    gateway = steered.gateway(steered.network())
    # Also before it was made.
    steered.control("POST", f"/v1/instances/{gateway}-1", {"action": "kill"})
    assert states(steered) == ["killed", "up"]
    assert status(steered, gateway) != "active"
    steered.call("DeleteVpnGateway", VpnGatewayId=gateway)
    steered.until_gone(gateway)


@pytest.mark.parametrize(
    ("path", "body", "status", "parameter"),
    [
        ("/v1/delays", {"provisioning": -1}, 400, "provisioning"),
        ("/v1/delays", {"vpc": 1e9}, 400, "vpc"),
        ("/v1/delays", {"vswitch": "1"}, 400, "vswitch"),
        ("/v1/delays", {"updating": None}, 400, "updating"),
        ("/v1/delays", {"creating": 1}, 400, "creating"),
        ("/v1/instances/vpn-none-1", {"action": "kill"}, 404, "id"),
        ("/v1/instances/vpn-none-1", {"action": "stop"}, 400, "action"),
        ("/v1/instances/vpn-none-1", {}, 400, "action"),
    ],
)
def test_what_is_wrong_is_named(cell: Cell, path: str, body: Any, status: int, parameter: str) -> None:
    with pytest.raises(ControlRefused) as refused:
        cell.control("POST", path, body)
    assert (refused.value.status, refused.value.parameter) == (status, parameter)
    assert set(cell.control("GET", "/v1/delays").values()) == {0}
