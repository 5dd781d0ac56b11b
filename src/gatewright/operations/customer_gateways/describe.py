"""DescribeCustomerGateway and DescribeCustomerGateways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from gatewright.operations.call import Call
from gatewright.operations.customer_gateways.facts import NOT_FOUND, find_customer_gateway, opened
from gatewright.operations.declaration import Access, Operation, Parameter, Part, Request, Response
from gatewright.operations.paging import DEFAULT_PAGE_SIZE, FIRST_PAGE, PageNumber, PageSize
from gatewright.operations.tags import FILTER_ERRORS, TagList, Tags, tag_list, wanted_tags
from gatewright.store import customer_gateways, tags
from gatewright.store.customer_gateways import CustomerGatewayRow
from gatewright.store.paging import TAGS
from gatewright.store.tags import KeyValue


class CustomerGatewayPart(Part, kw_only=True):
    customer_gateway_id: str
    name: str
    description: str
    ip_address: str
    asn: int | None = None
    auth_key: str | None = None
    create_time: int
    resource_group_id: str
    tags: TagList


def _facts(call: Call, row: CustomerGatewayRow, tagged: Sequence[KeyValue]) -> dict[str, Any]:
    """What both descriptions tell. Terraform takes an ``Asn`` that nobody gave for a change, so there is none then."""
    return {
        "customer_gateway_id": row.id,
        "name": row.name,
        "description": row.description,
        "ip_address": row.ip_address,
        "asn": row.asn,
        "auth_key": opened(call, row),
        "create_time": row.created_at,
        "resource_group_id": row.resource_group_id,
        "tags": tag_list(tagged),
    }


class DescribeCustomerGatewayRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    customer_gateway_id: Annotated[str, Parameter()]


class DescribeCustomerGatewayResponse(CustomerGatewayPart, kw_only=True):
    pass


class DescribeCustomerGateway(Operation[DescribeCustomerGatewayRequest, DescribeCustomerGatewayResponse]):
    """Describe one customer gateway. ``Asn`` and ``AuthKey`` are there when they were given."""

    access = Access.READ
    errors = (NOT_FOUND,)

    def execute(self, call: Call, request: DescribeCustomerGatewayRequest) -> DescribeCustomerGatewayResponse:
        row = find_customer_gateway(call, request.customer_gateway_id)
        tagged = tags.of(call.transaction, [row.id])
        return DescribeCustomerGatewayResponse(**_facts(call, row, tagged.get(row.id, ())))


class DescribeCustomerGatewaysRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    customer_gateway_id: Annotated[str | None, Parameter()] = None
    resource_group_id: Annotated[str | None, Parameter()] = None
    tag: Tags = ()
    page_number: PageNumber = FIRST_PAGE
    page_size: PageSize = DEFAULT_PAGE_SIZE


class CustomerGatewayList(Part, kw_only=True):
    customer_gateway: list[CustomerGatewayPart]


class DescribeCustomerGatewaysResponse(Response, kw_only=True):
    page_number: int
    page_size: int
    total_count: int
    customer_gateways: CustomerGatewayList


class DescribeCustomerGateways(Operation[DescribeCustomerGatewaysRequest, DescribeCustomerGatewaysResponse]):
    """Page through the customer gateways of a region, newest first.

    A filter that names a customer gateway or resource group that there is not finds nothing (*assumed*).
    """

    access = Access.LIST
    errors = FILTER_ERRORS

    def validate(self, request: DescribeCustomerGatewaysRequest) -> None:
        wanted_tags(request.tag)

    def execute(self, call: Call, request: DescribeCustomerGatewaysRequest) -> DescribeCustomerGatewaysResponse:
        filters: dict[str, Any] = {"account_id": call.account_id, "region_id": call.region.id}
        wanted = {
            "id": request.customer_gateway_id,
            "resource_group_id": request.resource_group_id,
            TAGS: wanted_tags(request.tag) or None,
        }
        filters |= {name: value for name, value in wanted.items() if value is not None}
        number, size = request.page_number, request.page_size
        rows, total = customer_gateways.page(call.transaction, filters, number=number, size=size)
        tagged = tags.of(call.transaction, [row.id for row in rows])
        return DescribeCustomerGatewaysResponse(
            page_number=number,
            page_size=size,
            total_count=total,
            customer_gateways=CustomerGatewayList(
                customer_gateway=[CustomerGatewayPart(**_facts(call, row, tagged.get(row.id, ()))) for row in rows]
            ),
        )
