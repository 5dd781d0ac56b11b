"""DeleteVpc."""

from __future__ import annotations

from typing import Annotated

from gatewright.errors import ApiError, ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.declaration import Access, Operation, Parameter, Request, Response
from gatewright.operations.route_tables.dependencies import VPC_ERRORS, in_the_way_of
from gatewright.operations.vpcs.facts import INCORRECT_STATUS, NOT_FOUND, check_available, find_vpc
from gatewright.reconcile import placement
from gatewright.reconcile.telling import of_vpc
from gatewright.resources.events import GONE
from gatewright.resources.statuses import PlainStatus
from gatewright.store import events, gateways, route_tables, tags, vpcs, vswitches
from gatewright.store.vpcs import VpcRow

HAS_VSWITCH = ErrorRow(
    400,
    "DependencyViolation.VSwitch",
    "Specified object has dependent resources",
    "Delete the VPC's vSwitches first.",
)


class DeleteVpcRequest(Request, kw_only=True, frozen=True):
    vpc_id: Annotated[str, Parameter()]
    region_id: Annotated[str | None, Parameter()] = None
    force_delete: Annotated[bool, Parameter()] = False
    client_token: ClientToken = None
    dry_run: Annotated[bool, Parameter()] = False


class DeleteVpcResponse(Response, kw_only=True):
    pass


class DeleteVpc(Operation[DeleteVpcRequest, DeleteVpcResponse]):
    """Delete a VPC that nothing is in. What is in the way is named.

    ``ForceDelete`` deletes IPv4 and IPv6 gateways with the VPC. It has none here, so the parameter changes nothing: a
    vSwitch is in the way with it and without.
    """

    access = Access.WRITE
    errors = (NOT_FOUND, INCORRECT_STATUS, *VPC_ERRORS, HAS_VSWITCH)

    def execute(self, call: Call, request: DeleteVpcRequest) -> DeleteVpcResponse:
        row = find_vpc(call, request.vpc_id, NOT_FOUND)
        check_available(call, row, INCORRECT_STATUS)
        in_the_way = in_the_way_of(call, row) or self._dependent(call, row)
        if in_the_way is not None:
            raise in_the_way
        route_tables.drop(call.transaction, row.route_table_id)
        tags.drop(call.transaction, [row.id, row.route_table_id])
        vpcs.drop(call.transaction, row.id)
        events.add(call.transaction, [of_vpc(row, PlainStatus.AVAILABLE, GONE, call.now)])
        placement.bury_router(call.transaction, row.id)
        return DeleteVpcResponse()

    def _dependent(self, call: Call, row: VpcRow) -> ApiError | None:
        inside = [vswitch.id for vswitch in vswitches.of_vpcs(call.transaction, [row.id])]
        if not inside:
            return None
        gateway = gateways.one_in_vpc(call.transaction, row.id)
        also = f", and with it VPN gateway {gateway}" if gateway else ""
        return HAS_VSWITCH("VpcId", row.id, f"still holds vSwitch {', '.join(inside[:5])}{also}")
