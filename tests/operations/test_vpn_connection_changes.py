"""Changing IPsec connections: what stays, what changes on which instance, what is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gatewright.operations.call import Quotas
from gatewright.resources.tunnels import SecretRef, TunnelSpec
from tests.operations.test_vpn_connections import active, described, established, one_tunnel, single, spec_of, tunnel_of
from tests.support.cell import Cell
from tests.support.client import Refused
from tests.support.rows import Rows

__all__ = ["single"]


class Dual:
    """A dual-tunnel connection that its hosts have."""

    def __init__(self, cell: Cell, **parameters: Any) -> None:
        self.cell = cell
        self.gateway = cell.gateway(cell.network())
        cell.until_status(self.gateway, "active")
        self.ends = [cell.customer_gateway(f"203.0.113.{number}", Asn="65001") for number in (7, 8)]
        self.id = cell.connection(self.gateway, *self.ends, **parameters)
        self.told = established(cell, self.id)

    @property
    def tunnels(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = described(self.cell, self.id)["TunnelOptionsSpecification"]["TunnelOptions"]
        return found

    @property
    def specs(self) -> tuple[TunnelSpec, TunnelSpec]:
        active(self.cell, self.id)
        return tunnel_of(self.cell, f"{self.gateway}-1"), tunnel_of(self.cell, f"{self.gateway}-2")

    def modify(self, **parameters: Any) -> dict[str, Any]:
        return self.cell.call("ModifyVpnConnectionAttribute", VpnConnectionId=self.id, **parameters)

    def refusal(self, **parameters: Any) -> tuple[str, str]:
        refused = self.cell.refusal("ModifyVpnConnectionAttribute", VpnConnectionId=self.id, **parameters)
        return refused.code, refused.detail

    def generation(self) -> int:
        return spec_of(self.cell, f"{self.gateway}-1").generation


def test_a_new_name_changes_nothing_on_a_host(cell: Cell) -> None:
    dual = Dual(cell)
    before = dual.generation()
    answer = dual.modify(Name="another")
    assert (answer["Name"], answer["LocalSubnet"]) == ("another", "10.0.0.0/8")
    assert cell.call("DescribeVpnGateway", VpnGatewayId=dual.gateway)["Status"] == "active"
    assert dual.generation() == before
    assert described(cell, dual.id)["Name"] == "another"


def test_one_tunnel_changes_and_its_twin_does_not(cell: Cell) -> None:
    dual = Dual(cell)
    first, second = dual.specs
    before = dual.tunnels
    answer = dual.modify(
        **{
            "TunnelOptionsSpecification.1.Role": "slave",
            "TunnelOptionsSpecification.1.TunnelIkeConfig.Psk": "an0ther",
            "TunnelOptionsSpecification.1.TunnelIpsecConfig.IpsecPfs": "disabled",
        }
    )
    told = answer["TunnelOptionsSpecification"]["TunnelOptions"]
    assert [each["TunnelId"] for each in told] == [each["TunnelId"] for each in before]
    assert told[1]["TunnelIkeConfig"] == {**before[1]["TunnelIkeConfig"], "Psk": "an0ther"}
    now = dual.specs
    assert now[0] == first
    assert now[1].psk == SecretRef(second.id, 2)
    assert now[1].ipsec.group == "disabled"
    assert now[1].number == second.number
    # the same again is no change
    generation = dual.generation()
    dual.modify(TunnelOptionsSpecification=json.dumps([{"TunnelId": second.id, "tunnelikeconfig": {"psk": "an0ther"}}]))
    assert cell.call("DescribeVpnGateway", VpnGatewayId=dual.gateway)["Status"] == "active"
    assert dual.generation() == generation


def test_a_tunnel_is_changed_by_its_own_operation(cell: Cell) -> None:
    dual = Dual(cell)
    first, second = dual.specs
    other = cell.customer_gateway("203.0.113.9")
    answer = cell.call(
        "ModifyTunnelAttribute",
        VpnConnectionId=dual.id,
        TunnelId=first.id,
        **{
            "TunnelOptionsSpecification.CustomerGatewayId": other,
            "TunnelOptionsSpecification.TunnelIkeConfig.IkeVersion": "ikev2",
            "TunnelOptionsSpecification.EnableDpd": "false",
        },
    )
    assert (answer["TunnelId"], answer["CustomerGatewayId"], answer["EnableDpd"]) == (first.id, other, False)
    assert answer["TunnelIkeConfig"]["RemoteId"] == "203.0.113.9"
    assert answer["TunnelBgpConfig"] == {"EnableBgp": False}
    assert answer["State"] == "updating"
    now = dual.specs
    assert now[1] == second
    assert (now[0].peer, now[0].ike.version, now[0].dpd) == ("203.0.113.9", "ikev2", False)
    assert now[0].psk == first.psk
    for tunnel, connection, named in (("tun-x", dual.id, "TunnelId"), (first.id, "vco-x", "VpnConnectionId")):
        refused = cell.refusal("ModifyTunnelAttribute", VpnConnectionId=connection, TunnelId=tunnel)
        assert refused.detail.startswith(f"{named} ")


def test_networks_and_bgp_of_both_tunnels_change_together(cell: Cell) -> None:
    dual = Dual(cell)
    assert dual.refusal(EnableTunnelsBgp=True) == (
        "InvalidParameter",
        'TunnelOptionsSpecification.1.TunnelBgpConfig.TunnelCidr "": is needed for BGP: give the tunnel a /30',
    )
    spec = [
        {"Role": "master", "TunnelBgpConfig": {"TunnelCidr": "169.254.10.0/30", "LocalAsn": 65100}},
        {"Role": "slave", "TunnelBgpConfig": {"TunnelCidr": "169.254.11.0/30", "LocalBgpIp": "169.254.11.2"}},
    ]
    _, detail = dual.refusal(EnableTunnelsBgp=True, TunnelOptionsSpecification=json.dumps(spec))
    assert detail.startswith('TunnelOptionsSpecification.2.TunnelBgpConfig.LocalAsn "45104": must be 65100')
    spec[1]["TunnelBgpConfig"]["LocalAsn"] = 65100  # type: ignore[index]  # it is one of objects
    dual.modify(
        EnableTunnelsBgp=True,
        TunnelOptionsSpecification=json.dumps(spec),
        LocalSubnet="0.0.0.0/0",
        RemoteSubnet="0.0.0.0/0",
    )
    first, second = dual.specs
    assert first.routed
    assert second.routed
    assert first.bgp is not None
    assert second.bgp is not None
    assert (first.bgp.local_asn, first.bgp.local_address, first.bgp.peer_address) == (
        65100,
        "169.254.10.1",
        "169.254.10.2",
    )
    assert (second.bgp.local_address, second.bgp.peer_address) == ("169.254.11.2", "169.254.11.1")
    told = established(cell, dual.id)["TunnelOptionsSpecification"]["TunnelOptions"][1]["TunnelBgpConfig"]
    assert told == {
        "LocalAsn": 65100,
        "TunnelCidr": "169.254.11.0/30",
        "LocalBgpIp": "169.254.11.2",
        "PeerAsn": 65001,
        "PeerBgpIp": "169.254.11.1",
        "BgpStatus": "success",
    }
    dual.modify(EnableTunnelsBgp=False)
    assert [each.bgp for each in dual.specs] == [None, None]
    assert described(cell, dual.id)["EnableTunnelsBgp"] is False


def test_who_says_what_was_told_says_nothing(cell: Cell) -> None:
    dual = Dual(cell)
    first = dual.specs[0]
    before = dual.generation()
    ids = {name: dual.tunnels[0]["TunnelIkeConfig"][name] for name in ("LocalId", "RemoteId")}
    assert ids["RemoteId"] == "203.0.113.7"
    said = {f"TunnelOptionsSpecification.1.TunnelIkeConfig.{name}": value for name, value in ids.items()}
    dual.modify(**{"TunnelOptionsSpecification.1.Role": "master", **said})
    assert dual.generation() == before
    cell.call(
        "ModifyTunnelAttribute",
        VpnConnectionId=dual.id,
        TunnelId=first.id,
        **{"TunnelOptionsSpecification.CustomerGatewayId": cell.customer_gateway("203.0.113.9")},
    )
    assert dual.specs[0].ike.remote_id == "203.0.113.9"


def test_a_single_tunnel_connection_changes_key_by_key(single: tuple[Cell, str]) -> None:
    cell, gateway = single
    peer = cell.customer_gateway(Asn="65001")
    connection = one_tunnel(cell, gateway, CustomerGatewayId=peer, IkeConfig='{"Psk": "x", "IkeVersion": "ikev2"}')
    active(cell, connection)

    def modify(**parameters: Any) -> dict[str, Any]:
        return cell.call("ModifyVpnConnectionAttribute", VpnConnectionId=connection, **parameters)

    told = modify(IkeConfig='{"IkeLifetime": 600}', EnableDpd=False)
    assert (told["IkeConfig"]["Psk"], told["IkeConfig"]["IkeVersion"]) == ("x", "ikev2")
    assert told["IkeConfig"]["IkeLifetime"] == 600
    assert (told["EnableDpd"], told["CustomerGatewayId"]) == (False, peer)
    told = modify(HealthCheckConfig='{"Enable": true, "Dip": "192.168.0.1", "Sip": "10.0.0.1", "Retry": "5"}')
    told = modify(HealthCheckConfig='{"interval": 2}', BgpConfig='{"EnableBgp": true, "TunnelCidr": "169.254.9.0/30"}')
    assert told["VcoHealthCheck"] == {
        "Enable": "true",
        "Dip": "192.168.0.1",
        "Sip": "10.0.0.1",
        "Interval": 2,
        "Retry": 5,
    }
    assert (told["VpnBgpConfig"]["EnableBgp"], told["VpnBgpConfig"]["PeerBgpIp"]) == ("true", "169.254.9.2")
    modify(BgpConfig='{"EnableBgp": false}', HealthCheckConfig='{"Enable": "False"}')
    active(cell, connection)
    tunnel = tunnel_of(cell, f"{gateway}-1")
    assert (tunnel.bgp, tunnel.health) == (None, None)
    for parameters, named in (
        ({"HealthCheckConfig": '{"Enable": true, "Sip": "192.168.0.1"}'}, "HealthCheckConfig.Sip"),
        ({"TunnelOptionsSpecification.1.Role": "master"}, "TunnelOptionsSpecification"),
        ({"BgpConfig": '{"LocalBgpIp": "169.254.9.3"}'}, "BgpConfig.LocalBgpIp"),
    ):
        refused = cell.refusal("ModifyVpnConnectionAttribute", VpnConnectionId=connection, **parameters)
        assert refused.detail.startswith(f"{named} "), refused.detail
    (tunnel_id,) = {tunnel.id}
    refused = cell.refusal("ModifyTunnelAttribute", VpnConnectionId=connection, TunnelId=tunnel_id)
    assert refused.detail.startswith("VpnConnectionId ")


@pytest.mark.parametrize(
    ("parameters", "code", "named"),
    [
        ({"LocalSubnet": "10.0.0.1/24"}, "IllegalParam.LocalSubnet", "LocalSubnet"),
        ({"RemoteSubnet": "0.0.0.0/0,10.0.0.0/8"}, "IllegalParam.RemoteSubnet", "RemoteSubnet"),
        ({"Name": "http://x"}, "InvalidName", "Name"),
        ({"IkeConfig": '{"Psk": "x"}'}, "InvalidParameter", "IkeConfig"),
        ({"EnableDpd": "true"}, "InvalidParameter", "EnableDpd"),
        ({"T.1.EnableDpd": "true"}, "MissingTunnelOptionsSpecificationTunnelId", "T.1.TunnelId"),
        ({"T.1.TunnelId": "tun-x"}, "InvalidParameter", "T.1.TunnelId"),
        ({"T.1.Role": "slave", "T.2.Role": "slave"}, "InvalidParameter", "T.2.TunnelId"),
        ({"T.1.Role": "slave", "T.1.CustomerGatewayId": "cgw-x"}, "InvalidCustomerGatewayInstanceId.NotFound", ""),
        ({"T.1.Role": "slave", "T.1.RemoteCaCertificate": "x"}, "InvalidParameter", "T.1.RemoteCaCertificate"),
        ({"RemoteCaCertificate": "x"}, "InvalidParameter", "RemoteCaCertificate"),
        ({"HealthCheckConfig": '{"dip": "\\ud800"}'}, "InvalidParameter", "HealthCheckConfig"),
        ({"HealthCheckConfig": '{"dip": "0.0.0.0"}'}, "InvalidParameter", "HealthCheckConfig.Dip"),
        ({"HealthCheckConfig": '{"sip": "224.0.0.1"}'}, "InvalidParameter", "HealthCheckConfig.Sip"),
        ({"IkeConfig." + "a." * 2000 + "a": "x"}, "InvalidParameter", "IkeConfig."),
    ],
)
def test_what_cannot_be_is_refused(
    make_cell: Callable[..., Cell], parameters: dict[str, str], code: str, named: str
) -> None:
    dual = Dual(make_cell())
    long = {name.replace("T.", "TunnelOptionsSpecification.", 1): value for name, value in parameters.items()}
    found, detail = dual.refusal(**long)
    assert found == code
    assert detail.startswith(named.replace("T.", "TunnelOptionsSpecification.", 1))
    assert dual.tunnels == dual.told["TunnelOptionsSpecification"]["TunnelOptions"]


def test_a_gateways_connections_keep_apart(make_cell: Callable[..., Cell]) -> None:
    """Each leads to other peers, each tunnel has a /30 and a number of its own; numbers are used again."""
    cell = make_cell(quotas=Quotas(vpn_connections=2))
    dual = Dual(cell, **{"TunnelOptionsSpecification.1.TunnelBgpConfig.TunnelCidr": "169.254.10.0/30"})
    wanted = {"VpnGatewayId": dual.gateway, "LocalSubnet": "10.0.0.0/8", "RemoteSubnet": "192.168.0.0/24"}
    others = [cell.customer_gateway(f"203.0.113.{number}") for number in (17, 18)]

    def refused(master: str, slave: str, **more: str) -> tuple[str, str]:
        tunnels = {
            "TunnelOptionsSpecification.1.Role": "master",
            "TunnelOptionsSpecification.1.CustomerGatewayId": master,
            "TunnelOptionsSpecification.2.Role": "slave",
            "TunnelOptionsSpecification.2.CustomerGatewayId": slave,
        }
        error = cell.refusal("CreateVpnConnection", **wanted, **tunnels, **more)
        return error.code, error.detail

    code, detail = refused(others[0], dual.ends[1])
    assert code == "InvalidVpnConnection.AlreadyExists"
    assert detail.startswith(f'TunnelOptionsSpecification.2.CustomerGatewayId "{dual.ends[1]}": ')
    assert dual.id in detail
    code, detail = refused(*others, **{"TunnelOptionsSpecification.2.TunnelBgpConfig.TunnelCidr": "169.254.10.0/30"})
    assert detail.startswith("TunnelOptionsSpecification.2.TunnelBgpConfig.TunnelCidr ")
    # on the other instance the same peers are no duplicates
    second = cell.connection(dual.gateway, dual.ends[1], dual.ends[0], AutoConfigRoute=False)
    active(cell, second)
    assert [each.number for each in spec_of(cell, f"{dual.gateway}-1").tunnels] == [1, 3]
    assert refused(*others)[0] == "Resource.QuotaFull"
    cell.call("DeleteVpnConnection", VpnConnectionId=dual.id)
    third = cell.connection(dual.gateway, *others)
    active(cell, third)
    assert [each.number for each in spec_of(cell, f"{dual.gateway}-1").tunnels] == [1, 3]


def test_what_a_gateway_has_no_tunnels_for_is_refused(cell: Cell) -> None:
    network = cell.network()
    peer = cell.customer_gateway()
    ssl = cell.gateway(network, EnableIpsec=False, EnableSsl=True)
    standard = cell.gateway(network, VpnType="NationalStandard")
    dual = cell.gateway(network)
    tunnels: dict[str, str | None] = {
        "TunnelOptionsSpecification.1.Role": "master",
        "TunnelOptionsSpecification.1.CustomerGatewayId": peer,
        "TunnelOptionsSpecification.2.Role": "slave",
        "TunnelOptionsSpecification.2.CustomerGatewayId": peer,
    }
    wanted = {"LocalSubnet": "10.0.0.0/8", "RemoteSubnet": "192.168.0.0/24"}
    for gateway, parameters, code, detail in (
        (ssl, tunnels, "InvalidParameter", "EnableIpsec false"),
        (standard, tunnels, "InvalidParameter", "NationalStandard"),
        (dual, {"CustomerGatewayId": peer}, "InvalidParameter", "is for one tunnel"),
        (dual, {}, "MissingTunnelOptionsSpecification", ""),
        ("vpn-x", tunnels, "InvalidVpnGatewayInstanceId.NotFound", ""),
    ):
        refused = cell.refusal("CreateVpnConnection", VpnGatewayId=gateway, **wanted, **parameters)
        assert refused.code == code
        assert detail in refused.detail
    for name, value, code in (
        ("TunnelOptionsSpecification.2.Role", "master", "InvalidParameter"),
        ("TunnelOptionsSpecification.2.Role", None, "MissingTunnelOptionsSpecificationRole"),
        ("TunnelOptionsSpecification.1.CustomerGatewayId", None, "MissingTunnelOptionsSpecificationCustomerGatewayId"),
        ("TunnelOptionsSpecification.1.CustomerGatewayId", "cgw-x", "InvalidCustomerGatewayInstanceId.NotFound"),
        ("TunnelOptionsSpecification.3.Role", "slave", "InvalidParameter"),
        ("TunnelOptionsSpecification.1.TunnelBgpConfig.LocalBgpIp", "169.254.10.1", "InvalidParameter"),
        ("DryRun", "true", "DryRunOperation"),
    ):
        parameters = {**tunnels, name: value}
        assert cell.refusal("CreateVpnConnection", VpnGatewayId=dual, **wanted, **parameters).code == code
    assert cell.call("DescribeVpnConnections")["TotalCount"] == 0


def test_a_key_is_sealed_wherever_it_is_stored(make_cell: Callable[..., Cell]) -> None:
    """Also where a client token's request and answer are remembered, which are the same again all the same."""
    cell = make_cell()
    dual = Dual(cell)
    change = {
        "ClientToken": "token",
        "TunnelOptionsSpecification.1.Role": "master",
        "TunnelOptionsSpecification.1.TunnelIkeConfig.Psk": "n3ver-seen",
    }
    answer = dual.modify(**change)
    told = answer["TunnelOptionsSpecification"]["TunnelOptions"]
    assert told[0]["TunnelIkeConfig"]["Psk"] == "n3ver-seen"
    again = dual.modify(**change)
    assert again["TunnelOptionsSpecification"]["TunnelOptions"][0] == told[0]
    assert dual.specs[0].psk.version == 2
    other = {**change, "TunnelOptionsSpecification.1.TunnelIkeConfig.Psk": "another"}
    assert dual.refusal(**other)[0] == "IdempotentParameterMismatch"
    digest = hashlib.sha256(b"n3ver-seen").hexdigest()
    with Rows(cell.url) as rows:
        assert "n3ver-seen" not in rows.text()
        assert digest not in rows.text()
    for wrong in ("n3ver seen", "n3ver-seen" * 11, "n3ver-seen\u00fc"):
        code, detail = dual.refusal(IkeConfig=json.dumps({"Psk": wrong}))
        assert (code, "n3ver" in detail) == ("InvalidParameter", False)


