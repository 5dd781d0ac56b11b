"""Destination-based routes of a gateway: made, told, changed, deleted, and what hosts are asked to do with them."""

from __future__ import annotations

from typing import Any

import pytest

from gatewright.operations.call import Quotas
from gatewright.operations.vpn_routes.facts import is_destination
from tests.support.cell import Cell
from tests.support.site import HERE, THERE, Site

NO_SUCH_ROUTE = (404, "InvalidRouteEntry.NotFound")
CONFLICT = (400, "VpnRouteEntry.Conflict")


@pytest.fixture
def site(cell: Cell) -> Site:
    """A gateway with one tunnel a connection."""
    return Site(cell)


def refused(site: Site, action: str, **parameters: Any) -> tuple[int, str]:
    refusal = site.cell.refusal(action, **parameters)
    return refusal.status, refusal.code


def test_a_route_is_made_told_changed_and_deleted(site: Site) -> None:
    office = site.connection()
    made = site.cell.call("CreateVpnRouteEntry", **site.route(office, Description="the office"))
    assert made.pop("RequestId")
    assert made == {
        "VpnInstanceId": site.gateway,
        "RouteDest": THERE,
        "NextHop": office,
        "Weight": 100,
        "State": "normal",
        "OverlayMode": "Ipsec",
        "Description": "the office",
        "CreateTime": site.cell.clock.now(),
    }
    told = site.cell.call("DescribeVpnRouteEntries", VpnGatewayId=site.gateway)
    assert told["VpnRouteEntries"]["VpnRouteEntry"] == [
        {
            "VpnInstanceId": site.gateway,
            "RouteDest": THERE,
            "NextHop": office,
            "Weight": 100,
            "State": "normal",
            "RouteEntryType": "custom",
            "CreateTime": made["CreateTime"],
        }
    ]
    assert told["VpnRouteCounts"] == {"VpnRouteCount": [{"RouteEntryType": "custom", "RouteCount": 1}]}
    learnt = site.cell.call("DescribeVpnRouteEntries", VpnGatewayId=site.gateway, RouteEntryType="bgp")
    assert (learnt["TotalCount"], learnt["VpnRouteEntries"]["VpnRouteEntry"]) == (0, [])
    site.settled()
    (route,) = site.spec().vpn_routes
    assert (route.destination, route.tunnel, route.weight) == (THERE, 1, 100)
    assert site.spec().announced == ()
    site.cell.call("ModifyVpnRouteEntryWeight", **site.route(office), NewWeight=0)
    site.settled()
    assert [each.weight for each in site.spec().vpn_routes] == [0]
    assert site.routes() == [(THERE, office, 0, "normal")]
    assert refused(site, "DeleteVpnRouteEntry", **site.route(office)) == NO_SUCH_ROUTE
    site.cell.call("DeleteVpnRouteEntry", **site.route(office, Weight=0))
    site.settled()
    assert (site.routes(), site.spec().vpn_routes) == ([], ())
    assert refused(site, "DeleteVpnRouteEntry", **site.route(office, Weight=0)) == NO_SUCH_ROUTE


@pytest.mark.parametrize(
    "destination",
    ["0.0.0.0/0", "100.64.0.0/10", "100.80.0.0/16", "64.0.0.0/2", "127.0.0.0/8", "224.0.0.0/4", "10.0.0.1/8", "x", "1"],
)
def test_no_route_leads_there(destination: str) -> None:
    assert not is_destination(destination)


def test_a_destination_that_no_route_leads_to_is_refused(site: Site) -> None:
    nowhere = site.route("vco-none", RouteDest="100.80.0.0/16")
    assert refused(site, "CreateVpnRouteEntry", **nowhere) == (400, "InvalidParameter")
    assert refused(site, "CreateVpnPbrRouteEntry", RouteSource=HERE, **nowhere) == (400, "InvalidParameter")


def test_the_next_hop_is_a_connection_of_the_gateway(site: Site) -> None:
    missing = (404, "InvalidVpnConnectionInstanceId.NotFound")
    assert refused(site, "CreateVpnRouteEntry", **site.route("vco-none")) == missing
    elsewhere = Site(site.cell)
    connection = elsewhere.connection()
    assert refused(site, "CreateVpnRouteEntry", **site.route(connection)) == missing
    nowhere = {**site.route(connection), "VpnGatewayId": "vpn-none"}
    assert refused(site, "CreateVpnRouteEntry", **nowhere) == (404, "InvalidVpnGatewayInstanceId.NotFound")


