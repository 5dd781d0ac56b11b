"""DescribeRouteTableList, and DescribeRouteTables, which tells the entries too and is deprecated but still called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from gatewright.clock import iso_seconds
from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.declaration import (
    Access,
    Length,
    OneOf,
    Operation,
    Parameter,
    Part,
    Request,
    Response,
)
from gatewright.operations.paging import DEFAULT_PAGE_SIZE, FIRST_PAGE, PageNumber, PageSize
from gatewright.operations.route_tables.contents import AVAILABLE, ENTRY_TYPES, Contents, Entry
from gatewright.operations.route_tables.facts import find_router
from gatewright.operations.tags import FILTER_ERRORS, TagList, Tags, tag_list, wanted_tags
from gatewright.store import route_tables, tags
from gatewright.store.paging import TAGS
from gatewright.store.route_tables import CUSTOM, SYSTEM, RouteTableView

VROUTER, VBR = "VRouter", "VBR"

ROUTER_NOT_FOUND = ErrorRow(
    400,
    "InvalidVRouterId.NotFound",
    "Specified virtual router does not exist.",
    "DescribeVRouters lists the routers of a region's VPCs.",
)
INVALID_TYPE = ErrorRow(400, "IllegalParam.Type", "The parameter of Type is illegal.")

RouterType = Annotated[str, Parameter(OneOf(VROUTER, VBR))]


class VSwitchIds(Part, kw_only=True):
    vswitch_id: list[str]


class GatewayIds(Part, kw_only=True):
    gateway_ids: list[str]


class RouteTableListPart(Part, kw_only=True):
    route_table_id: str
    route_table_name: str
    route_table_type: str
    description: str
    associate_type: str
    status: str
    creation_time: str
    owner_id: int
    resource_group_id: str
    route_propagation_enable: bool
    router_id: str
    router_type: str
    vpc_id: str
    vswitch_ids: VSwitchIds
    gateway_ids: GatewayIds
    tags: TagList


class RouterTableList(Part, kw_only=True):
    router_table_list_type: list[RouteTableListPart]


class DescribeRouteTableListRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    router_type: RouterType = VROUTER
    router_id: Annotated[str | None, Parameter()] = None
    vpc_id: Annotated[str | None, Parameter()] = None
    route_table_id: Annotated[str | None, Parameter()] = None
    route_table_name: Annotated[str | None, Parameter()] = None
    route_table_type: Annotated[str | None, Parameter(OneOf(SYSTEM, CUSTOM))] = None
    resource_group_id: Annotated[str | None, Parameter()] = None
    tag: Tags = ()
    page_number: PageNumber = FIRST_PAGE
    page_size: PageSize = DEFAULT_PAGE_SIZE


class DescribeRouteTableListResponse(Response, kw_only=True):
    page_number: int
    page_size: int
    total_count: int
    router_table_list: RouterTableList


class DescribeRouteTableList(Operation[DescribeRouteTableListRequest, DescribeRouteTableListResponse]):
    """Page through the route tables of a region, newest first.

    Routers are those of VPCs, so ``RouterType=VBR`` has no tables; with ``VpcId`` the type does not matter.
    """

    access = Access.LIST
    errors = FILTER_ERRORS

    def execute(self, call: Call, request: DescribeRouteTableListRequest) -> DescribeRouteTableListResponse:
        wanted = {
            "region_id": call.region.id,
            "id": request.route_table_id,
            "vpc_id": request.vpc_id,
            "vrouter_id": request.router_id,
            "name": request.route_table_name,
            "type": request.route_table_type,
            "resource_group_id": request.resource_group_id,
            TAGS: wanted_tags(request.tag) or None,
        }
        none = request.router_type == VBR and request.vpc_id is None
        rows, total = _page(call, wanted, request.page_number, request.page_size, none=none)
        inside = Contents(call, rows).vswitch_ids()
        tagged = tags.of(call.transaction, [row.id for row in rows])
        return DescribeRouteTableListResponse(
            page_number=request.page_number,
            page_size=request.page_size,
            total_count=total,
            router_table_list=RouterTableList(
                router_table_list_type=[
                    RouteTableListPart(
                        route_table_id=row.id,
                        route_table_name=row.name,
                        route_table_type=row.type,
                        description=row.description,
                        associate_type="VSwitch",
                        status=AVAILABLE,
                        creation_time=iso_seconds(row.created_at),
                        owner_id=int(row.account_id),
                        resource_group_id=row.resource_group_id,
                        route_propagation_enable=row.propagation,
                        router_id=row.vrouter_id,
                        router_type=VROUTER,
                        vpc_id=row.vpc_id,
                        vswitch_ids=VSwitchIds(vswitch_id=inside[row.id]),
                        gateway_ids=GatewayIds(gateway_ids=[]),
                        tags=tag_list(tagged.get(row.id, ())),
                    )
                    for row in rows
                ]
            ),
        )


def _page(
    call: Call, wanted: dict[str, Any], number: int, size: int, *, none: bool
) -> tuple[list[RouteTableView], int]:
    """One page of the account's tables that pass the filters that are not None; ``none``: nothing passes."""
    if none:
        return [], 0
    filters = {"account_id": call.account_id}
    filters.update({name: value for name, value in wanted.items() if value is not None})
    return route_tables.page(call.transaction, filters, number=number, size=size)


