"""What customers announce by BGP: in a gateway's routes, and in the system route table while that takes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gatewright.resources.tunnel_states import LearnedRoute, TunnelStatus
from gatewright.store import tunnel_states, vpn_routes
from tests.operations.test_diagnosis import AT, Patient
from tests.support.cell import Cell

UP = TunnelStatus.IPSEC_SA_ESTABLISHED
FAR = LearnedRoute("172.31.0.0/16", "65010 65020", "(65010,7) (65010,8)", AT + 1)
NEAR = LearnedRoute("172.30.0.0/16", "65010", "", AT)


#: With which the VPC takes what is announced.
SESSION: dict[str, Any] = {
    "BgpConfig.EnableBgp": True,
    "BgpConfig.LocalAsn": 65001,
    "BgpConfig.TunnelCidr": "169.254.10.0/30",
    "BgpConfig.LocalBgpIp": "169.254.10.1",
}


@pytest.fixture
def patient(make_cell: Callable[..., Cell]) -> Patient:
    return Patient(make_cell(control=True), dual=False, **SESSION)


def listed(patient: Patient, **parameters: Any) -> dict[str, Any]:
    wanted = {"VpnGatewayId": patient.site.gateway, "RouteEntryType": "bgp", **parameters}
    return patient.cell.call("DescribeVpnRouteEntries", **wanted)


def in_table(patient: Patient, **parameters: Any) -> list[dict[str, Any]]:
    wanted = {"RouteTableId": patient.site.table, "MaxResult": 100, **parameters}
    found: list[dict[str, Any]] = patient.cell.call("DescribeRouteEntryList", **wanted)["RouteEntrys"]["RouteEntry"]
    return found


def propagate(patient: Patient) -> None:
    patient.cell.call("ModifyVpnGatewayAttribute", VpnGatewayId=patient.site.gateway, AutoPropagate=True)
    patient.site.settled()
    patient.cell.control("GET", "/v1/tunnels")


def test_what_is_announced_is_listed_as_long_as_it_is(patient: Patient) -> None:
    assert listed(patient)["VpnRouteEntries"]["VpnRouteEntry"] == []
    patient.tell(status=UP, learned=(FAR, NEAR))
    told = listed(patient)
    near, far = told["VpnRouteEntries"]["VpnRouteEntry"]
    assert far == {
        "VpnInstanceId": patient.site.gateway,
        "RouteDest": "172.31.0.0/16",
        "NextHop": patient.connection,
        "State": "normal",
        "RouteEntryType": "bgp",
        "CreateTime": AT + 1,
        "AsPath": "65010 65020",
        "Community": "(65010,7) (65010,8)",
    }
    assert (near["RouteDest"], near["AsPath"], near["Community"]) == ("172.30.0.0/16", "65010", "")
    assert told["VpnRouteCounts"]["VpnRouteCount"] == [
        {"RouteEntryType": "custom", "RouteCount": 1},
        {"RouteEntryType": "bgp", "RouteCount": 2},
    ]
    page = listed(patient, PageSize=1, PageNumber=2)
    assert (page["TotalCount"], page["VpnRouteEntries"]["VpnRouteEntry"]) == (2, [far])
    # the VPC is not told
    assert in_table(patient, RouteEntryType="BGP") == []
    patient.tell(status=UP, learned=(NEAR,))
    assert listed(patient)["TotalCount"] == 1
    # one that is down announces nothing
    patient.tell()
    assert listed(patient)["TotalCount"] == 0


def test_they_are_counted_beside_the_others_without_being_read(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*what: object) -> list[LearnedRoute]:
        raise AssertionError(f"{what} is read")

    site, cell = patient.site, patient.cell
    for number in range(3):
        cell.control("POST", "/v1/clock", {"advance": 1})
        cell.call("CreateVpnRouteEntry", **site.route(patient.connection, RouteDest=f"192.168.1{number}.0/24"))
    site.settled()
    patient.tell(status=UP, learned=(FAR, NEAR))
    monkeypatch.setattr(tunnel_states, "learned_of", read)
    monkeypatch.setattr(vpn_routes, "of_gateways", read)
    pages = [listed(patient, RouteEntryType="custom", PageSize=2, PageNumber=number) for number in (1, 2, 3)]
    assert {each["TotalCount"] for each in pages} == {4}
    told = [[row["RouteDest"] for row in page["VpnRouteEntries"]["VpnRouteEntry"]] for page in pages]
    assert told == [["192.168.12.0/24", "192.168.11.0/24"], ["192.168.10.0/24", "192.168.9.0/24"], []]
    counts = {each["RouteEntryType"]: each["RouteCount"] for each in pages[0]["VpnRouteCounts"]["VpnRouteCount"]}
    assert counts == {"custom": 4, "bgp": 2}


def test_each_of_two_tunnels_has_its_own(make_cell: Callable[..., Cell]) -> None:
    patient = Patient(make_cell(control=True), dual=True)
    for role in ("master", "slave"):
        patient.tell(role=role, status=UP, learned=(NEAR,))
    told = listed(patient)["VpnRouteEntries"]["VpnRouteEntry"]
    assert {each["NextHopTunnelId"] for each in told} == set(patient.ends.values())
    assert {each["RouteDest"] for each in told} == {NEAR.destination}


def test_the_system_table_has_what_is_propagated_and_it_takes(patient: Patient) -> None:
    cell, site = patient.cell, patient.site
    propagate(patient)
    # of 192.168.9.0/24 the table has an entry of its own
    patient.tell(status=UP, learned=(FAR, NEAR, LearnedRoute("192.168.9.0/24", "65010")))
    near, far = in_table(patient, RouteEntryType="BGP")
    assert {each["State"] for each in listed(patient)["VpnRouteEntries"]["VpnRouteEntry"]} == {"published"}
    assert near["DestinationCidrBlock"] == NEAR.destination
    assert (far["Type"], far["Origin"], far["Status"]) == ("BGP", "RoutePropagation", "Available")
    (hop,) = far["NextHops"]["NextHop"]
    assert (hop["NextHopId"], hop["NextHopType"]) == (site.gateway, "VpnGateway")
    assert in_table(patient)[-2:] == [near, far]
    assert in_table(patient, DestinationCidrBlock=FAR.destination, NextHopId=site.gateway) == [far]
    first = cell.call("DescribeRouteEntryList", RouteTableId=site.table, RouteEntryType="BGP", MaxResult=1)
    rest = cell.call(
        "DescribeRouteEntryList", RouteTableId=site.table, RouteEntryType="BGP", NextToken=first["NextToken"]
    )
    assert [first["RouteEntrys"]["RouteEntry"], rest["RouteEntrys"]["RouteEntry"]] == [[near], [far]]
    # it takes none
    cell.call("ModifyRouteTableAttributes", RouteTableId=site.table, RoutePropagationEnable=False)
    assert in_table(patient, RouteEntryType="BGP") == []
    assert {each["State"] for each in listed(patient)["VpnRouteEntries"]["VpnRouteEntry"]} == {"normal"}


def test_anothers_gateway_tells_us_nothing(patient: Patient) -> None:
    patient.tell(status=UP, learned=(NEAR,))
    other = patient.cell.other()
    refused = other.refusal("DescribeVpnRouteEntries", VpnGatewayId=patient.site.gateway, RouteEntryType="bgp")
    assert refused.code == "InvalidVpnGatewayInstanceId.NotFound"
