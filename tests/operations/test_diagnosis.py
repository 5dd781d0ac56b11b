"""DiagnoseVpnConnections: findings of what hosts tell and of what the rows say, with the parameter to change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gatewright.resources.troubles import MEANINGS, Cause
from gatewright.resources.tunnel_states import Trouble, TunnelState, TunnelStatus
from gatewright.store.hosts import AWAY_AFTER
from tests.support.cell import Cell
from tests.support.site import THERE, Site

UP, DOWN = TunnelStatus.IPSEC_SA_ESTABLISHED, TunnelStatus.IKE_SA_NOT_ESTABLISHED
#: What no host tells: it follows from rows.
OF_ROWS = (
    Cause.NAT_UNWANTED,
    Cause.OWN_NETWORK,
    Cause.NO_ROUTE,
    Cause.NOT_PUBLISHED,
    Cause.CLOCK,
    Cause.AWAY,
    Cause.UNSEEN,
    Cause.UPDATING,
    Cause.UNATTACHED,
    Cause.DOWN,
    Cause.NONE,
)
#: Milliseconds.
AT = 1_800_000_000_123


class Patient:
    """A gateway with a connection, whose host says what the test has it say."""

    def __init__(self, cell: Cell, *, dual: bool, routed: bool = False, **parameters: Any) -> None:
        self.site = Site(cell, dual=dual)
        self.cell = cell
        self.networks = () if routed else ("10.0.0.0/8", THERE)
        self.connection = self.site.connection(*self.networks, **parameters)
        if not routed:
            # so that all is well, but for what a test says
            route = self.site.route(self.connection, RouteDest="192.168.9.0/24", PublishVpc=True)
            cell.call("CreateVpnRouteEntry", **route)
        self.site.settled()
        cell.control("GET", "/v1/tunnels")
        told = [spec for role in ("master", "slave")[: 1 + dual] for spec in self.site.spec(role).tunnels]
        self.ends = {each.role: each.id for each in told}

    def tell(self, *troubles: Trouble, role: str = "master", status: TunnelStatus = DOWN, **more: Any) -> None:
        instance = self.site.spec(role).id
        state = TunnelState(id=self.ends[role], instance_id=instance, status=status, at=AT, troubles=troubles, **more)
        self.cell.run(self.cell.control_plane.tunnels("local", [state], []))

    def ask(self, **parameters: Any) -> list[dict[str, Any]]:
        wanted = parameters or {"VpnConnectionIds.1": self.connection}
        answer = self.cell.call("DiagnoseVpnConnections", PageSize=50, **wanted)
        found: list[dict[str, Any]] = answer["VpnConnections"]
        assert answer["TotalCount"] == len(found)
        return found

    def codes(self, **parameters: Any) -> list[str]:
        return [each["FailedReasonCode"] for each in self.ask(**parameters)]


@pytest.fixture
def steered(make_cell: Callable[..., Cell]) -> Cell:
    return make_cell(control=True)


@pytest.fixture
def single(steered: Cell) -> Patient:
    return Patient(steered, dual=False)


@pytest.fixture
def dual(steered: Cell) -> Patient:
    return Patient(steered, dual=True)


def test_a_finding_has_all_that_is_known(dual: Patient) -> None:
    dual.tell(
        Trouble(cause=Cause.IKE_ENCRYPTION, at=AT, line="received proposals unacceptable", ours="aes", theirs="aes256")
    )
    entry, other = dual.ask()
    assert entry == {
        "VpnConnectionId": dual.connection,
        "TunnelId": dual.ends["master"],
        "Severity": "Critical",
        "FailedReasonCode": "EncryptionAlgorithmMismatch",
        "FailedReason": "phase 1: the encryption algorithms differ: TunnelIkeConfig.IkeEncAlg here aes, at the peer "
        "aes256. Give both sides the same TunnelIkeConfig.IkeEncAlg.",
        "FailedTime": AT,
        "MismatchLocalParam": "aes",
        "MismatchRemoteParam": "aes256",
        "SourceLog": f"2027-01-15T08:00:00.123Z {dual.ends['master']} received proposals unacceptable",
    }
    assert other == {
        "VpnConnectionId": dual.connection,
        "TunnelId": dual.ends["slave"],
        "Severity": "Normal",
        "FailedReasonCode": "NoExceptionFound",
        "FailedReason": "no exception was found",
        "MismatchLocalParam": "",
        "MismatchRemoteParam": "",
        "SourceLog": "",
    }


def test_each_cause_that_a_host_tells_has_its_finding(single: Patient) -> None:
    for cause in Cause:
        if cause in OF_ROWS:
            continue
        meaning = MEANINGS[cause]
        single.tell(Trouble(cause=cause, at=AT, about="so it is"))
        found = next(each for each in single.ask() if each["FailedReasonCode"] == meaning.code)
        assert found["Severity"] == meaning.severity.value
        assert found["FailedReason"] == f"{meaning.reason}: so it is. {meaning.advice}"
        assert "TunnelId" not in found
    # a host that knows more than this version
    single.tell(Trouble(cause="gremlins", at=AT))
    assert single.codes() == ["IpsecSaNotEstablished"]


def test_the_gravest_comes_first(single: Patient) -> None:
    causes = (Cause.NAT, Cause.HEALTH, Cause.BGP)
    single.tell(*(Trouble(cause=cause, at=AT) for cause in causes), status=UP)
    assert single.codes() == ["BgpNotEstablished", "HealthCheckFailed", "NatDetected"]
    single.tell(Trouble(cause=Cause.NAT, at=AT), status=UP)
    assert single.codes() == ["NoExceptionFound", "NatDetected"]


def test_nat_that_nobody_wants_to_cope_with_is_a_trouble(steered: Cell) -> None:
    patient = Patient(steered, dual=False, EnableNatTraversal=False)
    patient.tell(Trouble(cause=Cause.NAT, at=AT, line="remote host is behind NAT"), status=UP)
    (found,) = patient.ask()
    assert (found["FailedReasonCode"], found["Severity"]) == ("NatDetected", "Warn")
    assert "Set EnableNatTraversal to true" in found["FailedReason"]


def test_what_routes_lack_is_found(steered: Cell) -> None:
    patient = Patient(steered, dual=False, routed=True)
    assert patient.codes() == ["RouteMissing"]
    route = patient.site.route(patient.connection)
    steered.call("CreateVpnRouteEntry", **route)
    steered.control("GET", "/v1/tunnels")
    assert patient.codes() == ["RouteNotPublished"]
    steered.call(
        "PublishVpnRouteEntry",
        VpnGatewayId=patient.site.gateway,
        RouteDest=route["RouteDest"],
        NextHop=route["NextHop"],
        PublishVpc=True,
        RouteType="dbr",
    )
    steered.control("GET", "/v1/tunnels")
    assert patient.codes() == ["NoExceptionFound"]


def test_a_clock_that_is_wrong_is_found(single: Patient) -> None:
    single.tell(status=UP, told_at=single.cell.clock.now() + 61_000)
    (found,) = single.ask()
    assert (found["FailedReasonCode"], found["Severity"]) == ("ClockSkew", "Warn")
    assert "it is 61 s ahead" in found["FailedReason"]
    single.tell(status=UP, told_at=single.cell.clock.now() - 40_000)
    assert "it is 40 s behind" in single.ask()[0]["FailedReason"]
    single.tell(status=UP, told_at=single.cell.clock.now() - 2_000)
    assert single.codes() == ["NoExceptionFound"]


def test_of_an_agent_that_tells_no_causes_its_words_are_told(single: Patient) -> None:
    single.tell(detail="phase 1: authentication failed")
    (found,) = single.ask()
    assert found["FailedReasonCode"] == "IpsecSaNotEstablished"
    assert found["FailedReason"].startswith("the tunnel is down: phase 1: authentication failed. ")


def test_nothing_is_told_of_hosts_that_have_told_nothing(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell(with_agent=False)
    connection = cell.connection(
        cell.gateway(cell.network()), cell.customer_gateway(), cell.customer_gateway("1.2.3.4")
    )
    told = cell.call("DiagnoseVpnConnections", **{"VpnConnectionIds.1": connection})["VpnConnections"]
    assert {each["FailedReasonCode"] for each in told} == {"RouteNotPublished", "Configuring"}
    # its host is another one, which is away
    cell.run(
        cell.database.write(
            lambda each: each.raw(
                "INSERT INTO hosts SELECT 'h-2', revision, zones, address, "
                "fingerprint, draining, created_at, 0, agent_version FROM hosts"
            )
        )
    )
    cell.run(cell.database.write(lambda each: each.raw("UPDATE placements SET host_id = 'h-2'")))
    assert cell.clock.now() > AWAY_AFTER
    told = cell.call("DiagnoseVpnConnections", **{"VpnConnectionIds.1": connection})["VpnConnections"]
    assert "GatewayHostAway" in {each["FailedReasonCode"] for each in told}


def test_nobody_negotiates_for_an_attachment(cell: Cell) -> None:
    devices = [cell.customer_gateway(), cell.customer_gateway("203.0.113.8")]
    asked = {"VpnConnectionIds.1": cell.attachment(*devices)}
    told = cell.call("DiagnoseVpnConnections", **asked)["VpnConnections"]
    assert [each["FailedReasonCode"] for each in told] == ["NotAssociated"] * 2


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        ({"peer": "silent"}, "Phase1NegotiationTimeout"),
        ({"peer": "refuses_proposal"}, "AlgorithmMismatch"),
        ({"peer": "refuses_authentication"}, "PskMismatch"),
        ({"peer": "refuses_subnets"}, "TrafficSelectorMismatch"),
    ],
)
def test_peers_that_are_steered_to_refuse_are_found(single: Patient, behaviour: dict[str, str], code: str) -> None:
    single.cell.control("POST", f"/v1/tunnels/{single.connection}", behaviour)
    (found,) = single.ask()
    assert (found["FailedReasonCode"], found["Severity"]) == (code, "Critical")
    assert "[IKE]" in found["SourceLog"]
    # a device without a connection for the gateway's address answers in the same way
    assert ("InternetIp" in found["FailedReason"]) == (code == "AlgorithmMismatch")
    assert found["FailedTime"] == single.cell.clock.now()
    single.cell.control("POST", f"/v1/tunnels/{single.connection}", {"peer": "ready"})
    assert single.codes() == ["NoExceptionFound"]


def test_bgp_and_health_that_are_steered_to_fail_are_found(steered: Cell) -> None:
    options: dict[str, Any] = {
        "BgpConfig.EnableBgp": True,
        "BgpConfig.LocalAsn": 65001,
        "BgpConfig.TunnelCidr": "169.254.10.0/30",
        "BgpConfig.LocalBgpIp": "169.254.10.1",
        "HealthCheckConfig.enable": True,
        "HealthCheckConfig.dip": "192.168.0.7",
        "HealthCheckConfig.sip": "10.0.0.7",
        "HealthCheckConfig.interval": 3,
        "HealthCheckConfig.retry": 3,
    }
    patient = Patient(steered, dual=False, **options)
    assert patient.codes() == ["NoExceptionFound"]
    steered.control("POST", f"/v1/tunnels/{patient.connection}", {"bgp": "down", "health": "failed"})
    bgp, health = patient.ask()
    assert (bgp["FailedReasonCode"], health["FailedReasonCode"]) == ("BgpNotEstablished", "HealthCheckFailed")
    assert "192.168.0.7 is silent" in health["FailedReason"]


def test_what_is_asked_for_is_told_page_by_page(dual: Patient) -> None:
    second = dual.site.connection("10.0.0.0/8", "172.16.0.0/24")
    dual.site.settled()
    dual.cell.control("GET", "/v1/tunnels")
    gateway = dual.site.gateway
    everything = dual.ask(VpnGatewayId=gateway)
    assert [each["VpnConnectionId"] for each in everything] == [dual.connection] * 2 + [second] * 2
    pages = [
        dual.cell.call("DiagnoseVpnConnections", VpnGatewayId=gateway, PageSize=3, PageNumber=number)
        for number in (1, 2, 3)
    ]
    assert [each for page in pages for each in page["VpnConnections"]] == everything
    assert {page["TotalCount"] for page in pages} == {4}
    slave = dual.ends["slave"]
    assert [each["TunnelId"] for each in dual.ask(**{"TunnelIds.1": slave, "TunnelIds.2": "tun-none"})] == [slave]
    # all that is named has to hold
    assert dual.ask(**{"TunnelIds.1": slave, "VpnConnectionIds.1": second}) == []
    assert dual.ask(**{"VpnConnectionIds.1": dual.connection, "VpnGatewayId": "vpn-none"}) == []
    other = dual.cell.other()
    answer = other.call("DiagnoseVpnConnections", **{"VpnConnectionIds.1": dual.connection})
    assert (answer["TotalCount"], answer["VpnConnections"]) == (0, [])
    elsewhere = dual.cell.call("DiagnoseVpnConnections", VpnGatewayId=gateway, RegionId="cn-beijing")
    assert elsewhere["TotalCount"] == 0


def test_the_tunnel_of_a_single_tunnel_connection_is_found_by_its_id(single: Patient) -> None:
    """DownloadVpnConnectionConfig tells it."""
    single.tell(Trouble(cause=Cause.KEY, at=AT))
    (found,) = single.ask(**{"TunnelIds.1": single.ends["master"]})
    assert found["VpnConnectionId"] == single.connection
    assert "TunnelId" not in found


def test_a_network_of_the_vpcs_own_behind_the_device_is_found(steered: Cell) -> None:
    patient = Patient(steered, dual=False)
    modify = {"VpnConnectionId": patient.connection, "LocalSubnet": "10.0.0.0/24"}
    # the rest of what it is a part of is behind the device
    for networks, expected in (
        ("10.0.0.0/7,10.1.0.0/16,10.2.0.0/16", ["10.1.0.0/16, 10.2.0.0/16"]),
        ("11.0.0.0/8", []),
    ):
        steered.call("ModifyVpnConnectionAttribute", **modify, RemoteSubnet=networks)
        patient.site.settled()
        steered.control("GET", "/v1/tunnels")
        found = [each for each in patient.ask() if each["FailedReasonCode"] == "SubnetConflict"]
        assert [each["FailedReason"].partition(": ")[2].partition(". ")[0] for each in found] == expected
        assert all(each["Severity"] == "Critical" for each in found)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({}, "MissingVpnConnectionIds"),
        ({f"TunnelIds.{number}": f"tun-{number}" for number in range(1, 52)}, "InvalidParameter"),
        ({"VpnGatewayId": "vpn-1", "PageSize": 51}, "InvalidParameter"),
    ],
)
def test_what_is_wrong_is_refused(cell: Cell, parameters: dict[str, Any], code: str) -> None:
    assert cell.refusal("DiagnoseVpnConnections", **parameters).code == code
