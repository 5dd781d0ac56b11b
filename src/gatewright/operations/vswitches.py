"""CreateVSwitch, DescribeVSwitches, DescribeVSwitchAttributes, DeleteVSwitch."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Any

import msgspec

from gatewright import ids
from gatewright.clock import iso_seconds
from gatewright.errors import ErrorRow
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
from gatewright.operations.route_tables.dependencies import VSWITCH_HAS_ROUTE_TABLE, entry_within
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
from gatewright.operations.vpcs import find_vpc
from gatewright.reconcile import placement
from gatewright.resources.addresses import parse_network, vswitch_range
from gatewright.resources.statuses import PlainStatus
from gatewright.store import gateways, placements, pools, route_tables, tags, vswitches
from gatewright.store.paging import TAGS
from gatewright.store.vswitches import VSwitchRow, VSwitchView

_MASKS = range(16, 30)

INVALID_NAME = ErrorRow(400, "InvalidVSwitchName.Malformed", "Specified virtual switch name is not valid.")
INVALID_DESCRIPTION = ErrorRow(
    400, "InvalidVSwitchDiscription.Malformed", "Specified virtual switch description is not valid."
)
MALFORMED_CIDR = ErrorRow(400, "InvalidCidrBlock.Malformed", "Specified CIDR block is not valid.")
CIDR_MASK = ErrorRow(400, "InvalidCirdrBlock.MaskLength", "Specified CIDR block is not valid .")
CIDR_OUTSIDE = ErrorRow(400, "InvalidParameter", "Specified CIDR block is not valid in VPC.")
CIDR_OVERLAPS = ErrorRow(400, "InvalidCidrBlock.Overlapped", "Specified CIDR block overlapped with other subnets.")
CIDR_ROUTED = ErrorRow(
    400,
    "InvalidCidrBlock.Overlapped",
    "Specified CIDR block overlapped with other entry.",
    "Delete the custom route entry whose destination lies within the vSwitch's network, or choose another network.",
)
ZONE_NOT_FOUND = ErrorRow(
    404, "InvalidZoneId.NotFound", "Specified zone does not exist.", "DescribeZones lists a region's zones."
)
VPC_NOT_FOUND = ErrorRow(404, "InvalidVpcId.NotFound", "Specified VPC does not exist.")
NOT_FOUND = ErrorRow(
    404,
    "InvalidVSwitchId.NotFound",
    "VSwitch not exist.",
    "DescribeVSwitches lists the vSwitches of a VPC.",
)
IN_USE = ErrorRow(
    400,
    "DependencyViolation",
    "Specified object has dependent resources.",
    "Delete what the detail names first.",
)


class CreateVSwitchRequest(Request, kw_only=True, frozen=True):
    not_yet = (
        NotYet("CidrMask", "integer"),
        NotYet("Ipv6CidrBlock", "integer"),
        NotYet("Ipv6CidrMask", "integer"),
        NotYet("VpcIpv6CidrBlock", "string"),
    )

    vpc_id: Annotated[str, Parameter()]
    zone_id: Annotated[str, Parameter()]
    cidr_block: Annotated[str, Parameter()]
    region_id: Annotated[str | None, Parameter()] = None
    vswitch_name: Annotated[str, Parameter(Length(1, 128, INVALID_NAME))] = ""
    description: Annotated[str, Parameter(Length(1, 256, INVALID_DESCRIPTION))] = ""
    tag: Tags = ()
    client_token: ClientToken = None


class CreateVSwitchResponse(Response, kw_only=True):
    vswitch_id: str


class CreateVSwitch(Operation[CreateVSwitchRequest, CreateVSwitchResponse]):
    """Create a vSwitch in one zone of a VPC.

    Its network is of /16 to /29, within the VPC's, overlaps no other vSwitch of the VPC, and holds no destination of a
    custom route. ``Pending`` until the hosts of the zone have it, then ``Available``.
    """

    access = Access.WRITE
    errors = (
        INVALID_NAME,
        INVALID_DESCRIPTION,
        MALFORMED_CIDR,
        CIDR_MASK,
        CIDR_OUTSIDE,
        CIDR_OVERLAPS,
        CIDR_ROUTED,
        ZONE_NOT_FOUND,
        VPC_NOT_FOUND,
        *TAG_ERRORS,
    )

    def validate(self, request: CreateVSwitchRequest) -> None:
        network = parse_network(request.cidr_block)
        if network is None:
            raise MALFORMED_CIDR("CidrBlock", request.cidr_block, "must be an IPv4 network such as 10.0.1.0/24")
        if network.prefixlen not in _MASKS:
            raise CIDR_MASK("CidrBlock", request.cidr_block, "must have a mask of /16 to /29")
        check_tags(request.tag)

    def execute(self, call: Call, request: CreateVSwitchRequest) -> CreateVSwitchResponse:
        vpc = find_vpc(call, request.vpc_id, VPC_NOT_FOUND)
        region = call.installation.regions[vpc.region_id]
        if request.zone_id not in region.zones:
            raise ZONE_NOT_FOUND("ZoneId", request.zone_id, f"names no zone of {region.id}")
        network = parse_network(request.cidr_block)
        if network is None or not any(network.subnet_of(IPv4Network(within)) for within in vpc.networks):
            raise CIDR_OUTSIDE(
                "CidrBlock", request.cidr_block, f"must lie within a network of the VPC: {', '.join(vpc.networks)}"
            )
        for other in vswitches.of_vpcs(call.transaction, [vpc.id]):
            taken = parse_network(other.cidr_block)
            if taken is not None and network.overlaps(taken):
                raise CIDR_OVERLAPS(
                    "CidrBlock", request.cidr_block, f"overlaps {other.cidr_block} of vSwitch {other.id}"
                )
        entry = entry_within(call, vpc.id, network)
        if entry is not None:
            raise CIDR_ROUTED(
                "CidrBlock", request.cidr_block, f"holds {entry.destination}, the destination of route entry {entry.id}"
            )
        row = VSwitchRow(
            id=ids.resource_id("vsw", region.id),
            account_id=call.account_id,
            region_id=region.id,
            vpc_id=vpc.id,
            zone_id=request.zone_id,
            cidr_block=request.cidr_block,
            name=request.vswitch_name,
            description=request.description,
            is_default=False,
            route_table_id=vpc.route_table_id,
            status=PlainStatus.PENDING.value,
            deleting=False,
            created_at=call.now,
        )
        vswitches.add(call.transaction, row)
        add_tags(call, ResourceType.VSWITCH, row.region_id, row.id, request.tag)
        pools.create(call.transaction, row.id, network, vswitch_range(network))
        placement.place_vswitch(call.transaction, row)
        return CreateVSwitchResponse(vswitch_id=row.id)


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
    not_yet = (NotYet("EnableIpv6", "boolean", "false"),)

    region_id: Annotated[str | None, Parameter()] = None
    vpc_id: Annotated[str | None, Parameter()] = None
    vswitch_id: Annotated[str | None, Parameter()] = None
    vswitch_name: Annotated[str | None, Parameter(Length(1, 128))] = None
    zone_id: Annotated[str | None, Parameter()] = None
    resource_group_id: Annotated[str | None, Parameter()] = None
    route_table_id: Annotated[str | None, Parameter()] = None
    tag: Tags = ()
    is_default: Annotated[bool | None, Parameter()] = None
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
    """Page through vSwitches, newest first. ``VSwitchId`` may be up to 20 ids with commas between."""

    access = Access.LIST
    errors = FILTER_ERRORS

    def execute(self, call: Call, request: DescribeVSwitchesRequest) -> DescribeVSwitchesResponse:
        filters: dict[str, Any] = {"account_id": call.account_id}
        wanted = {
            "region_id": call.named_region.id if call.named_region else None,
            "id": request.vswitch_id.split(",")[:20] if request.vswitch_id else None,
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
        # An account sees only its own.
        if request.vswitch_owner_id in (None, int(call.account_id)):
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
            raise _not_found(call, request.vswitch_id)
        tagged = tags.of(call.transaction, [row.id])
        return DescribeVSwitchAttributesResponse(**_facts(row, tag_list(tagged.get(row.id, ()))))


def _not_found(call: Call, vswitch_id: str) -> Exception:
    return NOT_FOUND("VSwitchId", vswitch_id, f"names no vSwitch of this account in {call.region.id}")


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


class DeleteVSwitchRequest(Request, kw_only=True, frozen=True):
    vswitch_id: Annotated[str, Parameter()]
    region_id: Annotated[str | None, Parameter()] = None
    dry_run: Annotated[bool, Parameter()] = False


class DeleteVSwitchResponse(Response, kw_only=True):
    pass


class DeleteVSwitch(Operation[DeleteVSwitchRequest, DeleteVSwitchResponse]):
    """Delete a vSwitch that no gateway is in and that is associated with no custom route table.

    It is ``Pending`` until its hosts have confirmed that nothing of it is left, and then gone. Meanwhile it is in
    nobody's way: its network can be used again, and its VPC can be deleted. Deleting it again succeeds (*assumed*).
    """

    access = Access.WRITE
    errors = (NOT_FOUND, IN_USE, VSWITCH_HAS_ROUTE_TABLE)

    def execute(self, call: Call, request: DeleteVSwitchRequest) -> DeleteVSwitchResponse:
        row = vswitches.view(call.transaction, call.account_id, request.vswitch_id)
        if row is None or not call.here(row.region_id):
            raise _not_found(call, request.vswitch_id)
        gateway = gateways.one_in_vswitch(call.transaction, row.id)
        if gateway is not None:
            raise IN_USE("VSwitchId", row.id, f"still holds an instance of VPN gateway {gateway}")
        if row.route_table_id != row.system_route_table_id:
            raise VSWITCH_HAS_ROUTE_TABLE(
                "VSwitchId", row.id, f"is associated with custom route table {row.route_table_id}"
            )
        if not row.deleting:
            placements.bury(call.transaction, row.id)
            vswitches.change(
                call.transaction,
                msgspec.structs.replace(row, status=PlainStatus.PENDING.value, deleting=True),
            )
        return DeleteVSwitchResponse()


OPERATIONS = (CreateVSwitch, DescribeVSwitches, DescribeVSwitchAttributes, DeleteVSwitch)
