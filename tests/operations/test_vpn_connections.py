"""IPsec connections: made, told, deleted, and what their instances are asked to run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gatewright.resources.specs import InstanceSpec, ItemKey, Kind
from gatewright.resources.tunnels import SecretRef, TunnelSpec
from tests.support.cell import Cell

NOT_FOUND = (404, "InvalidVpnConnectionInstanceId.NotFound")
#: A region whose gateways have one tunnel.
SINGLE = "ap-south-1"


def spec_of(cell: Cell, instance: str) -> InstanceSpec:
    spec = cell.plane.items[ItemKey(Kind.INSTANCE, instance)]
    assert isinstance(spec, InstanceSpec)
    return spec


def tunnel_of(cell: Cell, instance: str) -> TunnelSpec:
    (tunnel,) = spec_of(cell, instance).tunnels
    return tunnel


def described(cell: Cell, connection: str) -> dict[str, Any]:
    return cell.call("DescribeVpnConnection", VpnConnectionId=connection)


def active(cell: Cell, connection: str) -> dict[str, Any]:
    return cell.until("DescribeVpnConnection", lambda answer: answer["State"] == "active", VpnConnectionId=connection)


def established(cell: Cell, connection: str) -> dict[str, Any]:
    """How it is described once its hosts have what is wanted, and all its tunnels are up."""

    def up(answer: dict[str, Any]) -> bool:
        ends = answer["TunnelOptionsSpecification"]["TunnelOptions"]
        statuses = {answer["Status"], *(each["Status"] for each in ends)}
        return answer["State"] == "active" and statuses == {"ipsec_sa_established"}

    return cell.until("DescribeVpnConnection", up, VpnConnectionId=connection)


@pytest.fixture
def single(cell: Cell) -> tuple[Cell, str]:
    """A service in a region whose gateways have one tunnel, and such a gateway."""
    cell.region = SINGLE
    zone = cell.call("DescribeZones")["Zones"]["Zone"][0]["ZoneId"]
    network = cell.network((zone, zone))
    gateway = cell.gateway(network, DisasterRecoveryVSwitchId=None)
    cell.until_status(gateway, "active")
    return cell, gateway


def one_tunnel(cell: Cell, gateway: str, **parameters: Any) -> str:
    wanted = {"VpnGatewayId": gateway, "LocalSubnet": "10.0.0.0/8", "RemoteSubnet": "192.168.0.0/24", **parameters}
    made: str = cell.call("CreateVpnConnection", **wanted)["VpnConnectionId"]
    return made


def test_a_dual_tunnel_connection_is_made_told_and_deleted(cell: Cell) -> None:
    gateway = cell.gateway(cell.network())
    addresses = cell.until_status(gateway, "active")
    ends = [cell.customer_gateway("203.0.113.7"), cell.customer_gateway("203.0.113.8")]
    made = cell.call(
        "CreateVpnConnection",
        VpnGatewayId=gateway,
        Name="to the office",
        LocalSubnet="10.0.0.0/24,10.1.0.0/24",
        RemoteSubnet="192.168.0.0/24",
        EffectImmediately=True,
        TunnelOptionsSpecification=json.dumps(
            [
                {
                    "role": "slave",
                    "CUSTOMERGATEWAYID": ends[1],
                    "TunnelIkeConfig": {"Psk": "s3cret", "IkeLifetime": "60"},
                },
                {"Role": "master", "CustomerGatewayId": ends[0], "EnableDpd": "False"},
            ]
        ),
    )
    assert made["Name"] == "to the office"
    connection = made["VpnConnectionId"]
    assert connection.startswith("vco-bp1")
    told = established(cell, connection)
    assert told["CreateTime"] == made["CreateTime"]
    assert (told["State"], told["AttachType"]) == ("active", "VPNGW")
    assert (told["LocalSubnet"], told["RemoteSubnet"]) == ("10.0.0.0/24,10.1.0.0/24", "192.168.0.0/24")
    assert not {"CustomerGatewayId", "IkeConfig", "EnableDpd", "InternetIp", "VpnBgpConfig"} & told.keys()
    slave, master = told["TunnelOptionsSpecification"]["TunnelOptions"]
    assert (slave["Role"], slave["CustomerGatewayId"], slave["EnableDpd"]) == ("slave", ends[1], True)
    assert (master["Role"], master["CustomerGatewayId"], master["EnableDpd"]) == ("master", ends[0], False)
    assert slave["TunnelIkeConfig"] == {
        "Psk": "s3cret",
        "IkeVersion": "ikev1",
        "IkeMode": "main",
        "IkeEncAlg": "aes",
        "IkeAuthAlg": "md5",
        "IkePfs": "group2",
        "IkeLifetime": 60,
        "LocalId": addresses["DisasterRecoveryInternetIp"],
        "RemoteId": "203.0.113.8",
    }
    assert len(master["TunnelIkeConfig"]["Psk"]) == 16
    assert master["TunnelIkeConfig"]["Psk"].isalnum()
    assert "TunnelBgpConfig" not in master
    assert (master["InternetIp"], master["ZoneNo"]) == (addresses["InternetIp"], "cn-hangzhou-k")
    first, second = tunnel_of(cell, f"{gateway}-1"), tunnel_of(cell, f"{gateway}-2")
    assert (first.id, first.role, first.peer, first.dpd) == (master["TunnelId"], "master", "203.0.113.7", False)
    assert (second.id, second.role, second.peer) == (slave["TunnelId"], "slave", "203.0.113.8")
    assert {first.number, second.number} == {1, 2}
    assert second.psk == SecretRef(second.id, 1)
    assert second.initiate
    assert second.local_subnets == ("10.0.0.0/24", "10.1.0.0/24")
    assert spec_of(cell, f"{gateway}-1").vpc_networks == ("10.0.0.0/8",)
    assert cell.refusal("DeleteVpnGateway", VpnGatewayId=gateway).code == "DependencyViolation.VpnConnection"
    cell.call("DeleteVpnConnection", VpnConnectionId=connection)
    refused = cell.refusal("DescribeVpnConnection", VpnConnectionId=connection)
    assert (refused.status, refused.code) == NOT_FOUND
    cell.until_status(gateway, "active")
    assert spec_of(cell, f"{gateway}-1").tunnels == ()
    cell.call("DeleteVpnGateway", VpnGatewayId=gateway)
    cell.until_gone(gateway)


def test_a_single_tunnel_connection_is_told_flat(single: tuple[Cell, str]) -> None:
    cell, gateway = single
    peer = cell.customer_gateway(Asn="65001", AuthKey="k")
    connection = one_tunnel(
        cell,
        gateway,
        CustomerGatewayId=peer,
        IkeConfig=json.dumps({"psk": "x", "IKEVERSION": "ikev2", "ikelifetime": "3600", "LocalId": "gw.example"}),
        IpsecConfig=json.dumps({"IpsecPfs": "disabled"}),
        BgpConfig=json.dumps({"EnableBgp": "TRUE", "TunnelCidr": "169.254.10.0/30"}),
        HealthCheckConfig=json.dumps({"enable": "true", "dip": "192.168.0.1", "sip": "10.0.0.9", "interval": 5}),
        EnableNatTraversal="False",
    )
    told = established(cell, connection)
    assert told["CustomerGatewayId"] == peer
    assert (told["EnableDpd"], told["EnableNatTraversal"], told["EnableTunnelsBgp"]) == (True, False, False)
    assert told["IkeConfig"]["LocalId"] == "gw.example"
    assert (told["IkeConfig"]["IkeVersion"], told["IkeConfig"]["IkeLifetime"]) == ("ikev2", 3600)
    assert told["IpsecConfig"]["IpsecPfs"] == "disabled"
    assert told["VpnBgpConfig"] == {
        "EnableBgp": "true",
        "LocalAsn": 45104,
        "TunnelCidr": "169.254.10.0/30",
        "LocalBgpIp": "169.254.10.1",
        "PeerAsn": 65001,
        "PeerBgpIp": "169.254.10.2",
        "AuthKey": "k",
        "Status": "success",
    }
    assert told["VcoHealthCheck"] == {
        "Enable": "true",
        "Dip": "192.168.0.1",
        "Sip": "10.0.0.9",
        "Interval": 5,
        "Retry": 3,
        "Policy": "revoke_route",
        "Status": "success",
    }
    assert told["TunnelOptionsSpecification"] == {"TunnelOptions": []}
    tunnel = tunnel_of(cell, f"{gateway}-1")
    assert tunnel.ike.local_id == "gw.example"
    assert not tunnel.nat_traversal
    assert tunnel.bgp is not None
    assert (tunnel.bgp.peer_address, tunnel.bgp.key) == ("169.254.10.2", SecretRef(peer, 1))
    assert tunnel.health is not None
    assert (tunnel.health.interval, tunnel.health.retry, tunnel.health.revokes) == (5.0, 3, True)


def test_the_listing_is_filtered(cell: Cell) -> None:
    gateway, other = cell.gateway(cell.network()), cell.gateway(cell.network())
    ends = [cell.customer_gateway(f"203.0.113.{number}") for number in range(1, 5)]
    tags = {"Tags.1.Key": "site", "Tags.1.Value": "north"}
    first = cell.connection(gateway, ends[0], ends[1], **tags)
    second = cell.connection(other, ends[0], ends[2])

    def listed(**parameters: Any) -> list[str]:
        answer = cell.call("DescribeVpnConnections", **parameters)
        found = [each["VpnConnectionId"] for each in answer["VpnConnections"]["VpnConnection"]]
        assert answer["TotalCount"] == len(found)
        return found

    assert sorted(listed()) == sorted([first, second])
    assert listed(VpnGatewayId=gateway) == [first]
    assert listed(CustomerGatewayId=ends[2]) == [second]
    assert sorted(listed(CustomerGatewayId=ends[0])) == sorted([first, second])
    assert listed(CustomerGatewayId=ends[0], VpnConnectionId=first) == [first]
    assert listed(CustomerGatewayId=ends[3]) == []
    assert listed(VpnConnectionId=second) == [second]
    assert listed(**{"Tag.1.Key": "site"}) == [first]
    assert listed(ResourceGroupId="rg-nobody") == []
    group = described(cell, first)["ResourceGroupId"]
    assert sorted(listed(ResourceGroupId=group)) == sorted([first, second])
    made = cell.call("CreateResourceGroup", "2020-03-31", Name="moved", DisplayName="moved")["ResourceGroup"]["Id"]
    move = {"ResourceType": "VpnGateway", "InstanceId": other, "NewResourceGroupId": made}
    cell.call("MoveVpnResourceGroup", **move)
    assert (listed(ResourceGroupId=made), listed(ResourceGroupId=group)) == ([second], [first])
    assert described(cell, second)["ResourceGroupId"] == made
    assert described(cell, first)["Tags"] == {"Tag": [{"Key": "site", "Value": "north"}]}
