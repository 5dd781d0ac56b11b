"""What a change of a connection leaves of what was seen of its tunnels, before any host has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gatewright.resources.troubles import Cause
from gatewright.resources.tunnel_states import BgpStatus, HealthStatus, LearnedRoute, Trouble, TunnelStatus
from tests.operations.test_diagnosis import AT, Patient
from tests.operations.test_vpn_connections import described
from tests.support.cell import Cell

CHECK = {
    "HealthCheckConfig.enable": True,
    "HealthCheckConfig.dip": "192.168.0.7",
    "HealthCheckConfig.sip": "10.0.0.7",
}
SESSION = {"BgpConfig.EnableBgp": True, "BgpConfig.LocalAsn": 65001, "BgpConfig.TunnelCidr": "169.254.10.0/30"}
UP, DOWN = "ipsec_sa_established", "ike_sa_not_established"


class Seen:
    """A connection with one tunnel that carries, whose host takes its time with changes."""

    def __init__(self, cell: Cell, **parameters: Any) -> None:
        self.patient, self.cell = Patient(cell, dual=False, **parameters), cell
        cell.control("POST", "/v1/delays", {"updating": 3600})
        self.patient.tell(
            Trouble(cause=Cause.HEALTH, at=AT, about="192.168.0.7 is silent"),
            Trouble(cause=Cause.NAT, at=AT),
            status=TunnelStatus.IPSEC_SA_ESTABLISHED,
            bgp=BgpStatus.UP if "BgpConfig.EnableBgp" in parameters else BgpStatus.UNKNOWN,
            health=HealthStatus.FAILED,
            learned=(LearnedRoute("172.30.0.0/16"),) if "BgpConfig.EnableBgp" in parameters else (),
        )

    def modify(self, **parameters: Any) -> None:
        self.cell.call("ModifyVpnConnectionAttribute", VpnConnectionId=self.patient.connection, **parameters)

    def told(self) -> tuple[str, str, str, int]:
        """The statuses of the connection, its session and its health check, and how many routes are learned."""
        read = described(self.cell, self.patient.connection)
        assert read["State"] == "updating"
        learned = self.cell.call(
            "DescribeVpnRouteEntries", VpnGatewayId=self.patient.site.gateway, RouteEntryType="bgp"
        )["TotalCount"]
        return read["Status"], read["VpnBgpConfig"]["Status"], read["VcoHealthCheck"]["Status"], learned

    def events(self) -> list[str]:
        told = self.cell.call("DescribeEvents", "2026-11-01", ResourceId=self.patient.connection)
        return [event["To"] for event in told["Events"]["Event"]]


@pytest.mark.parametrize(
    "change",
    [
        {"BgpConfig.LocalAsn": 65002},
        {"BgpConfig.TunnelCidr": "169.254.20.0/30"},
        {"BgpConfig.LocalBgpIp": "169.254.10.2"},
        {"BgpConfig.EnableBgp": False},
    ],
)
def test_another_session_is_not_known_and_the_tunnel_stands(
    make_cell: Callable[..., Cell], change: dict[str, Any]
) -> None:
    seen = Seen(make_cell(control=True), **SESSION, **CHECK)
    before = seen.events()
    seen.modify(**change)
    assert seen.told() == (UP, "", "failed", 0)
    assert seen.events() == before
    assert seen.patient.codes()[:2] == ["HealthCheckFailed", "NatDetected"]


def test_without_a_session_nothing_was_seen_of_one(make_cell: Callable[..., Cell]) -> None:
    seen = Seen(make_cell(control=True), **CHECK)
    before = seen.events()
    seen.modify(**{"BgpConfig.LocalAsn": 65002, "BgpConfig.TunnelCidr": "169.254.20.0/30"})
    assert seen.told() == (UP, "", "failed", 0)
    seen.modify(**{"BgpConfig.EnableBgp": True})
    assert seen.told() == (UP, "", "failed", 0)
    for harmless in ({"EnableNatTraversal": False}, {"EffectImmediately": True}):
        seen.modify(**harmless)
        assert seen.told() == (UP, "", "failed", 0)
    assert seen.events() == before


def test_another_key_of_a_session_is_another_session(make_cell: Callable[..., Cell]) -> None:
    seen = Seen(make_cell(control=True), **SESSION, **CHECK)
    device = described(seen.cell, seen.patient.connection)["CustomerGatewayId"]
    seen.cell.call("ModifyCustomerGatewayAttribute", CustomerGatewayId=device, AuthKey="s3cret")
    assert seen.told() == (UP, "", "failed", 0)


def test_another_health_check_has_found_nothing_yet(make_cell: Callable[..., Cell]) -> None:
    seen = Seen(make_cell(control=True), **SESSION, **CHECK)
    seen.modify(**{"HealthCheckConfig.dip": "192.168.0.8"})
    assert seen.told() == (UP, "success", "", 1)
    assert "HealthCheckFailed" not in seen.patient.codes()


@pytest.mark.parametrize(
    "change",
    [
        {"IkeConfig.Psk": "an0ther"},
        {"IpsecConfig.IpsecPfs": "disabled"},
        {"EnableDpd": False},
        {"RemoteSubnet": "192.168.0.0/17"},
    ],
)
def test_of_what_is_negotiated_anew_nothing_is_known(make_cell: Callable[..., Cell], change: dict[str, Any]) -> None:
    seen = Seen(make_cell(control=True), **SESSION, **CHECK)
    seen.modify(**change)
    assert seen.told() == (DOWN, "", "", 0)
    assert seen.events()[0] == DOWN
