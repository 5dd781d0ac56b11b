"""Entries of route tables: the system's own, custom ones, one and many at a time, where they lead and may not lead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gatewright.operations.call import Quotas
from gatewright.operations.route_tables.making import TOO_MANY
from tests.operations.test_route_tables import custom_table, system_table
from tests.support.cell import Cell

#: A destination that nothing is in the way of.
THERE = "192.168.0.0/16"


class Routed:
    """A VPC with a gateway, and a table to route to it in."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.network = cell.network()
        self.vpc = self.network[0]
        self.gateway = cell.gateway(self.network)
        self.table = system_table(cell, self.vpc)

    def order(self, **changes: Any) -> dict[str, Any]:
        return {
            "RouteTableId": self.table,
            "DestinationCidrBlock": THERE,
            "NextHopType": "VpnGateway",
            "NextHopId": self.gateway,
            **changes,
        }

    def make(self, **changes: Any) -> str:
        return str(self.cell.call("CreateRouteEntry", **self.order(**changes))["RouteEntryId"])

    def bulk(self, *items: dict[str, Any]) -> dict[str, Any]:
        """``RouteEntries.N`` parameters of new entries."""
        plain = {
            "RouteTableId": self.table,
            "DstCidrBlock": THERE,
            "NextHopType": "VpnGateway",
            "NextHop": self.gateway,
        }
        return numbered(*({**plain, **item} for item in items))

    def entries(self, **filters: Any) -> list[dict[str, Any]]:
        answer = self.cell.call("DescribeRouteEntryList", **{"RouteTableId": self.table, "MaxResult": 100, **filters})
        found: list[dict[str, Any]] = answer["RouteEntrys"]["RouteEntry"]
        assert answer["TotalCount"] == len(found)
        return found

    def custom(self) -> list[str]:
        return [entry["DestinationCidrBlock"] for entry in self.entries(RouteEntryType="Custom")]


def numbered(*items: dict[str, Any]) -> dict[str, Any]:
    return {f"RouteEntries.{n}.{name}": value for n, item in enumerate(items, 1) for name, value in item.items()}


@pytest.fixture
def routed(cell: Cell) -> Routed:
    """A VPC with a gateway."""
    return Routed(cell)


def test_a_table_has_entries_for_vswitches_and_services(cell: Cell) -> None:
    vpc, _, second = cell.network()
    tables = [system_table(cell, vpc), custom_table(cell, vpc)]
    told = [cell.call("DescribeRouteEntryList", RouteTableId=table)["RouteEntrys"]["RouteEntry"] for table in tables]
    for table, entries in zip(tables, told, strict=True):
        assert [
            (entry["DestinationCidrBlock"], entry["NextHops"]["NextHop"][0]["NextHopType"]) for entry in entries
        ] == [("10.0.0.0/24", "local"), ("10.1.0.0/24", "local"), ("100.64.0.0/10", "service")]
        for entry in entries:
            assert (entry["Type"], entry["Origin"], entry["Status"]) == ("System", "SystemCreate", "Available")
            assert (entry["IpVersion"], entry["RouteTableId"]) == ("ipv4", table)
    assert not {entry["RouteEntryId"] for entry in told[0]} & {entry["RouteEntryId"] for entry in told[1]}
    again = cell.call("DescribeRouteEntryList", RouteTableId=tables[0])["RouteEntrys"]["RouteEntry"]
    assert again == told[0]
    cell.call("DeleteVSwitch", VSwitchId=second)
    left = cell.call("DescribeRouteEntryList", RouteTableId=tables[0])["RouteEntrys"]["RouteEntry"]
    assert [entry["DestinationCidrBlock"] for entry in left] == ["10.0.0.0/24", "100.64.0.0/10"]


