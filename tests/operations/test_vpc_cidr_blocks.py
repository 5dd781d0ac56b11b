"""Secondary networks of VPCs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.operations.test_vpcs import ZONE, vswitch
from tests.support.cell import Cell
from tests.support.routing import add_route


def test_a_secondary_network_is_added_used_and_taken_off(cell: Cell) -> None:
    vpc = cell.call("CreateVpc", CidrBlock="10.0.0.0/16")["VpcId"]
    answer = cell.call("AssociateVpcCidrBlock", VpcId=vpc, SecondaryCidrBlock="192.168.0.0/16", IpVersion="IPV4")
    assert (answer["CidrBlock"], answer["IpVersion"]) == ("192.168.0.0/16", "IPV4")
    cell.call("AssociateVpcCidrBlock", VpcId=vpc, SecondaryCidrBlock="10.1.0.0/28")
    both = {"SecondaryCidrBlock": ["192.168.0.0/16", "10.1.0.0/28"]}
    assert cell.call("DescribeVpcAttribute", VpcId=vpc)["SecondaryCidrBlocks"] == both
    assert cell.call("DescribeVpcs")["Vpcs"]["Vpc"][0]["SecondaryCidrBlocks"] == both
    vswitch(cell, vpc, "10.0.7.0/24")
    inside = vswitch(cell, vpc, "192.168.7.0/24")
    refused = cell.refusal("UnassociateVpcCidrBlock", VpcId=vpc, SecondaryCidrBlock="192.168.0.0/16")
    assert (refused.status, refused.code) == (400, "OperationFailed.CidrInUse")
    assert inside in refused.detail
    cell.call("DeleteVSwitch", VSwitchId=inside)
    cell.call("UnassociateVpcCidrBlock", VpcId=vpc, SecondaryCidrBlock="192.168.0.0/16")
    left = cell.call("DescribeVpcAttribute", VpcId=vpc)["SecondaryCidrBlocks"]
    assert left == {"SecondaryCidrBlock": ["10.1.0.0/28"]}
    assert cell.refusal("CreateVSwitch", VpcId=vpc, ZoneId=ZONE, CidrBlock="192.168.7.0/24").code == "InvalidParameter"


@pytest.mark.parametrize(
    ("block", "code"),
    [
        ("192.168.0.1/16", "InvalidCidrBlock.Malformed"),
        ("192.168.0.0", "InvalidCidrBlock.Malformed"),
        ("fd00::/64", "InvalidCidrBlock.Malformed"),
        ("192.168.0.0/15", "OperationDenied.MaskOfCidrIsNotAllowed"),
        ("192.168.0.0/29", "OperationDenied.MaskOfCidrIsNotAllowed"),
        ("100.64.0.0/16", "OperationDenied.CidrInExcludeCidrs"),
        ("169.254.0.0/16", "OperationDenied.CidrInExcludeCidrs"),
        ("224.0.0.0/16", "OperationDenied.CidrInExcludeCidrs"),
        ("0.1.0.0/16", "OperationDenied.CidrInExcludeCidrs"),
        ("10.0.0.0/16", "IllegalParam.SecondaryCidrBlock"),
        ("10.0.4.0/24", "IllegalParam.SecondaryCidrBlock"),
        ("172.20.128.0/17", "IllegalParam.SecondaryCidrBlock"),
        ("172.20.0.0/16", "Duplicated.SecondaryCidrBlock"),
        ("192.168.0.0/16", "OperationFailed.ConflictWithEntry"),
        (None, "MissingParam.SecondaryCidrBlockOrIpv6CidrBlock"),
    ],
)
def test_a_bad_secondary_network_is_refused(cell: Cell, block: str | None, code: str) -> None:
    made = cell.call("CreateVpc", CidrBlock="10.0.0.0/16")
    vpc = made["VpcId"]
    cell.call("AssociateVpcCidrBlock", VpcId=vpc, SecondaryCidrBlock="172.20.0.0/16")
    add_route(cell, made["RouteTableId"], "192.168.3.0/24")
    add_route(cell, made["RouteTableId"], "0.0.0.0/0")
    refused = cell.refusal("AssociateVpcCidrBlock", VpcId=vpc, SecondaryCidrBlock=block)
    assert (refused.status, refused.code) == (400, code)
    assert refused.detail.startswith("SecondaryCidrBlock")
    described = cell.call("DescribeVpcAttribute", VpcId=vpc)
    assert described["SecondaryCidrBlocks"] == {"SecondaryCidrBlock": ["172.20.0.0/16"]}


def test_a_vpc_has_five_secondary_networks_at_the_most(cell: Cell) -> None:
    vpc = cell.call("CreateVpc", CidrBlock="10.0.0.0/16")["VpcId"]
    for number in range(5):
        cell.call("AssociateVpcCidrBlock", VpcId=vpc, SecondaryCidrBlock=f"192.168.{number}.0/24")
    refused = cell.refusal("AssociateVpcCidrBlock", VpcId=vpc, SecondaryCidrBlock="192.168.5.0/24")
    assert (refused.status, refused.code) == (400, "QuotaExceeded.VpcMultiCidr")
    cell.call("UnassociateVpcCidrBlock", VpcId=vpc, SecondaryCidrBlock="192.168.0.0/24")
    cell.call("AssociateVpcCidrBlock", VpcId=vpc, SecondaryCidrBlock="192.168.5.0/24")


@pytest.mark.parametrize(
    ("block", "code"),
    [
        ("10.0.0.0/16", "IllegalParam.SecondaryCidrBlock"),
        ("192.168.0.0/24", "IllegalParam.SecondaryCidrBlock"),
        (None, "MissingParam.SecondaryCidrBlockOrIpv6CidrBlock"),
    ],
)
def test_only_a_secondary_network_is_taken_off(cell: Cell, block: str | None, code: str) -> None:
    vpc = cell.call("CreateVpc", CidrBlock="10.0.0.0/16")["VpcId"]
    refused = cell.refusal("UnassociateVpcCidrBlock", VpcId=vpc, SecondaryCidrBlock=block)
    assert (refused.status, refused.code) == (400, code)
    assert refused.detail.startswith("SecondaryCidrBlock")


@pytest.mark.parametrize(
    "parameters",
    [
        {"IPv6CidrBlock": "2408::/56"},
        {"IpVersion": "IPV6"},
        {"IpamPoolId": "ipam-pool-x"},
        {"SecondaryCidrMask": 24},
        {"Ipv6CidrMask": 56},
        {"Ipv6Isp": "ChinaMobile"},
    ],
)
def test_what_is_not_served_of_secondary_networks_is_refused(cell: Cell, parameters: dict[str, Any]) -> None:
    vpc = cell.call("CreateVpc", CidrBlock="10.0.0.0/16")["VpcId"]
    wanted = {"SecondaryCidrBlock": "192.168.0.0/24", **parameters}
    refused = cell.refusal("AssociateVpcCidrBlock", VpcId=vpc, **wanted)
    assert (refused.status, refused.code) == (400, "UnsupportedOperation")
    assert refused.detail.startswith(next(iter(parameters)))
