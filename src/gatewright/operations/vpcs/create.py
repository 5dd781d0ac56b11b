"""CreateVpc."""

from __future__ import annotations

from typing import Annotated

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
from gatewright.operations.resource_groups import NO_SUCH_GROUP, group_for
from gatewright.operations.tags import TAG_ERRORS, ResourceType, Tags, add_tags, check_tags
from gatewright.operations.vpcs.adding import new_vpc
from gatewright.operations.vpcs.facts import MASK_NOT_ALLOWED, MASKS, QUOTA_EXCEEDED, RESERVED
from gatewright.resources.addresses import RESERVED_NETWORKS, SERVICE_NETWORK, parse_network, within
from gatewright.store import vpcs

DEFAULT_CIDR_BLOCK = "172.16.0.0/12"
_USER_CIDRS = 3
REGION_NOT_FOUND = ErrorRow(
    404, "InvalidRegionId.NotFound", 'Specified value of "regionId" is not supported.', "DescribeRegions lists them."
)
INVALID_CIDR = ErrorRow(400, "InvalidParameter", "Specified CIDR block is not valid")
INVALID_NAME = ErrorRow(400, "InvalidVpcName.Malformed", "Specified VPC name is not valid.")
INVALID_DESCRIPTION = ErrorRow(400, "InvalidVpcDiscription.Malformed", "Specified VPC description is not valid.")
INVALID_USER_CIDR = ErrorRow(400, "IllegalParam.UserCidr", "UserCidr is not a valid or strict address.")
TOO_MANY_USER_CIDRS = ErrorRow(400, "InvalidUserCidr.Quota", "Specified UserCidr number is greater than 3.")
RESERVED_USER_CIDR = ErrorRow(400, "InvalidUserCidr.Malformed", "Specified UserCidr overlapping in of 100.64.0.0/10.")


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
    it has vSwitches no host has anything to do for it (*assumed*). An account may have 100 in a region, unless another
    quota is set: the published one is 10, which tests that run side by side soon use up (*assumed*). Default VPCs do
    not count. A VPC that has been deleted counts until its vSwitches are gone too (*assumed*).
    """

    access = Access.WRITE
    region_not_found = REGION_NOT_FOUND
    errors = (
        REGION_NOT_FOUND,
        INVALID_CIDR,
        MASK_NOT_ALLOWED,
        RESERVED,
        INVALID_NAME,
        INVALID_DESCRIPTION,
        INVALID_USER_CIDR,
        TOO_MANY_USER_CIDRS,
        RESERVED_USER_CIDR,
        NO_SUCH_GROUP,
        QUOTA_EXCEEDED,
        *TAG_ERRORS,
    )

    def validate(self, request: CreateVpcRequest) -> None:
        network = parse_network(request.cidr_block)
        if network is None:
            raise INVALID_CIDR("CidrBlock", request.cidr_block, "must be an IPv4 network such as 10.0.0.0/8")
        if network.prefixlen not in MASKS:
            raise MASK_NOT_ALLOWED("CidrBlock", request.cidr_block, "must have a mask of /8 to /28")
        reserved = within(network, RESERVED_NETWORKS)
        if reserved is not None:
            raise RESERVED("CidrBlock", request.cidr_block, f"must not lie within {reserved}")
        self._validate_user_cidrs(request)
        check_tags(request.tag)

    def _validate_user_cidrs(self, request: CreateVpcRequest) -> None:
        cidrs = request.user_cidr.split(",") if request.user_cidr else []
        if len(cidrs) > _USER_CIDRS:
            raise TOO_MANY_USER_CIDRS("UserCidr", request.user_cidr, f"must name at most {_USER_CIDRS} networks")
        for text in cidrs:
            network = parse_network(text)
            if network is None:
                raise INVALID_USER_CIDR("UserCidr", text, "must be an IPv4 network such as 10.0.0.0/8")
            if network.overlaps(SERVICE_NETWORK):
                raise RESERVED_USER_CIDR("UserCidr", text, f"must not overlap {SERVICE_NETWORK}")

    def execute(self, call: Call, request: CreateVpcRequest) -> CreateVpcResponse:
        group_id = group_for(call, request.resource_group_id)
        quota = call.installation.quotas.vpcs
        leaving = vpcs.count_leaving(call.transaction, call.account_id, call.region.id)
        if vpcs.count(call.transaction, call.account_id, call.region.id) + leaving >= quota:
            raise QUOTA_EXCEEDED(
                "RegionId",
                call.region.id,
                f"has {quota} VPCs of this account, which is its quota; of {leaving} only vSwitches are left",
            )
        row = new_vpc(
            call,
            cidr_block=request.cidr_block,
            resource_group_id=group_id,
            name=request.vpc_name,
            description=request.description,
            user_cidrs=request.user_cidr,
        )
        add_tags(call, ResourceType.VPC, row.region_id, row.id, request.tag)
        return CreateVpcResponse(
            vpc_id=row.id,
            vrouter_id=row.vrouter_id,
            route_table_id=row.route_table_id,
            resource_group_id=row.resource_group_id,
        )
