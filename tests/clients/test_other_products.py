"""The operations of other products, asked by the SDKs' classes for any product, and by their resolver of endpoints."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.models import Config, OpenApiRequest, Params
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.endpoint import location_service_endpoint_resolver
from aliyunsdkcore.endpoint.location.DescribeEndpointsRequest import DescribeEndpointsRequest
from aliyunsdkcore.endpoint.location_service_endpoint_resolver import LocationServiceEndpointResolver
from aliyunsdkcore.endpoint.resolver_endpoint_request import ResolveEndpointRequest
from aliyunsdkcore.request import CommonRequest
from darabonba.runtime import RuntimeOptions

from gatewright.operations.declaration import ALB, BSS, ECS, RESOURCE_MANAGER, STS, VPC, Product
from tests.clients.journey import REGION
from tests.support.service import Service

#: Asks an operation of a product. Raises Refused.
Ask = Callable[..., dict[str, Any]]


class Refused(Exception):
    def __init__(self, code: str, status: int) -> None:
        super().__init__(f"{status} {code}")
        self.code, self.status = code, status


def common_request(port: int) -> Ask:
    """``CommonRequest`` of aliyun-python-sdk-core: signature V1."""
    client: Any = AcsClient("test", "secret", REGION)

    def ask(product: Product, action: str, **parameters: Any) -> dict[str, Any]:
        request: Any = CommonRequest(domain=f"127.0.0.1:{port}", version=product.version, action_name=action)
        request.set_protocol_type("http")
        for name, value in parameters.items():
            request.add_query_param(name, value)
        try:
            answer: dict[str, Any] = json.loads(client.do_action_with_exception(request))
        except ServerException as error:
            raise Refused(error.get_error_code(), error.get_http_status()) from error
        return answer

    return ask


def call_api(port: int) -> Ask:
    """``call_api`` of alibabacloud_tea_openapi: signature V3. It sends no RegionId by itself."""
    client: Any = OpenApiClient(
        Config(
            access_key_id="test",
            access_key_secret="secret",
            region_id=REGION,
            endpoint=f"127.0.0.1:{port}",
            protocol="HTTP",
        )
    )

    def ask(product: Product, action: str, **parameters: Any) -> dict[str, Any]:
        params = Params(
            action=action,
            version=product.version,
            protocol="HTTP",
            pathname="/",
            method="POST",
            auth_type="AK",
            style="RPC",
            req_body_type="formData",
            body_type="json",
        )
        query = {name: str(value) for name, value in parameters.items()}
        try:
            answer = client.call_api(params, OpenApiRequest(query=query), RuntimeOptions())
        except ClientException as error:
            raise Refused(error.code, error.status_code) from error
        assert answer["statusCode"] == 200
        body: dict[str, Any] = answer["body"]
        return body

    return ask


@pytest.fixture(params=[common_request, call_api], ids=["CommonRequest", "call_api"])
def ask(service: Service, request: pytest.FixtureRequest) -> Ask:
    asking: Ask = request.param(service.port)
    return asking


def test_regions_and_zones(ask: Ask) -> None:
    regions = [region["RegionId"] for region in ask(ECS, "DescribeRegions")["Regions"]["Region"]]
    assert REGION in regions
    zones = [zone["ZoneId"] for zone in ask(ECS, "DescribeZones", RegionId=REGION)["Zones"]["Zone"]]
    available = ask(ECS, "DescribeAvailableResource", RegionId=REGION, DestinationResource="Zone")
    assert [zone["ZoneId"] for zone in available["AvailableZones"]["AvailableZone"]] == zones
    assert [zone["ZoneId"] for zone in ask(ALB, "DescribeZones")["Zones"]] == zones


def test_a_resource_group_is_made_used_and_deleted(ask: Ask, request: pytest.FixtureRequest) -> None:
    name = "group-of-" + request.node.callspec.id.replace("_", "-")
    made = ask(RESOURCE_MANAGER, "CreateResourceGroup", Name=name, DisplayName="中文 * ~")["ResourceGroup"]
    assert made["DisplayName"] == "中文 * ~"
    with pytest.raises(Refused) as caught:
        ask(RESOURCE_MANAGER, "CreateResourceGroup", Name=name, DisplayName="again")
    assert (caught.value.code, caught.value.status) == ("EntityAlreadyExists.ResourceGroup", 409)
    listed = ask(RESOURCE_MANAGER, "ListResourceGroups", **{"ResourceGroupIds.1": made["Id"]})
    assert [group["Name"] for group in listed["ResourceGroups"]["ResourceGroup"]] == [name]

    vpc = ask(VPC, "CreateVpc", RegionId=REGION, ResourceGroupId=made["Id"])["VpcId"]
    with pytest.raises(Refused) as caught:
        ask(RESOURCE_MANAGER, "DeleteResourceGroup", ResourceGroupId=made["Id"])
    assert (caught.value.code, caught.value.status) == ("DeleteConflict.ResourceGroup.Resource", 409)

    ask(VPC, "DeleteVpc", RegionId=REGION, VpcId=vpc)
    ask(RESOURCE_MANAGER, "DeleteResourceGroup", ResourceGroupId=made["Id"])
    with pytest.raises(Refused) as caught:
        ask(RESOURCE_MANAGER, "GetResourceGroup", ResourceGroupId=made["Id"])
    assert (caught.value.code, caught.value.status) == ("EntityNotExists.ResourceGroup", 404)


def test_a_code_in_a_success_is_no_error(ask: Ask) -> None:
    answer = ask(BSS, "QueryAvailableInstances", PageNum=1, PageSize=20)
    assert (answer["Success"], answer["Code"]) == (True, "Success")
    assert answer["Data"]["InstanceList"] == []


def test_the_caller_is_told_who_it_is(ask: Ask) -> None:
    assert ask(STS, "GetCallerIdentity")["AccountId"] == "1234567890123456"


class OverHttp(DescribeEndpointsRequest):  # type: ignore[misc]  # the SDK has no type information
    """The resolver's request; the resolver insists on HTTPS, which needs a certificate that the SDK trusts."""

    def set_protocol_type(self, protocol_type: str) -> None:
        assert protocol_type == "https"
        super().set_protocol_type("http")


