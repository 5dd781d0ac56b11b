"""Policy-based routes of a gateway: those that people make, and those that connections make by themselves."""

from __future__ import annotations

from typing import Any

import pytest

from gatewright.operations.call import Quotas
from tests.operations.test_vpn_routes import CONFLICT, NO_SUCH_ROUTE, refused
from tests.support.cell import Cell
from tests.support.client import Refused
from tests.support.site import HERE, THERE, Site


@pytest.fixture
def site(cell: Cell) -> Site:
    """A gateway with one tunnel a connection."""
    return Site(cell)


def test_a_policy_is_made_told_changed_and_deleted(site: Site) -> None:
    office = site.connection()
    made = site.cell.call("CreateVpnPbrRouteEntry", **site.policy(office, Description="the office"))
    assert made.pop("RequestId")
    plain = {
        "VpnInstanceId": site.gateway,
        "RouteSource": HERE,
        "RouteDest": THERE,
        "NextHop": office,
        "Weight": 100,
        "Priority": 10,
        "State": "normal",
        "CreateTime": site.cell.clock.now(),
    }
    assert made == {**plain, "OverlayMode": "Ipsec", "Description": "the office"}
    told = site.cell.call("DescribeVpnPbrRouteEntries", VpnGatewayId=site.gateway)
    assert told["VpnPbrRouteEntries"]["VpnPbrRouteEntry"] == [plain]
    site.cell.call("ModifyVpnPbrRouteEntryPriority", **site.policy(office), NewPriority=7)
    site.cell.call("ModifyVpnPbrRouteEntryWeight", **site.policy(office), NewWeight=0)
    site.settled()
    (policy,) = site.spec().vpn_policies
    assert (policy.source, policy.destination, policy.tunnel, policy.weight, policy.priority) == (HERE, THERE, 1, 0, 7)
    both = site.policy(office, Weight=0, Priority=7, NewWeight=100, NewPriority=1)
    site.cell.call("ModifyVpnPbrRouteEntryAttribute", **both)
    assert site.policies() == [(HERE, THERE, office, 100, 1, "normal")]
    for wrong in ({"Priority": 7}, {"Weight": 0}, {"RouteSource": "10.1.0.0/24"}):
        assert refused(site, "DeleteVpnPbrRouteEntry", **site.policy(office, **wrong)) == NO_SUCH_ROUTE
    site.cell.call("DeleteVpnPbrRouteEntry", **site.policy(office, Priority=1))
    site.settled()
    assert (site.policies(), site.spec().vpn_policies) == ([], ())


def test_policies_of_one_priority_are_a_pair(site: Site) -> None:
    office, backup = site.connection(), site.connection()
    site.cell.call("CreateVpnPbrRouteEntry", **site.policy(office))
    again = site.policy(office, Weight=0, Priority=20)
    assert refused(site, "CreateVpnPbrRouteEntry", **again) == (400, "VpnRouteEntry.AlreadyExists")
    assert refused(site, "CreateVpnPbrRouteEntry", **site.policy(backup)) == CONFLICT
    # Of another priority it is no second one of a pair, and cannot become one of the same weight.
    site.cell.call("CreateVpnPbrRouteEntry", **site.policy(backup, Priority=20))
    assert refused(site, "ModifyVpnPbrRouteEntryPriority", **site.policy(backup), NewPriority=10) == CONFLICT
    to_pair = site.policy(backup, Priority=20, NewWeight=0, NewPriority=10)
    site.cell.call("ModifyVpnPbrRouteEntryAttribute", **to_pair)
    assert refused(site, "ModifyVpnPbrRouteEntryWeight", **site.policy(office), NewWeight=0) == CONFLICT
    site.settled()
    assert [(each.tunnel, each.weight) for each in site.spec().vpn_policies] == [(1, 100), (2, 0)]


def test_a_source_is_a_network(site: Site) -> None:
    office = site.connection()
    wrong = site.policy(office, RouteSource="10.0.0.1/24")
    assert refused(site, "CreateVpnPbrRouteEntry", **wrong) == (400, "InvalidParameter")
    site.cell.call("CreateVpnPbrRouteEntry", **site.policy(office, RouteSource="0.0.0.0/0"))
    for priority in (0, 101):
        outside = site.policy(office, Priority=priority)
        assert refused(site, "CreateVpnPbrRouteEntry", **outside) == (400, "InvalidParameter")


