"""Location and BssOpenApi: what clients ask when they start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gatewright.operations.declaration import BSS, LOCATION, PRODUCTS
from tests.support.cell import Cell, sqlite_url


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cell]:
    """One service for all tests: what they ask is answered without the database."""
    with Cell(sqlite_url(tmp_path_factory.mktemp("cell"))) as running:
        yield running


def endpoints(cell: Cell, **parameters: Any) -> dict[str, Any]:
    asked = {"Id": "cn-hangzhou", "ServiceCode": "vpc", "Type": "openAPI", **parameters}
    return cell.call("DescribeEndpoints", LOCATION.version, **asked)


@pytest.mark.parametrize("service_code", [product.code.lower() for product in PRODUCTS])
def test_every_product_answers_where_it_was_asked(cell: Cell, service_code: str) -> None:
    answer = endpoints(cell, ServiceCode=service_code, Id="eu-central-1")
    assert answer["Success"] is True
    assert answer["Endpoints"] == {
        "Endpoint": [
            {
                "Endpoint": "gw.test",
                "Id": "eu-central-1",
                "Namespace": "",
                "SerivceCode": service_code,
                "Type": "openAPI",
                "Protocols": {"Protocols": ["HTTP"]},
            }
        ]
    }


def test_the_service_code_is_told_as_it_was_asked(cell: Cell) -> None:
    (endpoint,) = endpoints(cell, ServiceCode="VPC", Type=None)["Endpoints"]["Endpoint"]
    assert endpoint["SerivceCode"] == "VPC"


def test_there_are_no_endpoints_of_another_type(cell: Cell) -> None:
    assert endpoints(cell, Type="innerAPI")["Endpoints"] == {"Endpoint": []}


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "[::1]:8080", "http://127.0.0.1:8080"])
def test_the_endpoint_is_what_the_client_called(cell: Cell, host: str) -> None:
    asked = cell.signed("DescribeEndpoints", LOCATION.version, Id="cn-hangzhou", ServiceCode="vpc")
    (endpoint,) = cell.run(cell.request(asked, host)).json()["Endpoints"]["Endpoint"]
    assert endpoint["Endpoint"] == host.removeprefix("http://")


def test_a_client_that_calls_nobody_by_name_is_told_so(cell: Cell) -> None:
    asked = cell.signed("DescribeEndpoints", LOCATION.version, Id="cn-hangzhou", ServiceCode="vpc")
    reply = cell.run(cell.request(asked, ""))
    assert (reply.status, reply.json()["Code"]) == (400, "MissingHost")


@pytest.mark.parametrize(
    ("wrong", "status", "code", "message"),
    [
        ({"ServiceCode": "rds"}, 400, "Illegal Parameter", "Please check the parameters"),
        ({"ServiceCode": None}, 400, "Illegal Parameter", "Please check the parameters"),
        ({"Id": None}, 400, "Illegal Parameter", "Please check the parameters"),
        ({"Id": "nowhere"}, 404, "InvalidRegionId", "The specified region does not exist."),
    ],
)
def test_what_there_is_not_is_told_in_the_words_that_sdks_know(
    cell: Cell, wrong: dict[str, Any], status: int, code: str, message: str
) -> None:
    asked = {"Id": "cn-hangzhou", "ServiceCode": "vpc", **wrong}
    refused = cell.refusal("DescribeEndpoints", version=LOCATION.version, **asked)
    assert (refused.status, refused.code, refused.message) == (status, code, message)
    assert refused.detail.startswith(next(iter(wrong)))


def test_no_instances_are_billed(cell: Cell) -> None:
    answer = cell.call("QueryAvailableInstances", BSS.version, PageNum=2, PageSize=300, ProductCode="vpn")
    del answer["RequestId"]
    assert answer == {
        "Code": "Success",
        "Message": "Successful!",
        "Success": True,
        "Data": {"InstanceList": [], "PageNum": 2, "PageSize": 300, "TotalCount": 0},
    }


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"PageSize": 301}, "InvalidParameter"),
        ({"PageNum": 0}, "InvalidParameter"),
        ({"SubscriptionType": "Gift"}, "InvalidParameter"),
        ({"RenewStatus": "Perhaps"}, "InvalidParameter"),
        ({"CreateTimeStart": "yesterday"}, "InvalidParameter"),
        ({"InstanceIDs": ",".join(f"i-{n}" for n in range(101))}, "InvalidParameter"),
        ({"InstanceIDs": "a,,b"}, "InvalidParameter"),
        ({"Region": "cn-hangzhou"}, "MissingProductCode"),
    ],
)
def test_a_wrong_question_about_bills_is_refused(cell: Cell, wrong: dict[str, Any], code: str) -> None:
    refused = cell.refusal("QueryAvailableInstances", version=BSS.version, **wrong)
    assert (refused.status, refused.code) == (400, code)
