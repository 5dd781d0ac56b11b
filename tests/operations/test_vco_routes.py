"""Routes of attachments against the documentation of CreateVcoRouteEntry and its family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gatewright.operations.call import Quotas
from tests.support.cell import Cell

DESTINATION = "192.168.7.0/24"


def route(attachment: str, **changes: Any) -> dict[str, Any]:
    named = {"VpnConnectionId": attachment, "NextHop": attachment, "RouteDest": DESTINATION, "Weight": 100}
    return {**named, **changes}


def listed(cell: Cell, attachment: str, **parameters: Any) -> list[tuple[str, int]]:
    answer = cell.call("DescribeVcoRouteEntries", VpnConnectionId=attachment, **parameters)
    entries = answer["VcoRouteEntries"]
    assert {(each["State"], each["RouteEntryType"], each["NextHop"]) for each in entries} <= {
        ("published", "custom", attachment)
    }
    return [(each["RouteDest"], each["Weight"]) for each in entries]


def test_routes_are_made_told_changed_and_deleted(cell: Cell) -> None:
    device = cell.customer_gateway()
    attachment = cell.attachment(device, device)
    made = cell.call("CreateVcoRouteEntry", **route(attachment), Description="to the branch", OverlayMode="Ipsec")
    del made["RequestId"]
    told = route(attachment) | {"Description": "to the branch", "State": "published", "OverlayMode": "Ipsec"}
    assert made == told | {"CreateTime": cell.clock.now()}
    cell.clock.advance(1)
    cell.call("CreateVcoRouteEntry", **route(attachment, RouteDest="192.168.8.0/24", Weight=0))
    assert listed(cell, attachment) == [("192.168.8.0/24", 0), (DESTINATION, 100)]
    page = cell.call("DescribeVcoRouteEntries", VpnConnectionId=attachment, PageNumber=2, PageSize=1)
    assert (page["TotalCount"], [each["RouteDest"] for each in page["VcoRouteEntries"]]) == (2, [DESTINATION])
    assert page["VpnRouteCounts"] == [{"RouteEntryType": "custom", "RouteCount": 2}]
    assert "NextHopTunnelIdList" not in page["VcoRouteEntries"][0]
    assert listed(cell, attachment, RouteEntryType="bgp") == []

    cell.call("ModifyVcoRouteEntryWeight", **route(attachment), NewWeight=0)
    assert listed(cell, attachment) == [("192.168.8.0/24", 0), (DESTINATION, 0)]
    for action, changes in (
        ("DeleteVcoRouteEntry", {}),
        ("ModifyVcoRouteEntryWeight", {"NewWeight": 100}),
        ("DeleteVcoRouteEntry", {"RouteDest": "192.168.9.0/24"}),
    ):
        refused = cell.refusal(action, **route(attachment, **changes))
        assert (refused.status, refused.code) == (404, "InvalidRouteEntry.NotFound")
    assert cell.call("DeleteVcoRouteEntry", **route(attachment, Weight=0)).keys() == {"RequestId"}
    assert listed(cell, attachment) == [("192.168.8.0/24", 0)]

    # they go with it
    cell.call("DeleteVpnAttachment", VpnConnectionId=attachment)
    assert cell.refusal("DescribeVcoRouteEntries", VpnConnectionId=attachment).status == 404


def test_a_single_tunnel_attachment_has_no_counts(cell: Cell) -> None:
    attachment = cell.attachment(cell.customer_gateway())
    cell.call("CreateVcoRouteEntry", **route(attachment))
    assert cell.call("DescribeVcoRouteEntries", VpnConnectionId=attachment)["VpnRouteCounts"] == []


def test_what_is_wrong_with_a_route(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell(quotas=Quotas(vpn_routes=1))
    device = cell.customer_gateway()
    attachment, other = cell.attachment(device), cell.attachment(device)
    dry = cell.refusal("CreateVcoRouteEntry", **route(attachment), DryRun=True)
    assert (dry.status, dry.code) == (400, "DryRunOperation")
    cell.call("CreateVcoRouteEntry", **route(attachment))
    unknown = "InvalidVpnConnectionInstanceId.NotFound"
    for changes, code in (
        ({}, "VpnRouteEntry.AlreadyExists"),
        ({"Weight": 0}, "VpnRouteEntry.AlreadyExists"),
        ({"RouteDest": "192.168.8.0/24"}, "Resource.QuotaFull"),
        ({"RouteDest": "0.0.0.0/0"}, "InvalidParameter"),
        ({"RouteDest": "100.64.0.0/16"}, "InvalidParameter"),
        ({"Weight": 50}, "InvalidParameter"),
        ({"OverlayMode": "Gre"}, "InvalidParameter"),
        ({"NextHop": other}, unknown),
        ({"VpnConnectionId": "vco-bp1unknown"}, unknown),
        ({"NextHop": None}, "MissingNextHop"),
    ):
        assert cell.refusal("CreateVcoRouteEntry", **route(attachment, **changes)).code == code, changes
    stranger = cell.other()
    for action in (
        "CreateVcoRouteEntry",
        "DeleteVcoRouteEntry",
        "ModifyVcoRouteEntryWeight",
        "DescribeVcoRouteEntries",
    ):
        refused = stranger.refusal(action, **route(attachment), NewWeight=0)
        assert (refused.status, refused.code) == (404, unknown)
    # a connection of a gateway has routes of its own
    gateway = cell.gateway(cell.network())
    cell.until_status(gateway, "active")
    connection = cell.connection(gateway, device, device)
    assert cell.refusal("CreateVcoRouteEntry", **route(connection)).code == unknown
    assert listed(cell, attachment) == [(DESTINATION, 100)]