def test_a_connection_makes_a_policy_for_each_pair_of_its_networks(site: Site) -> None:
    local, remote = ("10.0.0.0/24", "10.1.0.0/24"), ("192.168.0.0/24", "192.168.1.0/24")
    office = site.connection(",".join(local), ",".join(remote))
    assert {each[:2] for each in site.policies()} == {(here, there) for here in local for there in remote}
    assert {each[2:] for each in site.policies()} == {(office, 100, 10, "normal")}
    site.settled()
    assert len(site.spec().vpn_policies) == 4
    # None where routes decide, and none that was not asked for.
    site.connection()
    site.connection("10.0.0.0/24", "172.16.0.0/24", AutoConfigRoute=False)
    assert len(site.policies()) == 4
    # Nor where none of people's can lead: the tunnel's selectors do there.
    site.connection("10.2.0.0/24", "0.0.0.0/0")
    assert len(site.policies()) == 4
    site.cell.call("DeleteVpnConnection", VpnConnectionId=office)
    assert site.policies() == []


def test_automatic_policies_follow_the_connections_networks(site: Site) -> None:
    office = site.connection(HERE, "192.168.0.0/24,192.168.1.0/24")
    published: dict[str, Any] = {
        "VpnGatewayId": site.gateway,
        "NextHop": office,
        "RouteType": "pbr",
        "PublishVpc": True,
    }
    for there in ("192.168.0.0/24", "192.168.1.0/24"):
        site.cell.call("PublishVpnRouteEntry", **published, RouteDest=there)
    own = site.policy(office, RouteDest="172.16.0.0/16")
    site.cell.call("CreateVpnPbrRouteEntry", **own)
    change: dict[str, Any] = {"VpnConnectionId": office}
    site.cell.call("ModifyVpnConnectionAttribute", **change, RemoteSubnet="192.168.1.0/24,172.16.0.0/16,172.17.0.0/16")
    told = {(each[1], each[5]) for each in site.policies()}
    # the new one takes the place of one that was published
    kept = {("192.168.1.0/24", "published"), ("172.16.0.0/16", "normal"), ("172.17.0.0/16", "published")}
    assert (told, set(site.entries())) == (kept, {"192.168.1.0/24", "172.17.0.0/16"})
    entries = site.entries()
    site.cell.call("ModifyVpnConnectionAttribute", **change, LocalSubnet="10.9.0.0/24")
    assert site.entries() == entries
    told = {(each[1], each[5]) for each in site.policies() if each[0] == "10.9.0.0/24"}
    assert told == kept
    site.cell.call("ModifyVpnConnectionAttribute", **change, LocalSubnet=HERE)
    assert ({(each[1], each[5]) for each in site.policies()}, site.entries()) == (kept, entries)
    # One that people made stays when the connection makes none any more.
    site.cell.call("ModifyVpnConnectionAttribute", **change, AutoConfigRoute=False)
    assert ([each[1] for each in site.policies()], site.entries()) == (["172.16.0.0/16"], {})
    site.settled()
    assert len(site.spec().vpn_policies) == 1
    site.cell.call("ModifyVpnConnectionAttribute", **change, AutoConfigRoute=True, Name="office")
    assert len(site.policies()) == 3


def test_automatic_policies_keep_the_rules(make_cell: Any) -> None:
    site = Site(make_cell(quotas=Quotas(vpn_routes=3)))
    first, second = (site.connection("10.0.0.0/24", "192.168.0.0/24") for _ in range(2))
    # the second one stands by, and there is no third
    assert {each[2:4] for each in site.policies()} == {(first, 100), (second, 0)}
    with pytest.raises(Refused, match=r"VpnRouteEntry\.Conflict") as conflict:
        site.connection("10.0.0.0/24", "192.168.0.0/24")
    with pytest.raises(Refused, match=r"QuotaExceeded\.PolicyBasedRoute") as full:
        site.connection("10.0.0.0/24,10.1.0.0/24", "192.168.9.0/24")
    assert "Existing routes: 2. Routes to be created: 2. Maximum routes: 3." in str(full.value)
    assert conflict.value.detail.startswith('AutoConfigRoute "true": ')
    assert conflict.value.detail.endswith("give AutoConfigRoute=false, or other networks")
    assert first in conflict.value.detail
    assert second in conflict.value.detail
    # What was refused has left nothing.
    listed = site.cell.call("DescribeVpnConnections", VpnGatewayId=site.gateway)
    assert (listed["TotalCount"], len(site.policies())) == (2, 2)
    site.connection("10.0.0.0/24", "192.168.0.0/24", AutoConfigRoute=False)
    assert len(site.policies()) == 2
