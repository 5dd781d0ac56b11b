"""``aliyun-python-sdk-core`` with ``aliyun-python-sdk-vpc``, the SDK of the decade before: signature V1."""

from __future__ import annotations

import abc
import importlib
import json
from typing import Any
from xml.etree import ElementTree

import pytest
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest

from tests.clients import journey
from tests.clients.journey import REGION, UNKNOWN_GATEWAY, Failure
from tests.support.service import Service

_REQUESTS = "aliyunsdkvpc.request.v20160428"


class AcsSdk(abc.ABC):
    """What both ways of using the SDK share."""

    def __init__(self, port: int, secret: str = "secret") -> None:
        self.port = port
        self.client: Any = AcsClient("test", secret, REGION)

    def with_secret(self, secret: str) -> AcsSdk:
        return type(self)(self.port, secret)

    def call(self, action: str, **parameters: Any) -> dict[str, Any]:
        request = self.request(action, parameters)
        request.set_endpoint(f"127.0.0.1:{self.port}")
        request.set_protocol_type("http")
        try:
            answer: dict[str, Any] = json.loads(self.client.do_action_with_exception(request))
        except ServerException as error:
            raise _failure(error) from error
        return answer

    @abc.abstractmethod
    def request(self, action: str, parameters: dict[str, Any]) -> Any:
        """A request with its parameters."""


class TypedSdk(AcsSdk):
    """A class an operation, a setter a parameter."""

    def request(self, action: str, parameters: dict[str, Any]) -> Any:
        request = getattr(importlib.import_module(f"{_REQUESTS}.{action}Request"), f"{action}Request")()
        for name, value in parameters.items():
            if name != "RegionId":  # the client sends its own
                setter = getattr(request, f"set_{name}s", None) if isinstance(value, list) else None
                (setter or getattr(request, f"set_{name}"))(value)
        return request


class CommonGetSdk(AcsSdk):
    """The class for any operation, by GET."""

    method = "GET"

    def request(self, action: str, parameters: dict[str, Any]) -> Any:
        request = CommonRequest(domain=f"127.0.0.1:{self.port}", version="2016-04-28", action_name=action)
        request.set_method(self.method)
        for name, value in journey.flat(parameters).items():
            self.add(request, name, value)
        return request

    def add(self, request: Any, name: str, value: Any) -> None:
        request.add_query_param(name, value)


class CommonFormSdk(CommonGetSdk):
    """The class for any operation, with the parameters in a form body."""

    method = "POST"

    def add(self, request: Any, name: str, value: Any) -> None:
        request.add_body_params(name, value)


def _failure(error: Any) -> Failure:
    """The SDK compares the string to sign that the server echoes with its own, and renames the error if it is equal."""
    if error.get_error_code() == "InvalidAccessKeySecret":
        return Failure(
            "SignatureDoesNotMatch",
            "Specified signature is not matched with our calculation. server string to sign is:",
            error.get_request_id(),
            error.get_http_status(),
        )
    return Failure(error.get_error_code(), error.get_error_msg(), error.get_request_id(), error.get_http_status())


@pytest.mark.parametrize("sdk_type", [TypedSdk, CommonGetSdk, CommonFormSdk])
def test_the_whole_round(service: Service, sdk_type: type[AcsSdk]) -> None:
    journey.check(journey.travel(sdk_type(service.port)))


def test_a_wrong_secret_is_told_from_a_wrong_signature(service: Service) -> None:
    """Only because the echoed string to sign is the SDK's own to the letter does it know that the secret is wrong.

    For a CommonRequest the SDK has nothing to compare with, and leaves the error as it came.
    """
    sdk = TypedSdk(service.port, "another")
    request = sdk.request("DescribeVpnGateway", {"VpnGatewayId": UNKNOWN_GATEWAY})
    request.set_endpoint(f"127.0.0.1:{service.port}")
    request.set_protocol_type("http")

    with pytest.raises(ServerException) as caught:
        sdk.client.do_action_with_exception(request)

    assert caught.value.get_error_code() == "InvalidAccessKeySecret"
    assert caught.value.get_http_status() == 400


# The SDK's own get_response(), the only way to an XML answer, warns of what it calls.
@pytest.mark.filterwarnings(r"ignore:implementation_of_do_action\(\) method is deprecated:DeprecationWarning")
def test_xml_when_it_is_asked_for(service: Service) -> None:
    sdk = CommonGetSdk(service.port)
    regions = sdk.request("DescribeRegions", {})
    unknown = sdk.request("DescribeVpnGateway", {"RegionId": REGION, "VpnGatewayId": UNKNOWN_GATEWAY})
    for request in (regions, unknown):
        request.set_accept_format("XML")

    status, headers, body = sdk.client.get_response(regions)
    refused_status, _, refused_body = sdk.client.get_response(unknown)

    answer = ElementTree.fromstring(body)  # noqa: S314 - our own answer
    assert (status, answer.tag) == (200, "DescribeRegionsResponse")
    assert headers["Content-Type"] == "text/xml;charset=utf-8"
    assert REGION in [element.text for element in answer.findall("Regions/Region/RegionId")]
    error = ElementTree.fromstring(refused_body)  # noqa: S314 - our own answer
    assert (refused_status, error.tag) == (404, "Error")
    assert error.findtext("Code") == "InvalidVpnGatewayInstanceId.NotFound"
    assert error.findtext("Message") == "The specified vpn gateway instance id does not exist."
    assert error.findtext("RequestId")
