"""DeleteVpc."""

from __future__ import annotations

from typing import Annotated

from gatewright.errors import ApiError, ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.declaration import Access, NotYet, Operation, Parameter, Request, Response
from gatewright.operations.vpcs.facts import NOT_FOUND, find_vpc
from gatewright.store import gateways, route_tables, tags, vpcs, vswitches
from gatewright.store.vpcs import VpcRow

HAS_VSWITCH = ErrorRow(
    400,
    "DependencyViolation.VSwitch",
    "Specified object has dependent resources",
    "Delete the VPC's vSwitches first.",
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
    errors = (NOT_FOUND, HAS_VSWITCH)

    def execute(self, call: Call, request: DeleteVpcRequest) -> DeleteVpcResponse:
        row = find_vpc(call, request.vpc_id, NOT_FOUND)
        in_the_way = self._dependent(call, row)
        if in_the_way is not None:
            raise in_the_way
        route_tables.drop(call.transaction, row.route_table_id)
        tags.drop(call.transaction, [row.id])
        vpcs.drop(call.transaction, row.id)
        return DeleteVpcResponse()

    def _dependent(self, call: Call, row: VpcRow) -> ApiError | None:
        inside = [vswitch.id for vswitch in vswitches.of_vpcs(call.transaction, [row.id])]
        if not inside:
            return None
        gateway = gateways.one_in_vpc(call.transaction, row.id)
        also = f", and with it VPN gateway {gateway}" if gateway else ""
        return HAS_VSWITCH("VpcId", row.id, f"still holds vSwitch {', '.join(inside[:5])}{also}")
