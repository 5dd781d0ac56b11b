"""Published routes: entries of the VPC's system route table, which come and go with what they stand for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gatewright.operations.call import Quotas
from gatewright.resources.specs import RouterSpec
from gatewright.store import hosts
from tests.operations.test_vpn_routes import CONFLICT, NO_SUCH_ROUTE, refused
from tests.support.cell import Cell
from tests.support.site import HERE, THERE, Site


@pytest.fixture
def site(cell: Cell) -> Site:
    """A gateway with one tunnel a connection."""
    return Site(cell)


def publish(site: Site, connection: str, kind: str = "dbr", wanted: bool = True, **changes: Any) -> dict[str, Any]:
    return {
        "VpnGatewayId": site.gateway,
        "RouteDest": THERE,
        "NextHop": connection,
        "PublishVpc": wanted,
        "RouteType": kind,
        **changes,
    }


def entry(site: Site) -> dict[str, Any]:
    told = site.cell.call("DescribeRouteEntryList", RouteTableId=site.table, RouteEntryType="Custom")
    (found,) = told["RouteEntrys"]["RouteEntry"]
    return dict(found)


def test_a_published_route_stands_in_the_vpcs_table_and_is_offered(site: Site) -> None:
    office = site.connection()
    assert site.cell.call("CreateVpnRouteEntry", **site.route(office, PublishVpc=True))["State"] == "published"
    assert site.entries() == {THERE: site.gateway}
    found = entry(site)
    assert (found["Type"], found["Status"]) == ("Custom", "Available")
    assert found["NextHops"]["NextHop"][0]["NextHopType"] == "VpnGateway"
    site.settled()
    assert [(each.destination, each.tunnels) for each in site.spec().announced] == [(THERE, (1,))]
    router = site.router()
    assert [route.destination for table in router.tables for route in table.routes] == [THERE]
    assert [(each.instance_id, each.preference) for each in router.gateways] == [(site.spec().id, 200)]
    site.cell.call("PublishVpnRouteEntry", **publish(site, office, wanted=False))
    site.settled()
    assert (site.routes(), site.entries()) == ([(THERE, office, 100, "normal")], {})
    assert site.spec().announced == ()
    for _ in range(2):
        site.cell.call("PublishVpnRouteEntry", **publish(site, office))
    assert site.entries() == {THERE: site.gateway}
    site.cell.call("DeleteVpnRouteEntry", **site.route(office))
    assert (site.routes(), site.entries()) == ([], {})


def test_one_of_a_pair_is_published(site: Site) -> None:
    office, backup = site.connection(), site.connection()
    site.cell.call("CreateVpnRouteEntry", **site.route(office, PublishVpc=True))
    standby = site.route(backup, Weight=0)
    assert refused(site, "CreateVpnRouteEntry", **{**standby, "PublishVpc": True}) == CONFLICT
    site.cell.call("CreateVpnRouteEntry", **standby)
    assert refused(site, "PublishVpnRouteEntry", **publish(site, backup)) == CONFLICT
    site.cell.call("CreateVpnPbrRouteEntry", **site.policy(office))
    assert refused(site, "PublishVpnRouteEntry", **publish(site, office, "pbr")) == CONFLICT
    site.settled()
    # It is offered as long as either can carry.
    assert [(each.destination, each.tunnels) for each in site.spec().announced] == [(THERE, (1, 2))]


def test_policies_of_several_sources_share_an_entry(site: Site) -> None:
    office = site.connection()
    other = "10.1.0.0/24"
    for source in (HERE, other):
        site.cell.call("CreateVpnPbrRouteEntry", **site.policy(office, RouteSource=source))
    assert refused(site, "PublishVpnRouteEntry", **publish(site, office)) == NO_SUCH_ROUTE
    site.cell.call("PublishVpnRouteEntry", **publish(site, office, "pbr"))
    assert {each[5] for each in site.policies()} == {"published"}
    site.cell.call("PublishVpnRouteEntry", **publish(site, office, "pbr", wanted=False, RouteSource=HERE))
    assert {each[0]: each[5] for each in site.policies()} == {HERE: "normal", other: "published"}
    assert site.entries() == {THERE: site.gateway}
    site.cell.call("DeleteVpnPbrRouteEntry", **site.policy(office, RouteSource=other))
    assert site.entries() == {}
    missing = publish(site, office, "pbr", RouteSource=other)
    assert refused(site, "PublishVpnRouteEntry", **missing) == NO_SUCH_ROUTE


def test_what_the_vpcs_table_has_is_not_replaced(make_cell: Any) -> None:
    site = Site(make_cell(quotas=Quotas(route_entries=1)))
    office = site.connection()
    made = {"RouteTableId": site.table, "NextHopType": "VpnGateway", "NextHopId": site.gateway}
    site.cell.call("CreateRouteEntry", **made, DestinationCidrBlock=THERE)
    assert refused(site, "CreateVpnRouteEntry", **site.route(office, PublishVpc=True)) == CONFLICT
    within = site.route(office, RouteDest="10.0.0.128/25", PublishVpc=True)
    assert refused(site, "CreateVpnRouteEntry", **within) == CONFLICT
    full = site.route(office, RouteDest="172.16.0.0/16")
    assert refused(site, "CreateVpnRouteEntry", **{**full, "PublishVpc": True}) == (400, "Resource.QuotaFull")
    site.cell.call("CreateVpnRouteEntry", **full)
    too_many = publish(site, office, RouteDest="172.16.0.0/16")
    assert refused(site, "PublishVpnRouteEntry", **too_many) == (400, "Resource.QuotaFull")
    assert site.routes() == [("172.16.0.0/16", office, 100, "normal")]
    # People's own entry is none of the routes', and stays when they go.
    site.cell.call("CreateVpnRouteEntry", **site.route(office))
    site.settled()
    assert [(each.destination, each.tunnels) for each in site.spec().announced] == [(THERE, (1,))]
    site.cell.call("DeleteVpnRouteEntry", **site.route(office))
    assert site.entries() == {THERE: site.gateway}
    site.settled()
    assert site.spec().announced == ()


@pytest.mark.parametrize("action", ["DeleteRouteEntry", "DeleteRouteEntries", "ModifyRouteEntry"])
def test_who_takes_the_entry_out_of_the_vpcs_table_withdraws_the_route(site: Site, action: str) -> None:
    office = site.connection()
    site.cell.call("CreateVpnRouteEntry", **site.route(office, PublishVpc=True))
    found = entry(site)["RouteEntryId"]
    site.cell.call("ModifyRouteEntry", RouteEntryId=found, RouteEntryName="the office")
    assert site.routes()[0][3] == "published"
    if action == "ModifyRouteEntry":
        elsewhere = site.cell.gateway(site.network, DisasterRecoveryVSwitchId=None)
        site.cell.call(action, RouteEntryId=found, NewNextHopType="VpnGateway", NewNextHopId=elsewhere)
        assert site.entries() == {THERE: elsewhere}
    elif action == "DeleteRouteEntry":
        site.cell.call(action, RouteEntryId=found)
    else:
        bulk = {"RouteEntries.1.RouteTableId": site.table, "RouteEntries.1.RouteEntryId": found}
        assert site.cell.call(action, **bulk)["FailedCount"] == 0
    assert site.routes() == [(THERE, office, 100, "normal")]
    site.settled()
    assert site.spec().announced == ()


def test_entries_go_with_the_connection_and_the_gateway_after_it(site: Site) -> None:
    office = site.connection(HERE, THERE)
    site.cell.call("PublishVpnRouteEntry", **publish(site, office, "pbr"))
    site.cell.call("CreateVpnRouteEntry", **site.route(office, RouteDest="172.16.0.0/16", PublishVpc=True))
    left = (400, "DependencyViolation.VpnConnection")
    assert refused(site, "DeleteVpnGateway", VpnGatewayId=site.gateway) == left
    site.cell.call("DeleteVpnConnection", VpnConnectionId=office)
    assert (site.routes(), site.policies(), site.entries()) == ([], [], {})
    site.settled()
    assert (site.router().gateways, site.spec().announced) == ((), ())
    site.cell.call("DeleteVpnGateway", VpnGatewayId=site.gateway)
    site.cell.until_gone(site.gateway)


def test_the_vpcs_table_takes_what_customers_announce_while_it_is_propagated(site: Site) -> None:
    generations = [0]

    def learning() -> list[str]:
        """What is wanted of the router, which has been told of the change."""
        wanted = site.cell.run(site.cell.control_plane.changes(hosts.LOCAL, 0, 0)).items
        (spec,) = (item for item in wanted if isinstance(item, RouterSpec) and item.id == site.vpc)
        assert spec.generation > generations[-1]
        generations.append(spec.generation)
        return [table.id for table in spec.tables if table.learns]

    speaking, silent = ({"EnableBgp": spoken, "TunnelCidr": "169.254.10.0/30"} for spoken in (True, False))
    office = site.connection(BgpConfig=json.dumps(silent))
    site.cell.call("ModifyVpnGatewayAttribute", VpnGatewayId=site.gateway, AutoPropagate=True)
    assert learning() == []
    site.cell.call("ModifyVpnConnectionAttribute", VpnConnectionId=office, BgpConfig=json.dumps(speaking))
    assert learning() == [site.table]
    table = {"RouteTableId": site.table}
    site.cell.call("ModifyRouteTableAttributes", **table, RoutePropagationEnable=False)
    assert learning() == []
    site.cell.call("ModifyRouteTableAttributes", **table, RoutePropagationEnable=True)
    assert learning() == [site.table]
    site.cell.call("DeleteVpnConnection", VpnConnectionId=office)
    assert learning() == []


def test_both_instances_of_a_dual_tunnel_gateway_offer_the_destination(cell: Cell) -> None:
    site = Site(cell, dual=True)
    office = site.connection()
    cell.call("CreateVpnRouteEntry", **site.route(office, PublishVpc=True))
    site.settled()
    for role in ("master", "slave"):
        (told,) = site.spec(role).announced
        assert (told.destination, told.tunnels) == (THERE, (site.spec(role).tunnels[0].number,))
    assert sorted(each.preference for each in site.router().gateways) == [100, 200]
