"""CreateDefaultVSwitch."""

from __future__ import annotations

from typing import Annotated

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.declaration import Access, NotYet, Operation, Parameter, Request, Response
from gatewright.operations.vpcs.facts import check_available
from gatewright.operations.vswitches.adding import free_network, new_vswitch
from gatewright.store import vpcs, vswitches

_MASK = 20
_DESCRIPTION = "System created default virtual switch."

ZONE_NOT_FOUND = ErrorRow(
    404, "InvalidZoneId.NotFound", "Specified zone does not exist.", "DescribeZones lists a region's zones."
)
NO_DEFAULT_VPC = ErrorRow(
    404,
    "InvalidVpcId.NotFound",
    "Specified VPC does not exist.",
    "Make the region's default VPC with CreateDefaultVpc.",
)
VPC_PENDING = ErrorRow(
    400,
    "IncorrectDefaultVpcStatus",
    "The status of the default VPC is invalid.",
    "Wait until DescribeVpcAttribute tells Available.",
)
QUOTA_EXCEEDED = ErrorRow(
    400,
    "QuotaExceeded.VSwitch",
    "Virtual switch quota exceeded.",
    "Wait until the vSwitches that are being deleted are gone.",
)
ONE_A_ZONE = ErrorRow(
    403,
    "DefaultVswitch.Existed",
    "The default vswitch for VPC already exists.",
    "A zone has one default vSwitch: use it, or delete it first.",
)
NO_ROOM = ErrorRow(
    400,
    "OperationDenied.AvailableCidrInsufficient",
    "The operation is not allowed because available CIDR is insufficient.",
    "Delete vSwitches of the default VPC, or give it a secondary network.",
)


class CreateDefaultVSwitchRequest(Request, kw_only=True, frozen=True):
    not_yet = (NotYet("Ipv6CidrBlock", "integer"),)

    region_id: Annotated[str, Parameter()]
    zone_id: Annotated[str, Parameter()]
    client_token: ClientToken = None


class CreateDefaultVSwitchResponse(Response, kw_only=True):
    vswitch_id: str


class CreateDefaultVSwitch(Operation[CreateDefaultVSwitchRequest, CreateDefaultVSwitchResponse]):
    """Create the default vSwitch of a zone, in the account's default VPC of the region.

    A zone can have one. Its network is the first free one of /20 (*assumed*). It does not count as one of the vSwitches
    that a VPC may have, but there is none while that many are being deleted (*assumed*). It has no name, and the
    description that the real service gives it (*assumed*).
    """

    access = Access.WRITE
    errors = (ZONE_NOT_FOUND, NO_DEFAULT_VPC, VPC_PENDING, ONE_A_ZONE, QUOTA_EXCEEDED, NO_ROOM)

    def execute(self, call: Call, request: CreateDefaultVSwitchRequest) -> CreateDefaultVSwitchResponse:
        if request.zone_id not in call.region.zones:
            raise ZONE_NOT_FOUND("ZoneId", request.zone_id, f"names no zone of {call.region.id}")
        rows = vpcs.defaults(call.transaction, call.account_id)
        vpc = next((row for row in rows if row.region_id == call.region.id), None)
        if vpc is None:
            raise NO_DEFAULT_VPC("RegionId", call.region.id, "has no default VPC of this account")
        check_available(call, vpc, VPC_PENDING)
        for other in vswitches.of_vpcs(call.transaction, [vpc.id]):
            if other.is_default and other.zone_id == request.zone_id:
                raise ONE_A_ZONE("ZoneId", request.zone_id, f"has the default vSwitch {other.id} already")
        quota = call.installation.quotas.vswitches
        deleting = vswitches.count_deleting(call.transaction, vpc.id)
        if deleting >= max(quota, 1):
            raise QUOTA_EXCEEDED("ZoneId", request.zone_id, f"VPC {vpc.id} has {deleting} vSwitches being deleted")
        network = free_network(call, vpc, _MASK)
        if network is None:
            raise NO_ROOM("ZoneId", request.zone_id, f"VPC {vpc.id} has no free network of /{_MASK} left")
        row = new_vswitch(call, vpc, request.zone_id, network, description=_DESCRIPTION, is_default=True)
        return CreateDefaultVSwitchResponse(vswitch_id=row.id)
