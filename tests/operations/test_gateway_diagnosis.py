"""DiagnoseVpnGateway and GetVpnGatewayDiagnoseResult: items, levels and descriptions, kept and forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from gatewright.resources.troubles import Cause
from gatewright.resources.tunnel_states import Trouble, TunnelStatus
from gatewright.store import diagnoses
from tests.operations.test_diagnosis import AT, Patient
from tests.support.cell import Cell
from tests.support.site import THERE

UP = TunnelStatus.IPSEC_SA_ESTABLISHED
DOCUMENTED = (
    "RouteEntryConflict",
    "VpnRouteQuota",
    "VpnPbrRouteQuota",
    "VpnIPsecQuota",
    "VcoConfigConsistency",
    "VcoUserInternetIpConnectivity",
)
OURS = ("GatewrightInstances", "GatewrightNegotiation", "GatewrightRoutes")


@pytest.fixture
def single(make_cell: Callable[..., Cell]) -> Patient:
    return Patient(make_cell(control=True), dual=False)


@pytest.fixture
def dual(make_cell: Callable[..., Cell]) -> Patient:
    return Patient(make_cell(control=True), dual=True)


def start(patient: Patient, **parameters: Any) -> str:
    wanted = {"VpnGatewayId": patient.site.gateway, "ResourceType": "IPsec", "ResourceId": patient.connection}
    found: str = patient.cell.call("DiagnoseVpnGateway", **{**wanted, **parameters})["DiagnoseId"]
    return found


def items(patient: Patient, **parameters: Any) -> dict[str, tuple[str, Any]]:
    """Level and description of each item of a diagnosis that is made now."""
    told = patient.cell.call("GetVpnGatewayDiagnoseResult", DiagnoseId=start(patient, **parameters))
    return {
        each["DiagnoseName"]: (each["DiagnoseResultLevel"], json.loads(each["DiagnoseResultDescription"]))
        for each in told["DiagnoseResult"]
    }


def test_a_gateway_with_nothing_wrong(single: Patient) -> None:
    diagnosis = start(single)
    assert diagnosis.startswith("vpndgn-")
    told = single.cell.call("GetVpnGatewayDiagnoseResult", DiagnoseId=diagnosis)
    found = told.pop("DiagnoseResult")
    assert told.pop("RequestId")
    assert told == {
        "DiagnoseId": diagnosis,
        "VpnGatewayId": single.site.gateway,
        "ResourceType": "IPsec",
        "ResourceInstanceId": single.connection,
        "BeginTime": "2027-01-15T08:00:00Z",
        "FinishTime": "2027-01-15T08:00:00Z",
        "FinishedCount": 9,
        "TotalCount": 9,
    }
    assert [each["DiagnoseName"] for each in found] == [*DOCUMENTED, *OURS]
    assert {each["DiagnoseResultLevel"] for each in found} == {"normal"}
    described = {each["DiagnoseName"]: json.loads(each["DiagnoseResultDescription"]) for each in found}
    assert described["VpnRouteQuota"] == {"quotaName": "quota_vpn_routes", "quantity": 20, "used": 1}
    assert described["VpnIPsecQuota"] == {"quotaName": "quota_vpn_connections", "quantity": 10, "used": 1}
    assert described["VcoUserInternetIpConnectivity"] == {"targetIp": "203.0.113.1", "rtt": "", "lossRate": "0%"}
    consistency = described["VcoConfigConsistency"]
    # what is up has the same on both sides
    assert consistency["vcoRunningConf"] == consistency["vcoConf"]
    assert (consistency["vcoLackConf"], consistency["vcoDiffConf"]) == ([], [])
    assert described["GatewrightRoutes"]["published"] == [THERE, "192.168.9.0/24"]
    # the last one of the gateway
    assert single.cell.call("GetVpnGatewayDiagnoseResult", VpnGatewayId=single.site.gateway)["DiagnoseId"] == diagnosis


def test_where_the_two_sides_differ(dual: Patient) -> None:
    dual.tell(Trouble(cause=Cause.IKE_GROUP, at=AT, ours="group14", theirs="group2"))
    found = items(dual)
    level, consistency = found["VcoConfigConsistency"]
    master = dual.ends["master"]
    (differing,) = consistency["vcoDiffConf"]
    assert level == "error"
    assert (differing["tunnelId"], differing["parameters"]) == (master, ["TunnelIkeConfig.IkePfs"])
    assert (differing["local"], differing["remote"]) == ("group14", "group2")
    assert consistency["vcoRunningConf"][master] == {"TunnelIkeConfig.IkePfs": "group2"}
    assert set(consistency["vcoRunningConf"]) == set(dual.ends.values())
    # the peer has answered
    assert found["VcoUserInternetIpConnectivity"][0] == "normal"
    # the other tunnel carries
    level, negotiation = found["GatewrightNegotiation"]
    assert level == "warning"
    codes = {each["tunnelId"]: each["findings"][0]["code"] for each in negotiation["tunnels"]}
    assert codes == {master: "DhGroupMismatch", dual.ends["slave"]: "NoExceptionFound"}


def test_a_silent_peer(single: Patient) -> None:
    single.tell(Trouble(cause=Cause.PEER_SILENT, at=AT, line="giving up after 5 retransmits"))
    found = items(single)
    assert found["VcoUserInternetIpConnectivity"] == (
        "error",
        {"targetIp": "203.0.113.1", "rtt": "", "lossRate": "100%"},
    )
    level, consistency = found["VcoConfigConsistency"]
    assert (level, consistency["vcoLackConf"]) == ("warning", [single.ends["master"]])
    assert found["GatewrightNegotiation"][0] == "error"


def test_routes_that_never_get_what_they_are_for(single: Patient) -> None:
    cell, site = single.cell, single.site
    cell.call("CreateVpnRouteEntry", **site.route(single.connection, RouteDest="10.200.0.0/16"))
    level, found = items(single)["RouteEntryConflict"]
    assert level == "warning"
    assert found["conflicts"] == [
        {"destination": "10.200.0.0/16", "conflictsWith": "10.0.0.0/8, a network of the VPC"},
    ]


def test_quotas_that_are_nearly_full_and_full(single: Patient) -> None:
    cell, site = single.cell, single.site
    for number in range(1, 16):
        cell.call("CreateVpnRouteEntry", **site.route(single.connection, RouteDest=f"172.16.{number}.0/24"))
    assert items(single)["VpnRouteQuota"][0] == "warning"
    for number in range(16, 20):
        cell.call("CreateVpnRouteEntry", **site.route(single.connection, RouteDest=f"172.16.{number}.0/24"))
    assert items(single)["VpnRouteQuota"] == (
        "error",
        {"quotaName": "quota_vpn_routes", "quantity": 20, "used": 20},
    )
    assert items(single)["VpnPbrRouteQuota"][0] == "normal"


def test_one_address_and_another(single: Patient) -> None:
    def asked(source: str, destination: str) -> tuple[str, Any]:
        info = json.dumps({"PrivateSourceIp": source, "PrivateDestinationIp": destination})
        return items(single, IPsecExtendInfo=info)["VcoPrivateConnectivity"]

    assert asked("10.0.0.7", "192.168.9.7") == (
        "normal",
        {"srcIp": "10.0.0.7", "targetIp": "192.168.9.7", "rtt": "", "lossRate": "unknown", "reasons": []},
    )
    level, told = asked("172.20.0.1", "8.8.8.8")
    assert (level, told["lossRate"]) == ("error", "100%")
    assert [reason.partition(" ")[0] for reason in told["reasons"]] == ["PrivateSourceIp", "no", "nothing"]
    single.tell(Trouble(cause=Cause.KEY, at=AT))
    assert asked("10.0.0.7", "192.168.9.7")[1]["reasons"] == [
        "no tunnel of the connection is up: DiagnoseVpnConnections says why"
    ]


def test_a_diagnosis_stays_as_it_was_found_until_its_gateway_goes(single: Patient) -> None:
    first = start(single)
    single.tell(Trouble(cause=Cause.KEY, at=AT))
    second = start(single)
    cell, gateway = single.cell, single.site.gateway

    def negotiation(diagnosis: str) -> str:
        told = cell.call("GetVpnGatewayDiagnoseResult", DiagnoseId=diagnosis, VpnGatewayId=gateway)
        found: str = next(
            each["DiagnoseResultLevel"]
            for each in told["DiagnoseResult"]
            if each["DiagnoseName"] == "GatewrightNegotiation"
        )
        return found

    assert (negotiation(first), negotiation(second)) == ("normal", "error")
    cell.call("DeleteVpnConnection", VpnConnectionId=single.connection)
    assert negotiation(second) == "error"
    cell.control("POST", "/v1/clock", {"advance": 40 * 86_400})
    cell.call("DeleteVpnGateway", VpnGatewayId=gateway)
    cell.until_gone(gateway)
    assert cell.refusal("GetVpnGatewayDiagnoseResult", DiagnoseId=second).code == "InvalidParameter"


def test_the_newest_are_kept(single: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnoses, "MOST_KEPT", 2)
    made = [start(single) for _ in range(4)]
    kept = [each for each in made if answered(single.cell, each)]
    assert len(kept) == 2


def answered(cell: Cell, diagnosis: str) -> bool:
    reply = cell.run(
        cell.request(cell.signed("GetVpnGatewayDiagnoseResult", RegionId=cell.region, DiagnoseId=diagnosis))
    )
    return reply.status == 200


def test_a_token_makes_one_diagnosis(single: Patient) -> None:
    assert start(single, ClientToken="once") == start(single, ClientToken="once")
    assert start(single, ResourceType="ipsec") != start(single)


def test_what_is_wrong_is_refused(single: Patient) -> None:
    cell, gateway = single.cell, single.site.gateway
    good = {"VpnGatewayId": gateway, "ResourceType": "IPsec", "ResourceId": single.connection}
    for wrong, code in (
        ({"VpnGatewayId": "vpn-none"}, "InvalidVpnGatewayInstanceId.NotFound"),
        ({"ResourceId": "vco-none"}, "InvalidVpnConnectionInstanceId.NotFound"),
        ({"ResourceType": "SSL"}, "InvalidParameter"),
        ({"ResourceId": None}, "MissingResourceId"),
        ({"IPsecExtendInfo": '{"PrivateSourceIp":"10.0.0.1"}'}, "MissingIPsecExtendInfoPrivateDestinationIp"),
        ({"IPsecExtendInfo": '{"PrivateSourceIp":"10.0.0.300"}'}, "InvalidParameter"),
    ):
        assert cell.refusal("DiagnoseVpnGateway", **{**good, **wrong}).code == code
    other = cell.other()
    assert other.refusal("DiagnoseVpnGateway", **good).code == "InvalidVpnGatewayInstanceId.NotFound"
    diagnosis = start(single)
    assert other.refusal("GetVpnGatewayDiagnoseResult", DiagnoseId=diagnosis).code == "InvalidParameter"
    anothers = other.refusal("GetVpnGatewayDiagnoseResult", VpnGatewayId=gateway)
    assert (anothers.status, anothers.code) == (404, "InvalidVpnGatewayInstanceId.NotFound")
    assert cell.refusal("GetVpnGatewayDiagnoseResult").code == "MissingDiagnoseId"
    elsewhere = {"DiagnoseId": diagnosis, "VpnGatewayId": "vpn-none"}
    assert cell.refusal("GetVpnGatewayDiagnoseResult", **elsewhere).code == "InvalidVpnGatewayInstanceId.NotFound"
    assert cell.refusal("GetVpnGatewayDiagnoseResult", DiagnoseId=diagnosis, RegionId="cn-beijing").code == (
        "InvalidParameter"
    )


def test_another_gateways_connection_is_none_of_it(single: Patient) -> None:
    cell = single.cell
    other = cell.gateway(single.site.network, DisasterRecoveryVSwitchId=None)
    cell.until_status(other, "active")
    wanted = {"VpnGatewayId": other, "ResourceType": "IPsec", "ResourceId": single.connection}
    assert cell.refusal("DiagnoseVpnGateway", **wanted).code == "InvalidVpnConnectionInstanceId.NotFound"
