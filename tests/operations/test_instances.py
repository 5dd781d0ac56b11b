"""Gatewright DescribeInstances: every instance once, with how it stands and what goes through it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from gatewright.agent import traffic as agent_traffic
from gatewright.operations.declaration import GATEWRIGHT
from gatewright.reconcile import traffic
from tests.metrics.test_metrics import scrape
from tests.support.cell import PATIENCE, Cell


def ask(cell: Cell, **parameters: Any) -> dict[str, Any]:
    return cell.call("DescribeInstances", GATEWRIGHT.version, **parameters)


def instances(cell: Cell, **parameters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(cell, **parameters)["Instances"]["Instance"]
    return found


def test_instances_are_told_page_by_page(cell: Cell) -> None:
    network = cell.network()
    gateways = []
    for number in range(3):
        gateways.append(cell.gateway(network, Name=f"edge-{number}"))
        cell.clock.advance(1)
    for gateway in gateways:
        cell.until_status(gateway, "active")
    answer = ask(cell)
    assert (answer["Plane"], answer["Hosts"]["Host"]) == ("simulated", [{"HostId": "local", "Status": "up"}])
    everything = answer["Instances"]["Instance"]
    newest_first = [(gateway, role) for gateway in gateways[::-1] for role in ("master", "slave")]
    assert [(each["VpnGatewayId"], each["Role"]) for each in everything] == newest_first
    pages, token = [], None
    while True:
        page = ask(cell, MaxResults=2, NextToken=token)
        pages += page["Instances"]["Instance"]
        token = page.get("NextToken")
        if token is None:
            break
    assert pages == everything
    first = instances(cell, VpnGatewayId=gateways[0])[0]
    described = cell.call("DescribeVpnGateway", VpnGatewayId=gateways[0])
    assert first == {
        "InstanceId": f"{gateways[0]}-1",
        "VpnGatewayId": gateways[0],
        "VpnGatewayName": "edge-0",
        "VpnGatewayStatus": "active",
        "RegionId": cell.region,
        "ZoneId": "cn-hangzhou-k",
        "Role": "master",
        "HostId": "local",
        "Status": "ready",
        "PrivateIp": "10.0.0.1",
        "PublicIp": described["InternetIp"],
        "Bandwidth": 10,
        "Tunnels": 0,
        "TunnelsUp": 0,
    }
    assert instances(cell, RegionId="cn-beijing") == []
    assert instances(cell.other()) == []


def test_tunnels_are_counted(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell(control=True)
    gateway = cell.gateway(cell.network())
    connection = cell.connection(gateway, cell.customer_gateway(), cell.customer_gateway("203.0.113.8"))
    (tunnel, *_) = (each["id"] for each in cell.control("GET", "/v1/tunnels") if each["role"] == "slave")
    counts = [(each["Role"], each["Tunnels"], each["TunnelsUp"]) for each in instances(cell)]
    assert counts == [("master", 1, 1), ("slave", 1, 1)]
    cell.control("POST", f"/v1/tunnels/{tunnel}", {"peer": "silent"})
    assert [each["TunnelsUp"] for each in instances(cell)] == [1, 0]
    told = scrape(cell)
    assert told.value("gatewright_tunnels", status="ipsec_sa_established") == 1
    assert told.value("gatewright_tunnels", status="ike_sa_not_established") == 1
    cell.call("DeleteVpnConnection", VpnConnectionId=connection)
    assert {each["Tunnels"] for each in instances(cell)} == {0}


def test_what_is_wrong_and_what_goes_through_is_told(
    make_cell: Callable[..., Cell], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((traffic, "USUAL"), (traffic, "WATCHED"), (agent_traffic, "FIRST")):
        monkeypatch.setattr(module, name, 0.01)
    cell = make_cell(control=True)
    gateway = cell.gateway(cell.network())
    cell.until_status(gateway, "active")
    one, two = f"{gateway}-1", f"{gateway}-2"

    def until(condition: Callable[[dict[str, dict[str, Any]]], object]) -> dict[str, dict[str, Any]]:
        deadline = time.monotonic() + PATIENCE
        while not condition(found := {each["InstanceId"]: each for each in instances(cell)}):
            assert time.monotonic() < deadline, found
            time.sleep(0.005)
        return found

    cell.control("POST", f"/v1/instances/{one}", {"action": "carry", "received": 8000, "sent": 80_000})
    cell.control("POST", "/v1/clock", {"advance": 10})
    found = until(lambda found: found[one].get("Traffic", {}).get("ReceivedBytes", 0) >= 10_000)
    counted = found[one]["Traffic"]
    assert counted["SentBytes"] // 10 == pytest.approx(counted["ReceivedBytes"], abs=1)
    assert counted["SentPackets"] > counted["ReceivedPackets"] > 0
    assert "Traffic" not in found[two]
    cell.control("POST", f"/v1/instances/{one}", {"action": "kill"})
    found = until(lambda found: found[one]["Status"] == "failed")
    assert "killed" in found[one]["Reason"]
    assert (found[one]["VpnGatewayStatus"], found[two]["Status"]) == ("updating", "ready")