def test_a_custom_entry_is_told_as_it_was_made(routed: Routed) -> None:
    entry = routed.make(RouteEntryName="office", Description="d")
    (told,) = routed.entries(RouteEntryType="Custom")
    assert told.pop("GmtModified").endswith("Z")
    assert told == {
        "RouteEntryId": entry,
        "RouteEntryName": "office",
        "Description": "d",
        "RouteTableId": routed.table,
        "DestinationCidrBlock": THERE,
        "IpVersion": "ipv4",
        "Type": "Custom",
        "Origin": "CustomCreate",
        "Status": "Available",
        "ServiceType": "",
        "NextHops": {"NextHop": [{"NextHopId": routed.gateway, "NextHopType": "VpnGateway"}]},
    }
    (table,) = routed.cell.call("DescribeRouteTables", RouteTableId=routed.table, Type="custom")["RouteTables"][
        "RouteTable"
    ]
    assert table["RouteEntrys"]["RouteEntry"] == [
        {
            "RouteEntryId": entry,
            "RouteEntryName": "office",
            "Description": "d",
            "RouteTableId": routed.table,
            "DestinationCidrBlock": THERE,
            "Type": "Custom",
            "Status": "Available",
            "NextHopType": "VpnGateway",
            "InstanceId": routed.gateway,
            "NextHops": {"NextHop": []},
        }
    ]
    everything = routed.cell.call("DescribeRouteTables", RouteTableId=routed.table)["RouteTables"]["RouteTable"][0]
    assert len(everything["RouteEntrys"]["RouteEntry"]) == 4


@pytest.mark.parametrize(
    ("destination", "told"),
    [
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.0.0.0/23", "10.0.0.0/23"),
        ("100.0.0.0/8", "100.0.0.0/8"),
        ("172.16.0.1", "172.16.0.1/32"),
    ],
)
def test_destinations_may_hold_what_they_must_not_lie_in(routed: Routed, destination: str, told: str) -> None:
    routed.make(DestinationCidrBlock=destination)
    assert routed.custom() == [told]


@pytest.mark.parametrize(
    ("destination", "code"),
    [
        ("ten", "InvalidCidrBlock.Malformed"),
        ("192.168.0.1/16", "InvalidCidrBlock.Malformed"),
        ("192.168.0.0/33", "InvalidCidrBlock.Malformed"),
        ("fd00::1/64", "InvalidCidrBlock.Malformed"),
        ("pl-0000", "InvalidCidrBlock.Malformed"),
        ("10.0.0.0/24", "InvalidCidrBlock"),
        ("10.1.0.128/25", "InvalidCidrBlock"),
        ("10.1.0.7", "InvalidCidrBlock"),
        ("100.64.0.0/10", "InvalidCidrBlock"),
        ("100.100.0.0/16", "InvalidCidrBlock"),
        ("127.0.0.1", "InvalidDestinationCidrBlock"),
        ("224.0.0.0/4", "InvalidDestinationCidrBlock"),
        ("0.0.0.0/8", "InvalidDestinationCidrBlock"),
        ("fd00::/64", "OperationDenied.VpcIpv6NotEnabled"),
        ("172.16.0.0/12", "InvalidCIDRBlock.Duplicate"),
    ],
)
def test_a_bad_destination_is_refused(routed: Routed, destination: str, code: str) -> None:
    routed.make(DestinationCidrBlock="172.16.0.0/12")
    refused = routed.cell.refusal("CreateRouteEntry", **routed.order(DestinationCidrBlock=destination))
    assert (refused.status, refused.code) == (400, code)
    assert refused.detail.startswith("DestinationCidrBlock ")
    assert routed.custom() == ["172.16.0.0/12"]
    failed = routed.cell.call("CreateRouteEntries", **routed.bulk({"DstCidrBlock": destination}))
    assert (failed["SuccessCount"], failed["FailedCount"]) == (0, 1)
    assert routed.custom() == ["172.16.0.0/12"]


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (None, 404, "InvalidInstanId.NotFound"),
        ("Instance", 404, "InvalidInstanId.NotFound"),
        ("HaVip", 404, "InvalidHaVipId.NotFound"),
        ("RouterInterface", 400, "InvalidRouterInterface"),
        ("NetworkInterface", 404, "InvalidNetworkInterface.NotFound"),
        ("VpnGateway", 400, "InvalidVpnInstanceId.NotFound"),
        ("IPv6Gateway", 404, "InvalidIpv6Gateway.NotFound"),
        ("NatGateway", 404, "InvalidNatGatewayId.NotFound"),
        ("Attachment", 400, "InvalidAttachment.NotFound"),
        ("VpcPeer", 404, "InvalidNextHopId.NotFound"),
        ("Ipv4Gateway", 400, "ResourceNotFound.Ipv4Gateway"),
        ("GatewayEndpoint", 404, "InvalidNextHopId.NotFound"),
        ("Ecr", 400, "ResourceNotAssociated.Ecr"),
        ("GatewayLoadBalancerEndpoint", 404, "ResourceNotFound.GatewayLoadBalancerEndpoint"),
        ("RouteTargetGroup", 404, "InvalidNextHopId.NotFound"),
        ("CenBasic", 400, "InvalidNextHopType"),
        ("vpngateway", 400, "InvalidNextHopType"),
    ],
)
def test_a_next_hop_that_there_is_not_is_refused_in_its_own_words(
    routed: Routed, kind: str | None, status: int, code: str
) -> None:
    order = routed.order(NextHopType=kind, NextHopId="x-none")
    refused = routed.cell.refusal("CreateRouteEntry", **order)
    assert (refused.status, refused.code) == (status, code)
    assert refused.detail.startswith("NextHopType " if code == "InvalidNextHopType" else "NextHopId ")
    assert routed.custom() == []


