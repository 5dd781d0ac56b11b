"""Tunnels whose peers are steered: what the API tells of their connections, and what a snapshot keeps of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.control.test_delays import advance
from tests.support.cell import Cell
from tests.support.client import ControlRefused

UP, PHASE_1, NO_PHASE_2, NOTHING = (
    "ipsec_sa_established",
    "ike_sa_established",
    "ipsec_sa_not_established",
    "ike_sa_not_established",
)


def connect(cell: Cell, **parameters: Any) -> str:
    gateway = cell.gateway(cell.network())
    ends = [cell.customer_gateway(f"203.0.113.{number}", Asn=65010, AuthKey="a-key") for number in (7, 8)]
    return cell.connection(gateway, *ends, **parameters)


def statuses(cell: Cell, connection: str) -> tuple[str, ...]:
    """Of the connection, and of its tunnels."""
    told = cell.call("DescribeVpnConnection", VpnConnectionId=connection)
    return told["Status"], *(each["Status"] for each in told["TunnelOptionsSpecification"]["TunnelOptions"])


def settled(cell: Cell) -> list[dict[str, Any]]:
    """All tunnels, once what was asked of the API has begun."""
    found: list[dict[str, Any]] = cell.control("GET", "/v1/tunnels")
    return found


def test_a_connection_comes_up_by_itself(steered: Cell) -> None:
    connection = connect(steered)
    told = settled(steered)
    assert statuses(steered, connection) == (UP, UP, UP)
    assert {(each["connection"], each["status"], each["peer"]) for each in told} == {(connection, UP, "ready")}
    assert sorted(each["role"] for each in told) == ["master", "slave"]


def test_its_time_is_steered(steered: Cell) -> None:
    steered.control("POST", "/v1/delays", {"tunnel": 60})
    connection = connect(steered)
    settled(steered)
    assert steered.call("DescribeVpnConnection", VpnConnectionId=connection)["State"] == "active"
    assert statuses(steered, connection) == (NOTHING, NOTHING, NOTHING)
    advance(steered, 30)
    assert statuses(steered, connection) == (PHASE_1, PHASE_1, PHASE_1)
    advance(steered, 30)
    assert statuses(steered, connection) == (UP, UP, UP)


def test_one_tunnel_is_cut_and_comes_back(steered: Cell) -> None:
    connection = connect(steered)
    master, slave = (each["id"] for each in sorted(settled(steered), key=lambda each: each["role"]))
    (told,) = steered.control("POST", f"/v1/tunnels/{master}", {"peer": "silent"})
    assert (told["id"], told["status"], told["peer"]) == (master, NOTHING, "silent")
    assert statuses(steered, connection) == (UP, NOTHING, UP)
    assert [each["peer"] for each in steered.control("POST", f"/v1/tunnels/{slave}", {"peer": "silent"})] == ["silent"]
    assert statuses(steered, connection) == (NOTHING, NOTHING, NOTHING)
    steered.control("POST", f"/v1/tunnels/{connection}", {"peer": "ready"})
    assert statuses(steered, connection) == (UP, UP, UP)


def test_those_that_come_to_be_are_refused_where_that_is_asked_for(steered: Cell) -> None:
    assert steered.control("POST", "/v1/tunnels", {"peer": "refuses_subnets"}) == {
        "peer": "refuses_subnets",
        "bgp": "up",
        "health": "good",
    }
    connection = connect(steered)
    settled(steered)
    assert statuses(steered, connection) == (NO_PHASE_2, NO_PHASE_2, NO_PHASE_2)
    steered.control("POST", f"/v1/tunnels/{connection}", {"peer": "refuses_authentication"})
    assert statuses(steered, connection) == (NOTHING, NOTHING, NOTHING)


def test_bgp_sessions_are_steered(steered: Cell) -> None:
    spec = "TunnelOptionsSpecification"
    parameters: dict[str, Any] = {"EnableTunnelsBgp": True}
    for number in (1, 2):
        bgp = {"LocalAsn": 45104, "TunnelCidr": f"169.254.{number}0.0/30", "LocalBgpIp": f"169.254.{number}0.1"}
        parameters |= {f"{spec}.{number}.TunnelBgpConfig.{name}": value for name, value in bgp.items()}
    connection = connect(steered, **parameters)
    settled(steered)

    def sessions() -> list[str]:
        told = steered.call("DescribeVpnConnection", VpnConnectionId=connection)[spec]["TunnelOptions"]
        return [each["TunnelBgpConfig"]["BgpStatus"] for each in told]

    assert sessions() == ["success", "success"]
    steered.control("POST", f"/v1/tunnels/{connection}", {"bgp": "down"})
    assert sessions() == ["false", "false"]
    assert statuses(steered, connection) == (UP, UP, UP)


def test_what_is_wrong_is_said(steered: Cell) -> None:
    for target, body, named in (
        ("/v1/tunnels/tun-none", {"peer": "silent"}, "tun-none"),
        ("/v1/tunnels", {"peer": "rude"}, "rude"),
        ("/v1/tunnels", {"peers": "silent"}, "peers"),
    ):
        with pytest.raises(ControlRefused, match=named):
            steered.control("POST", target, body)


def test_a_killed_instance_takes_its_tunnel_along(steered: Cell) -> None:
    connection = connect(steered)
    (instance,) = (each["instance"] for each in settled(steered) if each["role"] == "master")
    steered.control("POST", f"/v1/instances/{instance}", {"action": "kill"})
    assert statuses(steered, connection) == (UP, NOTHING, UP)
    steered.control("POST", f"/v1/instances/{instance}", {"action": "recover"})
    assert statuses(steered, connection) == (UP, UP, UP)


def test_a_snapshot_keeps_how_tunnels_stand_and_peers_behave(steered: Cell) -> None:
    connection = connect(steered)
    master = next(each["id"] for each in settled(steered) if each["role"] == "master")
    steered.control("POST", f"/v1/tunnels/{master}", {"peer": "silent"})
    steered.control("POST", "/v1/tunnels", {"peer": "refuses_proposal", "bgp": "down"})
    steered.control("POST", "/v1/delays", {"tunnel": 60})
    before, snapshot = settled(steered), steered.control("GET", "/v1/snapshot")
    steered.control("POST", "/v1/reset")
    assert settled(steered) == []
    assert steered.control("POST", "/v1/tunnels", {})["peer"] == "ready"
    steered.control("PUT", "/v1/snapshot", snapshot)
    assert settled(steered) == before
    assert statuses(steered, connection) == (UP, NOTHING, UP)
    assert steered.control("POST", "/v1/tunnels", {}) == {"peer": "refuses_proposal", "bgp": "down", "health": "good"}
    # what is under way has as much left as it had
    steered.control("POST", f"/v1/tunnels/{master}", {"peer": "ready"})
    advance(steered, 20)
    snapshot = steered.control("GET", "/v1/snapshot")
    advance(steered, 3600)
    steered.control("PUT", "/v1/snapshot", snapshot)
    advance(steered, 9)
    assert statuses(steered, connection) == (UP, NOTHING, UP)
    advance(steered, 1)
    assert statuses(steered, connection) == (UP, PHASE_1, UP)
    advance(steered, 30)
    assert statuses(steered, connection) == (UP, UP, UP)
