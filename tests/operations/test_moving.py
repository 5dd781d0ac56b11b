"""Resource groups of gateways and VPCs: chosen with the order, inherited, filtered by, changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gatewright.store import resource_groups
from gatewright.store.resource_groups import ResourceGroupRow
from gatewright.store.transaction import Transaction
from tests.support.cell import ACCOUNT, Cell

GROUP = "rg-other"
DEFAULT = f"rg-{ACCOUNT}"


def another_group(cell: Cell) -> None:
    def add(transaction: Transaction) -> None:
        resource_groups.add(transaction, ResourceGroupRow(GROUP, ACCOUNT, "other", "Other", cell.clock.now()))

    cell.run(cell.database.write(add))


def count(cell: Cell, action: str, group: str) -> int:
    total: int = cell.call(action, ResourceGroupId=group)["TotalCount"]
    return total


def test_a_vpc_moves_with_its_vswitches(cell: Cell) -> None:
    another_group(cell)
    vpc, first, _ = cell.network()
    assert cell.call("DescribeVpcAttribute", VpcId=vpc)["ResourceGroupId"] == DEFAULT
    assert (count(cell, "DescribeVpcs", DEFAULT), count(cell, "DescribeVSwitches", DEFAULT)) == (1, 2)
    cell.call("MoveResourceGroup", ResourceType="vpc", ResourceId=vpc, NewResourceGroupId=GROUP)
    assert cell.call("DescribeVpcAttribute", VpcId=vpc)["ResourceGroupId"] == GROUP
    assert cell.call("DescribeVSwitchAttributes", VSwitchId=first)["ResourceGroupId"] == GROUP
    assert (count(cell, "DescribeVpcs", DEFAULT), count(cell, "DescribeVSwitches", DEFAULT)) == (0, 0)
    assert (count(cell, "DescribeVpcs", GROUP), count(cell, "DescribeVSwitches", GROUP)) == (1, 2)


def test_a_gateway_moves_alone_and_stays_active(cell: Cell) -> None:
    another_group(cell)
    network = cell.network()
    gateway = cell.gateway(network)
    cell.until_status(gateway, "active")
    cell.call("MoveVpnResourceGroup", ResourceType="VpnGateWay", InstanceId=gateway, NewResourceGroupId=GROUP)
    described = cell.call("DescribeVpnGateway", VpnGatewayId=gateway)
    assert (described["ResourceGroupId"], described["Status"]) == (GROUP, "active")
    assert (count(cell, "DescribeVpnGateways", GROUP), count(cell, "DescribeVpnGateways", DEFAULT)) == (1, 0)
    assert cell.call("DescribeVpcAttribute", VpcId=network[0])["ResourceGroupId"] == DEFAULT


def test_a_customer_gateway_moves(cell: Cell) -> None:
    another_group(cell)
    identity = cell.call("CreateCustomerGateway", IpAddress="203.0.113.1")["CustomerGatewayId"]
    moved = {"ResourceType": "CUSTOMERGATEWAY", "InstanceId": identity}
    cell.call("MoveVpnResourceGroup", **moved, NewResourceGroupId=GROUP)
    assert cell.call("DescribeCustomerGateway", CustomerGatewayId=identity)["ResourceGroupId"] == GROUP
    assert (count(cell, "DescribeCustomerGateways", GROUP), count(cell, "DescribeCustomerGateways", DEFAULT)) == (1, 0)
    refused = cell.refusal("DeleteResourceGroup", version="2020-03-31", ResourceGroupId=GROUP)
    assert refused.code == "DeleteConflict.ResourceGroup.Resource"
    assert cell.refusal("MoveVpnResourceGroup", **moved, NewResourceGroupId="rg-none").code == "InvalidResourceGroupId"


def test_a_group_is_chosen_with_the_order(cell: Cell) -> None:
    another_group(cell)
    customer = cell.call("CreateCustomerGateway", IpAddress="203.0.113.1", ResourceGroupId=GROUP)["CustomerGatewayId"]
    assert cell.call("DescribeCustomerGateway", CustomerGatewayId=customer)["ResourceGroupId"] == GROUP
    made = cell.call("CreateVpc", ResourceGroupId=GROUP)
    assert made["ResourceGroupId"] == GROUP
    gateway = cell.gateway(cell.network(), ResourceGroupId=GROUP)
    assert cell.call("DescribeVpnGateway", VpnGatewayId=gateway)["ResourceGroupId"] == GROUP


@pytest.mark.parametrize(
    ("action", "parameters", "status", "code"),
    [
        ("MoveResourceGroup", {"ResourceId": "vpc-nowhere"}, 400, "InvalidResourceId.NotFound"),
        ("MoveResourceGroup", {"ResourceType": "Eip"}, 400, "InvalidResourceId.NotFound"),
        ("MoveResourceGroup", {"ResourceType": "Planet"}, 400, "IllegalParam.ResourceType"),
        ("MoveResourceGroup", {"RegionId": "cn-beijing"}, 400, "InvalidResourceId.NotFound"),
        ("MoveResourceGroup", {"NewResourceGroupId": "rg-nowhere"}, 400, "InvalidResourceGroupId"),
        ("MoveVpnResourceGroup", {"InstanceId": "vpn-nowhere"}, 404, "InvalidVpnGatewayInstanceId.NotFound"),
        ("MoveVpnResourceGroup", {"RegionId": "cn-beijing"}, 404, "InvalidVpnGatewayInstanceId.NotFound"),
        (
            "MoveVpnResourceGroup",
            {"ResourceType": "CustomerGateway"},
            404,
            "InvalidCustomerGatewayInstanceId.NotFound",
        ),
        (
            "MoveVpnResourceGroup",
            {"ResourceType": "VPNATTACHMENT"},
            404,
            "InvalidVpnConnectionInstanceId.NotFound",
        ),
        ("MoveVpnResourceGroup", {"ResourceType": "Vpc"}, 400, "InvalidParameter"),
        ("MoveVpnResourceGroup", {"NewResourceGroupId": "rg-nowhere"}, 400, "InvalidResourceGroupId"),
    ],
)
def test_what_cannot_be_moved(cell: Cell, action: str, parameters: dict[str, Any], status: int, code: str) -> None:
    network = cell.network()
    gateway = cell.gateway(network)
    wanted: dict[str, Any] = {
        "MoveResourceGroup": {"ResourceType": "Vpc", "ResourceId": network[0], "NewResourceGroupId": DEFAULT},
        "MoveVpnResourceGroup": {"ResourceType": "VpnGateway", "InstanceId": gateway, "NewResourceGroupId": DEFAULT},
    }[action]
    refused = cell.refusal(action, **{**wanted, **parameters})
    assert (refused.status, refused.code) == (status, code)


def test_a_gateway_that_is_being_deleted_is_not_moved(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell(with_agent=False)
    gateway = cell.gateway(cell.network())
    cell.call("DeleteVpnGateway", VpnGatewayId=gateway)
    refused = cell.refusal(
        "MoveVpnResourceGroup", ResourceType="VpnGateway", InstanceId=gateway, NewResourceGroupId=DEFAULT
    )
    assert (refused.status, refused.code) == (400, "VpnGateway.Configuring")