def test_writes_on_a_busy_gateway_queue_up_or_are_refused(make_cell: Callable[..., Cell]) -> None:
    """A gateway that no host has brought about yet takes connections, unless it is to answer as the cloud does."""
    queueing = make_cell(with_agent=False)
    gateway = queueing.gateway(queueing.network())
    peers = [queueing.customer_gateway(f"203.0.113.{number}") for number in range(1, 5)]
    first = queueing.connection(gateway, *peers[:2])
    queueing.connection(gateway, *peers[2:], AutoConfigRoute=False)
    queueing.call("ModifyVpnConnectionAttribute", VpnConnectionId=first, LocalSubnet="10.0.0.0/16")
    queueing.call("DeleteVpnConnection", VpnConnectionId=first)
    assert queueing.call("DescribeVpnConnections")["VpnConnections"]["VpnConnection"][0]["State"] == "updating"
    refusing = make_cell(with_agent=False, busy_gateways="refuse")
    gateway = refusing.gateway(refusing.network())
    peer = refusing.customer_gateway()
    with pytest.raises(Refused) as refused:
        refusing.connection(gateway, peer, peer)
    assert (refused.value.code, refused.value.status) == ("VpnGateway.Configuring", 400)
    refusing.settle(lambda: refusing.call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"] == "active")
    connection = refusing.connection(gateway, peer, peer)
    for action, more in (("ModifyVpnConnectionAttribute", {"EnableTunnelsBgp": False}), ("DeleteVpnConnection", {})):
        assert refusing.refusal(action, VpnConnectionId=connection, **more).code == "VpnGateway.Configuring"


def test_an_installation_can_refuse_weak_algorithms(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell(weak_algorithms="refuse")
    gateway, peer = cell.gateway(cell.network()), cell.customer_gateway()
    good = [
        {
            "Role": role,
            "CustomerGatewayId": peer,
            "TunnelIkeConfig": {"IkeVersion": "ikev2", "IkeEncAlg": "aes256gcm16", "IkeAuthAlg": "sha256"},
            "TunnelIpsecConfig": {"IpsecEncAlg": "aes", "IpsecAuthAlg": "sha256", "IpsecPfs": "group31"},
        }
        for role in ("master", "slave")
    ]
    wanted = {"VpnGatewayId": gateway, "LocalSubnet": "10.0.0.0/8", "RemoteSubnet": "192.168.0.0/24"}
    refused = cell.refusal("CreateVpnConnection", **wanted, TunnelOptionsSpecification=json.dumps(good))
    assert refused.detail == (
        'TunnelOptionsSpecification.1.TunnelIkeConfig.IkePfs "group2": is weak, and this installation refuses it: '
        "give one of group14, group19, group20, group21, group31"
    )
    for tunnel in good:
        tunnel["TunnelIkeConfig"]["IkePfs"] = "group14"  # type: ignore[index]  # it is one of objects
    cell.call("CreateVpnConnection", **wanted, TunnelOptionsSpecification=json.dumps(good))
    good[1]["TunnelIkeConfig"]["IkeVersion"] = "ikev1"  # type: ignore[index]  # it is one of objects
    refused = cell.refusal("CreateVpnConnection", **wanted, TunnelOptionsSpecification=json.dumps(good))
    assert refused.detail.startswith("TunnelOptionsSpecification.2.TunnelIkeConfig.IkeEncAlg ")


def test_weak_algorithms_that_were_taken_stay_until_their_tunnel_changes(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    dual = Dual(cell)
    refusing = replace(cell.executor._installation, weak_algorithms="refuse")
    monkeypatch.setattr(cell.executor, "_installation", refusing)
    assert dual.modify(Name="renamed")["Name"] == "renamed"
    master = "TunnelOptionsSpecification.1"
    _, detail = dual.refusal(**{f"{master}.Role": "master", f"{master}.EnableDpd": "false"})
    assert detail.startswith(f'{master}.TunnelIkeConfig.IkeAuthAlg "md5": ')


def test_what_a_connection_needs_of_its_gateway_and_vpc(cell: Cell) -> None:
    """Propagation is not switched off while there is BGP; what customers are told of the VPC follows its networks."""
    dual = Dual(cell)
    cell.call("ModifyVpnGatewayAttribute", VpnGatewayId=dual.gateway, AutoPropagate=True)
    bgp = [
        {"Role": role, "TunnelBgpConfig": {"TunnelCidr": network}}
        for role, network in (("master", "169.254.10.0/30"), ("slave", "169.254.11.0/30"))
    ]
    dual.modify(EnableTunnelsBgp=True, TunnelOptionsSpecification=json.dumps(bgp))
    refused = cell.refusal("ModifyVpnGatewayAttribute", VpnGatewayId=dual.gateway, AutoPropagate=False)
    assert refused.detail.startswith('AutoPropagate "false": ')
    assert dual.id in refused.detail
    dual.modify(EnableTunnelsBgp=False)
    cell.call("ModifyVpnGatewayAttribute", VpnGatewayId=dual.gateway, AutoPropagate=False)
    vpc = cell.call("DescribeVpnGateway", VpnGatewayId=dual.gateway)["VpcId"]
    cell.call("AssociateVpcCidrBlock", VpcId=vpc, SecondaryCidrBlock="172.16.0.0/16")
    active(cell, dual.id)
    assert spec_of(cell, f"{dual.gateway}-2").vpc_networks == ("10.0.0.0/8", "172.16.0.0/16")
    (first, *_) = cell.call("DescribeEvents", "2026-11-01", ResourceId=dual.id)["Events"]["Event"]
    assert (first["ResourceType"], first["To"]) == ("VpnConnection", "ike_sa_not_established")
    assert "From" not in first
