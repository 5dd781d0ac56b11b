"""Attachments and their routes as Terraform's provider makes, reads, changes and destroys them."""

from __future__ import annotations

import json
from typing import Any

from tests.clients.provider import REGION, Provider, check_types, tag, untag
from tests.support.service import Service

SPEC = "TunnelOptionsSpecification"


def read_back(provider: Provider, connection: str) -> dict[str, Any]:
    """``alicloud_vpn_gateway_vpn_attachment`` as it is read: at once, for the provider waits for no state."""
    read = provider.done("DescribeVpnConnection", {**REGION, "VpnConnectionId": connection})
    indexes = [end.pop("TunnelIndex") for end in read["TunnelOptionsSpecification"]["TunnelOptions"]]
    assert all(type(index) is int for index in indexes)
    # a boolean: whether the provider takes it for what it declares
    assert read.pop("CrossAccountAuthorized") is False
    check_types(read)
    # what the provider waits for when it changes one
    assert read["State"] in ("attached", "active", "init")
    return read


def device(provider: Provider, address: str) -> str:
    given = {**REGION, "IpAddress": address, "Asn": "65000"}
    made: str = provider.done("CreateCustomerGateway", given)["CustomerGatewayId"]
    return made


def destroy(provider: Provider, connection: str) -> None:
    assert provider.post("DeleteVpnAttachment", {**REGION, "VpnConnectionId": connection}).status == 200
    assert provider.gone("DeleteVpnAttachment", {**REGION, "VpnConnectionId": connection}).endswith("NotFound")
    told = provider.gone("DescribeVpnConnection", {**REGION, "VpnConnectionId": connection})
    assert told == "InvalidVpnConnectionInstanceId.NotFound"


def test_one_with_two_tunnels_is_made_changed_and_destroyed(cloud: Service) -> None:
    cloud.control("POST", "/v1/reset")
    provider = Provider(cloud.client())
    ends = [device(provider, f"203.0.113.{n}") for n in (7, 8)]
    tunnels = {
        f"{SPEC}.{n}.{name}": value
        for n, role in enumerate(("master", "slave"), 1)
        for name, value in {
            "Role": role,
            "TunnelIndex": str(n),
            "CustomerGatewayId": ends[n - 1],
            "EnableDpd": "true",
            "EnableNatTraversal": "true",
            "TunnelIkeConfig.Psk": f"key-{n}",
            "TunnelIkeConfig.IkeLifetime": "3600",
            "TunnelIpsecConfig.IpsecPfs": "group14",
            "TunnelBgpConfig.LocalAsn": "1219001",
            "TunnelBgpConfig.TunnelCidr": f"169.254.3{n}.0/30",
            "TunnelBgpConfig.LocalBgpIp": f"169.254.3{n}.1",
        }.items()
    }
    given = {
        **REGION,
        "NetworkType": "public",
        "LocalSubnet": "0.0.0.0/0",
        "RemoteSubnet": "0.0.0.0/0",
        "EnableTunnelsBgp": "true",
        "Name": "branch",
        "TunnelBandwidth": "Large",
        "Tag.1.Key": "site",
        "Tag.1.Value": "north",
    }
    made = provider.post("CreateVpnAttachment", {**given, **tunnels}).json()
    # in an answer with status 200 the provider takes this code for success, and any other for none
    assert (made["Code"], made["Success"]) == ("200", True)
    connection = made["VpnConnectionId"]
    read = read_back(provider, connection)
    same = ("NetworkType", "LocalSubnet", "RemoteSubnet", "Name", "TunnelBandwidth")
    assert {name: read[name] for name in same} == {name: given[name] for name in same}
    assert read["Tags"]["Tag"] == [{"Key": "site", "Value": "north"}]
    told = read["TunnelOptionsSpecification"]["TunnelOptions"]
    assert [each["Role"] for each in told] == ["master", "slave"]
    assert [each["TunnelBgpConfig"]["LocalBgpIp"] for each in told] == ["169.254.31.1", "169.254.32.1"]

    changes = {"Name": "other", f"{SPEC}.2.TunnelIkeConfig.Psk": "another"}
    body = {**REGION, "VpnConnectionId": connection, "LocalSubnet": "0.0.0.0/0", "RemoteSubnet": "0.0.0.0/0"}
    provider.done("ModifyVpnAttachmentAttribute", {**body, **tunnels, **changes})
    tag(provider, connection, "VPNATTACHMENT", team="edge")
    untag(provider, connection, "site", "VPNATTACHMENT")
    read = read_back(provider, connection)
    assert (read["Name"], read["Tags"]["Tag"]) == ("other", [{"Key": "team", "Value": "edge"}])
    keys = [each["TunnelIkeConfig"]["Psk"] for each in read["TunnelOptionsSpecification"]["TunnelOptions"]]
    assert keys == ["key-1", "another"]
    listed = provider.done("DescribeVpnConnections", REGION, PageNumber="1", PageSize="50")["VpnConnections"]
    assert [each["AttachType"] for each in listed["VpnConnection"]] == ["NO_ASSOCIATED"]
    destroy(provider, connection)