def test_an_active_route_has_one_standby(site: Site) -> None:
    office, backup, third = site.connection(), site.connection(), site.connection()
    site.cell.call("CreateVpnRouteEntry", **site.route(office))
    again = site.route(office, Weight=0)
    assert refused(site, "CreateVpnRouteEntry", **again) == (400, "VpnRouteEntry.AlreadyExists")
    assert refused(site, "CreateVpnRouteEntry", **site.route(backup)) == CONFLICT
    site.cell.call("CreateVpnRouteEntry", **site.route(backup, Weight=0))
    assert refused(site, "CreateVpnRouteEntry", **site.route(third, Weight=0)) == CONFLICT
    # Of a pair none is changed while both are there.
    for connection, weight in ((office, 100), (backup, 0)):
        change = site.route(connection, Weight=weight, NewWeight=100 - weight)
        assert refused(site, "ModifyVpnRouteEntryWeight", **change) == CONFLICT
    site.cell.call("ModifyVpnRouteEntryWeight", **site.route(office), NewWeight=100)
    site.cell.call("DeleteVpnRouteEntry", **site.route(office))
    site.cell.call("ModifyVpnRouteEntryWeight", **site.route(backup, Weight=0), NewWeight=100)
    assert site.routes() == [(THERE, backup, 100, "normal")]


def test_a_gateway_has_as_many_routes_as_its_quota(make_cell: Any) -> None:
    site = Site(make_cell(quotas=Quotas(vpn_routes=2)))
    office = site.connection()
    for number in range(2):
        site.cell.call("CreateVpnRouteEntry", **site.route(office, RouteDest=f"192.168.{number}.0/24"))
    assert refused(site, "CreateVpnRouteEntry", **site.route(office)) == (400, "Resource.QuotaFull")
    for number in range(2):
        site.cell.call("CreateVpnPbrRouteEntry", **site.policy(office, RouteSource=f"10.{number}.0.0/24"))
    other = site.policy(office, RouteSource="10.2.0.0/24")
    assert refused(site, "CreateVpnPbrRouteEntry", **other) == (400, "Resource.QuotaFull")


def test_a_dry_run_changes_nothing(site: Site) -> None:
    office = site.connection()
    for action, wish in (("CreateVpnRouteEntry", site.route), ("CreateVpnPbrRouteEntry", site.policy)):
        dry = wish(office, PublishVpc=True, DryRun=True)
        assert refused(site, action, **dry) == (400, "DryRunOperation")
    assert (site.routes(), site.policies(), site.entries()) == ([], [], {})


def test_pages_are_told_newest_first(site: Site) -> None:
    office = site.connection()
    for number in range(3):
        site.cell.clock.advance(1000)
        site.cell.call("CreateVpnRouteEntry", **site.route(office, RouteDest=f"192.168.{number}.0/24"))
    asked: dict[str, Any] = {"VpnGatewayId": site.gateway, "PageSize": 2}
    for page, expected in ((1, ["192.168.2.0/24", "192.168.1.0/24"]), (2, ["192.168.0.0/24"]), (3, [])):
        told = site.cell.call("DescribeVpnRouteEntries", **asked, PageNumber=page)
        assert told["TotalCount"] == 3
        assert [row["RouteDest"] for row in told["VpnRouteEntries"]["VpnRouteEntry"]] == expected


def test_weights_mean_nothing_on_a_dual_tunnel_gateway(cell: Cell) -> None:
    site = Site(cell, dual=True)
    office, backup = site.connection(), site.connection()
    cell.call("CreateVpnRouteEntry", **site.route(office, Weight=0))
    cell.clock.advance(1000)
    cell.call("CreateVpnRouteEntry", **site.route(backup))
    site.settled()
    for role in ("master", "slave"):
        assert [each.weight for each in site.spec(role).vpn_routes] == [100, 0]
    cell.call("DeleteVpnRouteEntry", **site.route(backup))
    site.settled()
    generation = site.spec().generation
    cell.call("ModifyVpnRouteEntryWeight", **site.route(office, Weight=0), NewWeight=100)
    assert site.routes() == [(THERE, office, 100, "normal")]
    assert cell.call("DescribeVpnGateway", VpnGatewayId=site.gateway)["Status"] == "active"
    assert site.spec().generation == generation
    # Which tunnel it takes is told where there are two.
    (row,) = cell.call("DescribeVpnRouteEntries", VpnGatewayId=site.gateway)["VpnRouteEntries"]["VpnRouteEntry"]
    told = cell.call("DescribeVpnConnection", VpnConnectionId=office)["TunnelOptionsSpecification"]["TunnelOptions"]
    assert row["NextHopTunnelId"] == next(each["TunnelId"] for each in told if each["Role"] == "master")
