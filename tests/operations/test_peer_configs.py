"""DownloadVpnConnectionConfig: a connection from its device's side, of which a device's configuration can be made."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gatewright.peers import VENDORS, peer
from tests.support.cell import Cell

#: A region whose gateways have one tunnel.
SINGLE = "ap-south-1"


def downloaded(cell: Cell, connection: str) -> dict[str, Any]:
    config: dict[str, Any] = cell.call("DownloadVpnConnectionConfig", VpnConnectionId=connection)
    return config


def test_both_tunnels_are_told_from_the_devices_side(cell: Cell) -> None:
    gateway = cell.gateway(cell.network())
    addresses = cell.until_status(gateway, "active")
    ends = [cell.customer_gateway(f"203.0.113.{number}", Asn="65010", AuthKey="k") for number in (7, 8)]
    options = [
        {
            "Role": role,
            "CustomerGatewayId": end,
            "TunnelIkeConfig": {"Psk": f"key-of-{role}", "RemoteId": "office.example", "IkeVersion": "ikev2"},
            "TunnelBgpConfig": {"LocalAsn": 65000, "TunnelCidr": network, "LocalBgpIp": address},
        }
        for role, end, network, address in (
            ("slave", ends[1], "169.254.11.0/30", "169.254.11.2"),
            ("master", ends[0], "169.254.10.0/30", "169.254.10.1"),
        )
    ]
    connection = cell.call(
        "CreateVpnConnection",
        VpnGatewayId=gateway,
        LocalSubnet="0.0.0.0/0",
        RemoteSubnet="0.0.0.0/0",
        EnableTunnelsBgp=True,
        TunnelOptionsSpecification=json.dumps(options),
    )["VpnConnectionId"]
    answer = downloaded(cell, connection)
    config = answer["VpnConnectionConfig"]
    assert not {"Local", "Remote", "IkeConfig", "IpsecConfig"} & config.keys()
    slave, master = config["TunnelsConfig"]["TunnelConfig"]
    assert (slave["Local"], slave["Remote"]) == ("203.0.113.8", addresses["DisasterRecoveryInternetIp"])
    assert (master["Local"], master["Remote"]) == ("203.0.113.7", addresses["InternetIp"])
    assert master["IkeConfig"] == {
        "Psk": "key-of-master",
        "IkeVersion": "ikev2",
        "IkeMode": "main",
        "IkeEncAlg": "aes",
        "IkeAuthAlg": "md5",
        "IkePfs": "group2",
        "IkeLifetime": 86400,
        "LocalId": "office.example",
        "RemoteId": addresses["InternetIp"],
    }
    assert config["BgpConfigs"]["BgpConfig"] == [
        {
            "TunnelId": tunnel["TunnelId"],
            "LocalAsn": "65010",
            "LocalBgpIp": local,
            "PeerAsn": "65000",
            "PeerBgpIp": remote,
            "TunnelCidr": network,
        }
        for tunnel, local, remote, network in (
            (slave, "169.254.11.1", "169.254.11.2", "169.254.11.0/30"),
            (master, "169.254.10.2", "169.254.10.1", "169.254.10.0/30"),
        )
    ]
    made = peer(answer, cell.call("DescribeVpnConnection", VpnConnectionId=connection), keys={ends[0]: "k"})
    assert [(each.role, each.psk) for each in made.tunnels] == [("master", "key-of-master"), ("slave", "key-of-slave")]
    assert [each.bgp.key for each in made.tunnels if each.bgp] == ["k", ""]
    assert all(vendor.write(made) for name, vendor in VENDORS.items() if name in ("strongswan", "vyos", "cisco-ios"))


def test_a_single_tunnel_is_told_flat(cell: Cell) -> None:
    cell.region = SINGLE
    zone = cell.call("DescribeZones")["Zones"]["Zone"][0]["ZoneId"]
    gateway = cell.gateway(cell.network((zone, zone)), DisasterRecoveryVSwitchId=None)
    addresses = cell.until_status(gateway, "active")
    connection = cell.call(
        "CreateVpnConnection",
        VpnGatewayId=gateway,
        CustomerGatewayId=cell.customer_gateway("203.0.113.7", Asn="65010", AuthKey="k"),
        LocalSubnet="10.0.0.0/16,10.7.0.0/16",
        RemoteSubnet="192.168.0.0/24",
        IkeConfig=json.dumps({"Psk": "x", "LocalId": "gw.example"}),
        IpsecConfig=json.dumps({"IpsecPfs": "disabled", "IpsecLifetime": 0}),
        BgpConfig=json.dumps({"EnableBgp": "true", "TunnelCidr": "169.254.10.0/30"}),
        EnableDpd=False,
    )["VpnConnectionId"]
    answer = downloaded(cell, connection)
    config = answer["VpnConnectionConfig"]
    assert (config["Local"], config["LocalSubnet"]) == ("203.0.113.7", "192.168.0.0/24")
    assert (config["Remote"], config["RemoteSubnet"]) == (addresses["InternetIp"], "10.0.0.0/16,10.7.0.0/16")
    assert (config["IkeConfig"]["LocalId"], config["IkeConfig"]["RemoteId"]) == ("203.0.113.7", "gw.example")
    assert config["IpsecConfig"]["IpsecPfs"] == "disabled"
    assert config["TunnelsConfig"] == {"TunnelConfig": []}
    made = peer(answer, cell.call("DescribeVpnConnection", VpnConnectionId=connection))
    (tunnel,) = made.tunnels
    assert not tunnel.dpd
    assert tunnel.bgp is not None
    assert (tunnel.bgp.local_address, tunnel.bgp.local_asn, tunnel.bgp.key) == ("169.254.10.2", 65010, "k")
    assert made.remote_subnets == ("10.0.0.0/16", "10.7.0.0/16")


@pytest.mark.parametrize("connection", ["vco-bp1aaaaaaaaaaaaaaaaaa", "vpn-x"])
def test_no_connection_is_told_of_that_is_not_there(cell: Cell, connection: str) -> None:
    refused = cell.refusal("DownloadVpnConnectionConfig", VpnConnectionId=connection)
    assert (refused.status, refused.code) == (404, "InvalidVpnConnectionInstanceId.NotFound")
