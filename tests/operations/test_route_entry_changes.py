"""Changing and deleting entries of route tables, and many entries in one request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gatewright.errors import ErrorRow
from gatewright.operations.call import Quotas
from gatewright.operations.route_tables.making import Making
from tests.operations.test_route_entries import THERE, Routed, numbered
from tests.operations.test_route_tables import custom_table
from tests.support.cell import Cell


@pytest.fixture
def routed(cell: Cell) -> Routed:
    """A VPC with a gateway."""
    return Routed(cell)


@pytest.mark.parametrize("with_id", [True, False])
def test_an_entry_is_deleted_by_id_or_by_table_destination_and_next_hop(routed: Routed, with_id: bool) -> None:
    entry = routed.make(DestinationCidrBlock="172.16.0.1")
    named: dict[str, Any] = {"RouteEntryId": entry}
    if not with_id:
        named = {
            "RouteTableId": routed.table,
            "DestinationCidrBlock": "172.16.0.1",
            "NextHopId": routed.gateway,
        }
    routed.cell.call("DeleteRouteEntry", RegionId=None, **named)
    assert routed.custom() == []
    refused = routed.cell.refusal("DeleteRouteEntry", **named)
    code = "InvalidRouteEntryId.NotFound" if with_id else "InvalidRouteEntry.NotFound"
    assert (refused.status, refused.code) == (400, code)


def test_an_entry_is_what_everything_said_is_true_of(routed: Routed) -> None:
    cell, entry = routed.cell, routed.make()
    other = custom_table(cell, routed.vpc)
    whole = {
        "RouteEntryId": entry,
        "RouteTableId": routed.table,
        "DestinationCidrBlock": THERE,
        "NextHopId": routed.gateway,
    }
    for name, value in (
        ("RouteTableId", other),
        ("DestinationCidrBlock", "172.16.0.0/12"),
        ("NextHopId", "vpn-x"),
    ):
        refused = cell.refusal("DeleteRouteEntry", **{**whole, name: value})
        assert (refused.status, refused.code) == (400, "InvalidRouteEntry.NotFound"), name
    hops = {"NextHopList.1.NextHopId": "ri-1", "NextHopList.2.NextHopId": "ri-2"}
    refused = cell.refusal("DeleteRouteEntry", RouteEntryId=entry, **hops)
    assert refused.code == "InvalidRouteEntry.NotFound"
    assert routed.custom() == [THERE]
    cell.call("DeleteRouteEntry", **whole)
    assert routed.custom() == []


@pytest.mark.parametrize(
    ("named", "status", "code"),
    [
        ({}, 400, "MissingRouteEntryId"),
        ({"RouteTableId": "vtb-x"}, 400, "MissingDestinationCidrBlock"),
        ({"DestinationCidrBlock": THERE, "NextHopId": "vpn-x"}, 400, "MissingRouteTableId"),
        ({"RouteTableId": "vtb-x", "DestinationCidrBlock": THERE}, 400, "InvalidNextHop"),
        (
            {"RouteTableId": "vtb-x", "DestinationCidrBlock": THERE, "NextHopId": "x"},
            404,
            "InvalidRouteTableId.NotFound",
        ),
        ({"RouteTableId": "vtb-x", "DestinationCidrBlock": "x"}, 400, "InvalidCidrBlock.Malformed"),
        ({"RouteEntryId": "rte-x"}, 400, "InvalidRouteEntryId.NotFound"),
        ({"RouteEntryId": "rte-bp1abc0a00000008"}, 400, "InvalidRouteEntryId.NotFound"),
        (
            {"RouteEntryId": "rte-x", "NextHopId": "ri-1", "NextHopList.1.NextHopId": "ri-1"},
            400,
            "ParamExclusive.NextHopIdAndList",
        ),
        ({"RouteEntryId": "rte-x", "NextHopList.1.NextHopId": "ri-1"}, 400, "InvalidNextHopList.Size"),
    ],
)
def test_an_entry_that_is_not_named_well_is_not_deleted(
    cell: Cell, named: dict[str, Any], status: int, code: str
) -> None:
    refused = cell.refusal("DeleteRouteEntry", **named)
    assert (refused.status, refused.code) == (status, code)


def test_the_systems_entries_are_neither_deleted_nor_changed(routed: Routed) -> None:
    cell = routed.cell
    for entry in routed.entries(RouteEntryType="System"):
        by_destination = {"RouteTableId": routed.table, "DestinationCidrBlock": entry["DestinationCidrBlock"]}
        for action, named in (
            ("DeleteRouteEntry", {"RouteEntryId": entry["RouteEntryId"]}),
            ("DeleteRouteEntry", {**by_destination, "NextHopId": "x"}),
            ("ModifyRouteEntry", {"RouteEntryId": entry["RouteEntryId"], "RouteEntryName": "n"}),
            ("ModifyRouteEntry", {**by_destination, "NewNextHopType": "VpnGateway", "NewNextHopId": routed.gateway}),
        ):
            refused = cell.refusal(action, **named)
            assert (refused.status, refused.code) == (400, "OperationDenied")
            assert refused.message == "Specified operation is denied as route entry type is system."
        refused = cell.refusal("DeleteRouteEntry", RouteEntryId=entry["RouteEntryId"], RegionId="cn-beijing")
        assert refused.code == "InvalidRouteEntryId.NotFound"
    assert len(routed.entries()) == 3


def test_an_entry_is_changed_by_id_or_by_table_and_destination(routed: Routed) -> None:
    cell, entry = routed.cell, routed.make(Description="d")
    other = cell.gateway(routed.network)
    cell.clock.advance(5000)
    cell.call("ModifyRouteEntry", RouteEntryId=entry, RouteEntryName="office")
    cell.call("ModifyRouteEntry", RouteTableId=routed.table, DestinationCidrBlock=THERE, NewNextHopId=other)
    (told,) = routed.entries(RouteEntryType="Custom")
    assert (told["RouteEntryName"], told["Description"], told["RouteEntryId"]) == ("office", "d", entry)
    assert told["NextHops"]["NextHop"] == [{"NextHopId": other, "NextHopType": "VpnGateway"}]
    cell.call(
        "ModifyRouteEntry",
        RouteEntryId=entry,
        NewNextHopType="VpnGateway",
        NewNextHopId=routed.gateway,
        Description="e",
    )
    (told,) = routed.entries(RouteEntryType="Custom")
    assert (told["Description"], told["NextHops"]["NextHop"][0]["NextHopId"]) == ("e", routed.gateway)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"RouteEntryName": "http://x"}, 400, "InvalidRouteEntryName.Malformed"),
        ({"Description": "x" * 257}, 400, "InvalidDescription.Malformed"),
        ({"NewNextHopType": "VpnGateway"}, 400, "MissingNewNextHopId"),
        ({"NewNextHopType": "Cloud", "NewNextHopId": "x"}, 400, "InvalidNextHopType"),
        ({"NewNextHopType": "Instance", "NewNextHopId": "i-1"}, 404, "InvalidInstanId.NotFound"),
        ({"NewNextHopId": "vpn-x"}, 400, "InvalidVpnInstanceId.NotFound"),
        ({"RouteEntryId": "rte-x"}, 400, "InvalidRouteEntryId.NotFound"),
        ({"RouteEntryId": None}, 400, "MissingRouteEntryId"),
        ({"DestinationCidrBlock": "172.16.0.0/12"}, 400, "InvalidRouteEntryId.NotFound"),
        ({"RouteTableId": "vtb-x"}, 404, "InvalidRouteTableId.NotFound"),
        ({"RegionId": "cn-beijing"}, 400, "InvalidRouteEntryId.NotFound"),
    ],
)
def test_an_entry_is_not_changed_by_a_bad_request(
    routed: Routed, changes: dict[str, Any], status: int, code: str
) -> None:
    entry = routed.make()
    before = routed.entries()
    refused = routed.cell.refusal("ModifyRouteEntry", **{"RouteEntryId": entry, "RouteEntryName": "n", **changes})
    assert (refused.status, refused.code) == (status, code)
    assert routed.entries() == before


def test_of_many_entries_the_good_ones_are_made_and_the_others_told(make_cell: Callable[..., Cell]) -> None:
    routed = Routed(make_cell(quotas=Quotas(route_entries=3)))
    custom = custom_table(routed.cell, routed.vpc)
    answer = routed.cell.call(
        "CreateRouteEntries",
        **routed.bulk(
            {"Name": "first", "IpVersion": 4},
            {},
            {"DstCidrBlock": "10.0.0.0/25"},
            {"RouteTableId": custom, "Description": "d"},
            {"DstCidrBlock": "172.16.0.0/12", "NextHop": "vpn-x"},
            {"DstCidrBlock": "172.16.0.0/12", "IpVersion": 6},
            {"DstCidrBlock": "172.17.0.0/16", "NextHopType": "CenBasic", "NextHop": "cen-x"},
            {"DstCidrBlock": "172.18.0.0/16"},
            {"DstCidrBlock": "172.19.0.0/16"},
            {"DstCidrBlock": "172.20.0.0/16"},
            {"RouteTableId": "vtb-x"},
        ),
    )
    assert (answer["SuccessCount"], answer["FailedCount"]) == (4, 7)
    assert [(failed["DstCidrBlock"], failed["FailedCode"]) for failed in answer["FailedRouteEntries"]] == [
        (THERE, "VPC_ROUTE_ENTRY_CIDR_BLOCK_DUPLICATE"),
        ("10.0.0.0/25", "InvalidCidrBlock"),
        ("172.16.0.0/12", "InvalidVpnInstanceId.NotFound"),
        ("172.16.0.0/12", "InvalidCidrBlock.Malformed"),
        ("172.17.0.0/16", "InvalidNextHopId.NotFound"),
        ("172.20.0.0/16", "QuotaExceeded"),
        (THERE, "InvalidRouteTableId.NotFound"),
    ]
    duplicate = answer["FailedRouteEntries"][0]
    assert duplicate["FailedMessage"].startswith(f"Specified CIDR block is already exists, entry.cidrBlock={THERE} (")
    assert "RouteEntries.2.DstCidrBlock" in duplicate["FailedMessage"]
    assert duplicate["NextHop"] == routed.gateway
    made = routed.entries(RouteEntryType="Custom") + routed.entries(RouteTableId=custom, RouteEntryType="Custom")
    assert {entry["RouteEntryId"] for entry in made} == set(answer["RouteEntryIds"])
    assert sorted((entry["RouteEntryName"], entry["Description"]) for entry in made) == [
        ("", ""),
        ("", ""),
        ("", "d"),
        ("first", ""),
    ]


def test_an_errors_own_message_is_told_to_the_letter(routed: Routed, monkeypatch: pytest.MonkeyPatch) -> None:
    # The API has such messages: its ResourceNotFound.VpcPeer speaks of "{name}".
    row = ErrorRow(400, "Some.Code", "The specified resource of {name} is not found.")

    def refuse(*_: Any) -> str:
        raise row("NextHop", routed.gateway, "is none")

    monkeypatch.setattr(Making, "make", refuse)
    (failed,) = routed.cell.call("CreateRouteEntries", **routed.bulk({}))["FailedRouteEntries"]
    assert failed["FailedMessage"].startswith(f"{row.message} (")


def test_a_request_for_many_is_refused_whole_for_its_parameters(routed: Routed) -> None:
    for changes, code in (
        ({"RouteTableId": ""}, "MissingRouteEntriesRouteTableId"),
        ({"DstCidrBlock": ""}, "MissingRouteEntriesDstCidrBlock"),
        ({"NextHop": ""}, "MissingRouteEntriesNextHop"),
        ({"NextHopType": ""}, "MissingRouteEntriesNextHopType"),
        ({"NextHopType": "Cloud"}, "InvalidNextHopType"),
        ({"IpVersion": 5}, "InvalidParameter"),
        ({"Name": "http://x"}, "InvalidRouteEntryName.Malformed"),
        ({"Description": "x" * 257}, "InvalidDescription.Malformed"),
    ):
        refused = routed.cell.refusal("CreateRouteEntries", **routed.bulk({"DstCidrBlock": "172.16.0.0/12"}, changes))
        assert (refused.status, refused.code) == (400, code)
        assert "RouteEntries.2" in refused.detail
    assert routed.cell.refusal("CreateRouteEntries").code == "MissingRouteEntries"
    assert routed.cell.refusal("CreateRouteEntries", **routed.bulk(*[{}] * 51)).code == "InvalidParameter"
    assert routed.custom() == []


def test_of_many_entries_those_that_there_are_are_deleted(routed: Routed) -> None:
    cell = routed.cell
    first, _ = routed.make(), routed.make(DestinationCidrBlock="172.16.0.0/12")
    kept = routed.make(DestinationCidrBlock="172.32.0.0/12")
    (system, *_) = routed.entries(RouteEntryType="System")
    table = {"RouteTableId": routed.table}
    answer = cell.call(
        "DeleteRouteEntries",
        **numbered(
            {**table, "RouteEntryId": first},
            {**table, "DstCidrBlock": "172.16.0.0/12", "NextHop": routed.gateway},
            {**table, "RouteEntryId": first},
            {**table, "DstCidrBlock": "172.32.0.0/12", "NextHop": "vpn-x"},
            {**table, "RouteEntryId": system["RouteEntryId"]},
            {"RouteTableId": "vtb-x", "RouteEntryId": kept},
            {**table, "DstCidrBlock": "x", "NextHop": "vpn-x"},
        ),
    )
    assert (answer["SuccessCount"], answer["FailedCount"]) == (2, 5)
    assert [(failed["RouteEntryId"], failed["FailedCode"]) for failed in answer["FailedRouteEntries"]] == [
        (first, "VPC_ROUTER_ENTRY_NOT_EXIST"),
        ("", "VPC_ROUTER_ENTRY_NOT_EXIST"),
        (system["RouteEntryId"], "OperationDenied"),
        (kept, "InvalidRouteTableId.NotFound"),
        ("", "InvalidCidrBlock.Malformed"),
    ]
    assert answer["FailedRouteEntries"][0]["FailedMessage"].startswith("vRouterEntry not exists (")
    assert routed.custom() == ["172.32.0.0/12"]
    refused = cell.refusal("DeleteRouteEntries", **numbered({**table, "DstCidrBlock": "172.32.0.0/12"}))
    assert refused.code == "MissingRouteEntriesNextHop"
    assert cell.call("DeleteRouteEntries")["SuccessCount"] == 0
