"""CreateDefaultVpc."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.declaration import Access, NotYet, Operation, Parameter, Request, Response
from gatewright.operations.resource_groups import NO_SUCH_GROUP, group_for
from gatewright.operations.vpcs.adding import new_vpc
from gatewright.operations.vpcs.facts import QUOTA_EXCEEDED, networks_of
from gatewright.resources.addresses import first_free
from gatewright.store import vpcs

#: Where default VPCs lie, and the mask that they have.
_RANGE = IPv4Network("172.16.0.0/12")
_MASK = 16
_DESCRIPTION = "System created default VPC."

ONE_A_REGION = ErrorRow(
    400, "QuotaExceeded.Vpc", "VPC quota exceeded.", "A region has one default VPC: use it, or delete it first."
)


class CreateDefaultVpcRequest(Request, kw_only=True, frozen=True):
    not_yet = (
        NotYet("EnableIpv6", "boolean", "false"),
        NotYet("Ipv6CidrBlock", "string"),
    )

    region_id: Annotated[str, Parameter()]
    resource_group_id: Annotated[str | None, Parameter()] = None
    client_token: ClientToken = None


class CreateDefaultVpcResponse(Response, kw_only=True):
    vpc_id: str
    vrouter_id: str
    route_table_id: str


class CreateDefaultVpc(Operation[CreateDefaultVpcRequest, CreateDefaultVpcResponse]):
    """Create the account's default VPC in a region, which can be one.

    Its network is 172.x.0.0/16: the first that no default VPC of the account in another region has, so that they can
    be connected, or 172.16.0.0/16 when all have one (*assumed*). It does not count as one of the VPCs that an account
    may have in a region, but there is none while the vSwitches of that many deleted ones are not gone (*assumed*). It
    has no name, and the description that the real service gives it (*assumed*).
    """

    access = Access.WRITE
    errors = (ONE_A_REGION, NO_SUCH_GROUP, QUOTA_EXCEEDED)

    def execute(self, call: Call, request: CreateDefaultVpcRequest) -> CreateDefaultVpcResponse:
        group_id = group_for(call, request.resource_group_id)
        others = vpcs.defaults(call.transaction, call.account_id)
        here = next((row for row in others if row.region_id == call.region.id), None)
        if here is not None:
            raise ONE_A_REGION("RegionId", call.region.id, f"has the default VPC {here.id} already")
        quota = call.installation.quotas.vpcs
        leaving = vpcs.count_leaving(call.transaction, call.account_id, call.region.id)
        if leaving >= max(quota, 1):
            raise QUOTA_EXCEEDED("RegionId", call.region.id, f"has the vSwitches of {leaving} deleted VPCs left")
        taken = [network for row in others for network in networks_of(row)]
        network = first_free([_RANGE], taken, _MASK) or IPv4Network((_RANGE.network_address, _MASK))
        row = new_vpc(
            call,
            cidr_block=str(network),
            resource_group_id=group_id,
            description=_DESCRIPTION,
            is_default=True,
        )
        return CreateDefaultVpcResponse(vpc_id=row.id, vrouter_id=row.vrouter_id, route_table_id=row.route_table_id)
