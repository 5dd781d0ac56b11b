"""VPCs and vSwitches: networks, names, deletion in the right order."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cell import ACCOUNT, Cell


def test_a_vpc_is_described_as_it_was_made(cell: Cell) -> None:
    made = cell.call("CreateVpc", CidrBlock="192.168.0.0/16", VpcName="edge", Description="d", UserCidr="10.1.0.0/24")
    described = cell.call("DescribeVpcAttribute", VpcId=made["VpcId"])
    assert described["Status"] == "Available"
    assert (described["CidrBlock"], described["VpcName"], described["Description"]) == ("192.168.0.0/16", "edge", "d")
    assert described["UserCidrs"] == {"UserCidr": ["10.1.0.0/24"]}
    assert described["VRouterId"] == made["VRouterId"]
    assert described["OwnerId"] == int(ACCOUNT)
    listed = cell.call("DescribeVpcs", VpcName="edge")["Vpcs"]["Vpc"][0]
    assert listed["RouterTableIds"] == {"RouterTableIds": [made["RouteTableId"]]}
    assert listed["SecondaryCidrBlocks"] == {"SecondaryCidrBlock": []}
    assert listed["VSwitchIds"] == {"VSwitchId": []}


def test_the_default_network_is_172_16(cell: Cell) -> None:
    vpc = cell.call("CreateVpc")["VpcId"]
    assert cell.call("DescribeVpcAttribute", VpcId=vpc)["CidrBlock"] == "172.16.0.0/12"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"CidrBlock": "10.0.0.1/8"}, "InvalidParameter"),
        ({"CidrBlock": "10.0.0.0"}, "InvalidParameter"),
        ({"CidrBlock": "10.0.0.0/29"}, "InvalidParameter"),
        ({"CidrBlock": "10.0.0.0/7"}, "InvalidParameter"),
        ({"CidrBlock": "100.64.0.0/16"}, "InvalidParameter"),
        ({"CidrBlock": "127.0.0.0/16"}, "InvalidParameter"),
        ({"CidrBlock": "224.0.0.0/16"}, "InvalidParameter"),
        ({"CidrBlock": "fd00::/64"}, "InvalidParameter"),
        ({"VpcName": "https://x"}, "InvalidVpcName.Malformed"),
        ({"VpcName": "x" * 129}, "InvalidVpcName.Malformed"),
        ({"Description": "x" * 257}, "InvalidVpcDiscription.Malformed"),
        ({"UserCidr": "10.0.0.0/8,11.0.0.0/8,12.0.0.0/8,13.0.0.0/8"}, "InvalidUserCidr.Quota"),
        ({"UserCidr": "100.64.1.0/24"}, "InvalidUserCidr.Malformed"),
        ({"UserCidr": "ten"}, "InvalidParameter"),
        ({"EnableIpv6": True}, "UnsupportedOperation"),
        ({"Tag.1.Key": "aliyun"}, "InvalidParameter.TagKey"),
        ({"ResourceGroupId": "rg-nowhere"}, "InvalidResourceGroupId"),
    ],
)
def test_a_bad_vpc_is_refused(cell: Cell, changes: dict[str, Any], code: str) -> None:
    refused = cell.refusal("CreateVpc", **changes)
    assert (refused.status, refused.code) == (400, code)
    assert refused.detail.startswith(next(iter(changes)).partition(".")[0])
    assert cell.call("DescribeVpcs")["TotalCount"] == 0


def test_a_region_that_there_is_not_has_the_operations_own_text(cell: Cell) -> None:
    refused = cell.refusal("CreateVpc", RegionId="mars-1")
    assert (refused.status, refused.code) == (404, "InvalidRegionId.NotFound")
    assert refused.message == 'Specified value of "regionId" is not supported.'


def test_what_is_not_served_but_means_nothing_is_accepted(cell: Cell) -> None:
    cell.call("CreateVpc", EnableIpv6="False", Ipv6Isp="BGP", OwnerId="1")


def test_a_dry_run_changes_nothing(cell: Cell) -> None:
    refused = cell.refusal("CreateVpc", DryRun=True)
    assert (refused.status, refused.code) == (400, "DryRunOperation")
    assert refused.message == "Request validation has been passed with DryRun flag set."
    assert cell.call("DescribeVpcs")["TotalCount"] == 0
    assert cell.refusal("CreateVpc", DryRun=True, CidrBlock="x").code == "InvalidParameter"
    assert cell.refusal("DescribeVpcs", DryRun=True).code == "DryRunOperation"


def test_vswitches_lie_within_their_vpc_and_apart(cell: Cell) -> None:
    vpc = cell.call("CreateVpc", CidrBlock="10.0.0.0/16")["VpcId"]
    made = cell.call("CreateVSwitch", VpcId=vpc, ZoneId="cn-hangzhou-k", CidrBlock="10.0.0.0/24", VSwitchName="a")
    vswitch = made["VSwitchId"]

    def refusal(**changes: str) -> str:
        order = {"VpcId": vpc, "ZoneId": "cn-hangzhou-k", "CidrBlock": "10.0.1.0/24", **changes}
        return cell.refusal("CreateVSwitch", **order).code

    assert refusal(CidrBlock="10.1.0.0/24") == "InvalidParameter"
    assert refusal(CidrBlock="10.0.0.128/25") == "InvalidCidrBlock.Overlapped"
    assert refusal(CidrBlock="10.0.1.1/24") == "InvalidCidrBlock.Malformed"
    assert refusal(CidrBlock="10.0.1.0/30") == "InvalidCirdrBlock.MaskLength"
    assert refusal(ZoneId="cn-beijing-a") == "InvalidZoneId.NotFound"
    assert refusal(VpcId="vpc-x") == "InvalidVpcId.NotFound"
    assert refusal(VSwitchName="http://x") == "InvalidVSwitchName.Malformed"
    described = cell.until(
        "DescribeVSwitchAttributes", lambda answer: answer["Status"] == "Available", VSwitchId=vswitch
    )
    assert described["AvailableIpAddressCount"] == 252
    assert described["RouteTable"]["RouteTableType"] == "System"
    assert cell.call("DescribeVSwitches", VpcId=vpc, ZoneId="cn-hangzhou-k")["TotalCount"] == 1
    assert cell.call("DescribeVSwitches", VSwitchId=f"{vswitch},vsw-x")["TotalCount"] == 1
    assert cell.call("DescribeVSwitches", VSwitchName="b")["TotalCount"] == 0
    assert cell.call("DescribeVpcs")["Vpcs"]["Vpc"][0]["VSwitchIds"] == {"VSwitchId": [vswitch]}


def test_deleting_in_the_wrong_order_names_what_is_in_the_way(cell: Cell) -> None:
    network = cell.network()
    gateway = cell.gateway(network)
    refused = cell.refusal("DeleteVpc", VpcId=network[0])
    assert (refused.status, refused.code) == (400, "DependencyViolation.VSwitch")
    assert network[1] in refused.detail
    assert gateway in refused.detail
    refused = cell.refusal("DeleteVSwitch", VSwitchId=network[1])
    assert (refused.status, refused.code) == (400, "DependencyViolation")
    assert gateway in refused.detail


def test_what_is_not_there_is_not_found(cell: Cell) -> None:
    for operation, parameter, code in (
        ("DescribeVpcAttribute", "VpcId", "InvalidVpcId.NotFound"),
        ("DeleteVpc", "VpcId", "InvalidVpcId.NotFound"),
        ("DescribeVSwitchAttributes", "VSwitchId", "InvalidVSwitchId.NotFound"),
        ("DeleteVSwitch", "VSwitchId", "InvalidVSwitchId.NotFound"),
    ):
        refused = cell.refusal(operation, **{parameter: "none-such"})
        assert (refused.status, refused.code) == (404, code)


def test_a_deletion_without_a_region_finds_the_resource(cell: Cell) -> None:
    vpc = cell.call("CreateVpc", RegionId="cn-beijing")["VpcId"]
    assert cell.refusal("DeleteVpc", VpcId=vpc).status == 404
    cell.call("DeleteVpc", VpcId=vpc, RegionId=None)


def test_regions_zones_and_identity(cell: Cell) -> None:
    regions = cell.call("DescribeRegions")["Regions"]["Region"]
    assert "cn-hangzhou" in {region["RegionId"] for region in regions}
    zones = cell.call("DescribeZones", RegionId="cn-hangzhou")["Zones"]["Zone"]
    assert zones[0]["ZoneId"] == "cn-hangzhou-k"
    assert [zone["ZoneId"] for zone in zones][-3:] == ["cn-hangzhou-b", "cn-hangzhou-e", "cn-hangzhou-f"]
    identity = cell.call("GetCallerIdentity", version="2015-04-01")
    assert (identity["AccountId"], identity["Arn"]) == (ACCOUNT, f"acs:ram::{ACCOUNT}:root")
