"""What a connection with one tunnel can have and one with two cannot, and the other way round."""

from __future__ import annotations

import json
from typing import Any

from tests.operations.test_vpn_connection_changes import Dual
from tests.operations.test_vpn_connections import active, described, established, one_tunnel, single
from tests.support.cell import Cell

__all__ = ["single"]


def test_another_health_check_or_beginning_leaves_a_tunnel_up(single: tuple[Cell, str]) -> None:
    cell, gateway = single
    connection = one_tunnel(cell, gateway, CustomerGatewayId=cell.customer_gateway())
    established(cell, connection)
    check = '{"Enable": true, "Dip": "192.168.0.1", "Sip": "10.0.0.1"}'
    for changes in ({"EffectImmediately": True}, {"HealthCheckConfig": check}):
        cell.call("ModifyVpnConnectionAttribute", VpnConnectionId=connection, **changes)
        assert described(cell, connection)["Status"] == "ipsec_sa_established"
        assert active(cell, connection)["Status"] == "ipsec_sa_established"


def test_a_health_check_has_to_fit_into_its_tunnel(single: tuple[Cell, str]) -> None:
    cell, gateway = single

    def refusal(action: str, **parameters: Any) -> str:
        refused = cell.refusal(action, **parameters)
        assert refused.code == "InvalidParameter"
        return refused.detail.partition(":")[0]

    def check(destination: str, source: str) -> str:
        return json.dumps({"Enable": True, "Dip": destination, "Sip": source})

    wanted = {"VpnGatewayId": gateway, "CustomerGatewayId": cell.customer_gateway(), "LocalSubnet": "10.0.0.0/8"}
    wanted["RemoteSubnet"] = "192.168.0.0/24,192.168.8.0/24"
    outside = refusal("CreateVpnConnection", **wanted, HealthCheckConfig=check("192.168.4.1", "10.0.0.1"))
    assert outside == 'HealthCheckConfig.Dip "192.168.4.1"'
    outside = refusal("CreateVpnConnection", **wanted, HealthCheckConfig=check("192.168.8.1", "172.16.0.1"))
    assert outside == 'HealthCheckConfig.Sip "172.16.0.1"'
    fitting = check("192.168.8.1", "10.0.0.1")
    made = cell.call("CreateVpnConnection", **wanted, HealthCheckConfig=fitting)["VpnConnectionId"]
    # what counts is how it is after a change, whatever that is of
    for name, networks, parameter in (
        ("RemoteSubnet", "192.168.0.0/24", 'HealthCheckConfig.Dip "192.168.8.1"'),
        ("LocalSubnet", "10.1.0.0/16", 'HealthCheckConfig.Sip "10.0.0.1"'),
    ):
        assert refusal("ModifyVpnConnectionAttribute", VpnConnectionId=made, **{name: networks}) == parameter
    another = {"RemoteSubnet": "192.168.0.0/24", "HealthCheckConfig": check("192.168.0.1", "10.0.0.1")}
    cell.call("ModifyVpnConnectionAttribute", VpnConnectionId=made, **another)
    # routes decide, or there is no check
    everywhere = {"LocalSubnet": "0.0.0.0/0", "RemoteSubnet": "0.0.0.0/0"}
    cell.call("ModifyVpnConnectionAttribute", VpnConnectionId=made, **everywhere)
    off = {"LocalSubnet": "10.1.0.0/16", "HealthCheckConfig": '{"Enable": false}'}
    cell.call("ModifyVpnConnectionAttribute", VpnConnectionId=made, **off)


def test_what_is_of_two_tunnels_is_refused_of_one(single: tuple[Cell, str]) -> None:
    cell, gateway = single
    networks = {"LocalSubnet": "10.0.0.0/8", "RemoteSubnet": "192.168.0.0/24"}
    wanted = {"CustomerGatewayId": cell.customer_gateway(Asn="65001"), **networks}
    requests: list[tuple[str, dict[str, Any]]] = [
        ("CreateVpnConnection", {"VpnGatewayId": gateway, **wanted}),
        ("CreateVpnAttachment", wanted),
    ]
    for action, parameters in requests[:]:
        made = cell.call(action, **parameters, EnableTunnelsBgp=False)["VpnConnectionId"]
        modify = action.replace("Create", "Modify") + "Attribute"
        requests.append((modify, {"VpnConnectionId": made}))
        cell.call(modify, VpnConnectionId=made, EnableTunnelsBgp=False)
    for action, parameters in requests:
        refused = cell.refusal(action, **parameters, EnableTunnelsBgp=True)
        assert refused.code == "InvalidParameter"
        assert refused.detail.startswith('EnableTunnelsBgp "true": ')
        assert refused.detail.endswith("give BgpConfig.EnableBgp")


def test_two_tunnels_have_no_health_check_and_may_be_told_so(cell: Cell) -> None:
    off = '{"enable": "false", "dip": "192.168.0.1"}'
    dual = Dual(cell, HealthCheckConfig=off)
    generation = dual.generation()
    dual.modify(HealthCheckConfig=off)
    assert dual.generation() == generation
    code, detail = dual.refusal(HealthCheckConfig='{"enable": "true"}')
    assert code == "InvalidParameter"
    assert detail.startswith("HealthCheckConfig ")
    assert "TunnelOptionsSpecification" not in detail


def test_a_single_tunnel_gateway_takes_no_two_tunnels(single: tuple[Cell, str]) -> None:
    cell, gateway = single
    peer = cell.customer_gateway()
    for parameters, code in (
        ({"TunnelOptionsSpecification": json.dumps([{"Role": "master"}, {"Role": "slave"}])}, "Missing"),
        (
            {
                "TunnelOptionsSpecification": json.dumps(
                    [{"Role": role, "CustomerGatewayId": peer} for role in ("master", "slave")]
                )
            },
            "InvalidParameter",
        ),
        ({}, "MissingCustomerGatewayId"),
        ({"CustomerGatewayId": peer, "BgpConfig": '{"EnableBgp": true}'}, "InvalidParameter"),
        (
            {"CustomerGatewayId": peer, "BgpConfig": '{"EnableBgp": true, "TunnelCidr": "169.254.10.0/30"}'},
            "InvalidParameter",
        ),
        ({"CustomerGatewayId": peer, "BgpConfig": '{"TunnelCidr": "169.254.6.0/30"}'}, "InvalidParameter"),
        ({"CustomerGatewayId": peer, "HealthCheckConfig": '{"enable": true}'}, "MissingHealthCheckConfigDip"),
    ):
        refused = cell.refusal(
            "CreateVpnConnection",
            VpnGatewayId=gateway,
            LocalSubnet="10.0.0.0/8",
            RemoteSubnet="192.168.0.0/24",
            **parameters,
        )
        assert refused.code.startswith(code), refused.detail
