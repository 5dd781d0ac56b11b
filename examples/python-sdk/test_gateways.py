"""What becomes of an order: ``gatewright`` is a service without anything in it, for each test."""

from __future__ import annotations

import pytest
from alibabacloud_tea_openapi.models import Config
from alibabacloud_vpc20160428 import models
from alibabacloud_vpc20160428.client import Client
from gateways import NoRoom, order_gateway, wait_until_active

from gatewright.testing import Server


@pytest.fixture
def client(gatewright: Server) -> Client:
    return Client(
        Config(
            access_key_id=gatewright.access_key_id,
            access_key_secret=gatewright.access_key_secret,
            endpoint=gatewright.address,
            protocol="HTTP",
            region_id=gatewright.region,
        )
    )


@pytest.fixture
def vswitches(gatewright: Server, client: Client) -> tuple[str, str]:
    region = gatewright.region
    vpc = client.create_vpc(models.CreateVpcRequest(region_id=region, cidr_block="10.0.0.0/8")).body.vpc_id
    first, second = (
        client.create_vswitch(
            models.CreateVSwitchRequest(region_id=region, vpc_id=vpc, zone_id=f"{region}-{zone}", cidr_block=cidr)
        ).body.v_switch_id
        for zone, cidr in (("k", "10.1.0.0/24"), ("j", "10.2.0.0/24"))
    )
    return first, second


def test_a_gateway_that_takes_five_minutes(gatewright: Server, client: Client, vswitches: tuple[str, str]) -> None:
    gatewright.control.delays.set(provisioning=300)
    gateway = order_gateway(client, gatewright.region, "slow", vswitches)
    # who waits five seconds lets five seconds pass in the service: the test takes none
    described = wait_until_active(client, gatewright.region, gateway, sleep=gatewright.control.clock.advance)
    assert described.name == "slow"
    # every five seconds of 300, less what the machine itself has taken
    assert 30 < len(gatewright.control.calls.all("DescribeVpnGateway")) <= 61


def test_a_gateway_that_never_comes(gatewright: Server, client: Client, vswitches: tuple[str, str]) -> None:
    gatewright.control.delays.set(provisioning=3600)
    gateway = order_gateway(client, gatewright.region, "never", vswitches)
    with pytest.raises(TimeoutError, match="is provisioning after 60 s"):
        wait_until_active(client, gatewright.region, gateway, timeout=60, sleep=gatewright.control.clock.advance)


def test_an_answer_that_is_lost_orders_one_gateway(
    gatewright: Server, client: Client, vswitches: tuple[str, str]
) -> None:
    gatewright.control.faults.add("CreateVpnGateway", drop=True, when="after", count=1)
    with pytest.raises(Exception, match=r"(?i)connection"):
        order_gateway(client, gatewright.region, "once", vswitches)
    gateway = order_gateway(client, gatewright.region, "once", vswitches)
    request = models.DescribeVpnGatewaysRequest(region_id=gatewright.region)
    there = client.describe_vpn_gateways(request).body.vpn_gateways.vpn_gateway
    assert [each.vpn_gateway_id for each in there] == [gateway]


def test_a_full_zone(gatewright: Server, client: Client, vswitches: tuple[str, str]) -> None:
    gatewright.control.capacity.set(f"{gatewright.region}-j", 0)
    with pytest.raises(NoRoom, match=r"^too-many: "):
        order_gateway(client, gatewright.region, "too-many", vswitches)


def test_calls_that_are_throttled_are_made_again(
    gatewright: Server, client: Client, vswitches: tuple[str, str]
) -> None:
    gateway = order_gateway(client, gatewright.region, "busy", vswitches)
    gatewright.control.faults.add("DescribeVpnGateway", status=400, code="Throttling.User", calls=[1, 2])
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        gatewright.control.clock.advance(seconds)

    wait_until_active(client, gatewright.region, gateway, sleep=sleep)
    assert waited == [1.0, 2.0]
