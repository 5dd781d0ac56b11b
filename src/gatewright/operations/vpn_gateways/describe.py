"""DescribeVpnGateway and DescribeVpnGateways."""

from __future__ import annotations

from typing import Annotated, Any

from gatewright.operations.call import Call
from gatewright.operations.declaration import (
    Access,
    OneOf,
    Operation,
    Parameter,
    Part,
    Request,
    Response,
)
from gatewright.operations.paging import DEFAULT_PAGE_SIZE, FIRST_PAGE, PageNumber, PageSize
from gatewright.operations.tags import FILTER_ERRORS, Tags, wanted_tags
from gatewright.operations.vpn_gateways.facts import (
    ENHANCED,
    NOT_FOUND,
    TRADITIONAL,
    VpnGatewayPart,
    facts_of,
    find_gateway,
)
from gatewright.quotas import gateways as quota
from gatewright.resources.statuses import GatewayStatus
from gatewright.store import gateways, tags
from gatewright.store.gateways import GatewayView
from gatewright.store.paging import TAGS


class DescribeVpnGatewayRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_gateway_id: Annotated[str, Parameter()]
    include_reservation_data: Annotated[bool, Parameter()] = False


class DescribeVpnGatewayResponse(VpnGatewayPart, kw_only=True):
    pass


class DescribeVpnGateway(Operation[DescribeVpnGatewayRequest, DescribeVpnGatewayResponse]):
    """Describe one gateway. No order is ever pending, so there is no ``ReservationData`` to include.

    ``EnableBgp`` says whether its tunnels can have BGP: those of every gateway with IPsec-VPN can (*assumed*).
    """

    access = Access.READ
    errors = (NOT_FOUND,)

    def execute(self, call: Call, request: DescribeVpnGatewayRequest) -> DescribeVpnGatewayResponse:
        row = find_gateway(call, request.vpn_gateway_id)
        tagged = tags.of(call.transaction, [row.id])
        return DescribeVpnGatewayResponse(**facts_of(row, tagged.get(row.id, ())))


class DescribeVpnGatewaysRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpc_id: Annotated[str | None, Parameter()] = None
    vpn_gateway_id: Annotated[str | None, Parameter()] = None
    status: Annotated[str | None, Parameter(OneOf(*(status.value for status in GatewayStatus)))] = None
    business_status: Annotated[str | None, Parameter(OneOf("Normal", "FinancialLocked"))] = None
    gateway_type: Annotated[str | None, Parameter(OneOf(TRADITIONAL, ENHANCED))] = None
    resource_group_id: Annotated[str | None, Parameter()] = None
    tag: Tags = ()
    include_reservation_data: Annotated[bool, Parameter()] = False
    page_number: PageNumber = FIRST_PAGE
    page_size: PageSize = DEFAULT_PAGE_SIZE


class VpnGatewayList(Part, kw_only=True):
    vpn_gateway: list[VpnGatewayPart]


class DescribeVpnGatewaysResponse(Response, kw_only=True):
    page_number: int
    page_size: int
    total_count: int
    vpn_gateways: VpnGatewayList


class DescribeVpnGateways(Operation[DescribeVpnGatewaysRequest, DescribeVpnGatewaysResponse]):
    """Page through the gateways of a region, newest first."""

    access = Access.LIST
    errors = FILTER_ERRORS

    def validate(self, request: DescribeVpnGatewaysRequest) -> None:
        wanted_tags(request.tag)

    def execute(self, call: Call, request: DescribeVpnGatewaysRequest) -> DescribeVpnGatewaysResponse:
        rows, total = self._page(call, request)
        tagged = tags.of(call.transaction, [row.id for row in rows])
        return DescribeVpnGatewaysResponse(
            page_number=request.page_number,
            page_size=request.page_size,
            total_count=total,
            vpn_gateways=VpnGatewayList(
                vpn_gateway=[VpnGatewayPart(**facts_of(row, tagged.get(row.id, ()))) for row in rows]
            ),
        )

    def _page(self, call: Call, request: DescribeVpnGatewaysRequest) -> tuple[list[GatewayView], int]:
        if request.business_status == "FinancialLocked":
            return [], 0
        filters: dict[str, Any] = {"account_id": call.account_id, "region_id": call.region.id}
        wanted = {
            "vpc_id": request.vpc_id,
            "id": request.vpn_gateway_id,
            "status": request.status,
            "gateway_type": request.gateway_type,
            "resource_group_id": request.resource_group_id,
            TAGS: wanted_tags(request.tag) or None,
        }
        chosen = {name: value for name, value in wanted.items() if value is not None}
        number, size = request.page_number, request.page_size
        if chosen:
            return gateways.page(call.transaction, filters | chosen, number=number, size=size)
        rows = gateways.rows(call.transaction, filters, number=number, size=size)
        return rows, quota.in_region(call.transaction, call.account_id, call.region.id)