def test_a_next_hop_is_a_gateway_of_the_tables_own_vpc(cell: Cell, routed: Routed) -> None:
    elsewhere = Routed(cell)
    refused = cell.refusal("CreateRouteEntry", **routed.order(NextHopId=elsewhere.gateway))
    assert (refused.status, refused.code) == (400, "INVALID_VPC_ID")
    assert elsewhere.vpc in refused.detail
    entry = routed.make()
    refused = cell.refusal("ModifyRouteEntry", RouteEntryId=entry, NewNextHopId=elsewhere.gateway)
    assert (refused.status, refused.code) == (400, "INVALID_VPC_ID")


def test_a_gateway_that_is_being_deleted_is_no_next_hop(make_cell: Callable[..., Cell]) -> None:
    routed = Routed(make_cell(with_agent=False))
    entry = routed.make()
    routed.cell.call("DeleteVpnGateway", VpnGatewayId=routed.gateway)
    refused = routed.cell.refusal("CreateRouteEntry", **routed.order(DestinationCidrBlock="172.16.0.0/12"))
    assert (refused.status, refused.code) == (400, "IncorrectInstanceStatus")
    # What leads there stays until the gateway is gone, and can be renamed and deleted.
    routed.cell.call("ModifyRouteEntry", RouteEntryId=entry, RouteEntryName="old")
    assert [told["RouteEntryName"] for told in routed.entries(RouteEntryType="Custom")] == ["old"]
    routed.cell.call("DeleteRouteEntry", RouteEntryId=entry)


def test_the_entries_of_a_pending_vpc_are_neither_made_nor_deleted(cell: Cell, routed: Routed) -> None:
    entry = routed.make()
    cell.pend_vpcs()
    order, table = routed.order(DestinationCidrBlock="172.16.0.0/12"), {"RouteTableId": routed.table}
    by_destination = {"DestinationCidrBlock": THERE, "NextHopId": routed.gateway, **table}
    for action, parameters, named in (
        ("CreateRouteEntry", order, "RouteTableId"),
        ("DeleteRouteEntry", {"RouteEntryId": entry}, "RouteEntryId"),
        ("DeleteRouteEntry", by_destination, "DestinationCidrBlock"),
    ):
        refused = cell.refusal(action, **parameters)
        assert (refused.status, refused.code) == (400, "IncorrectVpcStatus")
        assert refused.message == "Current VPC status does not support this operation."
        assert refused.detail.startswith(f"{named} ")
        assert routed.vpc in refused.detail
    for action, parameters in (
        ("CreateRouteEntries", routed.bulk({"DstCidrBlock": "172.16.0.0/12"})),
        ("DeleteRouteEntries", numbered({"RouteEntryId": entry, **table})),
    ):
        (failed,) = cell.call(action, **parameters)["FailedRouteEntries"]
        assert failed["FailedCode"] == "IncorrectVpcStatus"
    # What there is not is told first.
    assert cell.refusal("CreateRouteEntry", **{**order, "NextHopId": "vpn-x"}).code == "InvalidVpnInstanceId.NotFound"
    assert cell.refusal("DeleteRouteEntry", RouteEntryId="rte-x").code == "InvalidRouteEntryId.NotFound"
    assert routed.custom() == [THERE]
    cell.pend_vpcs(pending=False)
    cell.call("DeleteRouteEntry", RouteEntryId=entry)