class EqualNextHop(Part, kw_only=True):
    """One of the next hops of an entry that has several of equal cost."""

    next_hop_id: str
    next_hop_type: str
    enabled: int
    weight: int


class EqualNextHops(Part, kw_only=True):
    next_hop: list[EqualNextHop]


class RouteEntryPart(Part, kw_only=True):
    route_entry_id: str
    route_entry_name: str
    description: str
    route_table_id: str
    destination_cidr_block: str
    type: str
    status: str
    next_hop_type: str
    instance_id: str
    next_hops: EqualNextHops


class RouteEntryList(Part, kw_only=True):
    route_entry: list[RouteEntryPart]


class RouteTablePart(Part, kw_only=True):
    route_table_id: str
    route_table_type: str
    vrouter_id: str
    status: str
    creation_time: str
    resource_group_id: str
    route_entrys: RouteEntryList
    vswitch_ids: VSwitchIds


class RouteTableList(Part, kw_only=True):
    route_table: list[RouteTablePart]


class DescribeRouteTablesRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str | None, Parameter()] = None
    vrouter_id: Annotated[str | None, Parameter()] = None
    route_table_id: Annotated[str | None, Parameter()] = None
    router_type: RouterType = VROUTER
    router_id: Annotated[str | None, Parameter()] = None
    type: Annotated[str | None, Parameter(OneOf(*ENTRY_TYPES, error=INVALID_TYPE, any_case=True))] = None
    route_table_name: Annotated[str | None, Parameter(Length(2, 128))] = None
    resource_group_id: Annotated[str | None, Parameter()] = None
    page_number: PageNumber = FIRST_PAGE
    page_size: PageSize = DEFAULT_PAGE_SIZE


class DescribeRouteTablesResponse(Response, kw_only=True):
    page_number: int
    page_size: int
    total_count: int
    route_tables: RouteTableList


class DescribeRouteTables(Operation[DescribeRouteTablesRequest, DescribeRouteTablesResponse]):
    """Page through route tables with all their entries, newest first; deprecated for DescribeRouteTableList.

    ``Type`` chooses among the entries, not among the tables (*assumed*). An entry's one next hop is told in
    ``NextHopType`` and ``InstanceId``; ``NextHops`` is for several of equal cost.
    """

    access = Access.LIST
    errors = (ROUTER_NOT_FOUND,)

    def execute(self, call: Call, request: DescribeRouteTablesRequest) -> DescribeRouteTablesResponse:
        if request.vrouter_id is not None:
            find_router(call, request.vrouter_id, ROUTER_NOT_FOUND)
        routers = {request.vrouter_id, request.router_id} - {None}
        wanted = {
            "region_id": call.named_region.id if call.named_region else None,
            "id": request.route_table_id,
            "vrouter_id": next(iter(routers), None),
            "name": request.route_table_name,
            "resource_group_id": request.resource_group_id,
        }
        none = request.router_type == VBR or len(routers) > 1
        rows, total = _page(call, wanted, request.page_number, request.page_size, none=none)
        contents = Contents(call, rows)
        inside, entries = contents.vswitch_ids(), contents.entries(_entry_type(request.type))
        return DescribeRouteTablesResponse(
            page_number=request.page_number,
            page_size=request.page_size,
            total_count=total,
            route_tables=RouteTableList(
                route_table=[
                    RouteTablePart(
                        route_table_id=row.id,
                        route_table_type=row.type,
                        vrouter_id=row.vrouter_id,
                        status=AVAILABLE,
                        creation_time=iso_seconds(row.created_at),
                        resource_group_id=row.resource_group_id,
                        route_entrys=_entries(entries[row.id]),
                        vswitch_ids=VSwitchIds(vswitch_id=inside[row.id]),
                    )
                    for row in rows
                ]
            ),
        )


def _entry_type(text: str | None) -> str | None:
    """The type of entries that is asked for, as entries have it."""
    return next((kind for kind in ENTRY_TYPES if text is not None and kind.lower() == text.lower()), None)


def _entries(entries: Sequence[Entry]) -> RouteEntryList:
    return RouteEntryList(
        route_entry=[
            RouteEntryPart(
                route_entry_id=entry.id,
                route_entry_name=entry.name,
                description=entry.description,
                route_table_id=entry.route_table_id,
                destination_cidr_block=entry.destination,
                type=entry.type,
                status=AVAILABLE,
                next_hop_type=entry.next_hop_type,
                instance_id=entry.next_hop_id,
                next_hops=EqualNextHops(next_hop=[]),
            )
            for entry in entries
        ]
    )