def test_one_with_one_tunnel_is_made_changed_moved_and_destroyed(cloud: Service) -> None:
    cloud.control("POST", "/v1/reset")
    provider = Provider(cloud.client())
    given = {
        **REGION,
        "NetworkType": "public",
        "LocalSubnet": "0.0.0.0/0",
        "RemoteSubnet": "0.0.0.0/0",
        "EffectImmediately": "false",
        "EnableDpd": "true",
        "EnableNatTraversal": "true",
        "Name": "branch",
        "CustomerGatewayId": device(provider, "203.0.113.9"),
        "IkeConfig": json.dumps({"Psk": "12345678", "IkeVersion": "ikev1", "IkeLifetime": 86400}),
        "IpsecConfig": json.dumps({"IpsecPfs": "group5", "IpsecLifetime": 86400}),
        "BgpConfig": json.dumps({"EnableBgp": True, "LocalAsn": 45014, "TunnelCidr": "169.254.11.0/30"}),
        "HealthCheckConfig": json.dumps(
            {
                "enable": True,
                "dip": "192.168.1.1",
                "sip": "10.1.1.1",
                "interval": 3,
                "retry": 3,
                "Policy": "revoke_route",
            }
        ),
    }
    connection = provider.post("CreateVpnAttachment", given).json()["VpnConnectionId"]
    read = read_back(provider, connection)
    assert read["CustomerGatewayId"] == given["CustomerGatewayId"]
    assert (read["VcoHealthCheck"]["Policy"], read["VcoHealthCheck"]["Enable"]) == ("revoke_route", "true")
    assert (read["VpnBgpConfig"]["EnableBgp"], read["VpnBgpConfig"]["LocalAsn"]) == ("true", 45014)
    body = {**REGION, "VpnConnectionId": connection, "LocalSubnet": "0.0.0.0/0", "RemoteSubnet": "0.0.0.0/0"}
    changes = {"Name": "other", "IkeConfig": json.dumps({"IkeVersion": "ikev2"})}
    provider.done("ModifyVpnAttachmentAttribute", {**body, **changes})
    group = read["ResourceGroupId"]
    move = {"InstanceId": connection, "NewResourceGroupId": group, "ResourceType": "VPNATTACHMENT"}
    provider.done("MoveVpnResourceGroup", {**REGION, **move})
    read = read_back(provider, connection)
    assert (read["Name"], read["IkeConfig"]["IkeVersion"], read["IkeConfig"]["Psk"]) == ("other", "ikev2", "12345678")
    destroy(provider, connection)


def test_a_route_is_made_read_and_destroyed(cloud: Service) -> None:
    """``alicloud_vpn_gateway_vco_route``: listed at once, and after its end no more."""
    cloud.control("POST", "/v1/reset")
    provider = Provider(cloud.client())
    everywhere = {"LocalSubnet": "0.0.0.0/0", "RemoteSubnet": "0.0.0.0/0"}
    given = {**REGION, **everywhere, "CustomerGatewayId": device(provider, "203.0.113.9")}
    connection = provider.post("CreateVpnAttachment", given).json()["VpnConnectionId"]
    which = {"VpnConnectionId": connection, "NextHop": connection, "RouteDest": "192.168.12.0/24", "Weight": "100"}
    pages = {**REGION, "VpnConnectionId": connection, "PageNumber": "1", "PageSize": "20"}
    provider.done("CreateVcoRouteEntry", {**REGION, **which, "OverlayMode": "Ipsec"})
    (read,) = provider.done("DescribeVcoRouteEntries", pages)["VcoRouteEntries"]
    assert {name: str(read[name]) for name in which} == which
    assert (read["State"], type(read["CreateTime"]), type(read["Weight"])) == ("published", int, int)
    provider.done("DeleteVcoRouteEntry", {**REGION, **which})
    assert provider.done("DescribeVcoRouteEntries", pages)["VcoRouteEntries"] == []
    assert provider.gone("DeleteVcoRouteEntry", {**REGION, **which}) == "InvalidRouteEntry.NotFound"
    destroy(provider, connection)
    assert provider.gone("DescribeVcoRouteEntries", pages) == "InvalidVpnConnectionInstanceId.NotFound"
