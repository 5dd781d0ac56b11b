"""Routers and route tables: made, told, associated with vSwitches, deleted, and in the way of what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gatewright.access.principal import Credential, Principal
from gatewright.errors import ApiError
from gatewright.operations.call import Quotas
from gatewright.operations.registry import registry
from gatewright.operations.route_tables.tables import TOO_MANY
from gatewright.wire.decoding import decode
from tests.support.cell import ACCOUNT, Cell
from tests.support.client import VPC


def table_of(cell: Cell, table: str) -> dict[str, Any]:
    """A route table, as the list tells it."""
    (found,) = cell.call("DescribeRouteTableList", RouteTableId=table)["RouterTableList"]["RouterTableListType"]
    assert isinstance(found, dict)
    return found


def system_table(cell: Cell, vpc: str) -> str:
    found = cell.call("DescribeRouteTableList", VpcId=vpc, RouteTableType="System")
    (table,) = found["RouterTableList"]["RouterTableListType"]
    return str(table["RouteTableId"])


def custom_table(cell: Cell, vpc: str, **parameters: Any) -> str:
    return str(cell.call("CreateRouteTable", VpcId=vpc, **parameters)["RouteTableId"])


def test_a_vpc_has_a_router_with_a_name_of_its_own(cell: Cell) -> None:
    made = cell.call("CreateVpc", CidrBlock="10.0.0.0/8")
    custom = custom_table(cell, made["VpcId"])
    cell.call("CreateVpc", CidrBlock="10.0.0.0/8")
    router = made["VRouterId"]
    cell.call("ModifyVRouterAttribute", VRouterId=router, VRouterName="core", Description="routes")
    cell.call("ModifyVRouterAttribute", VRouterId=router, Description="all routes", RegionId=None)
    answer = cell.call("DescribeVRouters", VRouterId=router)
    assert answer["TotalCount"] == 1
    (told,) = answer["VRouters"]["VRouter"]
    assert (told["VRouterName"], told["Description"], told["VpcId"]) == ("core", "all routes", made["VpcId"])
    assert told["RouteTableIds"] == {"RouteTableId": [made["RouteTableId"], custom]}
    assert told["RegionId"] == "cn-hangzhou"
    assert cell.call("DescribeVRouters")["TotalCount"] == 2
    assert cell.call("DescribeVRouters", RegionId="cn-beijing")["TotalCount"] == 0
    assert cell.call("DescribeVRouters", VRouterId="vrt-x")["TotalCount"] == 0


@pytest.mark.parametrize("prefix", ["", "vpc", "vtb", "VRT"])
def test_what_only_resembles_a_routers_id_names_none(cell: Cell, prefix: str) -> None:
    router = cell.call("CreateVpc")["VRouterId"]
    name = f"{prefix}-{router.partition('-')[2]}"
    assert cell.refusal("ModifyVRouterAttribute", VRouterId=name, VRouterName="n").code == "InvalidVRouterId.NotFound"
    assert cell.refusal("DescribeRouteTables", VRouterId=name).code == "InvalidVRouterId.NotFound"
    assert cell.call("DescribeVRouters")["VRouters"]["VRouter"][0]["VRouterName"] == ""


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"VRouterName": "http://x"}, 400, "InvalidVRouterName.Malformed"),
        ({"Description": "x" * 257}, 400, "InvalidVRouterDiscription.Malformed"),
        ({"VRouterId": "vrt-x"}, 404, "InvalidVRouterId.NotFound"),
        ({"VRouterId": ""}, 400, "MissingVRouterId"),
        ({"RegionId": "cn-beijing"}, 404, "InvalidVRouterId.NotFound"),
    ],
)
def test_a_router_is_not_changed_by_a_bad_request(cell: Cell, changes: dict[str, Any], status: int, code: str) -> None:
    router = cell.call("CreateVpc")["VRouterId"]
    refused = cell.refusal("ModifyVRouterAttribute", **{"VRouterId": router, "VRouterName": "n", **changes})
    assert (refused.status, refused.code) == (status, code)
    assert cell.call("DescribeVRouters")["VRouters"]["VRouter"][0]["VRouterName"] == ""


def test_a_table_is_told_as_it_was_made(cell: Cell) -> None:
    made = cell.call("CreateVpc", CidrBlock="10.0.0.0/8")
    vpc = made["VpcId"]
    tag = {"Tag.1.Key": "env", "Tag.1.Value": "test"}
    table = custom_table(cell, vpc, RouteTableName="edge", Description="d", AssociateType="VSwitch", **tag)
    told = table_of(cell, table)
    assert told.pop("CreationTime").endswith("Z")
    assert told == {
        "RouteTableId": table,
        "RouteTableName": "edge",
        "RouteTableType": "Custom",
        "Description": "d",
        "AssociateType": "VSwitch",
        "Status": "Available",
        "OwnerId": int(ACCOUNT),
        "ResourceGroupId": made["ResourceGroupId"],
        "RoutePropagationEnable": True,
        "RouterId": made["VRouterId"],
        "RouterType": "VRouter",
        "VpcId": vpc,
        "VSwitchIds": {"VSwitchId": []},
        "GatewayIds": {"GatewayIds": []},
        "Tags": {"Tag": [{"Key": "env", "Value": "test"}]},
    }
    assert cell.call("DescribeVpcs")["Vpcs"]["Vpc"][0]["RouterTableIds"] == {
        "RouterTableIds": [made["RouteTableId"], table]
    }


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({}, 3),
        ({"RouteTableType": "System"}, 2),
        ({"RouteTableType": "Custom"}, 1),
        ({"RouteTableName": "edge"}, 1),
        ({"RouteTableName": "other"}, 0),
        ({"RouterType": "VBR"}, 0),
        ({"Tag.1.Key": "env"}, 1),
        ({"Tag.1.Key": "env", "Tag.1.Value": "live"}, 0),
        ({"ResourceGroupId": "rg-nowhere"}, 0),
        ({"RouterId": "vrt-x"}, 0),
        ({"RegionId": "cn-beijing"}, 0),
    ],
)
def test_tables_are_filtered_by_everything(cell: Cell, filters: dict[str, Any], count: int) -> None:
    cell.call("CreateVpc")
    vpc = cell.call("CreateVpc")["VpcId"]
    custom_table(cell, vpc, RouteTableName="edge", **{"Tag.1.Key": "env", "Tag.1.Value": "test"})
    answer = cell.call("DescribeRouteTableList", **filters)
    assert answer["TotalCount"] == count == len(answer["RouterTableList"]["RouterTableListType"])


def test_the_tables_of_a_vpc_a_router_and_a_group_are_filtered_by(cell: Cell) -> None:
    cell.call("CreateVpc")
    made = cell.call("CreateVpc")
    custom_table(cell, made["VpcId"])
    for filters, count in (
        ({"VpcId": made["VpcId"]}, 2),
        ({"VpcId": made["VpcId"], "RouterType": "VBR"}, 2),
        ({"RouterId": made["VRouterId"]}, 2),
        ({"ResourceGroupId": made["ResourceGroupId"]}, 3),
        ({"RouteTableId": made["RouteTableId"]}, 1),
    ):
        assert cell.call("DescribeRouteTableList", **filters)["TotalCount"] == count, filters


def test_pages_of_tables_are_newest_first_and_complete(cell: Cell) -> None:
    vpc = cell.call("CreateVpc")["VpcId"]
    made = [system_table(cell, vpc)]
    for _ in range(6):
        cell.clock.advance(1)
        made.append(custom_table(cell, vpc))
    pages = [cell.call("DescribeRouteTableList", PageNumber=number, PageSize=3) for number in (1, 2, 3, 4)]
    assert [page["TotalCount"] for page in pages] == [7] * 4
    listed = [item["RouteTableId"] for page in pages for item in page["RouterTableList"]["RouterTableListType"]]
    assert listed == made[::-1]
    older = cell.call("DescribeRouteTables", PageNumber=2, PageSize=3)
    assert [item["RouteTableId"] for item in older["RouteTables"]["RouteTable"]] == made[::-1][3:6]
    assert (older["TotalCount"], older["PageNumber"], older["PageSize"]) == (7, 2, 3)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"VpcId": "vpc-x"}, 404, "InvalidVpcId.NotFound"),
        ({"VpcId": None}, 400, "MissingVpcId"),
        ({"RouteTableName": "https://x"}, 400, "InvalidParameter.RouteTableName.Malformed"),
        ({"Description": "x" * 257}, 400, "InvalidParameter.Description.Malformed"),
        ({"AssociateType": "Gateway"}, 400, "UnsupportedOperation"),
        ({"Tag.1.Key": "aliyun"}, 400, "InvalidParameter.TagKey"),
        ({"RegionId": "cn-beijing"}, 404, "InvalidVpcId.NotFound"),
        ({"RegionId": "mars-1"}, 404, "InvalidRegionId.NotFound"),
    ],
)
def test_a_bad_table_is_refused(cell: Cell, changes: dict[str, Any], status: int, code: str) -> None:
    vpc = cell.call("CreateVpc")["VpcId"]
    refused = cell.refusal("CreateRouteTable", **{"VpcId": vpc, **changes})
    assert (refused.status, refused.code) == (status, code)
    assert refused.detail.startswith(next(iter(changes)).partition(".")[0]) or code == "InvalidVpcId.NotFound"
    assert cell.call("DescribeRouteTableList")["TotalCount"] == 1


def test_a_vpc_has_so_many_custom_tables(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell(quotas=Quotas(route_tables=2))
    vpc = cell.call("CreateVpc")["VpcId"]
    first = custom_table(cell, vpc)
    custom_table(cell, vpc)
    refused = cell.refusal("CreateRouteTable", VpcId=vpc)
    assert (refused.status, refused.code) == (400, "QuotaExceeded.RouteTable")
    assert refused.message == "VPC RouteTable quota exceeded."
    assert " 2 " in refused.detail
    assert not any(character.isdigit() for character in TOO_MANY.advice)
    custom_table(cell, cell.call("CreateVpc")["VpcId"])
    cell.call("DeleteRouteTable", RouteTableId=first)
    custom_table(cell, vpc)


def test_one_token_makes_one_table(cell: Cell) -> None:
    vpc = cell.call("CreateVpc")["VpcId"]
    assert custom_table(cell, vpc, ClientToken="t") == custom_table(cell, vpc, ClientToken="t")
    assert cell.refusal("CreateRouteTable", VpcId=vpc, ClientToken="t", RouteTableName="x").code == (
        "IdempotentParameterMismatch"
    )


def test_tables_of_both_types_are_changed(cell: Cell) -> None:
    vpc = cell.call("CreateVpc")["VpcId"]
    for table in (system_table(cell, vpc), custom_table(cell, vpc)):
        cell.call("ModifyRouteTableAttributes", RouteTableId=table, RouteTableName="n", Description="d")
        cell.call("ModifyRouteTableAttributes", RouteTableId=table, RoutePropagationEnable=False)
        told = table_of(cell, table)
        assert (told["RouteTableName"], told["Description"], told["RoutePropagationEnable"]) == ("n", "d", False)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"RouteTableName": "http://x"}, "Abs.InvaliTableName.Malformed"),
        ({"Description": "x" * 257}, "InvalidDescription.Malformed"),
        ({"RouteTableId": "vtb-x"}, "Abs.InvalidRouteTableId.NotExist"),
        ({"RegionId": "cn-beijing"}, "Abs.InvalidRouteTableId.NotExist"),
        ({"RoutePropagationEnable": "maybe"}, "InvalidParameter"),
    ],
)
def test_a_table_is_not_changed_by_a_bad_request(cell: Cell, changes: dict[str, Any], code: str) -> None:
    table = cell.call("CreateVpc")["RouteTableId"]
    refused = cell.refusal("ModifyRouteTableAttributes", **{"RouteTableId": table, "RouteTableName": "n", **changes})
    assert (refused.status, refused.code) == (400, code)
    assert table_of(cell, table)["RouteTableName"] == ""


def test_the_tables_of_a_pending_vpc_are_not_changed(cell: Cell) -> None:
    vpc = cell.call("CreateVpc")["VpcId"]
    table = system_table(cell, vpc)
    cell.pend_vpcs()
    refused = cell.refusal("ModifyRouteTableAttributes", RouteTableId=table, RouteTableName="n")
    assert (refused.status, refused.code) == (400, "IncorrectStatus.Vpc")
    assert refused.message == "Vpc status is invalid."
    assert refused.detail.startswith("RouteTableId ")
    assert vpc in refused.detail
    assert table_of(cell, table)["RouteTableName"] == ""
    cell.pend_vpcs(pending=False)
    cell.call("ModifyRouteTableAttributes", RouteTableId=table, RouteTableName="n")


def test_a_vswitch_routes_by_the_table_that_it_is_associated_with(cell: Cell) -> None:
    vpc, first, second = cell.network()
    system, one, other = system_table(cell, vpc), custom_table(cell, vpc), custom_table(cell, vpc)

    def inside(table: str) -> list[str]:
        ids: list[str] = table_of(cell, table)["VSwitchIds"]["VSwitchId"]
        return ids

    assert inside(system) == [first, second]
    cell.call("AssociateRouteTable", RouteTableId=one, VSwitchId=first, ClientToken="t")
    cell.call("AssociateRouteTable", RouteTableId=one, VSwitchId=first, ClientToken="t")
    assert (inside(system), inside(one)) == ([second], [first])
    told = cell.call("DescribeVSwitchAttributes", VSwitchId=first)["RouteTable"]
    assert told == {"RouteTableId": one, "RouteTableType": "Custom"}
    assert cell.call("DescribeVSwitches", RouteTableId=one)["TotalCount"] == 1
    older = cell.call("DescribeRouteTables", RouteTableId=one)["RouteTables"]["RouteTable"][0]
    assert older["VSwitchIds"] == {"VSwitchId": [first]}
    # Another custom table takes the first one's place.
    cell.call("AssociateRouteTable", RouteTableId=other, VSwitchId=first)
    assert (inside(one), inside(other)) == ([], [first])
    cell.call("UnassociateRouteTable", RouteTableId=other, VSwitchId=first)
    assert inside(system) == [first, second]


def test_what_cannot_be_associated_is_refused(cell: Cell) -> None:
    vpc, first, second = cell.network()
    system, table = system_table(cell, vpc), custom_table(cell, vpc)
    elsewhere = custom_table(cell, cell.call("CreateVpc")["VpcId"])
    cell.call("AssociateRouteTable", RouteTableId=table, VSwitchId=first)
    deleted = cell.call("CreateVSwitch", VpcId=vpc, ZoneId="cn-hangzhou-k", CidrBlock="10.9.0.0/24")["VSwitchId"]

    def refusal(action: str, **changes: str) -> tuple[int, str]:
        refused = cell.refusal(action, **{"RouteTableId": table, "VSwitchId": second, **changes})
        return refused.status, refused.code

    assert refusal("AssociateRouteTable", RouteTableId="vtb-x") == (400, "InvalidRouteTableId.NotFound")
    assert refusal("AssociateRouteTable", VSwitchId="vsw-x") == (404, "InvalidVSwitchId.NotFound")
    assert refusal("AssociateRouteTable", RouteTableId=elsewhere) == (404, "Forbidden.NotInSameVpc")
    assert refusal("AssociateRouteTable", RouteTableId=system) == (400, "OperationDenied.SwitchToSystemRouteTable")
    assert refusal("AssociateRouteTable", VSwitchId=first) == (400, "ResourceAlreadyAssociated.RouteTable")
    assert refusal("AssociateRouteTable", RegionId="cn-beijing") == (400, "InvalidRouteTableId.NotFound")
    assert refusal("UnassociateRouteTable", RouteTableId="vtb-x") == (404, "InvalidRouteTableId.NotFound")
    assert refusal("UnassociateRouteTable", VSwitchId="vsw-x") == (404, "InvalidVSwitchId.NotFound")
    assert refusal("UnassociateRouteTable", RouteTableId=system) == (404, "OperationUnsupported.SystemRouteTable")
    assert refusal("UnassociateRouteTable") == (404, "InvalidBindingStatus.RouteTable")
    assert refusal("UnassociateRouteTable", RegionId="mars-1") == (404, "InvalidRegionId.NotFound")
    assert table_of(cell, table)["VSwitchIds"]["VSwitchId"] == [first]
    assert deleted in table_of(cell, system)["VSwitchIds"]["VSwitchId"]


def test_a_vswitch_that_is_being_deleted_is_associated_with_nothing(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell(with_agent=False)
    vpc, first, _ = cell.network()
    table = custom_table(cell, vpc)
    cell.call("DeleteVSwitch", VSwitchId=first)
    refused = cell.refusal("AssociateRouteTable", RouteTableId=table, VSwitchId=first)
    assert (refused.status, refused.code) == (404, "IncorrectVSwitchStatus")


def test_a_table_is_deleted_when_nothing_uses_it(cell: Cell) -> None:
    network = cell.network()
    vpc, first, _ = network
    gateway = cell.gateway(network)
    table = custom_table(cell, vpc, **{"Tag.1.Key": "env"})
    entry = cell.call(
        "CreateRouteEntry",
        RouteTableId=table,
        DestinationCidrBlock="192.168.0.0/16",
        NextHopType="VpnGateway",
        NextHopId=gateway,
    )["RouteEntryId"]
    cell.call("AssociateRouteTable", RouteTableId=table, VSwitchId=first)
    refused = cell.refusal("DeleteRouteTable", RouteTableId=system_table(cell, vpc))
    assert (refused.status, refused.code) == (400, "IncorrectRouteTableType")
    refused = cell.refusal("DeleteRouteTable", RouteTableId=table)
    assert (refused.status, refused.code) == (400, "IncorrectRouteTableStatus.RouteEntryExist")
    assert entry in refused.detail
    cell.call("DeleteRouteEntry", RouteEntryId=entry)
    refused = cell.refusal("DeleteRouteTable", RouteTableId=table)
    assert (refused.status, refused.code) == (404, "IncorrectRouteTableStatus")
    assert first in refused.detail
    cell.call("UnassociateRouteTable", RouteTableId=table, VSwitchId=first)
    cell.call("DeleteRouteTable", RouteTableId=table)
    assert cell.call("DescribeRouteTableList", RouteTableId=table)["TotalCount"] == 0
    assert cell.call("ListTagResources", ResourceType="ROUTETABLE", **{"Tag.1.Key": "env"})["TagResources"] == {
        "TagResource": []
    }
    refused = cell.refusal("DeleteRouteTable", RouteTableId=table)
    assert (refused.status, refused.code) == (404, "InvalidRouteTableId.NotFound")


def test_what_of_routes_is_in_a_deletions_way_is_named(cell: Cell) -> None:
    vpc, first, second = cell.network()
    table = custom_table(cell, vpc)
    cell.call("AssociateRouteTable", RouteTableId=table, VSwitchId=first)
    refused = cell.refusal("DeleteVSwitch", VSwitchId=first)
    assert (refused.status, refused.code) == (400, "DependencyViolation.RouteTable")
    assert refused.message == "VSwitch cannot be deleted when associated with route table"
    assert table in refused.detail
    cell.call("UnassociateRouteTable", RouteTableId=table, VSwitchId=first)
    cell.call("DeleteVSwitch", VSwitchId=first)
    cell.call("DeleteVSwitch", VSwitchId=second)
    refused = cell.refusal("DeleteVpc", VpcId=vpc)
    assert (refused.status, refused.code) == (400, "DependencyViolation.RouteTable")
    assert refused.message == "VPC cannot be deleted when custom route table exists."
    assert table in refused.detail
    cell.call("DeleteRouteTable", RouteTableId=table)
    cell.call("TagResources", ResourceType="ROUTETABLE", **{"ResourceId.1": system_table(cell, vpc), "Tag.1.Key": "a"})
    cell.call("DeleteVpc", VpcId=vpc)
    assert cell.call("DescribeRouteTableList")["TotalCount"] == 0
    assert cell.call("DescribeVRouters")["TotalCount"] == 0
    tagged = cell.call("ListTagResources", ResourceType="ROUTETABLE", **{"Tag.1.Key": "a"})
    assert tagged["TagResources"] == {"TagResource": []}


def test_the_older_description_is_filtered_too(cell: Cell) -> None:
    cell.call("CreateVpc")
    made = cell.call("CreateVpc")
    table = custom_table(cell, made["VpcId"], RouteTableName="edge")
    for filters, count in (
        ({}, 3),
        ({"RegionId": None}, 3),
        ({"VRouterId": made["VRouterId"]}, 2),
        ({"RouterId": made["VRouterId"]}, 2),
        ({"VRouterId": made["VRouterId"], "RouterId": made["VRouterId"]}, 2),
        ({"VRouterId": made["VRouterId"], "RouterId": "vrt-x"}, 0),
        ({"RouteTableId": table}, 1),
        ({"RouteTableName": "edge"}, 1),
        ({"ResourceGroupId": made["ResourceGroupId"]}, 3),
        ({"RouterType": "VBR"}, 0),
    ):
        assert cell.call("DescribeRouteTables", **filters)["TotalCount"] == count, filters
    refused = cell.refusal("DescribeRouteTables", VRouterId="vrt-x")
    assert (refused.status, refused.code) == (400, "InvalidVRouterId.NotFound")
    assert cell.refusal("DescribeRouteTables", Type="Static").code == "IllegalParam.Type"
    assert cell.refusal("DescribeRouteTables", RouterType="Switch").code == "InvalidParameter"
    assert cell.refusal("DescribeRouteTables", RouteTableName="x").code == "InvalidParameter"


@pytest.mark.parametrize(
    ("action", "parameters"),
    [
        ("ModifyVRouterAttribute", ("VRouterId",)),
        ("CreateRouteTable", ("VpcId",)),
        ("DeleteRouteTable", ("RouteTableId",)),
        ("ModifyRouteTableAttributes", ("RouteTableId",)),
        ("AssociateRouteTable", ("RouteTableId", "VSwitchId")),
        ("UnassociateRouteTable", ("RouteTableId", "VSwitchId")),
        ("DescribeRouteTables", ("VRouterId",)),
        ("DescribeRouteEntryList", ("RouteTableId",)),
        ("DeleteRouteEntry", ("RouteEntryId",)),
        ("ModifyRouteEntry", ("RouteEntryId",)),
    ],
)
def test_what_belongs_to_another_account_is_what_does_not_exist(
    cell: Cell, action: str, parameters: tuple[str, ...]
) -> None:
    network = cell.network()
    gateway = cell.gateway(network)
    made = cell.call("DescribeVpcAttribute", VpcId=network[0])
    table = custom_table(cell, network[0])
    entry = cell.call(
        "CreateRouteEntry",
        RouteTableId=table,
        DestinationCidrBlock="192.168.0.0/16",
        NextHopType="VpnGateway",
        NextHopId=gateway,
    )["RouteEntryId"]
    theirs = {
        "VpcId": network[0],
        "VRouterId": made["VRouterId"],
        "RouteTableId": table,
        "VSwitchId": network[1],
        "RouteEntryId": entry,
    }

    def refusal(values: dict[str, str]) -> tuple[int, str, str]:
        operation = registry()[VPC, action]
        request = decode(operation, {"RegionId": cell.region, **values})
        nonce = f"{action}{sorted(values.items())}"
        credential = Credential(Principal("2222222222222222"), "other", nonce.encode(), nonce, cell.clock.now() + 1000)
        with pytest.raises(ApiError) as refused:
            cell.run(cell.executor.run(operation, credential, request, "gw.test"))
        return refused.value.status, refused.value.code, refused.value.message

    assert refusal({name: theirs[name] for name in parameters}) == refusal(dict.fromkeys(parameters, "none-such"))
