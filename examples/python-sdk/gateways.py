"""Order a VPN gateway in two zones with the Alibaba Cloud SDK."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_vpc20160428 import models
from alibabacloud_vpc20160428.client import Client

#: How long a call that is throttled waits until it is made again, seconds.
WAITS = (1.0, 2.0, 4.0, 8.0)


class NoRoom(Exception):
    """There is no room for a gateway in these zones."""


def order_gateway(client: Client, region: str, name: str, vswitches: tuple[str, str]) -> str:
    """Order a gateway with a half in each of two vSwitches. Returns its id. Raises NoRoom.

    The same name gives the same gateway, also when the first order's answer was lost: the token tells the API that it
    is one order.
    """
    vpc = client.describe_vswitch_attributes(
        models.DescribeVSwitchAttributesRequest(region_id=region, v_switch_id=vswitches[0])
    ).body.vpc_id
    request = models.CreateVpnGatewayRequest(
        region_id=region,
        vpc_id=vpc,
        v_switch_id=vswitches[0],
        disaster_recovery_vswitch_id=vswitches[1],
        name=name,
        bandwidth=10,
        client_token=f"{vpc}-{name}",
    )
    try:
        return client.create_vpn_gateway(request).body.vpn_gateway_id
    except AlibabaCloudException as error:
        if error.code in ("InventoryNotEnough", "OperationFailed.InventoryNotEnough"):
            raise NoRoom(f"{name}: {error.message}") from error
        raise


def wait_until_active(
    client: Client,
    region: str,
    gateway: str,
    *,
    timeout: float = 900.0,
    sleep: Callable[[float], None] = time.sleep,
) -> models.DescribeVpnGatewayResponseBody:
    """Ask every five seconds until a gateway is up. Raises TimeoutError."""
    request = models.DescribeVpnGatewayRequest(region_id=region, vpn_gateway_id=gateway)
    for _ in range(int(timeout / 5)):
        described = _patiently(lambda: client.describe_vpn_gateway(request).body, sleep)
        if described.status == "active":
            return described
        sleep(5)
    raise TimeoutError(f"{gateway} is {described.status} after {timeout:.0f} s")


def _patiently(
    ask: Callable[[], models.DescribeVpnGatewayResponseBody], sleep: Callable[[float], None]
) -> models.DescribeVpnGatewayResponseBody:
    waits: Iterator[float] = iter(WAITS)
    while True:
        try:
            return ask()
        except AlibabaCloudException as error:
            wait = next(waits, None)
            if wait is None or not str(error.code).startswith("Throttling"):
                raise
            sleep(wait)