def test_the_entries_to_a_gateway_go_with_it(cell: Cell, routed: Routed) -> None:
    custom = custom_table(cell, routed.vpc)
    other = cell.gateway(routed.network)
    for table in (routed.table, custom):
        routed.make(RouteTableId=table)
        routed.make(RouteTableId=table, DestinationCidrBlock="172.16.0.0/12", NextHopId=other)
    refused = cell.refusal("DeleteVpc", VpcId=routed.vpc)
    assert (refused.status, refused.code) == (400, "DependencyViolation.RouteEntry")
    assert THERE in refused.detail
    cell.until_status(routed.gateway, "active")
    cell.call("DeleteVpnGateway", VpnGatewayId=routed.gateway)
    cell.until_gone(routed.gateway)
    for table in (routed.table, custom):
        left = routed.entries(RouteTableId=table, RouteEntryType="Custom")
        assert [entry["DestinationCidrBlock"] for entry in left] == ["172.16.0.0/12"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"NextHopType": None, "NextHopId": None}, "InvalidNexthopTypeAndList.BothNull"),
        ({"NextHopList.1.NextHopId": "ri-1"}, "InvalidNexthopTypeAndList.BothNotNull"),
        ({"NextHopId": None}, "MissingNextHopId"),
        ({"RouteTableId": None}, "MissingRouteTableId"),
        ({"DestinationCidrBlock": None}, "MissingDestinationCidrBlock"),
        ({"RouteEntryName": "http://x"}, "InvalidRouteEntryName.Malformed"),
        ({"Description": "x" * 257}, "InvalidDescription.Malformed"),
    ],
)
def test_parameters_that_do_not_go_together_are_refused(routed: Routed, changes: dict[str, Any], code: str) -> None:
    refused = routed.cell.refusal("CreateRouteEntry", **routed.order(**changes))
    assert (refused.status, refused.code) == (400, code)
    assert routed.custom() == []


@pytest.mark.parametrize(
    ("hops", "code"),
    [
        ([{"NextHopId": "ri-1"}], "InvalidNexthopListSize"),
        ([{"NextHopId": f"ri-{n}"} for n in range(5)], "InvalidNexthopListSize"),
        ([{"NextHopId": "ri-1"}, {"NextHopId": "vpn-1", "NextHopType": "VpnGateway"}], "InvalidNextHopType"),
        ([{"NextHopId": "ri-1", "Weight": 300}, {"NextHopId": "ri-2"}], "INVALID_WEIGHT_PARAM"),
        ([{"NextHopId": "ri-1", "Weight": 10}, {"NextHopId": "ri-2"}], "InvalidRouterInterface"),
    ],
)
def test_equal_next_hops_are_router_interfaces_and_there_are_none(
    routed: Routed, hops: list[dict[str, Any]], code: str
) -> None:
    listed = {f"NextHopList.{n}.{name}": value for n, hop in enumerate(hops, 1) for name, value in hop.items()}
    order = routed.order(NextHopType=None, NextHopId=None, **listed)
    refused = routed.cell.refusal("CreateRouteEntry", **order)
    assert (refused.status, refused.code) == (400, code)
    assert refused.detail.startswith("NextHopList")


def test_a_table_that_there_is_not_has_no_entries(routed: Routed) -> None:
    for changes in ({"RouteTableId": "vtb-x"}, {"RegionId": "cn-beijing"}):
        refused = routed.cell.refusal("CreateRouteEntry", **routed.order(**changes))
        assert (refused.status, refused.code) == (404, "InvalidRouteTableId.NotFound")
    refused = routed.cell.refusal("DescribeRouteEntryList", RouteTableId="vtb-x")
    assert (refused.status, refused.code) == (400, "InvalidRouteTable.NotFound")
    routed.make(RegionId=None)


