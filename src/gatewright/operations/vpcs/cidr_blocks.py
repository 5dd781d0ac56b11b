"""AssociateVpcCidrBlock, UnassociateVpcCidrBlock: a VPC's secondary networks."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated

import msgspec

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.declaration import Access, NotYet, Operation, Parameter, Request, Response
from gatewright.operations.route_tables.dependencies import entry_within
from gatewright.operations.vpcs.facts import MASK_NOT_ALLOWED, RESERVED, check_available, find_vpc, networks_of
from gatewright.operations.vpn_gateways.updating import networks_changed
from gatewright.resources.addresses import RESERVED_NETWORKS, overlapping, parse_network, within
from gatewright.store import vpcs, vswitches
from gatewright.store.vpcs import VpcRow

_MASKS = range(16, 29)
#: Secondary IPv4 networks a VPC.
_MOST = 5
_IPV4 = "IPV4"

#: The documentation has the codes of the rows down to TOO_MANY, and "%s" for their texts.
VPC_NOT_FOUND = ErrorRow(
    400, "InvalidVpc.NotFound", "The specified VPC does not exist.", "DescribeVpcs lists the VPCs of a region."
)
INCORRECT_STATUS = ErrorRow(
    400,
    "IncorrectStatus.Vpc",
    "The status of the VPC does not support this operation.",
    "Wait until DescribeVpcAttribute tells Available.",
)
ILLEGAL_BLOCK = ErrorRow(400, "IllegalParam.SecondaryCidrBlock", "The specified SecondaryCidrBlock is illegal.")
DUPLICATED = ErrorRow(400, "Duplicated.SecondaryCidrBlock", "The specified SecondaryCidrBlock is duplicated.")
ROUTED = ErrorRow(
    400,
    "OperationFailed.ConflictWithEntry",
    "The specified SecondaryCidrBlock conflicts with a route entry.",
    "Delete the route entry that the detail names, or choose another network.",
)
TOO_MANY = ErrorRow(
    400,
    "QuotaExceeded.VpcMultiCidr",
    "The quota of secondary CIDR blocks of the VPC is exceeded.",
    "Take one off with UnassociateVpcCidrBlock.",
)
MISSING_BLOCK = ErrorRow(
    400,
    "MissingParam.SecondaryCidrBlockOrIpv6CidrBlock",
    "Either SecondaryCidrBlock or Ipv6CidrBlock must be specified.",
    "Only SecondaryCidrBlock is served.",
)
MALFORMED = ErrorRow(400, "InvalidCidrBlock.Malformed", "Specified CIDR block is not valid.")
IN_USE = ErrorRow(
    400,
    "OperationFailed.CidrInUse",
    "The operation is failed because of cidr is in use.",
    "Delete the vSwitches that the detail names first.",
)


class AssociateVpcCidrBlockRequest(Request, kw_only=True, frozen=True):
    not_yet = (
        NotYet("IPv6CidrBlock", "string"),
        NotYet("IpVersion", "string", _IPV4),
        NotYet("IpamPoolId", "string"),
        NotYet("Ipv6CidrMask", "integer"),
        NotYet("Ipv6Isp", "string", "BGP"),
        NotYet("SecondaryCidrMask", "integer"),
    )

    region_id: Annotated[str, Parameter()]
    vpc_id: Annotated[str, Parameter()]
    secondary_cidr_block: Annotated[str | None, Parameter()] = None


class AssociateVpcCidrBlockResponse(Response, kw_only=True):
    cidr_block: str
    ip_version: str


class AssociateVpcCidrBlock(Operation[AssociateVpcCidrBlockRequest, AssociateVpcCidrBlockResponse]):
    """Give a VPC another IPv4 network, in which vSwitches can be made at once.

    It has a mask of /16 to /28, lies in no reserved range, and overlaps no other network of the VPC. A VPC has five at
    the most. The destination of a custom route entry must not lie in it (*assumed*).
    """

    access = Access.WRITE
    errors = (
        VPC_NOT_FOUND,
        INCORRECT_STATUS,
        MISSING_BLOCK,
        MALFORMED,
        MASK_NOT_ALLOWED,
        RESERVED,
        DUPLICATED,
        ILLEGAL_BLOCK,
        ROUTED,
        TOO_MANY,
    )

    def validate(self, request: AssociateVpcCidrBlockRequest) -> None:
        text = _required(request.secondary_cidr_block)
        network = parse_network(text)
        if network is None:
            raise MALFORMED("SecondaryCidrBlock", text, "must be an IPv4 network such as 192.168.0.0/16")
        if network.prefixlen not in _MASKS:
            raise MASK_NOT_ALLOWED("SecondaryCidrBlock", text, "must have a mask of /16 to /28")
        reserved = within(network, RESERVED_NETWORKS)
        if reserved is not None:
            raise RESERVED("SecondaryCidrBlock", text, f"must not lie within {reserved}")

    def execute(self, call: Call, request: AssociateVpcCidrBlockRequest) -> AssociateVpcCidrBlockResponse:
        row = find_vpc(call, request.vpc_id, VPC_NOT_FOUND)
        check_available(call, row, INCORRECT_STATUS)
        text = _required(request.secondary_cidr_block)
        self._check_network(call, row, text)
        if len(row.secondary) >= _MOST:
            raise TOO_MANY("SecondaryCidrBlock", text, f"{row.id} has {_MOST} secondary networks, which is its quota")
        _store(call, row, (*row.secondary, text))
        return AssociateVpcCidrBlockResponse(cidr_block=text, ip_version=_IPV4)

    def _check_network(self, call: Call, row: VpcRow, text: str) -> None:
        network = IPv4Network(text)
        if text in row.secondary:
            raise DUPLICATED("SecondaryCidrBlock", text, f"is a secondary network of {row.id} already")
        taken = overlapping(network, networks_of(row))
        if taken is not None:
            raise ILLEGAL_BLOCK("SecondaryCidrBlock", text, f"overlaps {taken} of {row.id}")
        entry = entry_within(call, row.id, network)
        if entry is not None:
            raise ROUTED(
                "SecondaryCidrBlock", text, f"holds {entry.destination}, which route entry {entry.id} leads to"
            )


class UnassociateVpcCidrBlockRequest(Request, kw_only=True, frozen=True):
    not_yet = (NotYet("IPv6CidrBlock", "string"),)

    region_id: Annotated[str, Parameter()]
    vpc_id: Annotated[str, Parameter()]
    secondary_cidr_block: Annotated[str | None, Parameter()] = None


class UnassociateVpcCidrBlockResponse(Response, kw_only=True):
    pass


class UnassociateVpcCidrBlock(Operation[UnassociateVpcCidrBlockRequest, UnassociateVpcCidrBlockResponse]):
    """Take a secondary network off a VPC. Its vSwitches must have been deleted before."""

    access = Access.WRITE
    errors = (VPC_NOT_FOUND, INCORRECT_STATUS, MISSING_BLOCK, ILLEGAL_BLOCK, IN_USE)

    def validate(self, request: UnassociateVpcCidrBlockRequest) -> None:
        _required(request.secondary_cidr_block)

    def execute(self, call: Call, request: UnassociateVpcCidrBlockRequest) -> UnassociateVpcCidrBlockResponse:
        row = find_vpc(call, request.vpc_id, VPC_NOT_FOUND)
        check_available(call, row, INCORRECT_STATUS)
        text = _required(request.secondary_cidr_block)
        if text not in row.secondary:
            raise ILLEGAL_BLOCK("SecondaryCidrBlock", text, f"is no secondary network of {row.id}")
        network = IPv4Network(text)
        inside = [
            vswitch.id
            for vswitch in vswitches.of_vpcs(call.transaction, [row.id])
            if IPv4Network(vswitch.cidr_block).subnet_of(network)
        ]
        if inside:
            raise IN_USE("SecondaryCidrBlock", text, f"vSwitch {', '.join(inside[:5])} lies in it")
        _store(call, row, tuple(each for each in row.secondary if each != text))
        return UnassociateVpcCidrBlockResponse()


def _required(block: str | None) -> str:
    if block is None:
        raise MISSING_BLOCK.because("SecondaryCidrBlock is absent or empty.")
    return block


def _store(call: Call, row: VpcRow, secondary: tuple[str, ...]) -> None:
    vpcs.change(call.transaction, msgspec.structs.replace(row, secondary_cidrs=",".join(secondary)))
    networks_changed(call, row.id)
