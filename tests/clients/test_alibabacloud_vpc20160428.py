"""``alibabacloud_vpc20160428``, the SDK that is generated today: signature V3, and V1 when it is told so."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException, ThrottlingException
from alibabacloud_tea_openapi.models import Config
from alibabacloud_vpc20160428 import models
from alibabacloud_vpc20160428.client import Client

from tests.clients import journey
from tests.clients.journey import REGION, UNKNOWN_GATEWAY, Failure
from tests.support.service import Service


class OpenapiSdk:
    """Calls operations by their wire names through the SDK's request and response models."""

    def __init__(self, port: int, secret: str = "secret", **options: str) -> None:
        self._port = port
        self._options = options
        self.client: Any = Client(
            Config(
                access_key_id="test",
                access_key_secret=secret,
                region_id=REGION,
                endpoint=f"127.0.0.1:{port}",
                protocol="HTTP",
                **options,
            )
        )

    def call(self, action: str, **parameters: Any) -> dict[str, Any]:
        request = getattr(models, f"{action}Request")().from_map(parameters)
        try:
            response = getattr(self.client, _method(action))(request)
        except ClientException as error:
            raise _failure(error) from error
        assert response.status_code == 200
        answer: dict[str, Any] = response.body.to_map()
        return answer

    def with_secret(self, secret: str) -> OpenapiSdk:
        return OpenapiSdk(self._port, secret, **self._options)


def _method(action: str) -> str:
    """``CreateVSwitch`` is ``create_vswitch``."""
    return re.sub("(?<!^)(?=[A-Z])", "_", action.replace("VSwitch", "Vswitch")).lower()


def _failure(error: Any) -> Failure:
    """The message in ``data`` is the server's; ``message`` is a sentence of the SDK's around it."""
    said = error.data["Message"]
    assert error.message == f"code: {error.status_code}, {said} request id: {error.request_id}"
    assert error.request_id == error.data["RequestId"]
    return Failure(error.code, said, error.request_id, error.status_code)


@pytest.fixture(params=[{}, {"signature_algorithm": "v2"}], ids=["V3", "V1"])
def sdk(service: Service, request: pytest.FixtureRequest) -> OpenapiSdk:
    return OpenapiSdk(service.port, **request.param)


def test_the_whole_round(sdk: OpenapiSdk) -> None:
    journey.check(journey.travel(sdk))


def test_answers_are_the_models_of_the_sdk(service: Service) -> None:
    client = OpenapiSdk(service.port).client

    response = client.describe_vpn_gateways(models.DescribeVpnGatewaysRequest(region_id=REGION, page_size=50))
    created = client.create_vpc(models.CreateVpcRequest(region_id=REGION, cidr_block="192.168.0.0/16"))
    attributes = client.describe_vpc_attribute(
        models.DescribeVpcAttributeRequest(region_id=REGION, vpc_id=created.body.vpc_id)
    )
    client.delete_vpc(models.DeleteVpcRequest(region_id=REGION, vpc_id=created.body.vpc_id))

    assert (response.body.page_number, response.body.page_size) == (1, 50)
    assert isinstance(response.body.vpn_gateways.vpn_gateway, list)
    assert attributes.body.cidr_block == "192.168.0.0/16"
    assert attributes.body.status == "Available"


def test_a_route_of_a_gateway_is_published_and_told_in_the_models_of_the_sdk(service: Service) -> None:
    sdk = OpenapiSdk(service.port)
    ask = partial(sdk.call, RegionId=REGION)
    vpc = ask("CreateVpc", CidrBlock="10.30.0.0/16")["VpcId"]
    vswitches = [
        ask("CreateVSwitch", VpcId=vpc, ZoneId=zone, CidrBlock=f"10.30.{number}.0/24")["VSwitchId"]
        for number, zone in enumerate(journey.ZONES)
    ]
    halves = {"VSwitchId": vswitches[0], "DisasterRecoveryVSwitchId": vswitches[1]}
    gateway = ask("CreateVpnGateway", VpcId=vpc, Bandwidth=10, **halves)["VpnGatewayId"]
    device = ask("CreateCustomerGateway", IpAddress="203.0.113.77")["CustomerGatewayId"]
    everywhere = {"LocalSubnet": "0.0.0.0/0", "RemoteSubnet": "0.0.0.0/0"}
    ends = [{"Role": role, "CustomerGatewayId": device} for role in ("master", "slave")]
    connection = ask("CreateVpnConnection", VpnGatewayId=gateway, TunnelOptionsSpecification=ends, **everywhere)
    named = {"VpnGatewayId": gateway, "RouteDest": "192.168.0.0/16", "NextHop": connection["VpnConnectionId"]}

    made = ask("CreateVpnRouteEntry", **named, Weight=100, PublishVpc=False)
    ask("CreateVpnPbrRouteEntry", **named, RouteSource="10.30.0.0/24", Weight=100, PublishVpc=False)
    ask("PublishVpnRouteEntry", **named, RouteType="dbr", PublishVpc=True)
    wish = models.DescribeVpnRouteEntriesRequest(region_id=REGION, vpn_gateway_id=gateway)
    routes = sdk.client.describe_vpn_route_entries(wish).body
    (policy,) = ask("DescribeVpnPbrRouteEntries", VpnGatewayId=gateway)["VpnPbrRouteEntries"]["VpnPbrRouteEntry"]
    ask("DeleteVpnConnection", VpnConnectionId=connection["VpnConnectionId"])

    assert (made["VpnInstanceId"], made["State"], made["OverlayMode"]) == (gateway, "normal", "Ipsec")
    (route,) = routes.vpn_route_entries.vpn_route_entry
    assert (route.route_dest, route.weight, route.state) == ("192.168.0.0/16", 100, "published")
    assert (policy["RouteSource"], policy["Priority"], policy["State"]) == ("10.30.0.0/24", 10, "normal")
    assert ask("DescribeVpnRouteEntries", VpnGatewayId=gateway)["TotalCount"] == 0


