"""The VPN gateway operations against the documentation of CreateVpnGateway and its family."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from gatewright.operations.call import Quotas
from gatewright.resources.specs import InstanceSpec, ItemKey, Kind
from gatewright.store import capacities
from gatewright.store.transaction import Transaction
from tests.support.cell import Cell

Network = tuple[str, str, str]


def order(network: Network, **changes: Any) -> dict[str, Any]:
    vpc, first, second = network
    return {
        "VpcId": vpc,
        "VSwitchId": first,
        "DisasterRecoveryVSwitchId": second,
        "Bandwidth": 10,
        **changes,
    }


def test_a_gateway_comes_up_is_changed_and_goes_away(cell: Cell) -> None:
    network = cell.network()
    made = cell.call("CreateVpnGateway", **order(network, Name="edge-1"))
    assert made["Name"] == "edge-1"
    assert isinstance(made["OrderId"], int)
    gateway = made["VpnGatewayId"]
    assert gateway.startswith("vpn-bp1")
    described = cell.until_status(gateway, "active")
    assert described["Spec"] == "10M"
    assert described["ChargeType"] == "PostpayByFlow"
    assert (described["IpsecVpn"], described["SslVpn"]) == ("enable", "disable")
    assert described["CreateTime"] == cell.clock.now()
    assert described["InternetIp"] != described["DisasterRecoveryInternetIp"]
    assert "EndTime" not in described
    changed = cell.call("ModifyVpnGatewayAttribute", VpnGatewayId=gateway, Name="edge-2", AutoPropagate=True)
    assert (changed["Name"], changed["AutoPropagate"]) == ("edge-2", True)
    assert changed["IntranetIp"] == "10.0.0.1"
    assert cell.until_status(gateway, "active")["AutoPropagate"] is True
    spec = cell.plane.items[ItemKey(Kind.INSTANCE, f"{gateway}-1")]
    assert isinstance(spec, InstanceSpec)
    assert spec.auto_propagate
    assert spec.public is not None
    assert spec.public.addresses == (described["InternetIp"],)
    cell.call("DeleteVpnGateway", VpnGatewayId=gateway)
    cell.until_gone(gateway)
    assert not any(key.kind is Kind.INSTANCE for key in cell.plane.items)
    vpc, first, second = network
    assert cell.call("DescribeVSwitchAttributes", VSwitchId=first)["AvailableIpAddressCount"] == 252
    for vswitch in (first, second):
        cell.call("DeleteVSwitch", VSwitchId=vswitch)
    cell.call("DeleteVpc", VpcId=vpc)
    assert cell.call("DescribeVpcs")["TotalCount"] == 0


def test_statuses_follow_what_the_plane_has_really_done(make_cell: Callable[..., Cell]) -> None:
    doors = {kind: asyncio.Event() for kind in Kind}

    async def before(key: ItemKey) -> None:
        await doors[key.kind].wait()

    cell = make_cell(before=before)

    def open_door(kind: Kind, *, opened: bool = True) -> None:
        async def turn() -> None:
            doors[kind].set() if opened else doors[kind].clear()

        cell.run(turn())

    network = cell.network()
    assert cell.call("DescribeVSwitchAttributes", VSwitchId=network[1])["Status"] == "Pending"
    open_door(Kind.VSWITCH)
    cell.until("DescribeVSwitchAttributes", lambda answer: answer["Status"] == "Available", VSwitchId=network[1])
    gateway = cell.gateway(network)
    cell.until_status(gateway, "provisioning")
    open_door(Kind.INSTANCE)
    cell.until_status(gateway, "active")
    open_door(Kind.INSTANCE, opened=False)
    changed = cell.call("ModifyVpnGatewayAttribute", VpnGatewayId=gateway, AutoPropagate=True)
    assert changed["Status"] == "updating"
    assert cell.call("DescribeVpnGateways", Status="updating")["TotalCount"] == 1
    open_door(Kind.INSTANCE)
    cell.until_status(gateway, "active")
    open_door(Kind.INSTANCE, opened=False)
    cell.call("DeleteVpnGateway", VpnGatewayId=gateway)
    assert cell.call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"] == "deleting"
    assert cell.refusal("ModifyVpnGatewayAttribute", VpnGatewayId=gateway, Name="late").code == "VpnGateway.Configuring"
    cell.call("DeleteVpnGateway", VpnGatewayId=gateway)
    assert cell.refusal("DeleteVSwitch", VSwitchId=network[1]).code == "DependencyViolation"
    open_door(Kind.INSTANCE)
    cell.until_gone(gateway)


def test_a_gateway_without_an_agent_stays_init(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell(with_agent=False)
    gateway = cell.gateway(cell.network())
    assert cell.call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"] == "init"


def test_an_instance_that_breaks_is_made_again(cell: Cell) -> None:
    gateway = cell.gateway(cell.network())
    cell.until_status(gateway, "active")
    key = ItemKey(Kind.INSTANCE, f"{gateway}-2")

    async def lose() -> None:
        cell.plane.lose(key, "killed by the test")

    cell.run(lose())
    cell.until("DescribeVpnGateway", lambda _: key in cell.plane.items, VpnGatewayId=gateway)
    cell.until_status(gateway, "active")


def test_a_name_alone_leaves_the_gateway_active(cell: Cell) -> None:
    gateway = cell.gateway(cell.network())
    cell.until_status(gateway, "active")
    changed = cell.call("ModifyVpnGatewayAttribute", VpnGatewayId=gateway, Name="other", Description="d")
    assert (changed["Status"], changed["Name"], changed["Description"]) == ("active", "other", "d")


def test_the_default_name_is_the_id(cell: Cell) -> None:
    answer = cell.call("CreateVpnGateway", **order(cell.network()))
    assert answer["Name"] == answer["VpnGatewayId"]


@pytest.mark.parametrize("name", ["RegionId", "VpcId", "Bandwidth", "VSwitchId", "DisasterRecoveryVSwitchId"])
def test_what_is_missing_is_named(cell: Cell, name: str) -> None:
    refused = cell.refusal("CreateVpnGateway", **order(cell.network(), **{name: None}))
    assert (refused.status, refused.code) == (400, f"Missing{name}")
    assert refused.message == f"{name} is mandatory for this action."


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"NetworkType": "both"}, "NetworkType"),
        ({"VpnType": "Best"}, "VpnType"),
        ({"Bandwidth": "ten"}, "Bandwidth"),
        ({"Bandwidth": "10.0"}, "Bandwidth"),
        ({"Bandwidth": "1e1"}, "Bandwidth"),
        ({"Bandwidth": "9" * 30}, "Bandwidth"),
        ({"EnableSsl": "yes"}, "EnableSsl"),
        ({"EnableSsl": True, "SslConnections": 7}, "SslConnections"),
        ({"ClientToken": "t" * 65}, "ClientToken"),
        ({"ClientToken": "tökén"}, "ClientToken"),
    ],
)
def test_a_value_that_no_row_is_for_is_an_invalid_parameter(cell: Cell, changes: dict[str, Any], named: str) -> None:
    network = cell.network()
    refused = cell.refusal("CreateVpnGateway", **order(network, **changes))
    assert (refused.status, refused.code) == (400, "InvalidParameter")
    assert refused.message == f'The specified parameter "{named}" is not valid.'
    assert refused.detail.startswith(f"{named} ")
    assert cell.call("DescribeVpnGateways")["TotalCount"] == 0
    assert cell.call("DescribeVSwitchAttributes", VSwitchId=network[1])["AvailableIpAddressCount"] == 252


def test_one_vswitch_twice_serves_where_the_region_has_one_zone(cell: Cell) -> None:
    cell.region = "cn-nanjing"
    vpc = cell.call("CreateVpc")["VpcId"]
    vswitch = cell.call("CreateVSwitch", VpcId=vpc, ZoneId="cn-nanjing-a", CidrBlock="172.16.0.0/24")["VSwitchId"]
    gateway = cell.gateway((vpc, vswitch, vswitch))
    cell.until_status(gateway, "active")
    assert cell.call("DescribeVSwitchAttributes", VSwitchId=vswitch)["AvailableIpAddressCount"] == 250


def test_a_single_tunnel_region_picks_a_vswitch_by_itself(cell: Cell) -> None:
    cell.region = "ap-south-1"
    vpc = cell.call("CreateVpc")["VpcId"]
    assert cell.refusal("CreateVpnGateway", VpcId=vpc, Bandwidth=10).code == "InvalidVSwitchId.NotFound"
    vswitch = cell.call("CreateVSwitch", VpcId=vpc, ZoneId="ap-south-1a", CidrBlock="172.16.0.0/24")["VSwitchId"]
    gateway = cell.call("CreateVpnGateway", VpcId=vpc, Bandwidth=10)["VpnGatewayId"]
    described = cell.until_status(gateway, "active")
    assert described["VSwitchId"] == vswitch
    assert "DisasterRecoveryVSwitchId" not in described
    assert "DisasterRecoveryInternetIp" not in described
    cell.call("DeleteVpnGateway", VpnGatewayId=gateway)
    cell.until_gone(gateway)


def test_ssl_has_an_address_of_its_own_on_two_tunnels(cell: Cell) -> None:
    gateway = cell.gateway(cell.network(), EnableSsl=True, SslConnections=20)
    described = cell.until_status(gateway, "active")
    assert (described["SslVpn"], described["SslMaxConnections"]) == ("enable", 20)
    addresses = {described[name] for name in ("InternetIp", "DisasterRecoveryInternetIp", "SslVpnInternetIp")}
    assert len(addresses) == 3


def test_ssl_connections_default_to_five(cell: Cell) -> None:
    gateway = cell.gateway(cell.network(), EnableSsl=True, EnableIpsec=False)
    described = cell.until_status(gateway, "active")
    assert (described["IpsecVpn"], described["SslMaxConnections"]) == ("disable", 5)


def test_a_private_gateway_has_private_addresses_only(cell: Cell) -> None:
    gateway = cell.gateway(cell.network(), NetworkType="private", Bandwidth=200)
    described = cell.until_status(gateway, "active")
    assert (described["InternetIp"], described["DisasterRecoveryInternetIp"]) == ("10.0.0.1", "10.1.0.1")
    spec = cell.plane.items[ItemKey(Kind.INSTANCE, f"{gateway}-1")]
    assert isinstance(spec, InstanceSpec)
    assert spec.public is None


def test_a_subscription_ends_after_its_months_and_is_not_deleted_before(cell: Cell) -> None:
    gateway = cell.gateway(cell.network(), InstanceChargeType="PREPAY", Period=1, AutoPay=True)
    described = cell.until_status(gateway, "active")
    assert described["ChargeType"] == "Prepay"
    assert 28 * 86_400_000 <= described["EndTime"] - described["CreateTime"] <= 31 * 86_400_000
    refused = cell.refusal("DeleteVpnGateway", VpnGatewayId=gateway)
    assert (refused.status, refused.code) == (403, "ForbiddenRelease")
    cell.clock.advance(32 * 86_400)
    cell.call("DeleteVpnGateway", VpnGatewayId=gateway)
    cell.until_gone(gateway)


def test_the_quota_counts_every_region_and_frees_what_is_gone(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell(quotas=Quotas(vpn_gateways=2))
    network = cell.network()
    first = cell.gateway(network)
    cell.gateway(network)
    refused = cell.refusal("CreateVpnGateway", **order(network))
    assert (refused.code, refused.message) == ("Resource.QuotaFull", "The quota of resource is full")
    cell.until_status(first, "active")
    cell.call("DeleteVpnGateway", VpnGatewayId=first)
    cell.until_gone(first)
    cell.gateway(network)


def test_an_exhausted_public_pool_is_no_inventory(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell(public_pool="198.51.100.0/29")
    network = cell.network()
    first = cell.gateway(network)
    cell.gateway(network)
    refused = cell.refusal("CreateVpnGateway", **order(network))
    assert (refused.code, refused.message) == ("InventoryNotEnough", "The inventory is not enough.")
    cell.until_status(first, "active")
    cell.call("DeleteVpnGateway", VpnGatewayId=first)
    cell.until_gone(first)
    cell.gateway(network)


def test_pages_are_newest_first_and_complete(cell: Cell) -> None:
    network = cell.network()
    made = []
    for _ in range(12):
        cell.clock.advance(1)
        made.append(cell.gateway(network))
    pages = [cell.call("DescribeVpnGateways", PageNumber=number, PageSize=5) for number in (1, 2, 3, 4)]
    assert [page["TotalCount"] for page in pages] == [12, 12, 12, 12]
    listed = [item["VpnGatewayId"] for page in pages for item in page["VpnGateways"]["VpnGateway"]]
    assert listed == made[::-1]
    assert cell.call("DescribeVpnGateways", VpcId=network[0], PageSize=50)["TotalCount"] == 12
    assert cell.call("DescribeVpnGateways", VpcId="vpc-other")["TotalCount"] == 0
    assert cell.call("DescribeVpnGateways", VpnGatewayId=made[3])["TotalCount"] == 1
    assert cell.call("DescribeVpnGateways", BusinessStatus="FinancialLocked")["TotalCount"] == 0
    assert cell.call("DescribeVpnGateways", RegionId="cn-beijing")["TotalCount"] == 0
    assert cell.refusal("DescribeVpnGateways", PageSize=51).code == "InvalidParameter"
    assert cell.refusal("DescribeVpnGateways", PageNumber=0).code == "InvalidParameter"


def test_a_gateway_of_another_region_is_not_found(cell: Cell) -> None:
    gateway = cell.gateway(cell.network())
    refused = cell.refusal("DescribeVpnGateway", VpnGatewayId=gateway, RegionId="cn-beijing")
    assert (refused.status, refused.code) == (404, "InvalidVpnGatewayInstanceId.NotFound")
    assert cell.refusal("DeleteVpnGateway", VpnGatewayId=gateway, RegionId="cn-beijing").status == 404


def test_the_zones_for_gateways_are_told_without_those_that_are_full(cell: Cell) -> None:
    def zones(**parameters: Any) -> list[str]:
        answer = cell.call("DescribeVpnGatewayAvailableZones", **parameters)
        assert answer["RegionId"] == parameters.get("RegionId", "cn-hangzhou")
        assert all(zone["ZoneName"] for zone in answer["AvailableZoneIdList"])
        return [zone["ZoneId"].removeprefix("cn-hangzhou-") for zone in answer["AvailableZoneIdList"]]

    assert zones() == zones(Spec="5M") == zones(Spec="1000M", AcceptLanguage="zh-CN") == ["k", "j", "i", "h", "g"]
    assert zones(RegionId="cn-nanjing") == ["cn-nanjing-a"]
    assert cell.refusal("DescribeVpnGatewayAvailableZones", Spec="7M").code == "InvalidParameter"
    network = cell.network()

    def one_instance(transaction: Transaction) -> None:
        capacities.put(transaction, "cn-hangzhou", "cn-hangzhou-j", 1)

    cell.run(cell.database.write(one_instance))
    assert "j" in zones()
    gateway = cell.gateway(network)
    assert zones() == ["k", "i", "h", "g"]
    cell.until_status(gateway, "active")
    cell.call("DeleteVpnGateway", VpnGatewayId=gateway)
    cell.until_gone(gateway)
    assert "j" in zones()


def test_a_region_with_one_zone_needs_room_for_both_instances_there(cell: Cell) -> None:
    for room, listed in ((1, []), (2, ["cn-nanjing-a"])):
        bound = partial(capacities.put, region_id="cn-nanjing", zone_id="cn-nanjing-a", most=room)
        cell.run(cell.database.write(bound))
        answer = cell.call("DescribeVpnGatewayAvailableZones", RegionId="cn-nanjing")
        assert [zone["ZoneId"] for zone in answer["AvailableZoneIdList"]] == listed


def test_listings_are_filtered_by_everything_documented(cell: Cell) -> None:
    network, other = cell.network(), cell.network()
    first, second = cell.gateway(network), cell.gateway(other)
    for gateway in (first, second):
        cell.until_status(gateway, "active")

    def found(**parameters: Any) -> list[str]:
        answer = cell.call("DescribeVpnGateways", **parameters)
        listed = [gateway["VpnGatewayId"] for gateway in answer["VpnGateways"]["VpnGateway"]]
        assert answer["TotalCount"] == len(listed)
        return listed

    assert found(VpcId=other[0]) == found(VpcId=other[0], Status="active", VpnGatewayId=second) == [second]
    assert found(VpcId=other[0], VpnGatewayId=first) == found(Status="deleting") == []
    assert sorted(found(BusinessStatus="Normal", GatewayType="Traditional")) == sorted((first, second))
    assert found(BusinessStatus="FinancialLocked") == found(GatewayType="Enhanced.SiteToSite") == []
    assert cell.refusal("DescribeVpnGateways", Status="broken").code == "InvalidParameter"


def test_a_single_tunnel_region_picks_no_vswitch_that_a_gateway_cannot_be_in(cell: Cell) -> None:
    cell.region = "ap-south-1"
    vpc = cell.call("CreateVpc", CidrBlock="100.0.0.0/8")["VpcId"]
    _, second = (
        cell.call("CreateVSwitch", VpcId=vpc, ZoneId="ap-south-1a", CidrBlock=cidr)["VSwitchId"]
        for cidr in ("100.64.0.0/24", "100.0.1.0/24")
    )
    gateway = cell.call("CreateVpnGateway", VpcId=vpc, Bandwidth=10)["VpnGatewayId"]
    assert cell.call("DescribeVpnGateway", VpnGatewayId=gateway)["VSwitchId"] == second


def test_a_single_tunnel_region_picks_a_zone_with_room(cell: Cell) -> None:
    cell.region = "ap-south-1"
    vpc = cell.call("CreateVpc")["VpcId"]
    first, second = (
        cell.call("CreateVSwitch", VpcId=vpc, ZoneId=f"ap-south-1{zone}", CidrBlock=cidr)["VSwitchId"]
        for zone, cidr in (("a", "172.16.0.0/24"), ("b", "172.16.1.0/24"))
    )

    def full(transaction: Transaction) -> None:
        capacities.put(transaction, "ap-south-1", "ap-south-1a", 0)

    cell.run(cell.database.write(full))
    gateway = cell.call("CreateVpnGateway", VpcId=vpc, Bandwidth=10)["VpnGatewayId"]
    assert cell.call("DescribeVpnGateway", VpnGatewayId=gateway)["VSwitchId"] == second
    refused = cell.refusal("CreateVpnGateway", VpcId=vpc, Bandwidth=10, VSwitchId=first)
    assert refused.code == "OperationFailed.InventoryNotEnough"
