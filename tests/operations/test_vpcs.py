"""VPCs: networks, names, the default one, deletion in the right order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gatewright.operations.call import Quotas
from tests.support.cell import ACCOUNT, Cell
from tests.support.routing import add_route

ZONE = "cn-hangzhou-k"


def vswitch(cell: Cell, vpc: str, block: str, **parameters: Any) -> str:
    made: str = cell.call("CreateVSwitch", VpcId=vpc, ZoneId=ZONE, CidrBlock=block, **parameters)["VSwitchId"]
    return made


def test_a_vpc_is_described_as_it_was_made(cell: Cell) -> None:
    made = cell.call("CreateVpc", CidrBlock="192.168.0.0/16", VpcName="edge", Description="d", UserCidr="10.1.0.0/24")
    described = cell.call("DescribeVpcAttribute", VpcId=made["VpcId"])
    assert described["Status"] == "Available"
    assert (described["CidrBlock"], described["VpcName"], described["Description"]) == ("192.168.0.0/16", "edge", "d")
    assert described["UserCidrs"] == {"UserCidr": ["10.1.0.0/24"]}
    assert described["VRouterId"] == made["VRouterId"]
    assert described["OwnerId"] == int(ACCOUNT)
    assert described["ResourceGroupId"] == made["ResourceGroupId"]
    listed = cell.call("DescribeVpcs", VpcName="edge")["Vpcs"]["Vpc"][0]
    assert listed["RouterTableIds"] == {"RouterTableIds": [made["RouteTableId"]]}
    assert listed["SecondaryCidrBlocks"] == {"SecondaryCidrBlock": []}
    assert listed["VSwitchIds"] == {"VSwitchId": []}


def test_terraform_finds_every_field_that_it_reads_with_its_type(cell: Cell) -> None:
    made = cell.call("CreateVpc")
    described = cell.call("DescribeVpcAttribute", VpcId=made["VpcId"])
    texts = (
        "VpcId CidrBlock CreationTime Description DnsHostnameStatus Ipv6CidrBlock RegionId ResourceGroupId VRouterId "
        "Status VpcName"
    )
    assert {name: type(described[name]) for name in texts.split()} == dict.fromkeys(texts.split(), str)
    for name in ("ClassicLinkEnabled", "EnabledIpv6", "IsDefault", "SupportIpv4Gateway"):
        assert described[name] is False
    for outer, inner in (
        ("Ipv6CidrBlocks", "Ipv6CidrBlock"),
        ("SecondaryCidrBlocks", "SecondaryCidrBlock"),
        ("Tags", "Tag"),
        ("UserCidrs", "UserCidr"),
        ("VSwitchIds", "VSwitchId"),
    ):
        assert described[outer] == {inner: []}
    counted = {each["ResourceType"]: each["ResourceCount"] for each in described["CloudResources"].popitem()[1]}
    assert counted == {"VRouter": 1, "RouteTable": 1, "VSwitch": 0}


def test_the_network_is_172_16_unless_another_is_named(cell: Cell) -> None:
    vpc = cell.call("CreateVpc")["VpcId"]
    assert cell.call("DescribeVpcAttribute", VpcId=vpc)["CidrBlock"] == "172.16.0.0/12"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"CidrBlock": "10.0.0.1/8"}, "InvalidParameter"),
        ({"CidrBlock": "10.0.0.0"}, "InvalidParameter"),
        ({"CidrBlock": "10.0.0.0/29"}, "OperationDenied.MaskOfCidrIsNotAllowed"),
        ({"CidrBlock": "10.0.0.0/7"}, "OperationDenied.MaskOfCidrIsNotAllowed"),
        ({"CidrBlock": "100.64.0.0/16"}, "OperationDenied.CidrInExcludeCidrs"),
        ({"CidrBlock": "127.0.0.0/16"}, "OperationDenied.CidrInExcludeCidrs"),
        ({"CidrBlock": "224.0.0.0/16"}, "OperationDenied.CidrInExcludeCidrs"),
        ({"CidrBlock": "fd00::/64"}, "InvalidParameter"),
        ({"VpcName": "https://x"}, "InvalidVpcName.Malformed"),
        ({"VpcName": "x" * 129}, "InvalidVpcName.Malformed"),
        ({"Description": "x" * 257}, "InvalidVpcDiscription.Malformed"),
        ({"UserCidr": "10.0.0.0/8,11.0.0.0/8,12.0.0.0/8,13.0.0.0/8"}, "InvalidUserCidr.Quota"),
        ({"UserCidr": "100.64.1.0/24"}, "InvalidUserCidr.Malformed"),
        ({"UserCidr": "ten"}, "IllegalParam.UserCidr"),
        ({"UserCidr": "10.0.0.0/8,11.0.0.1/8"}, "IllegalParam.UserCidr"),
        ({"EnableIpv6": True}, "UnsupportedOperation"),
        ({"Ipv4IpamPoolId": "ipam-pool-x"}, "UnsupportedOperation"),
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
    vpc = cell.call("CreateVpc", EnableIpv6="False", Ipv6Isp="BGP", OwnerId="1")["VpcId"]
    cell.call("ModifyVpcAttribute", VpcId=vpc, EnableIPv6=False, EnableDnsHostname=False, Ipv6Isp="BGP")


def test_a_dry_run_changes_nothing(cell: Cell) -> None:
    refused = cell.refusal("CreateVpc", DryRun=True)
    assert (refused.status, refused.code) == (400, "DryRunOperation")
    assert refused.message == "Request validation has been passed with DryRun flag set."
    assert cell.call("DescribeVpcs")["TotalCount"] == 0
    assert cell.refusal("CreateVpc", DryRun=True, CidrBlock="x").code == "InvalidParameter"
    assert cell.refusal("DescribeVpcs", DryRun=True).code == "DryRunOperation"
    vpc = cell.call("CreateVpc")["VpcId"]
    assert cell.refusal("DescribeVpcAttribute", VpcId=vpc, DryRun=True).code == "DryRunOperation"
    assert cell.refusal("DeleteVpc", VpcId=vpc, DryRun=True).code == "DryRunOperation"
    assert cell.refusal("DeleteVpc", VpcId="vpc-x", DryRun=True).code == "InvalidVpcId.NotFound"
    assert cell.call("DescribeVpcs")["TotalCount"] == 1


def test_vpcs_are_found_by_what_they_are(cell: Cell) -> None:
    made = [cell.call("CreateVpc", VpcName=name)["VpcId"] for name in ("a", "b", "ab")]
    default = cell.call("CreateDefaultVpc")["VpcId"]
    elsewhere = cell.call("CreateVpc", RegionId="cn-beijing", VpcName="a")["VpcId"]

    def found(**filters: Any) -> list[str]:
        answer = cell.call("DescribeVpcs", PageSize=50, **filters)
        ids = [vpc["VpcId"] for vpc in answer["Vpcs"]["Vpc"]]
        assert answer["TotalCount"] == len(ids)
        return sorted(ids)

    assert found() == sorted([*made, default])
    assert found(VpcName="a") == [made[0]]
    assert found(VpcId=f"{made[1]},{default},{elsewhere},vpc-x") == sorted([made[1], default])
    assert found(IsDefault=True) == [default]
    assert found(IsDefault=False) == sorted(made)
    assert found(VpcOwnerId=ACCOUNT) == sorted([*made, default])
    assert found(VpcOwnerId=1) == []
    assert found(EnableIpv6=False) == sorted([*made, default])
    assert found(EnableIpv6=True) == []
    assert found(RegionId="cn-beijing") == [elsewhere]
    assert found(ResourceGroupId=f"rg-{ACCOUNT}") == sorted([*made, default])
    assert cell.refusal("DescribeVpcs", DhcpOptionsSetId="dopt-x").code == "UnsupportedOperation"


def test_vpcs_are_paged_newest_first(cell: Cell) -> None:
    made = []
    for _ in range(5):
        cell.clock.advance(1)
        made.append(cell.call("CreateVpc")["VpcId"])
    pages = [cell.call("DescribeVpcs", PageSize=2, PageNumber=number) for number in (1, 2, 3, 4)]
    assert [vpc["VpcId"] for page in pages for vpc in page["Vpcs"]["Vpc"]] == made[::-1]
    assert [(page["TotalCount"], page["PageNumber"], page["PageSize"]) for page in pages] == [
        (5, number, 2) for number in (1, 2, 3, 4)
    ]


@pytest.mark.parametrize(
    ("filters", "code", "message"),
    [
        *(({"VpcId": ids}, "InvalidParameter", "VpcId") for ids in ("vpc-1,", ",", "vpc-1,,vpc-2", "vpc-1," * 21)),
        (
            {"VpcId": ",".join(f"vpc-{i}" for i in range(21))},
            "InvalidVpcIdNumber.NotSupported",
            "The number of vpcIds exceeds the limit.",
        ),
        ({"Tag.1.Value": "v"}, "InvalidTagKey", "The tag keys are not valid."),
        ({f"Tag.{i}.Key": "k" for i in range(1, 22)}, "SizeLimitExceeded.TagNum", ""),
        ({"ResourceGroupId": "rg-x"}, "InvalidResourceGroupId", "The specified ResourceGroupId does not exist."),
    ],
)
def test_a_bad_filter_is_refused_rather_than_cut(cell: Cell, filters: dict[str, Any], code: str, message: str) -> None:
    refused = cell.refusal("DescribeVpcs", **filters)
    assert (refused.status, refused.code) == (400, code)
    assert message in refused.message
    assert refused.detail.startswith(next(iter(filters)).partition(".")[0])


@pytest.mark.parametrize(
    ("operation", "code"), [("DescribeVpcs", "InvalidTagKey"), ("DescribeVSwitches", "InvalidParameter.TagKey")]
)
def test_a_bad_tag_is_told_before_the_region(cell: Cell, operation: str, code: str) -> None:
    refused = cell.refusal(operation, RegionId="mars-1", **{"Tag.1.Value": "v"})
    assert (refused.status, refused.code) == (400, code)


def test_the_quota_counts_an_accounts_vpcs_in_a_region_except_the_default_one(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell(quotas=Quotas(vpcs=2))
    cell.call("CreateDefaultVpc")
    made = [cell.call("CreateVpc", ClientToken=token)["VpcId"] for token in ("a", "b")]
    refused = cell.refusal("CreateVpc")
    assert (refused.status, refused.code, refused.message) == (400, "QuotaExceeded.Vpc", "VPC quota exceeded.")
    assert refused.detail.startswith("RegionId")
    assert cell.refusal("CreateVpc", DryRun=True).code == "QuotaExceeded.Vpc"
    # What was ordered before is answered as before; elsewhere and for others there is room.
    assert cell.call("CreateVpc", ClientToken="b")["VpcId"] == made[1]
    cell.call("CreateVpc", RegionId="cn-beijing")
    cell.other().call("CreateVpc")
    cell.call("DeleteVpc", VpcId=made[0])
    cell.call("CreateVpc")


def test_a_deleted_vpc_counts_until_its_vswitches_are_gone(make_cell: Callable[..., Cell]) -> None:
    # Without an agent nothing is ever gone.
    cell = make_cell(quotas=Quotas(vpcs=2), with_agent=False)
    for operation in ("CreateVpc", "CreateDefaultVpc"):
        vpc = cell.call(operation)["VpcId"]
        for _ in range(2):
            made = cell.call("CreateVSwitch", VpcId=vpc, ZoneId=ZONE, CidrMask=24)["VSwitchId"]
            cell.call("DeleteVSwitch", VSwitchId=made)
        cell.call("DeleteVpc", VpcId=vpc)
    for operation in ("CreateVpc", "CreateDefaultVpc"):
        refused = cell.refusal(operation)
        assert (refused.status, refused.code) == (400, "QuotaExceeded.Vpc")
        assert "vSwitches" in refused.detail
        cell.call(operation, RegionId="cn-beijing")


# -- the default VPC ------------------------------------------------------------------------------------------------


def test_a_region_has_one_default_vpc(cell: Cell) -> None:
    made = cell.call("CreateDefaultVpc", ClientToken="t")
    assert cell.call("CreateDefaultVpc", ClientToken="t")["VpcId"] == made["VpcId"]
    described = cell.call("DescribeVpcAttribute", VpcId=made["VpcId"], IsDefault=True)
    assert described["IsDefault"] is True
    assert (described["CidrBlock"], described["VpcName"]) == ("172.16.0.0/16", "")
    assert described["Description"] == "System created default VPC."
    assert (described["VRouterId"], described["Status"]) == (made["VRouterId"], "Available")
    listed = cell.call("DescribeVpcs")["Vpcs"]["Vpc"][0]
    assert listed["RouterTableIds"] == {"RouterTableIds": [made["RouteTableId"]]}
    refused = cell.refusal("CreateDefaultVpc")
    assert (refused.status, refused.code) == (400, "QuotaExceeded.Vpc")
    assert made["VpcId"] in refused.detail
    assert cell.refusal("CreateDefaultVpc", RegionId="cn-beijing", ResourceGroupId="rg-x").code == (
        "InvalidResourceGroupId"
    )


def test_default_vpcs_of_several_regions_do_not_overlap(cell: Cell) -> None:
    blocks = []
    for region in ("cn-hangzhou", "cn-beijing", "cn-shanghai"):
        vpc = cell.call("CreateDefaultVpc", RegionId=region)["VpcId"]
        blocks.append(cell.call("DescribeVpcAttribute", RegionId=region, VpcId=vpc)["CidrBlock"])
    assert blocks == ["172.16.0.0/16", "172.17.0.0/16", "172.18.0.0/16"]


def test_a_default_vpc_can_be_deleted_and_made_again(cell: Cell) -> None:
    first = cell.call("CreateDefaultVpc")["VpcId"]
    cell.call("DeleteVpc", VpcId=first)
    assert cell.call("CreateDefaultVpc")["VpcId"] != first


def test_a_vpc_that_is_not_the_default_one_is_not_found_as_such(cell: Cell) -> None:
    vpc = cell.call("CreateVpc")["VpcId"]
    refused = cell.refusal("DescribeVpcAttribute", VpcId=vpc, IsDefault=True)
    assert (refused.status, refused.code) == (404, "InvalidVpcId.NotFound")
    cell.call("DescribeVpcAttribute", VpcId=vpc, IsDefault=False)


# -- changing -------------------------------------------------------------------------------------------------------


def test_name_and_description_are_changed_each_alone(cell: Cell) -> None:
    vpc = cell.call("CreateVpc", VpcName="a", Description="b")["VpcId"]
    cell.call("ModifyVpcAttribute", VpcId=vpc, VpcName="c")
    cell.call("ModifyVpcAttribute", VpcId=vpc, Description="d")
    cell.call("ModifyVpcAttribute", VpcId=vpc)
    described = cell.call("DescribeVpcAttribute", VpcId=vpc)
    assert (described["VpcName"], described["Description"], described["CidrBlock"]) == ("c", "d", "172.16.0.0/12")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"VpcName": "http://x"}, "InvalidVpcName.Malformed"),
        ({"Description": "http://x"}, "InvalidVpcDiscription.Malformed"),
        ({"CidrBlock": "10.0.0.1/8"}, "InvalidCidrBlock.Malformed"),
        ({"CidrBlock": "10.0.0.0/29"}, "InvalidCidrBlock.Malformed"),
        ({"CidrBlock": "127.0.0.0/8"}, "InvalidCidrBlock.Malformed"),
        ({"CidrBlock": "10.1.0.0/16"}, "InvalidCidrBlock.Malformed"),
        ({"CidrBlock": "10.0.0.0/17"}, "InvalidCidrBlock.Malformed"),
        ({"CidrBlock": "10.0.0.0/13"}, "InvalidCidrBlock.Malformed"),
        ({"EnableIPv6": True}, "UnsupportedOperation"),
        ({"EnableDnsHostname": True}, "UnsupportedOperation"),
        ({"Ipv6CidrBlock": "2408::/56"}, "UnsupportedOperation"),
    ],
)
def test_a_bad_change_is_refused_and_changes_nothing(cell: Cell, changes: dict[str, Any], code: str) -> None:
    vpc = cell.call("CreateVpc", CidrBlock="10.0.0.0/16", VpcName="a")["VpcId"]
    cell.call("AssociateVpcCidrBlock", VpcId=vpc, SecondaryCidrBlock="10.7.0.0/16")
    vswitch(cell, vpc, "10.0.128.0/24")
    refused = cell.refusal("ModifyVpcAttribute", VpcId=vpc, **{"VpcName": "b", **changes})
    assert (refused.status, refused.code) == (400, code)
    assert refused.detail.startswith(next(iter(changes)))
    described = cell.call("DescribeVpcAttribute", VpcId=vpc)
    assert (described["VpcName"], described["CidrBlock"]) == ("a", "10.0.0.0/16")


def test_a_network_grows_and_shrinks_around_its_vswitches(cell: Cell) -> None:
    vpc = cell.call("CreateVpc", CidrBlock="10.0.0.0/16")["VpcId"]
    inside = vswitch(cell, vpc, "10.0.128.0/24")
    for block in ("10.0.0.0/12", "10.0.128.0/17", "10.0.128.0/24", "10.0.0.0/8"):
        cell.call("ModifyVpcAttribute", VpcId=vpc, CidrBlock=block)
        assert cell.call("DescribeVpcAttribute", VpcId=vpc)["CidrBlock"] == block
    cell.call("AssociateVpcCidrBlock", VpcId=vpc, SecondaryCidrBlock="192.168.0.0/16")
    vswitch(cell, vpc, "192.168.1.0/24")
    cell.call("ModifyVpcAttribute", VpcId=vpc, CidrBlock="10.0.0.0/9")
    cell.call("ModifyVpcAttribute", VpcId=vpc, CidrBlock="10.0.0.0/8")
    refused = cell.refusal("ModifyVpcAttribute", VpcId=vpc, CidrBlock="10.128.0.0/9")
    assert "10.0.128.0/24" in refused.detail
    assert inside in refused.detail


def test_a_network_does_not_grow_over_what_a_route_entry_leads_to(cell: Cell) -> None:
    made = cell.call("CreateVpc", CidrBlock="10.0.0.0/16")
    vpc, table = made["VpcId"], made["RouteTableId"]
    for destination in ("10.0.7.0/24", "10.1.0.0/24", "0.0.0.0/0"):
        add_route(cell, table, destination)
    for block in ("10.0.0.0/15", "10.0.0.0/8"):
        refused = cell.refusal("ModifyVpcAttribute", VpcId=vpc, CidrBlock=block)
        assert (refused.status, refused.code) == (400, "InvalidCidrBlock.Malformed")
        assert refused.detail.startswith("CidrBlock")
        assert "10.1.0.0/24" in refused.detail
    # A destination that lies in the VPC's network stays there.
    cell.call("ModifyVpcAttribute", VpcId=vpc, CidrBlock="10.0.0.0/17")
    cell.call("ModifyVpcAttribute", VpcId=vpc, CidrBlock="10.0.0.0/16")
    entry = cell.call("DescribeRouteEntryList", RouteTableId=table, DestinationCidrBlock="10.1.0.0/24")
    cell.call("DeleteRouteEntry", RouteEntryId=entry["RouteEntrys"]["RouteEntry"][0]["RouteEntryId"])
    cell.call("ModifyVpcAttribute", VpcId=vpc, CidrBlock="10.0.0.0/8")


def test_an_empty_vpc_does_not_move_to_another_network(cell: Cell) -> None:
    vpc = cell.call("CreateVpc", CidrBlock="10.0.0.0/16")["VpcId"]
    refused = cell.refusal("ModifyVpcAttribute", VpcId=vpc, CidrBlock="10.1.0.0/16")
    assert (refused.status, refused.code) == (400, "InvalidCidrBlock.Malformed")


def test_a_default_vpc_keeps_its_network(cell: Cell) -> None:
    vpc = cell.call("CreateDefaultVpc")["VpcId"]
    cell.call("ModifyVpcAttribute", VpcId=vpc, VpcName="mine", CidrBlock="172.16.0.0/16")
    refused = cell.refusal("ModifyVpcAttribute", VpcId=vpc, CidrBlock="172.16.0.0/12")
    assert (refused.status, refused.code) == (400, "InvalidCidrBlock.Malformed")
    cell.call("AssociateVpcCidrBlock", VpcId=vpc, SecondaryCidrBlock="192.168.0.0/16")


# -- deleting, and what is not there --------------------------------------------------------------------------------


def test_deleting_in_the_wrong_order_names_what_is_in_the_way(cell: Cell) -> None:
    network = cell.network()
    gateway = cell.gateway(network)
    for force in (False, True):
        refused = cell.refusal("DeleteVpc", VpcId=network[0], ForceDelete=force)
        assert (refused.status, refused.code) == (400, "DependencyViolation.VSwitch")
        assert network[1] in refused.detail
        assert gateway in refused.detail


def test_an_empty_vpc_is_deleted_and_gone(cell: Cell) -> None:
    vpc = cell.call("CreateVpc")["VpcId"]
    cell.call("DeleteVpc", VpcId=vpc, ForceDelete=True, ClientToken="t")
    cell.call("DeleteVpc", VpcId=vpc, ForceDelete=True, ClientToken="t")
    assert cell.refusal("DescribeVpcAttribute", VpcId=vpc).status == 404
    assert cell.refusal("DeleteVpc", VpcId=vpc).code == "InvalidVpcId.NotFound"
    assert cell.call("DescribeVpcs")["TotalCount"] == 0


OPERATIONS_ON_A_VPC = [
    ("DescribeVpcAttribute", {}, 404, "InvalidVpcId.NotFound"),
    ("ModifyVpcAttribute", {"VpcName": "b"}, 404, "InvalidVpcId.NotFound"),
    ("AssociateVpcCidrBlock", {"SecondaryCidrBlock": "192.168.0.0/24"}, 400, "InvalidVpc.NotFound"),
    ("UnassociateVpcCidrBlock", {"SecondaryCidrBlock": "192.168.0.0/24"}, 400, "InvalidVpc.NotFound"),
    ("CreateVSwitch", {"ZoneId": ZONE, "CidrBlock": "172.16.0.0/24"}, 404, "InvalidVpcId.NotFound"),
    ("DeleteVpc", {}, 404, "InvalidVpcId.NotFound"),
]


@pytest.mark.parametrize(("operation", "parameters", "status", "code"), OPERATIONS_ON_A_VPC)
def test_what_is_of_another_region_is_as_what_is_not_there(
    cell: Cell, operation: str, parameters: dict[str, Any], status: int, code: str
) -> None:
    elsewhere = cell.call("CreateVpc", RegionId="cn-beijing")["VpcId"]
    nowhere = cell.refusal(operation, VpcId="vpc-nowhere", **parameters)
    refused = cell.refusal(operation, VpcId=elsewhere, **parameters)
    assert (nowhere.status, nowhere.code) == (status, code)
    assert (refused.status, refused.code, refused.message) == (nowhere.status, nowhere.code, nowhere.message)
    assert refused.detail == nowhere.detail.replace("vpc-nowhere", elsewhere)
    assert cell.call("DescribeVpcs", RegionId="cn-beijing")["TotalCount"] == 1


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("ModifyVpcAttribute", {"VpcId": "vpc-x"}),
        ("DeleteVpc", {"VpcId": "vpc-x"}),
        ("CreateVSwitch", {"VpcId": "vpc-x", "ZoneId": ZONE, "CidrMask": 24}),
        ("DescribeVSwitchAttributes", {"VSwitchId": "vsw-x"}),
        ("ModifyVSwitchAttribute", {"VSwitchId": "vsw-x"}),
        ("DeleteVSwitch", {"VSwitchId": "vsw-x"}),
    ],
)
def test_a_refusal_says_where_was_looked(cell: Cell, operation: str, parameters: dict[str, Any]) -> None:
    assert "of this account in cn-beijing" in cell.refusal(operation, RegionId="cn-beijing", **parameters).detail
    assert "of this account in any region" in cell.refusal(operation, RegionId=None, **parameters).detail


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        ("ModifyVpcAttribute", {"VpcName": "b"}, "IncorrectVpcStatus"),
        ("AssociateVpcCidrBlock", {"SecondaryCidrBlock": "192.168.0.0/24"}, "IncorrectStatus.Vpc"),
        ("UnassociateVpcCidrBlock", {"SecondaryCidrBlock": "192.168.0.0/24"}, "IncorrectStatus.Vpc"),
        ("CreateVSwitch", {"ZoneId": ZONE, "CidrBlock": "172.16.0.0/24"}, "IncorrectVpcStatus"),
        ("DeleteVpc", {}, "IncorrectVpcStatus"),
    ],
)
def test_a_pending_vpc_is_not_worked_with(cell: Cell, operation: str, parameters: dict[str, Any], code: str) -> None:
    vpc = cell.call("CreateVpc")["VpcId"]
    cell.pend_vpcs()
    assert cell.call("DescribeVpcAttribute", VpcId=vpc)["Status"] == "Pending"
    refused = cell.refusal(operation, VpcId=vpc, **parameters)
    assert (refused.status, refused.code) == (400, code)
    assert vpc in refused.detail


def test_a_deletion_without_a_region_finds_the_resource(cell: Cell) -> None:
    vpc = cell.call("CreateVpc", RegionId="cn-beijing")["VpcId"]
    assert cell.refusal("DeleteVpc", VpcId=vpc).status == 404
    cell.call("DeleteVpc", VpcId=vpc, RegionId=None)
