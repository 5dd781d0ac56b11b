"""vSwitches: networks within their VPC and apart, default ones, changing, and a deletion that takes its time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gatewright.operations.call import Quotas
from gatewright.resources.specs import ItemKey, Kind
from tests.support.cell import ACCOUNT, Cell
from tests.support.routing import add_route

ZONE = "cn-hangzhou-k"


def available(cell: Cell, vswitch: str) -> dict[str, Any]:
    return cell.until("DescribeVSwitchAttributes", lambda answer: answer["Status"] == "Available", VSwitchId=vswitch)


def until_gone(cell: Cell, vswitch: str) -> None:
    cell.until("DescribeVSwitches", lambda answer: answer["TotalCount"] == 0, VSwitchId=vswitch)
    refused = cell.refusal("DescribeVSwitchAttributes", VSwitchId=vswitch)
    assert (refused.status, refused.code) == (404, "InvalidVSwitchId.NotFound")


def vpc_with(cell: Cell, block: str = "10.0.0.0/16") -> str:
    made: str = cell.call("CreateVpc", CidrBlock=block)["VpcId"]
    return made


def test_a_vswitch_is_described_as_it_was_made(cell: Cell) -> None:
    made = cell.call("CreateVpc", CidrBlock="10.0.0.0/16")
    vswitch = cell.call(
        "CreateVSwitch",
        VpcId=made["VpcId"],
        ZoneId=ZONE,
        CidrBlock="10.0.0.0/24",
        VSwitchName="a",
        Description="b",
        **{"Tag.1.Key": "k", "Tag.1.Value": "v"},
    )["VSwitchId"]
    described = available(cell, vswitch)
    texts = (
        "VSwitchId CidrBlock CreationTime Description Ipv6CidrBlock Status VSwitchName VpcId ZoneId ResourceGroupId "
        "NetworkAclId ShareType"
    )
    assert {name: type(described[name]) for name in texts.split()} == dict.fromkeys(texts.split(), str)
    assert (described["CidrBlock"], described["VSwitchName"], described["Description"]) == ("10.0.0.0/24", "a", "b")
    assert (described["VpcId"], described["ZoneId"], described["OwnerId"]) == (made["VpcId"], ZONE, int(ACCOUNT))
    assert described["IsDefault"] is False
    assert described["EnabledIpv6"] is False
    assert described["AvailableIpAddressCount"] == 252
    assert described["RouteTable"] == {"RouteTableId": made["RouteTableId"], "RouteTableType": "System"}
    assert described["Tags"] == {"Tag": [{"Key": "k", "Value": "v"}]}
    listed = cell.call("DescribeVSwitches", VSwitchId=vswitch)["VSwitches"]["VSwitch"][0]
    assert {**listed, "RequestId": described["RequestId"]} == described
    assert cell.call("DescribeVpcs")["Vpcs"]["Vpc"][0]["VSwitchIds"] == {"VSwitchId": [vswitch]}


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"CidrBlock": "10.1.0.0/24"}, 400, "InvalidParameter"),
        ({"CidrBlock": "10.0.0.128/25"}, 400, "InvalidCidrBlock.Overlapped"),
        ({"CidrBlock": "10.0.0.0/16"}, 400, "InvalidCidrBlock.Overlapped"),
        ({"CidrBlock": "10.0.1.1/24"}, 400, "InvalidCidrBlock.Malformed"),
        ({"CidrBlock": "ten"}, 400, "InvalidCidrBlock.Malformed"),
        ({"CidrBlock": "100.64.1.0/24"}, 400, "InvalidParameter"),
        ({"CidrBlock": "10.0.1.0/30"}, 400, "InvalidCirdrBlock.MaskLength"),
        ({"CidrBlock": "10.0.0.0/15"}, 400, "InvalidCirdrBlock.MaskLength"),
        ({"CidrBlock": None}, 400, "MissingParameter"),
        ({"CidrMask": 25}, 400, "InvalidCirdrBlock.MaskLength"),
        ({"CidrMask": 15, "CidrBlock": None}, 400, "InvalidCirdrBlock.MaskLength"),
        ({"CidrMask": 16, "CidrBlock": None}, 400, "OperationDenied.AvailableCidrInsufficient"),
        ({"ZoneId": "cn-beijing-a"}, 404, "InvalidZoneId.NotFound"),
        ({"VpcId": "vpc-x"}, 404, "InvalidVpcId.NotFound"),
        ({"VSwitchName": "http://x"}, 400, "InvalidVSwitchName.Malformed"),
        ({"Description": "x" * 257}, 400, "InvalidVSwitchDiscription.Malformed"),
        ({"Ipv6CidrBlock": 1}, 400, "UnsupportedOperation"),
    ],
)
def test_a_bad_vswitch_is_refused(cell: Cell, changes: dict[str, Any], status: int, code: str) -> None:
    vpc = vpc_with(cell)
    cell.call("CreateVSwitch", VpcId=vpc, ZoneId=ZONE, CidrBlock="10.0.0.0/24")
    order = {"VpcId": vpc, "ZoneId": ZONE, "CidrBlock": "10.0.1.0/24", **changes}
    refused = cell.refusal("CreateVSwitch", **order)
    assert (refused.status, refused.code) == (status, code)
    assert refused.detail.startswith(next(iter(changes)))
    assert cell.call("DescribeVSwitches", VpcId=vpc)["TotalCount"] == 1


def test_a_vswitch_may_lie_in_any_network_of_its_vpc_and_fill_it(cell: Cell) -> None:
    vpc = vpc_with(cell)
    cell.call("AssociateVpcCidrBlock", VpcId=vpc, SecondaryCidrBlock="192.168.0.0/24")
    for block in ("10.0.0.0/16", "192.168.0.0/24"):
        cell.call("CreateVSwitch", VpcId=vpc, ZoneId=ZONE, CidrBlock=block)
    assert cell.call("DescribeVSwitches", VpcId=vpc)["TotalCount"] == 2


def test_a_vswitch_may_lie_in_a_reserved_range_and_is_not_put_there(cell: Cell) -> None:
    vpc = vpc_with(cell, "100.0.0.0/8")
    cell.call("CreateVSwitch", VpcId=vpc, ZoneId=ZONE, CidrBlock="100.64.0.0/16")
    around = vpc_with(cell, "169.254.0.0/15")
    chosen = cell.call("CreateVSwitch", VpcId=around, ZoneId=ZONE, CidrMask=16)["VSwitchId"]
    assert cell.call("DescribeVSwitchAttributes", VSwitchId=chosen)["CidrBlock"] == "169.255.0.0/16"


def test_a_mask_alone_gets_the_first_free_network(cell: Cell) -> None:
    vpc = vpc_with(cell, "10.0.0.0/24")
    cell.call("CreateVSwitch", VpcId=vpc, ZoneId=ZONE, CidrBlock="10.0.0.64/26", CidrMask=26)
    cell.call("AssociateVpcCidrBlock", VpcId=vpc, SecondaryCidrBlock="192.168.0.0/26")
    blocks = []
    for mask in (27, 26, 27, 27, 26):
        made = cell.call("CreateVSwitch", VpcId=vpc, ZoneId=ZONE, CidrMask=mask)["VSwitchId"]
        blocks.append(cell.call("DescribeVSwitchAttributes", VSwitchId=made)["CidrBlock"])
    assert blocks == ["10.0.0.0/27", "10.0.0.128/26", "10.0.0.32/27", "10.0.0.192/27", "192.168.0.0/26"]
    refused = cell.refusal("CreateVSwitch", VpcId=vpc, ZoneId=ZONE, CidrMask=26)
    assert (refused.status, refused.code) == (400, "OperationDenied.AvailableCidrInsufficient")
    cell.call("CreateVSwitch", VpcId=vpc, ZoneId=ZONE, CidrMask=27)


def test_route_entries_keep_their_destinations(cell: Cell) -> None:
    made = cell.call("CreateVpc", CidrBlock="10.0.0.0/16")
    for destination in ("10.0.0.0/24", "10.0.2.0/23"):
        add_route(cell, made["RouteTableId"], destination)
    order = {"VpcId": made["VpcId"], "ZoneId": ZONE}
    for block in ("10.0.0.0/24", "10.0.0.0/23"):
        refused = cell.refusal("CreateVSwitch", **order, CidrBlock=block)
        assert (refused.status, refused.code) == (400, "InvalidCidrBlock.Overlapped")
        assert refused.message == "Specified CIDR block overlapped with other entry."
        assert "10.0.0.0/24" in refused.detail
    # A part of what an entry leads to may be a vSwitch.
    cell.call("CreateVSwitch", **order, CidrBlock="10.0.2.0/24")
    for block in ("10.0.1.0/24", "10.0.3.0/24", "10.0.4.0/24"):
        chosen = cell.call("CreateVSwitch", **order, CidrMask=24)["VSwitchId"]
        assert cell.call("DescribeVSwitchAttributes", VSwitchId=chosen)["CidrBlock"] == block


def test_the_quota_counts_what_is_there_except_default_vswitches(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell(quotas=Quotas(vswitches=2))
    vpc = cell.call("CreateDefaultVpc")["VpcId"]
    cell.call("CreateDefaultVSwitch", ZoneId=ZONE)
    order = {"VpcId": vpc, "ZoneId": ZONE, "CidrMask": 24}
    first = cell.call("CreateVSwitch", **order)["VSwitchId"]
    cell.call("CreateVSwitch", **order)
    refused = cell.refusal("CreateVSwitch", **order)
    assert (refused.status, refused.code) == (400, "QuotaExceeded.VSwitch")
    assert vpc in refused.detail
    cell.call("CreateDefaultVSwitch", ZoneId="cn-hangzhou-j")
    cell.call("DeleteVSwitch", VSwitchId=first)
    until_gone(cell, first)
    cell.call("CreateVSwitch", **order)


def test_what_is_being_deleted_counts_towards_the_quota(make_cell: Callable[..., Cell]) -> None:
    # Without an agent nothing is ever gone.
    cell = make_cell(quotas=Quotas(vswitches=3), with_agent=False)
    vpc = cell.call("CreateDefaultVpc")["VpcId"]
    makers: list[tuple[str, dict[str, Any]]] = [
        ("CreateVSwitch", {"VpcId": vpc, "ZoneId": ZONE, "CidrMask": 24}),
        ("CreateDefaultVSwitch", {"ZoneId": ZONE}),
    ]
    for operation, order in (makers[0], makers[1], makers[1]):
        made = cell.call(operation, **order)["VSwitchId"]
        cell.call("DeleteVSwitch", VSwitchId=made)
    for operation, order in makers:
        refused = cell.refusal(operation, **order)
        assert (refused.status, refused.code) == (400, "QuotaExceeded.VSwitch")
        assert "being deleted" in refused.detail
    elsewhere = cell.call("CreateVpc")["VpcId"]
    cell.call("CreateVSwitch", VpcId=elsewhere, ZoneId=ZONE, CidrMask=24)


def test_a_client_token_makes_one_vswitch(cell: Cell) -> None:
    order: dict[str, Any] = {"VpcId": vpc_with(cell), "ZoneId": ZONE, "CidrMask": 24, "ClientToken": "t"}
    assert cell.call("CreateVSwitch", **order)["VSwitchId"] == cell.call("CreateVSwitch", **order)["VSwitchId"]
    assert cell.refusal("CreateVSwitch", **{**order, "CidrMask": 25}).code == "IdempotentParameterMismatch"
    assert cell.call("DescribeVSwitches")["TotalCount"] == 1


def test_vswitches_are_found_by_what_they_are(cell: Cell) -> None:
    vpc, other = vpc_with(cell), cell.call("CreateDefaultVpc")
    made = cell.call("CreateVSwitch", VpcId=vpc, ZoneId=ZONE, CidrMask=24, VSwitchName="a")["VSwitchId"]
    default = cell.call("CreateDefaultVSwitch", ZoneId="cn-hangzhou-j")["VSwitchId"]

    def found(**filters: Any) -> list[str]:
        answer = cell.call("DescribeVSwitches", **filters)
        ids = [vswitch["VSwitchId"] for vswitch in answer["VSwitches"]["VSwitch"]]
        assert answer["TotalCount"] == len(ids)
        return sorted(ids)

    assert found() == sorted([made, default])
    assert found(VpcId=vpc, RegionId=None) == [made]
    assert found(ZoneId=ZONE) == [made]
    assert found(VSwitchId=f"{made},vsw-x") == [made]
    assert found(VSwitchName="a") == [made]
    assert found(VSwitchName="b") == []
    assert found(IsDefault=True) == [default]
    assert found(IsDefault=False) == [made]
    assert found(RouteTableId=other["RouteTableId"]) == [default]
    assert found(ResourceGroupId=f"rg-{ACCOUNT}") == sorted([made, default])
    assert found(ResourceGroupId="rg-x") == []
    assert found(VSwitchOwnerId=1) == []
    assert found(EnableIpv6=True) == []
    assert found(RegionId="cn-beijing") == []
    assert cell.refusal("DescribeVSwitches", RegionId=None).code == "MissingRegionId"
    assert cell.refusal("DescribeVSwitches", DryRun=True).code == "DryRunOperation"
    assert cell.refusal("DescribeVSwitches", VSwitchId=",".join("abcdefghijklmnopqrstu")).code == "InvalidParameter"


def test_addresses_are_counted_exactly(cell: Cell) -> None:
    network = cell.network()
    for vswitch in network[1:]:
        assert available(cell, vswitch)["AvailableIpAddressCount"] == 252
    gateway = cell.gateway(network)
    for vswitch in network[1:]:
        described = cell.call("DescribeVSwitchAttributes", VSwitchId=vswitch)
        assert described["AvailableIpAddressCount"] == 251
    cell.until_status(gateway, "active")
    cell.call("DeleteVpnGateway", VpnGatewayId=gateway)
    cell.until_gone(gateway)
    assert cell.call("DescribeVSwitchAttributes", VSwitchId=network[1])["AvailableIpAddressCount"] == 252
    smallest = cell.call("CreateVSwitch", VpcId=network[0], ZoneId=ZONE, CidrBlock="10.9.0.0/29")["VSwitchId"]
    assert cell.call("DescribeVSwitchAttributes", VSwitchId=smallest)["AvailableIpAddressCount"] == 4


# -- default vSwitches ----------------------------------------------------------------------------------------------


def test_a_zone_has_one_default_vswitch(cell: Cell) -> None:
    vpc = cell.call("CreateDefaultVpc")["VpcId"]
    first = cell.call("CreateDefaultVSwitch", ZoneId=ZONE, ClientToken="t")["VSwitchId"]
    assert cell.call("CreateDefaultVSwitch", ZoneId=ZONE, ClientToken="t")["VSwitchId"] == first
    second = cell.call("CreateDefaultVSwitch", ZoneId="cn-hangzhou-j")["VSwitchId"]
    described = available(cell, first)
    assert described["IsDefault"] is True
    assert (described["VpcId"], described["CidrBlock"]) == (vpc, "172.16.0.0/20")
    assert (described["VSwitchName"], described["Description"]) == ("", "System created default virtual switch.")
    assert described["AvailableIpAddressCount"] == 4092
    assert cell.call("DescribeVSwitchAttributes", VSwitchId=second)["CidrBlock"] == "172.16.16.0/20"
    refused = cell.refusal("CreateDefaultVSwitch", ZoneId=ZONE)
    assert (refused.status, refused.code) == (403, "DefaultVswitch.Existed")
    assert first in refused.detail
    cell.call("DeleteVSwitch", VSwitchId=first)
    cell.call("CreateDefaultVSwitch", ZoneId=ZONE)


def test_a_default_vswitch_needs_its_vpc_its_zone_and_room(cell: Cell) -> None:
    refused = cell.refusal("CreateDefaultVSwitch", ZoneId=ZONE)
    assert (refused.status, refused.code) == (404, "InvalidVpcId.NotFound")
    cell.call("CreateDefaultVpc", RegionId="cn-beijing")
    assert cell.refusal("CreateDefaultVSwitch", ZoneId=ZONE).code == "InvalidVpcId.NotFound"
    vpc = cell.call("CreateDefaultVpc")["VpcId"]
    refused = cell.refusal("CreateDefaultVSwitch", ZoneId="cn-beijing-a")
    assert (refused.status, refused.code) == (404, "InvalidZoneId.NotFound")
    cell.pend_vpcs()
    assert cell.refusal("CreateDefaultVSwitch", ZoneId=ZONE).code == "IncorrectDefaultVpcStatus"
    cell.pend_vpcs(pending=False)
    block = cell.call("DescribeVpcAttribute", VpcId=vpc)["CidrBlock"]
    cell.call("CreateVSwitch", VpcId=vpc, ZoneId=ZONE, CidrBlock=block)
    refused = cell.refusal("CreateDefaultVSwitch", ZoneId=ZONE)
    assert (refused.status, refused.code) == (400, "OperationDenied.AvailableCidrInsufficient")
    cell.call("AssociateVpcCidrBlock", VpcId=vpc, SecondaryCidrBlock="192.168.0.0/16")
    made = cell.call("CreateDefaultVSwitch", ZoneId=ZONE)["VSwitchId"]
    assert cell.call("DescribeVSwitchAttributes", VSwitchId=made)["CidrBlock"] == "192.168.0.0/20"


# -- changing and deleting ------------------------------------------------------------------------------------------


def test_name_and_description_are_changed_each_alone(cell: Cell) -> None:
    vswitch = cell.network()[1]
    before = available(cell, vswitch)
    cell.call("ModifyVSwitchAttribute", VSwitchId=vswitch, VSwitchName="c", EnableIPv6=False)
    cell.call("ModifyVSwitchAttribute", VSwitchId=vswitch, Description="d")
    after = cell.call("DescribeVSwitchAttributes", VSwitchId=vswitch)
    same = {"RequestId": before["RequestId"], "VSwitchName": "c", "Description": "d"}
    assert {**after, "RequestId": before["RequestId"]} == {**before, **same}
    refusals: list[tuple[dict[str, Any], str]] = [
        ({"VSwitchName": "http://x"}, "InvalidVSwitchName.Malformed"),
        ({"Description": "x" * 257}, "InvalidVSwitchDiscription.Malformed"),
        ({"EnableIPv6": True}, "UnsupportedOperation"),
        ({"Ipv6CidrBlock": 7}, "UnsupportedOperation"),
    ]
    for changes, code in refusals:
        refused = cell.refusal("ModifyVSwitchAttribute", VSwitchId=vswitch, **changes)
        assert (refused.status, refused.code) == (400, code)


@pytest.mark.parametrize("operation", ["DescribeVSwitchAttributes", "ModifyVSwitchAttribute", "DeleteVSwitch"])
def test_what_is_of_another_region_is_as_what_is_not_there(cell: Cell, operation: str) -> None:
    vpc = cell.call("CreateVpc", RegionId="cn-beijing")["VpcId"]
    elsewhere = cell.call("CreateVSwitch", RegionId="cn-beijing", VpcId=vpc, ZoneId="cn-beijing-l", CidrMask=24)
    refused = [cell.refusal(operation, VSwitchId=each) for each in ("vsw-x", elsewhere["VSwitchId"])]
    for each in refused:
        assert (each.status, each.code, each.message) == (404, "InvalidVSwitchId.NotFound", refused[0].message)
        assert each.detail.startswith("VSwitchId")


def test_a_vswitch_with_a_gateway_is_not_deleted(cell: Cell) -> None:
    network = cell.network()
    gateway = cell.gateway(network)
    refused = cell.refusal("DeleteVSwitch", VSwitchId=network[1])
    assert (refused.status, refused.code) == (400, "DependencyViolation")
    assert gateway in refused.detail
    assert cell.refusal("DeleteVSwitch", VSwitchId=network[1], DryRun=True).code == "DependencyViolation"


def test_a_vswitch_is_pending_until_its_hosts_have_let_go(make_cell: Callable[..., Cell]) -> None:
    released = asyncio.Event()
    removing: list[ItemKey] = []

    async def before(key: ItemKey) -> None:
        if key.id in doomed:
            removing.append(key)
            await released.wait()

    doomed: set[str] = set()
    cell = make_cell(before=before)
    vpc = vpc_with(cell)
    made = cell.call("CreateVSwitch", VpcId=vpc, ZoneId=ZONE, CidrBlock="10.0.0.0/24", VSwitchName="a")["VSwitchId"]
    available(cell, made)
    assert cell.refusal("DeleteVSwitch", VSwitchId=made, DryRun=True).code == "DryRunOperation"
    assert cell.call("DescribeVSwitchAttributes", VSwitchId=made)["Status"] == "Available"
    doomed.add(made)
    cell.call("DeleteVSwitch", VSwitchId=made)
    cell.until("DescribeVSwitches", lambda _: removing == [ItemKey(Kind.VSWITCH, made)])
    assert cell.call("DescribeVSwitchAttributes", VSwitchId=made)["Status"] == "Pending"
    cell.call("DeleteVSwitch", VSwitchId=made)
    refused = cell.refusal("ModifyVSwitchAttribute", VSwitchId=made, VSwitchName="b")
    assert (refused.status, refused.code) == (400, "IncorrectVSwitchStatus")
    assert made in refused.detail
    # It is in nobody's way: its network is free, and its VPC can be deleted.
    again = cell.call("CreateVSwitch", VpcId=vpc, ZoneId=ZONE, CidrBlock="10.0.0.0/24")["VSwitchId"]
    assert cell.call("DescribeVpcAttribute", VpcId=vpc)["VSwitchIds"] == {"VSwitchId": [again]}
    cell.call("DeleteVSwitch", VSwitchId=again)
    cell.call("DeleteVpc", VpcId=vpc)
    described = cell.call("DescribeVSwitchAttributes", VSwitchId=made)
    assert (described["Status"], described["VpcId"], described["VSwitchName"]) == ("Pending", vpc, "a")
    assert cell.call("DescribeVSwitches", VSwitchId=made)["TotalCount"] == 1
    cell.run(set_event(released))
    for vswitch in (made, again):
        until_gone(cell, vswitch)
    # the VPC's router goes along, and nobody waits for that
    cell.until("DescribeVpcs", lambda _: not cell.plane.items)


async def set_event(event: asyncio.Event) -> None:
    event.set()
