"""DescribeVSwitches, DescribeVSwitchAttributes."""

from __future__ import annotations

from typing import Annotated, Any

from gatewright.clock import iso_seconds
from gatewright.errors import missing_parameter
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
from gatewright.operations.id_lists import IdList, ids_of
from gatewright.operations.paging import DEFAULT_PAGE_SIZE, FIRST_PAGE, PageNumber, PageSize
from gatewright.operations.tags import FILTER_ERRORS, TagList, Tags, tag_list, wanted_tags
from gatewright.operations.vswitches.facts import NOT_FOUND, not_found
from gatewright.store import route_tables, tags, vswitches
from gatewright.store.paging import TAGS
from gatewright.store.vswitches import VSwitchView


class RouteTablePart(Part, kw_only=True):
    route_table_id: str
    route_table_type: str


class VSwitchPart(Part, kw_only=True):
    vswitch_id: str
    vswitch_name: str
    description: str
    vpc_id: str
    zone_id: str
    status: str
    cidr_block: str
    ipv6_cidr_block: str
    enabled_ipv6: bool
    is_default: bool
    available_ip_address_count: int
    owner_id: int
    creation_time: str
    resource_group_id: str
    network_acl_id: str
    share_type: str
    route_table: RouteTablePart
    tags: TagList


def _route_table(row: VSwitchView) -> RouteTablePart:
    kind = route_tables.SYSTEM if row.route_table_id == row.system_route_table_id else route_tables.CUSTOM
    return RouteTablePart(route_table_id=row.route_table_id, route_table_type=kind)


class DescribeVSwitchesRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str | None, Parameter()] = None
    vpc_id: Annotated[str | None, Parameter()] = None
    vswitch_id: IdList = None
    vswitch_name: Annotated[str | None, Parameter(Length(1, 128))] = None
    zone_id: Annotated[str | None, Parameter()] = None
    resource_group_id: Annotated[str | None, Parameter()] = None
    route_table_id: Annotated[str | None, Parameter()] = None
    tag: Tags = ()
    is_default: Annotated[bool | None, Parameter()] = None
    enable_ipv6: Annotated[bool | None, Parameter()] = None
    vswitch_owner_id: Annotated[int | None, Parameter()] = None
    page_number: PageNumber = FIRST_PAGE
    page_size: PageSize = DEFAULT_PAGE_SIZE
    dry_run: Annotated[bool, Parameter()] = False


class VSwitchList(Part, kw_only=True):
    vswitch: list[VSwitchPart]


class DescribeVSwitchesResponse(Response, kw_only=True):
    page_number: int
    page_size: int
    total_count: int
    vswitches: VSwitchList


class DescribeVSwitches(Operation[DescribeVSwitchesRequest, DescribeVSwitchesResponse]):
    """Page through vSwitches, newest first, in a region or a VPC: one of the two must be named.

    ``VSwitchId`` may be up to 20 ids with commas between (*assumed*). A filter that names a VPC, zone, route
    table or resource group that there is not finds nothing (*assumed*).
    """

    access = Access.LIST
    errors = FILTER_ERRORS

    def validate(self, request: DescribeVSwitchesRequest) -> None:
        if request.region_id is None and request.vpc_id is None:
            raise missing_parameter("RegionId")
        wanted_tags(request.tag)

    def execute(self, call: Call, request: DescribeVSwitchesRequest) -> DescribeVSwitchesResponse:
        filters: dict[str, Any] = {"account_id": call.account_id}
        wanted = {
            "region_id": call.named_region.id if call.named_region else None,
            "id": ids_of(request.vswitch_id),
            "vpc_id": request.vpc_id,
            "zone_id": request.zone_id,
            "name": request.vswitch_name,
            "is_default": request.is_default,
            "resource_group_id": request.resource_group_id,
            "route_table_id": request.route_table_id,
            TAGS: wanted_tags(request.tag) or None,
        }
        filters.update({name: value for name, value in wanted.items() if value is not None})
        rows: list[VSwitchView] = []
        total = 0
        # An account sees only its own, and none has IPv6.
        if request.vswitch_owner_id in (None, int(call.account_id)) and not request.enable_ipv6:
            rows, total = vswitches.page(call.transaction, filters, number=request.page_number, size=request.page_size)
        tagged = tags.of(call.transaction, [row.id for row in rows])
        return DescribeVSwitchesResponse(
            page_number=request.page_number,
            page_size=request.page_size,
            total_count=total,
            vswitches=VSwitchList(
                vswitch=[VSwitchPart(**_facts(row, tag_list(tagged.get(row.id, ())))) for row in rows]
            ),
        )


class DescribeVSwitchAttributesRequest(Request, kw_only=True, frozen=True):
    vswitch_id: Annotated[str, Parameter()]
    region_id: Annotated[str | None, Parameter()] = None
    dry_run: Annotated[bool, Parameter()] = False


class DescribeVSwitchAttributesResponse(VSwitchPart, kw_only=True):
    pass


class DescribeVSwitchAttributes(Operation[DescribeVSwitchAttributesRequest, DescribeVSwitchAttributesResponse]):
    """Describe one vSwitch."""

    access = Access.READ
    errors = (NOT_FOUND,)

    def execute(self, call: Call, request: DescribeVSwitchAttributesRequest) -> DescribeVSwitchAttributesResponse:
        row = vswitches.view(call.transaction, call.account_id, request.vswitch_id)
        if row is None or not call.here(row.region_id):
            raise not_found(call, request.vswitch_id, NOT_FOUND)
        tagged = tags.of(call.transaction, [row.id])
        return DescribeVSwitchAttributesResponse(**_facts(row, tag_list(tagged.get(row.id, ()))))


def _facts(row: VSwitchView, tagged: TagList) -> dict[str, Any]:
    """What both descriptions tell of a vSwitch."""
    return {
        "vswitch_id": row.id,
        "vswitch_name": row.name,
        "description": row.description,
        "vpc_id": row.vpc_id,
        "zone_id": row.zone_id,
        "status": row.status,
        "cidr_block": row.cidr_block,
        "ipv6_cidr_block": "",
        "enabled_ipv6": False,
        "is_default": row.is_default,
        "available_ip_address_count": row.available,
        "owner_id": int(row.account_id),
        "creation_time": iso_seconds(row.created_at),
        "resource_group_id": row.resource_group_id,
        "network_acl_id": "",
        "share_type": "",
        "route_table": _route_table(row),
        "tags": tagged,
    }