def test_a_table_has_so_many_custom_entries(make_cell: Callable[..., Cell]) -> None:
    routed = Routed(make_cell(quotas=Quotas(route_entries=2)))
    routed.make()
    routed.make(DestinationCidrBlock="172.16.0.0/12")
    refused = routed.cell.refusal("CreateRouteEntry", **routed.order(DestinationCidrBlock="10.9.0.0/16"))
    assert (refused.status, refused.code) == (400, "QuotaExceeded")
    assert refused.message == "Route entry quota exceeded in this route table."
    # How many is for the installation to say: the detail does, the advice of all installations does not.
    assert " 2 " in refused.detail
    assert not any(character.isdigit() for character in TOO_MANY.advice)
    routed.make(RouteTableId=custom_table(routed.cell, routed.vpc))


def test_dry_runs_and_tokens(routed: Routed) -> None:
    cell = routed.cell
    assert cell.refusal("CreateRouteEntry", **routed.order(DryRun=True)).code == "DryRunOperation"
    assert routed.custom() == []
    entry = routed.make(ClientToken="t")
    assert routed.make(ClientToken="t") == entry
    for action, parameters in (
        ("DeleteRouteEntry", {"RouteEntryId": entry}),
        ("ModifyRouteEntry", {"RouteEntryId": entry, "RouteEntryName": "n"}),
        ("CreateRouteEntries", routed.bulk({"DstCidrBlock": "172.16.0.0/12"})),
        ("DeleteRouteEntries", numbered({"RouteTableId": routed.table, "RouteEntryId": entry})),
    ):
        assert cell.refusal(action, DryRun=True, **parameters).code == "DryRunOperation", action
    (told,) = routed.entries(RouteEntryType="Custom")
    assert (told["RouteEntryId"], told["RouteEntryName"]) == (entry, "")
    # A dry run of many in which one fails ends with its error.
    refused = cell.refusal("CreateRouteEntries", DryRun=True, **routed.bulk({"DstCidrBlock": "172.16.0.0/12"}, {}))
    assert (refused.code, refused.detail.partition(" ")[0]) == (
        "InvalidCIDRBlock.Duplicate",
        "RouteEntries.2.DstCidrBlock",
    )
    missing = numbered({"RouteTableId": routed.table, "RouteEntryId": "rte-x"})
    assert cell.refusal("DeleteRouteEntries", DryRun=True, **missing).code == "InvalidRouteEntryId.NotFound"


def test_entries_are_filtered_by_everything(routed: Routed) -> None:
    entry = routed.make(RouteEntryName="office")
    routed.make(DestinationCidrBlock="172.16.0.1")
    for filters, count in (
        ({}, 5),
        ({"RouteEntryType": "System"}, 3),
        ({"RouteEntryType": "Custom"}, 2),
        ({"RouteEntryType": "BGP"}, 0),
        ({"RouteEntryId": entry}, 1),
        ({"RouteEntryId": "rte-x"}, 0),
        ({"RouteEntryName": "office"}, 1),
        ({"RouteEntryName": "office", "RouteEntryType": "Custom"}, 1),
        ({"DestinationCidrBlock": THERE}, 1),
        ({"DestinationCidrBlock": "172.16.0.1"}, 1),
        ({"DestinationCidrBlock": "172.16.0.0/16"}, 0),
        ({"DestinationCidrBlock": "fd00::/64"}, 0),
        ({"DestCidrBlockList.1": THERE, "DestCidrBlockList.2": "100.64.0.0/10", "DestCidrBlockList.3": "8.0.0.0/8"}, 2),
        ({"DestinationCidrBlock": THERE, "DestCidrBlockList.1": "100.64.0.0/10"}, 0),
        ({"NextHopId": routed.gateway}, 2),
        ({"NextHopId": "vpn-x"}, 0),
        ({"NextHopType": "VpnGateway"}, 2),
        ({"NextHopType": "Instance"}, 0),
        ({"NextHopType": "local"}, 2),
        ({"IpVersion": "IPv4"}, 5),
        ({"IpVersion": "ipv6"}, 0),
        ({"ServiceType": "TR"}, 0),
    ):
        assert len(routed.entries(**filters)) == count, filters