@pytest.fixture
def resolver(service: Service, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The SDK's own resolver, pointed at the service."""
    monkeypatch.setattr(location_service_endpoint_resolver, "DescribeEndpointsRequest", OverHttp)
    resolver: Any = LocationServiceEndpointResolver(AcsClient("test", "secret", REGION))
    resolver.set_location_service_endpoint(f"127.0.0.1:{service.port}")
    return resolver


@pytest.mark.parametrize("product", ["Vpc", "Ecs", "ResourceManager", "Alb"])
def test_the_resolver_finds_every_product_where_it_asks(resolver: Any, service: Service, product: str) -> None:
    request: Any = ResolveEndpointRequest("eu-central-1", product, product.lower(), None)
    assert resolver.resolve(request) == f"127.0.0.1:{service.port}"
    assert resolver.is_product_code_valid(request)


def test_the_resolver_understands_that_there_is_no_such_region(resolver: Any) -> None:
    request: Any = ResolveEndpointRequest("cn-nowhere", "Vpc", "vpc", None)
    assert resolver.resolve(request) is None
    # Only an answer that the resolver knows makes it remember the region; of any other it raises.
    assert resolver._invalid_region_ids == {"cn-nowhere"}


def test_the_resolver_understands_that_there_is_no_such_product(resolver: Any) -> None:
    request: Any = ResolveEndpointRequest(REGION, "Rds", "rds", None)
    assert resolver.resolve(request) is None
    assert not resolver.is_product_code_valid(request)


def test_a_resolved_endpoint_serves(resolver: Any, service: Service) -> None:
    host = resolver.resolve(ResolveEndpointRequest(REGION, "Vpc", "vpc", None))
    ask = common_request(int(host.rpartition(":")[2]))
    assert ask(VPC, "DescribeVpcs", RegionId=REGION)["PageNumber"] == 1
