"""DescribeVpcs, DescribeVpcAttribute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from gatewright.clock import iso_seconds
from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.declaration import (
    Access,
    Matches,
    NotYet,
    Operation,
    Parameter,
    Part,
    Request,
    Response,
)
from gatewright.operations.id_lists import ids_of
from gatewright.operations.paging import DEFAULT_PAGE_SIZE, FIRST_PAGE, PageNumber, PageSize
from gatewright.operations.resource_groups import NO_SUCH_GROUP, group_for
from gatewright.operations.tags import TOO_MANY, TagList, Tags, tag_list, wanted_tags
from gatewright.operations.vpcs.facts import NOT_FOUND, find_vpc
from gatewright.resources.statuses import vpc_status
from gatewright.store import route_tables, tags, vpcs, vswitches
from gatewright.store.paging import TAGS
from gatewright.store.vpcs import VpcRow

INVALID_TAG_KEY = ErrorRow(400, "InvalidTagKey", "The tag keys are not valid.")
TOO_MANY_IDS = ErrorRow(400, "InvalidVpcIdNumber.NotSupported", "The number of vpcIds exceeds the limit.")

#: Up to 20 ids with commas between.
_VpcIds = Annotated[
    str | None,
    Parameter(
        Matches(r"[^,]+(,[^,]+)*", "must be ids with commas between"),
        Matches(r"[^,]+(,[^,]+){0,19}", "must be at most 20 ids", error=TOO_MANY_IDS),
    ),
]


class SecondaryCidrBlocks(Part, kw_only=True):
    secondary_cidr_block: list[str]


class UserCidrs(Part, kw_only=True):
    user_cidr: list[str]


class VSwitchIds(Part, kw_only=True):
    vswitch_id: list[str]


class RouterTableIds(Part, kw_only=True):
    router_table_ids: list[str]


class NatGatewayIds(Part, kw_only=True):
    nat_gateway_ids: list[str]


class Ipv6CidrBlockPart(Part, kw_only=True):
    ipv6_cidr_block: str
    ipv6_isp: str


class Ipv6CidrBlocks(Part, kw_only=True):
    ipv6_cidr_block: list[Ipv6CidrBlockPart]


class VpcFacts(Part, kw_only=True):
    """What both descriptions tell of a VPC."""

    vpc_id: str
    vpc_name: str
    description: str
    region_id: str
    status: str
    cidr_block: str
    ipv6_cidr_block: str
    ipv6_cidr_blocks: Ipv6CidrBlocks
    enabled_ipv6: bool
    dns_hostname_status: str
    is_default: bool
    owner_id: int
    creation_time: str
    resource_group_id: str
    vrouter_id: str
    vswitch_ids: VSwitchIds
    secondary_cidr_blocks: SecondaryCidrBlocks
    user_cidrs: UserCidrs
    tags: TagList


class VpcPart(VpcFacts, kw_only=True):
    router_table_ids: RouterTableIds
    nat_gateway_ids: NatGatewayIds


class VpcList(Part, kw_only=True):
    vpc: list[VpcPart]


class DescribeVpcsRequest(Request, kw_only=True, frozen=True):
    not_yet = (NotYet("DhcpOptionsSetId", "string"),)

    region_id: Annotated[str, Parameter()]
    vpc_id: _VpcIds = None
    vpc_name: Annotated[str | None, Parameter()] = None
    resource_group_id: Annotated[str | None, Parameter()] = None
    tag: Tags = ()
    is_default: Annotated[bool | None, Parameter()] = None
    enable_ipv6: Annotated[bool | None, Parameter()] = None
    vpc_owner_id: Annotated[int | None, Parameter()] = None
    page_number: PageNumber = FIRST_PAGE
    page_size: PageSize = DEFAULT_PAGE_SIZE
    dry_run: Annotated[bool, Parameter()] = False


class DescribeVpcsResponse(Response, kw_only=True):
    page_number: int
    page_size: int
    total_count: int
    vpcs: VpcList


class DescribeVpcs(Operation[DescribeVpcsRequest, DescribeVpcsResponse]):
    """Page through the VPCs of a region, newest first. ``VpcId`` may be up to 20 ids with commas between.

    Without ``IsDefault`` all are listed, default or not (*assumed*).
    """

    access = Access.LIST
    errors = (TOO_MANY_IDS, INVALID_TAG_KEY, TOO_MANY, NO_SUCH_GROUP)

    def validate(self, request: DescribeVpcsRequest) -> None:
        wanted_tags(request.tag, INVALID_TAG_KEY)

    def execute(self, call: Call, request: DescribeVpcsRequest) -> DescribeVpcsResponse:
        group = request.resource_group_id
        filters: dict[str, Any] = {"account_id": call.account_id, "region_id": call.region.id}
        wanted = {
            "id": ids_of(request.vpc_id),
            "name": request.vpc_name,
            "is_default": request.is_default,
            "resource_group_id": None if group is None else group_for(call, group),
            TAGS: wanted_tags(request.tag) or None,
        }
        filters.update({name: value for name, value in wanted.items() if value is not None})
        rows: list[VpcRow] = []
        total = 0
        # An account sees only its own, and none has IPv6.
        if request.vpc_owner_id in (None, int(call.account_id)) and not request.enable_ipv6:
            rows, total = vpcs.page(call.transaction, filters, number=request.page_number, size=request.page_size)
        return DescribeVpcsResponse(
            page_number=request.page_number,
            page_size=request.page_size,
            total_count=total,
            vpcs=VpcList(vpc=_parts(call, rows)),
        )


def _parts(call: Call, rows: Sequence[VpcRow]) -> list[VpcPart]:
    """The VPCs of a page, with what is read for all of them at once."""
    found = [row.id for row in rows]
    inside: dict[str, list[str]] = {vpc_id: [] for vpc_id in found}
    for vswitch in vswitches.of_vpcs(call.transaction, found):
        inside[vswitch.vpc_id].append(vswitch.id)
    tables: dict[str, list[str]] = {vpc_id: [] for vpc_id in found}
    for table in route_tables.of_vpcs(call.transaction, found):
        tables[table.vpc_id].append(table.id)
    tagged = tags.of(call.transaction, found)
    return [
        VpcPart(
            **_facts(call, row, inside[row.id], tag_list(tagged.get(row.id, ()))),
            router_table_ids=RouterTableIds(router_table_ids=tables[row.id]),
            nat_gateway_ids=NatGatewayIds(nat_gateway_ids=[]),
        )
        for row in rows
    ]


def _facts(call: Call, row: VpcRow, vswitch_ids: list[str], tagged: TagList) -> dict[str, Any]:
    return {
        "vpc_id": row.id,
        "vpc_name": row.name,
        "description": row.description,
        "region_id": row.region_id,
        "status": vpc_status(row.available_at, call.now).value,
        "cidr_block": row.cidr_block,
        "ipv6_cidr_block": "",
        "ipv6_cidr_blocks": Ipv6CidrBlocks(ipv6_cidr_block=[]),
        "enabled_ipv6": False,
        "dns_hostname_status": "DISABLED",
        "is_default": row.is_default,
        "owner_id": int(row.account_id),
        "creation_time": iso_seconds(row.created_at),
        "resource_group_id": row.resource_group_id,
        "vrouter_id": row.vrouter_id,
        "vswitch_ids": VSwitchIds(vswitch_id=vswitch_ids),
        "secondary_cidr_blocks": SecondaryCidrBlocks(secondary_cidr_block=list(row.secondary)),
        "user_cidrs": UserCidrs(user_cidr=row.user_cidrs.split(",") if row.user_cidrs else []),
        "tags": tagged,
    }


class DescribeVpcAttributeRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpc_id: Annotated[str, Parameter()]
    is_default: Annotated[bool, Parameter()] = False
    dry_run: Annotated[bool, Parameter()] = False


class CloudResource(Part, kw_only=True):
    resource_type: str
    resource_count: int


class CloudResources(Part, kw_only=True):
    cloud_resource_set_type: list[CloudResource]


class DescribeVpcAttributeResponse(VpcFacts, kw_only=True):
    classic_link_enabled: bool
    support_ipv4_gateway: bool
    cloud_resources: CloudResources


class DescribeVpcAttribute(Operation[DescribeVpcAttributeRequest, DescribeVpcAttributeResponse]):
    """Describe one VPC. With ``IsDefault`` only a default VPC is found; without, any (*assumed*)."""

    access = Access.READ
    errors = (NOT_FOUND,)

    def execute(self, call: Call, request: DescribeVpcAttributeRequest) -> DescribeVpcAttributeResponse:
        row = find_vpc(call, request.vpc_id, NOT_FOUND)
        if request.is_default and not row.is_default:
            raise NOT_FOUND("VpcId", row.id, "names no default VPC, and IsDefault is true")
        inside = [vswitch.id for vswitch in vswitches.of_vpcs(call.transaction, [row.id])]
        tagged = tags.of(call.transaction, [row.id])
        return DescribeVpcAttributeResponse(
            **_facts(call, row, inside, tag_list(tagged.get(row.id, ()))),
            classic_link_enabled=False,
            support_ipv4_gateway=False,
            cloud_resources=CloudResources(
                cloud_resource_set_type=[
                    CloudResource(resource_type="VRouter", resource_count=1),
                    CloudResource(
                        resource_type="RouteTable",
                        resource_count=len(route_tables.of_vpcs(call.transaction, [row.id])),
                    ),
                    CloudResource(resource_type="VSwitch", resource_count=len(inside)),
                ]
            ),
        )
