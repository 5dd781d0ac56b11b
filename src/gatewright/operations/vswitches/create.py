"""CreateVSwitch."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated

from gatewright import ids
from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.declaration import (
    Access,
    Length,
    NotYet,
    Operation,
    Parameter,
    Request,
    Response,
)
from gatewright.operations.tags import TAG_ERRORS, ResourceType, Tags, add_tags, check_tags
from gatewright.operations.vpcs import find_vpc
from gatewright.reconcile import placement
from gatewright.resources.addresses import parse_network, vswitch_range
from gatewright.resources.statuses import PlainStatus
from gatewright.store import pools, vswitches
from gatewright.store.vswitches import VSwitchRow

_MASKS = range(16, 30)
INVALID_NAME = ErrorRow(400, "InvalidVSwitchName.Malformed", "Specified virtual switch name is not valid.")
INVALID_DESCRIPTION = ErrorRow(
    400, "InvalidVSwitchDiscription.Malformed", "Specified virtual switch description is not valid."
)
MALFORMED_CIDR = ErrorRow(400, "InvalidCidrBlock.Malformed", "Specified CIDR block is not valid.")
CIDR_MASK = ErrorRow(400, "InvalidCirdrBlock.MaskLength", "Specified CIDR block is not valid .")
CIDR_OUTSIDE = ErrorRow(400, "InvalidParameter", "Specified CIDR block is not valid in VPC.")
CIDR_OVERLAPS = ErrorRow(400, "InvalidCidrBlock.Overlapped", "Specified CIDR block overlapped with other subnets.")
ZONE_NOT_FOUND = ErrorRow(
    404, "InvalidZoneId.NotFound", "Specified zone does not exist.", "DescribeZones lists a region's zones."
)
VPC_NOT_FOUND = ErrorRow(404, "InvalidVpcId.NotFound", "Specified VPC does not exist.")


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

    Its network is of /16 to /29, within the VPC's, and overlaps no other vSwitch of the VPC. ``Pending`` until the
    hosts of the zone have it, then ``Available``.
    """

    access = Access.WRITE
    errors = (
        INVALID_NAME,
        INVALID_DESCRIPTION,
        MALFORMED_CIDR,
        CIDR_MASK,
        CIDR_OUTSIDE,
        CIDR_OVERLAPS,
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
