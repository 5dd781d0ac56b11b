"""CreateVSwitch."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.declaration import (
    Access,
    Between,
    Length,
    NotYet,
    Operation,
    Parameter,
    Request,
    Response,
)
from gatewright.operations.route_tables.dependencies import entry_within
from gatewright.operations.tags import TAG_ERRORS, ResourceType, Tags, add_tags, check_tags
from gatewright.operations.vpcs import find_vpc
from gatewright.operations.vpcs.facts import INCORRECT_STATUS, check_available, networks_of
from gatewright.operations.vswitches.adding import free_network, new_vswitch
from gatewright.resources.addresses import parse_network, within
from gatewright.store import vswitches
from gatewright.store.vpcs import VpcRow
from gatewright.store.vswitches import VSwitchRow

_SHORTEST, _LONGEST = 16, 29
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
MISSING_NETWORK = ErrorRow(400, "MissingParameter", "Miss mandatory parameter.", "Give CidrBlock or CidrMask.")
QUOTA_EXCEEDED = ErrorRow(
    400,
    "QuotaExceeded.VSwitch",
    "Virtual switch quota exceeded.",
    "Delete vSwitches of the VPC, or raise the quota (GATEWRIGHT_QUOTA_VSWITCHES).",
)
NO_ROOM = ErrorRow(
    400,
    "OperationDenied.AvailableCidrInsufficient",
    "The operation is not allowed because available CIDR is insufficient.",
    "Choose a longer mask, or give the VPC a secondary network.",
)
ZONE_NOT_FOUND = ErrorRow(
    404, "InvalidZoneId.NotFound", "Specified zone does not exist.", "DescribeZones lists a region's zones."
)
VPC_NOT_FOUND = ErrorRow(404, "InvalidVpcId.NotFound", "Specified VPC does not exist.")


class CreateVSwitchRequest(Request, kw_only=True, frozen=True):
    not_yet = (
        NotYet("Ipv6CidrBlock", "integer"),
        NotYet("Ipv6CidrMask", "integer"),
        NotYet("VpcIpv6CidrBlock", "string"),
    )

    vpc_id: Annotated[str, Parameter()]
    zone_id: Annotated[str, Parameter()]
    cidr_block: Annotated[str | None, Parameter()] = None
    cidr_mask: Annotated[int | None, Parameter(Between(_SHORTEST, _LONGEST, error=CIDR_MASK))] = None
    region_id: Annotated[str | None, Parameter()] = None
    vswitch_name: Annotated[str, Parameter(Length(1, 128, INVALID_NAME))] = ""
    description: Annotated[str, Parameter(Length(1, 256, INVALID_DESCRIPTION))] = ""
    tag: Tags = ()
    client_token: ClientToken = None


class CreateVSwitchResponse(Response, kw_only=True):
    vswitch_id: str


class CreateVSwitch(Operation[CreateVSwitchRequest, CreateVSwitchResponse]):
    """Create a vSwitch in one zone of a VPC.

    Its network is of /16 to /29, within one of the VPC's, and overlaps no other vSwitch of the VPC. It may be a part of
    what a custom route entry leads to, but not contain it. Where the VPC's network holds a part of 100.64.0.0/10 or
    169.254.0.0/16, a vSwitch may lie there, and no VPN gateway in it (*assumed*). With ``CidrMask`` alone it is the
    first free one of that mask (*assumed*); when both are given, the mask must be the network's (*assumed*).
    One that is being deleted counts towards the quota of its VPC until it is gone (*assumed*).
    ``Pending`` until the hosts of the zone have it, then ``Available``.
    """

    access = Access.WRITE
    errors = (
        INVALID_NAME,
        INVALID_DESCRIPTION,
        MISSING_NETWORK,
        MALFORMED_CIDR,
        CIDR_MASK,
        CIDR_OUTSIDE,
        CIDR_OVERLAPS,
        CIDR_ROUTED,
        ZONE_NOT_FOUND,
        VPC_NOT_FOUND,
        INCORRECT_STATUS,
        QUOTA_EXCEEDED,
        NO_ROOM,
        *TAG_ERRORS,
    )

    def validate(self, request: CreateVSwitchRequest) -> None:
        if request.cidr_block is not None:
            self._validate_block(request.cidr_block, request.cidr_mask)
        elif request.cidr_mask is None:
            raise MISSING_NETWORK.because("CidrBlock is absent or empty, and CidrMask too: one of them is needed.")
        check_tags(request.tag)

    def _validate_block(self, block: str, mask: int | None) -> None:
        network = parse_network(block)
        if network is None:
            raise MALFORMED_CIDR("CidrBlock", block, "must be an IPv4 network such as 10.0.1.0/24")
        if not _SHORTEST <= network.prefixlen <= _LONGEST:
            raise CIDR_MASK("CidrBlock", block, f"must have a mask of /{_SHORTEST} to /{_LONGEST}")
        if mask not in (None, network.prefixlen):
            raise CIDR_MASK("CidrMask", mask, f"is not the mask of CidrBlock {block}")

    def execute(self, call: Call, request: CreateVSwitchRequest) -> CreateVSwitchResponse:
        vpc = find_vpc(call, request.vpc_id, VPC_NOT_FOUND)
        region = call.installation.regions[vpc.region_id]
        if request.zone_id not in region.zones:
            raise ZONE_NOT_FOUND("ZoneId", request.zone_id, f"names no zone of {region.id}")
        check_available(call, vpc, INCORRECT_STATUS)
        others = vswitches.of_vpcs(call.transaction, [vpc.id])
        network = None if request.cidr_block is None else IPv4Network(request.cidr_block)
        if network is not None:
            self._check_network(call, vpc, others, network)
        quota = call.installation.quotas.vswitches
        deleting = vswitches.count_deleting(call.transaction, vpc.id)
        # Default vSwitches do not count.
        if sum(not other.is_default for other in others) + deleting >= quota:
            raise QUOTA_EXCEEDED(
                "VpcId", vpc.id, f"has {quota} vSwitches, which is its quota; {deleting} of them are being deleted"
            )
        if network is None:
            # One of the two is given: validate has seen to it.
            network = self._free_network(call, vpc, request.cidr_mask or _LONGEST)
        row = new_vswitch(
            call, vpc, request.zone_id, network, name=request.vswitch_name, description=request.description
        )
        add_tags(call, ResourceType.VSWITCH, row.region_id, row.id, request.tag)
        return CreateVSwitchResponse(vswitch_id=row.id)

    def _check_network(self, call: Call, vpc: VpcRow, others: list[VSwitchRow], network: IPv4Network) -> None:
        if within(network, networks_of(vpc)) is None:
            raise CIDR_OUTSIDE("CidrBlock", network, f"must lie within a network of the VPC: {', '.join(vpc.networks)}")
        for other in others:
            if network.overlaps(IPv4Network(other.cidr_block)):
                raise CIDR_OVERLAPS("CidrBlock", network, f"overlaps {other.cidr_block} of vSwitch {other.id}")
        entry = entry_within(call, vpc.id, network)
        if entry is not None:
            raise CIDR_ROUTED("CidrBlock", network, f"holds {entry.destination}, where route entry {entry.id} leads")

    def _free_network(self, call: Call, vpc: VpcRow, mask: int) -> IPv4Network:
        network = free_network(call, vpc, mask)
        if network is None:
            raise NO_ROOM("CidrMask", mask, f"the networks of {vpc.id} have no room for it: {', '.join(vpc.networks)}")
        return network
