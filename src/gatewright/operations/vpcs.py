"""CreateVpc, DescribeVpcs, DescribeVpcAttribute, DeleteVpc."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from gatewright import ids
from gatewright.clock import iso_seconds
from gatewright.errors import ApiError, ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.declaration import (
    Access,
    Length,
    NotYet,
    Operation,
    Parameter,
    Part,
    Request,
    Response,
)
from gatewright.operations.paging import DEFAULT_PAGE_SIZE, FIRST_PAGE, PageNumber, PageSize
from gatewright.operations.resource_groups import NO_SUCH_GROUP, group_for
from gatewright.operations.route_tables.dependencies import VPC_ERRORS, in_the_way_of
from gatewright.operations.tags import (
    FILTER_ERRORS,
    TAG_ERRORS,
    ResourceType,
    TagList,
    Tags,
    add_tags,
    check_tags,
    tag_list,
    wanted_tags,
)
from gatewright.resources.addresses import RESERVED_NETWORKS, parse_network
from gatewright.resources.statuses import vpc_status
from gatewright.store import gateways, route_tables, tags, vpcs, vswitches
from gatewright.store.paging import TAGS
from gatewright.store.route_tables import RouteTableRow
from gatewright.store.vpcs import VpcRow

DEFAULT_CIDR_BLOCK = "172.16.0.0/12"
_MASKS = range(8, 29)
_USER_CIDRS = 3

REGION_NOT_FOUND = ErrorRow(
    404, "InvalidRegionId.NotFound", 'Specified value of "regionId" is not supported.', "DescribeRegions lists them."
)
INVALID_CIDR = ErrorRow(400, "InvalidParameter", "Specified CIDR block is not valid")
INVALID_NAME = ErrorRow(400, "InvalidVpcName.Malformed", "Specified VPC name is not valid.")
INVALID_DESCRIPTION = ErrorRow(400, "InvalidVpcDiscription.Malformed", "Specified VPC description is not valid.")
INVALID_USER_CIDR = ErrorRow(400, "InvalidParameter", "Specified UserCidr invalid format.")
TOO_MANY_USER_CIDRS = ErrorRow(400, "InvalidUserCidr.Quota", "Specified UserCidr number is greater than 3.")
RESERVED_USER_CIDR = ErrorRow(400, "InvalidUserCidr.Malformed", "Specified UserCidr overlapping in of 100.64.0.0/10.")
NOT_FOUND = ErrorRow(
    404, "InvalidVpcId.NotFound", "Specified VPC does not exist.", "DescribeVpcs lists the VPCs of a region."
)
HAS_VSWITCH = ErrorRow(
    400,
    "DependencyViolation.VSwitch",
    "Specified object has dependent resources",
    "Delete the VPC's vSwitches first.",
)


def find_vpc(call: Call, vpc_id: str, missing: ErrorRow) -> VpcRow:
    """The account's VPC in the request's region. Raises ``missing``."""
    row = vpcs.find(call.transaction, call.account_id, vpc_id)
    if row is None or not call.here(row.region_id):
        raise missing("VpcId", vpc_id, f"names no VPC of this account in {call.region.id}")
    return row


class CreateVpcRequest(Request, kw_only=True, frozen=True):
    not_yet = (
        NotYet("EnableDnsHostname", "boolean", "false"),
        NotYet("EnableIpv6", "boolean", "false"),
        NotYet("Ipv4CidrMask", "integer"),
        NotYet("Ipv4IpamPoolId", "string"),
        NotYet("Ipv6CidrBlock", "string"),
        NotYet("Ipv6CidrMask", "integer"),
        NotYet("Ipv6IpamPoolId", "string"),
        NotYet("Ipv6Isp", "string", "BGP"),
    )

    region_id: Annotated[str, Parameter()]
    cidr_block: Annotated[str, Parameter()] = DEFAULT_CIDR_BLOCK
    vpc_name: Annotated[str, Parameter(Length(1, 128, INVALID_NAME))] = ""
    description: Annotated[str, Parameter(Length(1, 256, INVALID_DESCRIPTION))] = ""
    user_cidr: Annotated[str, Parameter()] = ""
    resource_group_id: Annotated[str | None, Parameter()] = None
    tag: Tags = ()
    client_token: ClientToken = None
    dry_run: Annotated[bool, Parameter()] = False


class CreateVpcResponse(Response, kw_only=True):
    vpc_id: str
    vrouter_id: str
    route_table_id: str
    resource_group_id: str


class CreateVpc(Operation[CreateVpcRequest, CreateVpcResponse]):
    """Create a VPC with its router and system route table.

    The CIDR block is an IPv4 network of /8 to /28 outside the reserved ranges. A VPC is ``Available`` at once: until
    it has vSwitches no host has anything to do for it (*assumed*).
    """

    access = Access.WRITE
    region_not_found = REGION_NOT_FOUND
    errors = (
        REGION_NOT_FOUND,
        INVALID_CIDR,
        INVALID_NAME,
        INVALID_DESCRIPTION,
        INVALID_USER_CIDR,
        TOO_MANY_USER_CIDRS,
        RESERVED_USER_CIDR,
        NO_SUCH_GROUP,
        *TAG_ERRORS,
    )

    def validate(self, request: CreateVpcRequest) -> None:
        network = parse_network(request.cidr_block)
        if network is None or network.prefixlen not in _MASKS:
            raise INVALID_CIDR("CidrBlock", request.cidr_block, "must be an IPv4 network of /8 to /28")
        for reserved in RESERVED_NETWORKS:
            if network.subnet_of(reserved):
                raise INVALID_CIDR("CidrBlock", request.cidr_block, f"must not lie within {reserved}")
        self._validate_user_cidrs(request)
        check_tags(request.tag)

    def _validate_user_cidrs(self, request: CreateVpcRequest) -> None:
        cidrs = request.user_cidr.split(",") if request.user_cidr else []
        if len(cidrs) > _USER_CIDRS:
            raise TOO_MANY_USER_CIDRS("UserCidr", request.user_cidr, f"must name at most {_USER_CIDRS} networks")
        for text in cidrs:
            network = parse_network(text)
            if network is None:
                raise INVALID_USER_CIDR("UserCidr", text, "must be an IPv4 network")
            if network.overlaps(RESERVED_NETWORKS[1]):
                raise RESERVED_USER_CIDR("UserCidr", text, f"must not overlap {RESERVED_NETWORKS[1]}")

    def execute(self, call: Call, request: CreateVpcRequest) -> CreateVpcResponse:
        vpc_id = ids.resource_id("vpc", call.region.id)
        row = VpcRow(
            id=vpc_id,
            account_id=call.account_id,
            region_id=call.region.id,
            cidr_block=request.cidr_block,
            name=request.vpc_name,
            description=request.description,
            user_cidrs=request.user_cidr,
            secondary_cidrs="",
            is_default=False,
            resource_group_id=group_for(call, request.resource_group_id),
            vrouter_id=ids.derived_id("vrt", vpc_id),
            vrouter_name="",
            vrouter_description="",
            route_table_id=ids.derived_id("vtb", vpc_id),
            available_at=call.now + call.installation.vpc_delay(),
            created_at=call.now,
        )
        add_vpc(call, row)
        add_tags(call, ResourceType.VPC, row.region_id, row.id, request.tag)
        return CreateVpcResponse(
            vpc_id=vpc_id,
            vrouter_id=row.vrouter_id,
            route_table_id=row.route_table_id,
            resource_group_id=row.resource_group_id,
        )


def add_vpc(call: Call, row: VpcRow) -> None:
    """Store a new VPC with its system route table."""
    vpcs.add(call.transaction, row)
    route_tables.add(
        call.transaction,
        RouteTableRow(
            id=row.route_table_id,
            account_id=row.account_id,
            region_id=row.region_id,
            vpc_id=row.id,
            type=route_tables.SYSTEM,
            name="",
            description="",
            propagation=True,
            created_at=row.created_at,
        ),
    )


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
    not_yet = (
        NotYet("DhcpOptionsSetId", "string"),
        NotYet("EnableIpv6", "boolean", "false"),
    )

    region_id: Annotated[str, Parameter()]
    vpc_id: Annotated[str | None, Parameter()] = None
    vpc_name: Annotated[str | None, Parameter()] = None
    resource_group_id: Annotated[str | None, Parameter()] = None
    tag: Tags = ()
    is_default: Annotated[bool | None, Parameter()] = None
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
    """Page through the VPCs of a region, newest first. ``VpcId`` may be up to 20 ids with commas between."""

    access = Access.LIST
    errors = FILTER_ERRORS

    def execute(self, call: Call, request: DescribeVpcsRequest) -> DescribeVpcsResponse:
        filters: dict[str, Any] = {"account_id": call.account_id, "region_id": call.region.id}
        wanted = {
            "id": request.vpc_id.split(",")[:20] if request.vpc_id else None,
            "name": request.vpc_name,
            "is_default": request.is_default,
            "resource_group_id": request.resource_group_id,
            TAGS: wanted_tags(request.tag) or None,
        }
        filters.update({name: value for name, value in wanted.items() if value is not None})
        rows: list[VpcRow] = []
        total = 0
        # An account sees only its own.
        if request.vpc_owner_id in (None, int(call.account_id)):
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


def _vswitch_ids(call: Call, row: VpcRow) -> list[str]:
    return [vswitch.id for vswitch in vswitches.of_vpcs(call.transaction, [row.id])]


class DescribeVpcAttributeRequest(Request, kw_only=True, frozen=True):
    not_yet = (NotYet("IsDefault", "boolean", "false"),)

    region_id: Annotated[str, Parameter()]
    vpc_id: Annotated[str, Parameter()]
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
    """Describe one VPC."""

    access = Access.READ
    errors = (NOT_FOUND,)

    def execute(self, call: Call, request: DescribeVpcAttributeRequest) -> DescribeVpcAttributeResponse:
        row = find_vpc(call, request.vpc_id, NOT_FOUND)
        inside = _vswitch_ids(call, row)
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


class DeleteVpcRequest(Request, kw_only=True, frozen=True):
    not_yet = (NotYet("ForceDelete", "boolean", "false"),)

    vpc_id: Annotated[str, Parameter()]
    region_id: Annotated[str | None, Parameter()] = None
    client_token: ClientToken = None
    dry_run: Annotated[bool, Parameter()] = False


class DeleteVpcResponse(Response, kw_only=True):
    pass


class DeleteVpc(Operation[DeleteVpcRequest, DeleteVpcResponse]):
    """Delete a VPC that nothing is in. What is in the way is named."""

    access = Access.WRITE
    errors = (NOT_FOUND, *VPC_ERRORS, HAS_VSWITCH)

    def execute(self, call: Call, request: DeleteVpcRequest) -> DeleteVpcResponse:
        row = find_vpc(call, request.vpc_id, NOT_FOUND)
        in_the_way = in_the_way_of(call, row) or self._dependent(call, row)
        if in_the_way is not None:
            raise in_the_way
        route_tables.drop(call.transaction, row.route_table_id)
        tags.drop(call.transaction, [row.id, row.route_table_id])
        vpcs.drop(call.transaction, row.id)
        return DeleteVpcResponse()

    def _dependent(self, call: Call, row: VpcRow) -> ApiError | None:
        inside = _vswitch_ids(call, row)
        if not inside:
            return None
        gateway = gateways.one_in_vpc(call.transaction, row.id)
        also = f", and with it VPN gateway {gateway}" if gateway else ""
        return HAS_VSWITCH("VpcId", row.id, f"still holds vSwitch {', '.join(inside[:5])}{also}")


OPERATIONS = (CreateVpc, DescribeVpcs, DescribeVpcAttribute, DeleteVpc)
