"""DescribeVRouters, ModifyVRouterAttribute."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from gatewright.clock import iso_seconds
from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.declaration import (
    Access,
    Length,
    Operation,
    Parameter,
    Part,
    Request,
    Response,
)
from gatewright.operations.paging import DEFAULT_PAGE_SIZE, FIRST_PAGE, PageNumber, PageSize
from gatewright.operations.route_tables.facts import find_router
from gatewright.store import route_tables, vpcs

NOT_FOUND = ErrorRow(
    404,
    "InvalidVRouterId.NotFound",
    "Specified virtual router does not exist.",
    "DescribeVRouters lists the routers of a region's VPCs.",
)
INVALID_NAME = ErrorRow(400, "InvalidVRouterName.Malformed", "Specified virtual router name is not valid.")
INVALID_DESCRIPTION = ErrorRow(
    400, "InvalidVRouterDiscription.Malformed", "Specified virtual router description is not valid."
)


class DescribeVRoutersRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vrouter_id: Annotated[str | None, Parameter()] = None
    page_number: PageNumber = FIRST_PAGE
    page_size: PageSize = DEFAULT_PAGE_SIZE


class RouteTableIds(Part, kw_only=True):
    route_table_id: list[str]


class VRouterPart(Part, kw_only=True):
    vrouter_id: str
    vrouter_name: str
    description: str
    region_id: str
    vpc_id: str
    creation_time: str
    route_table_ids: RouteTableIds


class VRouterList(Part, kw_only=True):
    vrouter: list[VRouterPart]


class DescribeVRoutersResponse(Response, kw_only=True):
    page_number: int
    page_size: int
    total_count: int
    vrouters: VRouterList


class DescribeVRouters(Operation[DescribeVRoutersRequest, DescribeVRoutersResponse]):
    """Page through the routers of a region's VPCs, newest first. Every VPC has one, which is made and goes with it."""

    access = Access.LIST

    def execute(self, call: Call, request: DescribeVRoutersRequest) -> DescribeVRoutersResponse:
        filters: dict[str, Any] = {"account_id": call.account_id, "region_id": call.region.id}
        if request.vrouter_id is not None:
            filters["vrouter_id"] = request.vrouter_id
        rows, total = vpcs.page(call.transaction, filters, number=request.page_number, size=request.page_size)
        tables: dict[str, list[str]] = {row.id: [] for row in rows}
        for table in route_tables.of_vpcs(call.transaction, list(tables)):
            tables[table.vpc_id].append(table.id)
        return DescribeVRoutersResponse(
            page_number=request.page_number,
            page_size=request.page_size,
            total_count=total,
            vrouters=VRouterList(
                vrouter=[
                    VRouterPart(
                        vrouter_id=row.vrouter_id,
                        vrouter_name=row.vrouter_name,
                        description=row.vrouter_description,
                        region_id=row.region_id,
                        vpc_id=row.id,
                        creation_time=iso_seconds(row.created_at),
                        route_table_ids=RouteTableIds(route_table_id=tables[row.id]),
                    )
                    for row in rows
                ]
            ),
        )


class ModifyVRouterAttributeRequest(Request, kw_only=True, frozen=True):
    vrouter_id: Annotated[str, Parameter()]
    region_id: Annotated[str | None, Parameter()] = None
    vrouter_name: Annotated[str | None, Parameter(Length(1, 128, INVALID_NAME))] = None
    description: Annotated[str | None, Parameter(Length(1, 256, INVALID_DESCRIPTION))] = None


class ModifyVRouterAttributeResponse(Response, kw_only=True):
    pass


class ModifyVRouterAttribute(Operation[ModifyVRouterAttributeRequest, ModifyVRouterAttributeResponse]):
    """Change a router's name or description. What is not given stays."""

    access = Access.WRITE
    errors = (NOT_FOUND,)

    def execute(self, call: Call, request: ModifyVRouterAttributeRequest) -> ModifyVRouterAttributeResponse:
        row = find_router(call, request.vrouter_id, NOT_FOUND)
        changed = msgspec.structs.replace(
            row,
            vrouter_name=row.vrouter_name if request.vrouter_name is None else request.vrouter_name,
            vrouter_description=row.vrouter_description if request.description is None else request.description,
        )
        vpcs.change(call.transaction, changed)
        return ModifyVRouterAttributeResponse()