def test_an_attachment_with_a_route_is_made_told_and_deleted_in_the_models_of_the_sdk(service: Service) -> None:
    sdk = OpenapiSdk(service.port)
    ask = partial(sdk.call, RegionId=REGION)
    device = ask("CreateCustomerGateway", IpAddress="203.0.113.78")["CustomerGatewayId"]
    everywhere = {"LocalSubnet": "0.0.0.0/0", "RemoteSubnet": "0.0.0.0/0"}
    ends = [{"TunnelIndex": number, "CustomerGatewayId": device} for number in (1, 2)]
    made = ask("CreateVpnAttachment", **everywhere, Name="branch", TunnelOptionsSpecification=ends)
    named = {"VpnConnectionId": made["VpnConnectionId"]}
    told = sdk.client.describe_vpn_connection(
        models.DescribeVpnConnectionRequest(region_id=REGION, vpn_connection_id=made["VpnConnectionId"])
    ).body
    changed = ask("ModifyVpnAttachmentAttribute", **named, Name="other")
    way = {**named, "NextHop": made["VpnConnectionId"], "RouteDest": "192.168.0.0/16", "Weight": 100}
    ask("CreateVcoRouteEntry", **way)
    routes = sdk.client.describe_vco_route_entries(
        models.DescribeVcoRouteEntriesRequest(region_id=REGION, vpn_connection_id=made["VpnConnectionId"])
    ).body.vco_route_entries
    ask("DeleteVcoRouteEntry", **way)
    attached = ask("DescribeVpnAttachments")
    granted = ask("DescribeVpnCrossAccountAuthorizations", **named)
    deleted = ask("DeleteVpnAttachment", **named)
    ask("DeleteCustomerGateway", CustomerGatewayId=device)

    assert (made["Code"], made["Success"], made["Name"]) == ("200", True, "branch")
    assert (told.attach_type, told.state, told.status) == ("NO_ASSOCIATED", "init", "ike_sa_not_established")
    assert [end.tunnel_index for end in told.tunnel_options_specification.tunnel_options] == [1, 2]
    assert (changed["Name"], [end["TunnelIndex"] for end in changed["TunnelOptionsSpecification"]]) == ("other", [1, 2])
    assert [(each.route_dest, each.weight, each.state) for each in routes] == [("192.168.0.0/16", 100, "published")]
    assert (attached["TotalCount"], granted["TotalCount"], deleted["Success"]) == (0, 0, True)


def test_the_detail_of_an_error_reaches_the_exception(sdk: OpenapiSdk) -> None:
    with pytest.raises(ClientException) as caught:
        sdk.client.describe_vpn_gateway(
            models.DescribeVpnGatewayRequest(region_id=REGION, vpn_gateway_id=UNKNOWN_GATEWAY)
        )

    assert caught.value.code == "InvalidVpnGatewayInstanceId.NotFound"
    assert caught.value.status_code == 404
    assert caught.value.detail == (
        f'VpnGatewayId "{UNKNOWN_GATEWAY}": names no VPN gateway of this account in {REGION}'
    )


def test_an_endpoint_with_a_scheme_works(service: Service) -> None:
    """The SDK then sends the whole URL as its Host header, and signs that."""
    client: Any = Client(
        Config(
            access_key_id="test",
            access_key_secret="secret",
            region_id=REGION,
            endpoint=f"http://127.0.0.1:{service.port}",
            protocol="HTTP",
        )
    )

    answer = client.describe_regions(models.DescribeRegionsRequest())

    assert REGION in [region.region_id for region in answer.body.regions.region]


def test_a_throttled_call_raises_the_sdks_own_error_with_the_time_to_wait(tmp_path: Path) -> None:
    with Service(tmp_path / "data", arguments=("--throttling", "exact")) as service:
        plain = service.client()
        for _ in range(60):
            plain.call("CreateVpc")
        client = OpenapiSdk(service.port).client

        with pytest.raises(ThrottlingException) as caught:
            client.create_vpc(models.CreateVpcRequest(region_id=REGION))
        elsewhere = client.create_vpc(models.CreateVpcRequest(region_id="cn-beijing"))

    assert (caught.value.code, caught.value.status_code) == ("Throttling.User", 400)
    assert 0 < caught.value.retry_after <= 60_000
    assert "60 times in 60 seconds" in caught.value.detail
    assert elsewhere.status_code == 200
