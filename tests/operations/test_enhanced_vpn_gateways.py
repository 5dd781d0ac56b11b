"""Enhanced VPN gateways against the documentation of CreateEnhancedVpnGateway and its family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gatewright.operations.call import Quotas
from gatewright.resources.specs import InstanceSpec, ItemKey, Kind
from tests.support.cell import Cell

Network = tuple[str, str, str]


def order(network: Network, **changes: Any) -> dict[str, Any]:
    vpc, first, second = network
    wanted = {"VpcId": vpc, "VSwitchId": first, "DisasterRecoveryVSwitchId": second}
    return {**wanted, "GatewayType": "Enhanced.SiteToSite", **changes}


def enhanced(cell: Cell, network: Network) -> str:
    made = cell.call("CreateEnhancedVpnGateway", **order(network))
    gateway: str = made["VpnGatewayId"]
    assert made.keys() == {"RequestId", "VpnGatewayId", "Name"}
    assert made["Name"] == gateway
    cell.until_status(gateway, "active")
    return gateway


def test_an_enhanced_gateway_is_built_changed_and_removed(cell: Cell) -> None:
    network = cell.network()
    made = cell.call("CreateEnhancedVpnGateway", **order(network, Name="edge"))
    gateway = made["VpnGatewayId"]
    cell.call(
        "TagResources", ResourceType="VpnGateWay", **{"ResourceId.1": gateway, "Tag.1.Key": "a", "Tag.1.Value": "b"}
    )
    told = cell.until_status(gateway, "active")
    assert (told["Name"], told["GatewayType"], told["VpnType"]) == ("edge", "Enhanced.SiteToSite", "Normal")
    assert (told["IpsecVpn"], told["SslVpn"], told["SslMaxConnections"]) == ("enable", "disable", 0)
    assert (told["Spec"], told["ChargeType"], told["NetworkType"]) == ("1000M", "PostpayByFlow", "public")
    assert (told["VSwitchId"], told["DisasterRecoveryVSwitchId"]) == network[1:]
    assert told["InternetIp"] != told["DisasterRecoveryInternetIp"]
    assert "SslVpnInternetIp" not in told
    for number, address in ((1, told["InternetIp"]), (2, told["DisasterRecoveryInternetIp"])):
        spec = cell.plane.items[ItemKey(Kind.INSTANCE, f"{gateway}-{number}")]
        assert isinstance(spec, InstanceSpec)
        assert spec.public is not None
        assert spec.public.addresses == (address,)

    changed = cell.call(
        "UpdateEnhancedVpnGateway", VpnGatewayId=gateway, Name="core", Description="d", AutoPropagate=True
    )
    assert changed["Status"] == "updating"
    read = cell.until_status(gateway, "active")
    same = changed.keys() - {"RequestId", "Status"}
    assert {name: changed[name] for name in same} == {name: read[name] for name in same}
    assert same == {
        *("VpnGatewayId", "Name", "Description", "GatewayType", "NetworkType", "VpnType", "VpcId", "VSwitchId"),
        *("DisasterRecoveryVSwitchId", "EnableBgp", "AutoPropagate", "CreateTime", "ResourceGroupId"),
        *("EniInstanceIds", "Tag", "Tags"),
    }
    assert (read["Name"], read["Description"], read["AutoPropagate"]) == ("core", "d", True)
    assert read["Tags"] == {"Tag": [{"Key": "a", "Value": "b"}]}

    assert cell.call("DeleteEnhancedVpnGateway", VpnGatewayId=gateway).keys() == {"RequestId"}
    cell.until_gone(gateway)
    assert not any(key.kind is Kind.INSTANCE for key in cell.plane.items)
    assert cell.call("DescribeVSwitchAttributes", VSwitchId=network[1])["AvailableIpAddressCount"] == 252
    for action in ("UpdateEnhancedVpnGateway", "DeleteEnhancedVpnGateway"):
        assert cell.refusal(action, VpnGatewayId=gateway).code == "InvalidVpnGatewayInstanceId.NotFound"


def test_the_two_kinds_are_told_apart(cell: Cell) -> None:
    network = cell.network()
    other, traditional = enhanced(cell, network), cell.gateway(network)
    cell.until_status(traditional, "active")

    def found(kind: str) -> list[str]:
        answer = cell.call("DescribeVpnGateways", GatewayType=kind)
        assert answer["TotalCount"] == 1
        return [each["VpnGatewayId"] for each in answer["VpnGateways"]["VpnGateway"]]

    assert found("Enhanced.SiteToSite") == [other]
    assert found("Traditional") == [traditional]
    assert cell.call("DescribeVpnGateways")["TotalCount"] == 2
    for action in ("UpdateEnhancedVpnGateway", "DeleteEnhancedVpnGateway"):
        refused = cell.refusal(action, VpnGatewayId=traditional)
        assert (refused.status, refused.code) == (404, "InvalidVpnGatewayInstanceId.NotFound")
    # what changes and deletes any gateway does so with an enhanced one
    assert cell.call("ModifyVpnGatewayAttribute", VpnGatewayId=other, Name="both")["Name"] == "both"
    cell.call("DeleteVpnGateway", VpnGatewayId=other)
    cell.until_gone(other)


def test_it_takes_connections_with_two_tunnels_and_is_not_deleted_before_them(cell: Cell) -> None:
    gateway = enhanced(cell, cell.network())
    device = cell.customer_gateway()
    connection = cell.connection(gateway, device, device)
    cell.until_status(gateway, "active")
    refused = cell.refusal("DeleteEnhancedVpnGateway", VpnGatewayId=gateway)
    assert (refused.status, refused.code) == (400, "DependencyViolation.VpnConnection")
    cell.call("DeleteVpnConnection", VpnConnectionId=connection)
    cell.until_status(gateway, "active")
    cell.call("DeleteEnhancedVpnGateway", VpnGatewayId=gateway)
    # again meanwhile, as DeleteVpnGateway; changes come too late
    cell.call("DeleteEnhancedVpnGateway", VpnGatewayId=gateway)
    cell.until_gone(gateway)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"VSwitchId": None}, 400, "MissingVSwitchId"),
        ({"DisasterRecoveryVSwitchId": None}, 400, "MissingDisasterRecoveryVSwitchId"),
        ({"GatewayType": None}, 400, "MissingGatewayType"),
        ({"GatewayType": "Traditional"}, 400, "InvalidParameter"),
        ({"NetworkType": "private"}, 400, "InvalidParameter"),
        ({"VpnType": "NationalStandard"}, 400, "InvalidParameter"),
        ({"Name": "1st"}, 400, "InvalidName"),
        ({"VpcId": "vpc-bp1unknown"}, 400, "InvalidVpcId.NotFound"),
        ({"VSwitchId": "vsw-bp1unknown"}, 400, "InvalidVSwitchId.NotFound"),
        ({"ResourceGroupId": "rg-unknown"}, 400, "InvalidResourceGroupId"),
    ],
)
def test_what_is_wrong_with_an_order(cell: Cell, changes: dict[str, Any], status: int, code: str) -> None:
    refused = cell.refusal("CreateEnhancedVpnGateway", **order(cell.network(), **changes))
    assert (refused.status, refused.code) == (status, code)


def test_what_is_wrong_with_a_change(cell: Cell) -> None:
    gateway = enhanced(cell, cell.network())
    for changes, code in (({"Name": "1st"}, "InvalidName"), ({"Description": "x" * 101}, "InvalidDescription")):
        assert cell.refusal("UpdateEnhancedVpnGateway", VpnGatewayId=gateway, **changes).code == code
    assert cell.other().refusal("UpdateEnhancedVpnGateway", VpnGatewayId=gateway).status == 404


def test_zones_are_those_of_regions_with_two_tunnels(cell: Cell) -> None:
    def zones(region: str, **parameters: str) -> list[str]:
        answer = cell.call("DescribeVpnGatewayAvailableZones", RegionId=region, **parameters)
        return [zone["ZoneId"] for zone in answer["AvailableZoneIdList"]]

    assert zones("cn-hangzhou", GatewayType="Enhanced.SiteToSite") == zones("cn-hangzhou") != []
    assert zones("ap-south-1", GatewayType="Enhanced.SiteToSite") == []
    cell.region = "ap-south-1"
    vpc = cell.call("CreateVpc")["VpcId"]
    refused = cell.refusal("CreateEnhancedVpnGateway", **order((vpc, "vsw-a", "vsw-b")))
    assert refused.code == "OperationFailed.AzNotSupport"


def test_both_kinds_have_one_quota_and_one_token_makes_one_gateway(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell(quotas=Quotas(vpn_gateways=2))
    network = cell.network()
    wanted = order(network, ClientToken="once")
    made = [cell.call("CreateEnhancedVpnGateway", **wanted)["VpnGatewayId"] for _ in range(2)]
    assert made[0] == made[1]
    cell.gateway(network)
    assert cell.refusal("CreateEnhancedVpnGateway", **order(network)).code == "Resource.QuotaFull"
