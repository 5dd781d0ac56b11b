"""Attachments, which are IPsec connections without a gateway, against the documentation of CreateVpnAttachment."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from gatewright.operations.call import Quotas
from tests.support.cell import Cell

NOT_FOUND = (404, "InvalidVpnConnectionInstanceId.NotFound")
SPEC = "TunnelOptionsSpecification"
EVERYWHERE = {"LocalSubnet": "0.0.0.0/0", "RemoteSubnet": "0.0.0.0/0"}
UNSEEN = "ike_sa_not_established"


def attach(cell: Cell, **parameters: Any) -> str:
    """An attachment with one tunnel, unless it is said otherwise. Returns its id."""
    made = cell.call("CreateVpnAttachment", **{**EVERYWHERE, **parameters})
    assert made.keys() == {"RequestId", "VpnConnectionId", "Name", "CreateTime", "Code", "Message", "Success"}
    assert (made["Code"], made["Success"]) == ("200", True)
    connection: str = made["VpnConnectionId"]
    assert connection.startswith("vco-")
    return connection


def pair(*customers: str, **each: Any) -> dict[str, Any]:
    """Two tunnels, one after the other."""
    return {
        f"{SPEC}.{number}.{name}": value
        for number, customer in enumerate(customers, 1)
        for name, value in {"CustomerGatewayId": customer, **each}.items()
    }


def described(cell: Cell, connection: str) -> dict[str, Any]:
    return cell.call("DescribeVpnConnection", VpnConnectionId=connection)


def ends_of(told: dict[str, Any]) -> list[dict[str, Any]]:
    ends: list[dict[str, Any]] = told["TunnelOptionsSpecification"]["TunnelOptions"]
    return ends


def test_one_tunnel_is_made_told_changed_and_deleted(cell: Cell) -> None:
    device, other = cell.customer_gateway(Asn="65001"), cell.customer_gateway("203.0.113.8", Asn="65001")
    connection = attach(
        cell,
        Name="branch",
        CustomerGatewayId=device,
        NetworkType="private",
        IkeConfig=json.dumps({"Psk": "s3cret", "IkeVersion": "ikev2"}),
        HealthCheckConfig=json.dumps(
            {"enable": "true", "dip": "192.168.0.1", "sip": "10.2.0.1", "Policy": "reserve_route"}
        ),
        BgpConfig=json.dumps({"EnableBgp": "true", "LocalAsn": "45104", "TunnelCidr": "169.254.11.0/30"}),
        RemoteCaCert="means nothing",
        TunnelBandwidth="Large",
    )
    told = described(cell, connection)
    assert (told["AttachType"], told["State"], told["Status"]) == ("NO_ASSOCIATED", "init", UNSEEN)
    assert (told["Name"], told["VpnGatewayId"], told["InternetIp"]) == ("branch", "", "")
    assert (told["TunnelBandwidth"], told["Spec"], told["NetworkType"]) == ("Large", "3000M", "private")
    assert (told["CustomerGatewayId"], told["CrossAccountAuthorized"]) == (device, False)
    assert (told["EffectImmediately"], told["EnableTunnelsBgp"], ends_of(told)) == (False, False, [])
    assert told["IkeConfig"] == {
        "Psk": "s3cret",
        "IkeVersion": "ikev2",
        "IkeMode": "main",
        "IkeEncAlg": "aes",
        "IkeAuthAlg": "md5",
        "IkePfs": "group2",
        "IkeLifetime": 86400,
        "LocalId": "",
        "RemoteId": "203.0.113.7",
    }
    assert told["VcoHealthCheck"]["Policy"] == "reserve_route"
    assert (told["VpnBgpConfig"]["EnableBgp"], told["VpnBgpConfig"]["PeerAsn"]) == ("true", 65001)

    changed = cell.call(
        "ModifyVpnAttachmentAttribute",
        VpnConnectionId=connection,
        Name="store",
        NetworkType="public",
        CustomerGatewayId=other,
        LocalSubnet="10.0.0.0/8",
        RemoteSubnet="192.168.0.0/24",
        EffectImmediately=True,
        EnableDpd=False,
        IkeConfig=json.dumps({"IkeAuthAlg": "sha256"}),
        HealthCheckConfig=json.dumps({"Interval": 7}),
        BgpConfig=json.dumps({"EnableBgp": False}),
    )
    read = described(cell, connection)
    assert (read["Name"], read["NetworkType"], read["CustomerGatewayId"]) == ("store", "public", other)
    assert (read["LocalSubnet"], read["RemoteSubnet"]) == ("10.0.0.0/8", "192.168.0.0/24")
    assert (read["EffectImmediately"], read["EnableDpd"], read["EnableNatTraversal"]) == (True, False, True)
    assert read["IkeConfig"] == told["IkeConfig"] | {"IkeAuthAlg": "sha256", "RemoteId": "203.0.113.8"}
    assert read["VcoHealthCheck"] == told["VcoHealthCheck"] | {"Interval": 7}
    assert (read["VpnBgpConfig"]["EnableBgp"], read["State"], read["Status"]) == ("false", "init", UNSEEN)
    for name in changed.keys() - {"RequestId", "VcoHealthCheck", "VpnBgpConfig", SPEC}:
        assert changed[name] == read[name], name
    assert changed["VcoHealthCheck"].items() <= read["VcoHealthCheck"].items()
    assert changed[SPEC] == []

    deleted = cell.call("DeleteVpnAttachment", VpnConnectionId=connection)
    assert (deleted["Code"], deleted["Success"]) == ("200", True)
    for action in ("DescribeVpnConnection", "DeleteVpnAttachment", "ModifyVpnAttachmentAttribute"):
        refused = cell.refusal(action, VpnConnectionId=connection)
        assert (refused.status, refused.code) == NOT_FOUND
    for each in (device, other):
        cell.call("DeleteCustomerGateway", CustomerGatewayId=each)


def test_two_tunnels_have_their_own_defaults_and_are_named_by_index(cell: Cell) -> None:
    device, other = cell.customer_gateway(Asn="65001"), cell.customer_gateway("203.0.113.8", Asn="65002")
    connection = attach(
        cell,
        **pair(device, other),
        **{
            f"{SPEC}.1.TunnelIndex": 2,
            f"{SPEC}.1.TunnelBgpConfig.TunnelCidr": "169.254.11.0/30",
            f"{SPEC}.2.TunnelBgpConfig.TunnelCidr": "169.254.12.0/30",
            f"{SPEC}.2.EnableDpd": False,
            f"{SPEC}.2.TunnelIkeConfig.IkeVersion": "ikev1",
            "EnableTunnelsBgp": True,
        },
    )
    told = described(cell, connection)
    assert (told["State"], told["EnableTunnelsBgp"], told["TunnelBandwidth"]) == ("init", True, "Standard")
    assert "CustomerGatewayId" not in told
    second, first = ends_of(told)
    assert (second["TunnelIndex"], second["Role"], second["CustomerGatewayId"]) == (2, "slave", device)
    assert (first["TunnelIndex"], first["Role"], first["CustomerGatewayId"]) == (1, "master", other)
    for end in (first, second):
        assert (end["State"], end["Status"], end["InternetIp"]) == ("active", UNSEEN, "")
        assert "ZoneNo" not in end
        assert (end["TunnelIkeConfig"]["IkeAuthAlg"], end["TunnelIpsecConfig"]["IpsecAuthAlg"]) == ("sha1", "sha1")
        assert len(end["TunnelIkeConfig"]["Psk"]) == 16
    assert [each["TunnelIkeConfig"]["IkeVersion"] for each in (second, first)] == ["ikev2", "ikev1"]
    assert (second["EnableDpd"], first["EnableDpd"]) == (True, False)
    assert (second["TunnelBgpConfig"]["PeerAsn"], first["TunnelBgpConfig"]["PeerAsn"]) == (65001, 65002)

    changed = cell.call(
        "ModifyVpnAttachmentAttribute",
        VpnConnectionId=connection,
        EnableTunnelsBgp=False,
        **{
            f"{SPEC}.1.TunnelIndex": 1,
            f"{SPEC}.1.TunnelIkeConfig.Psk": "first",
            f"{SPEC}.2.TunnelId": second["TunnelId"],
            f"{SPEC}.2.Role": "slave",
            f"{SPEC}.2.TunnelIkeConfig.Psk": "second",
        },
    )
    assert [(each["TunnelIndex"], each["TunnelIkeConfig"]["Psk"]) for each in changed[SPEC]] == [
        (2, "second"),
        (1, "first"),
    ]
    cell.call(
        "ModifyTunnelAttribute",
        VpnConnectionId=connection,
        TunnelId=first["TunnelId"],
        **{f"{SPEC}.TunnelIpsecConfig.IpsecPfs": "disabled"},
    )
    read = described(cell, connection)
    assert read["EnableTunnelsBgp"] is False
    assert [each["TunnelIpsecConfig"]["IpsecPfs"] for each in ends_of(read)] == ["group2", "disabled"]
    config = cell.call("DownloadVpnConnectionConfig", VpnConnectionId=connection)["VpnConnectionConfig"]
    assert [(each["Local"], each["Remote"]) for each in config["TunnelsConfig"]["TunnelConfig"]] == [
        ("203.0.113.7", ""),
        ("203.0.113.8", ""),
    ]
    assert cell.call("DescribeVpnConnectionLogs", VpnConnectionId=connection, MinutePeriod=1)["Count"] == 0


def test_roles_are_kept_as_they_are_given(cell: Cell) -> None:
    device = cell.customer_gateway()
    connection = attach(cell, **pair(device, device), **{f"{SPEC}.2.Role": "master"})
    assert [(each["TunnelIndex"], each["Role"]) for each in ends_of(described(cell, connection))] == [
        (1, "slave"),
        (2, "master"),
    ]


def test_it_is_listed_beside_connections_and_is_attached_to_nothing(cell: Cell) -> None:
    device = cell.customer_gateway()
    gateway = cell.gateway(cell.network())
    cell.until_status(gateway, "active")
    connection = cell.connection(gateway, device, device)
    first, second = attach(cell, CustomerGatewayId=device), attach(cell, **pair(device, device))

    def listed(**parameters: Any) -> list[tuple[str, str]]:
        answer = cell.call("DescribeVpnConnections", **parameters)
        found = answer["VpnConnections"]["VpnConnection"]
        assert answer["TotalCount"] == len(found)
        return [(each["VpnConnectionId"], each["AttachType"]) for each in found]

    attachments = [(second, "NO_ASSOCIATED"), (first, "NO_ASSOCIATED")]
    assert listed() == [*attachments, (connection, "VPNGW")]
    assert listed(CustomerGatewayId=device, ResourceGroupId=f"rg-{cell.account}") == listed()
    assert listed(VpnGatewayId=gateway) == [(connection, "VPNGW")]
    for wanted in ({}, {"VpnConnectionId": first}, {"AttachType": "CEN"}):
        answer = cell.call("DescribeVpnAttachments", **wanted)
        assert (answer["TotalCount"], answer["VpnAttachments"]) == (0, [])
    answer = cell.call("DescribeVpnCrossAccountAuthorizations", VpnConnectionId=first)
    assert (answer["TotalCount"], answer["CrossAccountAuthorizations"]) == (0, [])
    # each kind has its own operations
    for action, other in (
        ("DeleteVpnConnection", first),
        ("ModifyVpnConnectionAttribute", first),
        ("DeleteVpnAttachment", connection),
        ("ModifyVpnAttachmentAttribute", connection),
        ("DescribeVpnCrossAccountAuthorizations", connection),
    ):
        refused = cell.refusal(action, VpnConnectionId=other)
        assert (refused.status, refused.code) == NOT_FOUND
    route = {"VpnGatewayId": gateway, "RouteDest": "192.168.7.0/24", "Weight": 100, "PublishVpc": False}
    assert cell.refusal("CreateVpnRouteEntry", **route, NextHop=first).status == 404
    refused = cell.refusal("DeleteCustomerGateway", CustomerGatewayId=device)
    assert (refused.status, refused.code) == (400, "DependencyViolation.VpnConnection")
    other_account = cell.other()
    assert other_account.refusal("DeleteVpnAttachment", VpnConnectionId=first).status == 404
    # the key of a device with BGP changes nothing on any host
    cell.call("ModifyCustomerGatewayAttribute", CustomerGatewayId=device, AuthKey="new")
    cell.until_status(gateway, "active")


def test_tags_and_resource_group_are_its_own(cell: Cell) -> None:
    device = cell.customer_gateway()
    group = cell.call("CreateResourceGroup", version="2020-03-31", Name="branches", DisplayName="branches")
    group_id = group["ResourceGroup"]["Id"]
    connection = attach(
        cell,
        CustomerGatewayId=device,
        ResourceGroupId=group_id,
        **{"Tags.1.Key": "a", "Tags.1.Value": "b", "Tag.1.Key": "c", "Tag.1.Value": "d"},
    )
    told = described(cell, connection)
    assert told["ResourceGroupId"] == group_id
    assert told["Tags"]["Tag"] == [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}]
    named = {"ResourceId.1": connection, "ResourceType": "VpnAttachment"}
    listed = cell.call("ListTagResources", **named)["TagResources"]["TagResource"]
    assert {each["ResourceType"] for each in listed} == {"VPNATTACHMENT"}
    cell.call("UnTagResources", **named, **{"TagKey.1": "a"})
    cell.call("TagResources", **named, **{"Tag.1.Key": "e", "Tag.1.Value": "f"})
    assert cell.call("DescribeVpnConnections", **{"Tag.1.Key": "e"})["TotalCount"] == 1
    wrong = {**named, "ResourceType": "VpnConnection", "Tag.1.Key": "e"}
    assert cell.refusal("TagResources", **wrong).code == "InvalidInstanceIds.NotFound"
    assert cell.call("DescribeVpnConnections", ResourceGroupId=group_id)["TotalCount"] == 1
    refused = cell.refusal("DeleteResourceGroup", version="2020-03-31", ResourceGroupId=group_id)
    assert refused.code == "DeleteConflict.ResourceGroup.Resource"
    move = {"ResourceType": "VPNATTACHMENT", "InstanceId": connection}
    cell.call("MoveVpnResourceGroup", **move, NewResourceGroupId=f"rg-{cell.account}")
    assert cell.call("DescribeVpnConnections", ResourceGroupId=group_id)["TotalCount"] == 0
    assert described(cell, connection)["ResourceGroupId"] == f"rg-{cell.account}"
    cell.call("DeleteResourceGroup", version="2020-03-31", ResourceGroupId=group_id)


def test_the_quota_is_a_regions_and_one_token_makes_one(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell(quotas=Quotas(vpn_attachments=1))
    device = cell.customer_gateway()
    wanted = {**EVERYWHERE, "CustomerGatewayId": device, "ClientToken": "once"}
    made = [cell.call("CreateVpnAttachment", **wanted)["VpnConnectionId"] for _ in range(2)]
    assert made[0] == made[1]
    dry = cell.refusal("CreateVpnAttachment", **EVERYWHERE, CustomerGatewayId=device, DryRun=True)
    assert dry.code == "Resource.QuotaFull"
    cell.call("DeleteVpnAttachment", VpnConnectionId=made[0])
    dry = cell.refusal("CreateVpnAttachment", **EVERYWHERE, CustomerGatewayId=device, DryRun=True)
    assert (dry.status, dry.code) == (400, "DryRunOperation")
    assert cell.call("DescribeVpnConnections")["TotalCount"] == 0


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"CustomerGatewayId": None}, "MissingCustomerGatewayId"),
    ({"CustomerGatewayId": "cgw-bp1unknown"}, "InvalidCustomerGatewayInstanceId.NotFound"),
    ({"LocalSubnet": None}, "MissingLocalSubnet"),
    ({"LocalSubnet": "10.0.0.0/33"}, "IllegalParam.LocalSubnet"),
    ({"RemoteSubnet": "100.64.0.0/10"}, "IllegalParam.RemoteSubnet"),
    ({"Name": "x" * 101}, "InvalidName"),
    ({"NetworkType": "both"}, "InvalidParameter"),
    ({"TunnelBandwidth": "Huge"}, "InvalidParameter"),
    ({"BgpConfig": '{"EnableBgp": true, "TunnelCidr": "169.254.11.0/30"}'}, "InvalidParameter"),
    ({"HealthCheckConfig": '{"enable": true}'}, "MissingHealthCheckConfigDip"),
    ({"ResourceGroupId": "rg-unknown"}, "InvalidResourceGroupId"),
    ({"Tags.1.Key": "a", "Tag.1.Key": "a"}, "Duplicated.TagKey"),
    # flat and in two tunnels at once
    (pair("cgw-a", "cgw-b"), "InvalidParameter"),
    ({"CustomerGatewayId": None, **pair("cgw-a")}, "InvalidParameter"),
    (
        {"CustomerGatewayId": None, f"{SPEC}.1.Role": "master", f"{SPEC}.2.Role": "slave"},
        "MissingTunnelOptionsSpecificationCustomerGatewayId",
    ),
    ({"CustomerGatewayId": None, **pair("cgw-a", "cgw-b", TunnelIndex=1)}, "InvalidParameter"),
    ({"CustomerGatewayId": None, **pair("cgw-a", "cgw-b", Role="slave")}, "InvalidParameter"),
    ({"CustomerGatewayId": None, **pair("cgw-a", "cgw-b", TunnelIndex=3)}, "InvalidParameter"),
)


def test_what_is_wrong_with_a_new_one(cell: Cell) -> None:
    device = cell.customer_gateway()
    for changes, code in WRONG:
        refused = cell.refusal("CreateVpnAttachment", **{**EVERYWHERE, "CustomerGatewayId": device, **changes})
        assert refused.code == code, changes
    assert cell.call("DescribeVpnConnections")["TotalCount"] == 0


def test_what_is_wrong_with_a_change(cell: Cell) -> None:
    device = cell.customer_gateway()
    one, two = attach(cell, CustomerGatewayId=device), attach(cell, **pair(device, device))
    for connection, changes, code in (
        (one, {"Name": "x" * 101}, "InvalidName"),
        (one, {"LocalSubnet": "nonsense"}, "IllegalParam.LocalSubnet"),
        (one, {"CustomerGatewayId": "cgw-bp1unknown"}, "InvalidCustomerGatewayInstanceId.NotFound"),
        (one, {f"{SPEC}.1.TunnelIndex": 1, f"{SPEC}.2.TunnelIndex": 2}, "InvalidParameter"),
        (two, {"CustomerGatewayId": device}, "InvalidParameter"),
        (two, {"EnableTunnelsBgp": True}, "InvalidParameter"),
        (two, {f"{SPEC}.1.TunnelIndex": 1, f"{SPEC}.2.TunnelIndex": 1}, "InvalidParameter"),
        (two, {f"{SPEC}.1.TunnelId": "tun-unknown", f"{SPEC}.2.TunnelIndex": 1}, "InvalidParameter"),
    ):
        refused = cell.refusal("ModifyVpnAttachmentAttribute", VpnConnectionId=connection, **changes)
        assert refused.code == code, changes