@pytest.mark.parametrize(
    ("filters", "code"),
    [
        ({"RouteEntryType": "custom"}, "IllegalParam.RouteEntryType"),
        ({"IpVersion": "4"}, "IllegalParam.IpVersion"),
        ({"NextToken": "x"}, "IllegalParam.NextToken"),
        ({"RouteEntryType": "System", "RouteEntryId": "rte-x"}, "OperationFailed.FilterParamUnderWrongRouteType"),
        ({"RouteEntryType": "BGP", "RouteEntryName": "n"}, "OperationFailed.FilterParamUnderWrongRouteType"),
        ({"DestinationCidrBlock": "x"}, "InvalidParameter"),
        ({"DestCidrBlockList.1": "10.0.0.1/8"}, "InvalidParameter"),
        ({f"DestCidrBlockList.{n}": "8.0.0.0/8" for n in range(1, 22)}, "InvalidParameter"),
        ({"NextHopType": "Cloud"}, "InvalidParameter"),
        ({"ServiceType": "X"}, "InvalidParameter"),
        ({"MaxResult": 0}, "InvalidParameter"),
        ({"MaxResult": 101}, "InvalidParameter"),
        ({"RouteTableId": None}, "MissingRouteTableId"),
    ],
)
def test_a_bad_filter_is_refused(cell: Cell, filters: dict[str, Any], code: str) -> None:
    table = cell.call("CreateVpc")["RouteTableId"]
    refused = cell.refusal("DescribeRouteEntryList", **{"RouteTableId": table, **filters})
    assert (refused.status, refused.code) == (400, code)


def test_pages_of_entries_neither_repeat_nor_miss_what_stays(routed: Routed) -> None:
    made = [routed.make(DestinationCidrBlock=f"172.16.{n}.0/24") for n in range(6)]
    found: list[str] = []
    token: str | None = ""
    while token is not None:
        answer = routed.cell.call("DescribeRouteEntryList", RouteTableId=routed.table, MaxResult=2, NextToken=token)
        found += [entry["RouteEntryId"] for entry in answer["RouteEntrys"]["RouteEntry"]]
        token = answer.get("NextToken")
        if len(found) == 4:
            assert answer["TotalCount"] == 9
            routed.cell.call("DeleteRouteEntry", RouteEntryId=made[0])
            made.append(routed.make(DestinationCidrBlock="172.16.99.0/24"))
    system = [entry["RouteEntryId"] for entry in routed.entries(RouteEntryType="System")]
    assert found[:3] == system
    assert found[3:] == made
    assert routed.cell.call("DescribeRouteEntryList", RouteTableId=routed.table)["TotalCount"] == 9


def test_no_vswitch_comes_in_a_custom_routes_place(routed: Routed) -> None:
    routed.make(DestinationCidrBlock="10.8.0.0/16")
    routed.make(DestinationCidrBlock="10.9.1.0/24", RouteTableId=custom_table(routed.cell, routed.vpc))
    order = {"VpcId": routed.vpc, "ZoneId": "cn-hangzhou-k"}
    for network in ("10.8.0.0/16", "10.9.0.0/16", "10.9.1.0/24"):
        refused = routed.cell.refusal("CreateVSwitch", CidrBlock=network, **order)
        assert (refused.status, refused.code) == (400, "InvalidCidrBlock.Overlapped")
        assert refused.message == "Specified CIDR block overlapped with other entry."
    routed.cell.call("CreateVSwitch", CidrBlock="10.8.1.0/24", **order)


def test_entries_are_made_on_the_linux_plane_too(make_cell: Callable[..., Cell]) -> None:
    routed = Routed(make_cell())
    entry = routed.make()
    routed.cell.close()
    cell = make_cell(plane="linux")
    made = cell.call("CreateRouteEntry", **routed.order(DestinationCidrBlock="172.16.0.0/16"))["RouteEntryId"]
    cell.call("CreateRouteEntries", **routed.bulk({"DstCidrBlock": "172.17.0.0/16"}))
    cell.call("ModifyRouteEntry", RouteEntryId=entry, NewNextHopId=routed.gateway, RouteEntryName="office")
    listed = cell.call("DescribeRouteEntryList", RouteTableId=routed.table, RouteEntryType="Custom")
    assert {"172.16.0.0/16", "172.17.0.0/16"} < {
        one["DestinationCidrBlock"] for one in listed["RouteEntrys"]["RouteEntry"]
    }
    cell.call("DeleteRouteEntry", RouteEntryId=made)
    cell.call("DeleteRouteEntry", RouteEntryId=entry)
